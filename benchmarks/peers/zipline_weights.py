"""Time zipline-reloaded on target weights; runs in the environment `.peers/zipline`.

Usage: zipline_weights.py FOLDER, the arrays of `benchmarks.backtest`. It trades single shares with
proportional fees at the next close, so its books are not ours and are not kept. Its bundle is written
before, in a folder that is deleted afterwards.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

SCRATCH = tempfile.TemporaryDirectory()
os.environ["ZIPLINE_ROOT"] = SCRATCH.name  # before zipline is imported

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from clock import arrays, row  # noqa: E402
from fees import WORK, capital, invested  # noqa: E402
from zipline import run_algorithm  # noqa: E402
from zipline.api import order_target_percent, set_commission, set_slippage, symbol  # noqa: E402
from zipline.data.bundles import ingest, register  # noqa: E402
from zipline.finance import commission, slippage  # noqa: E402
from zipline.utils.calendar_utils import get_calendar  # noqa: E402


def write_bundle(given, sessions, names):
    """Register and write the bars."""
    last = sessions[-1]
    meta = pd.DataFrame(
        {
            "symbol": names,
            "asset_name": names,
            "start_date": sessions[0],
            "end_date": last,
            "auto_close_date": last + pd.Timedelta(days=1),
            "exchange": "X",
        }
    )
    exchanges = pd.DataFrame(
        [["X", "X", "US"]], columns=["exchange", "canonical_name", "country_code"]
    )

    def frames():
        for i in range(len(names)):
            o, c = given["open"][:, i], given["close"][:, i]
            bars = {"open": o, "high": np.maximum(o, c), "low": np.minimum(o, c), "close": c}
            yield i, pd.DataFrame(bars | {"volume": np.full(len(o), 1e6)}, index=sessions)

    def write(environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustments, *_):
        asset_db_writer.write(equities=meta, exchanges=exchanges)
        daily_bar_writer.write(frames(), show_progress=False)
        adjustments.write()

    register(
        "bars", write, calendar_name="XNYS", start_session=sessions[0], end_session=sessions[-1]
    )
    ingest("bars", show_progress=False)


def main(folder):
    given = arrays(folder, "zipline")
    count, assets = given["close"].shape
    calendar = get_calendar("XNYS")
    sessions = calendar.sessions_in_range("2010-01-04", "2025-12-31")[:count]
    names = [f"A{i:04d}" for i in range(assets)]
    write_bundle(given, sessions, names)
    weights = dict(zip(sessions, invested(given["weights"]), strict=True))

    def initialize(context):
        set_commission(us_equities=commission.PerDollar(0.00026))
        set_slippage(us_equities=slippage.NoSlippage())
        context.held = [symbol(name) for name in names]

    def handle_data(context, data):
        today = pd.Timestamp(data.current_session).tz_localize(None).normalize()
        for asset, weight in zip(context.held, weights[today], strict=True):
            order_target_percent(asset, weight)

    def run():
        return run_algorithm(
            start=sessions[0],
            end=sessions[-1],
            initialize=initialize,
            handle_data=handle_data,
            capital_base=capital(assets),
            bundle="bars",
            data_frequency="daily",
            benchmark_returns=pd.Series(0.0, index=sessions),
            trading_calendar=calendar,
        )

    return [row(run, WORK)[0]]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
