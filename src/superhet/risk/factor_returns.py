"""Factor returns: what country, industries and styles paid on each date, and how well that is known.

Exposures, capitalisations and the estimation universe are those of the session before; returns are close to
close, adjusted. Mainland rules of what may be fitted are applied where the market has the fields:

1. names listed too short, without trade, or locked all day at a limit price are left out      -> _filters
2. a return is clipped a little past the day's price limit: beyond it stands a data error or a
   corporate action that the adjustment missed                                            -> _past_the_limit
3. on a date without price limits, at so many robust deviations of the cross-section: there, one
   forgotten reverse split is enough to spoil the factor returns of years                      -> _outliers
4. the regression, date by date                                                               -> regress_dates
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, DataError, EmptyUniverse
from superhet.kernels.clipping import clip_mad
from superhet.kernels.risk_regression import pure_portfolios, regress_dates
from superhet.kernels.risk_regression_blocks import Regressed
from superhet.panel import Market
from superhet.panel.axes import Assets, DateLike, Dates
from superhet.risk.estimates import REASONS, Integers
from superhet.risk.exposures import Exposures

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LAG = 1
"""Sessions between exposures and the returns that they are regressed with."""


@dataclass(frozen=True, kw_only=True)
class RegressionSettings:
    """What is fitted, and how.

    Parameters
    ----------
    least_listed : sessions a name must have been listed; younger ones are not fitted
    skip_suspended : leave out names without trade on the date
    skip_locked : leave out names that had one price all day, at a limit
    clip_margin : returns are clipped at the day's price limit plus this (10 % and 0.01: at ±11 %);
        None = never
    outlier : on a date on which no price limit is known, returns are clipped at the median of the fitted
        names plus and minus so many robust deviations (1.4826 MAD); None = never
    thin : an industry with fewer names leans on the market
    robust : Huber's bound in deviations, or None for least squares
    """

    least_listed: int = 120
    skip_suspended: bool = True
    skip_locked: bool = True
    clip_margin: float | None = 0.01
    outlier: float | None = 20.0
    thin: int = 5
    robust: float | None = None

    def __post_init__(self) -> None:
        for name in ("clip_margin", "outlier", "robust"):
            value = getattr(self, name)
            if value is not None and not value > 0.0:
                raise ConfigError(name, f"must be above 0, or left out (got {value})")
        if self.thin < 1:
            raise ConfigError("thin", f"must be at least 1, which turns it off (got {self.thin})")


@dataclass(frozen=True, eq=False, kw_only=True)
class FactorReturns:
    """Factor returns of each date and the specific returns that they leave.

    The first row is NaN: nothing was known the session before. So is a date with too few names.

    Parameters
    ----------
    dates, assets : the axes
    exposures : what the returns were regressed on; `names` and `blocks` are of the factors
    settings : what was fitted, and how
    fit : factor returns `f` [dates, factors] (fraction per date), their `t`, `residual` [dates, assets] (the
        specific returns), `r2`, `r2_centred`, `vif`, `identity_error`, `names` fitted, and the rest of
        `Regressed`
    fitted : [dates, assets] names of each date's regression
    left_out : [dates, REASONS] names of the estimation universe that each reason kept from being fitted
    clipped : [dates] names whose return was clipped past the price limit
    outliers : [dates] names whose return was clipped as an outlier, where there was no limit
    """

    dates: Dates
    assets: Assets
    exposures: Exposures
    settings: RegressionSettings
    fit: Regressed
    fitted: Flags
    left_out: Integers
    clipped: Integers
    outliers: Integers

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors."""
        return self.exposures.names

    @property
    def values(self) -> Floats:
        """Factor returns, [dates, factors], fraction per date."""
        return self.fit.f

    @property
    def specific(self) -> Floats:
        """Specific returns, [dates, assets], fraction per date."""
        return self.fit.residual

    @property
    def excluded(self) -> dict[str, int]:
        """Name-dates of the estimation universe that each reason left out; a name may have several."""
        return dict(zip(REASONS, self.left_out.sum(axis=0).tolist(), strict=True))

    @cached_property
    def empty_dates(self) -> int:
        """Dates after the first that had too few names."""
        return int(np.isnan(self.fit.r2[LAG:]).sum())

    @cached_property
    def collinear(self) -> dict[str, int]:
        """Styles and factors of the user that others explained, with the number of dates."""
        counts = self.fit.collinear.sum(axis=0)
        return {n: int(c) for n, c in zip(self.exposures.style_names, counts, strict=True) if c}

    def share_above(self, level: float = 2.0) -> dict[str, float]:
        """Give, for each factor, the share of dates on which |t| exceeds a level; NaN without dates."""
        t = self.fit.t
        known = (~np.isnan(t)).sum(axis=0)
        above = (np.abs(t) > level).sum(axis=0)
        return {
            n: float(a / k) if k else float("nan")
            for n, a, k in zip(self.names, above, known, strict=True)
        }

    def pure_portfolios(self, date: DateLike) -> Floats:
        """Give the portfolios whose returns on `date` are the factor returns, [factors, assets].

        They are held from the close before; see `kernels.risk_regression.pure_portfolios`.
        """
        return self._pure(self.dates.index(date))

    def each_pure_portfolio(self) -> Iterator[tuple[np.datetime64, Floats]]:
        """Give date and pure factor portfolios of every date that has them, one at a time."""
        for row in np.flatnonzero(~np.isnan(self.fit.r2)):
            yield self.dates.values[row], self._pure(int(row))

    def _pure(self, row: int) -> Floats:
        if np.isnan(self.fit.r2[row]):
            raise EmptyUniverse(
                f"no regression on {self.dates.values[row]}: {self.fit.names[row]} names could be "
                "fitted. Ask for a later date, or widen the estimation universe."
            )
        given, robust = self.exposures, self.settings.robust is not None
        return pure_portfolios(
            np.asarray(given.styles[:, row - LAG], dtype=np.float64),
            given.industries.codes[row - LAG],
            given.caps[row - LAG],
            self.fitted[row],
            len(given.industries.labels),
            thin=self.settings.thin,
            robust_weights=self.fit.robust_weights[row] if robust else None,
        )


