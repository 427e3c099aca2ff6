"""How much of a signal or portfolio is a style: the ten rulers laid against it.

1. cross-section: correlation with each exposure, R² on all together, variance inflation   -> correlate
2. through time: the return of a portfolio that is the signal, beside the pure ones of the styles -> _in_time
3. what is held: exposure of the portfolio in standard deviations                                -> _held

Signals and exposures of a date earn the returns of the date after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import NoSignal
from superhet.kernels.style_overlap import (
    correlation_in_time,
    correlations_by_date,
    inflation_by_date,
)
from superhet.panel import Panel, require_same_axes
from superhet.risk.estimates import RiskEstimates

Floats = npt.NDArray[np.float64]
FIFTH = 0.2


@dataclass(frozen=True, eq=False, kw_only=True)
class StyleOverlap:
    """A signal or portfolio beside the styles.

    Parameters
    ----------
    name : of the signal or portfolio
    kind : "signal" or "portfolio"
    correlation : style -> mean over dates of the cross-section correlation with the exposure; of a portfolio,
        of its weights among the names that can be held
    returns : style -> correlation in time of its return with the pure return of the style
    exposure : style -> mean exposure in standard deviations; of a signal, of its top fifth less its bottom
        fifth, names alike; of a portfolio, of what it holds
    r2 : mean over dates of the R² of the cross-section on all styles
    return_r2 : R² of its return on the pure returns of all styles, through time
    vif : 1 / (1 - R²) among the styles, median over dates
    style_vif : style -> its own, the signal being there
    dates : on which a cross-section could be compared
    daily_correlation : [dates, styles]
    daily_exposure : [dates, styles]
    daily_r2 : [dates]
    """

    name: str
    kind: str
    correlation: Mapping[str, float]
    returns: Mapping[str, float]
    exposure: Mapping[str, float]
    r2: float
    return_r2: float
    vif: float
    style_vif: Mapping[str, float]
    dates: int
    daily_correlation: Floats
    daily_exposure: Floats
    daily_r2: Floats

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name."""
        return {
            "name": self.name,
            "kind": self.kind,
            "dates": self.dates,
            "correlation": dict(self.correlation),
            "return_correlation": dict(self.returns),
            "exposure": dict(self.exposure),
            "r2": self.r2,
            "return_r2": self.return_r2,
            "vif": self.vif,
            "style_vif": dict(self.style_vif),
        }


def correlate(what: Panel, of: RiskEstimates, *, portfolio: bool = False) -> StyleOverlap:
    """Lay the styles of a model against a signal or a portfolio.

    Parameters
    ----------
    what : scores, or weights of a portfolio as fractions (0 or NaN = not held), on the axes of the model
    of : the model
    portfolio : whether `what` holds weights

    Raises
    ------
    NoSignal
        if on no date more names know the signal and all styles than there are styles
    """
    require_same_axes(what, _Axes(of))
    values = np.asarray(what.values, dtype=np.float64)
    if portfolio:
        values = np.where(of.estimable, np.nan_to_num(values), np.nan)
    else:
        values = np.where(of.estimable, values, np.nan)
    names, blocks = of.style_names, of.blocks[of.first_style :]
    kept = [k for k, block in enumerate(blocks) if block in ("style", "user")]
    names = tuple(names[k] for k in kept)
    styles = [of.styles[k] for k in kept]
    daily = correlations_by_date([values, *styles])
    inflation = inflation_by_date(daily)
    dates = int((~np.isnan(daily[:, 0, 1:])).any(axis=1).sum())
    if not dates:
        raise NoSignal(
            f"{what.name!r} cannot be compared with the styles: on no date do more than {len(names)} "
            f"names of the estimation universe know it and all of {', '.join(names)}, or it is the same "
            "for all. "
            f"The model covers {of.dates.describe()}."
        )
    held = (
        np.nan_to_num(np.asarray(what.values, dtype=np.float64)) if portfolio else _fifths(values)
    )
    exposure = _held(held, styles)
    series = _returns(held, of.returns)
    pure = of.factor_returns[:, of.first_style :][:, kept]
    r2 = 1.0 - 1.0 / inflation[:, 0]
    return StyleOverlap(
        name=what.name or ("portfolio" if portfolio else "signal"),
        kind="portfolio" if portfolio else "signal",
        correlation=_by_name(names, daily[:, 0, 1:], np.nanmean),
        returns={n: correlation_in_time(series, pure[:, k]) for k, n in enumerate(names)},
        exposure=_by_name(names, exposure, np.nanmean),
        r2=_of(r2, np.nanmean),
        return_r2=_in_time(series, pure),
        vif=_of(inflation[:, 0], np.nanmedian),
        style_vif=_by_name(names, inflation[:, 1:], np.nanmedian),
        dates=dates,
        daily_correlation=daily[:, 0, 1:],
        daily_exposure=exposure,
        daily_r2=r2,
    )


class _Axes:
    """The axes of a model, for `require_same_axes`."""

    name = "risk model"

    def __init__(self, of: RiskEstimates) -> None:
        self.dates, self.assets = of.dates, of.assets


def _fifths(values: Floats) -> Floats:
    """Hold the top fifth of each date and owe the bottom fifth, names alike, [dates, assets]; gross 2."""
    out = np.zeros(values.shape)
    for date, row in enumerate(values):
        known = np.flatnonzero(~np.isnan(row))
        count = int(known.size * FIFTH)
        if not count or np.ptp(row[known]) == 0.0:
            continue
        order = known[np.argsort(row[known], kind="stable")]
        out[date, order[-count:]] = 1.0 / count
        out[date, order[:count]] = -1.0 / count
    return out


def _held(weights: Floats, styles: list[Floats]) -> Floats:
    """Give the exposure of what is held, [dates, styles]; unknown exposures count as 0, no holding is NaN."""
    some = (weights != 0.0).any(axis=1)
    out = np.stack([(weights * np.nan_to_num(style)).sum(axis=1) for style in styles], axis=1)
    out[~some] = np.nan
    return out


def _returns(weights: Floats, returns: Floats) -> Floats:
    """Give the return of each date of what was held at the close before, [dates]; NaN where nothing was."""
    out = np.full(len(weights), np.nan)
    out[1:] = (weights[:-1] * np.nan_to_num(returns[1:])).sum(axis=1)
    out[1:][~(weights[:-1] != 0.0).any(axis=1)] = np.nan
    return out


def _in_time(series: Floats, pure: Floats) -> float:
    """Give the R² of a return on the style returns, through time; NaN with too few dates."""
    pure = pure[:, ~np.isnan(pure).all(axis=0)]
    known = ~np.isnan(series) & ~np.isnan(pure).any(axis=1)
    if known.sum() <= pure.shape[1] + 1:
        return float("nan")
    y = series[known] - series[known].mean()
    x = pure[known] - pure[known].mean(axis=0)
    total = float(y @ y)
    if not total > 0.0:
        return float("nan")
    slope = np.linalg.lstsq(x, y, rcond=None)[0]
    rest = y - x @ slope
    return 1.0 - float(rest @ rest) / total


def _by_name(names: tuple[str, ...], values: Floats, how: Any) -> dict[str, float]:
    return {n: _of(values[:, k], how) for k, n in enumerate(names)}


def _of(values: Floats, how: Any) -> float:
    return float(how(values)) if (~np.isnan(values)).any() else float("nan")
