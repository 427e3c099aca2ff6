"""Descriptors of what analysts expect: forward earnings yield and expected growth.

An estimate is a row of the events `estimates`: a broker's number for a fiscal year (`report_date`), known
from a session on. It counts until the same broker's next one for that year, or until it is stale. The
consensus is the mean over brokers. Fiscal year 1 is the first that no annual report has told of (the
calendar year where there are no statements).

1. from which session to which each estimate counts      -> Estimates
2. the consensus of one fiscal year on the sessions      -> Estimates.consensus
3. that of fiscal year 1, 2, 3 as seen from each session -> Estimates.ahead
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.risk.descriptors_statements import CAP, Statements, lacking
from superhet.risk.ingredients import DESCRIPTORS, Floats, Ingredients

TABLE = "estimates"
_DECEMBER = 12
_COLUMNS = ("net_profit", "eps")
_WANTED = (
    "estimates: net_profit (of the fiscal year, currency), or eps with the daily field total_shares"
)


class Estimates:
    """The estimates of a market, on its sessions.

    Parameters
    ----------
    of : the ingredients
    stale : days after which an estimate counts no more
    """

    def __init__(self, of: Ingredients, stale: int) -> None:
        table, self.source = of.market.table(TABLE), of
        self.column = column_of(of)
        report = np.asarray(table["report_date"]).astype("datetime64[M]").astype(np.int64)
        value = np.asarray(table[self.column], dtype=np.float64)
        asset = np.asarray(table["asset"], dtype=np.int64)
        kept = np.isfinite(value) & (report % 12 + 1 == _DECEMBER) & (asset >= 0)
        self.year = report[kept] // 12 + 1970
        self.value, self.asset = value[kept], asset[kept]
        known = table.known_at[kept]
        sessions = of.market.dates.days
        self.begin = np.searchsorted(sessions, known, side="left")
        expiry = np.searchsorted(sessions, known + np.timedelta64(stale, "D"), side="right")
        brokers = np.asarray(table["broker"])[kept].astype("U") if "broker" in table else None
        self.end = np.minimum(expiry, self._superseded(brokers))

    def _superseded(self, brokers: npt.NDArray[np.str_] | None) -> npt.NDArray[np.int64]:
        """Give the session on which the same broker says something newer of the same year, [rows]."""
        if brokers is None:  # a consensus of the vendor's: one voice
            voice = np.zeros(self.value.size, dtype=np.int64)
        else:
            voice = np.unique(brokers, return_inverse=True)[1].astype(np.int64)
        order = np.lexsort((np.arange(voice.size), self.year, voice, self.asset))
        a, v, y = self.asset[order], voice[order], self.year[order]
        same = (a[1:] == a[:-1]) & (v[1:] == v[:-1]) & (y[1:] == y[:-1])
        out = np.full(voice.size, self.source.shape[0], dtype=np.int64)
        out[order[:-1][same]] = self.begin[order[1:][same]]
        return out

    def consensus(self, year: int) -> Floats:
        """Give the mean over brokers of one fiscal year, [dates, assets]; NaN where nobody says anything."""
        sessions, assets = self.source.shape
        total, count = np.zeros((sessions + 1, assets)), np.zeros((sessions + 1, assets))
        rows = np.flatnonzero((self.year == year) & (self.begin < self.end))
        for sign, at in ((1.0, self.begin[rows]), (-1.0, self.end[rows])):
            np.add.at(total, (at, self.asset[rows]), sign * self.value[rows])
            np.add.at(count, (at, self.asset[rows]), sign)
        total, count = np.cumsum(total, axis=0)[:-1], np.cumsum(count, axis=0)[:-1]
        out: Floats = np.full((sessions, assets), np.nan)
        np.divide(total, count, out=out, where=count > 0.5)
        return out

    def ahead(self, horizons: tuple[int, ...]) -> dict[int, Floats]:
        """Give the consensus of fiscal years as seen from each session, currency."""
        first = self.first_year()
        found = {k: np.full(self.source.shape, np.nan) for k in horizons}
        for year in np.unique(self.year):
            values = None
            for k in horizons:
                here = first + (k - 1) == year
                if here.any():
                    values = self.consensus(int(year)) if values is None else values
                    np.copyto(found[k], values, where=here)
        if self.column == "eps":
            shares = self.source.field("total_shares")
            found = {k: v * shares for k, v in found.items()}
        return found

    def first_year(self) -> Floats:
        """Give fiscal year 1 on each session, [dates, assets]."""
        days = self.source.market.dates.days
        calendar = (days.astype("datetime64[Y]").astype(np.int64) + 1970).astype(np.float64)
        out = np.broadcast_to(calendar[:, None], self.source.shape)
        item = self.source.table_items.get("earnings")
        if item is None or lacking(item, self.source):
            return out
        statements = Statements.read(self.source)
        told = statements.placed(statements.last_year(item)) + 1.0
        # a company that stopped reporting does not stop the calendar: at most one year is still to be told
        return np.where(np.isnan(told), out, np.maximum(told, out - 1.0))

    @classmethod
    def read(cls, of: Ingredients, stale: int) -> Estimates:
        """Give the estimates of a market, read once."""
        made: Estimates = of.once((TABLE, stale), lambda: cls(of, stale))
        return made


def column_of(of: Ingredients) -> str:
    """Give the column that holds the estimates; "" for none that can be used."""
    if TABLE not in of.market.events:
        return ""
    table = of.market.table(TABLE)
    for column in _COLUMNS:
        if column in table and (column != "eps" or "total_shares" in of.market):
            return column
    return ""


@DESCRIPTORS.add("forward_earnings")
@dataclass(kw_only=True, frozen=True)
class ForwardEarnings:
    """Expected earnings of the next twelve months over the capitalisation (EPFWD).

    Parameters
    ----------
    stale : days after which an estimate counts no more

    Notes
    -----
    Fiscal years 1 and 2 are weighted by their part of the twelve months: w = days left in year 1 / 365,
    within 0 and 1. Where only one of the two is expected, it stands for both.
    """

    stale: int = 180

    def items(self) -> tuple[str, ...]:
        """Name no item of the statements."""
        return ()

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for estimates and the capitalisation."""
        missing = () if column_of(of) else (_WANTED,)
        return (
            missing
            if CAP in of.market
            else (*missing, "the daily field market_cap (bars_1d needs total_shares)")
        )

    def compute(self, of: Ingredients) -> Floats:
        """Give the yield, [dates, assets]."""
        estimates = Estimates.read(of, self.stale)
        ahead = estimates.ahead((1, 2))
        days = of.market.dates.days
        end = (estimates.first_year() - 1969.0) * 365.2425 - 1.0  # last day of year 1, since 1970
        left = np.clip((end - days.astype(np.int64)[:, None]) / 365.0, 0.0, 1.0)
        mixed = left * ahead[1] + (1.0 - left) * ahead[2]
        mixed = np.where(np.isnan(ahead[1]), ahead[2], mixed)
        mixed = np.where(np.isnan(ahead[2]), ahead[1], mixed)
        cap = of.field(CAP)
        out: Floats = np.full(of.shape, np.nan)
        np.divide(mixed, cap, out=out, where=cap > 0)
        return out


