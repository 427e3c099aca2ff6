"""The recipe of a simulated market, its sessions and its streams of random numbers.

Each component draws from a stream of its own, row by row of dates. So the same recipe gives the same
bytes, and a longer sample begins with exactly the shorter one (`years` only cuts).
"""

from __future__ import annotations

import math
import warnings
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from superhet.errors import ConfigError

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Ticks = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

# fmt: off
INDUSTRIES = (
    "农林牧渔", "基础化工", "钢铁", "有色金属", "电子", "家用电器", "食品饮料", "纺织服饰",
    "轻工制造", "医药生物", "公用事业", "交通运输", "房地产", "商贸零售", "社会服务", "综合",
    "建筑材料", "建筑装饰", "电力设备", "国防军工", "计算机", "传媒", "通信", "银行",
    "非银金融", "汽车", "机械设备", "煤炭", "石油石化", "环保", "美容护理",
)
# fmt: on
"""Level-1 industries of Shenwan, edition of 2021."""

BARS_A_DAY = 16
_HISTORY_MONTHS = 58
_FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 2), (5, 3), *((10, d) for d in range(1, 8)))


@dataclass(kw_only=True, frozen=True)
class SimulatedMarket:
    """What to simulate.

    Parameters
    ----------
    assets : how many securities list before the fourth year is over; nine of ten are listed on the first
        session, so a sample shorter than four years shows a few less than `assets`
    years : length of the sample
    seed : one seed for everything
    start : first day, ISO
    bars : clock of the intraday bars, or None for daily bars alone
    alpha_scale : multiplies the planted alphas; 0 makes returns unpredictable, all else alike
    industries : how many of the Shenwan level-1 industries take part

    Raises
    ------
    ConfigError
        for a value out of bounds
    """

    assets: Annotated[int, Ge(10), Le(9000)] = 300
    years: Annotated[float, Ge(0.25), Le(30)] = 4.0
    seed: Annotated[int, Ge(0)] = 7
    start: str = "2018-01-02"
    bars: Literal["15min"] | None = "15min"
    alpha_scale: Annotated[float, Ge(0), Le(10)] = 1.0
    industries: Annotated[int, Ge(1), Le(31)] = 31

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            for bound in getattr(hint, "__metadata__", ()):
                _require_bound(name, getattr(self, name), bound)
        if self.bars is not None and self.bars not in get_args(Literal["15min"]):
            raise ConfigError("bars", f"must be '15min' or null (got {self.bars!r})")
        try:
            first = np.datetime64(self.start, "D")
        except ValueError:
            raise ConfigError("start", f"must be an ISO date (got {self.start!r})") from None
        if not np.datetime64("1997-01-01") <= first <= np.datetime64("2100-01-01"):
            raise ConfigError("start", f"must lie between 1997 and 2100 (got {self.start})")

    def stream(self, name: str) -> np.random.Generator:
        """Give the stream of random numbers of one component."""
        key = zlib.crc32(name.encode())
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(key,)))

    @cached_property
    def timeline(self) -> Timeline:
        """The sessions of the sample and of its pre-history."""
        first = np.datetime64(self.start, "D")
        last = first + np.timedelta64(math.ceil(self.years * 365.25) - 1, "D")
        begin = (first.astype("datetime64[M]") - _HISTORY_MONTHS).astype("datetime64[D]")
        sessions = trading_sessions(begin, last)
        return Timeline(sessions=sessions, history=int(np.searchsorted(sessions, first)))


def _require_bound(name: str, value: float, bound: object) -> None:
    if isinstance(bound, Ge) and not value >= bound.ge:  # type: ignore[operator]  # annotated_types says "comparable"
        raise ConfigError(name, f"must be at least {bound.ge} (got {value})")
    if isinstance(bound, Le) and not value <= bound.le:  # type: ignore[operator]  # annotated_types says "comparable"
        raise ConfigError(name, f"must be at most {bound.le} (got {value})")


@dataclass(frozen=True, eq=False)
class Timeline:
    """Sessions of the pre-history and the sample.

    Parameters
    ----------
    sessions : [history + dates], datetime64[D]
    history : number of sessions before the sample; statements and states start there
    """

    sessions: Days
    history: int

    @property
    def dates(self) -> Days:
        """Sessions of the sample."""
        return self.sessions[self.history :]

    def known_from(self, announced: Days) -> Integers:
        """Find the first session after each announcement, counted from the start of the pre-history."""
        found: Integers = np.searchsorted(self.sessions, announced, side="right").astype(np.int64)
        return found


def trading_sessions(first: np.datetime64, last: np.datetime64) -> Days:
    """List the trading days from `first` to `last`, both included.

    Shanghai's calendar where `exchange_calendars` covers it; weekdays without the holidays of fixed date
    (1 January, 1–3 May, 1–7 October) elsewhere.
    """
    from exchange_calendars.exchange_calendar_xshg import XSHGExchangeCalendar

    low = XSHGExchangeCalendar.bound_min().to_datetime64().astype("datetime64[D]")
    high = XSHGExchangeCalendar.bound_max().to_datetime64().astype("datetime64[D]")
    every = np.arange(first, last + 1)
    every = every[np.is_busday(every)]
    months = every.astype("datetime64[M]")
    month = months.astype(int) % 12 + 1
    day = (every - months.astype("datetime64[D]")).astype(int) + 1
    for fixed_month, fixed_day in _FIXED_HOLIDAYS:
        keep = (month != fixed_month) | (day != fixed_day)
        every, month, day = every[keep], month[keep], day[keep]
    begin, end = max(first, low), min(last, high)
    if begin >= end:
        return every
    with warnings.catch_warnings():
        # the library still uses spellings that newer versions of pandas deprecate
        warnings.simplefilter("ignore", DeprecationWarning)
        exchange = XSHGExchangeCalendar(start=str(begin), end=str(end))
    known = exchange.sessions.values.astype("datetime64[D]")
    return np.concatenate([every[every < begin], known, every[every > end]])
