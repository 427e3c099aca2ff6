"""Price limits of the mainland exchanges, by board, special treatment, listing age and date.

A limit price is the ex-right previous close (in whole fen) times 1 ± the percentage, rounded half-up to
a fen, and at least one fen away from it. The table below is the rule book; a row holds from its date on.

Sources: Trading Rules of the Shanghai, Shenzhen and Beijing exchanges (2006, 2019 STAR, 2020 ChiNext,
2021 Beijing, 2023 registration system). The 44 % / 36 % bounds of a main-board first day (2014–2023)
refer to the issue price, which a store does not hold: a first day is treated as having no limit, as are
the first sessions that the registration system frees. The exchanges consulted in June 2025 on 10 % for
special treatment on the main board; until a dated rule is in the table, 5 % holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.panel.axes import DateArray, Dates

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Ages = npt.NDArray[np.int32]

BOARDS = ("main", "star", "chinext", "bse", "us")


@dataclass(frozen=True)
class LimitRule:
    """One line of the rule book.

    Parameters
    ----------
    board : the board
    since : first session on which it holds
    percent, special : limit in percent, for ordinary names and under special treatment
    free : sessions without limit for assets listed on or after `since`
    """

    board: str
    since: str
    percent: int
    special: int
    free: int


RULES = (
    LimitRule("main", "1996-12-16", 10, 10, 1),
    LimitRule("main", "1998-04-22", 10, 5, 1),
    LimitRule("main", "2023-04-10", 10, 5, 5),
    LimitRule("star", "2019-07-22", 20, 20, 5),
    LimitRule("chinext", "2009-10-30", 10, 10, 1),
    LimitRule("chinext", "2020-08-24", 20, 20, 5),
    LimitRule("bse", "2021-11-15", 30, 30, 1),
)


def board_of(asset: str) -> str:
    """Tell the board from a code, for assets of which the store does not say it.

    Examples
    --------
    >>> [board_of(a) for a in ("600000.SH", "688001.SH", "300750.SZ", "830799.BJ", "AAPL")]
    ['main', 'star', 'chinext', 'bse', 'us']
    """
    code, _, exchange = asset.partition(".")
    if exchange == "BJ":
        return "bse"
    if exchange not in {"SH", "SZ"} or not code.isdigit():
        return "us"
    if exchange == "SH":
        return "star" if code.startswith(("688", "689")) else "main"
    return "chinext" if code.startswith(("300", "301", "302")) else "main"


def limit_percent(
    dates: Dates, board: Integers, is_st: Flags, age: Ages, listed_on: DateArray
) -> Floats:
    """Look up the limit of each date and asset, [dates, assets], percent; NaN where there is none.

    Parameters
    ----------
    dates : [dates]
    board : [assets], codes into `BOARDS`, −1 = not known
    is_st : [dates, assets], under special treatment
    age : [dates, assets], sessions since listing, −1 = not listed
    listed_on : [assets] datetime64[D]; NaT = long ago
    """
    percent = np.full(is_st.shape, np.nan)
    free = np.ones(board.size, dtype=np.int64)
    for rule in RULES:
        columns = np.flatnonzero(board == BOARDS.index(rule.board))
        since = np.datetime64(rule.since)
        rows = slice(int(np.searchsorted(dates.values, since)), None)
        percent[rows, columns] = np.where(is_st[rows, columns], rule.special, rule.percent)
        recent = columns[listed_on[columns] >= since]
        free[recent] = rule.free
    percent[age < free[None, :]] = np.nan
    return percent


def limit_prices(previous_close: Floats, percent: Floats) -> tuple[Floats, Floats]:
    """Compute limit-up and limit-down prices, [dates, assets] each, price.

    Parameters
    ----------
    previous_close : ex-right reference price; rounded to whole fen first, as exchanges publish it
    percent : whole percent, NaN = no limit

    Examples
    --------
    >>> up, down = limit_prices(np.array([[10.05]]), np.array([[10.0]]))
    >>> float(up[0, 0]), float(down[0, 0])
    (11.06, 9.05)
    """
    up, down = np.empty(previous_close.shape), np.empty(previous_close.shape)
    for row, percents in enumerate(percent):
        fen = np.floor(np.round(previous_close[row] * 100.0, 6) + 0.5)
        # fen × (100 ± percent) are whole numbers, so halves are exact and half-up means half-up
        highest = np.floor(fen * (100.0 + percents) / 100.0 + 0.5)
        lowest = np.floor(fen * (100.0 - percents) / 100.0 + 0.5)
        up[row] = np.maximum(highest, fen + 1.0) / 100.0
        down[row] = np.maximum(np.minimum(lowest, fen - 1.0), 1.0) / 100.0
    return up, down
