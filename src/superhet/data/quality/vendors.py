"""Two stores side by side: rows that only one has, and values that differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, Limits, count_rules, examples
from superhet.data.quality.coverage import fields
from superhet.data.quality.daily import before
from superhet.data.schema import table_spec

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

_THERE = " there"
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
        theirs = theirs.rename({c: f"{c}{_THERE}" for c in theirs.columns if c not in key})
        both = ours.join(theirs, on=key, how="inner", maintain_order="left")
        yield from _values(both, table, key, limits)
        if table == "bars_1d":
            yield _returns(both, limits)


def _values(both: pl.DataFrame, table: str, key: list[str], limits: Limits) -> Iterator[Finding]:
    """Compare field by field; an adjust factor has no level that two vendors could share."""
    import polars as pl

    for name in fields(both, table):
        there = f"{name}{_THERE}"
        if there not in both.columns or not both[name].dtype.is_numeric():
            continue
        if name == "adjust_factor":
            continue
        scale = pl.max_horizontal(pl.col(name).abs(), pl.col(there).abs())
        off = (pl.col(name) - pl.col(there)).abs() / scale
        differs = {"vendors_differ": pl.col("_off") > limits.vendor}
        held = both.select(*key, name, there).with_columns(_off=off)
        yield from count_rules(held, table, differs, [*key, name, there], name, largest="_off")


def _returns(both: pl.DataFrame, limits: Limits) -> Finding:
    """Compare total returns from one bar to the next that both have."""
    import polars as pl

    def adjusted(end: str) -> pl.Expr:
        factor = f"adjust_factor{end}"
        close = pl.col(f"close{end}")
        return close * pl.col(factor) if factor in both.columns else close

    frame = both.sort("asset", "date").with_columns(_here=adjusted(""), _there=adjusted(_THERE))
    frame = frame.with_columns(
        here=pl.col("_here") / before("_here") - 1, there=pl.col("_there") / before("_there") - 1
    )
    differs = (pl.col("here") - pl.col("there")).abs() > limits.vendor
    frame = frame.with_columns(_off=pl.col("here") - pl.col("there"))
    rule, labels = {"returns_differ": differs}, ["asset", "date", "here", "there"]
    return count_rules(frame, "bars_1d", rule, labels, "close", largest="_off")[0]
