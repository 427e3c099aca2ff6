"""Files of one make to the tables they hold: which table, which columns, what units, what to drop.

1. the roles of the headers say which table it is                            -> _table_of
2. each table has its own drafter                                            -> _DRAFTERS
3. keys that all share: reading, dates, codes, missing rows, duplicates      -> _common
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from superhet.data.schema import table_spec
from superhet.data.sources.draft_map.bars import draft_bars, minutes_between
from superhet.data.sources.draft_map.entry import Drafted
from superhet.data.sources.draft_map.group import (
    DAY_IN_NAME,
    Group,
    numeric,
    put_asset,
    put_column,
    put_date,
    put_day_of_name,
    put_ratio,
    take_numbers,
)
from superhet.data.sources.draft_map.look import is_number
from superhet.data.sources.draft_map.roles import dictionary
from superhet.data.sources.draft_map.statements import QUARTER_IN_NAME, draft_statements
from superhet.data.sources.draft_map.values import in_order
from superhet.errors import DataError

_PRICES = ("open", "high", "low", "close")
_MISSING = ("", "--", "NA", "N/A", "NaN", "nan", "null", "None")


def draft_tables(group: Group) -> list[Drafted]:
    """Draft the tables that files of one make hold.

    Raises
    ------
    DataError
        if it cannot be told which table they are
    """
    table = _table_of(group)
    drafted = _DRAFTERS[table.partition("_")[0] if table.startswith("bars") else table](
        group, table
    )
    for entry in drafted:
        _common(group, entry)
    _unknown(group, drafted)
    return drafted


def _table_of(group: Group) -> str:
    """Name the table by the first of these that holds."""
    has = set(group.roles)
    bars = has >= {*_PRICES, "volume"} and bool({"date", "time"} & has)
    minutes = minutes_between(group) if bars else 0
    stems = [p.stem for p in group.paths]
    by_quarter = all(re.search(QUARTER_IN_NAME, s) for s in stems)
    by_day = "date" in has or all(re.search(DAY_IN_NAME, s) for s in stems)
    figures = any(r.kind == "statements" for r in group.roles.values())
    listing = bool({"name", "list_date"} & has)
    label = has >= {"asset", "industry"} and "list_date" not in has and _few_numbers(group)
    weights = has >= {"index", "asset", "weight", "date"}
    rules = {
        f"bars_{minutes}min" if minutes else "bars_1d": bars,
        "statements": "transpose" in group.reading
        or bool({"report_date", "announce_date"} & has)
        or ("asset" in has and figures and by_quarter),
        "index_weights": weights,
        "index_members": has >= {"index", "asset"},
        "index_bars": has >= {"close", "date"},
        "industry": label,
        "daily": "asset" in has and by_day,
        "securities": "asset" in has and listing,
        "macro": "date" in has and bool(numeric(group)),
    }
    for table, holds in rules.items():
        if holds:
            return table
    known = ", ".join(sorted(has)) or "none"
    raise DataError(
        f"it cannot be told which table this is; of its headers these are known: {known}. Write the map by "
        "hand; examples/maps/ has some.",
        file=group.paths[0].name,
    )


def _few_numbers(group: Group) -> bool:
    return len(numeric(group)) < len(group.cells.columns) / 2


def _bars(group: Group, table: str) -> list[Drafted]:
    entry = Drafted({"table": table})
    put_asset(group, entry)
    draft_bars(group, entry)
    drafted = [entry]
    ratios = {name: r for name, r in group.roles.items() if r.kind == "daily"}
    if table == "bars_1d" and ratios:
        further = Drafted({"table": "daily"})
        further.note("", "further numbers of the same files")
        put_date(group, further, "date", "date")
        put_asset(group, further)
        for name, role in ratios.items():
            put_ratio(group, further, name, role)
        drafted.append(further)
    return drafted


def _index_bars(group: Group, table: str) -> list[Drafted]:
    entry = Drafted({"table": table})
    missing = [p for p in ("open", "high", "low") if p not in group.roles]
    if missing:
        reason = (
            f"without {', '.join(missing)} this can only be a series of closes, such as an index"
        )
        entry.note("", reason, doubtful=True)
    put_date(group, entry, "date", "date")
    put_asset(group, entry, "index")
    for name in (*_PRICES, "volume", "amount"):
        if name in group.roles:
            put_column(group, entry, name, group.roles[name])
    return [entry]


def _daily(group: Group, table: str) -> list[Drafted]:
    entry = Drafted({"table": table})
    if "date" in group.roles:
        put_date(group, entry, "date", "date")
    else:
        put_day_of_name(group, entry, "date")
    put_asset(group, entry)
    ratios = {n: r for n, r in group.roles.items() if r.kind in ("daily", "statements")}
    ratios = {n: r for n, r in ratios.items() if table_spec("daily").field_of(n)}
    for name, role in ratios.items():
        put_ratio(group, entry, name, role)
    take_numbers(group, entry, few=not ratios)
    return [entry]


def _securities(group: Group, table: str) -> list[Drafted]:
    entry = Drafted({"table": table})
    put_asset(group, entry)
    if "name" in group.roles:
        entry.put("columns.name", group.roles["name"].header)
    for ours in ("list_date", "delist_date"):
        if ours in group.roles:
            put_date(group, entry, ours, ours)
    if "industry" in group.roles:
        reason = (
            "the industry is of an unknown day, so it is left out: before that day it is hindsight"
        )
        entry.note("columns", reason, doubtful=True)
    return [entry]


def _industry(group: Group, table: str) -> list[Drafted]:
    entry = Drafted({"table": table})
    put_asset(group, entry)
    entry.put("columns.industry", group.roles["industry"].header)
    start = "start_date" if "start_date" in group.roles else "date"
    if start in group.roles:
        put_date(group, entry, "start_date", start)
        entry.note("columns.start_date", "labels are not known before it")
    else:
        put_day_of_name(group, entry, "start_date")
    if "end_date" in group.roles:
        put_date(group, entry, "end_date", "end_date")
        reason = "a label holds to the day before it; if this is its last day, assume a day more"
        entry.note("columns.end_date", reason, doubtful=True)
    _scheme(group, entry)
    if "end_date" not in group.roles and start in group.roles:
        of = ["_scheme"] if "_scheme" in group.roles else []
        _lists(group, entry, start, [*of, "asset", "industry"])
    empty = group.cells_of("industry").null_count()
    if empty:
        entry.put("drop", [{"no_label": "industry is null"}], f"{empty} rows without a label")
    return [entry]


def _scheme(group: Group, entry: Drafted) -> None:
    """Say which scheme the labels are of: a known word, a column of several, or a question."""
    words = []
    if "_scheme" in group.roles:
        words = group.cells_of("_scheme").drop_nulls().unique().to_list()
    told = {dictionary()["schemes"].get(word) for word in words} - {None}
    if len(told) == 1 == len(words):
        entry.put("constants.scheme", str(told.pop()))
    elif len(words) > 1:
        entry.put("columns.scheme", group.roles["_scheme"].header, f"{len(words)} schemes")
    else:
        entry.put("constants.scheme", "vendor", "which scheme is this?", doubtful=True)


def _lists(group: Group, entry: Drafted, day: str, same: Sequence[str]) -> None:
    """Say that the rows are lists of single days, where most of a list stand in the one before, too."""
    import polars as pl

    headers = [group.roles[r].header for r in same]
    cells = group.cells.select(*headers, pl.col(group.roles[day].header).alias(" day"))
    others = [h for r, h in zip(same, headers, strict=True) if r in ("_scheme", "index")]
    number = pl.col(" day").rank("dense")
    numbered = cells.with_columns((number.over(others) if others else number).alias(" number"))
    later = numbered.filter(pl.col(" number") > 1)
    before = numbered.with_columns(pl.col(" number") + 1)
    on = [*headers, " number"]
    again = later.join(before, on=on, how="semi", nulls_equal=True).height
    if again and 2 * again >= later.height:
        days = cells[" day"].n_unique()
        entry.put(
            "snapshots",
            True,
            f"lists of {days} days: {again / later.height:.0%} go on from one to the next",
        )


def _members(group: Group, table: str) -> list[Drafted]:
    entry = Drafted({"table": table})
    entry.put("columns.index", group.roles["index"].header)
    put_asset(group, entry)
    if table == "index_members" and "start_date" not in group.roles and "date" in group.roles:
        put_date(group, entry, "start_date", "date")
        entry.note("columns.start_date", "who is in the list of a day is not known before it")
        _lists(group, entry, "date", ["index", "asset"])
    dates = ("date",) if table == "index_weights" else ("start_date", "end_date")
    for ours in dates:
        if ours in group.roles:
            put_date(group, entry, ours, ours)
    if table == "index_weights":
        entry.put("columns.weight", group.roles["weight"].header)
        numbers = [float(c) for c in group.cells_of("weight").drop_nulls() if is_number(c)]
        if numbers and max(numbers) > 1.0:
            entry.put("units.weight", 0.01, "weights above 1 are percent")
    return [entry]


def _macro(group: Group, table: str) -> list[Drafted]:
    drafted = []
    for header in numeric(group):
        entry = Drafted({"table": table})
        put_date(group, entry, "period", "date")
        entry.put("columns.release_date", group.roles["date"].header)
        reason = "no day of release is given; this takes the number as known on its own day"
        entry.note("columns.release_date", reason, doubtful=True)
        form = entry.keys.get("date_format", {}).get("period")
        if form:
            entry.put("date_format.release_date", form)
        entry.put("columns.value", header)
        entry.put("constants.series", header.strip())
        drafted.append(entry)
    return drafted


def _common(group: Group, entry: Drafted) -> None:
    """Put what all tables of the same files share."""
    for key, value in group.reading.items():
        entry.put(key, value)
    if group.files is not None:
        entry.put("files", group.files)
    for note in group.notes:
        entry.note("table", note, doubtful=True)
    spec = table_spec(entry.keys["table"])
    columns = entry.keys.get("columns", {})
    if group.footers:
        entry.put("missing", [*_MISSING, *group.footers], "the last lines are no rows")
    drop = list(entry.keys.get("drop", []))
    keyed = list(dict.fromkeys(columns[k] for k in spec.key if isinstance(columns.get(k), str)))
    empty = sum(group.cells[k].null_count() for k in keyed)
    if empty or group.footers:
        entry.put("drop", ["missing_key", *drop], f"{empty} empty cells in {', '.join(keyed)}")
    _duplicates(group, entry, keyed)
    date = columns.get(spec.date or "")
    if spec.ordered and isinstance(date, str):
        form = entry.keys.get("date_format", {}).get(spec.date, "")
        asset = columns.get("asset", columns.get("index"))
        assets = group.cells[asset] if isinstance(asset, str) else None
        if not in_order(group.cells[date], assets, form):
            entry.put("sort", True, "dates do not rise (newest first?)")


def _unknown(group: Group, drafted: Sequence[Drafted]) -> None:
    """List the headers that no table takes, with two values, at the first table."""
    columns = [c for entry in drafted for c in entry.keys.get("columns", {}).values()]
    known = {h for c in columns for h in ([c] if isinstance(c, str) else c)}
    for header in group.cells.columns:
        if header.strip() and header not in known:
            values = group.cells[header].drop_nulls().head(2).to_list()
            shown = ", ".join(" ".join(v.split())[:20] for v in values) or "empty"
            drafted[0].unknown.append((header, shown))


def _duplicates(group: Group, entry: Drafted, keyed: Sequence[str]) -> None:
    if len(group.paths) > 1 or not keyed:
        return  # the name of the file may be part of the key
    twice = int(group.cells.select(keyed).drop_nulls().is_duplicated().sum())
    if not twice:
        return
    whole = int(group.cells.drop([c for c in group.cells.columns if not c]).is_duplicated().sum())
    reason = f"{twice} rows share {', '.join(keyed)} with another; {whole} are the same throughout"
    entry.put("drop_duplicates", "first", reason, doubtful=whole < twice)


_DRAFTERS: Mapping[str, Callable[[Group, str], list[Drafted]]] = {
    "bars": _bars,
    "index_bars": _index_bars,
    "statements": draft_statements,
    "daily": _daily,
    "securities": _securities,
    "industry": _industry,
    "index_members": _members,
    "index_weights": _members,
    "macro": _macro,
}
