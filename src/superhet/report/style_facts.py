"""StyleFacts: what a report says of signals and portfolio beside the styles of a risk model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class StyleFacts:
    """A study measured by a risk model; the pipeline fills it in.

    Parameters
    ----------
    model : its settings; notes : facts about its data, in words
    labels : factor -> language -> name; a factor without one is shown as it is
    overlaps : numbers of super-factor, portfolio and signals by name (`kind` says which), as
        `StyleOverlap.to_dict` gives them
    left_out : signal or style -> why it is not compared
    styles, industries : names of the columns of `exposure` and `industry_net`
    exposure : [decisions, styles], of the target weights, in standard deviations
    industry_net : [decisions, industries], of the target weights, less the share of the market
    volatility, factor_volatility, specific_volatility : [sessions], forecast of the books at each close,
        annualised; the squares of the last two add up to that of the first
    realised : [sessions], of the same books in the month after, annualised
    covered : [sessions], share of the gross that the model has a forecast for
    bias, bias_band, tests : deviation of one-session returns over their forecasts, the band that holds 95 of
        100 perfect forecasts, and how many sessions were tried
    variance_share : style, "country", "industry" or "specific" -> mean share of the forecast variance
    """

    model: Mapping[str, Any]
    notes: Sequence[str] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    overlaps: Sequence[Mapping[str, Any]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    styles: Sequence[str]
    industries: Sequence[str]
    exposure: Series
    industry_net: Series
    volatility: Series
    factor_volatility: Series
    specific_volatility: Series
    realised: Series
    covered: Series
    bias: float
    bias_band: Sequence[float]
    tests: int
    variance_share: Mapping[str, float]

    def of_kind(self, kind: str) -> Mapping[str, Any] | None:
        """Give the numbers of "super_factor" or "portfolio"; None where it could not be compared."""
        return next((one for one in self.overlaps if one["kind"] == kind), None)
