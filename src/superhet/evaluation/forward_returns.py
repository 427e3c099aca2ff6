"""Forward returns: what a signal could have earned, stamped at the date of the signal.

A signal known at the close of *t* is traded *delay* sessions later and held for *horizon* sessions::

    t              t + delay                      t + delay + horizon
    signal known   entry (open, close or vwap)    exit at the same kind of price

1. a position that could not be entered has no forward return: no trade that day, or a price at its
   limit                                                                       -> entry_prices
   unless it may wait for the first later session that trades                  -> first_open_door
2. a position that cannot be left, because trade is halted or has ended, is valued at the last known
   close                                                                       -> _exit
3. the return of the benchmark, or of the industry, over the same sessions is taken off when asked for
                                                                               -> _benchmark, _industry

Prices are adjusted, so that dividends and splits are part of the return.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation.entry_prices import (
    LONGEST_WAIT,
    Entry,
    Window,
    check_delay,
    entry_prices,
    first_open_door,
)
from superhet.panel import Market, Panel

__all__ = [
    "Entry",
    "ForwardReturnReport",
    "Locked",
    "Relative",
    "Window",
    "forward_return_report",
    "forward_returns",
]

Relative: TypeAlias = Literal["benchmark", "industry"]
Locked: TypeAlias = Literal["exclude", "shift"]
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ForwardReturnReport:
    """How many member-dates have a forward return, and why the others have none.

    Parameters
    ----------
    known : those with a forward return
    no_trade_at_entry : no price on the day of entry (suspended, or delisted since)
    locked_at_entry : the entry price stands at its limit, up or down
    after_the_end : the horizon reaches past the last session
    valued_at_last_close : of those known, the ones that could not be left on the day of exit
    shifted : of those known, the ones that had to wait for a later session to be entered
    """

    known: int
    no_trade_at_entry: int
    locked_at_entry: int
    after_the_end: int
    valued_at_last_close: int
    shifted: int = 0

    @property
    def total(self) -> int:
        """All member-dates."""
        return self.known + self.no_trade_at_entry + self.locked_at_entry + self.after_the_end

    def to_dict(self) -> dict[str, int]:
        """Give the counts by name."""
        return {**asdict(self), "total": self.total}

    def __str__(self) -> str:
        lines = [f"Forward returns of {self.total:,} member-dates"]
        for name, count in asdict(self).items():
            share = count / self.total if self.total else float("nan")
            lines.append(f"  {name.replace('_', ' '):<22}{count:>14,}{share:>9.2%}")
        return "\n".join(lines)


def forward_returns(
    market: Market,
    *,
    horizon: int,
    delay: int = 1,
    entry: Entry = "open",
    relative_to: Relative | None = None,
    window: Window | None = None,
    locked: Locked = "exclude",
) -> Panel:
    """Compute the simple total return from the entry to the exit, stamped at the signal date.

    Parameters
    ----------
    market : needs `adjusted_<entry>` and `adjusted_close`; price limits are honoured where it has them
    horizon : sessions held, at least 1
    delay : sessions from the signal to the trade, at least 1 (0 only with entry "close": a trade in
        the closing auction whose price the signal already knows)
    entry : the kind of price paid at entry and received at exit
    relative_to : None for the plain return; "benchmark" takes off the benchmark's compounded return;
        "industry" the equal-weighted mean of the industry at the signal date
    window : with entry "vwap", the part of the day whose vwap is paid, ("09:30", "10:00"); needs the
        market's intraday bars
    locked : "exclude" leaves out who could not trade at the entry; "shift" lets them wait for the first
        later session that trades, at most `LONGEST_WAIT` sessions and always before the exit, which stays

    Returns
    -------
    [dates, assets], return (0.01 is one percent over the horizon). NaN where the entry had no trade or
    stood at its limit, and on the last delay + horizon dates

    Raises
    ------
    ConfigError
        for a horizon or delay out of range, `relative_to="benchmark"` without a benchmark, or a window
        that the market's bars cannot show

    Notes
    -----
    The benchmark's daily returns run from close to close. An entry at the open of session e and an exit
    at the open of x is set against sessions e … x - 1; other entries against e + 1 … x. The difference is
    the same for all assets of a date, so no rank depends on it. A shifted entry is set against all of
    them too: whoever waits holds cash.
    """
    _check(horizon, delay, entry, locked)
    found = _plain_returns(market, horizon, delay, entry, window, locked)[0]
    if relative_to == "benchmark":
        found -= _benchmark(market, horizon, delay, entry)[:, None]
    elif relative_to == "industry":
        found -= _industry(market, found)
    name = f"forward_return_{horizon}"
    return Panel(values=found, dates=market.dates, assets=market.assets, name=name, unit="return")


def forward_return_report(
    market: Market,
    *,
    horizon: int,
    delay: int = 1,
    entry: Entry = "open",
    window: Window | None = None,
    locked: Locked = "exclude",
) -> ForwardReturnReport:
    """Count, among the members on each signal date, who has a forward return and who has none.

    Parameters
    ----------
    market, horizon, delay, entry, window, locked : as in `forward_returns`
    """
    _check(horizon, delay, entry, locked)
    found, shut, carried, waited = _plain_returns(market, horizon, delay, entry, window, locked)
    member = market.universe.member.values
    known = member & ~np.isnan(found)
    inside = np.zeros_like(member)
    inside[: max(len(member) - delay - horizon, 0)] = True
    lost = member & inside & ~known
    return ForwardReturnReport(
        known=int(known.sum()),
        locked_at_entry=int((lost & shut).sum()),
        no_trade_at_entry=int((lost & ~shut).sum()),
        after_the_end=int((member & ~inside).sum()),
        valued_at_last_close=int((known & carried).sum()),
        shifted=int((known & waited).sum()),
    )


def _check(horizon: int, delay: int, entry: str, locked: str) -> None:
    if horizon < 1:
        raise ConfigError("horizon", f"must be at least 1 session (got {horizon})")
    check_delay(delay, entry)
    if locked not in {"exclude", "shift"}:
        raise ConfigError("locked", f"must be exclude or shift (got {locked!r})")


def _plain_returns(
    market: Market,
    horizon: int,
    delay: int,
    entry: Entry,
    window: Window | None = None,
    locked: Locked = "exclude",
) -> tuple[Floats, Flags, Flags, Flags]:
    """Give returns, who was locked at entry, who was valued at the last close, who waited; by signal date."""
    doors = entry_prices(market, entry, window)
    exits, carried = _exit(market, doors.prices)
    shape = exits.shape
    found = np.full(shape, np.nan)
    by_date = [np.zeros(shape, dtype=bool) for _ in range(3)]
    count = len(exits) - delay - horizon
    if count > 0:
        bought = slice(delay, delay + count)
        sold = slice(delay + horizon, delay + horizon + count)
        at_once = doors.open_door
        paid = at_once if locked == "exclude" else first_open_door(at_once, horizon, LONGEST_WAIT)
        found[:count] = exits[sold] / paid[bought] - 1.0
        waited = np.isnan(at_once[bought]) & ~np.isnan(paid[bought])
        for flags, values in zip(
            by_date, (doors.locked[bought], carried[sold], waited), strict=True
        ):
            flags[:count] = values
    return found, by_date[0], by_date[1], by_date[2]


def _exit(market: Market, prices: Floats) -> tuple[Floats, Flags]:
    exits = prices.copy()
    closes = market["adjusted_close"].values
    carried = np.isnan(exits)
    last = np.full(exits.shape[1], np.nan)
    for t in range(len(exits)):
        last = np.where(np.isnan(closes[t]), last, closes[t])
        exits[t] = np.where(carried[t], last, exits[t])
    return exits, carried & ~np.isnan(exits)


def _benchmark(market: Market, horizon: int, delay: int, entry: Entry) -> Floats:
    if market.benchmark is None:
        raise ConfigError(
            "relative_to", "the market has no benchmark; name one under market.benchmark"
        )
    grown = np.concatenate([[1.0], np.cumprod(1.0 + np.nan_to_num(market.benchmark.returns))])
    gaps = np.concatenate([[0], np.cumsum(np.isnan(market.benchmark.returns))])
    start = delay if entry == "open" else delay + 1
    out = np.full(len(market.dates), np.nan)
    count = len(out) - delay - horizon
    if count > 0:
        first, last = slice(start, start + count), slice(start + horizon, start + horizon + count)
        whole = gaps[last] == gaps[first]
        out[:count] = np.where(whole, grown[last] / grown[first] - 1.0, np.nan)
    return out


def _industry(market: Market, returns: Floats) -> Floats:
    industry = market.groups("industry")
    codes, groups = industry.values, max(len(industry.labels), int(industry.values.max()) + 1)
    means = np.full(returns.shape, np.nan)
    for t, (row, code) in enumerate(zip(returns, codes, strict=True)):
        counted = (code >= 0) & ~np.isnan(row)
        if counted.any():
            total = np.bincount(code[counted], row[counted], groups)
            size = np.bincount(code[counted], minlength=groups)
            mean = np.divide(total, size, out=np.full(groups, np.nan), where=size > 0)
            means[t] = np.where(code >= 0, mean[code], np.nan)
    return means
