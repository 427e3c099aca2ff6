"""The numbers of a factor's tear sheet: superhet, alphalens and pandas, from prices to statistics.

One factor, horizons 1, 5 and 10 from close to close: forward returns and the cut into five quantiles,
Pearson IC, RankIC, mean returns by quantile and date, turnover of the quantiles and rank autocorrelation at
the same three lags. Nothing is drawn. Reading the data and bringing it into the form that a library wants
(arrays, wide frames, long frames) are not timed.

Each date misses the same share of names, so that a multiple of five is known: where the count is another,
alphalens' quantile edges put a name or two elsewhere than ranks do. Rank autocorrelation is compared to
0.01 only: superhet ranks among the names known on both dates, the peers among those of each date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, bare_market, compare

FULL, SMALL = (1250, 3000), (250, 500)
SCREEN = (2500, 5000)  # one horizon, ten quantiles: the size at which the engine's goal was set
HORIZONS, QUANTILES = (1, 5, 10), 5
TOTAL = True
OUTSIDE = {"alphalens": "alphalens_tear_sheet.py"}
CUT, AUTOCORRELATION = "forward returns and quantile cut", "rank autocorrelation"


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each piece of work and system, and the sums."""
    import sys

    module = sys.modules[__name__]
    return [*compare(module, SMALL if small else FULL, tables), *([] if small else [screen()])]


def inputs(size: Part) -> Arrays:
    """Make prices without holes and a persistent factor with a little foresight and holes."""
    rng = np.random.default_rng(0)
    dates, assets = size
    noise = rng.standard_normal(size)
    prices = 10.0 * np.exp(np.cumsum(0.02 * noise + 0.01 * rng.standard_normal((dates, 1)), axis=0))
    factor = rng.standard_normal(size)
    for t in range(1, dates):
        factor[t] = 0.9 * factor[t - 1] + np.sqrt(1.0 - 0.81) * factor[t]
    factor[:-1] += 0.04 * noise[1:]
    missing = assets - int(0.98 * assets) // QUANTILES * QUANTILES
    holes = rng.random(size).argpartition(missing, axis=1)[:, :missing]
    np.put_along_axis(factor, holes, np.nan, axis=1)
    return {"factor": factor, "prices": prices}


