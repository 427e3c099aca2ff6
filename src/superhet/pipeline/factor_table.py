"""A table of factors: formulas over a store, long rows in a Parquet file, and what can be said of them.

1. which formulas                                                     -> factor_choice.choose
2. the market, from as far back as they look                          -> factor_market.market_for
3. those whose fields are there                                       -> factor_choice.with_fields
4. values, some sessions at a time, straight to the file              -> _Job.fill
5. coverage, first and last dates, undefined operations, warnings     -> _Job.summary

A formula of statements alone stands on the days of announcements; here each is carried forward to the next,
as long as its asset is listed, so that every row has what was known on its day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.data.base import Tables
from superhet.errors import UnknownName
from superhet.factors import Expression, Formula
from superhet.factors.evaluate import BUDGET, DType, Work
from superhet.factors.expression import carry
from superhet.factors.machine import Settings
from superhet.factors.sources import Sources
from superhet.panel import Market
from superhet.pipeline.factor_choice import Chosen, FactorChoice, choose, with_fields
from superhet.pipeline.factor_market import MarketChoice, market_for
from superhet.pipeline.factor_rows import Rows, written
from superhet.pipeline.factor_undefined import Kind, undefined
from superhet.progress import Progress, silent

Array: TypeAlias = npt.NDArray[Any]
DTYPES: tuple[DType, ...] = ("float32", "float64")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """How to compute.

    Parameters
    ----------
    dtype : of the arithmetic and of the columns
    threads : None = all cores; the values are the same, bit for bit
    budget : bytes that values and intermediate values may take at a time
    """

    dtype: str = "float32"
    threads: int | None = None
    budget: int = BUDGET

    @property
    def settings(self) -> Settings:
        """The same, as the machine has it.

        Raises
        ------
        UnknownName
            if the type is neither of `DTYPES`
        """
        if self.dtype not in DTYPES:
            raise UnknownName("type", self.dtype, DTYPES, "--dtype")
        return Settings(
            dtype=np.dtype(self.dtype).type, threads=self.threads or os.cpu_count() or 1
        )


@dataclass(kw_only=True)
class FactorSummary:
    """What there is to say of one column.

    Parameters
    ----------
    name : of the column
    formula, syntax, convention : how it was written and read
    lookback : sessions before the newest that a value needs
    coverage : share of the rows whose value is known
    first_date, last_date : with any value; None without
    undefined : kind -> rows on which an operation of known operands has no answer
    """

    name: str
    formula: str
    syntax: str
    convention: str
    lookback: int
    coverage: float = 0.0
    first_date: str | None = None
    last_date: str | None = None
    undefined: dict[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TableSummary:
    """What was computed and written.

    Parameters
    ----------
    out : the file, None for none
    dtype, snapshot : of the values; of the data
    first_date, last_date, dates, assets, rows : of the table
    factors : column by column
    left_out : formula of the library -> why it is not a column, in each language
    warnings : facts about the data
    last : of a single formula, asset -> value on the last date
    """

    out: str | None
    dtype: str
    snapshot: str
    first_date: str
    last_date: str
    dates: int
    assets: int
    rows: int
    factors: list[FactorSummary]
    left_out: Mapping[str, Mapping[str, str]]
    warnings: list[str]
    last: Mapping[str, float] | None = None


def factor_table(
    tables: Tables,
    choice: FactorChoice,
    market_choice: MarketChoice,
    *,
    out: Path | None = None,
    resources: Resources | None = None,
    progress: Progress = silent,
) -> TableSummary:
    """Compute formulas over a store and write them.

    Parameters
    ----------
    tables : a store, or frames in memory
    choice, market_choice : which formulas; which dates and how they are seen
    out : Parquet file, whole or not there; None writes nothing
    resources : type, threads and memory
    progress : called as (done, total, what)

    Raises
    ------
    InputError
        for whatever the user gave wrong: options, formulas, fields that the store lacks
    DiskFull
        if there is no room for the file
    """
    resources = resources or Resources()
    settings = resources.settings
    chosen = choose(choice)
    progress(0, 1, "loading")
    expressions = [f.expression for f in chosen.columns.values()]
    market, first = market_for(expressions, tables, market_choice, progress)
    chosen = with_fields(chosen, market, market_choice.frequency)
    job = _Job(chosen, market, first, market_choice.frequency, settings)
    facts = {
        "snapshot": market.snapshot,
        "factors": {
            n: {"formula": f.text, "syntax": f.syntax, "convention": f.convention}
            for n, f in chosen.columns.items()
        },
    }
    written(out, market, job.listed, facts, lambda rows: job.fill(rows, resources.budget, progress))
    return job.summary(out)


class _Job:
    """The columns of one table, and what is counted while they are computed."""

    def __init__(
        self, chosen: Chosen, market: Market, first: int, frequency: str, settings: Settings
    ) -> None:
        self._market, self._first, self._chosen = market, first, chosen
        self._settings = settings
        self.listed = Sources(market, frequency).alive()
        columns = chosen.columns
        self._factors = {n: _described(n, f) for n, f in columns.items()}
        self._tests = {n: undefined(f.expression) for n, f in columns.items()}
        wanted = {n: (carry(f.expression), f.convention) for n, f in columns.items()}
        self._counts: dict[tuple[Expression, str], int] = {
            (test, columns[n].convention): 0
            for n, kinds in self._tests.items()
            for tests in kinds.values()
            for test in tests
        }
        wanted |= {f"\0{i}": test for i, test in enumerate(self._counts)}  # no column's name
        self._work = Work(wanted, market, frequency, settings, first=first)
        self._known = dict.fromkeys(columns, 0)
        self._last: dict[str, float] = {}

    def fill(self, rows: Rows, budget: int, progress: Progress) -> None:
        """Compute the columns, some sessions at a time, and put them into the file."""
        pieces = self._work.pieces(budget, self._first, results=True)
        names = list(self._chosen.columns)
        height = max((end - begin for begin, end in pieces), default=0)
        shape = (len(self._work.daily), height, self._work.shape[1])
        kept = np.empty(shape, dtype=self._settings.dtype)  # one: a run may outlive its piece
        for piece, (begin, end) in enumerate(pieces):

            def step(done: int, total: int, _: str, piece: int = piece) -> None:
                progress(piece * total + done, len(pieces) * total, "computing")

            out = kept[:, : end - begin]
            self._work.run(out, (begin, end), step)
            values = dict(zip(names, out, strict=False))
            self._count(begin, values, out[len(names) :])
            rows.put(begin, values)

    def _count(self, begin: int, values: Mapping[str, Array], tests: Array) -> None:
        end = begin + len(next(iter(values.values())))
        listed, days = self.listed[begin:end], self._market.dates.values[begin:end]
        for name, array in values.items():
            known = (~np.isnan(array) & listed).sum(axis=1)
            factor, on = self._factors[name], np.flatnonzero(known)
            self._known[name] += int(known.sum())
            if on.size:
                factor.first_date = factor.first_date or str(days[on[0]])
                factor.last_date = str(days[on[-1]])
        for key, found in zip(self._counts, tests, strict=True):
            self._counts[key] += int(((found == 1) & listed).sum())
        if len(values) == 1:
            self._last = dict(self._listed_values(next(iter(values.values()))[-1], listed[-1]))

    def _listed_values(self, row: Array, listed: Array) -> Iterator[tuple[str, float]]:
        for asset, value, there in zip(self._market.assets.values, row, listed, strict=True):
            if there:
                yield asset, float(value)

    def summary(self, out: Path | None) -> TableSummary:
        """Say what was computed."""
        dates, listed = self._market.dates.values[self._first :], self.listed[self._first :]
        rows = int(listed.sum())
        for name, factor in self._factors.items():
            factor.coverage = self._known[name] / rows if rows else 0.0
            convention = self._chosen.columns[name].convention
            factor.undefined = {
                kind: sum(self._counts[test, convention] for test in tests)
                for kind, tests in self._tests[name].items()
            }
        return TableSummary(
            out=None if out is None else str(out),
            dtype=np.dtype(self._settings.dtype).name,
            snapshot=self._market.snapshot,
            first_date=str(dates[0]),
            last_date=str(dates[-1]),
            dates=len(dates),
            assets=int(listed.any(axis=0).sum()),
            rows=rows,
            factors=list(self._factors.values()),
            left_out=self._chosen.left_out,
            warnings=[*self._short_history(), *_said(self._chosen.left_out)],
            last=self._last if len(self._factors) == 1 else None,
        )

    def _short_history(self) -> Iterator[str]:
        """Warn of columns without any value, and of look-backs longer than the data."""
        sessions = len(self._market.dates)
        for factor in self._factors.values():
            if factor.lookback >= sessions:
                begins = f"its first value is on {factor.first_date}"
                yield (
                    f"{factor.name}: looks back {factor.lookback} sessions, and there are {sessions}; "
                    + (begins if factor.first_date else "it has no value on any date")
                )
            elif factor.first_date is None:
                yield f"{factor.name}: has no value on any date"


def _described(name: str, formula: Formula) -> FactorSummary:
    return FactorSummary(
        name=name,
        formula=formula.text,
        syntax=formula.syntax,
        convention=formula.convention,
        lookback=formula.expression.lookback,
    )


def _said(left_out: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Say in one line which formulas of a library were left out."""
    if not left_out:
        return []
    each = "; ".join(f"{name} ({why.get('en', '')})" for name, why in left_out.items())
    return [f"left out {len(left_out)} formulas of the library: {each}"]
