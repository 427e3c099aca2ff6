"""Time vectorbt's Rust engine on target weights; runs in the environment `.peers/vectorbt`.

Usage: vectorbt_orders.py FOLDER, the arrays of `benchmarks.backtest`. Its fees are proportional, so its books
are not ours and are not kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt
from clock import arrays, row
from fees import LOT, WORK, capital, invested


def work(given):
    """Give the work: the value of every session."""
    sessions, assets = given["close"].shape
    axes = {
        "index": pd.bdate_range("2014-01-02", periods=sessions),
        "columns": [f"a{i}" for i in range(assets)],
    }
    close, opened = (pd.DataFrame(given[name], **axes) for name in ("close", "open"))
    weights = pd.DataFrame(invested(given["weights"]), **axes)
    size, marks = weights.shift(1), close.shift(1)

    def run():
        book = vbt.Portfolio.from_orders(
            close,
            size=size,
            size_type="targetpercent",
            price=opened,
            val_price=marks,
            fees=0.00026,
            group_by=True,
            cash_sharing=True,
            call_seq="auto",
            init_cash=capital(assets),
            size_granularity=LOT,
            freq="1D",
            engine="rust",
        )
        return book.value()

    return run


def main(folder):
    given = arrays(folder, "vectorbt")
    work({name: np.array(values[:40, :60]) for name, values in given.items()})()
    return [row(work(given), WORK, calls=50)[0]]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
