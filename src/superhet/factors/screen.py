"""The mining door: score thousands of formulas over one resident market.

1. formulas come in batches; a batch is one program, so that what they share is computed once  -> _batch
2. parts that were asked for before and cost something stay, up to a limit of memory           -> _Parts
3. each signal is correlated with the target date by date while it is in the cache, and forgotten -> _Results

A score depends on its formula alone, not on the batch it came in, nor on what is kept.
"""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.factors.evaluate import DType, Work
from superhet.factors.expression import Expression
from superhet.factors.formula import Formula
from superhet.factors.lower import in_machine
from superhet.factors.machine import Settings, run
from superhet.factors.sources import available, require_fields
from superhet.kernels.cross_section import rank
from superhet.kernels.screening import SUMS, blocks, correlate, sum_block
from superhet.kernels.streaming import write_through
from superhet.kernels.windows import LANES
from superhet.panel import Market, Panel

Array: TypeAlias = npt.NDArray[Any]
Values: TypeAlias = npt.NDArray[np.float64]
_NONE: Values = np.empty(0)
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
        self._blocks = blocks(self._target)
        self._rank_blocks: list[Array] = []
        words = available(market, frequency)
        self._names = {(level, word) for level, known in words.items() for word in known}
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
        found: dict[Expression, tuple[Values, Values]] = {}
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

    def _batch(self, batch: Sequence[Expression], ranks: bool) -> list[tuple[Values, Values]]:
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
        signals = [int(name) for name in work.daily if int(name) < len(batch)]  # before the extra
        whole = range(0 if ranks else len(signals), len(work.daily))
        results = _Results(len(work.daily), len(signals), self._target, self._blocks, whole)
        dates = len(self._target)
        if work.daily:
            run(work.program, work, results, (0, dates), self._settings)
        parts = self._parts.values
        self._leaves.update((k, v) for k, v in work.fields().items() if k not in parts)
        for i in range(len(signals), len(work.daily)):
            self._parts.keep(names[work.daily[i]][0], results.whole[i])
        ics = {at: results.ic(i) for i, at in enumerate(signals)}
        values = {at: results.whole[i] for i, at in enumerate(signals) if ranks}
        for name, rows in work.events(0, dates).items():
            ics[int(name)], values[int(name)] = self._ic(rows, self._blocks), rows
        return self._with_ranks(ics, values) if ranks else [(ics[i], _NONE) for i in sorted(ics)]

    def _with_ranks(
        self, ics: dict[int, Values], values: dict[int, Array]
    ) -> list[tuple[Values, Values]]:
        if not self._rank_blocks:
            self._rank_blocks = blocks(rank(self._target))
        with ThreadPoolExecutor(self._settings.threads) as pool:
            found = pool.map(lambda i: self._ic(rank(values[i]), self._rank_blocks), sorted(ics))
        return [(ics[i], rank_ic) for i, rank_ic in zip(sorted(ics), found, strict=True)]

    def _ic(self, signal: Array, target: list[Array]) -> Values:
        """Correlate a whole signal with the blocks of a target, [dates]."""
        results = _Results(1, 1, self._target, target, ())
        results.put(0, 0, 0, signal)
        return results.ic(0)


class _Results:
    """Takes signals as the machine makes them, and keeps of each what its correlation is made of.

    Parameters
    ----------
    outputs, signals : how many the machine gives, of which the first ones are correlated
    like : an array of a signal's shape and type
    target : blocks of the target
    whole : outputs whose values are kept
    """

    def __init__(
        self, outputs: int, signals: int, like: Array, target: list[Array], whole: Iterable[int]
    ) -> None:
        self.shape, self._target = (outputs, *like.shape), target
        self.whole = {i: np.empty_like(like) for i in whole}
        self._sums = np.empty((signals, len(target), len(like), SUMS))

    def put(self, output: int, row: int, asset: int, values: Array) -> None:
        """Take some dates of a signal: whole blocks, but for the last assets."""
        last = row + len(values)
        if output in self.whole:
            write_through(values, self.whole[output][row:last, asset : asset + values.shape[1]])
        if output < len(self._sums):
            for at, block in enumerate(blocks(values), asset // LANES):
                sum_block(block, self._target[at][row:last], self._sums[output, at, row:last])

    def ic(self, output: int) -> Values:
        """Correlate a signal with the target, [dates]."""
        found = np.empty(self._sums.shape[2])
        correlate(self._sums[output], found)
        return found


class _Parts:
    """Values of parts that many formulas share: the least recently used go when memory is full."""

    def __init__(self, memory: int, size: int) -> None:
        self._most = max(memory // max(size, 1), 0)
        self._counts: Counter[Expression] = Counter()
        self.values: OrderedDict[Expression, Array] = OrderedDict()

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

    def keep(self, part: Expression, values: Array) -> None:
        """Keep the values of a part, in place of the oldest if need be."""
        while len(self.values) >= self._most:
            self.values.popitem(last=False)
        self.values[part] = values


def _mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
