"""Validation of a factor model: whether its forecasts of risk were borne out.

1. test dates, a horizon apart, and what every asset and factor returned until the next     -> _Trial
2. portfolios of each family, their forecast deviation, their standardised return           -> _Trial.add
3. the same with the covariance that lacks the eigenfactor adjustment                       -> _Trial.add
4. bias, its band, rolling deviation and Q of each family; of single stocks by decile       -> _Trial.families
5. what the regressions say: R², |t|, inflation, identities, stability of the styles  -> regression_facts

Forecasts of risk are annualised; of a stretch of h sessions the variance is h / 252 of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError
from superhet.progress import Progress, silent
from superhet.risk.estimates import ANNUAL, RiskEstimates, homeless
from superhet.risk.forecast_bias import (
    PERFECT_Q,
    bias,
    bias_band,
    q_statistic,
    rolling_deviation,
    share_in_band,
)
from superhet.risk.regression_facts import regression_facts
from superhet.risk.trial_portfolios import (
    CrossSection,
    Draws,
    optimised_weights,
    random_weights,
    tilted_weights,
    variances,
)

Floats = npt.NDArray[np.float64]
MONTH = 21
DECILES = 10
_FEWEST = 30
"""Names that a test date must have."""
_BURN_IN = 189
_NOTHING = 1e-6
"""Eigenvalues below this share of their mean are no portfolio."""


@dataclass(frozen=True, kw_only=True)
class TrialSettings:
    """How forecasts are tried.

    Parameters
    ----------
    step : sessions that a portfolio is held; None = 21, or 1 for the daily horizon
    portfolios : random and optimised portfolios
    names : of a random portfolio
    seed : of the draws
    burn_in : sessions after the first covariance before the first test; None = 189 (a covariance then has
        252 returns behind it), or half of the sessions that have one where they are few
    """

    step: int | None = None
    portfolios: int = 100
    names: int = 100
    seed: int = 0
    burn_in: int | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Family:
    """Standardised returns of one family of portfolios.

    Parameters
    ----------
    z : [tests, portfolios], return over forecast deviation; NaN = none
    names : of the portfolios; empty where they have none
    predicted, realised : [portfolios] annualised deviation, root of the mean square over the tests
    """

    z: Floats
    names: tuple[str, ...] = ()
    predicted: Floats = field(default_factory=lambda: np.empty(0))
    realised: Floats = field(default_factory=lambda: np.empty(0))

    def to_dict(self) -> dict[str, Any]:
        """Give its statistics by name."""
        found = bias(self.z)
        known = found[~np.isnan(found)]
        tests = int((~np.isnan(self.z)).any(axis=1).sum())
        q = q_statistic(self.z)
        return {
            "portfolios": int(known.size),
            "tests": tests,
            "band": bias_band(tests),
            "bias": float(known.mean()) if known.size else float("nan"),
            "low": float(np.quantile(known, 0.05)) if known.size else float("nan"),
            "high": float(np.quantile(known, 0.95)) if known.size else float("nan"),
            "in_band": share_in_band(self.z),
            "mrad": rolling_deviation(self.z),
            "q": float(np.nanmean(q)) if (~np.isnan(q)).any() else float("nan"),
            "each": dict(zip(self.names, found.tolist(), strict=True)) if self.names else {},
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Validation:
    """All that validation found.

    Parameters
    ----------
    step : sessions a portfolio was held
    tests : [tests] rows of the test dates
    families : name -> standardised returns
    unadjusted : the same without the eigenfactor adjustment, of families that it touches; empty = not tried
    deciles : "size" and "specific_risk" -> bias of single stocks, lowest decile first; of specific returns
        "specific_size", "specific_specific_risk"
    regressions : what the regressions say, ready for JSON
    """

    step: int
    tests: npt.NDArray[np.int64]
    families: Mapping[str, Family]
    unadjusted: Mapping[str, Family]
    deciles: Mapping[str, list[float]]
    regressions: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give all numbers by name; NaN = not known."""
        return {
            "step": self.step,
            "tests": len(self.tests),
            "perfect_q": PERFECT_Q,
            "bias": {n: f.to_dict() for n, f in self.families.items()},
            "bias_without_eigenfactor_adjustment": {
                n: f.to_dict() for n, f in self.unadjusted.items()
            },
            "bias_by_decile": dict(self.deciles),
            "predicted_and_realised": {
                n: {"predicted": f.predicted.tolist(), "realised": f.realised.tolist()}
                for n, f in self.families.items()
                if f.predicted.size and n != "single_stocks"
            },
            **self.regressions,
        }


