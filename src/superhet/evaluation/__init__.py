"""Is the factor any good? Forward returns, information coefficients, quantiles, decay, groups."""

from superhet.evaluation.decay import Decay, ic_decay, rank_autocorrelation
from superhet.evaluation.forward_returns import (
    ForwardReturnReport,
    forward_return_report,
    forward_returns,
)
from superhet.evaluation.groups import GroupInformation, information_by_group, size_groups
from superhet.evaluation.information import Information, information
from superhet.evaluation.quantiles import Quantiles, quantile_returns
from superhet.evaluation.summary import SeriesSummary, summarize_series

__all__ = [
    "Decay",
    "ForwardReturnReport",
    "GroupInformation",
    "Information",
    "Quantiles",
    "SeriesSummary",
    "forward_return_report",
    "forward_returns",
    "ic_decay",
    "information",
    "information_by_group",
    "quantile_returns",
    "rank_autocorrelation",
    "size_groups",
    "summarize_series",
]
