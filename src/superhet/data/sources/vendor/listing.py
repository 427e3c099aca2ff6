"""Who was listed when, and which days of a wish that leaves; the same for every vendor of Chinese shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeAlias

from superhet.data.sources.vendor import PullRequest
from superhet.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

FIRST_DAY = date(1990, 12, 1)
"""Before the first session of Shanghai and Shenzhen."""

Spans: TypeAlias = Mapping[str, tuple[date, date]]
"""Asset -> first and last day, both included."""


def listings(securities: pl.DataFrame) -> Spans:
    """Read off rows of securities who was listed from when to when; what is not known is open."""
    rows = securities.select("asset", "list_date", "delist_date").iter_rows()
    return {
        asset: (first or FIRST_DAY, gone - timedelta(days=1) if gone else date.max)
        for asset, first, gone in rows
    }


def wished_days(
    vendor: str, request: PullRequest, names: Iterable[str], listed: Spans
) -> dict[str, tuple[date, date]]:
    """Give the days of a request on which each of some assets was listed, in the order of their names.

    Raises
    ------
    ConfigError
        if the user named an asset that was never listed; of members of an index such ones are left out
    """
    found = sorted(set(names))
    unknown = [name for name in found if name not in listed]
    if unknown and request.universe.assets:
        raise ConfigError("--universe", f"{vendor} does not know {', '.join(unknown[:5])}")
    spans = {name: listed[name] for name in found if name in listed}
    cut = {a: (max(s, request.start), min(e, request.end)) for a, (s, e) in spans.items()}
    return {a: (s, e) for a, (s, e) in cut.items() if s <= e}
