"""Statistical risk models: factors are found in the returns themselves.

Asymptotic principal components (Connor and Korajczyk): with many more names than dates, the leading
eigenvectors of the dates x dates matrix of cross products are the factor returns, up to a rotation.

1. returns of the window's names, each about its mean                                  -> _sample
2. cross products of dates, averaged over the names that know both; their eigenvectors    -> _factors
3. exposures by regression of each name on them; specific variance from what is left    -> _regress
4. names weighted by the inverse of that variance, 2 and 3 once more: noisy names no longer
   pose as factors                                                                     -> fit_asymptotic

POET (Fan, Liao and Mincheva): the same factors, and specific returns that may be correlated where that is
significant: `StatisticalModel.specific_covariance` has them. A snapshot has its diagonal alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, InputError, LookAhead, TooFewAssets
from superhet.panel import Market, RiskSnapshot
from superhet.panel.axes import DateLike
from superhet.risk.base import RISK_MODELS
from superhet.risk.estimates import ANNUAL

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class StatisticalFit:
    """Factors found in one window; per date, not annualised.

    Parameters
    ----------
    names : [fitted] positions of the assets that were known on enough dates
    exposures : [fitted, K]
    factor_returns : [window, K], uncorrelated, each with mean square 1
    specific_returns : [window, fitted]; NaN where the return is not known
    specific_variance : [fitted], of residuals, over dates less K + 1
    """

    names: npt.NDArray[np.int64]
    exposures: Floats
    factor_returns: Floats
    specific_returns: Floats
    specific_variance: Floats


def fit_asymptotic(
    returns: Floats, factors: int, *, least: float = 0.8, reweigh: bool = True
) -> StatisticalFit:
    """Find factors by asymptotic principal components.

    A factor's sign is that of the sum of its exposures, so that the first one is the market.

    Parameters
    ----------
    returns : [window, assets], NaN = not known
    factors : K
    least : share of the window that a name must be known on
    reweigh : whether to weigh names by the inverse of their specific variance in a second pass

    References
    ----------
    Connor and Korajczyk (1986, 1988), Journal of Financial Economics 15 and 21; (1987) for missing returns;
    Jones (2001), Journal of Financial Economics 62, for unequal specific variances.
    """
    names, x = _sample(returns, least)
    scale = np.ones(names.size)
    factor_returns = _factors(x, factors)
    exposures, rest, variance = _regress(x, factor_returns)
    if reweigh:
        scale = 1.0 / np.sqrt(np.maximum(variance, 1e-4 * np.median(variance)))
        factor_returns = _factors(x * scale, factors)
        exposures, rest, variance = _regress(x, factor_returns)
    sign = np.where(exposures.sum(axis=0) < 0.0, -1.0, 1.0)
    return StatisticalFit(
        names=names,
        exposures=exposures * sign,
        factor_returns=factor_returns * sign,
        specific_returns=rest,
        specific_variance=variance,
    )


def threshold(specific_returns: Floats, strength: float = 0.5) -> Floats:
    """Give the covariance of specific returns with what is not significant set to 0, [assets, assets].

    Soft thresholds adapt to how well each entry is known: strength sqrt(log N / T) times the deviation of the
    products. The strength is raised by steps until the matrix is positive definite.

    Parameters
    ----------
    specific_returns : [window, assets], NaN = not known
    strength : C of Fan, Liao and Mincheva

    References
    ----------
    Fan, Liao, Mincheva (2013), Journal of the Royal Statistical Society B 75; Cai and Liu (2011).
    """
    known = ~np.isnan(specific_returns)
    u = np.where(known, specific_returns, 0.0)
    count = np.maximum(known.astype(float).T @ known, 1.0)
    covariance = u.T @ u / count
    noise = np.sqrt(np.maximum((u**2).T @ u**2 / count - covariance**2, 0.0))
    T, N = u.shape
    rate = np.sqrt(np.log(max(N, 2)) / T)
    diagonal = np.diagonal(covariance).copy()
    for step in range(20):
        bound = strength * (1.0 + 0.25 * step) * rate * noise
        kept: Floats = np.sign(covariance) * np.maximum(np.abs(covariance) - bound, 0.0)
        np.fill_diagonal(kept, diagonal)
        if _is_positive_definite(kept):
            return kept
    return np.diag(diagonal)


def _is_positive_definite(symmetric: Floats) -> bool:
    try:
        np.linalg.cholesky(
            symmetric
        )  # a third of the work of the smallest eigenvalue alone, at least
    except np.linalg.LinAlgError:
        return False
    return True


def _sample(returns: Floats, least: float) -> tuple[npt.NDArray[np.int64], Floats]:
    """Give the names known on enough dates, and their returns about their means."""
    known = ~np.isnan(returns)
    names = np.flatnonzero(known.mean(axis=0) >= least)
    x = returns[:, names]
    count = np.maximum(known[:, names].sum(axis=0), 1)
    return names, x - np.nansum(x, axis=0) / count


def _factors(x: Floats, factors: int) -> Floats:
    """Give the leading eigenvectors of the cross products of dates, each with mean square 1."""
    known = ~np.isnan(x)
    filled = np.where(known, x, 0.0)
    cross = filled @ filled.T / np.maximum(known.astype(float) @ known.T, 1.0)
    _, vectors = np.linalg.eigh(cross)
    leading: Floats = vectors[:, ::-1][:, :factors] * np.sqrt(len(x))
    return leading


def _regress(x: Floats, f: Floats) -> tuple[Floats, Floats, Floats]:
    """Regress each name on the factors over the dates that know it: exposures, residuals, their variance."""
    known = ~np.isnan(x)
    filled = np.where(known, x, 0.0)
    products = np.einsum("tk,tn,tl->nkl", f, known.astype(float), f, optimize=True)
    exposures = np.linalg.solve(products, (filled.T @ f)[:, :, None])[:, :, 0]
    rest = x - f @ exposures.T
    count = known.sum(axis=0) - f.shape[1] - 1
    variance = np.nansum(rest**2, axis=0) / np.maximum(count, 1)
    return exposures, rest, variance


@RISK_MODELS.add("statistical")
@dataclass(frozen=True, kw_only=True)
class StatisticalModel:
    """A risk model whose factors are found in the returns.

    Parameters
    ----------
    factors : number of factors
    window : dates that a snapshot looks back on, its own included
    kind : "apca", or "poet", whose `covariance` has correlated specific returns
    least : share of the window that a name must be known on; others have NaN
    strength : of the thresholds of "poet"
    annual : dates a year
    """

    factors: int = 10
    window: int = 252
    kind: Literal["apca", "poet"] = "apca"
    least: float = 0.8
    strength: float = 0.5
    annual: float = ANNUAL
    _state: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.factors < self.window // 2:
            raise ConfigError(
                "factors", f"must be above 0 and below half the window (got {self.factors})"
            )
        if self.kind not in ("apca", "poet"):
            raise ConfigError("kind", f"must be apca or poet (got {self.kind!r})")

    @property
    def fitted_until_(self) -> np.datetime64:
        """Last date of the market it was fitted on."""
        found: np.datetime64 = self._market().dates.values[-1]
        return found

    def fit(self, market: Market) -> Self:
        """Take the market; each date's factors are found when they are asked for."""
        fitted = replace(self)
        fitted._state["market"] = market
        return fitted

    def at(self, date: DateLike) -> RiskSnapshot:
        """Give the risk of a date, from the returns of the window that ends with it.

        A name known on too few dates has NaN exposures and specific variance.

        Raises
        ------
        LookAhead
            If the date is after the last of the market it was fitted on.
        """
        market, found = self._market(), self._fit(date)
        exposures = np.full((len(market.assets), self.factors), np.nan)
        exposures[found.names] = found.exposures
        variance = np.full(len(market.assets), np.nan)
        variance[found.names] = found.specific_variance * self.annual
        second = found.factor_returns.T @ found.factor_returns / len(found.factor_returns)
        return RiskSnapshot(
            date=market.dates.values[market.dates.index(date)],
            assets=market.assets,
            factors=tuple(f"statistical_{k + 1}" for k in range(self.factors)),
            exposures=exposures,
            factor_covariance=second * self.annual,
            specific_variance=variance,
        )

    def covariance(self, date: DateLike) -> Floats:
        """Give the covariance of all assets, [assets, assets], annualised; NaN for those not fitted."""
        found = self._fit(date)
        names, rest = self.specific_covariance(date)
        second = found.factor_returns.T @ found.factor_returns / len(found.factor_returns)
        out = np.full((len(self._market().assets),) * 2, np.nan)
        whole = found.exposures @ second @ found.exposures.T * self.annual + rest
        out[np.ix_(names, names)] = whole
        return out

    def specific_covariance(self, date: DateLike) -> tuple[npt.NDArray[np.int64], Floats]:
        """Give the covariance of specific returns, [fitted, fitted], annualised, and who was fitted.

        They are uncorrelated with "apca"; with "poet" they are correlated where that is significant.
        """
        found = self._fit(date)
        rest = np.diag(found.specific_variance)
        if self.kind == "poet":
            rest = threshold(found.specific_returns, self.strength)
            root = np.sqrt(found.specific_variance / np.diagonal(rest))
            rest = rest * root[:, None] * root
        return found.names, rest * self.annual

    def _market(self) -> Market:
        if "market" not in self._state:
            raise LookAhead("the statistical model was not fitted; call fit(market) first")
        market: Market = self._state["market"]
        return market

    def _fit(self, date: DateLike) -> StatisticalFit:
        market = self._market()
        if np.datetime64(date) > market.dates.values[-1]:
            raise LookAhead(
                f"the statistical model was fitted on data until {self.fitted_until_}, and was asked for "
                f"{date}. Fit it on a market that reaches that date."
            )
        row = market.dates.index(date)
        begin = row + 1 - self.window
        if begin < 0:
            raise InputError(
                f"the statistical model looks back on {self.window} dates, {date} has {row + 1}. "
                "Ask for a later date, or shorten the window."
            )
        if self._state.get("row") != row:
            inside = market.universe.member.values[row]
            returns = np.array(market["returns"].values[begin : row + 1], dtype=np.float64)
            returns[:, ~inside] = np.nan
            count = int(((~np.isnan(returns)).mean(axis=0) >= self.least).sum())
            if count < 2 * self.factors:
                raise TooFewAssets("the statistical model", date, count, 2 * self.factors)
            found = fit_asymptotic(returns, self.factors, least=self.least)
            self._state["row"], self._state["fit"] = row, found
        fit: StatisticalFit = self._state["fit"]
        return fit
