"""The whole model, from prices and statements to risk, per factor and date; against skfolio's model.

5,000 names x 2,500 dates, 31 industries, quarterly statements told 30 sessions after their quarter; nothing
is missing. Both make a country, 31 industries and the ten styles of CNE5 of the same data, regress with
weights of the root of capitalisation and industry returns that add up to zero, and give factor covariance
and specific risk of the last date. The descriptors of skfolio are its own nearest: exponential windows for
CNE5's, one growth rate for two slopes, no CMRA, no STOQ and STOA; no eigenfactor adjustment, no structural
and no shrunken specific risk. So only the country's return is compared, to 0.002 where its deviation is 0.01.

skfolio is given statements that were laid on the dates before; superhet does that within its time.
The second row, forecasts of every date, is what files and validation are made of; skfolio has no such path.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, compare

FULL, SMALL = (2500, 5000), (400, 200)
WARM = (400, 200)
INDUSTRIES, FACTORS = 31, 42
COMPARED = 100
QUARTER, BEFORE, LATE = 63, 24, 30
"""Sessions of a quarter; quarters told before the first date; sessions until a quarter is told."""
LAST, EVERY = "whole model, risk of the last date", "whole model, risk of every date"
DATES = {"skfolio": 1250}
OUTSIDE = {"skfolio": "skfolio_model.py"}
LEVELS = ("equity", "total_liabilities", "total_assets", "long_term_debt")
FLOWS = ("net_profit", "operating_cash_flow", "revenue")


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each work and system, with the microseconds of CPU a factor and date."""
    size = SMALL if small else FULL
    found = compare(sys.modules[__name__], size)
    for row in found:
        row["each"] = 1e6 * row["cpu_seconds"] / (FACTORS * size[0])
        row["work"] += f", {row['each']:,.0f} µs a factor-day"
    return found


def inputs(size: Part) -> Arrays:
    """Make returns of market, industries and six traits, caps, turnover, and statements by quarter."""
    rng = np.random.default_rng(0)
    dates, assets = size
    industry = rng.integers(0, INDUSTRIES, assets)
    industry[:INDUSTRIES] = np.arange(INDUSTRIES)
    traits = rng.standard_normal((6, assets))
    beta = 1.0 + 0.3 * traits[0]
    market = 0.01 * rng.standard_normal(dates)
    returns = market[:, None] * beta + 0.02 * rng.standard_normal(size)
    returns += 0.005 * rng.standard_normal((dates, INDUSTRIES))[:, industry]
    returns += 0.002 * rng.standard_normal((dates, 6)) @ traits
    caps = np.exp(rng.normal(22.0, 1.4, assets) + traits[1] + np.log1p(returns).cumsum(axis=0))
    turnover = 0.01 * np.exp(0.5 * traits[2] + 0.5 * rng.standard_normal(size))
    quarters = BEFORE + dates // QUARTER + 1
    growth = 1.0 + 0.02 * np.arange(quarters)[:, None] * (1.0 + 0.3 * traits[3])
    equity = caps[0] * np.exp(-1.0 + 0.4 * traits[4]) * growth
    debt = equity * np.exp(0.5 * traits[5])
    made = {"equity": equity, "total_liabilities": debt, "total_assets": equity + debt}
    made["long_term_debt"] = 0.4 * debt
    for name, share in zip(FLOWS, (0.02, 0.03, 0.3), strict=True):
        made[name] = share * equity * np.exp(0.1 * rng.standard_normal(equity.shape))
    codes = np.tile(industry.astype(np.int32), (dates, 1))
    return {"returns": returns, "caps": caps, "turnover": turnover, "codes": codes} | made


def parts(size: Part) -> dict[str, Part]:
    """Give the peer some of the dates: it holds the exposures of all of them in memory at once."""
    return {name: (min(dates, size[0]), size[1]) for name, dates in DATES.items()}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed: the styles are not the same ones."""
    return 0.002


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    import warnings

    from superhet.risk import FundamentalModel, MissingDescriptors

    warnings.simplefilter("ignore", MissingDescriptors)  # there are no estimates on either side
    market = _market(arrays)

    def fit() -> Any:
        return FundamentalModel().fit(market)

    def last() -> Arrays:
        model = fit()
        model.at(market.dates.values[-1])
        return {"country": model.regressions_.f[-COMPARED:, 0]}

    def every() -> Arrays:
        return {"country": fit().estimates().factor_returns[-COMPARED:, 0]}

    return {LAST: last, EVERY: every}


def _market(arrays: Arrays) -> Any:
    from dataclasses import replace

    from benchmarks._harness import bare_market
    from superhet.panel import Panel

    names = {"returns": "returns", "caps": "market_cap", "turnover": "turnover"}
    bare = bare_market({names[n]: arrays[n] for n in names})
    industry = Panel(
        values=arrays["codes"],
        dates=bare.dates,
        assets=bare.assets,
        name="industry",
        unit="group",
        labels=tuple(f"industry {k}" for k in range(INDUSTRIES)),
    )
    return replace(
        bare, group_panels={"industry": industry}, events={"statements": _statements(arrays, bare)}
    )


def _statements(arrays: Arrays, market: Any) -> Any:
    """Tell each quarter some sessions after it ended; those before the first date are known on it."""
    from superhet.panel import Events

    quarters, assets = arrays["equity"].shape
    told = (np.arange(quarters) - BEFORE) * QUARTER + LATE
    quarters = int((told < len(market.dates)).sum())
    first = np.datetime64("2013-12") - 3 * (BEFORE - 1)
    ends = (first + 3 * np.arange(quarters) + 1).astype("datetime64[D]") - 1
    known = market.dates.days[np.maximum(told[:quarters], 0)].astype("datetime64[D]")
    columns = {
        "asset": np.tile(np.arange(assets), quarters),
        "report_date": np.repeat(ends, assets),
        "revision": np.zeros(quarters * assets, dtype=np.int64),
        **{n: arrays[n][:quarters].ravel() for n in (*LEVELS, *FLOWS)},
    }
    basis = dict.fromkeys(FLOWS, "quarter")
    return Events(
        name="statements", columns=columns, known_at=np.repeat(known, assets), basis=basis
    )


SYSTEMS = {"superhet": superhet}
