"""Daily cross-section regression of a factor risk model, and its pure factor portfolios.

`regress_dates` regresses the returns of each date on a column of ones, industry membership and K styles,
weighted by the square root of capitalisation, under the constraint that industry returns weighted by
capitalisation add up to zero (`risk_regression_date` is how). `pure_portfolios` gives, for one date, the
weights whose returns the factor returns are. Rows are dates, NaN = not known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superhet.kernels.ranking import Codes, Flags, Floats, Numbers, flags, still
from superhet.kernels.regression_date import Counts
from superhet.kernels.regression_planes import planes_of
from superhet.kernels.risk_regression_blocks import Given, Regressed
from superhet.kernels.risk_regression_date import THIN, regress_all


def regress_dates(
    returns: Numbers,
    styles: Sequence[Numbers] | Numbers,
    codes: Numbers,
    caps: Numbers,
    inside: Numbers | None,
    n_industries: int,
    *,
    lag: int = 0,
    thin: int = THIN,
    robust: float | None = None,
) -> Regressed:
    """Regress the returns of each date on country, industries and styles.

    A name is fitted where `inside` is set and return, industry, capitalisation > 0 and all styles are
    known; a style that no such name knows is left out on that date. A date with fewer than `LEAST` names,
    or no more than slopes, gives NaN. An industry with n < `thin` names gets thin - n names more, each with
    the mean weight of its own: they have the cap-weighted return and styles of the market, no
    capitalisation, and no part in R2 and t. thin = 1 turns that off.

    Parameters
    ----------
    returns : [dates, assets], fraction
    styles : K of [dates, assets], float32 or float64, or one [K, dates, assets]
    codes : [dates, assets] industry, -1 = not known
    caps : [dates, assets] capitalisation; the regression weight is its square root
    inside : [dates, assets] flags of the estimation universe; None = all
    n_industries : number of industries
    lag : returns and `inside` of row t meet styles, codes and caps of row t - lag
    robust : Huber's bound in deviations (1.345 is usual), or None for least squares

    References
    ----------
    Menchero, Orr, Wang, *The Barra US Equity Model (USE4): Methodology Notes*, 2011, sections 2 and 3;
    Heston and Rouwenhorst (1994) for the constraint; Huber (1964), Annals of Mathematical Statistics 35.
    """
    y = np.ascontiguousarray(returns, dtype=np.float64)
    T, N = y.shape
    is_single = len(styles) > 0 and all(style.dtype == np.float32 for style in styles)
    kind = np.float32 if is_single else np.float64
    kept = [_side_by_side(np.asarray(style, dtype=kind)) for style in styles]
    for name, array in (("codes", codes), ("caps", caps)):
        if array.shape != (T, N):
            raise ValueError(f"{name} has shape {array.shape}, the returns have {y.shape}")
    given = Given(
        still(y),
        planes_of(kept, T, np.empty(N, kind)),
        np.empty(N, np.float32),
        np.empty(N, np.float64),
        is_single,
        still(np.ascontiguousarray(codes, dtype=np.int32)),
        still(np.ascontiguousarray(caps, dtype=np.float64)),
        flags(inside, y),
        lag,
        thin,
        0.0 if robust is None else float(robust),
    )
    out = _blank(T, N, n_industries, len(kept), robust is not None)
    regress_all(given, out)
    return out


def _side_by_side(style: Numbers) -> Numbers:
    """Give a style whose assets lie side by side; a copy only where they do not."""
    return style if style.strides[1] == style.itemsize else np.ascontiguousarray(style)


def _blank(T: int, N: int, J: int, K: int, robust: bool) -> Regressed:
    def nans(*shape: int) -> Floats:
        return np.full(shape, np.nan)

    return Regressed(
        nans(T, 1 + J + K),
        nans(T, 1 + J + K),
        np.empty((T, N)),
        nans(T),
        nans(T),
        nans(T, K),
        nans(T),
        np.zeros(T, np.int64),
        np.zeros((T, J), np.int64),
        nans(T, J),
        np.zeros(T, np.int64),
        np.zeros((T, K), np.bool_),
        nans(*((T, N) if robust else (0, 0))),
    )


def pure_portfolios(
    styles: Floats,
    codes: Codes,
    caps: Floats,
    fitted: Flags,
    n_industries: int,
    *,
    thin: int = THIN,
    robust_weights: Floats | None = None,
) -> Floats:
    """Give the portfolios of one date whose returns are the factor returns, [1 + J + K, assets].

    Each has exposure 1 to its factor and 0 to the others (an industry's: 1 to it and -1 to the country).
    The country's weights add up to 1; those of a style to 0, in every industry too. That holds exactly where
    no industry is thin: the names that a thin industry gets more are the market, and bring its industries
    along.
    NaN for an industry without names and a style that is not known (NaN on all fitted names) or collinear.

    Parameters
    ----------
    styles : [K, assets]
    codes : [assets] industry
    caps : [assets]
    fitted : [assets] names of the regression; all that is used of them is known
    n_industries : number of industries
    thin : as `regress_dates` had it
    robust_weights : [assets] Huber weights, if any
    """
    J, K = n_industries, len(styles)
    out = np.full((1 + J + K, codes.size), np.nan)
    places, cap = codes[fitted].astype(np.int64), caps[fitted]
    w = np.sqrt(cap) * (1.0 if robust_weights is None else robust_weights[fitted])
    kept = _independent(styles[:, fitted], places, w, J)
    x = styles[kept][:, fitted]
    share = cap / cap.sum()
    counts, shares = np.bincount(places, minlength=J), np.bincount(places, share, J)
    few = np.flatnonzero((counts > 0) & (counts < thin))
    extra = (thin - counts[few]) * np.bincount(places, w, J)[few] / counts[few]
    own = places.size
    x = np.hstack([x, np.repeat((x @ share)[:, None], few.size, axis=1)])
    places, w = np.concatenate([places, few]), np.concatenate([w, extra])
    middle = (x @ w) / w.sum()
    x = x - middle[:, None]
    totals = np.bincount(places, w, J)
    present = totals > 0.0
    means = np.array([np.bincount(places, w * row, J) for row in x]).reshape(len(x), J)
    means[:, present] /= totals[present]
    within = (x - means[:, places]) * w
    slopes = np.linalg.solve(within @ x.T, within)
    intercepts = -means.T @ slopes
    intercepts[places, np.arange(places.size)] += w / totals[places]
    country = shares @ intercepts
    made = np.full((1 + J + K, places.size), np.nan)
    made[0] = country - middle @ slopes
    made[1 : 1 + J][present] = intercepts[present] - country
    made[1 + J :][kept] = slopes
    made[:, :own] += made[:, own:].sum(axis=1)[:, None] * share
    out[:, :] = np.where(np.isnan(made[:, :1]), np.nan, 0.0)
    out[:, fitted] = made[:, :own]
    return out


def _independent(x: Floats, places: Counts, w: Floats, J: int) -> Flags:
    """Tell which styles the regression keeps: known, and not explained by industries and earlier ones."""
    known = ~np.isnan(x).any(axis=1)
    one = np.ones((1, places.size))
    found = regress_dates(
        np.zeros_like(one),
        np.ascontiguousarray(x)[:, None, :],
        places[None],
        (w * w)[None],
        None,
        J,
        thin=1,
    )
    kept: Flags = known & ~found.collinear[0]
    return kept
