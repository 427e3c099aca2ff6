"""yfinance: daily bars of Yahoo, as they were quoted, with dividends and splits.

Yahoo divides all prices before a split by its ratio, even those of today's answer by splits that came
after the last wished day, and dividends likewise. Both are undone here with the full list of splits, so
that bars are raw and a later split does not change a bar that is stored.

Its library logs what goes wrong and answers with nothing; here it is made to say so, for a line that is down
is no share without bars.

Known limits: names that were delisted are gone, so a study of them flatters; a spin-off is in no list,
and shows as a fall of the price; volumes are of the consolidated tape; there is no amount, no share
count as of a date, and no statement that says when it was announced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from superhet.data.sources.vendor import VENDORS, Access, Answer, Needs, PullRequest, Unit
from superhet.data.sources.vendor.columns import check_columns, from_pandas, pick, to_dates
from superhet.data.sources.vendor.deadline import within
from superhet.errors import ConfigError, MissingExtra, VendorError

if TYPE_CHECKING:
    import polars as pl

NAME = "yfinance"
_OHLC = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
_ACTIONS = {"_cash": "Dividends", "_split": "Stock Splits"}
_PRICES = ("open", "high", "low", "close")
_BUSY = 60.0
_NO_DAYS = "Data doesn't exist"
"""What Yahoo says of a known name and days without any session."""
_NO_BARS = "no price data found"
_FEW_DAYS = timedelta(days=10)
_INDEX_OF_CHINA, _INDEX_OF_US = "000300.SH", "^GSPC"


@VENDORS.add(NAME)
class YFinance:
    """The vendor; see `superhet.data.sources.vendor.Vendor`."""

    name: ClassVar[str] = NAME
    tables: ClassVar[tuple[str, ...]] = ("index_bars", "bars_1d", "corporate_actions")
    usual: ClassVar[tuple[str, ...]] = tables
    needs: ClassVar[Needs] = Needs(package=NAME, extra="us")
    rate: ClassVar[float] = 60.0
    sample: ClassVar[str] = "AAPL"

    def open(self, access: Access) -> YFinanceSession:
        """Load the library; nothing is asked yet."""
        return YFinanceSession(access)


class YFinanceSession:
    """Plans and asks; see `superhet.data.sources.vendor.Session`."""

    def __init__(self, access: Access) -> None:
        try:
            import yfinance
        except ImportError:
            raise MissingExtra(NAME, "us") from None
        self._module: Any = yfinance
        self._access = access

    def close(self) -> None:
        """Hang up; there is no line that stays open."""

    def plan(self, request: PullRequest) -> list[Unit]:
        """List one question for each index, and one for each asset."""
        assets, index = request.universe.assets, request.universe.index
        of = partial(Unit, query="history", start=request.start, end=request.end)
        tables = tuple(t for t in request.tables if t != "index_bars")
        if tables and not assets:
            raise ConfigError(
                "--universe", "yfinance has no list of shares: name them, or a file of codes"
            )
        units: list[Unit] = []
        if "index_bars" in request.tables:
            codes = [index] if index else sorted({_index_beside(a) for a in assets})
            units += [of(tables=("index_bars",), scope=code) for code in codes or [_INDEX_OF_US]]
        return units + [of(tables=tables, scope=asset) for asset in assets if tables]

    def fetch(self, unit: Unit) -> Answer:
        """Ask for the bars of one index; or of one asset, with all its splits."""
        import polars as pl

        ticker = self._module.Ticker(symbol_of(unit.scope))
        prices = self._ask(
            unit,
            lambda: ticker.history(
                start=str(unit.start),
                end=str(unit.end + timedelta(days=1)),
                interval="1d",
                auto_adjust=False,
                actions=True,
            ),
        )
        if prices.is_empty():
            return Answer(frames={})
        columns = {"date": "Date", **_OHLC, **_ACTIONS}
        scales = dict.fromkeys((*_OHLC, *_ACTIONS), 1.0)
        taken = to_dates(pick(NAME, "history", prices, columns, scales), "date")
        if unit.tables == ("index_bars",):
            return Answer(frames={"index_bars": _index_bars(taken, unit.scope)})
        taken = taken.with_columns(pl.lit(unit.scope).alias("asset"))
        splits = self._splits(ticker, unit)
        taken = taken.with_columns(_later_splits(taken["date"].to_list(), splits))
        given = {}
        if "bars_1d" in unit.tables:
            given["bars_1d"] = _raw_bars(taken)
        if "corporate_actions" in unit.tables:
            given["corporate_actions"] = _actions(taken)
        return Answer(frames=given)

    def _splits(self, ticker: Any, unit: Unit) -> dict[date, float]:
        """Give all splits of an asset, ex-date -> new shares for one old."""
        whole = replace(unit, query="splits")
        rows = self._ask(whole, lambda: ticker.splits.to_frame("Stock Splits"))
        if rows.is_empty():
            return {}
        taken = to_dates(
            pick(NAME, "splits", rows, {"date": "Date", "split": "Stock Splits"}, {"split": 1.0}),
            "date",
        )
        return {day: ratio for day, ratio in taken.iter_rows() if ratio}

    def _ask(self, unit: Unit, question: Any) -> pl.DataFrame:
        import polars as pl

        query = unit.query
        self._access.pace()
        try:
            with _outspoken(self._module):
                frame = within(self._access.timeout, NAME, query, question)
        except VendorError:
            raise
        except Exception as error:
            kind = type(error).__name__
            if "RateLimit" in kind:
                raise VendorError(
                    NAME, query, "asked too often", reach="moment", wait=_BUSY
                ) from None
            if "PricesMissing" in kind and _is_without_session(unit, str(error)):
                return pl.DataFrame()
            unknown = any(word in kind for word in ("Missing", "InvalidPeriod"))
            reach: Literal["unit", "moment"] = "unit" if unknown else "moment"
            raise VendorError(NAME, query, f"{kind}: {error}", reach=reach) from None
        if frame is None or not len(frame):
            return pl.DataFrame()
        flat = frame.reset_index()
        check_columns(NAME, query, [str(c) for c in flat.columns], ("Date",))
        flat["Date"] = [stamp.date() for stamp in flat["Date"]]
        return from_pandas(flat)


def symbol_of(asset: str) -> str:
    """Give Yahoo's form of one of our codes.

    Examples
    --------
    >>> [symbol_of(a) for a in ("AAPL", "BRK.B", "600000.SH", "000001.SZ", "000300.SH", "^GSPC")]
    ['AAPL', 'BRK-B', '600000.SS', '000001.SZ', '000300.SS', '^GSPC']
    """
    if asset.endswith(".BJ"):
        raise ConfigError("--universe", f"yfinance has no shares of Beijing; {asset!r} is one")
    if asset.endswith(".SH"):
        return asset.removesuffix("SH") + "SS"
    return asset if asset.endswith(".SZ") or asset.startswith("^") else asset.replace(".", "-")


def _index_beside(asset: str) -> str:
    """Give the index that goes as a benchmark with an asset's market."""
    return _INDEX_OF_CHINA if asset.endswith((".SH", ".SZ")) else _INDEX_OF_US


