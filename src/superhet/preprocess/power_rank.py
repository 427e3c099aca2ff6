"""Power rank: ranks bent by one exponent, the shape that long-short weights are made of.

With u = (rank - 0.5)/n and c = 2u - 1, the power rank is sign(c)|c|^power. What an exponent means is
known in closed form: `gross_share` and `effective_share`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from superhet.kernels.cross_section import power_rank
from superhet.panel import Market, Panel
from superhet.preprocess.base import TRANSFORMERS
from superhet.preprocess.sections import sections


@TRANSFORMERS.add("power_rank")
@dataclass(kw_only=True, frozen=True)
class PowerRank:
    """Bend the ranks of every date into (-1, 1).

    Ties share their average rank; a date on which all values are equal gives 0. Any increasing change
    of the signal changes nothing. Ranks are taken among the estimable members; another member gets the
    value of the place it would take among them.

    Parameters
    ----------
    power : 1 is linear; 3 puts half of the gross weight into the outer 15.9 % of each half
    min_names : fewest known estimable names a date may have, unless it has none

    Notes
    -----
    Ranking after neutralization is not linear, so it brings back some exposure. Where exact neutrality
    matters (weights), neutralize once more after this step.
    """

    power: Annotated[float, Gt(0)] = 1.0
    min_names: Annotated[int, Ge(2)] = 30

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Power-rank; the result is a score."""
        cut = sections("power_rank", signal, market, self.min_names)
        return signal.with_values(power_rank(cut.values, self.power, cut.inside), unit="score")


def gross_share(outer: float, power: float) -> float:
    """Share of the gross held by the outer fraction of each half, for many names.

    Examples
    --------
    >>> [round(gross_share(0.2, p), 3) for p in (1, 2, 3, 5)]
    [0.36, 0.488, 0.59, 0.738]
    """
    return float(1.0 - (1.0 - outer) ** (power + 1.0))


def effective_share(power: float) -> float:
    """Effective number of names over n, (sum |p|)^2 / (n sum p^2), for many names.

    Examples
    --------
    >>> [round(effective_share(p), 4) for p in (1, 2, 3, 5)]
    [0.75, 0.5556, 0.4375, 0.3056]
    """
    return (2.0 * power + 1.0) / (power + 1.0) ** 2
