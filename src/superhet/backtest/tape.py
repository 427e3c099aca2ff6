"""Tape: everything that an engine needs to keep the books, and its folder of Parquet and JSON.

A market, target weights, rules and costs become one `Tape`. Our own kernel reads it from memory; every
other engine reads it from a folder, in a process of its own, and sizes its orders from its own equity. The
folder is the contract between them:

1. `terms.json`: the account (capital, leverage, what happens when cash is short …)
2. `sessions.parquet`: date, decision row, calendar days, rates in force, one row a session
3. `assets.parquet`: board, lots and first mark, one row an asset
4. `quotes.parquet`: prices, caps and blocks, one row a session and asset
5. `actions.parquet`: splits and dividends on their ex-dates
6. `weights.parquet`: decided weights that are not zero
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from superhet.errors import DataError
from superhet.panel import Assets, Dates

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int8]
CashRule: TypeAlias = Literal["cut", "scale", "refuse", "borrow"]
FillStyle: TypeAlias = Literal["twap", "participate"]

FORMAT = 1
RATES = (
    "commission",
    "commission_minimum",
    "commission_per_share",
    "stamp_duty",
    "stamp_duty_buyers",
    "transfer_fee",
    "slippage",
)
_PRICES = ("open", "high", "low", "close", "price", "volume")
_EXTRAS = ("half_spread", "impact", "borrow_rate", "borrowable")


@dataclass(frozen=True, kw_only=True)
class AccountTerms:
    """The account, in plain values.

    Parameters
    ----------
    capital : currency at the close of the first session
    max_gross : orders that open positions stop at this multiple of equity
    retry : send what is still undone again on every session until the next decision
    cash_rule : what happens to buys that do not fit the free cash
    recall : whether the lender takes shares back when fewer can be borrowed
    recovery : fraction of the last mark that a delisted position pays
    periods_per_year : sessions a year
    currency : of all amounts
    """

    capital: float
    max_gross: float = 2.1
    retry: bool = True
    cash_rule: CashRule = "cut"
    recall: bool = False
    recovery: float = 1.0
    periods_per_year: int = 244
    currency: str = "CNY"


@dataclass(frozen=True, eq=False, kw_only=True)
class ActionRows:
    """Splits and dividends, sorted by session and asset; one row for each that has one.

    Parameters
    ----------
    session, asset : [rows], positions on the tape; session is the ex-date
    split : [rows], shares after for one share before, 1 = none
    dividend : [rows], currency paid per share held before, after tax
    dividend_gross : [rows], before tax: what the price falls by, and what a short pays
    """

    session: Ints
    asset: Ints
    split: Floats
    dividend: Floats
    dividend_gross: Floats

    @classmethod
    def none(cls) -> ActionRows:
        """Give no actions."""
        whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
        return cls(session=whole, asset=whole, split=real, dividend=real, dividend_gross=real)

    def __len__(self) -> int:
        return len(self.session)


@dataclass(frozen=True, eq=False, kw_only=True)
class StepTimes:
    """Slices of sessions in which orders fill, in time order; a tape without them fills once a session.

    Parameters
    ----------
    session : [steps], position of the session; not decreasing
    time : [steps], datetime64[s], end of the slice
    style : "twap": an equal part of what is left in every slice, the last takes the rest;
        "participate": as much as the cap allows, from the first slice on
    """

    session: Ints
    time: npt.NDArray[np.datetime64]
    style: FillStyle = "twap"


@dataclass(frozen=True, eq=False, kw_only=True)
class Tape:
    """All that any engine needs; session 0 is the first decision's, and nothing trades on it.

    Panels are [sessions, assets]. Those of fills (`price`, `traded_volume`, `buy_block`, `sell_block`) are
    [steps, assets] where `steps` is given. Optional panels may be [1 or sessions, 1 or assets].

    Parameters
    ----------
    dates, assets : the axes
    boards : [assets], name of the board of each
    weights : [decisions, assets], signed fractions of equity, finite
    row_of : [sessions], the row of `weights` decided at that close, -1 for none
    open, high, low, close, volume : raw bars, NaN without trade; only `close` is needed by our own kernel
    price : raw price of the fills, NaN where there is none
    buy_block, sell_block : 0 = may trade, else a code of `kernels.ledger_books.REFUSALS`
    traded_volume, participation : an order takes at most `participation` x `traded_volume` shares; None
        and infinity = no cap
    minimum, step : [assets], shares of the smallest order, and by which orders grow
    mark : [assets], raw value at the close of session 0, NaN unknown
    rates : [sessions, 7], columns as `RATES`
    days : [sessions], calendar days since the session before; 0 at session 0
    cash_rate, margin_rate : [sessions], a year of 365 days
    terms : the account
    actions : splits and dividends
    half_spread : fraction of value, each side; None = 0
    impact : fraction of value for one share; a leg of n shares pays `impact` x sqrt(n); None = 0
    borrow_rate : a year, on the value of shorts; None = 0
    borrowable : shares that can be borrowed; None = no limit
    steps : slices of minutes, or None
    conventions : rule -> what is assumed, in words
    """

    dates: Dates
    assets: Assets
    boards: tuple[str, ...]
    weights: Floats
    row_of: Ints
    close: Floats
    price: Floats
    buy_block: Codes
    sell_block: Codes
    minimum: Floats
    step: Floats
    mark: Floats
    rates: Floats
    days: Floats
    cash_rate: Floats
    margin_rate: Floats
    terms: AccountTerms
    open: Floats | None = None
    high: Floats | None = None
    low: Floats | None = None
    volume: Floats | None = None
    traded_volume: Floats | None = None
    participation: float = np.inf
    actions: ActionRows = field(default_factory=ActionRows.none)
    half_spread: Floats | None = None
    impact: Floats | None = None
    borrow_rate: Floats | None = None
    borrowable: Floats | None = None
    steps: StepTimes | None = None
    conventions: Mapping[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Sessions and assets."""
        return len(self.dates), len(self.assets)

    def most(self) -> Floats:
        """Give the largest order of each cell in shares; infinite without a cap, 0 without volume."""
        if self.traded_volume is None or not np.isfinite(self.participation):
            return np.full(np.shape(self.price), np.inf)
        return np.asarray(self.participation * np.nan_to_num(self.traded_volume))