def _is_without_session(unit: Unit, said: str) -> bool:
    """Tell days on which nobody trades (a weekend, a holiday) from a name without prices."""
    short = unit.end - unit.start < _FEW_DAYS
    return _NO_DAYS in said or (_NO_BARS in said and short)


@contextmanager
def _outspoken(module: Any) -> Iterator[None]:
    """Let the library raise what it would log and answer with nothing."""
    debug = getattr(getattr(module, "config", None), "debug", None)
    if debug is None:
        yield
        return
    before = debug.hide_exceptions
    debug.hide_exceptions = False
    try:
        yield
    finally:
        debug.hide_exceptions = before


def _later_splits(days: list[date], splits: Mapping[date, float]) -> pl.Series:
    """Give, for each day, by how much splits after it have multiplied the shares."""
    import polars as pl

    factors = []
    for day in days:
        factor = 1.0
        for ex_date, ratio in splits.items():
            factor *= ratio if ex_date > day else 1.0
        factors.append(factor)
    return pl.Series("_later", factors, pl.Float64)


def _raw_bars(taken: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    later = pl.col("_later")
    return taken.select(
        "date",
        "asset",
        *((pl.col(c) * later).round(6).alias(c) for c in _PRICES),
        (pl.col("volume") / later).round(0).alias("volume"),
        pl.lit(None, pl.Float64).alias("amount"),
    )


def _index_bars(taken: pl.DataFrame, index: str) -> pl.DataFrame:
    """Take closes as they are; an index has no splits, and a volume of 0 is one that is not counted."""
    import polars as pl

    volume = pl.when(pl.col("volume") > 0).then(pl.col("volume"))
    return taken.select("date", *_PRICES, volume.alias("volume"), pl.lit(index).alias("index"))


def _actions(taken: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    paid = taken.filter((pl.col("_cash") != 0) | (pl.col("_split") != 0))
    split = pl.col("_split")
    return paid.select(
        pl.col("date").alias("ex_date"),
        "asset",
        (pl.col("_cash") * pl.col("_later")).round(6).alias("cash"),
        pl.when(split > 0).then(split).otherwise(1.0).alias("split"),
    )
