"""Bars of one day, on the bar machine: `[bars, assets]` to `[assets]`, or to bars again.

The door to single operators, for worked examples and tests; formulas go to the machine as programs, many
at once (see `bar_machine`). A slice picks bars by their place in the day: places count from 1 at the open
and from -1 backwards at the close, both ends included (`-4, -1` is the last hour of 15-minute bars).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.kernels.bar_machine import run
from superhet.kernels.bar_program import Value, Writer

Array = npt.NDArray[Any]

_FIELDS = 6  # as many as formulas read, so that the machine is compiled once


def reduced(
    word: str, values: Sequence[Array], first: int = 1, last: int = -1, number: float = 0.0
) -> Array:
    """Reduce a day's slice to one number an asset, [assets]; see `Writer.reduce`.

    Examples
    --------
    >>> reduced("sum", [np.array([[1.0, 2.0], [3.0, np.nan]])])
    array([4., 2.])
    """
    writer = Writer()
    signals = [writer.field(k) for k in range(len(values))]
    found = _computed(writer, [writer.reduce(word, signals, first, last, number)], values)
    return np.asarray(found[0])


def along(word: str, values: Array, bars: int = 0) -> Array:
    """Follow the bars of a day, [bars, assets]; see `Writer.along`.

    Examples
    --------
    >>> along("lag", np.array([[1.0], [2.0]]), 1).ravel()
    array([nan,  1.])
    """
    writer = Writer()
    found = writer.along(word, writer.field(0), bars)
    outputs = [writer.reduce("first", [found], r, r) for r in range(1, len(values) + 1)]
    return _computed(writer, outputs, [values])


def _computed(writer: Writer, outputs: Sequence[Value], values: Sequence[Array]) -> Array:
    bars, assets = values[0].shape
    fields = [*values, *[np.empty((0, assets))] * (_FIELDS - len(values))]
    day = (np.array([0]), np.array([bars]))
    none = np.empty((0, 1, assets))
    return run(writer.program(outputs), fields, none, day, np.dtype(np.float64))[:, 0]
