"""Write what alphalens gives for a factor and prices; runs in the environment `.peers/alphalens`.

Usage: alphalens_values.py FOLDER [brief], where FOLDER holds what `alphalens_tear_sheet.py` reads. Leaves
values.npz in FOLDER: on the dates and assets of the prices, the quantiles and the sorted groups. If brief,
these are forward returns, quantiles and their turnover only.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from pathlib import Path

import alphalens
import numpy as np
import pandas as pd
from alphalens_tear_sheet import NAMES, PERIODS, QUANTILES, arrays, by_quantile, stages


def main(folder: Path, *, brief: bool) -> None:
    factor = pd.read_parquet(folder / "factor.parquet").set_index(["date", "asset"])["factor"]
    prices = pd.read_parquet(folder / "prices.parquet")
    groups = json.loads((folder / "group.json").read_text())
    state = stages(factor, prices, groups)
    data = state["forward returns and quantile cut"]()
    numbers = cells(data, prices)
    if brief:
        turnover = state["quantile turnover"]()
        for h in PERIODS:
            wide = by_quantile(turnover[h], prices.index)
            numbers[f"turnover {h}"] = wide.to_numpy(dtype=float)
    else:
        found = {name: stage() for name, stage in state.items()}
        numbers |= arrays(found, prices.index, sorted(set(groups.values())))
        numbers |= summaries(data, prices.index)
        for h in PERIODS:
            numbers[f"autocorrelation {h}"] = found["rank autocorrelation"][h].reindex(prices.index)
    np.savez(folder / "values.npz", **numbers)


def cells(data, prices):
    """Give what is known of each date and asset: quantile, and forward returns."""
    axes = {"index": prices.index, "columns": prices.columns}
    columns = {"bucket": "factor_quantile"} | {f"forward {h}": n for h, n in NAMES.items()}
    return {k: data[n].unstack().reindex(**axes).to_numpy(dtype=float) for k, n in columns.items()}


def summaries(data, dates):
    """Give means over dates, spreads and their errors."""
    performance, numbers = alphalens.performance, {}
    means, errors = performance.mean_return_by_quantile(data)
    raw, raw_errors = performance.mean_return_by_quantile(data, by_date=True, demeaned=False)
    spread, error = performance.compute_mean_returns_spread(raw, QUANTILES, 1, raw_errors)
    for h, name in NAMES.items():
        numbers[f"demeaned {h}"] = means[name]
        numbers[f"demeaned error {h}"] = errors[name]
        numbers[f"spread {h}"] = spread[name].reindex(dates)
        numbers[f"spread error {h}"] = error[name].reindex(dates)
    return {name: values.to_numpy(dtype=float) for name, values in numbers.items()}


if __name__ == "__main__":
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # alphalens prints
        warnings.simplefilter("ignore")
        main(Path(sys.argv[1]), brief=sys.argv[2:] == ["brief"])
