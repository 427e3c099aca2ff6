"""Where the money went: the final equity of another engine minus ours, split by reason to the cent.

Between two closes a book earns, on every asset, its shares times the price move, and pays costs. Laid beside
each other, two books of one tape therefore differ by

1. shares held in one and not in the other, times the price moves since, with the costs of the orders that
   made the difference: by the rule that refused them, or `sizes` (sized from another equity) -> `_Parts`
2. costs charged otherwise than the tape's rules on the same fills: `fees`                    -> `_fees`
3. fills at another price than the tape's: `fill_prices`; another value of what is held at the last
   close: `closing_marks`
4. interest and the fees of borrowing, on other amounts: `financing`

What is left is `residual`: cash that came or went without a line in the books.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.tape import RATES, Tape
from superhet.backtest.tape_marks import tape_marks
from superhet.kernels.ledger_books import LEG_COSTS, REFUSALS

if TYPE_CHECKING:
    import polars as pl

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Read: TypeAlias = "Callable[[str], pl.DataFrame]"

SIZES = "sizes"
_REASONS = (SIZES, *REFUSALS[1:])
_HAIR = 1e-6  # shares


def gap_by_reason(tape: Tape, ours: Read, theirs: Read) -> list[tuple[str, float]]:
    """Split their final equity minus ours; the amounts add up to it.

    Parameters
    ----------
    tape : a daily tape, that of both books
    ours, theirs : give a table of the books by its name (equity, trades, refused, costs)

    Returns
    -------
    reason and currency, the largest amounts first, what rounds to 0.0000 left out; `residual` is last,
    whatever it is
    """
    left, right = _Side.read(ours, tape), _Side.read(theirs, tape)
    amounts = _of_shares(tape, left, right)
    amounts["fees"] = right.fees(tape) - left.fees(tape)
    amounts["fill_prices"] = right.at_prices - left.at_prices
    amounts["financing"] = right.financed - left.financed
    marks = tape_marks(tape)[1][-1]
    amounts["closing_marks"] = right.marked(marks) - left.marked(marks)
    rest = (right.equity - left.equity) - sum(amounts.values())
    found = [(reason, amount) for reason, amount in amounts.items() if abs(amount) >= 5e-5]
    return [*sorted(found, key=lambda pair: -abs(pair[1])), ("residual", rest)]


@dataclass(eq=False, kw_only=True)
class _Side:
    """One book of a tape.

    Parameters
    ----------
    session, asset, shares, price : [fills]
    gone : [fills], closed because it left the market
    charged : [fills], all costs of the fill
    moved : [sessions, assets], shares traded
    undone : [rules, sessions, assets], shares refused
    held : [sessions, assets], at the close
    ruled : [fills], what the tape's rules charge for it
    at_prices : currency gained against fills at the tape's prices
    equity, cash : at the last close
    financed : interest less fees of borrowing
    """

    session: Ints
    asset: Ints
    shares: Floats
    price: Floats
    gone: npt.NDArray[np.bool_]
    charged: Floats
    moved: Floats
    undone: Floats
    held: Floats
    ruled: Floats
    at_prices: float
    equity: float
    cash: float
    financed: float

    @classmethod
    def read(cls, table: Read, tape: Tape) -> _Side:
        trades, refused, costs, equity = (
            table(name) for name in ("trades", "refused", "costs", "equity")
        )
        session, asset = _places(trades, tape)
        shares, price = trades["shares"].to_numpy(), trades["price"].to_numpy()
        gone = trades["kind"].to_numpy().astype(str) == "delisting"
        left = tape_marks(tape)[0][session, asset] * tape.terms.recovery
        paper = np.where(gone, left, tape.price[session, asset])
        moved, undone = np.zeros(tape.shape), np.zeros((len(_REASONS), *tape.shape))
        np.add.at(moved, (session, asset), shares)
        rule = np.array([_REASONS.index(name) for name in refused["rule"]], dtype=np.int64)
        np.add.at(undone, (rule, *_places(refused, tape)), refused["shares"].to_numpy())
        income = costs["cash_interest"] - costs["borrow"] - costs["margin"]
        return cls(
            session=session,
            asset=asset,
            shares=shares,
            price=price,
            gone=gone,
            charged=trades.select(LEG_COSTS).to_numpy().sum(axis=1),
            moved=moved,
            undone=undone,
            held=_held(tape, moved),
            ruled=np.where(gone, 0.0, _ruled(tape, session, asset, shares)),
            at_prices=float(np.sum(shares * (paper - price))),
            equity=float(equity["equity"][-1]),
            cash=float(equity["cash"][-1]),
            financed=float(income.sum()),
        )

    def fees(self, tape: Tape) -> float:
        """Give what was charged less than the tape's rules say, on the book's own fills."""
        return float(np.sum(self.ruled - self.charged))

    def marked(self, marks: Floats) -> float:
        """Give what the engine's own last marks say above the tape's."""
        held = self.held[-1]
        return self.equity - self.cash - float(np.sum(np.where(held != 0.0, held * marks, 0.0)))

    def by_cell(self, values: Floats, shape: tuple[int, int]) -> Floats:
        """Sum values of fills by session and asset."""
        cells = np.zeros(shape)
        np.add.at(cells, (self.session, self.asset), values)
        return cells


def _places(frame: pl.DataFrame, tape: Tape) -> tuple[Ints, Ints]:
    days = tape.dates.values.astype("datetime64[D]")
    session = np.searchsorted(days, frame["date"].to_numpy().astype("datetime64[D]"))
    return session, tape.assets.positions(frame["asset"].to_list())


def _held(tape: Tape, moved: Floats) -> Floats:
    held, now = np.zeros(tape.shape), np.zeros(tape.shape[1])
    split = _splits(tape)
    for t in range(tape.shape[0]):
        now = _whole(now * split[t]) if t else now
        now = np.where(np.abs(now + moved[t]) < _HAIR, 0.0, now + moved[t])
        held[t] = now
    return held


def _splits(tape: Tape) -> Floats:
    split, rows = np.ones(tape.shape), tape.actions
    split[rows.session, rows.asset] = rows.split
    return split


def _whole(shares: Floats) -> Floats:
    return np.asarray(np.sign(shares) * np.floor(np.abs(shares) + _HAIR))


def _ruled(tape: Tape, t: Ints, i: Ints, shares: Floats) -> Floats:
    """Give the costs of fills at the tape's prices and rates."""
    rate = dict(zip(RATES, tape.rates[t].T, strict=True))
    size = np.abs(shares)
    value = size * tape.price[t, i]
    half_spread, impact = (
        0.0 if panel is None else np.broadcast_to(panel, tape.shape)[t, i]
        for panel in (tape.half_spread, tape.impact)
    )
    commission = np.maximum(
        value * rate["commission"] + size * rate["commission_per_share"],
        rate["commission_minimum"],
    )
    duty = value * np.where(shares < 0.0, rate["stamp_duty"], rate["stamp_duty_buyers"])
    both = rate["transfer_fee"] + rate["slippage"] + half_spread + impact * np.sqrt(size)
    return np.asarray(commission + duty + value * both)


