"""Formulas + Market -> signals, each on its native clock.

1. read the formulas                                                     -> formula.read
2. see that the market has every field, before anything is computed      -> sources.require_fields
3. build the steps of all formulas in one graph, and plan their passes   -> lower, plan
4. compute what the machine is handed: statements, bars                  -> outside
5. run the program, some rows at a time                                  -> machine.run
6. wrap every output into a panel on the market's sessions               -> evaluate

A formula of statements only stays an *event* panel (a value on the session on which it became known, NaN
elsewhere); where it meets daily fields, or enters a `ts_` or `cs_` function, it is carried forward as-of,
until the next announcement: one to which the formula has no answer ends it. What was known before the first
session stands on the first session; `known_since` says since when, and where an announcement ended a value.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.factors.cache import ValueCache
from superhet.factors.expression import Expression
from superhet.factors.formula import Formula, Formulas, read
from superhet.factors.lower import ALIVE, Lowering, in_machine, leaves_of
from superhet.factors.machine import Settings, run, slots_bytes
from superhet.factors.outside import Outside
from superhet.factors.plan import plan
from superhet.factors.program import Program
from superhet.factors.sources import Sources, require_fields
from superhet.kernels.point_in_time import carry_forward
from superhet.panel import Cube, Market, Panel
from superhet.progress import Progress, silent

DType = Literal["float32", "float64"]
BUDGET = 4 << 30
_FEWEST_ROWS = 64
_OURS = 3  # references to an array that nobody else holds: the list, the name, and the question


@dataclass(frozen=True)
class Chunk:
    """Some sessions of all signals.

    Parameters
    ----------
    first : position of the first session
    values : name -> [sessions of the chunk, assets]
    """

    first: int
    values: Mapping[str, npt.NDArray[Any]]


def evaluate(
    formulas: Formulas,
    market: Market,
    *,
    syntax: str = "superhet",
    convention: str | None = None,
    dtype: DType = "float32",
    frequency: str = "15min",
    label: bool = False,
    threads: int | None = None,
    budget: int = BUDGET,
    progress: Progress | None = None,
    cache: ValueCache | None = None,
) -> Cube:
    """Compute formulas on a market.

    Parameters
    ----------
    formulas : name -> formula: text, expression, or one of a library
    market : where the fields come from
    syntax : spelling of the texts: superhet, qlib, worldquant
    convention : superhet, qlib or pandas; None takes the formula's own, or that of the spelling
    dtype : of the arithmetic and of the result; sums of products are float64 in either
    frequency : the bars that `bar_` functions read
    label : whether formulas may read later sessions, as targets of learning do
    threads : how many; None takes all cores. The result is the same, bit for bit
    budget : bytes that intermediate values may take; smaller pieces are computed one after another
    progress : called with the number of tiles done, of all tiles, and "signals"
    cache : where values of earlier calls are found, and new ones kept; the result is the same

    Returns
    -------
    one panel a formula on the market's sessions, unit "score", frequency "1d" or "event"; blocks "minute",
    "daily", "quarterly" by the data that a formula reads

    Raises
    ------
    FormulaError
        if a formula cannot be read, or names a field that the market lacks; says which formula and where
    """
    known = read(_some(formulas), syntax=syntax, convention=convention, label=label)
    require_fields(known, market, frequency)
    settings = _settings(dtype, threads)
    values: dict[str, npt.NDArray[Any]] = {}
    if cache is not None:
        values = cache.values(
            known,
            market,
            frequency,
            dtype,
            lambda some, first: _chunks(
                Work(_bare(some), market, frequency, settings, first=first), budget, first, progress
            ),
        )
    rest = {n: f for n, f in known.items() if n not in values}
    if rest:
        values |= _whole(Work(_bare(rest), market, frequency, settings), budget, progress)
    panels = {n: _panel(n, values[n], f.expression, market) for n, f in known.items()}
    return Cube(panels, blocks={n: f.expression.block for n, f in known.items()})


def evaluate_chunks(
    formulas: Formulas,
    market: Market,
    *,
    syntax: str = "superhet",
    convention: str | None = None,
    dtype: DType = "float32",
    frequency: str = "15min",
    threads: int | None = None,
    budget: int = BUDGET,
    first: int = 0,
    progress: Progress | None = None,
) -> Iterator[Chunk]:
    """Compute formulas some sessions at a time, for results that need not be in memory together.

    Parameters
    ----------
    formulas, market, syntax, convention, dtype, frequency, threads, progress : as in `evaluate`
    budget : bytes that a chunk and its intermediate values may take
    first : position of the first session wanted; earlier ones are read as far as the look-back goes

    Yields
    ------
    consecutive chunks, the same values as those of `evaluate`, bit for bit
    """
    known = read(_some(formulas), syntax=syntax, convention=convention)
    require_fields(known, market, frequency)
    work = Work(_bare(known), market, frequency, _settings(dtype, threads), first=first)
    for chunk in _chunks(work, budget, first, progress):
        yield Chunk(chunk.first, {n: chunk.values[n] for n in known})


def known_since(formulas: Formulas, market: Market) -> dict[str, Panel]:
    """Say since when the values of quarterly formulas have been known, where that is before their row's date.

    Two kinds of values are older than the session on which they stand: what was known before the first
    session, and statements that a formula has carried forward (`cs_rank(sue(net_profit))`). A formula that
    also reads daily fields or bars is as new as its session, and is left out. Beside a missing value of an
    event panel a day says that something was announced to which the formula has no answer (a return on
    equity that is gone): what stood before ends there. `mix` reads both.

    Parameters
    ----------
    formulas, market : as in `evaluate`

    Returns
    -------
    name -> panel of unit "count": days since 1970-01-01, NaN where it is the row's own date, or nothing was
    announced
    """
    found = {}
    for name, formula in read(formulas).items():
        expression = formula.expression
        if expression.statement_columns and not expression.fields | expression.bar_fields:
            days = _newest_days(expression, market)
            found[name] = Panel(
                values=days,
                dates=market.dates,
                assets=market.assets,
                name=f"known since of {name}",
                unit="count",
                frequency=expression.clock,
            )
    return found


def _newest_days(expression: Expression, market: Market) -> npt.NDArray[np.float32]:
    """Give the day of the newest statement of each cell, [sessions, assets]; see `known_since`."""
    nodes = [n for n in expression.walk() if n.kind == "newest"]
    sources, rows = Sources(market, ""), len(market.dates)
    outside = Outside(sources, expression.quarters, lambda _: {}, np.float64, 1)
    outside.prepare([*nodes, expression] if expression.clock == "event" else nodes)
    days = np.full(sources.shape, np.nan)
    own = market.dates.days.astype(np.int64).astype(np.float64)[:, None]
    if expression.clock == "event":
        ended = np.isinf(sources.placement.spoken(outside.values(expression), 0, rows))
        days = np.where(ended, own, np.nan)
    else:
        for node in nodes:
            placed = sources.placement.spoken(outside.values(node), 0, rows)
            days = np.fmax(days, np.where(np.isnan(placed), np.nan, own))
    if rows:
        days[0] = np.fmax.reduce([sources.placement.early(outside.values(n)) for n in nodes])
    if expression.clock == "1d":
        days = carry_forward(days)
    return days.astype(np.float32)  # exact: days are whole numbers far below 2^24


def _whole(work: Work, budget: int, progress: Progress | None) -> dict[str, npt.NDArray[Any]]:
    """Compute all sessions at once, name -> [sessions, assets]."""
    out = np.empty((len(work.daily), *work.shape), dtype=work.dtype)
    for first, last in work.pieces(budget, 0):
        work.run(out[:, first:last], (first, last), progress or silent)
    work.shift(out)
    return dict(zip(work.daily, out, strict=True)) | work.events(0, work.shape[0])


def _chunks(work: Work, budget: int, first: int, progress: Progress | None) -> Iterator[Chunk]:
    """Compute the sessions from `first` on, chunk by chunk."""
    pieces = work.pieces(budget, first, results=True)
    most = max((end - begin for begin, end in pieces), default=0)
    rooms: list[npt.NDArray[Any]] = []
    for begin, end in pieces:
        out = _room(rooms, (len(work.daily), most, work.shape[1]), work.dtype)[:, : end - begin]
        work.run(out, (begin, end), progress or silent)
        values = dict(zip(work.daily, out, strict=True))
        chunk = Chunk(begin, values | work.events(begin, end))
        del values, out
        yield chunk
        del chunk


def _room(rooms: list[npt.NDArray[Any]], shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Give memory for a chunk: what nobody looks at any more, or new; memory at hand is warm.

    A loop over chunks holds the last one while the next is made, so two take turns.
    """
    for room in rooms:
        if sys.getrefcount(room) <= _OURS:
            return room
    rooms[:] = [*rooms[-1:], np.empty(shape, dtype=dtype)]
    return rooms[-1]


