"""Programs of the bar machine: written step by step, equal steps once, registers given out by use.

A `Writer` takes steps by the words of the formula language (`element("divide", x, y)`, `reduce("corr",
...)`), says each as codes, and hands out a `Program` for the values that are wanted:

1. steps with equal codes and operands are one step                    -> Writer._step
2. numbers are part of a step where there is a code for it, else filled rows -> Writer.element
3. a product that is only summed is summed as it is made               -> _fused
4. steps stand in the order of first need; a register is free again after its last use -> _Registers
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.kernels import bar_codes as codes
from superhet.kernels import bar_words as words

Kind: TypeAlias = Literal["bar", "day", "sums", "number"]


@dataclass(frozen=True)
class Value:
    """What a step gives: a handle for further steps.

    Parameters
    ----------
    kind : one number for each bar, for each day, sums of a slice, or a plain number
    place : of the step in the writer; -1 for a plain number
    number : the plain number
    """

    kind: Kind
    place: int = -1
    number: float = 0.0


@dataclass(frozen=True)
class _Step:
    code: int
    kind: Kind
    operands: tuple[int, ...] = ()
    first: int = 1
    last: int = -1
    number: float = 0.0
    index: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Program:
    """Steps for the bar machine.

    Parameters
    ----------
    code : [steps, COLUMNS], see `bar_codes`
    numbers : [steps], the plain number of each step
    bars, days, sums : how many registers of bars, rows of days, and rows of sums it needs
    outputs : how many results it gives
    """

    code: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.float64]
    bars: int
    days: int
    sums: int
    outputs: int


@dataclass
class Writer:
    """Collects steps; see the module."""

    _steps: list[_Step] = field(default_factory=list)
    _known: dict[_Step, int] = field(default_factory=dict)

    def field(self, index: int) -> Value:
        """Read a field of the bars."""
        return self._step(_Step(codes.LOAD, "bar", index=index))

    def daily(self, index: int) -> Value:
        """Read a daily input."""
        return self._step(_Step(codes.DAILY, "day", index=index))

    def number(self, number: float) -> Value:
        """Give a plain number."""
        return Value("number", number=float(number))

    def element(self, word: str, *values: Value) -> Value:
        """Compute element by element, by the operator's name.

        Raises
        ------
        KeyError
            for a word that the machine does not know
        """
        if word in ("greater", "greater_equal"):
            return self.element(word.replace("greater", "less"), values[1], values[0])
        if word == "clip":
            return self.element("minimum", self.element("maximum", *values[:2]), values[2])
        if word == "signed_power":
            size = self.element("power", self.element("abs", values[0]), values[1])
            return self.element("multiply", self.element("sign", values[0]), size)
        if word == "where":
            return self._where(*values)
        if word in words.SINGLES:
            (x,) = self._joint(values)
            return self._step(_Step(words.SINGLES[word], x.kind, (x.place,)))
        return self._short(word, *values) or self._pair(word, *values)

    def along(self, word: str, x: Value, bars: int = 0) -> Value:
        """Follow the bars of the day: an intraday operator that gives bars again, without its prefix."""
        x = self._on_bars(x)
        if word == "delta":
            return self.element("subtract", x, self.along("lag", x, bars))
        if word == "place":
            place = self._step(_Step(codes.PLACE, "bar"))
            known = self.element("not_equal", self.element("is_nan", x), self.number(1.0))
            missing = self._step(_Step(codes.FILL, "day", number=np.nan))
            return self._where(known, place, missing)
        return self._step(_Step(words.ALONG[word], "bar", (x.place,), index=bars))

    def reduce(
        self,
        word: str,
        values: Sequence[Value],
        first: int = 1,
        last: int = -1,
        number: float = 0.0,
    ) -> Value:
        """Reduce a slice of the day to one number.

        Parameters
        ----------
        word : "sum", "mean", "std", …: an intraday operator without its prefix
        values : its signals
        first, last : places of the slice, both included
        number : level of a quantile, or share of `top_mean`
        """
        x, *others = [self._on_bars(v) for v in values]
        if word == "count":
            return self.reduce("sum", [self.element("not_equal", x, self.number(0.0))], first, last)
        if word == "median":
            return self.reduce("quantile", [x], first, last, 0.5)
        if word == "entropy":
            return self._entropy(x, first, last)
        step = _Step(0, "day", tuple(v.place for v in (x, *others)), first, last, number)
        if word in words.OF_SLICE:
            return self._step(replace(step, code=words.OF_SLICE[word]))
        if word in words.OF_SUM or word in words.OF_EXTREME:
            sums = replace(step, code=words.OF_EXTREME.get(word, codes.SUM), kind="sums")
            of = words.OF_SUM.get(word, codes.TOTAL)
            return self._step(replace(step, code=of, operands=(self._step(sums).place,)))
        if word in words.OF_MOMENTS:
            centre = self._step(replace(step, code=codes.CENTRE)).place
            sums = replace(step, code=codes.MOMENTS, kind="sums", operands=(x.place, centre))
            operands = (self._step(sums).place, centre)
            return self._step(replace(step, code=words.OF_MOMENTS[word], operands=operands))
        if word in ("slope", "rsquare"):  # the trend is a regression on the place
            x, others = self._step(_Step(codes.PLACE, "bar")), [x]
        elif word == "beta":
            x, others = others[0], [x]
        pair = [x, *others]
        centres = tuple(
            self._step(replace(step, code=codes.CENTRE, operands=(v.place,))).place for v in pair
        )
        places = (*(v.place for v in pair), *centres)
        sums = replace(step, code=codes.PAIR, kind="sums", operands=places)
        return self._step(
            replace(step, code=words.OF_PAIR[word], operands=(self._step(sums).place,))
        )

    def program(self, outputs: Sequence[Value]) -> Program:
        """Write the program that gives some day values, in this order."""
        wanted = [self._on_days(v).place for v in outputs]
        return _Registers(_fused(list(self._steps), wanted), wanted).program(len(outputs))

    def _entropy(self, x: Value, first: int, last: int) -> Value:
        total = self.reduce("sum", [x], first, last)
        share = self.element("divide", x, total)
        part = self._step(_Step(codes.ENTROPY, "bar", (share.place,)))
        found = self.element("negate", self.reduce("sum", [part], first, last))
        most = self.element("log", self.reduce("known", [part], first, last))
        return self.element("divide", found, most)

    def _short(self, word: str, x: Value, y: Value) -> Value | None:
        """Find a shorter way for common pairs, None if there is none."""
        if word == "multiply" and x == y and x.kind != "number":
            return self._step(_Step(codes.SQUARE, x.kind, (x.place,)))
        if y.kind != "number" or x.kind == "number":
            return None
        if word == "power" and y.number in (1.0, 2.0, 0.5):
            if y.number == 0.5:
                return self.element("sqrt", x)
            return x if y.number == 1.0 else self.element("multiply", x, x)
        if word == "subtract":
            return self._return(x, y) or self.element("add", x, self.number(-y.number))
        return None

    def _return(self, x: Value, y: Value) -> Value | None:
        """Read `x / bar_lag(x, k) - 1` as the return that it is."""
        step = self._steps[x.place]
        if y.number != 1.0 or step.code != codes.DIVIDE or step.kind != "bar":
            return None
        now, before = step.operands[0], self._steps[step.operands[1]]
        if before.code != codes.LAG or before.operands != (now,):
            return None
        return self.along("return", Value("bar", now), before.index)

    def _pair(self, word: str, x: Value, y: Value) -> Value:
        code = words.PAIRS[word]
        if math.isnan(x.number) or math.isnan(y.number):  # a comparison with it would not be NaN
            x, y = self._on_days(x), self._on_days(y)
        if y.kind == "number" and x.kind != "number" and word in words.NUMBER_RIGHT:
            step = _Step(words.NUMBER_RIGHT[word], x.kind, (x.place,), number=y.number)
        elif x.kind == "number" and y.kind != "number" and word in words.NUMBER_LEFT:
            step = _Step(words.NUMBER_LEFT[word], y.kind, (y.place,), number=x.number)
        else:
            x, y = self._joint((x, y))
            step = _Step(code, x.kind, (x.place, y.place))
        return self._step(step)

    def _where(self, condition: Value, x: Value, y: Value) -> Value:
        if y.kind == "number":
            condition, x = self._joint((condition, x))
            operands = (condition.place, x.place)
            return self._step(_Step(codes.WHERE_NUMBER, x.kind, operands, number=y.number))
        condition, x, y = self._joint((condition, x, y))
        return self._step(_Step(codes.WHERE, x.kind, (condition.place, x.place, y.place)))

    def _joint(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """Bring operands to the same kind: bars if one is, else days."""
        if any(v.kind == "bar" for v in values):
            return tuple(self._on_bars(v) for v in values)
        return tuple(self._on_days(v) for v in values)

    def _on_days(self, value: Value) -> Value:
        if value.kind == "number":
            return self._step(_Step(codes.FILL, "day", number=value.number))
        return value

    def _on_bars(self, value: Value) -> Value:
        if value.kind == "bar":
            return value
        return self._step(_Step(codes.SPREAD, "bar", (self._on_days(value).place,)))

    def _step(self, step: _Step) -> Value:
        place = self._known.get(step)
        if place is None:
            place = self._known[step] = len(self._steps)
            self._steps.append(step)
        return Value(step.kind, place)


def _order(steps: Sequence[_Step], wanted: Sequence[int]) -> list[int]:
    """Give the places of the steps that are needed, operands first."""
    order: dict[int, None] = {}
    stack = [(place, False) for place in reversed(wanted)]
    while stack:
        place, done = stack.pop()
        if done:
            order.setdefault(place)
        elif place not in order:
            stack.append((place, True))
            stack.extend((p, False) for p in reversed(steps[place].operands))
    return list(order)


def _fused(steps: list[_Step], wanted: Sequence[int]) -> list[_Step]:
    """Sum products as they are made, where nothing else reads them."""
    readers: dict[int, list[_Step]] = defaultdict(list)
    for place in _order(steps, wanted):
        for operand in steps[place].operands:
            readers[operand].append(steps[place])
    products = {
        place
        for place, found in readers.items()
        if steps[place].code in (codes.MULTIPLY, codes.SQUARE)
        and all(r.code == codes.SUM for r in found)
    }
    for place, step in enumerate(steps):
        if step.code == codes.SUM and step.operands[0] in products:
            factors = steps[step.operands[0]].operands
            pair = (factors[0], factors[-1])
            steps[place] = replace(step, code=codes.PRODUCT_SUM, operands=pair)
    return steps


class _Registers:
    """Gives registers out and takes them back, step by step."""

    def __init__(self, steps: Sequence[_Step], wanted: Sequence[int]) -> None:
        self._steps, self._wanted = steps, wanted
        self._order = _order(steps, wanted)
        self._left = Counter(p for place in self._order for p in steps[place].operands)
        self._left.update(wanted)
        self._at: dict[int, int] = {}
        self._free: dict[tuple[Kind, int], list[int]] = defaultdict(list)
        self._most: Counter[Kind] = Counter()
        self._rows: list[list[int]] = []
        self._numbers: list[float] = []

    def program(self, outputs: int) -> Program:
        for place in self._order:
            step = self._steps[place]
            self._at[place] = self._take(step)
            self._write(step, self._at[place])
            for operand in step.operands:
                self._release(operand)
            for output, wanted in enumerate(self._wanted):
                if wanted == place:
                    self._write(_Step(codes.OUT, "day", (place,)), output)
                    self._release(place)
        return Program(
            code=np.array(self._rows, dtype=np.int64).reshape(-1, codes.COLUMNS),
            numbers=np.array(self._numbers),
            bars=max(self._most["bar"], 1),
            days=self._most["day"] + 2,
            sums=self._most["sums"],
            outputs=outputs,
        )

    def _take(self, step: _Step) -> int:
        width = _width(step)
        free = self._free[step.kind, width]
        if free:
            return free.pop()
        at = self._most[step.kind]
        self._most[step.kind] += width
        return at

    def _release(self, place: int) -> None:
        self._left[place] -= 1
        if self._left[place] == 0:
            step = self._steps[place]
            self._free[step.kind, _width(step)].append(self._at[place])

    def _write(self, step: _Step, result: int) -> None:
        operands = [self._at[p] for p in step.operands]
        if step.code in (codes.LOAD, codes.DAILY):
            operands = [step.index]
        elif codes.LAG <= step.code < codes.SUM:
            operands = [*operands[:1], step.index] if operands else [0, 0]
        elif step.code in (codes.MOMENTS, codes.STD, codes.SKEW, codes.KURT):
            operands = [operands[0], 0, operands[1]]
        operands += [0] * (4 - len(operands))
        on_bars = int(step.kind == "bar")
        self._rows.append([step.code, on_bars, result, *operands, step.first, step.last])
        self._numbers.append(step.number)


def _width(step: _Step) -> int:
    """Rows of the register that a step writes."""
    if step.code == codes.CENTRE:
        return 2
    return codes.ROWS_OF_SUMS.get(step.code, 1)