def estimate_factor_returns(
    market: Market, exposures: Exposures, settings: RegressionSettings | None = None
) -> FactorReturns:
    """Regress each date's returns on the exposures of the session before.

    Parameters
    ----------
    market : its `returns`, and for the filters `listing_age`, `suspended`, `high`, `low`, `limit_up`,
        `limit_down`, `previous_close`; a filter whose fields are not there is not applied
    exposures : of the same dates and assets
    settings : what is fitted, and how

    Raises
    ------
    EmptyUniverse
        If no date has enough names.
    """
    chosen = RegressionSettings() if settings is None else settings
    returns = np.asarray(market["returns"].values, dtype=np.float64)
    if exposures.caps.shape != returns.shape:
        raise DataError(
            f"the exposures are of {exposures.caps.shape} dates and assets, the market has "
            f"{returns.shape}; make them from the same market"
        )
    inside = np.zeros(returns.shape, dtype=bool)
    inside[LAG:] = exposures.estimable[:-LAG]
    left_out = np.zeros((len(returns), len(REASONS)), dtype=np.int64)
    for reason, flag in _filters(market, chosen).items():
        left_out[:, REASONS.index(reason)] = (inside & flag).sum(axis=1)
        inside &= ~flag
    within, no_limit = _past_the_limit(market, returns, chosen)
    clipped = _changed(returns, within)
    returns = _outliers(within, inside, no_limit, chosen)
    fit = regress_dates(
        returns,
        list(exposures.styles),
        exposures.industries.codes,
        exposures.caps,
        inside,
        len(exposures.industries.labels),
        lag=LAG,
        thin=chosen.thin,
        robust=chosen.robust,
    )
    if np.isnan(fit.r2).all():
        raise EmptyUniverse(
            f"no date has enough names for the risk model: at most {int(fit.names.max(initial=0))} have "
            "return, capitalisation, industry and all styles. Look at the descriptors' coverage, or widen "
            "the estimation universe."
        )
    left_out[:, REASONS.index("without_cap")] = fit.without_cap
    return FactorReturns(
        dates=market.dates,
        assets=market.assets,
        exposures=exposures,
        settings=chosen,
        fit=fit,
        fitted=_fitted(fit, inside, exposures),
        left_out=left_out,
        clipped=clipped,
        outliers=_changed(within, returns),
    )


def _fitted(fit: Regressed, inside: Flags, exposures: Exposures) -> Flags:
    """Tell which names took part: the residual knows return, styles and industry."""
    caps = exposures.caps
    out = inside & ~np.isnan(fit.residual)
    out[LAG:] &= (caps[:-LAG] > 0.0) & np.isfinite(caps[:-LAG])
    out[:LAG] = False
    return out


def _filters(market: Market, chosen: RegressionSettings) -> dict[str, Flags]:
    """Tell, reason by reason, who is not fitted."""
    found: dict[str, Flags] = {}
    if chosen.least_listed and "listing_age" in market:
        found["new_listing"] = ~(market["listing_age"].values >= chosen.least_listed)
    if chosen.skip_suspended and "suspended" in market:
        found["suspended"] = np.asarray(market["suspended"].values, dtype=bool)
    if chosen.skip_locked and {"high", "low", "limit_up", "limit_down"} <= set(market):
        high, low = market["high"].values, market["low"].values
        at_limit = (low >= market["limit_up"].values) | (high <= market["limit_down"].values)
        found["limit_locked"] = at_limit & (high == low)
    return found


def _past_the_limit(
    market: Market, returns: Floats, chosen: RegressionSettings
) -> tuple[Floats, Flags]:
    """Clip returns past the price limit of their date; and say which dates have no limit, [dates]."""
    if not {"limit_up", "previous_close"} <= set(market):
        return returns, np.ones(len(returns), dtype=bool)
    limit = market["limit_up"].values / market["previous_close"].values - 1.0
    no_limit = np.asarray(np.isnan(limit).all(axis=1), dtype=np.bool_)
    if chosen.clip_margin is None:
        return returns, no_limit
    # a limit price is rounded to a fen, so the percentage is: 5, 10, 20 or 30
    bound = np.round(limit, 2) + chosen.clip_margin
    bound[np.isnan(bound)] = np.inf
    return np.clip(returns, -bound, bound), no_limit


def _outliers(
    returns: Floats, inside: Flags, no_limit: Flags, chosen: RegressionSettings
) -> Floats:
    """Clip the returns of the dates without price limits at robust bounds of the names to be fitted.

    A date of which more than half of the returns are one number, or fewer than two are known, stays.
    """
    if chosen.outlier is None or not no_limit.any():
        return returns
    held = clip_mad(returns[no_limit], chosen.outlier, inside[no_limit])
    out = returns.copy()
    out[no_limit] = np.where(np.isnan(held), returns[no_limit], held)
    return out


def _changed(before: Floats, after: Floats) -> Integers:
    """Count the returns that were clipped, [dates]."""
    found: Integers = ((before != after) & ~np.isnan(before)).sum(axis=1)
    return found
