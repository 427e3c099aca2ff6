"""The reason table: what each rule of the contract is worth, and which engine can say it.

Our own engine is run again with one rule taken out at a time; what the final equity changes by is the worth
of that rule. What an engine really ends with beside ours is split by what happened in its books:
`reconcile_gap`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from superhet.backtest import ENGINES, RULES, Costs, NativeEngine
from superhet.backtest.costs import rate_on
from superhet.errors import SuperhetError
from superhet.panel import BacktestResult, Market, Panel
from superhet.pipeline.backtest_books import Books
from superhet.pipeline.backtest_engines import NATIVE
from superhet.pipeline.reconcile_gap import gap_by_reason
from superhet.progress import Progress, silent

Change: TypeAlias = Callable[[NativeEngine, Market, Panel], tuple[NativeEngine, Panel]]
OWN, ADAPTER, NO = "own", "adapter", "no"
"""The engine has the rule; our adapter adds it; it cannot be said."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One rule.

    Parameters
    ----------
    rule : its name
    worth : final equity without the rule minus with it, currency; None where it cannot be tried
    said_by : engine -> `OWN`, `ADAPTER` or `NO`
    """

    rule: str
    worth: float | None
    said_by: Mapping[str, str]


def _costs(**changes: Any) -> Change:
    return lambda e, m, w: (
        dataclasses.replace(e, costs=dataclasses.replace(e.costs, **changes)),
        w,
    )


def _set(**changes: Any) -> Change:
    return lambda e, m, w: (dataclasses.replace(e, **changes), w)


def _usual(e: NativeEngine, market: Market, weights: Panel) -> Costs:
    """Give the costs of the market, at the rates in force on most sessions of the book."""
    schedule = RULES.get(e.rules)().costs
    kept = {f.name: getattr(e.costs, f.name) for f in dataclasses.fields(Costs)}
    dates = market.between(weights.dates.values[0], None).dates
    for name, own in kept.items():
        value: Any = getattr(schedule, name, None)
        if own is None and isinstance(value, tuple):
            rates, counts = np.unique(rate_on(value, dates), return_counts=True)
            kept[name] = float(rates[counts.argmax()])
        elif own is None:
            kept[name] = value
    return Costs(**kept)


def _flat(e: NativeEngine, market: Market, weights: Panel) -> tuple[NativeEngine, Panel]:
    """Trade at one rate for all dates, the usual one."""
    return dataclasses.replace(e, costs=_usual(e, market, weights)), weights


def _without_tables(e: NativeEngine, market: Market, weights: Panel) -> tuple[NativeEngine, Panel]:
    """Trade without limits and lots; no other rules know rates by date, so at the usual ones."""
    return dataclasses.replace(e, rules="none", costs=_usual(e, market, weights)), weights


def _long_only(e: NativeEngine, market: Market, weights: Panel) -> tuple[NativeEngine, Panel]:
    """Leave out what is to be sold short."""
    kept = np.where(weights.values < 0.0, 0.0, weights.values)
    return e, weights.with_values(kept)


CHANGES: Mapping[str, Change] = {
    "commission_minimum": _costs(commission_minimum=0.0),
    "stamp_duty": _costs(stamp_duty=0.0),
    "transfer_fee": _costs(transfer_fee=0.0),
    "slippage": _costs(slippage=0.0),
    "borrow": _costs(borrow=0.0),
    "volume_cap": _set(participation=None),
    "cash": _set(cash_rule="borrow"),
    "retry": _set(retry=False),
    "dated_rates": _flat,
    "limits_lots": _without_tables,
    "shorts": _long_only,
}
"""Rule -> how our engine is run without it."""
_BESIDE = {"limits_lots": "dated_rates"}
"""Rule that goes with another: what that one is worth is taken off."""


def says(engine: str, rule: str) -> str:
    """Say how an engine comes by a rule.

    An engine's class says it: `own` and `cannot` are tuples of rules; all else our adapter adds.
    """
    cls = ENGINES.get(engine)
    if rule in getattr(cls, "cannot", ()):
        return NO
    return OWN if rule in getattr(cls, "own", ()) else ADAPTER


def reason_table(
    weights: Panel,
    market: Market,
    engine: NativeEngine,
    base: float,
    engines: tuple[str, ...],
    progress: Progress = silent,
) -> list[Reason]:
    """Measure what each rule is worth.

    Parameters
    ----------
    weights, market : of the book
    engine : ours, as it was run
    base : its final equity
    engines : the others that are shown
    """
    final: dict[str, float | None] = {}
    for done, (rule, change) in enumerate(CHANGES.items()):
        progress(done, len(CHANGES), f"without {rule.replace('_', ' ')}")
        result = without(weights, market, engine, change)
        final[rule] = None if result is None else float(result.equity[-1])
    return [
        Reason(
            rule=rule,
            worth=_less(end, final[_BESIDE[rule]] if rule in _BESIDE else base),
            said_by={name: says(name, rule) for name in engines},
        )
        for rule, end in final.items()
    ]


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def without(
    weights: Panel, market: Market, engine: NativeEngine, change: Change
) -> BacktestResult | None:
    """Run our engine with a rule out; None where the book does not live without it (ruined, say)."""
    try:
        engine, weights = change(engine, market, weights)
        return engine.run(weights, market)
    except SuperhetError:
        return None


def gaps(
    weights: Panel, market: Market, engine: NativeEngine, books: Mapping[str, Books]
) -> dict[str, dict[str, float]]:
    """Split what each engine ends with, less what ours does, by reason; the amounts add up to it.

    Parameters
    ----------
    weights, market, engine : ours, as it was run
    books : engine -> books, ours among them

    Returns
    -------
    engine -> reason -> currency; `residual` is what no reason explains. Empty where fills are within sessions
    """
    others = {n: b for n, b in books.items() if n != NATIVE}
    if not others or NATIVE not in books:
        return {}
    tape = engine.tape(weights, market)
    if tape.steps is not None:
        return {}
    ours = books[NATIVE].table
    return {n: dict(gap_by_reason(tape, ours, b.table)) for n, b in others.items()}
