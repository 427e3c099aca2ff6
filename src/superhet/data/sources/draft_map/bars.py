"""Daily and minute bars of a draft: the time of a bar, units, adjustment, rows that are no bars."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from superhet.data.schema import MINUTES, table_spec
from superhet.data.sources.draft_map.entry import Drafted
from superhet.data.sources.draft_map.values import (
    adjusted_suspicion,
    date_format,
    volume_units,
)

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.sources.draft_map.group import Group

PRICES = ("open", "high", "low", "close")
_STAMP = r"^\d{14,17}$"
_CLOCK = r"^\d{1,2}:?\d{2}(:?\d{2})?$"
_CLOCKS = ("time", "时间", "_clock")


def minutes_between(group: Group) -> int:
    """Give the length of the bars in minutes; 0 if they are daily."""
    stamps = _stamps(group)
    if stamps is None:
        return 0
    times = stamps.drop_nulls().unique().sort()
    steps = Counter(int(s) for s in times.diff().drop_nulls().dt.total_minutes() if s)
    if not steps or times.dt.time().n_unique() < 2:
        return 0
    usual = steps.most_common(1)[0][0]
    return usual if usual in MINUTES else 0


def draft_bars(group: Group, entry: Drafted) -> None:
    """Fill in the columns of bars."""
    table = entry.keys["table"]
    if table == "bars_1d":
        _day(group, entry)
    else:
        _time(group, entry)
    spec = table_spec(table)
    for name, role in group.roles.items():
        if role.kind == "bars" and name in spec.columns:
            entry.put(f"columns.{name}", role.header)
    _units(group, entry)
    _zero_prices(group, entry)
    prices = [_number(group, p) for p in PRICES]
    suspicion = adjusted_suspicion(prices, _dates(group), _traded(group, entry))
    if suspicion:
        entry.note("columns", suspicion, doubtful=True)
    if table == "bars_1d":
        _shares(group, entry)
        _flags(group, entry)
        _factor(group, entry, suspicious=bool(suspicion))


def _day(group: Group, entry: Drafted) -> None:
    role = "date" if "date" in group.roles else "time"
    entry.put("columns.date", group.roles[role].header)
    form = date_format(group.cells_of(role), clock=False)
    if form.value == "?":
        entry.note("columns.date", form.reason, doubtful=True)
    elif form.value:
        entry.put("date_format.date", form.value, form.reason, doubtful=form.doubtful)


def _time(group: Group, entry: Drafted) -> None:
    headers, cells = _time_cells(group)
    entry.put("columns.time", headers[0] if len(headers) == 1 else headers)
    stamp = cells.str.contains(_STAMP).all()
    form = "%Y%m%d%H%M%S*" if stamp else date_format(cells, clock=True).value
    if form == "?":
        entry.note("columns.time", "no usual format reads it", doubtful=True)
    elif form:
        entry.put("date_format.time", form)
    stamps = _stamps(group)
    if stamps is None:
        return
    minutes = minutes_between(group)
    first = str(stamps.dt.time().drop_nulls().min() or "")
    if first == "09:30:00":
        entry.put("bar_label", "start", f"the first bar of a day is stamped {first}")
    else:
        reason = f"the first bar is stamped {first}: {minutes}-minute bars at their end"
        entry.note("columns.time", reason)


def _time_cells(group: Group) -> tuple[list[str], pl.Series]:
    """Give the headers that make the time of a bar, and the cells, joined by a blank."""
    clock = next(
        (h for h in group.cells.columns if h.strip().lower() in _CLOCKS and _all(group, h, _CLOCK)),
        "",
    )
    stamp = next((h for h in group.cells.columns if _all(group, h, _STAMP)), "")
    if "date" in group.roles and clock and not _has_clock(group):
        day = group.roles["date"].header
        return [day, clock], group.cells[day] + " " + group.cells[clock]
    if stamp:
        return [stamp], group.cells[stamp]
    role = "time" if "time" in group.roles else "date"
    return [group.roles[role].header], group.cells_of(role)


def _has_clock(group: Group) -> bool:
    """Tell whether one column gives both day and time of day."""
    if "time" not in group.roles:
        return False
    return not group.cells_of("time").drop_nulls().head(50).str.contains(_CLOCK).all()


def _all(group: Group, header: str, pattern: str) -> bool:
    cells = group.cells[header].drop_nulls().head(50)
    return len(cells) > 0 and bool(cells.str.contains(pattern).all())


def _stamps(group: Group) -> pl.Series | None:
    _, cells = _time_cells(group)
    if cells.str.contains(_STAMP).all():
        return cells.str.slice(0, 14).str.to_datetime("%Y%m%d%H%M%S", strict=False)
    form = date_format(cells, clock=True).value
    if form == "?":
        return None
    stamps = cells.str.to_datetime(form or "%Y-%m-%d %H:%M:%S", strict=False)
    return None if stamps.null_count() == len(stamps) else stamps


def _units(group: Group, entry: Drafted) -> None:
    volume, amount = group.roles["volume"], group.roles.get("amount")
    if volume.said or (amount and amount.said):
        for name, role in (("volume", volume), ("amount", amount)):
            if role and role.unit not in (0.0, 1.0):
                entry.put(f"units.{name}", role.unit, "the header says so")
        return
    if amount is None:
        if "asset_format" in entry.keys:
            entry.note("columns.volume", "shares or lots of 100? No amount tells", doubtful=True)
        return
    price = (_number(group, "high") + _number(group, "low") + _number(group, "close")) / 3
    lots, money, guess = volume_units(_number(group, "volume"), _number(group, "amount"), price)
    if lots == money == 1.0:
        entry.note("columns.volume", guess.reason, doubtful=guess.doubtful)
    for name, factor in (("volume", lots), ("amount", money)):
        if factor != 1.0:
            entry.put(f"units.{name}", factor, guess.reason)


def _traded(group: Group, entry: Drafted) -> pl.Series | None:
    """Give amount / volume in the currency of the prices; None where no amount is given."""
    if "amount" not in group.roles:
        return None
    units = entry.keys.get("units", {})
    volume = _number(group, "volume") * units.get("volume", 1.0)
    traded: pl.Series = _number(group, "amount") * units.get("amount", 1.0) / volume
    return traded


def _zero_prices(group: Group, entry: Drafted) -> None:
    zero = {p: int((_number(group, p) <= 0).sum()) for p in PRICES}
    if zero["open"] and not any(zero[p] for p in PRICES[1:]):
        reason = f"{zero['open']} bars open at 0 and have other prices: the open is not known"
        entry.put("derive.open", "where(open > 0, open)", reason, doubtful=True)
    elif any(zero.values()):
        entry.keys.setdefault("drop", []).append("non_positive_price")
        entry.note("drop", f"{max(zero.values())} bars have a price of 0", doubtful=True)
    opens = [_number(group, p) for p in PRICES]
    high, low = opens[1], opens[2]
    inside = [(p > high * (1 + 1e-6)) | (p < low * (1 - 1e-6)) for p in (opens[0], opens[3])]
    known = opens[0] > 0
    odd = int(((high < low * (1 - 1e-6)) | inside[1] | (inside[0] & known)).fill_null(False).sum())
    if odd:
        entry.keys.setdefault("drop", []).append("bad_ohlc")
        entry.note(
            "drop", f"{odd} bars have a high or low that their prices contradict", doubtful=True
        )


def _shares(group: Group, entry: Drafted) -> None:
    for cap, shares in (("_float_cap", "float_shares"), ("_total_cap", "total_shares")):
        role = group.roles.get(cap)
        if role is None or shares in group.roles:
            continue
        entry.put(f"columns.{cap}", role.header)
        if role.unit not in (0.0, 1.0):
            entry.put(f"units.{cap}", role.unit, "the header says so")
        entry.put(f"derive.{shares}", f"{cap} / close", "capitalisation over the close")


def _flags(group: Group, entry: Drafted) -> None:
    if "_trade_status" in group.roles:
        entry.put("columns._status", group.roles["_trade_status"].header)
        entry.put("derive.suspended", "_status == 0", "a status of 1 is trading", doubtful=True)
    elif "_paused" in group.roles:
        entry.put("columns.suspended", group.roles["_paused"].header)
    if "_adjust_flag" in group.roles:
        words = set(group.cells_of("_adjust_flag").drop_nulls().unique())
        meaning = {"1": "backward-adjusted", "2": "forward-adjusted", "3": "raw"}
        told = ", ".join(meaning.get(w, w) for w in sorted(words))
        header = group.roles["_adjust_flag"].header
        entry.note("columns", f"{header} says that prices are {told}", doubtful=words != {"3"})


def _factor(group: Group, entry: Drafted, *, suspicious: bool) -> None:
    """Draft the adjust factor: given, from an adjusted close, or from the ex-right previous close."""
    if "adjust_factor" in group.roles:
        return
    if "_adjusted_close" in group.roles:
        entry.put("columns._adjusted_close", group.roles["_adjusted_close"].header)
        entry.put("derive.adjust_factor", "rebased(_adjusted_close / close)")
        entry.note(
            "derive.adjust_factor", "adjusted as known when the file was made", doubtful=True
        )
        return
    if "_previous" not in group.roles or suspicious:
        if not suspicious:
            entry.note(
                "columns",
                "no adjust factor: returns over dividends and splits will be off",
                doubtful=True,
            )
        return
    entry.put("columns._previous", group.roles["_previous"].header)
    entry.put("derive.adjust_factor", "ex_right(close, _previous)")
    entry.note(
        "derive.adjust_factor",
        f"{_steps(group)} days have another previous close than the last close",
    )


def _steps(group: Group) -> int:
    import polars as pl

    names = (
        group.cells_of("asset") if "asset" in group.roles else pl.Series([""] * group.cells.height)
    )
    frame = pl.DataFrame(
        {
            "name": names,
            "date": _dates(group),
            "close": _number(group, "close"),
            "previous": _number(group, "_previous"),
        }
    ).sort("date")
    last = pl.col("close").shift(1).over("name")
    return int(frame.select(((last - pl.col("previous")).abs() > 1e-6).sum()).item())


def _dates(group: Group) -> pl.Series:
    return group.cells_of("date" if "date" in group.roles else "time")


def _number(group: Group, role: str) -> pl.Series:
    import polars as pl

    cells = group.cells_of(role).str.replace_all(",", "")
    return cells.cast(pl.Float64, strict=False)


__all__ = ["draft_bars", "minutes_between"]