def _of_shares(tape: Tape, ours: _Side, theirs: _Side) -> dict[str, float]:
    """Give the profit on shares that only one of them holds, by why it does."""
    opened, closed = (np.nan_to_num(marks) for marks in tape_marks(tape))
    price = np.where(tape.price > 0.0, tape.price, 0.0)
    split, paid, rows = _splits(tape), np.zeros((2, *tape.shape)), tape.actions
    paid[:, rows.session, rows.asset] = rows.dividend, rows.dividend_gross
    costs = theirs.by_cell(theirs.ruled, tape.shape) - ours.by_cell(ours.ruled, tape.shape)
    leaving = {
        name: side.by_cell(np.where(side.gone, side.shares, 0.0), tape.shape)
        for name, side in (("ours", ours), ("theirs", theirs))
    }
    parts = _Parts(tape.shape[1])
    for t in range(1, tape.shape[0]):
        each = _dividends(ours.held[t - 1], theirs.held[t - 1], paid[:, t])
        parts.earn(each + split[t] * opened[t] - closed[t - 1])
        before = _whole(theirs.held[t - 1] * split[t]) - _whole(ours.held[t - 1] * split[t])
        parts.grow(split[t], before)
        parts.earn(closed[t] - opened[t])
        gone = leaving["theirs"][t] - leaving["ours"][t]
        parts.leave(gone, closed[t] - opened[t] * tape.terms.recovery)
        parts.trade(
            theirs.moved[t] - ours.moved[t] - gone,
            _unmatched(ours.undone[:, t], theirs.undone[:, t]),
            closed[t] - price[t],
            costs[t],
        )
    return dict(zip(_REASONS, parts.profit.tolist(), strict=True))


