"""Factor covariance: weighted by age, with lags, adjusted for what optimisers find and for the regime.

1. exponentially weighted variances and correlations, each with Newey and West's lags    -> ew_covariance
2. eigenvalues below a floor are lifted, so that every forecast is positive definite     -> _floored
3. eigenvectors whose volatility a sample of this size understates are scaled up         -> _Eigenfactors
4. all is multiplied by how far recent forecasts were off                                -> covariance_path

Every forecast for date t needs returns up to t alone, and has the same bits whether later ones are there or
not: sums are carried from the first date, the eigenfactor bias is refreshed at fixed distances from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.kernels.eigenfactor import volatility_bias, wishart_draws
from superhet.kernels.risk_covariance import Memory, decay, ew_covariance
from superhet.kernels.symmetric import compose, eigen
from superhet.risk.estimates import ANNUAL

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Horizon = Literal["short", "long", "daily"]


@dataclass(frozen=True, kw_only=True)
class CovarianceSettings:
    """How the factor covariance is estimated; the defaults are those of the short horizon.

    Parameters
    ----------
    volatility_half_life, volatility_lags : dates; lags of Newey and West
    correlation_half_life, correlation_lags : the same for correlations
    regime_half_life : dates over which the volatility multiplier looks; None = no multiplier
    eigen_draws : simulated samples of the eigenfactor adjustment; 0 = no adjustment
    eigen_window : dates in each simulated sample
    eigen_scale : a of gamma = a (v - 1) + 1; v is the simulated bias, and real returns have longer tails
    eigen_refresh : dates between two simulations, counted from the first
    seed : of the simulation
    floor : least eigenvalue, relative to their mean
    least : dates that a factor must be known on before it has a forecast
    annual : dates a year

    References
    ----------
    Menchero, Orr, Wang, *The Barra US Equity Model (USE4): Methodology Notes*, 2011, sections 4 and 5;
    half-lives of the Chinese model as public descriptions of CNE5 state them.
    """

    volatility_half_life: float = 84.0
    volatility_lags: int = 5
    correlation_half_life: float = 504.0
    correlation_lags: int = 2
    regime_half_life: float | None = 42.0
    eigen_draws: int = 1000
    eigen_window: int = 252
    eigen_scale: float = 1.4
    eigen_refresh: int = 21
    seed: int = 0
    floor: float = 1e-8
    least: int = 63
    annual: float = ANNUAL

    def __post_init__(self) -> None:
        for name in ("volatility_half_life", "correlation_half_life", "floor", "annual"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(name, f"must be above 0 (got {getattr(self, name)})")
        for name in ("volatility_lags", "correlation_lags", "eigen_draws"):
            if getattr(self, name) < 0:
                raise ConfigError(name, f"must be at least 0 (got {getattr(self, name)})")
        for name in ("eigen_refresh", "least"):
            if getattr(self, name) < 1:
                raise ConfigError(name, f"must be at least 1 (got {getattr(self, name)})")


HORIZONS: Mapping[Horizon, CovarianceSettings] = {
    "short": CovarianceSettings(),
    "long": CovarianceSettings(volatility_half_life=252.0, regime_half_life=168.0),
    "daily": CovarianceSettings(
        volatility_half_life=42.0,
        volatility_lags=0,
        correlation_half_life=200.0,
        correlation_lags=0,
        regime_half_life=4.0,
    ),
}
"""Short and long look a month ahead, daily one day."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CovariancePath:
    """Factor covariance at the close of some rows.

    Parameters
    ----------
    rows : [wanted] rows of the factor returns, ascending
    values : [wanted, F, F] annualised; NaN for a factor known on fewer than `least` dates
    multiplier : [wanted] volatility multiplier that is in `values`; 1 where there is none yet
    least_eigenvalue : [wanted] the least before it was lifted, relative to their mean
    lifted : [wanted] eigenvalues lifted to the floor
    bias : [wanted, F] simulated true over estimated volatility of the eigenvectors, ascending; NaN past
        the known factors, and where there is no adjustment
    multipliers : [dates] volatility multiplier of every date until the last wanted
    """

    rows: Integers
    values: Floats
    multiplier: Floats
    least_eigenvalue: Floats
    lifted: Integers
    bias: Floats
    multipliers: Floats


def factor_covariance(
    f: Floats,
    *,
    horizon: Horizon = "short",
    t: int | None = None,
    settings: CovarianceSettings | None = None,
) -> Floats:
    """Forecast the factor covariance at the close of one row, [F, F], annualised.

    Parameters
    ----------
    f : [dates, F] factor returns; rows after t are not looked at
    horizon : which settings, unless `settings` are given
    t : the row; None = the last
    """
    last = len(f) - 1 if t is None else t
    path = covariance_path(f, np.array([last]), horizon=horizon, settings=settings)
    found: Floats = path.values[0]
    return found


