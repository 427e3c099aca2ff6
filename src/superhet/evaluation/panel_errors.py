"""Regression on a panel, with the errors that its two directions ask for.

Returns of one firm share what the firm is, returns of one date share what the date was; an error that
ignores this is too small. Beside one another: the plain error, White's, clusters by firm, by time and by
both, and Fama and MacBeth's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError
from superhet.evaluation.summary import plain
from superhet.kernels.covariance import newey_west_mean_variance

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class FamaMacBeth:
    """Means of the slopes of each period, and their errors.

    Parameters
    ----------
    coefficients, errors : [constant and columns]
    slopes : [periods, constant and columns]; NaN where a period has too few observations
    """

    coefficients: Floats
    errors: Floats
    slopes: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class PanelRegression:
    """Slopes of a panel and what each error says of them; the constant comes first.

    Parameters
    ----------
    count : observations used
    coefficients : [constant and columns], of all observations together
    errors : "ols", "white" (HC1), "firm", "time" and "both" -> [constant and columns]
    fama_macbeth : period by period
    """

    count: int
    coefficients: Floats
    errors: Mapping[str, Floats] = field(default_factory=dict)
    fama_macbeth: FamaMacBeth

    def t(self, error: str) -> Floats:
        """Give coefficients / errors of one kind, [constant and columns]."""
        return self.coefficients / self.errors[error]

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON."""
        periods = self.fama_macbeth
        return {
            "count": self.count,
            "coefficients": plain(self.coefficients),
            "errors": {name: plain(e) for name, e in self.errors.items()},
            "fama_macbeth": {
                "coefficients": plain(periods.coefficients),
                "errors": plain(periods.errors),
            },
        }


def panel_regression(
    y: Floats,
    x: Floats,
    *,
    firm: npt.NDArray[Any],
    time: npt.NDArray[Any],
    lags: int = 0,
) -> PanelRegression:
    """Regress a panel in long form on a constant and columns.

    Parameters
    ----------
    y : [observations]
    x : [observations, columns] or [observations], without the constant
    firm, time : [observations], who and when; any values that can be sorted
    lags : of Newey and West's error of the mean slope of Fama and MacBeth; 0 takes periods for independent

    Returns
    -------
    of the observations where y and all columns are known

    Raises
    ------
    DataError
        if lengths differ, columns are collinear, or there are fewer observations than coefficients

    Notes
    -----
    Clusters: (X'X)⁻¹ (Σ_g s_g s_g') (X'X)⁻¹ G / (G - 1) · (n - 1) / (n - k), s_g the scores of a cluster.
    Both: firm + time - their intersection, each with its own factor. The mean slope of Fama and MacBeth
    has the error deviation (ddof 1) / √periods.

    References
    ----------
    Petersen (2009), Review of Financial Studies 22; Cameron, Gelbach & Miller (2011), Journal of Business &
    Economic Statistics 29; Fama & MacBeth (1973), Journal of Political Economy 81.
    """
    target, columns, firms, times = _observations(y, x, firm, time)
    n, k = columns.shape
    gram = columns.T @ columns
    if n <= k or np.linalg.matrix_rank(gram) < k:
        raise DataError(f"{n} observations and {k} coefficients, constant included: collinear")
    bread = np.linalg.inv(gram)
    slopes = bread @ (columns.T @ target)
    residual = target - columns @ slopes
    scores = columns * residual[:, None]
    both = np.unique(firms * (times.max() + 1) + times, return_inverse=True)[1].ravel()
    meat = {name: _clustered(scores, g) for name, g in (("firm", firms), ("time", times))}
    meat["both"] = meat["firm"] + meat["time"] - _clustered(scores, both)
    meat["white"] = scores.T @ scores * (n / (n - k))
    errors = {"ols": np.sqrt(np.diag(bread) * (residual @ residual) / (n - k))}
    for name in ("white", "firm", "time", "both"):
        variance = np.diag(bread @ meat[name] @ bread)
        errors[name] = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    return PanelRegression(
        count=n,
        coefficients=slopes,
        errors=errors,
        fama_macbeth=_fama_macbeth(target, columns, times, lags),
    )


def _observations(
    y: Floats, x: Floats, firm: npt.NDArray[Any], time: npt.NDArray[Any]
) -> tuple[Floats, Floats, Codes, Codes]:
    target = np.asarray(y, dtype=np.float64)
    columns = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    if not len(target) == len(columns) == len(firm) == len(time):
        lengths = {"y": len(y), "x": len(x), "firm": len(firm), "time": len(time)}
        raise DataError(f"the lengths differ: {lengths}")
    known = ~np.isnan(target) & ~np.isnan(columns).any(axis=1)
    target, columns = target[known], columns[known]
    columns = np.column_stack([np.ones(len(columns)), columns])
    codes = [np.unique(np.asarray(c)[known], return_inverse=True)[1].ravel() for c in (firm, time)]
    return target, columns, codes[0].astype(np.int64), codes[1].astype(np.int64)


def _clustered(scores: Floats, cluster: Codes) -> Floats:
    """Sum the outer products of the clusters' scores, with the factor for few clusters."""
    n, k = scores.shape
    count = int(cluster.max()) + 1
    if count < 2:
        return np.full((k, k), np.nan)
    sums = np.stack([np.bincount(cluster, column, count) for column in scores.T], axis=1)
    return np.asarray(sums.T @ sums * (count / (count - 1)) * ((n - 1) / (n - k)))


def _fama_macbeth(target: Floats, columns: Floats, times: Codes, lags: int) -> FamaMacBeth:
    k = columns.shape[1]
    periods = int(times.max()) + 1
    slopes = np.full((periods, k), np.nan)
    order = np.argsort(times, kind="stable")
    ends = np.cumsum(np.bincount(times, minlength=periods))
    for period, rows in enumerate(np.split(order, ends[:-1])):
        here = columns[rows]
        if np.linalg.matrix_rank(here) == k:
            slopes[period] = np.linalg.lstsq(here, target[rows], rcond=None)[0]
    known = slopes[~np.isnan(slopes[:, 0])]
    count = len(known)
    nothing = np.full(k, np.nan)
    if count < 2:
        return FamaMacBeth(coefficients=nothing, errors=nothing, slopes=slopes)
    errors = known.std(axis=0, ddof=1) / np.sqrt(count)
    if lags > 0:
        errors = np.sqrt([newey_west_mean_variance(column, lags) for column in slopes.T])
    return FamaMacBeth(coefficients=known.mean(axis=0), errors=errors, slopes=slopes)