def validate(
    of: RiskEstimates, settings: TrialSettings | None = None, progress: Progress = silent
) -> Validation:
    """Try the forecasts of a model on the returns that followed.

    Raises
    ------
    DataError
        if there are fewer than two test dates
    """
    chosen = settings or TrialSettings()
    step = chosen.step or (1 if of.model.get("horizon") == "daily" else MONTH)
    rows = _tests(of, step, chosen.burn_in)
    draws = Draws(
        of.assets, of.blocks, count=chosen.portfolios, names=chosen.names, seed=chosen.seed
    )
    trial = _Trial(of, step, draws)
    for done, row in enumerate(rows):
        progress(done, len(rows), "trying forecasts")
        trial.add(int(row))
    if len(trial.used) < 2:
        raise DataError(
            f"{len(trial.used)} dates could be tried, {step} sessions apart, once there are covariances: "
            f"the model covers {of.dates.describe()}. Give it more history."
        )
    return Validation(
        step=step,
        tests=np.array(trial.used),
        families=trial.families("adjusted"),
        unadjusted=trial.families("unadjusted") if of.unadjusted is not None else {},
        deciles=trial.deciles(),
        regressions=regression_facts(of),
    )


def _tests(of: RiskEstimates, step: int, burn_in: int | None) -> npt.NDArray[np.int64]:
    known = ~np.isnan(of.covariance[:, 0, 0]) & ~np.isnan(of.specific).all(axis=1)
    rows = np.flatnonzero(known)
    if not rows.size:
        return rows
    wait = min(_BURN_IN, rows.size // 2) if burn_in is None else burn_in
    return np.arange(rows[0] + wait, len(of.dates) - step, step)


class _Trial:
    """Gathers standardised returns date by date."""

    def __init__(self, of: RiskEstimates, step: int, draws: Draws) -> None:
        self.of, self.step, self.draws = of, step, draws
        self.used: list[int] = []
        self._rows: dict[tuple[str, str], list[Floats]] = {}
        self._forecast: dict[tuple[str, str], list[Floats]] = {}
        self._deciles: dict[str, list[Floats]] = {}

    def add(self, row: int) -> None:
        """Try the forecasts of one date."""
        of = self.of
        covariance = of.covariance[row]
        known = ~np.isnan(np.diagonal(covariance))
        exposures = of.exposures(row)[:, known]
        held = of.estimable[row] & ~np.isnan(exposures).any(axis=1)
        held &= (of.specific[row] > 0.0) & (of.caps[row] > 0.0)
        held &= ~homeless(of.exposures(row), known, of.blocks)
        if held.sum() < _FEWEST:
            return
        self.used.append(row)
        section = CrossSection(
            held=held,
            exposures=exposures[held],
            specific=of.specific[row, held],
            caps=of.caps[row, held],
        )
        after = slice(row + 1, row + 1 + self.step)
        compound = np.prod(1.0 + np.nan_to_num(of.returns[after][:, held]), axis=0) - 1.0
        factors = np.nan_to_num(of.factor_returns[after]).sum(axis=0)
        self._portfolios("adjusted", section, covariance, known, compound)
        self._factors("adjusted", covariance, known, factors)
        if of.unadjusted is not None:
            self._portfolios("unadjusted", section, of.unadjusted[row], known, compound)
            self._factors("unadjusted", of.unadjusted[row], known, factors)
        self._single(section, covariance[np.ix_(known, known)], compound, row)

    def _portfolios(
        self, which: str, section: CrossSection, covariance: Floats, known: Any, returns: Floats
    ) -> None:
        inner = covariance[np.ix_(known, known)]
        directions = self.draws.directions[:, known]
        made = {"optimised": optimised_weights(section, inner, directions)}
        if which == "adjusted":
            random = random_weights(section, self.draws)
            first = int(known[: self.of.first_style].sum())
            made |= {
                "random": random,
                "random_active": random - section.market,
                "tilted": tilted_weights(section, first),
            }
        for name, some in made.items():
            weights = self._every_tilt(some, known) if name == "tilted" else some
            self._keep(which, name, weights @ returns, variances(section, inner, weights))

    def _every_tilt(self, weights: Floats, known: Any) -> Floats:
        """Lay the tilts of known styles among those of all, NaN where a style is not known."""
        styles = np.asarray(known[self.of.first_style :])
        out = np.full((2 * styles.size, weights.shape[1]), np.nan)
        out[np.concatenate([styles, styles])] = weights
        return out

    def _factors(self, which: str, covariance: Floats, known: Any, returns: Floats) -> None:
        pure = np.diagonal(covariance)
        self._keep(which, "pure", np.where(known, returns, np.nan), pure)
        inner, paid = covariance[np.ix_(known, known)], returns[known]
        values, vectors = np.linalg.eigh(inner)
        real = values > _NOTHING * values.mean()
        if "industry" in self.of.blocks:
            # the constraint: one mix of industries returns 0 but for the drift of their shares
            real[0] = False
        size = len(known)
        z, variance = np.full(size, np.nan), np.full(size, np.nan)
        # counted from the greatest, which are there on every date
        place = size - 1 - np.arange(int(real.sum()))[::-1]
        variance[place] = values[real]
        z[place] = vectors[:, real].T @ paid
        self._keep(which, "eigenfactors", z, variance)
        if which == "adjusted" or self.of.unadjusted is not None:
            self._factor_mixes(which, inner, paid, known, real, values, vectors)

    def _factor_mixes(
        self,
        which: str,
        inner: Floats,
        paid: Floats,
        known: Any,
        real: Any,
        values: Floats,
        vectors: Floats,
    ) -> None:
        """Try portfolios of pure factors with the least variance for an expected return."""
        some = vectors[:, real]
        inverse = (some / values[real]) @ some.T
        directions = self.draws.directions[:, known]
        weights = directions @ inverse
        weights /= np.einsum("pk,pk->p", weights, directions)[:, None]
        variance = np.einsum("pj,jk,pk->p", weights, inner, weights)
        self._keep(which, "optimised_factors", weights @ paid, variance)

    def _single(self, section: CrossSection, inner: Floats, returns: Floats, row: int) -> None:
        factor = np.einsum("nj,jk,nk->n", section.exposures, inner, section.exposures)
        variance = factor + section.specific**2
        z = np.full(len(self.of.assets), np.nan)
        forecast = np.sqrt(variance * self.step / ANNUAL)
        z[section.held] = returns / forecast
        self._rows.setdefault(("adjusted", "single_stocks"), []).append(z)
        self._forecast.setdefault(("adjusted", "single_stocks"), []).append(np.empty(0))
        after = slice(row + 1, row + 1 + self.step)
        own = self.of.residual[after][:, section.held]
        paid = np.where(np.isnan(own).all(axis=0), np.nan, np.nan_to_num(own).sum(axis=0))
        specific = paid / (section.specific * np.sqrt(self.step / ANNUAL))
        for name, by in (("size", section.caps), ("specific_risk", section.specific)):
            self._by_decile(name, by, z[section.held])
            self._by_decile(f"specific_{name}", by, specific)

    def _by_decile(self, name: str, by: Floats, z: Floats) -> None:
        place = np.argsort(np.argsort(by, kind="stable")) * DECILES // by.size
        squares = np.where(np.isnan(z), 0.0, z**2)
        total = np.bincount(place, weights=squares, minlength=DECILES)
        count = np.bincount(place, weights=~np.isnan(z), minlength=DECILES)
        with np.errstate(invalid="ignore", divide="ignore"):
            self._deciles.setdefault(name, []).append(total / count)

    def _keep(self, which: str, name: str, returns: Floats, variance: Floats) -> None:
        with np.errstate(invalid="ignore", divide="ignore"):
            forecast = np.sqrt(variance)
            z = returns / (forecast * np.sqrt(self.step / ANNUAL))
        self._rows.setdefault((which, name), []).append(np.where(np.isfinite(z), z, np.nan))
        self._forecast.setdefault((which, name), []).append(
            np.where(np.isfinite(z), forecast, np.nan)
        )

    def families(self, which: str) -> dict[str, Family]:
        """Give the families that were tried with a covariance."""
        styles = self.of.style_names
        names = {
            "pure": self.of.factors,
            "tilted": tuple(f"{s}+" for s in styles) + tuple(f"{s}-" for s in styles),
        }
        out = {}
        for (kind, name), rows in self._rows.items():
            if kind != which:
                continue
            z, forecast = np.array(rows), np.array(self._forecast[kind, name])
            predicted = realised = np.empty(0)
            if forecast.shape == z.shape:
                scale = ANNUAL / self.step
                predicted = _root_mean(forecast)
                realised = _root_mean(z * forecast / np.sqrt(scale)) * np.sqrt(scale)
            out[name] = Family(
                z=z, names=names.get(name, ()), predicted=predicted, realised=realised
            )
        return out

    def deciles(self) -> dict[str, list[float]]:
        """Give the bias of single stocks by decile: root of the mean square of all z there."""
        return {
            n: _root_mean(np.sqrt(np.array(rows))).tolist() for n, rows in self._deciles.items()
        }


def _root_mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values**2, 0.0).sum(axis=0)
    found: Floats = np.where(count > 0, np.sqrt(total / np.maximum(count, 1)), np.nan)
    return found
