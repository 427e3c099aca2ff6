"""Two stores side by side: rows that only one has, and values that differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, Limits, examples, where
from superhet.data.quality.coverage import fields
from superhet.data.schema import table_spec

if TYPE_CHECKING:
    from superhet.data.base import Tables

_COMPARED = ("bars_1d", "daily", "index_bars", "statements", "macro")


def compare(here: Tables, there: Tables, limits: Limits) -> Iterator[Finding]:
    """Compare what two stores say of the same keys, on the days and assets that both cover.

    Parameters
    ----------
    here, there : the stores; findings are told from the side of the first
    """
    import polars as pl

    for table in _COMPARED:
        if table not in here.names() or table not in there.names():
            continue
        spec = table_spec(table)
        key, date = list(spec.key), str(spec.date)
        ours, theirs = here.read(table), there.read(table)
        first = max(ours[date].min(), theirs[date].min())  # type: ignore[type-var] # dates
        last = min(ours[date].max(), theirs[date].max())  # type: ignore[type-var] # dates
        of = "series" if table == "macro" else "index" if "index" in key else "asset"
        common = set(ours[of].unique()) & set(theirs[of].unique())
        inside = pl.col(date).is_between(first, last) & pl.col(of).is_in(sorted(common))
        ours, theirs = ours.filter(inside), theirs.filter(inside)
        for rule, one, other in (("only_here", ours, theirs), ("only_there", theirs, ours)):
            alone = one.join(other, on=key, how="anti", maintain_order="left")
            yield Finding(
                table=table,
                rule=rule,
                count=alone.height,
                total=one.height,
                examples=examples(alone.select(key)),
            )
        both = ours.join(theirs, on=key, suffix="__there", maintain_order="left")
        for name in fields(both, table):
            if f"{name}__there" not in both.columns or not both[name].dtype.is_numeric():
                continue
            scale = pl.max_horizontal(pl.col(name).abs(), pl.col(f"{name}__there").abs())
            differs = (pl.col(name) - pl.col(f"{name}__there")).abs() > limits.vendor * scale
            labels = [*key, name, f"{name}__there"]
            yield where(both, table, "vendors_differ", differs, labels, name)
