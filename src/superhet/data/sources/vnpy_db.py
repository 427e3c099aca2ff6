"""vnpy_db: bars that vn.py has collected in its SQLite file.

A bar of vn.py is stamped at its start, in the time zone that vn.py's settings name (by default that of
the machine); ours are stamped at their end, on the clock of the exchange. The zone is not in the file:
it is read off the trading hours. Contracts of other exchanges than those of shares are left out, and
counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, ClassVar

from superhet.data.sources.vendor import VENDORS, Access, Answer, Needs, PullRequest, Unit
from superhet.data.sources.vendor.columns import check_columns
from superhet.data.sources.vendor.volume import in_shares
from superhet.errors import ConfigError, DataError, VendorError

NAME = "vnpy_db"
_TABLE = "dbbardata"
_COLUMNS = (
    "symbol", "exchange", "datetime", "interval", "volume", "turnover", "open_interest",
    "open_price", "high_price", "low_price", "close_price",
)  # fmt: skip
_SUFFIX = {"SSE": ".SH", "SZSE": ".SZ", "BSE": ".BJ", "SMART": "", "NYSE": "", "NASDAQ": ""}
_INTERVAL = {"bars_1d": "d", "bars_1min": "1m"}
_CHINA = (".SH", ".SZ", ".BJ")
_UTC_TO_CHINA = timedelta(hours=8)
_MOST_SHARE = 0.99


@VENDORS.add(NAME)
class VnpyDb:
    """The vendor; see `superhet.data.sources.vendor.Vendor`."""

    name: ClassVar[str] = NAME
    tables: ClassVar[tuple[str, ...]] = ("bars_1d", "bars_1min")
    usual: ClassVar[tuple[str, ...]] = tables
    needs: ClassVar[Needs] = Needs(path=True)
    rate: ClassVar[float] = 0.0
    sample: ClassVar[str] = "all"

    def open(self, access: Access) -> VnpySession:
        """Look into the file.

        Raises
        ------
        DataError
            if it is no database of vn.py
        """
        return VnpySession(access)


class VnpySession:
    """Plans and reads; see `superhet.data.sources.vendor.Session`."""

    def __init__(self, access: Access) -> None:
        assert access.path is not None
        self._path = access.path
        if not self._path.is_file():
            raise ConfigError("--path", f"there is no file {self._path}")
        names = [row[1] for row in self._rows(f"PRAGMA table_info({_TABLE})")]
        if not names:
            raise DataError(
                f"it has no table {_TABLE}; name vn.py's database.db", file=str(self._path)
            )
        check_columns(NAME, _TABLE, names, _COLUMNS)

    def close(self) -> None:
        """Hang up; the file is open only while it is read."""

    def plan(self, request: PullRequest) -> list[Unit]:
        """List one question for each contract of shares and each clock."""
        if request.universe.index:
            raise ConfigError("--universe", "vn.py's file knows no index; name codes, or all")
        found = self._rows(f"SELECT DISTINCT symbol, exchange, interval FROM {_TABLE}")
        units, wished = [], set(request.universe.assets)
        for symbol, exchange, interval in sorted(found):
            asset = asset_of(symbol, exchange)
            for table, of in _INTERVAL.items():
                here = table in request.tables and interval == of and asset
                if here and (not wished or asset in wished):
                    units.append(
                        Unit(
                            query=_TABLE,
                            tables=(table,),
                            scope=asset,
                            start=request.start,
                            end=request.end,
                        )
                    )
        missing = sorted(wished - {u.scope for u in units})
        if missing:
            raise ConfigError("--universe", f"{self._path.name} has no bars of {missing[0]}")
        foreign = {f"{s}.{e}" for s, e, _ in found if not asset_of(s, e)}
        self._notes = (f"{len(foreign)} contracts that are no shares are left out",) * bool(foreign)
        return units

    def fetch(self, unit: Unit) -> Answer:
        """Read the bars of one contract."""
        import polars as pl

        symbol, exchange = self._contract(unit.scope)
        raw = self._rows(
            f"SELECT datetime, open_price, high_price, low_price, close_price, volume, turnover "
            f"FROM {_TABLE} WHERE symbol = ? AND exchange = ? AND interval = ? "
            f"AND datetime >= ? AND datetime < ? ORDER BY datetime",
            (
                symbol,
                exchange,
                _INTERVAL[unit.tables[0]],
                str(unit.start - timedelta(days=1)),
                str(unit.end + timedelta(days=2)),
            ),
        )
        daily = unit.tables == ("bars_1d",)
        china = unit.scope.endswith(_CHINA)
        stamps = on_the_exchange([_moment(row[0]) for row in raw], daily=daily, china=china)
        names = ("open", "high", "low", "close", "volume", "amount")
        frame = pl.DataFrame(
            [row[1:] for row in raw], schema=dict.fromkeys(names, pl.Float64), orient="row"
        )
        first = pl.Series("date" if daily else "time", stamps, pl.Datetime("ms"))
        day = first.dt.date()
        frame = frame.insert_column(0, day if daily else first + timedelta(minutes=1))
        unsaid = (pl.col("amount") == 0) & (
            pl.col("volume") > 0
        )  # gateways without turnover write 0
        frame = frame.filter(day.is_between(unit.start, unit.end)).with_columns(
            pl.lit(unit.scope).alias("asset"),
            pl.when(unsaid).then(None).otherwise(pl.col("amount")).alias("amount"),
        )
        notes, self._notes = self._notes, ()
        if china:
            frame, note = in_shares(frame, NAME, f"{_TABLE} {unit.scope}", expected=1.0)
            notes += (note,) * bool(note)
        return Answer(frames={unit.tables[0]: frame}, notes=notes)

    def _contract(self, asset: str) -> tuple[str, str]:
        pairs = self._rows(f"SELECT DISTINCT symbol, exchange FROM {_TABLE}")
        return next((s, e) for s, e in pairs if asset_of(s, e) == asset)

    def _rows(self, question: str, values: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            with _opened(self._path) as database:
                return list(database.execute(question, values))
        except sqlite3.OperationalError as error:
            raise VendorError(
                NAME, _TABLE, f"{error} (is vn.py writing?)", reach="moment"
            ) from None
        except sqlite3.DatabaseError as error:
            raise DataError(f"it is no SQLite file ({error})", file=str(self._path)) from None


def asset_of(symbol: str, exchange: str) -> str:
    """Give our code of a contract of vn.py; "" if it is no share.

    Examples
    --------
    >>> [asset_of("600000", "SSE"), asset_of("AAPL", "SMART"), asset_of("rb2410", "SHFE")]
    ['600000.SH', 'AAPL', '']
    """
    return f"{symbol}{_SUFFIX[exchange]}" if exchange in _SUFFIX else ""


def on_the_exchange(stamps: list[datetime], *, daily: bool, china: bool) -> list[datetime]:
    """Bring stamps to the clock of the exchange; for China they show whether they are in UTC.

    Raises
    ------
    VendorError
        if neither the exchange's own clock nor UTC fits the trading hours
    """
    if not china or not stamps:
        return stamps
    for shift in (timedelta(0), _UTC_TO_CHINA):
        moved = [stamp + shift for stamp in stamps]
        if sum(_fits(stamp, daily=daily) for stamp in moved) >= _MOST_SHARE * len(moved):
            return moved
    odd = next(stamp for stamp in stamps if not _fits(stamp, daily=daily))
    raise VendorError(
        NAME,
        _TABLE,
        f"{odd} is neither in trading hours of China nor in UTC; "
        "set database.timezone of vn.py to Asia/Shanghai and save the bars again",
    )


def _fits(stamp: datetime, *, daily: bool) -> bool:
    clock = stamp.time()
    if daily:
        return clock in (time(0), time(9, 30), time(15))
    return time(9, 15) <= clock <= time(11, 30) or time(13) <= clock <= time(15, 1)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(str(value)).replace(tzinfo=None)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        yield database


__all__ = ["VnpyDb", "asset_of", "on_the_exchange"]
