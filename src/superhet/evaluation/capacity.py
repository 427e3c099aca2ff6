"""Capacity: the money at which the impact of its own trades eats what a long-short earns.

A trade of value Q in a name whose amount a day is V moves its price against the trader by

    Y · σ · sqrt(Q / V)

σ the deviation of daily returns (Grinold & Kahn, *Active Portfolio Management*, 2nd ed., ch. 16; Y is about
1. Almgren, Thum, Hauptmann & Li 2005, "Direct estimation of equity market impact", find the power 0.6 rather
than 1/2, and like size). With A in each leg, Q = A |Δw|, so a session costs the fraction sqrt(A) · K, and

    net alpha(A) = α - sqrt(A) · K

1. K = Y · mean over sessions of sum |Δw|^1.5 σ / sqrt(V), from the trades of the portfolios  -> capacity
2. it is zero at A = (α / K)^2; most money is earned at 4/9 of that                           -> Capacity
3. beside it, the A at which trades are a given share of the amount                           -> Capacity
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation.quantile_portfolios import QuantilePortfolios
from superhet.evaluation.summary import plain

Floats = npt.NDArray[np.float64]
_CURVE = np.geomspace(1e6, 1e11, 31)


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much money, in each leg, a long-short can carry; currency of the market's `amount`.

    Parameters
    ----------
    alpha : gross return a year before any cost, simple
    linear_cost : a year, what the trades cost whatever their size
    impact_at_million : a year, what impact costs with one million in each leg
    eaten : money at which impact eats the gross alpha; 0 where there is none
    eaten_net : money at which impact eats what the linear costs leave
    best : money at which most is earned after all costs, 4/9 of `eaten_net`
    best_profit : currency a year earned there
    participating : money at which trades are `participation` of the 20-session mean amount, on the average of
        what is traded
    coefficient : Y
    participation : share of the amount
    """

    alpha: float
    linear_cost: float
    impact_at_million: float
    eaten: float
    eaten_net: float
    best: float
    best_profit: float
    participating: float
    coefficient: float
    participation: float

    def net_alpha(self, money: Floats) -> Floats:
        """Give the return a year that is left with `money` in each leg."""
        impact = self.impact_at_million * np.sqrt(np.asarray(money) / 1e6)
        return np.asarray(self.alpha - self.linear_cost - impact)

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name and the curve of net alpha, ready for JSON."""
        numbers = {name: plain(value) for name, value in vars(self).items()}
        curve = {"money": plain(_CURVE), "net_alpha": plain(self.net_alpha(_CURVE))}
        return {**numbers, "curve": curve}

    def __str__(self) -> str:
        return (
            f"Capacity: gross alpha {self.alpha:.2%} a year, trades cost {self.linear_cost:.2%} whatever "
            f"their size, impact {self.impact_at_million:.2%} at one million a leg\n"
            f"  impact eats the alpha at {self.eaten:,.0f}, what costs leave at {self.eaten_net:,.0f}; most "
            f"is earned at {self.best:,.0f}\n"
            f"  trades are {self.participation:.0%} of the amount at {self.participating:,.0f}"
        )


def capacity(
    portfolios: QuantilePortfolios, *, coefficient: float = 1.0, participation: float = 0.05
) -> Capacity:
    """Estimate the capacity of a long-short from the trades that it made.

    Parameters
    ----------
    portfolios : of a market that has `amount` (else there is nothing to measure liquidity by)
    coefficient : Y of the square-root law
    participation : share of the mean amount that trades may be

    Raises
    ------
    ConfigError
        for a coefficient or share that is not positive, or portfolios without liquidity
    """
    if coefficient <= 0.0:
        raise ConfigError("coefficient", f"must be positive (got {coefficient})")
    if not 0.0 < participation <= 1.0:
        raise ConfigError(
            "participation", f"must be a share above 0, at most 1 (got {participation})"
        )
    books, year = portfolios.books, portfolios.periods_per_year
    known = ~np.isnan(portfolios.long_short)
    impact, squared = float(books.impact[known].sum()), float(books.squared[known].sum())
    if impact == 0.0:
        raise ConfigError(
            "capacity",
            "needs trades and the market's `amount`, and found none. Load amount, or a vendor that has it.",
        )
    alpha = float(portfolios.long_short[known].mean()) * year
    linear = float(portfolios.costs[known][:, [0, -1]].sum(axis=1).mean()) * year
    slope = coefficient * impact / int(known.sum()) * year  # a year, at money 1
    traded = float((books.bought + books.sold)[known][:, [0, -1]].sum())
    eaten, eaten_net = (max(a, 0.0) ** 2 / slope**2 for a in (alpha, alpha - linear))
    best = 4.0 / 9.0 * eaten_net
    return Capacity(
        alpha=alpha,
        linear_cost=linear,
        impact_at_million=slope * 1e3,
        eaten=eaten,
        eaten_net=eaten_net,
        best=best,
        best_profit=best * (alpha - linear - slope * best**0.5),
        participating=participation * traded / squared if squared > 0.0 else float("nan"),
        coefficient=coefficient,
        participation=participation,
    )
