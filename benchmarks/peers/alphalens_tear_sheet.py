"""Time the numbers behind an alphalens tear sheet; runs in the environment `.peers/alphalens`.

Usage: alphalens_tear_sheet.py FOLDER, where FOLDER holds factor.parquet (date, asset, factor) and
prices.parquet (dates down, assets across). Prints the rows as JSON and leaves the numbers in FOLDER.
Reading the files and setting the index are not timed.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import alphalens
import numpy as np
import pandas as pd

PERIODS, QUANTILES = (1, 5, 10), 5
NAMES = {h: f"{h}D" for h in PERIODS}


def main(folder: Path) -> list[dict]:
    factor = pd.read_parquet(folder / "factor.parquet").set_index(["date", "asset"])["factor"]
    prices = pd.read_parquet(folder / "prices.parquet")
    size = prices.shape
    dates, assets = prices.index[: -max(PERIODS)], prices.columns
    small = factor[factor.index.get_level_values("date") < prices.index[40]]
    for work in works(small, prices.iloc[:60]).values():
        work()
    rows = []
    for name, work in works(factor, prices).items():
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        row = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
        rows.append({"work": name, **row, "peak_mb": peak_mb()})
        numbers = arrays(name, found, dates, assets)
        np.savez(folder / f"alphalens {size[0]} {size[1]} {name}.npz", **numbers)
    return rows


def works(factor, prices):
    state = {}
    performance = alphalens.performance

    def cut():
        state["data"] = alphalens.utils.get_clean_factor_and_forward_returns(
            factor, prices, quantiles=QUANTILES, periods=PERIODS, max_loss=1.0
        )
        return state["data"]

    def rank_ic():
        return performance.factor_information_coefficient(state["data"])

    def means():
        return performance.mean_return_by_quantile(state["data"], by_date=True, demeaned=False)[0]

    def turnover():
        quantile = state["data"]["factor_quantile"]
        return {
            h: {q: performance.quantile_turnover(quantile, q, h) for q in range(1, QUANTILES + 1)}
            for h in PERIODS
        }

    def autocorrelation():
        return {h: performance.factor_rank_autocorrelation(state["data"], h) for h in PERIODS}

    return {
        "forward returns and quantile cut": cut,
        "RankIC": rank_ic,
        "quantile returns": means,
        "quantile turnover": turnover,
        "rank autocorrelation": autocorrelation,
    }


def arrays(work, found, dates, assets):
    """Put what alphalens gives on dates (and quantiles), in order."""
    quantiles = range(1, QUANTILES + 1)
    if work == "forward returns and quantile cut":
        wide = found["factor_quantile"].unstack().reindex(index=dates, columns=assets)
        return {"bucket": wide.fillna(0).to_numpy(dtype=float)}
    if work == "RankIC":
        return {f"{h}": found[NAMES[h]].reindex(dates).to_numpy() for h in PERIODS}
    if work == "quantile returns":
        by_date = {h: found[NAMES[h]].unstack("factor_quantile") for h in PERIODS}
        return {
            f"{h}": t.reindex(index=dates, columns=quantiles).to_numpy() for h, t in by_date.items()
        }
    if work == "quantile turnover":
        by_date = {h: pd.DataFrame(found[h]) for h in PERIODS}
        return {
            f"{h}": t.reindex(index=dates, columns=quantiles).to_numpy(dtype=float)
            for h, t in by_date.items()
        }
    return {f"{h}": found[h].reindex(dates).to_numpy() for h in PERIODS}


def peak_mb():
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    marks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return (marks or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss])[0] / 1024


if __name__ == "__main__":
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # alphalens prints
        warnings.simplefilter("ignore")
        result = main(Path(sys.argv[1]))
    print(json.dumps(result))
