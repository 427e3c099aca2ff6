"""Fill: put a number where none is known — only when asked, and only for members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from superhet.kernels.cross_section import group_medians
from superhet.panel import Market, Panel
from superhet.preprocess.base import TRANSFORMERS
from superhet.preprocess.sections import Floats, Sections, sections


@TRANSFORMERS.add("fill")
@dataclass(kw_only=True, frozen=True)
class Fill:
    """Give members without a value the middle of those that have one.

    Parameters
    ----------
    value : "median" of the estimable members; "industry_median", the median of the name's industry, and
        the market's where the industry has no value; "zero", the mean of a standardized signal
    min_names : fewest known estimable names a date may have, unless it has none

    Notes
    -----
    A date on which nothing at all is known stays NaN: filling it would invent a signal. Infinite values
    are kept.
    """

    value: Literal["median", "industry_median", "zero"] = "median"
    min_names: Annotated[int, Ge(2)] = 30

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Fill; the unit stays."""
        cut = sections("fill", signal, market, self.min_names)
        known = ~np.isnan(cut.values)
        holes = market.universe.member.values & ~known & known.any(axis=1, keepdims=True)
        return signal.with_values(np.where(holes, self._middle(cut, market), cut.values))

    def _middle(self, cut: Sections, market: Market) -> Floats:
        if self.value == "zero":
            return np.zeros((1, 1))
        everyone = np.zeros(cut.values.shape, dtype=np.int32)
        overall = group_medians(cut.values, everyone, 1, cut.inside)[:, :1]
        if self.value == "median":
            return overall
        codes = market.groups("industry").values
        count = int(codes.max(initial=-1)) + 1
        medians = group_medians(cut.values, codes, count, cut.inside)
        own = np.take_along_axis(medians, np.where(codes < 0, count, codes), axis=1)
        return np.where(np.isnan(own), overall, own)
