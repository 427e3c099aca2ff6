"""Operators: the functions that a formula may call, and the registry that knows them.

An operator is a plain function on arrays. What each parameter is — a signal, a classification, a window, a
number, or something the evaluator hands in — is read from its annotation, so that writing the function is
all there is to adding one::

    @operator("ts_mean", "time_series", lookback=lambda window: window - 1)
    def ts_mean(x: Values, window: Window) -> Values:
        return reduce(x, window, half(window), "mean")

**NaN rule, for all operators.** NaN means not known. Element by element, a result is known where all that it
needs is known; a comparison with NaN is NaN; what is not a finite number (a quotient by zero, the logarithm
of a loss) is NaN. A window skips missing rows and needs `half` of its rows, and at least two for a
deviation or a correlation (see `half`); rows before the first session do not exist. In the cross-section
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

from superhet.registry import Registry

Family: TypeAlias = Literal["elementwise", "time_series", "cross_section", "intraday", "statements"]
Missing: TypeAlias = Literal["propagates", "skips", "asks"]


@dataclass(frozen=True)
class Role:
    """What a parameter of an operator is."""

    name: Literal["signal", "group", "whole", "number", "given"]
    what: str = ""


Values: TypeAlias = Annotated[npt.NDArray[np.float64], Role("signal")]
Groups: TypeAlias = Annotated[npt.NDArray[np.int64], Role("group")]
Window: TypeAlias = Annotated[int, Role("whole", "window"), Ge(1)]
Lag: TypeAlias = Annotated[int, Role("whole", "lag"), Ge(1)]
Quarters: TypeAlias = Annotated[int, Role("whole", "number of quarters"), Ge(1)]
Place: TypeAlias = Annotated[int, Role("whole", "place")]
Number: TypeAlias = Annotated[float, Role("number")]
Share: TypeAlias = Annotated[float, Role("number"), Ge(0), Le(1)]
Inside: TypeAlias = Annotated[npt.NDArray[np.bool_], Role("given", "inside")]
Starts: TypeAlias = Annotated[npt.NDArray[np.int64], Role("given", "starts")]
Stops: TypeAlias = Annotated[npt.NDArray[np.int64], Role("given", "stops")]
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
    function : arrays in, array out
    parameters : read from the annotations
    rows : whole parameters -> rows before the newest that the result needs (sessions; for statements
        quarters)
    missing : what a NaN does: it "propagates", it is skipped ("skips"), or the operator "asks" for it
    bars : the result is still one number a bar (`bar_lag`)
    symbol : how it is written between two operands, "" for a call
    """

    name: str
    family: Family
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    rows: Callable[..., int]
    missing: Missing
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
    bars: bool = False,
    symbol: str = "",
) -> Callable[[_Function], _Function]:
    """Register the function that follows as an operator; see the module.

    Parameters
    ----------
    lookback : rows before the newest that a result needs: a number, or a function of the whole parameters
        (sessions; for statements quarters)
    missing, bars, symbol : see `Operator`
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
                bars=bars,
                symbol=symbol,
                doc=inspect.getdoc(function) or "",
            )
        )
        return function

    return register


def half(window: int, least: int = 1) -> int:
    """Give the number of known rows that a window needs: half of it, rounded up, at least `least`.

    `least` is 2 for deviations, correlations and regressions, 3 for skewness and 4 for kurtosis.

    Examples
    --------
    >>> half(5), half(20), half(2, 2)
    (3, 10, 2)
    """
    return max(least, (window + 1) // 2)


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
