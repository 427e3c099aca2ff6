"""Cross-section pictures that no other room gives: correlation of members, ages, groups, months.

All of it only reads a Study's panels; information coefficients come from `superhet.evaluation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.panel import Cube, Dates

Series = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
MAX_DATES = 250  # mean correlations settle long before; more dates only cost time


def spread_rows(count: int, most: int = MAX_DATES) -> npt.NDArray[np.int64]:
    """Pick at most `most` positions of `count`, evenly spread, the last included."""
    picked = np.linspace(count - 1, 0, min(count, most)).round().astype(np.int64)
    return np.unique(picked)


def mean_correlation(signals: Cube) -> Series:
    """Correlate members across assets on each date and average over dates, [names, names].

    Each pair uses the assets that know both. Dates are thinned to `MAX_DATES`; a pair that is never
    known together gives NaN.
    """
    rows = spread_rows(len(signals.dates))
    panels = [signals[n].values for n in signals]
    total, count = np.zeros((len(panels),) * 2), np.zeros((len(panels),) * 2)
    for row in rows:
        one = _pairwise(np.array([p[row] for p in panels], dtype=np.float64))
        usable = np.isfinite(one)
        total[usable] += one[usable]
        count += usable
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _pairwise(values: Series) -> Series:
    there = np.isfinite(values)
    filled, mask = np.where(there, values, 0.0), there.astype(np.float64)
    n = mask @ mask.T
    sums, squares = filled @ mask.T, filled**2 @ mask.T
    enough = np.maximum(n, 1.0)
    covariance = filled @ filled.T / enough - (sums / enough) * (sums.T / enough)
    variance = squares / enough - (sums / enough) ** 2
    scale = np.sqrt(np.maximum(variance * variance.T, 0.0))
    usable = (n >= 3) & (scale > 1e-14)
    return np.where(usable, covariance / np.where(usable, scale, 1.0), np.nan)


def clustered_order(correlation: Series) -> list[int]:
    """Order names so that like stands beside like (average linkage on 1 - |correlation|)."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(correlation) < 3:
        return list(range(len(correlation)))
    distance = 1.0 - np.abs(np.nan_to_num(correlation))
    distance = np.clip((distance + distance.T) / 2, 0.0, 1.0)
    np.fill_diagonal(distance, 0.0)
    return [int(i) for i in leaves_list(linkage(squareform(distance, checks=False), "average"))]


def mean_by_row(values: Series, inside: Mask | None = None) -> Series:
    """Average each date over the assets that are known (and inside), [dates]; NaN where there is none."""
    there = np.isfinite(values) if inside is None else np.isfinite(values) & inside
    count = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def five_numbers(values: Series) -> Series:
    """Give the 5, 25, 50, 75 and 95 % points of what is known, [5]."""
    there = values[np.isfinite(values)]
    if there.size == 0:
        return np.full(5, np.nan)
    return np.percentile(there, [5, 25, 50, 75, 95])


@dataclass(frozen=True, eq=False)
class Months:
    """A number for each month: [years, 12], NaN where the period has no day."""

    years: tuple[int, ...]
    values: Series


def by_month(dates: Dates, series: Series, *, compound: bool = False) -> Months:
    """Average a series by month, or compound it as returns."""
    months = dates.values.astype("datetime64[M]").astype(np.int64)
    years = tuple(range(1970 + int(months[0] // 12), 1971 + int(months[-1] // 12)))
    out = np.full((len(years), 12), np.nan)
    for month in np.unique(months):
        part = series[months == month]
        part = part[np.isfinite(part)]
        if part.size:
            value = np.prod(1.0 + part) - 1.0 if compound else part.mean()
            out[1970 + month // 12 - years[0], month % 12] = value
    return Months(years, out)


def month_sums(dates: Dates, series: Sequence[Series]) -> tuple[list[str], list[Series]]:
    """Add each series up by month; gives the months' names and the sums."""
    months, at = np.unique(dates.values.astype("datetime64[M]"), return_inverse=True)
    sums: list[Series] = [
        np.bincount(at, weights=np.nan_to_num(s), minlength=len(months)).astype(np.float64)
        for s in series
    ]
    return [str(m) for m in months], sums


def rolling_mean(series: Series, window: int) -> Series:
    """Average the last `window` known values at each date; NaN until half a window is known."""
    there = np.isfinite(series)
    total = np.cumsum(np.where(there, series, 0.0))
    count = np.cumsum(there).astype(np.float64)
    total[window:], count[window:] = (
        total[window:] - total[:-window],
        count[window:] - count[:-window],
    )
    return np.where(count >= window / 2, total / np.maximum(count, 1.0), np.nan)


def rolling_sharpe(returns: Series, window: int, periods_per_year: int) -> Series:
    """Give the annualised Sharpe ratio of the last `window` returns; NaN before a whole window."""
    out = np.full(returns.shape, np.nan)
    if len(returns) < window:
        return out
    parts = np.lib.stride_tricks.sliding_window_view(returns, window)
    deviation = parts.std(axis=1, ddof=1)
    moves = deviation > 1e-15
    mean = parts.mean(axis=1)
    out[window - 1 :] = np.where(moves, mean / np.where(moves, deviation, 1.0), np.nan)
    annual: Series = out * np.sqrt(periods_per_year)
    return annual
