"""Groups of dates: calendar years and months, states of the market; and the IC of a signal within each.

What a signal is worth in bear markets must be asked of states that one could have known: each state is made
of returns up to the close of its date, and of nothing later.

1. what the market did up to each date                     -> _index
2. its trend: above or below its mean level                -> trend
3. its volatility: above or below the median of the past   -> volatility
4. the IC of the dates in each group                       -> information_by_dates
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, ConfigError
from superhet.evaluation.summary import SeriesSummary, summarize_series
from superhet.panel import Dates, Market

Series = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, eq=False, kw_only=True)
class DateGroups:
    """A classification of dates.

    Parameters
    ----------
    name : of the classification
    dates : [dates]
    codes : [dates], place in `labels`; -1 = in none
    labels : [groups]
    """

    name: str
    dates: Dates
    codes: Codes
    labels: tuple[str, ...]

    @property
    def share(self) -> Series:
        """Share of the classified dates in each group, [groups]."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.labels))
        return np.asarray(counts / max(int(counts.sum()), 1))


@dataclass(frozen=True, eq=False, kw_only=True)
class DateInformation:
    """The IC of a signal within groups of dates.

    Parameters
    ----------
    by : name of the classification
    labels : [groups]
    summaries : one for each group, of the series on its dates
    """

    by: str
    labels: tuple[str, ...]
    summaries: tuple[SeriesSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give label -> summary, ready for JSON."""
        found = zip(self.labels, self.summaries, strict=True)
        return {"by": self.by, "groups": {n: s.to_dict() for n, s in found}}

    def __str__(self) -> str:
        lines = [f"By {self.by}"]
        for label, s in zip(self.labels, self.summaries, strict=True):
            lines.append(f"  {label:<20}{s.mean:>9.4f}  t {s.t:6.2f}  {s.count} dates")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, kw_only=True)
class Regimes:
    """States of the market, each known at the close of its date.

    Parameters
    ----------
    trend : "down", "up"
    volatility : "calm", "volatile"
    both : "down, calm", "down, volatile", "up, calm", "up, volatile"
    """

    trend: DateGroups
    volatility: DateGroups
    both: DateGroups


def calendar_years(dates: Dates) -> DateGroups:
    """Group dates by year."""
    years = dates.values.astype("datetime64[Y]").astype(np.int64) + 1970
    known, codes = np.unique(years, return_inverse=True)
    labels = tuple(str(y) for y in known)
    return DateGroups(name="year", dates=dates, codes=codes.astype(np.int64), labels=labels)


def calendar_months(dates: Dates) -> DateGroups:
    """Group dates by month of the year, all years together: seasons."""
    codes = dates.values.astype("datetime64[M]").astype(np.int64) % 12
    return DateGroups(name="calendar month", dates=dates, codes=codes, labels=MONTHS)


def market_regimes(
    market: Market, *, trend_window: int = 120, volatility_window: int = 20, history: int = 250
) -> Regimes:
    """Say of each date whether the market stands up or down, calm or volatile, as known at its close.

    Parameters
    ----------
    market : its benchmark's returns are used, or where there is none the equal-weighted mean of the
        `returns` of those who were members the date before
    trend_window : sessions; up = the index stands above its mean over them
    volatility_window : sessions of the deviation of returns
    history : deviations known before a date is called; volatile = above the median of all until then

    Notes
    -----
    Prefix-stable: no state changes when later sessions are added. A session without a return counts as flat.
    """
    for name, value in (("trend_window", trend_window), ("volatility_window", volatility_window)):
        if value < 2:
            raise ConfigError(name, f"must be at least 2 sessions (got {value})")
    if history < 1:
        raise ConfigError("history", f"must be at least 1 session (got {history})")
    returns = _index(market)
    trend = _trend(returns, trend_window)
    volatility = _volatility(returns, volatility_window, history)
    dates, labels = market.dates, (("down", "up"), ("calm", "volatile"))
    both = np.where((trend >= 0) & (volatility >= 0), 2 * trend + volatility, -1)
    return Regimes(
        trend=DateGroups(name="trend", dates=dates, codes=trend, labels=labels[0]),
        volatility=DateGroups(name="volatility", dates=dates, codes=volatility, labels=labels[1]),
        both=DateGroups(
            name="regime",
            dates=dates,
            codes=both,
            labels=tuple(f"{a}, {b}" for a in labels[0] for b in labels[1]),
        ),
    )


def information_by_dates(series: Series, groups: DateGroups, horizon: int) -> DateInformation:
    """Summarize an IC series (or any other) on the dates of each group.

    Dates of other groups count as not known, and keep their place in time: neighbours stay neighbours for the
    Newey-West error, and dates that lie apart do not become neighbours.

    Parameters
    ----------
    series : [dates], on those of the groups
    groups : of the same dates
    horizon : dates over which neighbouring values overlap
    """
    if len(series) != len(groups.dates):
        raise AxisMismatch(
            f"a series of {len(series)} dates cannot be grouped by {groups.name} of {len(groups.dates)}: "
            f"make the groups on the dates of the series"
        )
    summaries = tuple(
        summarize_series(np.where(groups.codes == g, series, np.nan), horizon)
        for g in range(len(groups.labels))
    )
    return DateInformation(by=groups.name, labels=groups.labels, summaries=summaries)


def monthly_table(series: Series, dates: Dates) -> tuple[tuple[str, ...], Series]:
    """Average a series over each month: years, and [years, 12]; NaN where nothing is known.

    Parameters
    ----------
    series : [dates]
    """
    years, months = calendar_years(dates), calendar_months(dates)
    table = np.full((len(years.labels), 12), np.nan)
    for y in range(len(years.labels)):
        for m in range(12):
            inside = (years.codes == y) & (months.codes == m) & ~np.isnan(series)
            if inside.any():
                table[y, m] = series[inside].mean()
    return years.labels, table


def _index(market: Market) -> Series:
    """Give the returns of the market, [dates]; a session without one is flat."""
    if market.benchmark is not None and not np.isnan(market.benchmark.returns).all():
        return np.nan_to_num(market.benchmark.returns)
    returns = np.asarray(market["returns"].values, dtype=np.float64)
    inside = np.zeros(returns.shape, dtype=bool)
    inside[1:] = market.universe.member.values[:-1] & ~np.isnan(returns[1:])
    count = inside.sum(axis=1)
    total = np.where(inside, returns, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.zeros(len(total)), where=count > 0))


def _trend(returns: Series, window: int) -> Codes:
    level = np.cumprod(1.0 + returns)
    codes = np.full(len(level), -1, dtype=np.int64)
    for t in range(window - 1, len(level)):
        codes[t] = level[t] > level[t - window + 1 : t + 1].mean()
    return codes


def _volatility(returns: Series, window: int, history: int) -> Codes:
    codes = np.full(len(returns), -1, dtype=np.int64)
    if len(returns) <= window:
        return codes
    # the first session has no return
    deviations = np.lib.stride_tricks.sliding_window_view(returns[1:], window).std(axis=1)
    for k in range(history - 1, len(deviations)):
        codes[k + window] = deviations[k] > np.median(deviations[: k + 1])
    return codes
