"""Cross steps by name: what is done with the assets of a date; the kernels are in `kernels.cross_rows`.

A step takes one or two signals, perhaps a classification, and plain numbers; all statistics are measured on
the estimable members of the universe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy.typing as npt

from superhet.kernels import cross_rows as rows

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Crossing:
    """A step over the assets of a date.

    Parameters
    ----------
    run : rows, inside, [codes], numbers of the step, out
    grouped : whether the second operand is a classification
    """

    run: Callable[..., None]
    grouped: bool = False


def _statistic(kind: Literal["mean", "median", "std", "sum"]) -> Crossing:
    return Crossing(lambda x, inside, out: rows.statistic(x, inside, kind, out))


def _one_asset(x: Array, inside: Array, position: int, out: Array) -> None:
    out[:] = x[:, int(position), None]


CROSSINGS: Mapping[str, Crossing] = MappingProxyType(
    {
        "rank": Crossing(rows.rank_pct),
        "zscore": Crossing(rows.zscore),
        "demean": Crossing(rows.demean),
        "scale": Crossing(rows.scale),
        "winsorize": Crossing(rows.winsorize),
        "median_clip": Crossing(rows.median_clip),
        "bucket": Crossing(rows.bucket),
        "mean": _statistic("mean"),
        "median": _statistic("median"),
        "std": _statistic("std"),
        "sum": _statistic("sum"),
        "asset": Crossing(_one_asset),
        "group_demean": Crossing(rows.group_demean, True),
        "group_mean": Crossing(rows.group_mean, True),
        "group_zscore": Crossing(rows.group_zscore, True),
        "group_rank": Crossing(rows.group_rank_pct, True),
        "group_scale": Crossing(rows.group_scale, True),
        "group_winsorize": Crossing(rows.group_winsorize, True),
        "group_median_clip": Crossing(rows.group_median_clip, True),
        "group_bucket": Crossing(rows.group_bucket, True),
    }
)
NEUTRALIZE = "neutralize"
"""Residual on a classification and exposures: operands (signal, classification, exposures…)."""


def neutralize(
    signals: Sequence[Array],
    inside: Array,
    codes: Array,
    exposures: Sequence[Array],
    outs: Sequence[Array],
) -> None:
    """Regress many signals on the same classification and exposures; each date is factored once."""
    rows.residual_many(list(signals), inside, codes, list(exposures), list(outs))
