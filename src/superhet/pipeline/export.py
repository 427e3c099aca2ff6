"""Export: the values that people take elsewhere, as Parquet in the run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from superhet.panel import BacktestResult, Panel
from superhet.panel.frames import records_to_polars, to_polars
from superhet.pipeline.artifacts import write_atomic
from superhet.pipeline.stages import Values

if TYPE_CHECKING:
    import polars as pl


def export_tables(folder: Path, values: Mapping[str, Values]) -> None:
    """Write super_factor, weights, returns, trades and orders_refused."""
    import polars as pl

    result: BacktestResult = values["backtest"]["result"]
    weights: Panel = values["portfolio"]["weights"]
    held = weights.with_values(
        np.where(weights.values == 0.0, np.nan, weights.values), name="weight"
    )
    assets = pl.Series(np.array(result.holdings.assets.values, dtype=object), dtype=pl.String)

    def named(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(assets.gather(frame["asset"].cast(pl.UInt32)).alias("asset"))

    tables = {
        "super_factor": to_polars(values["synthesis"]["super_factor"]),
        "weights": to_polars(held),
        "returns": pl.DataFrame(
            {
                "date": result.dates.values,
                "equity": result.equity.copy(),
                "net_return": result.returns.copy(),
                "gross_return": result.gross_returns.copy(),
                "turnover": result.turnover.copy(),
            }
        ),
        "trades": named(records_to_polars(result.trades)),
        "orders_refused": named(records_to_polars(result.orders_refused)),
    }
    for name, frame in tables.items():
        write_atomic(folder / "tables" / f"{name}.parquet", _writer(frame))


def _writer(frame: pl.DataFrame) -> Callable[[Path], None]:
    return lambda path: frame.write_parquet(path, compression="zstd")
