"""Smooth: average a signal over its own past, asset by asset, to trade less.

Only the past is used, a date without a finite value stays without one, and the past of a name is that of
its time as a member. On a coarser decision clock the unit of time is one decision date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

from superhet.kernels.smoothing import Floats, exponential_mean
from superhet.panel import Market, Panel, require_same_axes
from superhet.preprocess.base import TRANSFORMERS


@TRANSFORMERS.add("ema")
@dataclass(kw_only=True, frozen=True)
class Ema:
    """Average the past with weights 2^(-age / half_life), over the dates on which a value was known.

    Parameters
    ----------
    half_life : dates after which a value weighs half
    """

    half_life: Annotated[float, Gt(0)]

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Smooth; the unit stays."""
        values = member_values(signal, market)
        return signal.with_values(exponential_mean(values, self.half_life))


@TRANSFORMERS.add("linear_decay")
@dataclass(kw_only=True, frozen=True)
class LinearDecay:
    """Average the last `window` dates with weights window, window - 1, …, 1 (today weighs most).

    Dates without a value drop out of both sums.

    Parameters
    ----------
    window : dates
    """

    window: Annotated[int, Ge(1)]

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Smooth; the unit stays."""
        values = member_values(signal, market)
        known = np.isfinite(values)
        filled = np.where(known, values, 0.0)
        total, weight = np.zeros_like(values), np.zeros_like(values)
        for age in range(min(self.window, len(values))):
            rows = len(values) - age
            total[age:] += (self.window - age) * filled[:rows]
            weight[age:] += (self.window - age) * known[:rows]
        out = np.full_like(values, np.nan)
        np.divide(total, weight, out=out, where=known)
        return signal.with_values(out)


def member_values(signal: Panel, market: Market) -> Floats:
    """Give the values as float64, NaN outside the members."""
    require_same_axes(signal, market.universe.member)
    values = np.where(market.universe.member.values, signal.values, np.nan)
    return values.astype(np.float64, copy=False)
