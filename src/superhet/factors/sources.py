"""Sources: where the fields of a formula come from, and what the market has.

Daily fields are `[sessions, assets]`; bars are Cubes on their own ends; columns of the statements are
histories `[states, quarters]` (see `kernels.point_in_time`). `size` is the logarithm of the market's size
field, unless the market has a field of that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import FormulaError, did_you_mean
from superhet.factors.expression import BAR_FIELDS, PRICES, Expression, Level, market_field
from superhet.factors.formula import Formula
from superhet.factors.parse import name_columns
from superhet.kernels.announcements import Placement
from superhet.kernels.lifetimes import first_known_rows
from superhet.kernels.point_in_time import StateIndex, single_quarters
from superhet.panel import Benchmark, Market

Values = npt.NDArray[np.float64]
_TABLE = "statements"
BENCHMARK = MappingProxyType(
    {f"benchmark_{n}": n for n in ("close", "open", "high", "low", "volume", "amount")}
)
"""Name in formulas -> field of the benchmark, the same for every asset. The close is its level, 1 before the
first session; the other prices stand to it as published. All but the close are those of an index's bars."""
_KEYS = ("asset", "report_date", "announce_date", "revision")


@dataclass(frozen=True, eq=False, kw_only=True)
class Life:
    """When assets exist, as an array would show it: 0 while they do, NaN before and after.

    Parameters
    ----------
    age : [sessions, assets], sessions since the listing, negative while not listed
    first : [assets], first session of each asset, where ages are not known
    """

    age: npt.NDArray[Any] | None = None
    first: npt.NDArray[np.int64] | None = None

    def __getitem__(self, cut: tuple[slice, slice]) -> npt.NDArray[np.float32]:
        """Give a part, [sessions, assets] of the cut."""
        if self.age is not None:
            lives = self.age[cut] >= 0
        else:
            assert self.first is not None
            lives = np.arange(cut[0].start, cut[0].stop)[:, None] >= self.first[cut[1]]
        return np.where(lives, np.float32(0), np.float32(np.nan))


