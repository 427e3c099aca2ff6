"""Universe: who takes part on each date, and for which named reason somebody does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from superhet.panel.axes import Assets, DateLike, Dates, require_same_axes
from superhet.panel.panel import Panel


@dataclass(frozen=True, eq=False, kw_only=True)
class Universe:
    """Three flag panels and the invalid pool.

    Parameters
    ----------
    member : in the index or pool on that date
    tradable : a member that none of `reasons` excludes
    estimable : used to estimate statistics; an asset outside is still transformed with them
    reasons : name of the reason -> flag panel, True where it excludes ("suspended", "st",
        "new_listing", "limit_locked", "illiquid", "delisting"); an asset may have several
    """

    member: Panel
    tradable: Panel
    estimable: Panel
    reasons: Mapping[str, Panel]

    def __post_init__(self) -> None:
        for panel in (self.tradable, self.estimable, *self.reasons.values()):
            require_same_axes(self.member, panel)

    @property
    def dates(self) -> Dates:
        """The dates of all panels."""
        return self.member.dates

    @property
    def assets(self) -> Assets:
        """The assets of all panels."""
        return self.member.assets

    def until(self, date: DateLike) -> Universe:
        """Cut after `date`."""
        return Universe(
            member=self.member.until(date),
            tradable=self.tradable.until(date),
            estimable=self.estimable.until(date),
            reasons={n: p.until(date) for n, p in self.reasons.items()},
        )

    def between(self, start: DateLike | None, end: DateLike | None) -> Universe:
        """Keep the dates from `start` to `end`, both included."""
        return Universe(
            member=self.member.between(start, end),
            tradable=self.tradable.between(start, end),
            estimable=self.estimable.between(start, end),
            reasons={n: p.between(start, end) for n, p in self.reasons.items()},
        )

    def count_by_reason(self) -> dict[str, int]:
        """Count member-dates that each reason excludes (a member-date may count under several)."""
        return {
            name: int((panel.values & self.member.values).sum())
            for name, panel in self.reasons.items()
        }
