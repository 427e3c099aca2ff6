"""Time the numbers behind an alphalens tear sheet; runs in the environment `.peers/alphalens`.

Usage: alphalens_tear_sheet.py FOLDER, where FOLDER holds factor.parquet (date, asset, factor), prices.parquet
(dates down, assets across) and group.json (asset -> group). Prints one row as JSON, what each stage took on
standard error, and leaves the numbers in FOLDER. Reading the files and setting the index are not timed.
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
WORK = "tear sheet"


def main(folder: Path) -> list[dict]:
    factor = pd.read_parquet(folder / "factor.parquet").set_index(["date", "asset"])["factor"]
    prices = pd.read_parquet(folder / "prices.parquet")
    groups = json.loads((folder / "group.json").read_text())
    size = prices.shape
    small = factor[factor.index.get_level_values("date") < prices.index[40]]
    small = small[small.index.get_level_values("asset").isin(prices.columns[:300])]
    for stage in stages(small, prices.iloc[:60, :300], groups).values():
        stage()
    found, row = {}, {"work": WORK, "seconds": 0.0, "cpu_seconds": 0.0}
    for name, stage in stages(factor, prices, groups).items():
        wall, cpu = time.perf_counter(), time.process_time()
        found[name] = stage()
        took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
        print(f"alphalens, {name}: {took['cpu_seconds']:.2f} CPU seconds", file=sys.stderr)
        for clock, value in took.items():
            row[clock] += value
    row["peak_mb"] = peak_mb()
    numbers = arrays(found, prices.index, sorted(set(groups.values())))
    np.savez(folder / f"alphalens {size[0]} {size[1]} {WORK}.npz", **numbers)
    return [row]


def stages(factor, prices, groups):
    state = {}
    performance = alphalens.performance

    def cut():
        state["data"] = alphalens.utils.get_clean_factor_and_forward_returns(
            factor, prices, groupby=groups, quantiles=QUANTILES, periods=PERIODS, max_loss=1.0
        )
        return state["data"]

    def turnover():
        quantile = state["data"]["factor_quantile"]
        return {
            h: {q: performance.quantile_turnover(quantile, q, h) for q in range(1, QUANTILES + 1)}
            for h in PERIODS
        }

    return {
        "forward returns and quantile cut": cut,
        "IC": lambda: performance.factor_information_coefficient(state["data"]),
        "IC by group": lambda: performance.factor_information_coefficient(
            state["data"], by_group=True
        ),
        "mean IC by month": lambda: performance.mean_information_coefficient(
            state["data"], by_time="ME"
        ),
        "factor returns": lambda: performance.factor_returns(state["data"]),
        "alpha and beta": lambda: performance.factor_alpha_beta(state["data"]),
        "quantile returns by date": lambda: performance.mean_return_by_quantile(
            state["data"], by_date=True, demeaned=False
        )[0],
        "quantile returns by group": lambda: performance.mean_return_by_quantile(
            state["data"], by_group=True
        )[0],
        "quantile turnover": turnover,
        "rank autocorrelation": lambda: {
            h: performance.factor_rank_autocorrelation(state["data"], h) for h in PERIODS
        },
    }


def arrays(found, dates, groups):
    """Put what alphalens gives on all dates, groups and quantiles, in order."""
    quantiles, numbers = range(1, QUANTILES + 1), {}
    for h, name in NAMES.items():
        by_date = found["quantile returns by date"][name].unstack("factor_quantile")
        by_group = found["quantile returns by group"][name].unstack("factor_quantile")
        within = found["IC by group"][name].unstack("group")
        numbers |= {
            f"rank ic {h}": found["IC"][name].reindex(dates),
            f"group {h}": within.reindex(index=dates, columns=groups),
            f"month {h}": found["mean IC by month"][name],
            f"weighted {h}": found["factor returns"][name].reindex(dates),
            f"alpha beta {h}": found["alpha and beta"][name],
            f"quantiles {h}": by_date.reindex(index=dates, columns=quantiles),
            f"group quantiles {h}": by_group.reindex(index=groups, columns=quantiles),
            f"turnover {h}": by_quantile(found["quantile turnover"][h], dates),
        }
    return {name: values.to_numpy(dtype=float) for name, values in numbers.items()}


def by_quantile(turnover, dates):
    """Put the turnover of each quantile on all dates, quantiles in order."""
    return pd.DataFrame(turnover).reindex(index=dates, columns=range(1, QUANTILES + 1))


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