def write_tape(tape: Tape, folder: Path) -> None:
    """Write a daily tape to a folder, for an engine in another process.

    Raises
    ------
    DataError
        if the tape fills in slices of minutes, which the folder has no place for
    """
    if tape.steps is not None:
        raise DataError(
            "a tape with fills inside the session cannot be written for another engine: they know one "
            "fill a session. Set fill to open, close or vwap, or use the native engine."
        )
    folder.mkdir(parents=True, exist_ok=True)
    terms = {
        "format": FORMAT,
        **{name: getattr(tape.terms, name) for name in AccountTerms.__dataclass_fields__},
        "decision_first": str(tape.dates.values[0].astype("datetime64[D]")),
        "conventions": dict(tape.conventions),
    }
    text = json.dumps(terms, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "terms.json").write_text(text + "\n", encoding="utf-8")
    for name, columns in _tables(tape).items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet", compression="zstd")


def _tables(tape: Tape) -> dict[str, dict[str, Any]]:
    row, column = np.nonzero(tape.weights)
    rows = tape.actions
    return {
        "sessions": {
            "date": tape.dates.values.astype("datetime64[D]"),
            "row": tape.row_of.astype(np.int32),
            "days": tape.days,
            **{name: tape.rates[:, k] for k, name in enumerate(RATES)},
            "cash_rate": tape.cash_rate,
            "margin_rate": tape.margin_rate,
        },
        "assets": {
            "asset": list(tape.assets),
            "board": list(tape.boards),
            "minimum": tape.minimum,
            "step": tape.step,
            "mark": tape.mark,
        },
        "quotes": {name: values.ravel() for name, values in _quotes(tape).items()},
        "actions": {
            "session": rows.session.astype(np.int32),
            "asset": rows.asset.astype(np.int32),
            "split": rows.split,
            "dividend": rows.dividend,
            "dividend_gross": rows.dividend_gross,
        },
        "weights": {
            "row": row.astype(np.int32),
            "asset": column.astype(np.int32),
            "weight": tape.weights[row, column],
        },
    }


def _quotes(tape: Tape) -> dict[str, npt.NDArray[Any]]:
    """Spread every panel over the grid; a bar without open, high or low is one price."""
    price = np.asarray(tape.price, dtype=np.float64)
    close = np.asarray(tape.close, dtype=np.float64)
    given = {
        "open": price if tape.open is None else tape.open,
        "high": np.fmax(price, close) if tape.high is None else tape.high,
        "low": np.fmin(price, close) if tape.low is None else tape.low,
        "close": close,
        "price": price,
        "volume": np.zeros(tape.shape) if tape.volume is None else tape.volume,
    }
    spread: dict[str, npt.NDArray[Any]] = {
        name: np.asarray(values, dtype=np.float64) for name, values in given.items()
    }
    spread |= {"most": tape.most(), "buy_block": tape.buy_block, "sell_block": tape.sell_block}
    for name in _EXTRAS:
        extra = getattr(tape, name)
        if extra is not None:
            spread[name] = np.broadcast_to(extra, tape.shape)
    return spread


def read_tape(folder: Path) -> Tape:
    """Read a tape that `write_tape` wrote.

    Raises
    ------
    DataError
        if the folder is of another format
    """
    terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    if terms["format"] != FORMAT:
        raise DataError(
            f"{folder}: a tape of format {terms['format']}, and this program reads {FORMAT}. "
            "Write it again with this version."
        )
    sessions, assets, quotes, actions, weights = (
        _columns(folder, name) for name in ("sessions", "assets", "quotes", "actions", "weights")
    )
    dates, names = Dates(sessions["date"]), Assets(assets["asset"].tolist())
    shape = (len(dates), len(names))
    decided = np.zeros((int(sessions["row"].max()) + 1, len(names)))
    decided[weights["row"], weights["asset"]] = weights["weight"]
    grids = {name: values.reshape(shape) for name, values in quotes.items()}
    series: dict[str, Any] = {
        **{name: grids[name] for name in (*_PRICES, "buy_block", "sell_block")},
        **{name: grids.get(name) for name in _EXTRAS},
        **{name: assets[name] for name in ("minimum", "step", "mark")},
        **{name: sessions[name] for name in ("days", "cash_rate", "margin_rate")},
    }
    return Tape(
        dates=dates,
        assets=names,
        boards=tuple(assets["board"].tolist()),
        weights=decided,
        row_of=sessions["row"].astype(np.int64),
        rates=np.column_stack([sessions[name] for name in RATES]),
        terms=AccountTerms(**{name: terms[name] for name in AccountTerms.__dataclass_fields__}),
        traded_volume=grids["most"],
        participation=1.0,
        actions=ActionRows(
            session=actions["session"].astype(np.int64),
            asset=actions["asset"].astype(np.int64),
            split=actions["split"],
            dividend=actions["dividend"],
            dividend_gross=actions["dividend_gross"],
        ),
        conventions=terms["conventions"],
        **series,
    )


def _columns(folder: Path, name: str) -> dict[str, npt.NDArray[Any]]:
    table = pq.read_table(folder / f"{name}.parquet")
    return {
        column: table[column].combine_chunks().to_numpy(zero_copy_only=False)
        for column in table.column_names
    }
