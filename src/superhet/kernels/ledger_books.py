"""What goes into the ledger and what comes out: codes, quotes, terms, books."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]

REFUSALS = (
    "",
    "not_listed",
    "suspended",
    "limit_up",
    "limit_down",
    "volume_cap",
    "cash",
    "leverage",
    "lot",
    "no_borrow",
)
(NOT_LISTED, SUSPENDED, LIMIT_UP, LIMIT_DOWN, VOLUME_CAP, CASH, LEVERAGE, LOT, NO_BORROW) = range(
    1, 10
)
COSTS = (
    "commission",
    "stamp_duty",
    "transfer_fee",
    "slippage",
    "impact",
    "borrow",
    "margin",
)
LEG_COSTS = COSTS[:5]
INCOMES = ("dividends", "cash_interest")
KINDS = ("order", "delisting", "recall")
CASH_RULES = ("cut", "scale", "refuse", "borrow")
SINGLE, TWAP, PARTICIPATE = range(3)
DAYS_PER_YEAR = 365.0


class Quotes(NamedTuple):
    """What the market said; prices are raw.

    Panels of fills are [steps, assets]; a daily tape has one step a session. The last four may be
    [1 or sessions, 1 or assets].
    """

    price: Floats  # [steps, assets], fills happen here
    volume: Floats  # [steps, assets], shares
    buy_block: Codes  # [steps, assets], 0 = may buy, else a code of REFUSALS
    sell_block: Codes
    close: Floats  # [sessions, assets], NaN without trade
    first_step: (
        Ints  # [sessions + 1], the steps of session t are first_step[t] … first_step[t + 1] - 1
    )
    half_spread: Floats  # fraction of value
    impact: Floats  # a leg of n shares pays value x impact x sqrt(n)
    borrow_rate: Floats  # a year
    borrowable: Floats  # shares, infinite = no limit


class Actions(NamedTuple):
    """Corporate actions, sorted by session; those of session t are first[t] … first[t + 1] - 1."""

    first: Ints  # [sessions + 1]
    asset: Ints
    terms: Floats  # [3, rows]: split, dividend per share held before after tax, and before tax


class Terms(NamedTuple):
    """What the broker says.

    `rates` is [sessions, 10]: commission (fraction), its minimum, commission per share, stamp duty on sales
    and on purchases, transfer fee, slippage, interest a year on free cash, on money owed, and the part of a
    year of 365 days since the session before. `lots` is [2, assets]: shares of the smallest order, and by
    which orders grow.
    """

    rates: Floats
    lots: Floats
    recovery: float  # of the last mark, when an asset leaves the market
    participation: float  # of a step's volume; infinite = no cap
    max_gross: float
    retry: bool
    recall: bool
    cash_rule: int  # position in CASH_RULES
    style: int  # SINGLE, TWAP or PARTICIPATE


MINIMUM, STEP = range(2)  # rows of Terms.lots
SALES_DUTY, PURCHASE_DUTY, FEE, SLIP, CASH_RATE, MARGIN_RATE, YEARS = range(3, 10)
"""Columns of Terms.rates."""


class Book(NamedTuple):
    """The account, as it moves. Few arrays, because a compiled call pays for every one it is handed."""

    cells: Floats  # [7, assets], rows as below
    queue: Ints  # [2, assets], assets with sales, with purchases
    account: Floats  # [5], as below


SHARES, GOAL, MARK, WEIGHT, ORDER, RECALLED, REASON = range(7)
MONEY, RESERVE, GROSS, EQUITY, TRADED = range(5)  # reserve: the marked value of shorts
SALE, PURCHASE, ODD = range(3)


class Log(NamedTuple):
    """Rows as they are written down."""

    fills: Ints  # [3, rows]: step, asset, kind
    money: Floats  # [7, rows]: shares, price, the costs of a leg
    refusals: Floats  # [4, rows]: session, asset, code, signed shares
    used: Ints  # [2], rows written so far


class Sheet(NamedTuple):
    """What is known at every close, as it is written: `series` becomes the other columns of `Daily`."""

    series: Floats  # [sessions, 12]: equity, cash, traded, COSTS, INCOMES
    holdings: Floats  # [sessions, assets], fraction of equity


FIRST_COST, FIRST_INCOME = 3, 10  # columns of Sheet.series


class Daily(NamedTuple):
    """What is known at every close."""

    equity: Floats  # [sessions], after all costs
    cash: Floats
    traded: Floats  # absolute traded value, delistings left out
    holdings: Floats  # [sessions, assets], fraction of equity
    costs: Floats  # [sessions, 7], currency, columns as COSTS
    incomes: Floats  # [sessions, 2], currency (negative: paid), columns as INCOMES


class Opening(NamedTuple):
    """The book at the close of session 0, before its decision or, with `fresh` rows, after it."""

    shares: Floats
    goal: Floats
    mark: Floats
    weight: Floats
    cash: float
    equity: float
    decided: bool  # whether a target is in force
    fresh: bool  # whether it was decided at this close


class LedgerBooks(NamedTuple):
    """What the ledger wrote down; see `run_ledger`."""

    daily: Daily
    fills: Ints  # [3, rows]: step, asset, position in KINDS
    money: Floats  # [7, rows]: shares, price, LEG_COSTS
    refusals: Ints  # [3, rows]: session, asset, position in REFUSALS
    undone: Floats  # [rows], signed shares
    closing: Opening  # the book at the last close, ready to go on
    ruined: int  # session on which equity fell to zero, -1 if never
