"""Lending of shares: what a short pays, what can be borrowed, and when it is called back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.known_before import known_before
from superhet.errors import ConfigError, DataError, did_you_mean
from superhet.panel import Market

Floats: TypeAlias = npt.NDArray[np.float64]

MOST_A_YEAR = 10.0
"""Fee above which a number must be in another unit: a squeezed share can cost several hundred percent."""


@dataclass(frozen=True, kw_only=True)
class Lending:
    """What short sellers find.

    Parameters
    ----------
    fee : name of a daily column with the fee of each asset, a fraction a year; None = the flat `borrow` of
        the costs
    available : "all", or the name of a daily column: the shares that are there, 1 = without limit (so that
        a flag will do)
    recall : whether a short beyond what is available is bought back on the session
    """

    fee: str | None = None
    available: str = "all"
    recall: bool = True

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed


@dataclass(frozen=True, eq=False, kw_only=True)
class LendingTerms:
    """The terms of lending on the sessions of a backtest.

    Parameters
    ----------
    borrow_rate : [sessions, assets], fraction a year charged for the days up to each session; None = the
        flat rate everywhere
    borrowable : [sessions, assets], shares that may be short after each session, 0 where it is not known;
        None = no limit
    recall : whether a short beyond `borrowable` is bought back
    words : convention -> what was done, in words
    """

    borrow_rate: Floats | None
    borrowable: Floats | None
    recall: bool
    words: dict[str, str]


def lending_terms(lending: Lending, market: Market, start: int, flat: float) -> LendingTerms:
    """Tabulate the terms of lending from the session of the first decision on.

    A column is read as it was known at the close before: fee and availability of session *t* are those
    stamped *t* − 1.

    Parameters
    ----------
    lending : what was asked for
    market : all sessions
    start : position of the first decision; rows of the result count from it
    flat : the fee of an asset whose column has none

    Raises
    ------
    ConfigError
        if the market has no such column
    DataError
        if a fee is negative, or so high that its unit must be another
    """
    rate = borrowable = None
    words = {
        "borrow fee": f"{flat:.2%} a year of 365 days on short value at the close before, for every "
        "calendar day",
        "shares to borrow": "every share can be borrowed, without limit",
    }
    if lending.fee is not None:
        known = known_before(_column(market, lending.fee, "fee"), start)
        _require_fees(known, market, start, lending.fee)
        rate = np.where(np.isnan(known), flat, known)
        words["borrow fee"] = (
            f"{lending.fee} of each asset as known at the close before ({flat:.2%} a year where it has "
            "none), of 365 days, on short value at the close before, for every calendar day"
        )
    if lending.available != "all":
        known = known_before(_column(market, lending.available, "available"), start)
        # cell by cell: what a whole column looks like would depend on days to come
        shares = np.where(known == 1.0, np.inf, known)
        borrowable = np.nan_to_num(np.maximum(shares, 0.0), nan=0.0, posinf=np.inf)
        words["shares to borrow"] = (
            f"{lending.available} as known at the close before, in shares; none where it is not known; "
            + ("a short beyond it is bought back" if lending.recall else "no short is called back")
        )
    return LendingTerms(borrow_rate=rate, borrowable=borrowable, recall=lending.recall, words=words)


def _column(market: Market, name: str, key: str) -> Floats:
    if name not in market:
        raise ConfigError(
            f"backtest.lending.{key}",
            f"the market has no daily field {name!r}{did_you_mean(name, market)}. Import it as a column of "
            "the table daily (date, asset, number).",
        )
    return np.asarray(market[name].values, dtype=np.float64)


def _require_fees(known: Floats, market: Market, start: int, name: str) -> None:
    wrong = np.argwhere((known < 0.0) | (known > MOST_A_YEAR))
    if not wrong.size:
        return
    row, column = (int(x) for x in wrong[0])
    raise DataError(
        f"{name} of {market.assets.values[column]} on {market.dates.values[max(start + row - 1, 0)]} is "
        f"{known[row, column]:g} a year; a fee lies between 0 and {MOST_A_YEAR:g} (a fraction, not percent). "
        "State the unit in the import map.",
        column=name,
    )


__all__ = ["Lending", "LendingTerms", "lending_terms"]