def covariance_path(
    f: Floats,
    rows: npt.ArrayLike | None = None,
    *,
    horizon: Horizon = "short",
    settings: CovarianceSettings | None = None,
) -> CovariancePath:
    """Forecast the factor covariance at the close of many rows.

    Parameters
    ----------
    f : [dates, F] factor returns, fraction per date; NaN = not known
    rows : [wanted] ascending; None = all
    horizon : which settings, unless `settings` are given
    """
    chosen = HORIZONS[horizon] if settings is None else settings
    wanted = np.arange(len(f)) if rows is None else np.asarray(rows, dtype=np.int64)
    if chosen.eigen_draws and chosen.eigen_window < f.shape[1]:
        raise ConfigError(
            "eigen_window",
            f"{chosen.eigen_window} dates are too few for {f.shape[1]} factors: give at least as many",
        )
    eigenfactors = _Eigenfactors(chosen)
    walked = np.union1d(wanted, eigenfactors.rows_for(wanted))
    memory = Memory(
        decay(chosen.volatility_half_life),
        chosen.volatility_lags,
        decay(chosen.correlation_half_life),
        chosen.correlation_lags,
        decay(chosen.regime_half_life),
        chosen.least,
    )
    last = int(wanted[-1]) + 1 if wanted.size else 0
    raw = ew_covariance(f[:last], walked, memory)
    multipliers = np.sqrt(np.where(np.isnan(raw.regime), 1.0, raw.regime))
    if chosen.regime_half_life is None:
        multipliers = np.ones(last)
    count, F = wanted.size, f.shape[1]
    out = CovariancePath(
        rows=wanted,
        values=np.full((count, F, F), np.nan),
        multiplier=multipliers[wanted],
        least_eigenvalue=np.full(count, np.nan),
        lifted=np.zeros(count, dtype=np.int64),
        bias=np.full((count, F), np.nan),
        multipliers=multipliers,
    )
    for i, row in enumerate(wanted):
        _adjust(i, int(row), walked, raw.covariance, eigenfactors, out, chosen)
    return out


def _adjust(
    i: int,
    row: int,
    walked: Integers,
    raw: Floats,
    eigenfactors: _Eigenfactors,
    out: CovariancePath,
    chosen: CovarianceSettings,
) -> None:
    """Write the i-th wanted covariance."""
    covariance = raw[np.searchsorted(walked, row)]
    known = ~np.isnan(np.diagonal(covariance))
    if not known.any():
        return
    values, vectors, out.least_eigenvalue[i], out.lifted[i] = _floored(
        covariance[np.ix_(known, known)], chosen.floor
    )
    if chosen.eigen_draws:
        bias = eigenfactors.bias(row, values, walked, raw)
        out.bias[i, : bias.size] = bias
        values = values * (chosen.eigen_scale * (bias - 1.0) + 1.0) ** 2
    scale = chosen.annual * out.multiplier[i] ** 2
    out.values[i][np.ix_(known, known)] = compose(values * scale, vectors)


def _floored(covariance: Floats, floor: float) -> tuple[Floats, Floats, float, int]:
    """Lift small eigenvalues; give them, eigenvectors (rows), the least before over the mean, how many."""
    values, vectors = eigen(covariance)
    mean = float(np.trace(covariance)) / len(covariance)
    if not mean > 0.0:
        return values, vectors, np.nan, 0
    low = values < floor * mean
    return np.where(low, floor * mean, values), vectors, float(values[0]) / mean, int(low.sum())


class _Eigenfactors:
    """Simulated bias of the eigenvectors, refreshed every so many rows from the first.

    Between two refreshes, and when factors came in since, it is read off by the rank of the eigenvalue.
    """

    def __init__(self, chosen: CovarianceSettings) -> None:
        self._chosen = chosen
        self._found: dict[int, Floats] = {}

    def rows_for(self, wanted: Integers) -> Integers:
        """Give the rows whose covariance the adjustment of the wanted ones looks at."""
        if not self._chosen.eigen_draws:
            return np.array([], dtype=np.int64)
        refresh = self._chosen.eigen_refresh
        return np.asarray(np.unique(wanted - wanted % refresh), dtype=np.int64)

    def bias(self, row: int, values: Floats, walked: Integers, raw: Floats) -> Floats:
        """Give the bias of each eigenvector of a row, ascending; `values` are its eigenvalues."""
        begin = row - row % self._chosen.eigen_refresh
        if begin not in self._found:
            covariance = raw[np.searchsorted(walked, begin)]
            known = ~np.isnan(np.diagonal(covariance))
            spectrum = values
            if known.any():
                spectrum = _floored(covariance[np.ix_(known, known)], self._chosen.floor)[0]
            if not known.any():
                return self._simulate(spectrum)  # the first factors are younger than the refresh
            self._found[begin] = self._simulate(spectrum)
        found = self._found[begin]
        if found.size == values.size:
            return found
        old, new = ((np.arange(n) + 0.5) / n for n in (found.size, values.size))
        return np.interp(new, old, found)

    def _simulate(self, spectrum: Floats) -> Floats:
        chosen = self._chosen
        draws = wishart_draws(chosen.eigen_draws, chosen.eigen_window, spectrum.size, chosen.seed)
        return volatility_bias(spectrum, draws)
