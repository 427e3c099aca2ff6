"""Tape in, books out: the files between superhet and a program that keeps the books.

1. the tape folder becomes a `Tape`                         -> `read_tape`
2. rows of the finished book become the books folder        -> `write_books`

This file needs numpy and pyarrow only.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Floats = npt.NDArray[np.float64]
Row = tuple[Any, ...]

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
LEG_COSTS = ("commission", "stamp_duty", "transfer_fee", "slippage", "impact")
FLOWS = (*LEG_COSTS, "borrow", "margin", "dividends", "cash_interest")
RATES = (
    "days",
    "commission",
    "commission_minimum",
    "commission_per_share",
    "stamp_duty",
    "stamp_duty_buyers",
    "transfer_fee",
    "slippage",
    "cash_rate",
    "margin_rate",
)
PRICES = ("open", "high", "low", "close", "price", "volume", "most")
OPTIONAL = {"half_spread": 0.0, "impact": 0.0, "borrow_rate": 0.0, "borrowable": math.inf}


class BookError(Exception):
    """A book that cannot go on; the message says what and where."""


class Action(NamedTuple):
    """A corporate action on its ex-date; dividends are currency a share held before the split."""

    asset: int
    split: float
    dividend: float  # what the holder gets, net of tax
    dividend_gross: float  # what the price falls by, and what a short pays

    def paid(self, shares: float) -> float:
        """Give what so many shares, signed, are paid."""
        return shares * (self.dividend if shares > 0.0 else self.dividend_gross)


@dataclass(frozen=True, eq=False)
class Tape:
    """All that an engine needs to keep a book; T sessions, N assets, nothing trades on session 0.

    Parameters
    ----------
    terms : the content of terms.json
    dates : [T], ISO days
    row : [T], row of `weights` decided at that close, -1 for none
    rates : name of `RATES` -> [T]
    assets, minimum, step : [N], names and whole lots in shares
    mark : [N], raw value at the close of session 0, NaN unknown
    quotes : name of `PRICES` or `OPTIONAL` -> [T, N], raw currency and shares, NaN without trade
    buy_block, sell_block : [T, N], 0 or a position of `REFUSALS`
    actions : session -> what happens before its open
    weights : [decisions, N], signed fractions of equity
    """

    terms: Mapping[str, Any]
    dates: list[str]
    row: npt.NDArray[np.int64]
    rates: Mapping[str, Floats]
    assets: list[str]
    minimum: Floats
    step: Floats
    mark: Floats
    quotes: Mapping[str, Floats]
    buy_block: npt.NDArray[np.int64]
    sell_block: npt.NDArray[np.int64]
    actions: Mapping[int, list[Action]]
    weights: Floats

    def marks(self) -> tuple[Floats, Floats]:
        """Give each asset's value before the open (after actions) and at the close, both [T, N]."""
        close = self.quotes["close"]
        opened, closed = np.empty_like(close), np.empty_like(close)
        mark = self.mark.copy()
        for t in range(len(self.dates)):
            for action in self.actions.get(t, []) if t else []:
                after = (mark[action.asset] - action.dividend_gross) / action.split
                mark[action.asset] = np.maximum(after, 0.0)  # NaN stays NaN
            opened[t] = mark
            mark = np.where(close[t] > 0.0, close[t], mark)
            closed[t] = mark
        return opened, closed


def read_tape(folder: str | Path) -> Tape:
    """Read a tape folder.

    Raises
    ------
    BookError
        if there is no tape, or one of another format, or with several fills a session
    """
    folder = Path(folder)
    if not (folder / "terms.json").exists():
        raise BookError(f"{folder}: no tape there (terms.json is missing)")
    terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    if terms.get("format") != 1:
        raise BookError(
            f"{folder}: tape format {terms.get('format')!r}; this program reads format 1"
        )
    sessions, assets = _columns(folder / "sessions.parquet"), _columns(folder / "assets.parquet")
    quotes, actions = _columns(folder / "quotes.parquet"), _columns(folder / "actions.parquet")
    weights = _columns(folder / "weights.parquet")
    shape = (len(sessions["date"]), len(assets["asset"]))
    if quotes["close"].size != shape[0] * shape[1]:
        raise BookError(
            f"{folder}: {quotes['close'].size} quotes for {shape[0]} sessions x {shape[1]} assets; "
            "an engine of its own fills once a session (a tape of minutes is for the native engine)"
        )
    wide = {name: quotes[name].astype(np.float64).reshape(shape) for name in PRICES}
    for name, absent in OPTIONAL.items():
        found = quotes.get(name)
        wide[name] = np.full(shape, absent) if found is None else found.reshape(shape)
    decided = np.zeros((int(sessions["row"].max()) + 1, shape[1]))
    decided[weights["row"], weights["asset"]] = weights["weight"]
    happened: dict[int, list[Action]] = {}
    names = ("session", "asset", "split", "dividend", "dividend_gross")
    for session, *action in zip(*(actions[n].tolist() for n in names), strict=True):
        happened.setdefault(session, []).append(Action(*action))
    return Tape(
        terms=terms,
        dates=[str(day)[:10] for day in sessions["date"]],
        row=sessions["row"].astype(np.int64),
        rates={name: sessions[name].astype(np.float64) for name in RATES},
        assets=[str(name) for name in assets["asset"]],
        minimum=assets["minimum"].astype(np.float64),
        step=assets["step"].astype(np.float64),
        mark=assets["mark"].astype(np.float64),
        quotes=wide,
        buy_block=quotes["buy_block"].reshape(shape).astype(np.int64),
        sell_block=quotes["sell_block"].reshape(shape).astype(np.int64),
        actions=happened,
        weights=decided,
    )


def _columns(path: Path) -> dict[str, npt.NDArray[Any]]:
    table = pq.read_table(path)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


@dataclass(frozen=True)
class Books:
    """Rows of a finished book, in the order in which they happened; columns as `TABLES`."""

    equity: list[Row]
    holdings: list[Row]
    costs: list[Row]
    trades: list[Row]
    refused: list[Row]


_TEXT, _NUMBER, _POSITION = pa.string(), pa.float64(), pa.int32()
_WHAT = {"date": _TEXT, "asset": _TEXT, "shares": _NUMBER}
TABLES = {
    "equity": {"date": _TEXT, "equity": _NUMBER, "cash": _NUMBER, "traded": _NUMBER},
    "holdings": {"session": _POSITION, "asset": _POSITION, "shares": _NUMBER},
    "costs": {"date": _TEXT, **dict.fromkeys(FLOWS, _NUMBER)},
    "trades": {
        **_WHAT,
        **dict.fromkeys(("price", "value", *LEG_COSTS), _NUMBER),
        "kind": _TEXT,
    },
    "refused": {**_WHAT, "rule": _TEXT},
}


def write_books(books: Books, folder: str | Path, facts: Mapping[str, Any]) -> None:
    """Write a books folder; a reader sees all of it or nothing.

    Parameters
    ----------
    facts : engine, version, seconds, and `notes`: what the engine could not express
    """
    target = Path(folder)
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, kinds in TABLES.items():
        table = _table(kinds, getattr(books, name))
        pq.write_table(table, part / f"{name}.parquet", compression="zstd")
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    (part / "facts.json").write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(part, target)


def _table(kinds: Mapping[str, Any], rows: Sequence[Row]) -> Any:
    columns = zip(*rows, strict=True) if rows else ([] for _ in kinds)
    arrays = [
        pa.array(list(values), type=kind)
        for values, kind in zip(columns, kinds.values(), strict=True)
    ]
    return pa.table(arrays, names=list(kinds))
