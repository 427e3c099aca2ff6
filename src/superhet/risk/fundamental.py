"""FundamentalModel: a factor model of descriptors, styles and industries, fitted date by date.

1. exposures, factor returns, specific returns of all dates                   -> fit, update
2. factor covariance and specific risk of one date, when it is asked for      -> at
3. those of all dates, for files and validation                               -> estimates

Nothing looks ahead: what is given for date t from a market is given, bit for bit, from that market until t.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np

from superhet.errors import ConfigError, LookAhead
from superhet.panel import Cube, Market, RiskSnapshot
from superhet.panel.axes import DateLike
from superhet.progress import Progress, silent
from superhet.risk.base import RISK_MODELS
from superhet.risk.estimates import Floats, RiskEstimates, snapshot
from superhet.risk.factor_covariance import (
    HORIZONS,
    CovarianceSettings,
    Horizon,
    covariance_path,
)
from superhet.risk.factor_returns import RegressionSettings
from superhet.risk.model_table import ModelTable, read_table
from superhet.risk.notes import notes
from superhet.risk.regressions import Regressions, regress
from superhet.risk.specific import SPECIFIC_HORIZONS, SpecificSettings, specific_risk_path


@RISK_MODELS.add("cne5")
@dataclass(kw_only=True, frozen=True)
class FundamentalModel:
    """The risk model of a table of styles: CNE5 unless another is given.

    Parameters
    ----------
    table : name of a table that is shipped ("cne5", "cne6"), the path of another, or a table that was read
    industry : classification of the market ("industry", or "board")
    horizon : "short" and "long" look a month ahead, "daily" one day
    regression : who is fitted, and how
    covariance, specific : settings instead of those of the horizon
    """

    table: str | Path | ModelTable = "cne5"
    industry: str = "industry"
    horizon: Horizon = "short"
    regression: RegressionSettings = field(default_factory=RegressionSettings)
    covariance: CovarianceSettings | None = None
    specific: SpecificSettings | None = None
    _state: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.horizon not in get_args(Horizon):
            raise ConfigError("horizon", f"must be short, long or daily (got {self.horizon!r})")

    def fit(self, market: Market, user: Cube | None = None) -> Self:
        """Fit the regressions of all dates.

        Parameters
        ----------
        market : the market
        user : further factors; see `exposures.exposures`
        """
        return self._fitted(self._regress(market, user, None), user)

    def update(self, market: Market, user: Cube | None = None) -> Self:
        """Fit the dates that came since; the same, bit for bit, as to fit all of them anew.

        Exposures are worked out for all dates; dates on which they or the returns changed are fitted again.

        Parameters
        ----------
        market : what it was fitted on, with later dates
        user : the same factors as before, with later dates; None if there were none
        """
        regressions = self._regress(market, user, self.regressions_)
        fitted = self._fitted(regressions, user)
        if "estimates" in self._state:
            fitted._state["before"] = self._state["estimates"]
        return fitted

    @classmethod
    def of(cls, model: FundamentalModel, found: RiskEstimates, regressions: Regressions) -> Self:
        """Take up a model that was fitted before, as its files have it."""
        fitted = replace(model)._fitted(regressions, None)
        fitted._state["estimates"] = found
        return fitted  # type: ignore[return-value] # replace() keeps the class

    @property
    def regressions_(self) -> Regressions:
        """Factor and specific returns of all dates."""
        if "regressions" not in self._state:
            raise LookAhead("the risk model was not fitted; call fit(market) first")
        found: Regressions = self._state["regressions"]
        return found

    @property
    def fitted_until_(self) -> np.datetime64:
        """Last date of the market it was fitted on."""
        found: np.datetime64 = self.regressions_.dates.values[-1]
        return found

    def at(self, date: DateLike) -> RiskSnapshot:
        """Give the risk as it was known at the close of a date.

        A factor without a forecast yet is left out. An asset that lacks a style or an industry, or is of an
        industry that has no forecast yet, has no exposures and no specific variance (NaN).

        Raises
        ------
        LookAhead
            if the date is after the last of the market it was fitted on
        DataError
            if no covariance is known yet on that date
        """
        found = self.regressions_
        if np.datetime64(date) > self.fitted_until_:
            raise LookAhead(
                f"the risk model was fitted on data until {self.fitted_until_}, and was asked for {date}. "
                "Update it with a market that reaches that date."
            )
        row = found.dates.index(date)
        if "estimates" in self._state:
            whole: RiskEstimates = self._state["estimates"]
            return whole.at(date)
        rows = np.array([row])
        covariance = covariance_path(
            found.f, rows, horizon=self.horizon, settings=self.covariance
        ).values[0]
        specific = specific_risk_path(
            found.residual,
            found.exposures,
            rows,
            horizon=self.horizon,
            settings=self.specific,
        ).values[0]
        return snapshot(self.without_forecasts(), row, covariance, specific)

    def estimates(
        self, progress: Progress = silent, kept: Mapping[str, Floats] | None = None
    ) -> RiskEstimates:
        """Give covariance and specific risk of all dates, worked out once.

        Parameters
        ----------
        progress : called as (done, total, what)
        kept : "covariance", "unadjusted" or "specific" of these very regressions, where they are known
        """
        if "estimates" in self._state:
            found: RiskEstimates = self._state["estimates"]
            return found
        made = dict(kept or {})
        for done, name in enumerate(("unadjusted", "covariance", "specific")):
            progress(done, 3, f"forecasting: {name}")
            if name not in made:
                made[name] = self.forecast(name)
        bare = self.without_forecasts()
        found = replace(
            bare,
            covariance=made["covariance"],
            unadjusted=made["unadjusted"],
            specific=made["specific"],
        )
        self._state["estimates"] = found
        return found

    def forecast(self, name: str) -> Floats:
        """Forecast of all dates one of "covariance", "unadjusted" (no eigenfactor adjustment), "specific"."""
        found = self.regressions_
        rows = np.arange(found.reused, len(found.dates)) if self._before(name) is not None else None
        if name == "specific":
            new = specific_risk_path(
                found.residual,
                found.exposures,
                rows,
                horizon=self.horizon,
                settings=self.specific,
            ).values
        else:
            chosen = self.covariance or HORIZONS[self.horizon]
            if name == "unadjusted":
                chosen = replace(chosen, eigen_draws=0)
            new = covariance_path(found.f, rows, settings=chosen).values
        old = self._before(name)
        return new if old is None else np.concatenate([old[: found.reused], new])

    def _before(self, name: str) -> Floats | None:
        """Give the forecasts of before, of which the dates that were not fitted again still hold."""
        before: RiskEstimates | None = self._state.get("before")
        if before is None or not self.regressions_.reused:
            return None
        kept: Floats | None = getattr(before, name)
        return kept

    def _regress(
        self, market: Market, user: Cube | None, before: Regressions | None
    ) -> Regressions:
        return regress(
            market, self.table, self.regression, industry=self.industry, user=user, before=before
        )

    def _fitted(self, regressions: Regressions, user: Cube | None) -> Self:
        fitted = replace(self)
        fitted._state["regressions"] = regressions
        fitted._state["user"] = None if user is None else tuple(user)
        return fitted

    def without_forecasts(self) -> RiskEstimates:
        """Give everything but the forecasts, which are NaN."""
        if "bare" in self._state:
            found: RiskEstimates = self._state["bare"]
            return found
        of = self.regressions_
        shape = (len(of.dates), len(of.exposures.names))
        made = RiskEstimates(
            model=self.describe(),
            dates=of.dates,
            assets=of.assets,
            factors=of.exposures.names,
            blocks=of.exposures.blocks,
            styles=of.exposures.styles,
            codes=of.exposures.industries.codes,
            caps=of.exposures.caps,
            estimable=of.exposures.estimable,
            returns=of.returns,
            factor_returns=of.f,
            residual=of.residual,
            fit=of.fit,
            covariance=np.broadcast_to(np.nan, (*shape, shape[1])),
            specific=np.broadcast_to(np.nan, of.residual.shape),
            notes=notes(of, read_table(self.table)),
        )
        self._state["bare"] = made
        return made

    def describe(self) -> dict[str, Any]:
        """Give name and settings, ready for JSON."""
        table = self.table.name if isinstance(self.table, ModelTable) else str(self.table)
        return {
            "name": "fundamental",
            "table": table,
            "industry": self.industry,
            "horizon": self.horizon,
            "regression": asdict(self.regression),
            "covariance": asdict(self.covariance or HORIZONS[self.horizon]),
            "specific": asdict(self.specific or SPECIFIC_HORIZONS[self.horizon]),
        }