def parts(size: Part) -> dict[str, Part]:
    """Give every system all of the data."""
    return {}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed."""
    return 1e-2 if work == AUTOCORRELATION else 1e-10


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.evaluation import forward_returns, rank_autocorrelation
    from superhet.kernels.information import (
        bucket_means,
        bucket_turnover,
        pearson,
        quantile_buckets,
        sort_order,
        spearman,
    )

    market = bare_market({"adjusted_close": arrays["prices"]})
    signal = market["adjusted_close"].with_values(arrays["factor"], name="factor", unit="score")
    last, state = len(signal.dates) - max(HORIZONS), {}

    def forward(h: int) -> Any:
        return forward_returns(market, horizon=h, delay=0, entry="close").values

    def cut() -> Arrays:
        state["forward"] = {h: forward(h) for h in HORIZONS}
        among = state["forward"][max(HORIZONS)]
        state["bucket"] = quantile_buckets(signal.values, QUANTILES, among=among)
        return {"bucket": state["bucket"][:last]}

    def ic() -> Arrays:
        return {f"{h}": pearson(signal.values, state["forward"][h])[:last] for h in HORIZONS}

    def rank_ic() -> Arrays:
        order = sort_order(signal.values)
        found = {h: spearman(state["forward"][h], signal.values, order_y=order) for h in HORIZONS}
        return {f"{h}": values[:last] for h, values in found.items()}

    def means() -> Arrays:
        found = {h: bucket_means(state["bucket"], state["forward"][h], QUANTILES) for h in HORIZONS}
        return {f"{h}": values[0][:last] for h, values in found.items()}

    def turnover() -> Arrays:
        return {f"{h}": bucket_turnover(state["bucket"], QUANTILES, h)[:last] for h in HORIZONS}

    def autocorrelation() -> Arrays:
        return {f"{h}": rank_autocorrelation(signal, h)[:last] for h in HORIZONS}

    return _works(cut, ic, rank_ic, means, turnover, autocorrelation)


def pandas(arrays: Arrays) -> Works:
    """Say how one writes it with wide pandas frames."""
    import pandas as pd

    factor, prices = pd.DataFrame(arrays["factor"]), pd.DataFrame(arrays["prices"])
    last, state = len(factor) - max(HORIZONS), {}

    def cut() -> Arrays:
        state["forward"] = {h: prices.shift(-h) / prices - 1.0 for h in HORIZONS}
        known = factor.where(state["forward"][max(HORIZONS)].notna())
        share = (known.rank(axis=1) - 0.5).div(known.count(axis=1), axis=0)
        state["bucket"] = np.floor(share * QUANTILES) + 1.0
        return {"bucket": state["bucket"].fillna(0.0).to_numpy()[:last]}

    def ic() -> Arrays:
        found = {h: factor.corrwith(state["forward"][h], axis=1) for h in HORIZONS}
        return {f"{h}": values.to_numpy()[:last] for h, values in found.items()}

    def rank_ic() -> Arrays:
        found = {}
        for h, forward in state["forward"].items():
            ranks = factor.where(forward.notna()).rank(axis=1)
            after = forward.where(factor.notna()).rank(axis=1)
            found[f"{h}"] = ranks.corrwith(after, axis=1).to_numpy()[:last]
        return found

    def means() -> Arrays:
        bucket, found = state["bucket"], {}
        for h, forward in state["forward"].items():
            columns = [forward.where(bucket == q).mean(axis=1) for q in range(1, QUANTILES + 1)]
            found[f"{h}"] = np.stack(columns, axis=1)[:last]
        return found

    def turnover() -> Arrays:
        bucket, found = state["bucket"], {}
        for h in HORIZONS:
            columns = []
            for q in range(1, QUANTILES + 1):
                inside = bucket == q
                left = (inside & (bucket.shift(h) != q)).sum(axis=1) / inside.sum(axis=1)
                columns.append(left.where(np.arange(len(left)) >= h))
            found[f"{h}"] = np.stack(columns, axis=1)[:last]
        return found

    def autocorrelation() -> Arrays:
        ranks = factor.rank(axis=1)
        found = {h: ranks.corrwith(ranks.shift(h), axis=1) for h in HORIZONS}
        return {f"{h}": values.to_numpy()[:last] for h, values in found.items()}

    return _works(cut, ic, rank_ic, means, turnover, autocorrelation)


def _works(*calls: Any) -> Works:
    names = (CUT, "IC", "RankIC", "quantile returns", "quantile turnover", AUTOCORRELATION)
    return dict(zip(names, calls, strict=True))


SYSTEMS = {"superhet": superhet, "pandas": pandas}


def tables(folder: Path) -> None:
    """Write the factor and the prices as alphalens wants them: long and wide, by date."""
    import pandas as pd

    factor, prices = np.load(folder / "factor.npy"), np.load(folder / "prices.npy")
    dates, assets = factor.shape
    days = pd.bdate_range("2014-01-02", periods=dates)
    names = [f"{i:05d}" for i in range(assets)]
    long = {"date": days.repeat(assets), "asset": names * dates, "factor": factor.ravel()}
    pd.DataFrame(long).dropna().to_parquet(folder / "factor.parquet", index=False)
    pd.DataFrame(prices, index=days, columns=names).to_parquet(folder / "prices.parquet")


def screen() -> dict[str, Any]:
    """Time IC, RankIC, ten quantiles and their turnover of one factor and a given forward return."""
    from benchmarks._harness import peak_mb, timed
    from superhet.evaluation import information, quantile_returns

    def panels(size: Part) -> tuple[Any, Any]:
        rng = np.random.default_rng(1)
        forward = bare_market({"forward": rng.standard_normal(size)})["forward"]
        return forward.with_values(rng.standard_normal(size), name="factor"), forward

    def work(signal: Any, forward: Any) -> Arrays:
        found = quantile_returns(signal, forward, 1, quantiles=10)
        return {"ic": information(signal, forward, 1).rank_ic, "returns": found.returns}

    work(*panels(SMALL))
    signal, forward = panels(SCREEN)
    seconds, cpu, _ = timed(lambda: work(signal, forward))
    return {
        "work": f"{SCREEN[0]:,} x {SCREEN[1]:,}: one horizon, IC, RankIC, 10 quantiles, turnover",
        "system": "superhet",
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mb": peak_mb(),
        "ratio": None,
    }
