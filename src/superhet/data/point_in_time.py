"""Point in time: statements and macro releases as Events, each stamped with when it became known.

`superhet.data.known_at` says from which session on a row may be used. Restatements are further rows of the
same report with a higher revision; nothing is overwritten.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from superhet.data.calendar import TradingCalendar
from superhet.data.known_at import known_sessions
from superhet.data.pivot import asset_positions, days, floats
from superhet.panel.axes import Assets, DateArray
from superhet.panel.records import Events

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

KnownAt = Literal["announce_date", "report_date"]

FLOWS = ("revenue", "gross_profit", "operating_profit", "net_profit", "operating_cash_flow")
"""Columns that A-share statements give cumulated from January, unless the meta data say otherwise."""

_KEYS = ("asset", "report_date", "announce_date", "revision")
_TEXTS = ("kind", "broker", "rating")


class MissingAnnouncement(UserWarning):
    """Statements without an announcement date were left out: nobody can say when they were known."""


class ImplausibleAnnouncement(UserWarning):
    """Statements announced before the end of their period were left out."""


def statement_events(
    tables: Tables,
    assets: Assets,
    calendar: TradingCalendar,
    last: np.datetime64,
    known_at: KnownAt = "announce_date",
) -> Events:
    """Read the `statements` table as Events.

    Rows of assets that are not on the axis, and rows known only after `last`, are left out.

    Parameters
    ----------
    tables : has a table `statements`; its meta data may give `basis` (column -> ytd, quarter, ttm, level)
        and what `known_at.known_sessions` reads
    assets : the asset axis
    calendar : all sessions; rows known before it begins are stamped with the day itself (the day after
        the announcement), so that history is there from the first session on
    last : the last session loaded
    known_at : "report_date" pretends that a statement is known when its period ends: a look-ahead on
        purpose, to measure its size; audits report it

    Returns
    -------
    Events with `asset` (position), `report_date`, `revision` and the numeric columns, sorted by known-at,
    asset, report date and revision. Where the table has no revision, it counts the earlier
    announcements of the same report.

    Warns
    -----
    MissingAnnouncement, ImplausibleAnnouncement
        with the number of rows left out
    """
    frame = _plausible(tables.read("statements"))
    published = days(frame["report_date"]) if known_at == "report_date" else None
    return _events(tables, "statements", frame, assets, calendar, last, published)


def announced_events(
    tables: Tables, table: str, assets: Assets, calendar: TradingCalendar, last: np.datetime64
) -> Events:
    """Read `forecasts`, `express_reports` or `estimates` as Events; see `statement_events`.

    Text columns (`kind`, `broker`, `rating`) are kept as objects. A forecast made before its period ends is
    what it should be; none is left out.
    """
    frame = tables.read(table).drop_nulls(["announce_date", "report_date"])
    return _events(tables, table, frame, assets, calendar, last, None)


def _events(
    tables: Tables,
    table: str,
    frame: pl.DataFrame,
    assets: Assets,
    calendar: TradingCalendar,
    last: np.datetime64,
    published: DateArray | None,
) -> Events:
    meta = tables.meta(table)
    report, announced = days(frame["report_date"]), days(frame["announce_date"])
    known = known_sessions(table, frame, calendar, meta, published)
    place = asset_positions(frame["asset"], assets)
    revision = (
        frame["revision"].fill_null(0).to_numpy().astype(np.int64)
        if "revision" in frame.columns
        else _count_earlier(place, report, announced)
    )
    kept = np.flatnonzero((place >= 0) & (known <= last))
    order = kept[np.lexsort((revision[kept], report[kept], place[kept], known[kept]))]
    names = [n for n in frame.columns if n not in _KEYS and frame[n].dtype.is_numeric()]
    texts = [n for n in _TEXTS if n in frame.columns]
    columns: dict[str, npt.NDArray[Any]] = {
        "asset": place[order],
        "report_date": report[order],
        "revision": revision[order],
        **{name: floats(frame[name])[order] for name in names},
        **{name: frame[name].to_numpy().astype(object)[order] for name in texts},
    }
    stated: dict[str, str] = dict(meta.get("basis", {}))
    basis = {n: stated.get(n, "ytd" if n in FLOWS else "level") for n in names}
    return Events(name=table, columns=columns, known_at=known[order], basis=basis)


def macro_events(tables: Tables, calendar: TradingCalendar, last: np.datetime64) -> Events:
    """Read the `macro` table as Events: `series`, `period`, `value`.

    A value is known at the close of the session of its release, or of the next session when it is
    released on a day without trading. Rows known only after `last` are left out.
    """
    frame = tables.read("macro").drop_nulls(["release_date", "series"])
    known = known_sessions("macro", frame, calendar, tables.meta("macro"))
    period, series = days(frame["period"]), frame["series"].to_numpy().astype(object)
    kept = np.flatnonzero(known <= last)
    order = kept[np.lexsort((period[kept], series[kept].astype("U"), known[kept]))]
    columns: dict[str, npt.NDArray[Any]] = {
        "series": series[order],
        "period": period[order],
        "value": floats(frame["value"])[order],
    }
    return Events(name="macro", columns=columns, known_at=known[order])


def rate_events(tables: Tables, calendar: TradingCalendar, last: np.datetime64) -> Events:
    """Read the `risk_free` table as Events: `date`, `rate` (fraction a year).

    A rate is known at the close of its session, or of the next one when its day is none. Rows known only
    after `last` are left out.
    """
    frame = tables.read("risk_free").drop_nulls("rate")
    known, date = (
        known_sessions("risk_free", frame, calendar, tables.meta("risk_free")),
        days(frame["date"]),
    )
    kept = np.flatnonzero(known <= last)
    order = kept[np.lexsort((date[kept], known[kept]))]
    columns: dict[str, npt.NDArray[Any]] = {
        "date": date[order],
        "rate": floats(frame["rate"])[order],
    }
    return Events(name="risk_free", columns=columns, known_at=known[order])


def _plausible(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out statements without an announcement, or announced before their period ended."""
    report, announced = days(frame["report_date"]), days(frame["announce_date"])
    missing = np.isnat(announced) | np.isnat(report)
    early = ~missing & (announced < report)
    for left_out, category, what in (
        (missing, MissingAnnouncement, "have no announcement date"),
        (early, ImplausibleAnnouncement, "are announced before their period ends"),
    ):
        if left_out.any():
            row = int(np.argmax(left_out))
            warnings.warn(
                f"statements: {int(left_out.sum())} of {frame.height} rows {what} and are left out "
                f"(first: {frame['asset'][row]}, period {report[row]}, announced {announced[row]}).",
                category,
                stacklevel=2,
            )
    return frame.filter(~(missing | early)) if (missing | early).any() else frame


def _count_earlier(
    place: npt.NDArray[np.int64], report: DateArray, announced: DateArray
) -> npt.NDArray[np.int64]:
    """Count, for each announcement, the earlier ones of the same report."""
    order = np.lexsort((announced, report, place))
    new = np.ones(order.size, dtype=bool)
    new[1:] = (place[order][1:] != place[order][:-1]) | (report[order][1:] != report[order][:-1])
    position = np.arange(order.size)
    starts = np.maximum.accumulate(np.where(new, position, 0))
    out = np.empty(order.size, dtype=np.int64)
    out[order] = position - starts
    return out
