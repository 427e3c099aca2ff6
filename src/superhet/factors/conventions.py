"""Conventions: what a formula means where programs of the field disagree.

The text of a formula does not say how many rows of a window must be known, or what a comparison with a
missing value gives. Three answers have names:

========== ===================== ======================== =====================================
name       rows of a window      comparison with NaN      quotient by zero inside a formula
========== ===================== ======================== =====================================
superhet   half, rounded up      NaN                      NaN
qlib       1 (2 for deviations)  0 while the asset exists infinite; windows skip it, the end is NaN
pandas     all                   0 while the asset exists as in qlib
========== ===================== ======================== =====================================

An infinite number inside a formula is skipped by windows and by functions across assets.

A comparison `!=` with NaN gives 1 in qlib and pandas; skewness and excess kurtosis of a window without
variance are 0 and -3 there, and NaN in superhet. In "qlib" a correlation or an R² over a window whose
deviation is at most 2e-5 is NaN, and a missing row wins `ts_idxmax`, as in Qlib. All conventions share:
deviations with ddof 1, ranks as average ranks, quantiles linear between neighbours, exponential means with
normalised weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Convention:
    """One answer; see the module.

    Parameters
    ----------
    name : by which commands and studies know it
    rows : how many rows of a window must be known
    unknown_is_false : whether a comparison with NaN gives 0
    finite : whether what is not a finite number turns into NaN at once
    flat : sample deviation up to which a window counts as one without variance in correlation and R²
    unknown_wins : whether a missing row is the extreme that `ts_idxmax` finds
    skew, kurt : what a window without variance gives
    """

    name: str
    rows: Literal["half", "one", "all"]
    unknown_is_false: bool = False
    finite: bool = False
    flat: float = 0.0
    unknown_wins: bool = False
    skew: float = 0.0
    kurt: float = -3.0

    def minimum(self, window: int, least: int = 1) -> int:
        """Give the number of known rows that a window needs, at least `least`.

        Examples
        --------
        >>> CONVENTIONS["superhet"].minimum(5), CONVENTIONS["qlib"].minimum(5, 2)
        (3, 2)
        """
        rows = {"half": (window + 1) // 2, "one": 1, "all": window}[self.rows]
        return max(least, rows)


CONVENTIONS = MappingProxyType(
    {
        c.name: c
        for c in (
            Convention(name="superhet", rows="half", finite=True, skew=math.nan, kurt=math.nan),
            Convention(
                name="qlib", rows="one", unknown_is_false=True, flat=2e-5, unknown_wins=True
            ),
            Convention(name="pandas", rows="all", unknown_is_false=True),
        )
    }
)
