"""Significance when many factors were tried: the best of many looks good by luck alone.

Benjamini and Hochberg bound the share of false finds among all finds; White's reality check and Hansen's
test of superior predictive ability ask whether the best of many earned more than nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, DataError, MissingExtra
from superhet.evaluation.bootstrap import block_length

Floats = npt.NDArray[np.float64]
_FEWEST_DATES = 20


@dataclass(frozen=True, kw_only=True)
class SpaResult:
    """Probabilities of a best factor as good as this one, if none is better than the benchmark.

    Parameters
    ----------
    p_lower, p_consistent, p_upper : Hansen's; the consistent one is the one to quote
    white_p : White's reality check
    dates : on which all factors are known, the ones used
    block : mean length of a block of the stationary bootstrap, in dates
    """

    p_lower: float
    p_consistent: float
    p_upper: float
    white_p: float
    dates: int
    block: int


def benjamini_hochberg(p: Floats) -> Floats:
    """Adjust p-values so that rejecting those at most q keeps the share of false finds at most q.

    Parameters
    ----------
    p : [tests], each in [0, 1]; a NaN stays NaN and is not counted as a test

    Returns
    -------
    [tests], at least p and at most 1

    References
    ----------
    Benjamini & Hochberg (1995), JRSS B 57; holds for tests that depend positively: Benjamini & Yekutieli
    (2001), Annals of Statistics 29.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5]))
    array([0.04      , 0.05333333, 0.05333333, 0.5       ])
    """
    given = np.asarray(p, dtype=np.float64)
    out = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    if known.size == 0:
        return out
    if given[known].min() < 0.0 or given[known].max() > 1.0:
        raise ConfigError("p", "must lie between 0 and 1")
    order = known[np.argsort(given[known], kind="stable")]
    raised = given[order] * known.size / np.arange(1, known.size + 1)
    out[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return out


def spa(
    returns: Floats,
    benchmark: Floats | None = None,
    *,
    horizon: int = 1,
    draws: int = 1000,
    seed: int = 0,
) -> SpaResult:
    """Ask whether the best of many factors beats the benchmark, counting that it is the best of many.

    Parameters
    ----------
    returns : [dates, factors], of each factor's portfolio (or its IC); left out are dates on which one is
        NaN, and factors that do not move against the benchmark
    benchmark : [dates], or None for 0
    horizon : dates over which neighbouring returns overlap; blocks are at least as long
    draws : of the stationary bootstrap
    seed : of those draws

    Raises
    ------
    MissingExtra
        without `arch`
    DataError
        with fewer than twenty dates on which all are known, and where none moves against the benchmark

    References
    ----------
    White (2000), Econometrica 68; Hansen (2005), Journal of Business & Economic Statistics 23.
    """
    values = np.asarray(returns, dtype=np.float64)
    base = np.zeros(len(values)) if benchmark is None else np.asarray(benchmark, dtype=np.float64)
    known = ~np.isnan(values).any(axis=1) & ~np.isnan(base)
    values, base = values[known], base[known]
    dates = int(known.sum())
    if dates < _FEWEST_DATES:
        raise DataError(
            f"all {values.shape[1]} factors are known together on {dates} dates, at least "
            f"{_FEWEST_DATES} are needed; leave out those that begin late"
        )
    excess = values - base[:, None]
    moving = excess.std(axis=0) > 1e-15  # the benchmark itself, or a dead factor, has no t
    if not moving.any():
        raise DataError("no factor moves against the benchmark: there is nothing to test")
    values, excess = values[:, moving], excess[:, moving]
    block = max(horizon, round(max(block_length(column) for column in excess.T)))
    hansen = _test(values, base, block, (draws, seed), studentize=True)
    white = _test(values, base, block, (draws, seed), studentize=False)
    return SpaResult(
        p_lower=float(hansen["lower"]),
        p_consistent=float(hansen["consistent"]),
        p_upper=float(hansen["upper"]),
        white_p=float(white["upper"]),
        dates=dates,
        block=block,
    )


def _test(
    values: Floats, base: Floats, block: int, draws: tuple[int, int], *, studentize: bool
) -> Any:
    try:
        from arch.bootstrap import SPA
    except ImportError as error:
        raise MissingExtra("arch", "stats") from error
    test = SPA(  # losses: a return is one with its sign turned
        -base,
        -values,
        block_size=block,
        reps=draws[0],
        bootstrap="stationary",
        studentize=studentize,
        seed=draws[1],
    )
    test.compute()
    return test.pvalues