def _settings(dtype: DType, threads: int | None) -> Settings:
    return Settings(dtype=np.dtype(dtype).type, threads=threads or os.cpu_count() or 1)


def _bare(formulas: Mapping[str, Formula]) -> dict[str, tuple[Expression, str]]:
    return {n: (f.expression, f.convention) for n, f in formulas.items()}


def _some(formulas: Formulas) -> Formulas:
    if not formulas:
        raise ConfigError("signals", "no formula was given")
    return formulas


class Work:
    """One evaluation: the program of the daily formulas, and the leaves it reads.

    Parameters
    ----------
    formulas : name -> expression and convention
    market, frequency, settings : as in `evaluate`
    resident : leaf -> array, where it is known already; an expression among them is not computed again
    first : position of the first session that will be asked for; bars long before it are not read

    Attributes
    ----------
    daily : names of the formulas that the program computes, in the order of its outputs
    shape : sessions and assets
    """

    def __init__(
        self,
        formulas: Mapping[str, tuple[Expression, str]],
        market: Market,
        frequency: str,
        settings: Settings,
        resident: Mapping[Any, Any] | None = None,
        first: int = 0,
    ) -> None:
        self._market, self._settings = market, settings
        self._sources = Sources(market, frequency)
        self.shape = self._sources.shape
        self.daily = [n for n, (e, _) in formulas.items() if e.clock == "1d"]
        self._slow = {n: e for n, (e, _) in formulas.items() if e.clock == "event"}
        self._arrays: dict[Any, Any] = dict(resident or {})
        parts = [k for k in self._arrays if isinstance(k, Expression) and in_machine(k)]
        lowering = Lowering(parts)
        roots = [lowering.output(*formulas[n]) for n in self.daily]
        self._ahead = [formulas[n][0].lookahead for n in self.daily]
        late = [r.before(a) for r, a in zip(roots, self._ahead, strict=True)]
        self.program: Program = plan(late)
        quarters = max((e.quarters for e, _ in formulas.values()), default=0)
        self._outside = Outside(
            self._sources, quarters, self._inner, settings.dtype, settings.threads
        )
        leaves = leaves_of((formulas[n][0] for n in self.daily), parts)
        unread = max(first - self.program.lookback, 0)
        lacking = [n for n in leaves if n not in self._arrays]
        self._outside.prepare([*lacking, *self._slow.values()], unread)

    @property
    def dtype(self) -> Any:
        """The type of the arithmetic and of the results."""
        return self._settings.dtype

    def leaf(self, key: Any) -> Any:
        """Give the array of a leaf."""
        if key not in self._arrays:
            self._arrays[key] = self._made(key)
        return self._arrays[key]

    def fields(self) -> dict[Any, Any]:
        """Give the arrays of all leaves, so that the next evaluation need not make them again."""
        return dict(self._arrays)

    def inside(self) -> npt.NDArray[np.bool_]:
        """Give the estimable members."""
        return self._market.universe.estimable.values

    def position(self, asset: str) -> int:
        """Give the column of an asset."""
        return list(self._market.assets.values).index(asset)

    def events(self, first: int, last: int) -> dict[str, npt.NDArray[Any]]:
        """Give some rows of the formulas that stay on the clock of announcements."""
        found = {}
        for name, expression in self._slow.items():
            rows = self._sources.placement.spoken(self._outside.values(expression), first, last)
            found[name] = np.where(np.isinf(rows), np.nan, rows).astype(self._settings.dtype)
        return found

    def pieces(self, budget: int, first: int, *, results: bool = False) -> list[tuple[int, int]]:
        """Cut the sessions so that what is computed at a time fits into a budget."""
        rows, assets = self.shape
        size = np.dtype(self._settings.dtype).itemsize * max(assets, 1)
        arrays = self.program.kept + (2 * self.program.outputs if results else 0)
        left = budget - slots_bytes(self.program, assets, self._settings)
        most = left // max(arrays * size, 1) - max(
            (p.reach for p in self.program.passes), default=0
        )
        height = max(int(most), _FEWEST_ROWS)
        return [(t, min(t + height, rows)) for t in range(first, rows, height)]

    def run(self, out: npt.NDArray[Any], rows: tuple[int, int], progress: Progress) -> None:
        """Compute some rows of the daily formulas."""
        if self.daily:
            run(self.program, self, out, rows, self._settings, progress)

    def shift(self, out: npt.NDArray[Any]) -> None:
        """Move labels to the session whose later ones they read."""
        for values, ahead in zip(out, self._ahead, strict=True):
            if ahead:
                values[:-ahead] = values[ahead:].copy()
                values[-ahead:] = np.nan

    def _made(self, key: Any) -> Any:
        if key == ALIVE:
            return self._sources.life
        if key.level == "group":
            return self._sources.group(key.word)
        if key.kind == "name":
            return self._sources.daily(key.word)
        return self._outside.values(key)

    def _inner(self, expressions: list[Expression]) -> dict[Expression, Any]:
        """Compute daily formulas that stand inside bar formulas."""
        inner = {repr(e): (e, "superhet") for e in expressions}
        work = Work(inner, self._market, self._sources.frequency, self._settings)
        out = np.empty((len(inner), *self.shape), dtype=self._settings.dtype)
        work.run(out, (0, self.shape[0]), silent)
        return dict(zip(expressions, out, strict=True))


def _panel(name: str, values: npt.NDArray[Any], expression: Expression, market: Market) -> Panel:
    return Panel(
        values=values,
        dates=market.dates,
        assets=market.assets,
        name=name,
        unit="score",
        frequency=expression.clock,
    )
