"""Information coefficients within groups: in every industry, among small and large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch
from superhet.evaluation.judged import GroupJudgement
from superhet.evaluation.summary import SeriesSummary, summarize_many
from superhet.kernels.information import quantile_buckets, spearman_by_group
from superhet.panel import Market, Panel, require_same_axes


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupInformation:
    """Rank IC of one signal within each group.

    Parameters
    ----------
    name : of the signal
    by : of the classification
    labels : [groups]
    rank_ic : [dates, groups]; NaN where a group has too few pairs
    summaries : one for each group
    quantile_returns : [dates, groups, quantiles], mean forward return of those of a quantile of the whole
        universe who are in the group; NaN where nobody is. Made by `evaluate`
    """

    name: str
    by: str
    labels: tuple[str, ...]
    rank_ic: npt.NDArray[np.float64]
    summaries: tuple[SeriesSummary, ...]
    quantile_returns: npt.NDArray[np.float64] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give label -> summary, ready for JSON."""
        found = zip(self.labels, self.summaries, strict=True)
        return {"name": self.name, "by": self.by, "groups": {n: s.to_dict() for n, s in found}}

    def __str__(self) -> str:
        lines = [f"Rank IC of {self.name or 'signal'} by {self.by}"]
        for label, s in zip(self.labels, self.summaries, strict=True):
            lines.append(f"  {label:<20}{s.mean:>9.4f}  t {s.t:6.2f}  {s.count} dates")
        return "\n".join(lines)


def information_by_group(
    signal: Panel, forward: Panel, groups: Panel, horizon: int, *, minimum: int = 3
) -> GroupInformation:
    """Correlate ranks within each group, date by date.

    Parameters
    ----------
    signal : [dates, assets], score
    forward : [dates, assets], return stamped at the signal date
    groups : [dates, assets], group codes; -1 takes part nowhere
    horizon : dates over which neighbouring forward returns overlap
    minimum : a group with fewer pairs on a date gives NaN there
    """
    require_same_axes(signal, forward)
    require_same_axes(signal, groups)
    labels = group_labels(groups)
    found = spearman_by_group(
        signal.values, forward.values, groups.values, len(labels), minimum=minimum
    )
    return GroupInformation(
        name=signal.name,
        by=groups.name,
        labels=labels,
        rank_ic=found,
        summaries=summarize_many(found, horizon),
    )


def group_labels(groups: Panel) -> tuple[str, ...]:
    """Name each code of a panel of groups; a code without a label is its own."""
    if groups.unit != "group":
        raise AxisMismatch(f"{groups.name!r} is a panel of unit {groups.unit}, not of groups")
    count = max(len(groups.labels), int(groups.values.max(initial=-1)) + 1)
    return groups.labels + tuple(str(g) for g in range(len(groups.labels), count))


def grouped(
    signal: Panel, groups: Panel, horizon: int, labels: tuple[str, ...], found: GroupJudgement
) -> GroupInformation:
    """Make the table of a judgement."""
    return GroupInformation(
        name=signal.name,
        by=groups.name,
        labels=labels,
        rank_ic=found.rank_ic,
        summaries=summarize_many(found.rank_ic, horizon),
        quantile_returns=found.quantile_returns,
    )


def size_groups(market: Market, buckets: int = 5) -> Panel:
    """Cut each date into groups of equal number by the market's size; "size 1" is the smallest.

    Parameters
    ----------
    market : its `size` field names the panel that is cut
    buckets : their number

    Returns
    -------
    [dates, assets], group codes; -1 where the size is not known
    """
    size = market[market.size]
    codes = quantile_buckets(size.values, buckets) - 1
    labels = tuple(f"size {q}" for q in range(1, buckets + 1))
    return Panel(
        values=codes.astype(np.int32),
        dates=size.dates,
        assets=size.assets,
        name="size",
        unit="group",
        labels=labels,
    )
