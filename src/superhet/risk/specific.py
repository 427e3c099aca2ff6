"""Specific risk: what is left of each name's risk once the factors are taken out.

1. weighted deviation of each name's specific returns, with lags, and trust in it     -> specific_path
2. where trust is short, what names with like exposures have: a regression of the logarithm of deviations of
   trusted names on the factors                                                       -> _structural
3. extremes lean on their size decile                                                 -> shrink_in_deciles
4. all is multiplied by how far recent forecasts were off                             -> specific_risk_path

Each step can be turned off. A forecast for date t needs specific returns up to t alone, and has the same bits
whether later ones are there or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.kernels.risk_covariance import regime_path
from superhet.kernels.risk_regression import regress_dates
from superhet.kernels.risk_specific import SpecificMemory, specific_path
from superhet.risk.estimates import ANNUAL
from superhet.risk.exposures import Exposures
from superhet.risk.factor_covariance import Horizon

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

_DECILES = 10
_ROWS = 64  # that the structural step takes at once: each stands alone, and memory is bounded


@dataclass(frozen=True, kw_only=True)
class SpecificSettings:
    """How specific risk is estimated; the defaults are those of the short horizon.

    Parameters
    ----------
    half_life, lags : dates; lags of Newey and West
    window : dates in which valid returns are counted and quartiles taken
    low, high : valid dates without trust; with full trust
    structural : whether names with little trust take the risk of names with like exposures
    shrinkage : q, the strength with which extremes lean on their size decile; 0 = not at all
    regime_half_life : dates over which the volatility multiplier looks; None = no multiplier
    annual : dates a year

    References
    ----------
    Menchero, Orr, Wang, *The Barra US Equity Model (USE4): Methodology Notes*, 2011, section 6.
    """

    half_life: float = 84.0
    lags: int = 5
    window: int = 252
    low: int = 60
    high: int = 180
    structural: bool = True
    shrinkage: float = 1.0
    regime_half_life: float | None = 42.0
    annual: float = ANNUAL

    def __post_init__(self) -> None:
        if not self.half_life > 0.0:
            raise ConfigError("half_life", f"must be above 0 (got {self.half_life})")
        if not self.shrinkage >= 0.0:
            raise ConfigError("shrinkage", f"must be at least 0 (got {self.shrinkage})")
        if not 0 < self.low < self.high <= self.window:
            raise ConfigError(
                "low",
                f"needs 0 < low < high <= window (got {self.low}, {self.high}, {self.window})",
            )


SPECIFIC_HORIZONS: Mapping[Horizon, SpecificSettings] = {
    "short": SpecificSettings(),
    "long": SpecificSettings(half_life=252.0, regime_half_life=168.0),
    "daily": SpecificSettings(half_life=42.0, lags=0, regime_half_life=4.0),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class SpecificPath:
    """Specific risk at the close of some rows.

    Parameters
    ----------
    rows : [wanted] rows of the specific returns, ascending
    values : [wanted, assets] annualised deviation; NaN where neither returns nor exposures tell
    time_series : [wanted, assets] annualised, before any adjustment
    trust : [wanted, assets] gamma, what the time series counts for; 1 without the structural step
    correction : [wanted] E0, what the exponential of the structural regression is multiplied by; NaN if none
    multiplier : [wanted] volatility multiplier that is in `values`
    multipliers : [dates] of every date until the last wanted
    """

    rows: Integers
    values: Floats
    time_series: Floats
    trust: Floats
    correction: Floats
    multiplier: Floats
    multipliers: Floats


def specific_risk(
    u: Floats,
    exposures: Exposures,
    *,
    t: int | None = None,
    horizon: Horizon = "short",
    settings: SpecificSettings | None = None,
) -> Floats:
    """Forecast specific risk at the close of one row, [assets], annualised deviation.

    Parameters
    ----------
    u : [dates, assets] specific returns; rows after t are not looked at
    exposures : of the same dates
    t : the row; None = the last
    horizon : which settings, unless `settings` are given
    """
    row = len(u) - 1 if t is None else t
    rows = np.array([row])
    path = specific_risk_path(u, exposures, rows, horizon=horizon, settings=settings)
    found: Floats = path.values[0]
    return found


def specific_risk_path(
    u: Floats,
    exposures: Exposures,
    rows: npt.ArrayLike | None = None,
    *,
    horizon: Horizon = "short",
    settings: SpecificSettings | None = None,
) -> SpecificPath:
    """Forecast specific risk at the close of many rows.

    Exposures and capitalisation of a row are those of its close. The multiplier weighs names by the
    capitalisation of the close before.

    Parameters
    ----------
    u : [dates, assets] specific returns, fraction per date; NaN = not known
    exposures : of the same dates
    rows : [wanted] ascending; None = all
    horizon : which settings, unless `settings` are given
    """
    chosen = SPECIFIC_HORIZONS[horizon] if settings is None else settings
    wanted = np.arange(len(u)) if rows is None else np.asarray(rows, dtype=np.int64)
    last = int(wanted[-1]) + 1 if wanted.size else 0
    before = np.full((last, u.shape[1]), np.nan)
    before[1:] = exposures.caps[: last - 1] if last else before[1:]
    memory = SpecificMemory(chosen.half_life, chosen.lags, chosen.window, chosen.low, chosen.high)
    found = specific_path(u[:last], before, wanted, memory)
    deviation, trust = found.deviation.copy(), found.trust
    correction = np.full(wanted.size, np.nan)
    if chosen.structural:
        for begin in range(0, wanted.size, _ROWS):
            part = slice(begin, begin + _ROWS)
            deviation[part], correction[part] = _structural(
                deviation[part], trust[part], exposures, wanted[part]
            )
    else:
        trust = np.where(np.isnan(deviation), 0.0, 1.0)
    if chosen.shrinkage > 0.0:
        caps = exposures.caps
        for i, row in enumerate(wanted):
            deviation[i] = shrink_in_deciles(deviation[i], caps[row], chosen.shrinkage)
    multipliers = np.ones(last)
    if chosen.regime_half_life is not None:
        squares = regime_path(found.surprise, chosen.regime_half_life)
        multipliers = np.sqrt(np.where(np.isnan(squares), 1.0, squares))
    scale = np.sqrt(chosen.annual)
    return SpecificPath(
        rows=wanted,
        values=deviation * (scale * multipliers[wanted])[:, None],
        time_series=found.deviation * scale,
        trust=trust,
        correction=correction,
        multiplier=multipliers[wanted],
        multipliers=multipliers,
    )


def shrink_in_deciles(deviation: Floats, caps: Floats, strength: float = 1.0) -> Floats:
    """Lean deviations of one date on the mean of their size decile, [assets].

    v m + (1 - v) s, m the cap-weighted mean of the decile, v = q |s - m| / (D + q |s - m|), D the root mean
    square of s - m. A name without capitalisation, or alone in its decile, is not changed.

    Parameters
    ----------
    deviation, caps : [assets]; NaN = not known
    strength : q

    Examples
    --------
    >>> shrink_in_deciles(np.array([0.02, 0.04]), np.array([1.0, 2.0])).round(3)
    array([0.02, 0.04])
    """
    out = deviation.copy()
    known = np.flatnonzero(~np.isnan(deviation) & (caps > 0.0) & np.isfinite(caps))
    order = known[np.argsort(caps[known], kind="stable")]
    for decile in np.array_split(order, _DECILES):
        if decile.size < 2:
            continue
        s = deviation[decile]
        mean = float(caps[decile] @ s / caps[decile].sum())
        away = strength * np.abs(s - mean)
        spread = float(np.sqrt(np.mean((s - mean) ** 2)))
        if spread > 0.0:
            share = away / (spread + away)
            out[decile] = share * mean + (1.0 - share) * s
    return out


def _structural(
    deviation: Floats, trust: Floats, exposures: Exposures, wanted: Integers
) -> tuple[Floats, Floats]:
    """Blend time series with what names of like exposures have, by trust; give the correction E0 too.

    A name whose styles are not known has those of the market (0); a date with too few trusted names
    keeps its time series.
    """
    codes, caps = exposures.industries.codes[wanted], exposures.caps[wanted]
    styles = [style[wanted] for style in exposures.styles]
    trusted = (trust >= 1.0) & (deviation > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(deviation)
    labels = len(exposures.industries.labels)
    f = regress_dates(logs, styles, codes, caps, trusted, labels, thin=1).f
    known = ~np.isnan(f[:, 0])
    slopes = np.nan_to_num(f)
    padded = np.hstack([slopes[:, 1 : 1 + labels], np.zeros((len(f), 1))])
    fitted = slopes[:, :1] + np.take_along_axis(padded, np.where(codes < 0, labels, codes), axis=1)
    for k, style in enumerate(styles):
        fitted += slopes[:, 1 + labels + k, None] * np.nan_to_num(style)
    structural = np.exp(fitted)
    with np.errstate(invalid="ignore"):
        weights = np.where(trusted & (caps > 0.0), np.sqrt(caps), 0.0)
        correction = (weights * np.nan_to_num(deviation)).sum(axis=1)
        correction = correction / (weights * structural).sum(axis=1)
    structural *= correction[:, None]
    structural[np.isnan(caps)] = np.nan  # not listed: nothing is known of it
    series = np.where(np.isnan(deviation), 0.0, deviation)
    blended = trust * series + (1.0 - trust) * structural
    keep = (trust >= 1.0) | ~known[:, None] | np.isnan(structural)
    out = np.where(keep, deviation, blended)
    return out, np.where(known, correction, np.nan)
