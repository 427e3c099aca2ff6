"""Operators: the functions that a formula may call, and the registry that knows them.

What each parameter is — a signal, a classification, a window, a number, or something handed in — is read from
its annotation, so that writing the function is all there is to adding one::

    @operator("ts_mean", "time_series", lookback=before, missing="skips")
    def ts_mean(x: Signal, window: Window, *, build: Steps) -> Ref:
        return build.window("mean", x, window=window)

An operator of sessions does not compute: it says of which steps it is made (`graph.Build`), and the machine
computes all formulas together. Operators of bars and of statements are functions on arrays; so is one of
sessions that does not ask for `build`: it is handed whole arrays, `[sessions, assets]`, and gives one back.

**NaN rule, for all operators.** NaN means not known. Element by element, a result is known where all that it
needs is known. A window skips missing rows; how many it needs, and what a comparison with NaN gives, is a
matter of the convention (`conventions`). What is not a finite number never comes out. In the cross-section
NaN stays NaN.

**Statistics of the cross-section** are measured on the estimable members of the universe; all others are
transformed with them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le, Lt

from superhet.factors.graph import Build, Ref
from superhet.registry import Registry

Family: TypeAlias = Literal["elementwise", "time_series", "cross_section", "intraday", "statements"]
Missing: TypeAlias = Literal["propagates", "skips", "asks"]


@dataclass(frozen=True)
class Role:
    """What a parameter of an operator is."""

    name: Literal["signal", "group", "asset", "whole", "number", "given"]
    what: str = ""


Signal: TypeAlias = Annotated[Ref, Role("signal")]
Values: TypeAlias = Annotated[npt.NDArray[np.float64], Role("signal")]
Group: TypeAlias = Annotated[Ref, Role("group")]
AssetName: TypeAlias = Annotated[str, Role("asset")]
LONGEST = 10_000
"""Rows of the longest window or lag: forty years of sessions."""
Window: TypeAlias = Annotated[int, Role("whole", "window"), Ge(1), Le(LONGEST)]
Lag: TypeAlias = Annotated[int, Role("whole", "lag"), Ge(1), Le(LONGEST)]
Quarters: TypeAlias = Annotated[int, Role("whole", "number of quarters"), Ge(1)]
Place: TypeAlias = Annotated[int, Role("whole", "place")]
Number: TypeAlias = Annotated[float, Role("number")]
Share: TypeAlias = Annotated[float, Role("number"), Ge(0), Le(1)]
Steps: TypeAlias = Annotated[Build, Role("given", "build")]
Inside: TypeAlias = Annotated[npt.NDArray[np.bool_], Role("given", "inside")]
Season: TypeAlias = Annotated[npt.NDArray[np.int64], Role("given", "season")]
Basis: TypeAlias = Annotated[str, Role("given", "basis")]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of an operator, as read from its annotation.

    Parameters
    ----------
    name, role : as written in the function
    bounds : limits of a number
    required : whether a formula must give it
    variadic : whether it takes all arguments that are left
    """

    name: str
    role: Role
    bounds: tuple[Ge | Gt | Le | Lt, ...] = ()
    required: bool = True
    variadic: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """A function that a formula may call.

    Parameters
    ----------
    name, family : `ts_` time series, `cs_` cross-section, `bar_` intraday, statements, element by element
    function : what it is made of, or (bars, statements) arrays in, array out
    parameters : read from the annotations
    rows : numbers of the call -> rows before the newest that the result needs (sessions; for statements
        quarters)
    missing : what a NaN does: it "propagates", it is skipped ("skips"), or the operator "asks" for it
    least : known rows that a window needs under any convention
    unit : how the unit of the result follows from those of the operands; see `units`
    bars : the result is still one number a bar (`bar_lag`)
    symbol : how it is written between two operands, "" for a call
    """

    name: str
    family: Family
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    rows: Callable[..., int]
    missing: Missing
    least: int = 1
    unit: str = "first"
    bars: bool = False
    symbol: str = ""
    doc: str = field(default="", repr=False)

    @cached_property
    def arguments(self) -> tuple[Parameter, ...]:
        """The parameters that a formula writes, in order."""
        return tuple(p for p in self.parameters if p.role.name != "given")

    @cached_property
    def given(self) -> tuple[str, ...]:
        """What the evaluator hands in."""
        return tuple(p.role.what for p in self.parameters if p.role.name == "given")

    @property
    def needs(self) -> Literal["time", "cross-section", "neither"]:
        """Whether a value needs other dates of its asset, other assets of its date, or neither."""
        if self.family == "elementwise":
            return "neither"
        return "cross-section" if self.family == "cross_section" else "time"

    @property
    def fewest(self) -> int:
        """The least number of arguments."""
        return sum(p.required for p in self.arguments)

    @property
    def most(self) -> int | None:
        """The greatest number of arguments, None for any."""
        return None if any(p.variadic for p in self.arguments) else len(self.arguments)

    def parameter(self, position: int) -> Parameter:
        """Give the parameter that takes the argument at `position`."""
        return self.arguments[min(position, len(self.arguments) - 1)]

    @property
    def signature(self) -> str:
        """How it is called, as a formula writes it."""
        words = [
            f"{p.name}…" if p.variadic else p.name if p.required else f"[{p.name}]"
            for p in self.arguments
        ]
        return f"{self.name}({', '.join(words)})"

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.doc.strip().split("\n", 1)[0]


OPERATORS: Registry[Operator] = Registry("operator")

_Function = Callable[..., Any]


def operator(
    name: str,
    family: Family,
    *,
    lookback: Callable[..., int] | int = 0,
    missing: Missing = "propagates",
    least: int = 1,
    unit: str = "first",
    bars: bool = False,
    symbol: str = "",
) -> Callable[[_Function], _Function]:
    """Register the function that follows as an operator; see the module.

    Parameters
    ----------
    lookback : rows before the newest that a result needs: a number, or a function of the numbers of the call
        (sessions; for statements quarters)
    missing, least, unit, bars, symbol : see `Operator`
    """

    def register(function: _Function) -> _Function:
        rows = lookback if callable(lookback) else _constant(lookback)
        OPERATORS.add(name)(
            Operator(
                name=name,
                family=family,
                function=function,
                parameters=_parameters(function),
                rows=rows,
                missing=missing,
                least=least,
                unit=unit,
                bars=bars,
                symbol=symbol,
                doc=inspect.getdoc(function) or "",
            )
        )
        return function

    return register


def before(window: int, *_: float) -> int:
    """Give the look-back of a window: the rows before the newest."""
    return int(window) - 1


def _constant(rows: int) -> Callable[..., int]:
    return lambda *_: rows


def _parameters(function: _Function) -> tuple[Parameter, ...]:
    hints = get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints[name]
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        roles = [m for m in marks if isinstance(m, Role)]
        if len(roles) != 1:
            raise TypeError(
                f"{function.__name__}: parameter {name!r} needs an annotation with a role"
            )
        variadic = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        found.append(
            Parameter(
                name=name,
                role=roles[0],
                bounds=tuple(m for m in marks if isinstance(m, (Ge, Gt, Le, Lt))),
                required=parameter.default is inspect.Parameter.empty and not variadic,
                variadic=variadic,
            )
        )
    return tuple(found)
