"""Quantiles: what the lowest, the highest and those between earned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation.judged import Judgement, Rule, judge
from superhet.evaluation.summary import SeriesSummary, plain, summarize_series
from superhet.kernels.information import spearman
from superhet.panel import Dates, Panel, require_same_axes

Floats = npt.NDArray[np.float64]
Edges: TypeAlias = Literal["rank", "interpolated"]
"""How quantiles are cut: by average rank, or by percentiles between values as `pandas.qcut` does."""
MOST = 32_767


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantiles:
    """Forward returns by quantile of a signal; column 0 is quantile 1, the lowest signal.

    Parameters
    ----------
    name : of the signal
    horizon : sessions of the forward return
    dates : [dates]
    returns : [dates, quantiles], equal-weighted mean forward return, per horizon
    sizes : [dates, quantiles], names in each
    turnover : [dates, quantiles], share of a quantile's names that were not in it `step` dates before
    spread : [dates], top minus bottom (gross 2)
    spread_summary : its mean, deviation and Newey-West error
    errors : [dates, quantiles], standard error of `returns` among the names of the date
    universe : [dates], mean forward return of all names that are in a quantile
    step : dates between the two compositions that `turnover` compares
    """

    name: str
    horizon: int
    dates: Dates
    returns: Floats
    sizes: npt.NDArray[np.int64]
    turnover: Floats
    spread: Floats
    spread_summary: SeriesSummary
    errors: Floats
    universe: Floats
    step: int = 1

    @property
    def mean(self) -> Floats:
        """Mean forward return of each quantile over the dates on which it is known, [quantiles]."""
        return _column_mean(self.returns)

    @property
    def relative_mean(self) -> Floats:
        """The same over the mean of all quantiles of the date, [quantiles]; the market is gone."""
        return _column_mean(self.returns - self.returns.mean(axis=1, keepdims=True))

    @property
    def excess_mean(self) -> Floats:
        """The same over the mean of all names of the date, [quantiles]; alphalens' "demeaned"."""
        return _column_mean(self.returns - self.universe[:, None])

    @property
    def spread_error(self) -> Floats:
        """Standard error of the spread of each date, from the names within its two ends, [dates]."""
        return np.hypot(self.errors[:, -1], self.errors[:, 0])

    @property
    def mean_turnover(self) -> Floats:
        """Mean turnover of each quantile, [quantiles]."""
        return _column_mean(self.turnover)

    @property
    def monotonicity(self) -> float:
        """Rank correlation of quantile number and mean relative return; 1 = a staircase upwards."""
        number = np.arange(1.0, self.returns.shape[1] + 1.0)
        return float(spearman(number[None, :], self.relative_mean[None, :], minimum=2)[0])

    def to_dict(self, *, series: bool = False) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON; `series` adds the values of each date."""
        found: dict[str, Any] = {
            "name": self.name,
            "horizon": self.horizon,
            "mean": plain(self.mean),
            "relative_mean": plain(self.relative_mean),
            "turnover": plain(self.mean_turnover),
            "spread": self.spread_summary.to_dict(),
            "monotonicity": plain(self.monotonicity),
        }
        if series:
            found["series"] = {
                "date": [str(d) for d in self.dates],
                "returns": plain(self.returns),
                "spread": plain(self.spread),
            }
        return found

    def __str__(self) -> str:
        lines = [
            f"Quantiles of {self.name or 'signal'}, horizon {self.horizon}",
            f"  {'quantile':<10}{'mean':>10}{'relative':>10}{'turnover':>10}",
        ]
        for q, (mean, relative, turnover) in enumerate(
            zip(self.mean, self.relative_mean, self.mean_turnover, strict=True), start=1
        ):
            lines.append(f"  {q:<10}{mean:>10.3%}{relative:>10.3%}{turnover:>10.1%}")
        s = self.spread_summary
        lines.append(f"  spread {s.mean:+.3%} (t {s.t:.2f}), monotonicity {self.monotonicity:+.2f}")
        return "\n".join(lines)


def quantile_returns(
    signal: Panel,
    forward: Panel,
    horizon: int,
    *,
    quantiles: int = 5,
    step: int = 1,
    edges: Edges = "rank",
) -> Quantiles:
    """Cut each date into quantiles of the signal and average the forward returns in each.

    Quantiles are cut among the names that have both; equal signals share a quantile. A date with fewer such
    names than quantiles gives NaN.

    Parameters
    ----------
    signal : [dates, assets], score
    forward : [dates, assets], return stamped at the signal date
    horizon : dates over which neighbouring forward returns overlap
    quantiles : their number, at least 2
    step : dates between the two compositions that `turnover` compares
    edges : "rank" cuts by average rank, so that sizes differ by one at most where no signals are equal;
        "interpolated" cuts where alphalens does
    """
    require_same_axes(signal, forward)
    check_quantiles(quantiles, edges)
    rule = Rule(interpolated=edges == "interpolated")
    found = judge(signal.values, forward.values, quantiles, step, rule)
    return cut(signal, horizon, found, step)


def check_quantiles(quantiles: int, edges: str) -> None:
    """Refuse numbers of quantiles and names of edges that mean nothing."""
    if not 2 <= quantiles <= MOST:
        raise ConfigError("quantiles", f"must be at least 2, at most {MOST} (got {quantiles})")
    if edges not in {"rank", "interpolated"}:
        raise ConfigError("edges", f"must be rank or interpolated (got {edges!r})")


def cut(signal: Panel, horizon: int, found: Judgement, step: int) -> Quantiles:
    """Make the table of a judgement."""
    spread = found.means[:, -1] - found.means[:, 0]
    return Quantiles(
        name=signal.name,
        horizon=horizon,
        dates=signal.dates,
        returns=found.means,
        sizes=found.sizes,
        turnover=found.turnover,
        spread=spread,
        spread_summary=summarize_series(spread, horizon),
        errors=found.errors,
        universe=found.universe.copy(),
        step=step,
    )


def _column_mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))
