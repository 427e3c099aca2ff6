"""Attribution: where the return came from; the parts add up, and the residual is a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.panel.axes import Dates

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution:
    """Effects by date, by part and in total.

    Parameters
    ----------
    name : the method, named in the report ("contribution by industry")
    dates : [dates]
    total : [dates], the return that is explained, fraction per day
    effects : part -> [dates], fraction per day
    linked : part -> its share of the compounded return of the whole period
    """

    name: str
    dates: Dates
    total: Series
    effects: Mapping[str, Series]
    linked: Mapping[str, float]

    @property
    def residual(self) -> Series:
        """What the effects leave unexplained, [dates]."""
        explained: Series = np.sum(list(self.effects.values()), axis=0)
        return self.total - explained

    def __str__(self) -> str:
        lines = [f"{self.name}, {self.dates.describe()}"]
        lines += [f"  {name:<24}{value:>10.2%}" for name, value in self.linked.items()]
        lines.append(f"  {'total':<24}{self.linked_total:>10.2%}")
        lines.append(f"  largest daily residual {np.abs(self.residual).max(initial=0.0):.1e}")
        return "\n".join(lines)

    @property
    def linked_total(self) -> float:
        """The compounded return of the whole period."""
        return float(np.prod(1.0 + self.total) - 1.0)
