"""The numbers of a factor's tear sheet: superhet, alphalens and pandas, from prices to statistics.

One factor, horizons 1, 5 and 10 from close to close, five quantiles, 30 groups. Nothing is drawn. Reading the
data and bringing it into the form that a library wants (arrays, wide frames, long frames) are not timed.

- tear sheet: forward returns and the cut into quantiles; RankIC, within each group, and by month; returns
  of the book weighted by the factor, its alpha and beta; mean returns by quantile and date, and by quantile
  and group; turnover of the quantiles and rank autocorrelation at the same three lags. superhet gives Pearson
  IC, standard errors and summaries besides. alphalens says what each stage took on standard error.
- without groups: the same but for groups, months and factor returns; with Pearson IC.

Quantiles are cut where `pandas.qcut` cuts, on names whose return over every horizon is known, as alphalens
does. Rank autocorrelation is not compared: superhet ranks among the names known on both dates, the peers
among those of each date; `tests/evaluation/test_alphalens_parity.py` compares both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, bare_market, compare

FULL, SMALL = (1250, 3000), (250, 500)
SCREEN, SIGNALS = (2500, 5000), 158  # one horizon, ten quantiles
HORIZONS, QUANTILES, GROUPS = (1, 5, 10), 5, 30
OUTSIDE = {"alphalens": "alphalens_tear_sheet.py"}
WARM = (40, 300)
SHEET, PLAIN = "tear sheet", "without groups"


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each work and system, and those of many signals."""
    import sys

    found = compare(sys.modules[__name__], SMALL if small else FULL, tables)
    return [*found, *([] if small else screen())]


def inputs(size: Part) -> Arrays:
    """Make prices without holes, and a persistent factor with a little foresight and holes."""
    rng = np.random.default_rng(0)
    dates, assets = size
    noise = rng.standard_normal(size)
    prices = 10.0 * np.exp(np.cumsum(0.02 * noise + 0.01 * rng.standard_normal((dates, 1)), axis=0))
    factor = rng.standard_normal(size)
    for t in range(1, dates):
        factor[t] = 0.9 * factor[t - 1] + np.sqrt(1.0 - 0.81) * factor[t]
    factor[:-1] += 0.04 * noise[1:]
    factor[rng.random(size) < 0.02] = np.nan
    group = np.broadcast_to(np.arange(assets, dtype=np.int32) % GROUPS, size)
    return {"factor": factor, "prices": prices, "group": group}


