"""Numbers for people and for JSON: rounded once, the same on any machine."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from superhet.panel import Dates

MISSING = "–"
SIGNIFICANT = 5


def compact(values: Iterable[float]) -> list[float | int | None]:
    """Round to five significant digits; NaN and infinities become null.

    Examples
    --------
    >>> compact([0.123456789, float("nan"), 3.0])
    [0.12346, None, 3]
    """
    out: list[float | int | None] = []
    for value in np.asarray(list(values), dtype=np.float64).tolist():
        if not math.isfinite(value):
            out.append(None)
            continue
        short = float(f"{value:.{SIGNIFICANT}g}")
        out.append(int(short) if short == int(short) else short)
    return out


def to_json(value: Any) -> str:
    r"""Write compact JSON that may stand inside a script element.

    Examples
    --------
    >>> to_json({"b": "</script>", "a": [1, None]})
    '{"a":[1,null],"b":"\\u003c/script>"}'
    """
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def day_texts(dates: Dates) -> list[str]:
    """Write the days of an axis as text."""
    return [str(d) for d in dates.days]


def _money(value: float, units: tuple[tuple[float, str], ...]) -> str:
    for size, unit in units:
        if abs(value) >= size:
            return f"{value / size:,.2f} {unit}"
    return f"{value:.0f}"


def _tiny(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


_FORMATS: dict[str, Callable[[float], str]] = {
    "int": lambda v: f"{v:,.0f}",
    "n1": lambda v: f"{v:,.1f}",
    "n2": lambda v: f"{v:,.2f}",
    "n3": lambda v: f"{v:,.3f}",
    "n4": lambda v: f"{v:,.4f}",
    "p0": lambda v: f"{100 * v:.0f}%",
    "p1": lambda v: f"{100 * v:.1f}%",
    "p2": lambda v: f"{100 * v:.2f}%",
    "p3": lambda v: f"{100 * v:.3f}%",
    "bp": lambda v: f"{1e4 * v:.1f}",
    "e": _tiny,
    "money_en": lambda v: _money(v, ((1e9, "bn"), (1e6, "m"), (1e3, "k"))),
    "money_zh": lambda v: _money(v, ((1e8, "亿"), (1e4, "万"))),
    "x": lambda v: f"{v:,.1f}×",
}


def show(value: object, kind: str = "n3") -> str:
    """Write a number as `kind` says; "–" where it is not known; text stays as it is.

    Examples
    --------
    >>> show(0.0312, "p1"), show(None), show(3.2e-13, "e")
    ('3.1%', '–', '3.2e-13')
    """
    if value is None:
        return MISSING
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]  # any number type: numpy scalars have no common protocol
    if not math.isfinite(number):
        return MISSING
    text = _FORMATS[kind](number)
    if text.startswith("-") and not any(c in "123456789" for c in text.partition("e")[0]):
        text = text[1:]  # minus nothing
    return text.replace("-", "−", 1) if text.startswith("-") else text


def known(value: object) -> float:
    """Give a number, or NaN where there is none."""
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]  # as in `show`