class Sources:
    """The fields of one market, as the evaluator needs them.

    Parameters
    ----------
    market : the market
    frequency : which bars `bar_` functions read
    """

    def __init__(self, market: Market, frequency: str) -> None:
        self.market, self.frequency = market, frequency
        self._news: dict[str, tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Sessions and assets."""
        return len(self.market.dates), len(self.market.assets)

    def daily(self, word: str) -> Any:
        """Give a daily field, [sessions, assets], of the type it has."""
        field = market_field(word)
        if field == "size" and field not in self.market:
            cap = np.asarray(self.market[self.market.size].values, dtype=np.float64)
            return np.log(np.where(cap > 0, cap, np.nan))
        benchmark = self.market.benchmark
        if field in BENCHMARK and field not in self.market and benchmark is not None:
            return np.broadcast_to(_of_benchmark(benchmark, BENCHMARK[field])[:, None], self.shape)
        return self.market[field].values

    def group(self, word: str) -> npt.NDArray[np.int32]:
        """Give a classification, [sessions, assets] codes, -1 = not known."""
        return np.ascontiguousarray(self.market.groups(word).values, dtype=np.int32)

    @cached_property
    def life(self) -> Life:
        """Say on which sessions each asset exists: from its listing to its delisting.

        Without a field `listing_age`, from the first session on which one of its bar's fields is known (or
        any field, in a market without bars).
        """
        if "listing_age" in self.market:
            return Life(age=self.market["listing_age"].values)
        bars = [f for f in self.market if f.removeprefix("adjusted_") in (*BAR_FIELDS, "vwap")]
        first = np.full(self.shape[1], self.shape[0], dtype=np.int64)
        for field in bars or list(self.market):
            values = self.market[field].values
            if values.dtype.kind != "f":
                first[:] = 0
            first_known_rows(values, first)
        return Life(first=first)

    def alive(self) -> npt.NDArray[np.bool_]:
        """Say on which sessions each asset exists, [sessions, assets]; see `life`."""
        return ~np.isnan(self.life[slice(0, self.shape[0]), slice(0, self.shape[1])])

    def history(self, word: str, depth: int) -> Values:
        """Give a column of the statements as known, [states, depth]."""
        return self.states.history(self.market.table(_TABLE)[word], depth)

    @property
    def season(self) -> npt.NDArray[np.int64]:
        """Quarter of the year of each state's newest quarter, 0 to 3."""
        return self.states.season

    def announced(self, words: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Say which states announce some of these columns, and know all of their newest quarter, [states].

        A report that leaves a column out says nothing of it: what was known before stands.
        """
        some = np.zeros(self.states.day.size, dtype=bool)
        whole = np.ones(self.states.day.size, dtype=bool)
        for word in words:
            if word not in self._news:
                column = self.market.table(_TABLE)[word]
                newest = np.isfinite(self.states.history(column, 1)[:, 0])
                self._news[word] = self.states.announced(column), newest
            some |= self._news[word][0]
            whole &= self._news[word][1]
        return some & whole

    def single_quarters(self, history: Values, word: str) -> Values:
        """Take a column quarter by quarter; levels and trailing-year flows stay as they are."""
        return single_quarters(history, self.states.season, self.basis(word))

    def listed_only(self, values: Values, cut: tuple[slice, slice]) -> Values:
        """Drop what is carried beyond an asset's life on the exchange, [sessions, assets] of the cut."""
        if "listing_age" not in self.market:
            return values
        listed = self.market["listing_age"].values[cut] >= 0
        return np.where(listed, values, np.nan)

    def basis(self, word: str) -> str:
        """Say how a column is stated: "ytd", "quarter", "ttm" or "level"; "" for no column."""
        return self.market.table(_TABLE).basis.get(word, "level") if word else ""

    @cached_property
    def states(self) -> StateIndex:
        """What each announcement left behind as the newest view of the past."""
        table = self.market.table(_TABLE)
        revision = table["revision"] if "revision" in table else None  # noqa: SIM401 - no KeyError
        return StateIndex.build(table["asset"], table.known_at, table["report_date"], revision)

    @cached_property
    def placement(self) -> Placement:
        """Where these stand on the sessions."""
        return Placement.of(self.states, self.market.dates.days, self.shape[1])


def _of_benchmark(benchmark: Benchmark, field: str) -> Values:
    """Give a field of the benchmark, [sessions]."""
    level = np.cumprod(1.0 + np.nan_to_num(benchmark.returns), dtype=np.float64)
    if field == "close":
        return level
    values = benchmark.bars[field]
    return values if field in ("volume", "amount") else level * (values / benchmark.bars["close"])


def available(market: Market, frequency: str) -> dict[Level, list[str]]:
    """List the names that formulas may use on a market, by level."""
    fields = {f for f in market if f.removeprefix("adjusted_") not in PRICES}
    fields |= {p for p in PRICES if f"adjusted_{p}" in market}
    fields |= {f"raw_{p}" for p in PRICES if p in market}
    if market.size in market:
        fields.add("size")
    if market.benchmark is not None:
        known = {"close", *market.benchmark.bars}
        fields |= {word for word, field in BENCHMARK.items() if field in known}
    statements = market.events.get(_TABLE)
    bars = market.intraday_cubes.get(frequency)
    return {
        "daily": sorted(fields),
        "group": sorted(market.group_panels),
        "asset": list(market.assets.values),
        "bar": list(bars) if bars is not None else [],
        "quarter": [c for c in statements if c not in _KEYS] if statements is not None else [],
    }


def missing_fields(expression: Expression, market: Market, frequency: str = "15min") -> list[str]:
    """List the names in an expression that a market cannot answer; empty if it can be computed."""
    known = available(market, frequency)
    return sorted(word for level, word in expression.names if word not in known[level])


def require_fields(formulas: Mapping[str, Formula], market: Market, frequency: str) -> None:
    """Insist that the market has every field that the formulas name, stated as they need it.

    Raises
    ------
    FormulaError
        naming the formula and the column
    """
    known = {level: (set(words), words) for level, words in available(market, frequency).items()}
    for label, formula in formulas.items():
        for level, word in sorted(formula.expression.names):
            if word not in known[level][0]:
                why = _absent(level, word, known[level][1], frequency)
                if level == "daily" and word in BENCHMARK:
                    why = _no_benchmark(word, market.benchmark)
                message = f"{label}: {why}"
                raise FormulaError(message, formula.text, _column(formula, level, word))
        if formula.expression.statement_columns:
            _require_flows(label, formula, market)


def _column(formula: Formula, level: Level, word: str) -> int:
    columns = name_columns(formula.text, formula.syntax, label=formula.label)
    return columns.get((level, word), 0)


def _absent(level: Level, word: str, known: list[str], frequency: str) -> str:
    if level == "bar" and not known:
        return (
            f"the market has no {frequency} bars to read {word!r} from; load them or leave this out"
        )
    if level == "quarter" and not known:
        return f"the market has no statements to read {word!r} from; load them or leave this out"
    kinds = {
        "group": "classification",
        "asset": "asset",
        "bar": f"{frequency} field",
        "quarter": "statement column",
    }
    return f"unknown {kinds.get(level, 'field')} {word!r}{did_you_mean(word, known)}"


def _no_benchmark(word: str, benchmark: Benchmark | None) -> str:
    """Say which column of which table is not there."""
    if benchmark is None:
        return f"the market has no benchmark to read {word!r} from; name one"
    if not benchmark.bars:
        return (
            f"{word!r} is read from the table index_bars, and the benchmark {benchmark.name!r} is not an "
            "index of it; name one that is (market.benchmark in a study, --benchmark)"
        )
    return (
        f"the table index_bars has no values of {benchmark.name!r} in its column {BENCHMARK[word]!r}, which "
        f"{word!r} is read from; import it, or leave this out"
    )


def _require_flows(label: str, formula: Formula, market: Market) -> None:
    """Insist that `ttm` and `quarterly` are asked of flows."""
    for node in formula.expression.walk():
        if node.kind != "call" or node.word not in ("ttm", "quarterly"):
            continue
        word = next(iter(node.statement_columns))
        basis = market.table(_TABLE).basis.get(word, "level")
        column = _column(formula, "quarter", word)
        if basis == "level":
            message = f"{word!r} is a level, not a flow; write latest({word}) or change({word}, 4)"
            raise FormulaError(f"{label}: {message}", formula.text, column)
        if basis == "ttm" and node.word == "quarterly":
            message = f"{word!r} is stated over twelve months; write ttm({word})"
            raise FormulaError(f"{label}: {message}", formula.text, column)
