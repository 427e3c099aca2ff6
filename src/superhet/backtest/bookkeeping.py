"""Bookkeeping: a tape through the compiled ledger."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.frozen import frozen
from superhet.backtest.tape import Tape
from superhet.kernels.ledger import run_ledger
from superhet.kernels.ledger_books import (
    CASH_RULES,
    DAYS_PER_YEAR,
    PARTICIPATE,
    SINGLE,
    TWAP,
    Actions,
    LedgerBooks,
    Opening,
    Quotes,
    Terms,
)

Floats: TypeAlias = npt.NDArray[np.float64]


def keep_books(tape: Tape, opening: Opening | None = None) -> LedgerBooks:
    """Run the ledger over a tape.

    Parameters
    ----------
    tape : session 0 is the first decision's
    opening : the closing book of an earlier run that ended with session 0; None starts with cash alone
    """
    resumed = opening is not None
    row_of = np.array(tape.row_of, dtype=np.int64)
    if resumed:
        row_of[0] = -1  # the earlier run decided it
    return run_ledger(
        _plain(tape.weights),
        frozen(row_of),
        _quotes(tape),
        _actions(tape),
        _terms(tape),
        _cash_alone(tape) if opening is None else opening,
        resumed=resumed,
    )


def _cash_alone(tape: Tape) -> Opening:
    nothing = np.zeros(len(tape.assets))
    return Opening(
        shares=nothing,
        goal=nothing,
        mark=_plain(tape.mark),
        weight=nothing,
        cash=float(tape.terms.capital),
        equity=float(tape.terms.capital),
        decided=False,
        fresh=False,
    )


def _quotes(tape: Tape) -> Quotes:
    price = _plain(tape.price)
    return Quotes(
        price=price,
        volume=price if tape.traded_volume is None else _plain(tape.traded_volume),
        buy_block=frozen(tape.buy_block, np.int8),
        sell_block=frozen(tape.sell_block, np.int8),
        close=_plain(tape.close),
        first_step=_first_step(tape),
        half_spread=_panel(tape.half_spread, 0.0),
        impact=_panel(tape.impact, 0.0),
        borrow_rate=_panel(tape.borrow_rate, 0.0),
        borrowable=_panel(tape.borrowable, np.inf),
    )


def _first_step(tape: Tape) -> npt.NDArray[np.int64]:
    sessions = np.arange(len(tape.dates) + 1)
    first = sessions if tape.steps is None else np.searchsorted(tape.steps.session, sessions)
    return frozen(first, np.int64)


def _actions(tape: Tape) -> Actions:
    rows = tape.actions
    return Actions(
        first=frozen(np.searchsorted(rows.session, np.arange(len(tape.dates) + 1))),
        asset=frozen(rows.asset, np.int64),
        terms=_plain(np.stack([rows.split, rows.dividend, rows.dividend_gross])),
    )


def _terms(tape: Tape) -> Terms:
    terms = tape.terms
    style = SINGLE
    if tape.steps is not None:
        style = TWAP if tape.steps.style == "twap" else PARTICIPATE
    return Terms(
        rates=_plain(
            np.column_stack(
                [tape.rates, tape.cash_rate, tape.margin_rate, tape.days / DAYS_PER_YEAR]
            )
        ),
        lots=_plain(np.stack([tape.minimum, tape.step])),
        recovery=float(terms.recovery),
        participation=float(tape.participation) if tape.traded_volume is not None else np.inf,
        max_gross=float(terms.max_gross),
        retry=bool(terms.retry),
        recall=bool(terms.recall and tape.borrowable is not None),
        cash_rule=CASH_RULES.index(terms.cash_rule),
        style=style,
    )


def _panel(given: Floats | None, default: float) -> Floats:
    return _plain(np.full((1, 1), default) if given is None else given)


def _plain(values: npt.ArrayLike) -> Floats:
    return frozen(values, np.float64)