def _dividends(ours: Floats, theirs: Floats, paid: Floats) -> Floats:
    """Give the dividend of each share that theirs holds beyond ours, [assets].

    A long gets `paid[0]`, a short pays `paid[1]`; between a long and a short it lies between the two.
    """
    apart = theirs - ours
    got = [held * np.where(held > 0.0, *paid) for held in (ours, theirs)]
    same = np.where(ours < 0.0, paid[1], paid[0])
    return np.asarray(np.divide(got[1] - got[0], apart, out=same, where=apart != 0.0))


def _unmatched(ours: Floats, theirs: Floats) -> Floats:
    """Give shares refused in one book only, theirs minus ours, [rules, assets].

    What both refused sets nothing apart, be it by the same rule or by another.
    """
    both = np.where(ours * theirs > 0.0, np.minimum(np.abs(ours), np.abs(theirs)), 0.0)
    ours, theirs = (side - np.sign(side) * both for side in (ours, theirs))
    left, right = ours.sum(axis=0), theirs.sum(axis=0)
    both = np.where(left * right > 0.0, np.minimum(np.abs(left), np.abs(right)), 0.0)
    ours, theirs = (
        side * (1.0 - both / np.where(total == 0.0, 1.0, np.abs(total)))
        for side, total in ((ours, left), (theirs, right))
    )
    return np.asarray(theirs - ours)


class _Parts:
    """Shares that theirs holds beyond ours, by reason, and what they earned."""

    def __init__(self, assets: int) -> None:
        self.shares = np.zeros((len(_REASONS), assets))
        self.profit = np.zeros(len(_REASONS))

    def earn(self, move: Floats) -> None:
        """Book a move of the prices on what is held apart."""
        self.profit += self.shares @ move

    def grow(self, split: Floats, total: Floats) -> None:
        """Split the shares; whole shares stay, so `total` may be a fraction off."""
        self.shares *= split
        self.shares[0] += total - self.shares.sum(axis=0)

    def leave(self, shares: Floats, move: Floats) -> None:
        """Take out what left the market; `move` is from the price it was closed at to the mark."""
        out = shares != 0.0
        self.profit -= self.shares[:, out] @ move[out]
        self.shares[0, out] += shares[out] + self.shares[:, out].sum(axis=0)  # nothing, to the bit
        self.shares[:, out] = 0.0

    def trade(self, moved: Floats, undone: Floats, move: Floats, costs: Floats) -> None:
        """Book fills that differ.

        An order takes away, first, what was held apart before it; what was refused stands apart by its rule.

        Parameters
        ----------
        moved, undone : [assets], [rules, assets], theirs minus ours, filled and refused
        move : [assets], from the fill price to the close
        costs : [assets], theirs minus ours, by the tape's rules
        """
        at = np.flatnonzero((np.abs(moved) > _HAIR) | (costs != 0.0))
        if not at.size:
            return
        before, moved, undone = self.shares[:, at], moved[at], undone[:, at]
        total = before.sum(axis=0)
        sent = moved + undone.sum(axis=0)
        against = np.where(sent * total < 0.0, np.minimum(np.abs(sent), np.abs(total)), 0.0)
        left = 1.0 - against / np.where(total == 0.0, 1.0, np.abs(total))
        after = before * left - undone
        after[0] += total + moved - after.sum(axis=0)
        after[:, np.abs(total + moved) < _HAIR] = 0.0
        change = after - before
        weight = np.abs(change)
        weight[0, weight.sum(axis=0) == 0.0] = 1.0
        self.profit += change @ move[at] - (weight / weight.sum(axis=0)) @ costs[at]
        self.shares[:, at] = after
