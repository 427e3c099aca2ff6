"""The mining door: score thousands of formulas over one resident market.

1. formulas come in batches; a batch is one program, so that what they share is computed once  -> _program
2. parts that were asked for before and cost something stay, up to a limit of memory           -> _Parts
3. each signal is correlated with the target date by date and forgotten                        -> _measure

A score depends on its formula alone, not on the batch it came in, nor on what is kept.
"""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.factors.evaluate import DType, Work
from superhet.factors.expression import Expression
from superhet.factors.formula import Formula
from superhet.factors.lower import in_machine
from superhet.factors.machine import Settings
from superhet.factors.sources import available, require_fields
from superhet.kernels.cross_section import rank
from superhet.kernels.screening import daily_ic
from superhet.panel import Market, Panel
from superhet.progress import silent

_BATCH = 32
_SEEN = 100_000  # formulas whose parts are counted


@dataclass(frozen=True)
class Scores:
    """How well some formulas foretell the target.

    Parameters
    ----------
    ic : [formulas, dates], correlation of signal and target across assets; NaN where there is none
    rank_ic : the same of ranks, or None
    """

    ic: npt.NDArray[np.float64]
    rank_ic: npt.NDArray[np.float64] | None = None

    @property
    def mean_ic(self) -> npt.NDArray[np.float64]:
        """Give the mean over dates, [formulas]; NaN for a formula without any."""
        return _mean(self.ic)

    @property
    def icir(self) -> npt.NDArray[np.float64]:
        """Give mean over deviation of the daily correlation, not annualised, [formulas]."""
        away = self.ic - self.mean_ic[:, None]
        spread = np.sqrt(_mean(away * away))
        return np.where(spread > 0, self.mean_ic / np.where(spread > 0, spread, 1.0), np.nan)


class Screen:
    """Scores formulas against a target on one market.

    Parameters
    ----------
    market : stays in memory; formulas read its fields
    target : [dates, assets], such as the forward return; a label, so it lies in the future of the signal
    dtype : of the arithmetic
    convention : superhet, qlib or pandas
    frequency : the bars that `bar_` functions read
    threads : None takes all cores; the scores are the same, bit for bit
    memory : bytes that parts shared by many formulas may take

    Examples
    --------
    >>> from superhet.factors import parse
    >>> from superhet.testing.markets import random_market
    >>> market = random_market(dates=30, assets=20, seed=0)
    >>> screen = Screen(market, market["returns"])
    >>> screen.score([parse("returns"), parse("-2 * returns")]).mean_ic.round(3)
    array([ 1., -1.])
    """

    def __init__(
        self,
        market: Market,
        target: Panel,
        *,
        dtype: DType = "float32",
        convention: str = "superhet",
        frequency: str = "15min",
        threads: int | None = None,
        memory: int = 1 << 30,
    ) -> None:
        shape = (len(market.dates), len(market.assets))
        if target.values.shape != shape:
            raise ConfigError(
                "target", f"its shape is {target.values.shape}, the market's is {shape}"
            )
        self._market, self._convention, self._frequency = market, convention, frequency
        self._settings = Settings(
            dtype=np.dtype(dtype).type, threads=threads or os.cpu_count() or 1
        )
        self._target = np.ascontiguousarray(target.values, dtype=dtype)
        self._target_ranks: npt.NDArray[np.float64] | None = None
        words = available(market, frequency)
        self._names = {(level, word) for level, known in words.items() for word in known}
        self._out = np.empty((_BATCH, *shape), dtype=dtype)
        self._parts = _Parts(memory, self._target.nbytes)
        self._leaves: dict[Any, Any] = {}

    def score(self, formulas: Iterable[Expression], *, ranks: bool = False) -> Scores:
        """Score formulas, in the order given.

        Parameters
        ----------
        formulas : expressions; equal ones are computed once
        ranks : whether ranks are correlated, too, which costs several times as much

        Raises
        ------
        FormulaError
            if a formula names a field that the market lacks
        """
        wanted = list(formulas)
        distinct = list(dict.fromkeys(wanted))
        self._require(distinct)
        found: dict[Expression, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = {}
        for begin in range(0, len(distinct), _BATCH):
            batch = distinct[begin : begin + _BATCH]
            found.update(zip(batch, self._batch(batch, ranks), strict=True))
        dates = len(self._market.dates)
        ic = np.array([found[f][0] for f in wanted]).reshape(len(wanted), dates)
        if not ranks:
            return Scores(ic)
        return Scores(ic, np.array([found[f][1] for f in wanted]).reshape(len(wanted), dates))

    def _require(self, formulas: Sequence[Expression]) -> None:
        for formula in formulas:
            if not formula.names <= self._names:
                known = Formula(name=repr(formula), text=repr(formula))
                require_fields({known.name: known}, self._market, self._frequency)

    def _batch(
        self, batch: Sequence[Expression], ranks: bool
    ) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
        kept = self._parts.worth_keeping(batch)
        extra = [part for part in kept if part not in batch]
        names = {str(i): (e, self._convention) for i, e in enumerate([*batch, *extra])}
        work = Work(
            names,
            self._market,
            self._frequency,
            self._settings,
            resident=dict(self._parts.values) | self._leaves,
        )
        out = self._out
        if len(names) > len(out):
            out = np.empty((len(names), *self._target.shape), dtype=self._target.dtype)
        out = out[: len(names)]
        work.run(out, (0, len(self._market.dates)), silent)
        self._leaves.update(work.fields())
        for part, values in zip(extra, out[len(batch) :], strict=True):
            self._parts.keep(part, values.copy())
        if self._settings.threads == 1:
            return [self._measure(values, ranks) for values in out[: len(batch)]]
        with ThreadPoolExecutor(self._settings.threads) as pool:
            return list(pool.map(lambda v: self._measure(v, ranks), out[: len(batch)]))

    def _measure(
        self, values: npt.NDArray[Any], ranks: bool
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        ic = np.empty(len(values))
        daily_ic(values, self._target, ic)
        rank_ic = np.empty(len(values) if ranks else 0)
        if ranks:
            daily_ic(rank(values), self._ranked_target(), rank_ic)
        return ic, rank_ic

    def _ranked_target(self) -> npt.NDArray[np.float64]:
        if self._target_ranks is None:
            self._target_ranks = rank(self._target)
        return self._target_ranks


class _Parts:
    """Values of parts that many formulas share: the least recently used go when memory is full."""

    def __init__(self, memory: int, size: int) -> None:
        self._most = max(memory // max(size, 1), 0)
        self._counts: Counter[Expression] = Counter()
        self.values: OrderedDict[Expression, npt.NDArray[Any]] = OrderedDict()

    def worth_keeping(self, batch: Sequence[Expression]) -> list[Expression]:
        """Give parts of a batch that were asked for before, cost a window or a ranking, and are not kept."""
        wanted: Counter[Expression] = Counter()
        for formula in batch:
            wanted.update({n for n in formula.walk() if in_machine(n) and n is not formula})
        if len(self._counts) > _SEEN:
            self._counts.clear()
        chosen = []
        for part in wanted:
            if part in self.values:
                self.values.move_to_end(part)
            elif self._counts[part] and part.operator.needs != "neither":
                chosen.append(part)
        self._counts.update(wanted)
        return chosen[: self._most]

    def keep(self, part: Expression, values: npt.NDArray[Any]) -> None:
        """Keep the values of a part, in place of the oldest if need be."""
        while len(self.values) >= self._most:
            self.values.popitem(last=False)
        self.values[part] = values


def _mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