def parts(size: Part) -> dict[str, Part]:
    """Give every system all of the data."""
    return {}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed."""
    return 1e-10


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.evaluation import Targets, evaluate
    from superhet.panel import Panel

    market = bare_market({"adjusted_close": arrays["prices"]})
    prices = market["adjusted_close"]
    signal = prices.with_values(arrays["factor"], name="factor", unit="score")
    labels = tuple(f"group {g}" for g in range(GROUPS))
    group = Panel(
        values=arrays["group"],
        dates=prices.dates,
        assets=prices.assets,
        name="group",
        unit="group",
        labels=labels,
    )

    def judged(groups: dict[str, Any]) -> Any:
        targets = Targets.build(
            market, horizons=HORIZONS, delay=0, entry="close", complete=True, threads=1
        )
        return evaluate(
            signal,
            targets,
            quantiles=QUANTILES,
            groups=groups,
            lags=HORIZONS,
            edges="interpolated",
            threads=1,
        )

    def sheet() -> Arrays:
        found = judged({"group": group})
        numbers = _numbers(found)
        for h in HORIZONS:
            within, weighted = found.groups["group"][h], found.weighted[h]
            line = weighted.regression
            away = within.quantile_returns - weighted.universe[:, None, None]
            numbers |= {
                f"group {h}": within.rank_ic,
                f"month {h}": found.information[h].by_month()[1],
                f"weighted {h}": weighted.returns,
                f"alpha beta {h}": np.array([line.annual_alpha, line.beta]),
                f"group quantiles {h}": np.nanmean(away[: -max(HORIZONS)], axis=0),
            }
        return numbers

    def plain() -> Arrays:
        found = judged({})
        return _numbers(found) | {f"ic {h}": found.information[h].ic for h in HORIZONS}

    return {SHEET: sheet, PLAIN: plain}


def _numbers(found: Any) -> Arrays:
    numbers = {}
    for h in HORIZONS:
        quantiles = found.quantiles[h]
        numbers |= {
            f"rank ic {h}": found.information[h].rank_ic,
            f"quantiles {h}": quantiles.returns,
            f"turnover {h}": quantiles.turnover,
        }
    return numbers


def pandas(arrays: Arrays) -> Works:
    """Say how one writes it with wide pandas frames."""
    import pandas as pd

    factor, prices = pd.DataFrame(arrays["factor"]), pd.DataFrame(arrays["prices"])

    def plain() -> Arrays:
        forward = {h: prices.shift(-h) / prices - 1.0 for h in HORIZONS}
        known = factor.where(forward[max(HORIZONS)].notna())
        forward = {h: values.where(known.notna()) for h, values in forward.items()}
        edges = known.quantile([q / QUANTILES for q in range(1, QUANTILES)], axis=1)
        bucket = sum(known.gt(edges.iloc[q], axis=0).astype(float) for q in range(QUANTILES - 1))
        bucket = (bucket + 1.0).where(known.notna())
        ranks, found = known.rank(axis=1), {}
        for h, values in forward.items():
            found[f"ic {h}"] = known.corrwith(values, axis=1).to_numpy()
            found[f"rank ic {h}"] = ranks.corrwith(values.rank(axis=1), axis=1).to_numpy()
            means, turned = [], []
            for q in range(1, QUANTILES + 1):
                inside = bucket == q
                means.append(values.where(inside).mean(axis=1))
                left = (inside & (bucket.shift(h) != q)).sum(axis=1) / inside.sum(axis=1)
                turned.append(left.where(np.arange(len(left)) >= h))
            found[f"quantiles {h}"] = np.stack(means, axis=1)
            found[f"turnover {h}"] = np.stack(turned, axis=1)
            own = factor.rank(axis=1)
            own.corrwith(own.shift(h), axis=1)
        return found

    return {PLAIN: plain}


SYSTEMS = {"superhet": superhet, "pandas": pandas}


def tables(folder: Path) -> None:
    """Write the factor, the prices and the groups as alphalens wants them: long and wide, by date."""
    import pandas as pd

    factor, prices = np.load(folder / "factor.npy"), np.load(folder / "prices.npy")
    dates, assets = factor.shape
    days = pd.bdate_range("2014-01-02", periods=dates)
    names = [f"{i:05d}" for i in range(assets)]
    long = {"date": days.repeat(assets), "asset": names * dates, "factor": factor.ravel()}
    pd.DataFrame(long).dropna().to_parquet(folder / "factor.parquet", index=False)
    pd.DataFrame(prices, index=days, columns=names).to_parquet(folder / "prices.parquet")
    group = np.load(folder / "group.npy")[0].tolist()
    (folder / "group.json").write_text(json.dumps(dict(zip(names, group, strict=True))))


def screen() -> list[dict[str, Any]]:
    """Time IC, RankIC, ten quantiles and their turnover of many signals and a given forward return."""
    from benchmarks._harness import peak_mb, timed
    from superhet.evaluation import Targets, evaluate_many

    def panels(size: Part) -> tuple[list[Any], Any]:
        rng = np.random.default_rng(1)
        forward = bare_market({"forward": 0.02 * rng.standard_normal(size)})["forward"]
        values = [rng.standard_normal(size, dtype=np.float32) for _ in range(4)]
        for part in values:
            part[rng.random(size, dtype=np.float32) < 0.01] = np.nan
        return [forward.with_values(v, name=f"signal {i}") for i, v in enumerate(values)], forward

    def work(signals: list[Any], count: int, forward: Any, threads: int) -> int:
        targets = Targets.of({1: forward}, threads=threads)
        turn: Iterator[Any] = (signals[i % len(signals)] for i in range(count))
        found = evaluate_many(turn, targets, quantiles=10, lags=(), threads=threads)
        return sum(one.information[1].rank.count for one in found)

    small, few = panels(SMALL)
    work(small, 4, few, 1)
    signals, forward = panels(SCREEN)
    rows = []
    for threads in (1, 2):
        seconds, cpu, _ = timed(lambda n=threads: work(signals, SIGNALS, forward, n))
        said = f"{SCREEN[0]:,} x {SCREEN[1]:,}, {threads} thread{'s' if threads > 1 else ''}"
        row = {"system": "superhet", "peak_mb": peak_mb(), "ratio": None}
        many = {"seconds": seconds, "cpu_seconds": cpu}
        rows.append(row | many | {"work": f"{said}: {SIGNALS} signals"})
        each = {name: value / SIGNALS for name, value in many.items()}
        rows.append(row | each | {"work": f"{said}: of these, one signal"})
    return rows
