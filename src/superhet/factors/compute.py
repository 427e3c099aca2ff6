"""Compute one formula on plain arrays: for notebooks, and for the examples of the operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import FormulaError, did_you_mean
from superhet.factors.evaluate import DType
from superhet.factors.expression import Expression
from superhet.factors.formula import read
from superhet.factors.lower import ALIVE, Lowering, leaves_of
from superhet.factors.machine import Settings, run
from superhet.factors.plan import plan


def compute(
    formula: str,
    *,
    groups: Mapping[str, Any] | None = None,
    assets: Sequence[str] = (),
    syntax: str = "superhet",
    convention: str | None = None,
    dtype: DType = "float64",
    **fields: Any,
) -> npt.NDArray[Any]:
    """Compute a formula of daily fields.

    Parameters
    ----------
    formula : text
    groups : name of a classification -> codes, [dates, assets], -1 = not known
    assets : names of the columns, for `cs_asset`
    syntax, convention, dtype : as in `evaluate`
    fields : name -> [dates] of one asset, or [dates, assets]; all assets are estimable

    Returns
    -------
    of the fields' shape

    Examples
    --------
    >>> compute("ts_mean(close, 2) / close", close=[10.0, 11.0, 9.0]).round(3)
    array([1.   , 0.955, 1.111])
    """
    arrays = {n: np.asarray(v, dtype=np.float64) for n, v in fields.items()}
    known = read({"formula": formula}, syntax=syntax, convention=convention)["formula"]
    shape = next(iter(arrays.values())).shape
    leaves = _Arrays(arrays, groups or {}, assets, shape)
    leaves.require(known.expression, formula)
    lowering = Lowering()
    program = plan([lowering.output(known.expression, known.convention)])
    out = np.empty((1, *leaves.shape), dtype=dtype)
    run(program, leaves, out, (0, leaves.shape[0]), Settings(dtype=np.dtype(dtype).type))
    found: npt.NDArray[Any] = out[0].reshape(shape)
    return found


class _Arrays:
    """Plain arrays as leaves."""

    def __init__(
        self,
        fields: Mapping[str, npt.NDArray[Any]],
        groups: Mapping[str, Any],
        assets: Sequence[str],
        shape: tuple[int, ...],
    ) -> None:
        self.shape = shape if len(shape) == 2 else (shape[0], 1)
        self._fields = {n: v.reshape(self.shape) for n, v in fields.items()}
        self._groups = {n: np.asarray(v, dtype=np.int32) for n, v in groups.items()}
        self._assets = list(assets)

    def leaf(self, key: Any) -> npt.NDArray[Any]:
        """Give a field or a classification; every asset exists from the first row on."""
        if key == ALIVE:
            return np.zeros(self.shape)
        return self._groups[key.word] if key.level == "group" else self._fields[key.word]

    def inside(self) -> npt.NDArray[np.bool_]:
        """Give every asset as a member."""
        return np.ones(self.shape, dtype=bool)

    def position(self, asset: str) -> int:
        """Give the column of an asset."""
        return self._assets.index(asset)

    def require(self, expression: Expression, text: str) -> None:
        """Insist that all names are among the arrays."""
        for leaf in leaves_of([expression]):
            known = self._groups if leaf.level == "group" else self._fields
            if leaf.kind != "name" or leaf.word not in known:
                raise FormulaError(
                    f"no array {leaf!r} was given{did_you_mean(leaf.word, known)}", text, 0
                )
