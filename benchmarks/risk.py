"""The risk model: factor returns, factor covariance and specific risk of every date.

3,000 names x 2,520 dates, country, 31 industries and 10 styles; nothing is missing. Timed from arrays: an
industry is a code for superhet, and a column of zeros and ones, made before, for the peers.

toraniko: sectors under a plain (not cap-weighted) constraint, then styles on what they leave; its style
returns are near ours, not equal: the tests hold its own definition against it. skfolio: `CSLinearRegression`
on industries reparameterised so that cap-weighted returns add up to zero: equal to ours. numpy: the
textbook's restriction matrix, date by date, the design made inside the clock. Each gets some dates, and
is scaled. Covariance is that of the short horizon, with a thousand simulated samples each month.

The whole model, from prices and statements on, is timed by `benchmarks._risk.whole`.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, compare
from benchmarks._risk import whole

FULL, SMALL = (2520, 3000), (300, 500)
INDUSTRIES, STYLES = 31, 10
DATES = {"numpy": 252, "toraniko": 12, "skfolio": 252}
OUTSIDE = {"toraniko": "toraniko_returns.py", "skfolio": "skfolio_returns.py"}
WARM = (80, 200)
RETURNS = "factor returns, country + 31 + 10"
COVARIANCE = "covariance of 42 factors, every date"
SPECIFIC = "specific risk, every date"


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each work and system."""
    return compare(sys.modules[__name__], SMALL if small else FULL) + whole.rows(small=small)


def inputs(size: Part) -> Arrays:
    """Make styles that move slowly, capitalisations, industries, and returns that they explain in part."""
    rng = np.random.default_rng(0)
    dates, assets = size
    industry = rng.integers(0, INDUSTRIES, assets)
    industry[:INDUSTRIES] = np.arange(INDUSTRIES)
    market = 0.01 * rng.standard_normal(dates)
    sectors = 0.005 * rng.standard_normal((dates, INDUSTRIES))
    returns = market[:, None] + sectors[:, industry] + 0.02 * rng.standard_normal(size)
    styles = {}
    for k in range(STYLES):
        style = rng.standard_normal(size)
        for t in range(1, dates):
            style[t] = 0.98 * style[t - 1] + np.sqrt(1.0 - 0.98**2) * style[t]
        returns += style * (0.002 * rng.standard_normal(dates))[:, None]
        styles[f"style_{k}"] = style
    drift = np.cumsum(0.001 * rng.standard_normal(size), axis=0)
    caps = np.exp(rng.normal(22.0, 1.4, assets) + drift)
    codes = np.tile(industry.astype(np.int32), (dates, 1))
    return {"returns": returns, "caps": caps, "codes": codes} | styles


def parts(size: Part) -> dict[str, Part]:
    """Give the peers some of the dates."""
    return {name: (min(dates, size[0]), size[1]) for name, dates in DATES.items()}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed: toraniko's definition is another one."""
    return 0.01 if system == "toraniko" else 1e-10


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.kernels.risk_regression import regress_dates
    from superhet.risk.factor_covariance import covariance_path
    from superhet.risk.specific import specific_risk_path

    styles = [arrays[f"style_{k}"] for k in range(STYLES)]
    codes, caps = arrays["codes"], arrays["caps"]
    fit: dict[str, Any] = {}

    def returns() -> Arrays:
        fit["found"] = regress_dates(
            arrays["returns"], styles, codes, caps, None, INDUSTRIES, thin=1
        )
        f = fit["found"].f
        return {"styles": f[:, 1 + INDUSTRIES :], "country": f[:, 0]}

    def found() -> Any:
        return fit["found"] if fit else (returns(), fit["found"])[1]

    def covariance() -> Arrays:
        return {"x": covariance_path(found().f).values}

    def specific() -> Arrays:
        industries = SimpleNamespace(codes=codes, labels=tuple(map(str, range(INDUSTRIES))))
        exposures: Any = SimpleNamespace(caps=caps, styles=styles, industries=industries)
        return {"x": specific_risk_path(found().residual, exposures).values}

    return {RETURNS: returns, COVARIANCE: covariance, SPECIFIC: specific}


def numpy(arrays: Arrays) -> Works:
    """Say how one writes it with numpy: normal equations, one industry in terms of the others."""
    returns, codes, caps = arrays["returns"], arrays["codes"], arrays["caps"]
    styles = [arrays[f"style_{k}"] for k in range(STYLES)]

    def one(t: int) -> Any:
        x = np.zeros((returns.shape[1], 1 + INDUSTRIES + STYLES))
        x[:, 0], x[np.arange(len(x)), 1 + codes[t]] = 1.0, 1.0
        x[:, 1 + INDUSTRIES :] = np.stack([s[t] for s in styles], axis=1)
        shares = np.bincount(codes[t], caps[t], INDUSTRIES)
        restriction = np.delete(np.eye(x.shape[1]), INDUSTRIES, axis=1)
        restriction[INDUSTRIES, 1:INDUSTRIES] = -shares[:-1] / shares[-1]
        reduced = x @ restriction
        weighed = reduced.T * np.sqrt(caps[t])
        return restriction @ np.linalg.solve(weighed @ reduced, weighed @ returns[t])

    def found() -> Arrays:
        f = np.stack([one(t) for t in range(len(returns))])
        return {"styles": f[:, 1 + INDUSTRIES :], "country": f[:, 0]}

    return {RETURNS: found}


SYSTEMS = {"superhet": superhet, "numpy": numpy}
