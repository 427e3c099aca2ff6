"""Exposures by name: what a signal can be neutralized against.

1. "size" is the standardized logarithm of the market's size field
2. a classification of the market ("industry", "board") is a set of groups
3. anything else is a panel of the given Cube, or a field of the market
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import UnknownName
from superhet.kernels.cross_section import zscore
from superhet.panel import Cube, Market, require_same_axes

Floats = npt.NDArray[np.float64]
Weighting: TypeAlias = Literal["equal", "sqrt_cap", "cap"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """The right-hand side of the cross-section regressions.

    Parameters
    ----------
    groups : [dates, assets] integer codes of the first classification, or None for an intercept
    columns : [K, dates, assets], standardized exposures; further classifications are one-hot
    names : [K]
    """

    groups: npt.NDArray[Any] | None
    columns: Floats
    names: tuple[str, ...]


def design(
    against: Sequence[str],
    market: Market,
    inside: npt.NDArray[np.bool_],
    exposures: Cube | None = None,
) -> Design:
    """Collect what `against` names.

    Columns are standardized on the inside cells: it changes no residual, and keeps the arithmetic well
    scaled whatever the unit of a field.

    Raises
    ------
    UnknownName
        for a name that is neither size, nor a classification, nor an exposure, nor a field
    AxisMismatch
        if an exposure does not share the market's axes
    """
    groups: npt.NDArray[Any] | None = None
    columns: list[Floats] = []
    names: list[str] = []
    for name in against:
        if exposures is not None and name in exposures:
            require_same_axes(exposures[name], market.universe.member)
            columns.append(zscore(exposures[name].values, inside))
            names.append(name)
        elif name in market.group_panels:
            panel = market.groups(name)
            if groups is None:
                groups = panel.values
                continue
            for code in range(int(panel.values.max(initial=-1)) + 1):
                columns.append((panel.values == code).astype(np.float64))
                label = panel.labels[code] if code < len(panel.labels) else str(code)
                names.append(f"{name}: {label}")
        elif name == "size":
            columns.append(size_exposure(market, inside))
            names.append(name)
        elif name in market:
            columns.append(zscore(market[name].values, inside))
            names.append(name)
        else:
            raise UnknownName("exposure", name, known_exposures(market, exposures), "against")
    stacked = np.stack(columns) if columns else np.empty((0, *inside.shape))
    return Design(groups=groups, columns=stacked, names=tuple(names))


def size_exposure(market: Market, inside: npt.NDArray[np.bool_]) -> Floats:
    """Standardized logarithm of the size field, [dates, assets]; NaN where it is not positive."""
    caps = market[market.size].values
    logs = np.full(caps.shape, np.nan)
    np.log(caps, out=logs, where=caps > 0)
    return zscore(logs, inside)


def regression_weights(weights: Weighting, market: Market) -> Floats | None:
    """Give regression weights, [dates, assets]; None for equal ones."""
    if weights == "equal":
        return None
    caps = np.maximum(np.nan_to_num(market[market.size].values, posinf=0.0), 0.0)
    return np.asarray(np.sqrt(caps) if weights == "sqrt_cap" else caps, dtype=np.float64)


def known_exposures(market: Market, exposures: Cube | None = None) -> set[str]:
    """List every name that `design` understands."""
    return {"size", *market.group_panels, *market, *(exposures or ())}
