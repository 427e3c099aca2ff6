"""From a market to factor and specific returns, for all dates or only for those that came since.

1. exposures of all dates                                          -> exposures.exposures
2. rows that are the same, bit for bit, as those fitted before     -> _same_until
3. the regressions of the dates after them                         -> _fit_rows
4. what was fitted before, then what is new                        -> _join
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import EmptyUniverse
from superhet.panel import Assets, Cube, Dates, Market
from superhet.risk.estimates import Fit, Floats, RiskEstimates, anything
from superhet.risk.exposures import Exposures, Industries, exposures
from superhet.risk.factor_returns import LAG, RegressionSettings, estimate_factor_returns
from superhet.risk.model_table import ModelTable
from superhet.risk.styles import StyleExposures


@dataclass(frozen=True, eq=False, kw_only=True)
class Regressions:
    """Factor and specific returns of every date, with what they were regressed on.

    Parameters
    ----------
    dates, assets : the axes
    exposures : at the close of each date
    returns : [dates, assets], total, fraction a session, as they are on the market
    f : [dates, factors]; residual : [dates, assets]; see `RiskEstimates`
    fit : how well the regressions fitted, and whom they left out or clipped
    reused : dates whose regressions were taken over from before
    """

    dates: Dates
    assets: Assets
    exposures: Exposures
    returns: Floats
    f: Floats
    residual: Floats
    fit: Fit
    reused: int = 0


def regress(
    market: Market,
    table: str | Path | ModelTable,
    settings: RegressionSettings,
    *,
    industry: str,
    user: Cube | None = None,
    before: Regressions | None = None,
) -> Regressions:
    """Fit the regressions of a market.

    Parameters
    ----------
    market, table, industry, user : as in `exposures.exposures`
    settings : what is fitted, and how
    before : regressions of an earlier state of the same market, with the same settings; what is the same in
        both is not fitted again
    """
    made = exposures(market, table, user=user, industry=industry, thin=settings.thin)
    returns = np.asarray(market["returns"].values, dtype=np.float64)
    same = 0 if before is None else _same_until(before, made, returns, market)
    if before is None or same <= LAG:
        return _fit_rows(market, made, returns, settings, 0)
    try:
        fresh = _fit_rows(market, made, returns, settings, same - LAG)
    except EmptyUniverse:  # no new date has enough names: of all dates together, some have
        return _fit_rows(market, made, returns, settings, 0)
    return _join(before, fresh, made, returns, same)


def as_fitted_before(found: RiskEstimates) -> Regressions:
    """Take up the regressions of a model that was read from its files."""
    labels = found.industry_names
    nothing = np.zeros(0, dtype=np.int64)
    made = Exposures(
        names=found.factors,
        blocks=found.blocks,
        styles=found.styles,
        industries=Industries(
            scheme="",
            codes=found.codes,
            labels=labels,
            thin=1,
            names=nothing.reshape(0, 0),
            without=nothing,
        ),
        caps=found.caps,
        estimable=found.estimable,
        made=StyleExposures(
            cube=Cube({}, dates=found.dates, assets=found.assets),
            values=found.styles,
            report={},
            left_out={},
        ),
    )
    return Regressions(
        dates=found.dates,
        assets=found.assets,
        exposures=made,
        returns=found.returns,
        f=found.factor_returns,
        residual=found.residual,
        fit=found.fit,
    )


def _fit_rows(
    market: Market, made: Exposures, returns: Floats, settings: RegressionSettings, first: int
) -> Regressions:
    """Fit the dates from row `first` on; that row itself has no exposures before it."""
    some = market if first == 0 else market.between(market.dates.values[first], None)
    cut = made if first == 0 else rows_of(made, slice(first, None))
    found = estimate_factor_returns(some, cut, settings)
    fit = found.fit
    return Regressions(
        dates=some.dates,
        assets=some.assets,
        exposures=cut,
        returns=returns[first:],
        f=fit.f,
        residual=fit.residual,
        fit=Fit(
            t=fit.t,
            r2=fit.r2,
            r2_centred=fit.r2_centred,
            vif=fit.vif,
            identity_error=fit.identity_error,
            names=fit.names,
            left_out=found.left_out,
            clipped=found.clipped,
            outliers=found.outliers,
        ),
    )


def rows_of(made: Exposures, key: slice) -> Exposures:
    """Keep some dates of exposures."""
    of = made.industries
    industries = Industries(
        scheme=of.scheme,
        codes=of.codes[key],
        labels=of.labels,
        thin=of.thin,
        names=of.names[key],
        without=of.without[key],
    )
    return replace(
        made,
        styles=made.styles[:, key],
        industries=industries,
        caps=made.caps[key],
        estimable=made.estimable[key],
    )


def _same_until(before: Regressions, made: Exposures, returns: Floats, market: Market) -> int:
    """Count the first dates on which exposures and returns are what they were, bit for bit."""
    old, rows = before.exposures, min(len(before.dates), len(market.dates))
    if (
        before.assets != market.assets
        or old.names != made.names
        or before.dates.values[:rows].tolist() != market.dates.values[:rows].tolist()
    ):
        return 0
    differs = np.zeros(rows, dtype=bool)
    # an industry of an asset of which nothing else is known changes nothing, and files do not keep it
    known = anything(made.styles[:, :rows], returns[:rows], made.caps[:rows])
    pairs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = [
        (before.returns, returns),
        (old.caps, made.caps),
        (old.estimable, made.estimable),
        (
            np.where(known, old.industries.codes[:rows], -1),
            np.where(known, made.industries.codes[:rows], -1),
        ),
        *zip(old.styles, made.styles, strict=True),
    ]
    for one, two in pairs:
        a, b = one[:rows], two[:rows]
        same = a == b
        if a.dtype.kind == "f":
            same |= np.isnan(a) & np.isnan(b)
        differs |= ~same.all(axis=1)
    return int(np.argmax(differs)) if differs.any() else rows


def _join(
    before: Regressions, fresh: Regressions, made: Exposures, returns: Floats, same: int
) -> Regressions:
    """Put the dates fitted before and the new ones together; the first row of `fresh` is only exposures."""

    def both(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([old[:same], new[LAG:]])

    fit = Fit(
        **{
            f.name: both(getattr(before.fit, f.name), getattr(fresh.fit, f.name))
            for f in fields(Fit)
        }
    )
    return Regressions(
        dates=Dates(np.concatenate([before.dates.values[:same], fresh.dates.values[LAG:]])),
        assets=fresh.assets,
        exposures=made,
        returns=returns,
        f=both(before.f, fresh.f),
        residual=both(before.residual, fresh.residual),
        fit=fit,
        reused=same,
    )
