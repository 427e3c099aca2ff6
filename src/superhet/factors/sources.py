"""Sources: where the fields of a formula come from, and on which shape.

Daily fields are `[sessions, assets]`; bars are `[bars, assets]` with the rows of each session; columns of
the statements are histories `[states, quarters]` (see `kernels.point_in_time`). `size` is the logarithm of
the market's size field, unless the market has a field of that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import FormulaError, did_you_mean
from superhet.factors.expression import PRICES, Expression, Level, market_field
from superhet.factors.parse import name_columns
from superhet.factors.plan import Plan
from superhet.kernels.point_in_time import StateIndex, single_quarters
from superhet.panel import Market

Values = npt.NDArray[np.float64]
_TABLE = "statements"
_KEYS = ("asset", "report_date", "announce_date", "revision")


class Sources:
    """The fields of one market, as the evaluator needs them.

    Parameters
    ----------
    market : the market
    frequency : which bars `bar_` functions read
    """

    def __init__(self, market: Market, frequency: str) -> None:
        self._market, self._frequency = market, frequency

    @property
    def shape(self) -> tuple[int, int]:
        """Sessions and assets."""
        return len(self._market.dates), len(self._market.assets)

    def values(self, level: Level, word: str, depth: int) -> Any:
        """Give a field: a daily panel, bars, a history of `depth` quarters, or codes of a group."""
        if level == "group":
            return np.ascontiguousarray(self._market.groups(word).values, dtype=np.int64)
        if level == "bar":
            return _plain(self._market.intraday(self._frequency)[word].values)
        if level == "quarter":
            return self._states.history(self._market.table(_TABLE)[word], depth)
        field = market_field(word)
        if field == "size" and field not in self._market:
            cap = _plain(self._market[self._market.size].values)
            return np.log(np.where(cap > 0, cap, np.nan))
        return _plain(self._market[field].values)

    def given(self, what: str, node: Expression) -> Any:
        """Give what an operator asks of the evaluator."""
        if what == "inside":
            return self._market.universe.estimable.values
        if what == "starts":
            return self._days[0]
        if what == "stops":
            return self._days[1]
        return self._states.season if what == "season" else self._basis_of(node)

    def on_bars(self, values: Any, level: Level) -> Any:
        """Repeat a value of a day on each of its bars; other values stay as they are."""
        if level != "daily":
            return values
        bars = self._market.intraday(self._frequency).dates.days
        out = np.full((len(bars), self.shape[1]), np.nan)
        row = np.minimum(np.searchsorted(self._market.dates.days, bars), self.shape[0] - 1)
        same = self._market.dates.days[row] == bars
        out[same] = values[row[same]]
        return out

    def place(self, history: Values) -> tuple[Values, Values]:
        """Put the newest quarter on the sessions; see `StateIndex.place`."""
        return self._states.place(history[:, 0], self._market.dates.days, self.shape[1])

    def single_quarters(self, history: Values, word: str) -> Values:
        """Take a column quarter by quarter; levels and trailing-year flows stay as they are."""
        return single_quarters(history, self._states.season, self._basis(word))

    def listed_only(self, values: Values) -> Values:
        """Drop what is carried beyond an asset's life on the exchange."""
        if "listing_age" not in self._market:
            return values
        listed = self._market["listing_age"].values >= 0
        return np.where(listed, values, np.nan)

    def _basis(self, word: str) -> str:
        return self._market.table(_TABLE).basis.get(word, "level")

    def _basis_of(self, node: Expression) -> str:
        """Give the basis of the bare column that an operator takes, "" for anything else."""
        below = node.arguments[0]
        while below.kind == "as_quarter":
            below = below.arguments[0]
        return self._basis(below.word) if below.kind == "name" else ""

    @cached_property
    def _states(self) -> StateIndex:
        table = self._market.table(_TABLE)
        revision = table["revision"] if "revision" in table else None  # noqa: SIM401 - no KeyError
        return StateIndex.build(table["asset"], table.known_at, table["report_date"], revision)

    @cached_property
    def _days(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The rows of the bars that belong to each session: from the first, to the second."""
        bars, sessions = self._market.intraday(self._frequency).dates.days, self._market.dates.days
        starts = np.searchsorted(bars, sessions, side="left").astype(np.int64)
        return starts, np.searchsorted(bars, sessions, side="right").astype(np.int64)


def available(market: Market, frequency: str) -> dict[Level, list[str]]:
    """List the names that formulas may use on a market, by level."""
    fields = {f for f in market if f.removeprefix("adjusted_") not in PRICES}
    fields |= {p for p in PRICES if f"adjusted_{p}" in market}
    fields |= {f"raw_{p}" for p in PRICES if p in market}
    if market.size in market:
        fields.add("size")
    statements = market.events.get(_TABLE)
    bars = market.intraday_cubes.get(frequency)
    return {
        "daily": sorted(fields),
        "group": sorted(market.group_panels),
        "bar": list(bars) if bars is not None else [],
        "quarter": [c for c in statements if c not in _KEYS] if statements is not None else [],
    }


def missing_fields(expression: Expression, market: Market, frequency: str = "15min") -> list[str]:
    """List the names in an expression that a market cannot answer; empty if it can be computed."""
    known = available(market, frequency)
    return sorted(word for level, word in expression.names if word not in known[level])


def require_fields(
    merged: Plan, formulas: Mapping[str, Expression | str], market: Market, frequency: str
) -> None:
    """Insist that the market has every field that the formulas name, stated as they need it.

    Raises
    ------
    FormulaError
        naming the formula and the column
    """
    known = available(market, frequency)
    for label, expression in merged.outputs.items():
        formula = formulas[label]
        text = formula if isinstance(formula, str) else repr(formula)
        for level, word in sorted(expression.names):
            if word not in known[level]:
                message = f"{label}: {_absent(level, word, known[level], frequency)}"
                raise FormulaError(message, text, name_columns(text)[level, word])
        _require_flows(label, text, expression, market)


def _absent(level: Level, word: str, known: list[str], frequency: str) -> str:
    if level == "bar" and not known:
        return (
            f"the market has no {frequency} bars to read {word!r} from; load them or leave this out"
        )
    if level == "quarter" and not known:
        return f"the market has no statements to read {word!r} from; load them or leave this out"
    kinds = {"group": "classification", "bar": f"{frequency} field", "quarter": "statement column"}
    return f"unknown {kinds.get(level, 'field')} {word!r}{did_you_mean(word, known)}"


def _require_flows(label: str, text: str, expression: Expression, market: Market) -> None:
    """Insist that `ttm` and `quarterly` are asked of flows."""
    for node in expression.walk():
        if node.kind != "call" or node.word not in ("ttm", "quarterly"):
            continue
        word = next(iter(node.statement_columns))
        basis = market.table(_TABLE).basis.get(word, "level")
        column = name_columns(text)["quarter", word]
        if basis == "level":
            message = f"{word!r} is a level, not a flow; write latest({word}) or change({word}, 4)"
            raise FormulaError(f"{label}: {message}", text, column)
        if basis == "ttm" and node.word == "quarterly":
            message = f"{word!r} is stated over twelve months; write ttm({word})"
            raise FormulaError(f"{label}: {message}", text, column)


def _plain(values: Any) -> Values:
    return np.ascontiguousarray(values, dtype=np.float64)