@DESCRIPTORS.add("forward_growth")
@dataclass(kw_only=True, frozen=True)
class ForwardGrowth:
    """Expected growth of earnings a year, from the last annual report on (EGRSF, EGRLF).

    Parameters
    ----------
    years : 1 for the short term, 3 for the long
    stale : days after which an estimate counts no more

    Notes
    -----
    (E_k - E_0) / |E_0| / k, with E_0 of the last annual report and E_k expected for the k-th year after
    it. A loss as the starting point keeps the sign of the change.
    """

    years: int = 1
    stale: int = 180

    def items(self) -> tuple[str, ...]:
        """Name what growth starts from."""
        return ("earnings",)

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for estimates and annual earnings."""
        missing = () if column_of(of) else (_WANTED,)
        return (*missing, *lacking(of.table_items["earnings"], of))

    def compute(self, of: Ingredients) -> Floats:
        """Give growth a year, [dates, assets]."""
        statements = Statements.read(of)
        last = statements.placed(statements.years(of.table_items["earnings"], 1)[:, 0])
        expected = Estimates.read(of, self.stale).ahead((self.years,))[self.years]
        out: Floats = np.full(of.shape, np.nan)
        np.divide(expected - last, self.years * np.abs(last), out=out, where=np.abs(last) > 0)
        return out
