"""How much of a signal is a style: size, beta, momentum and the rest under another name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError
from superhet.evaluation.summary import plain
from superhet.kernels.style_overlap import (
    correlation_in_time,
    correlations_by_date,
    inflation_by_date,
)
from superhet.panel import Cube, Panel, require_same_axes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class StyleCorrelation:
    """A signal beside the styles.

    Parameters
    ----------
    name : of the signal
    exposure : style -> mean over dates of the correlation of the signal with the exposure
    returns : style -> correlation in time of the signal's return with the style's; empty where not given
    vif : style, and the signal's name -> median over dates of the variance inflation factor among all of
        them: 1 / (1 - R²) of the regression on the others, 1 = unrelated
    r2 : mean over dates of the R² of the signal on all styles
    daily_exposure : [dates, styles]
    daily_r2 : [dates]
    """

    name: str
    exposure: Mapping[str, float]
    returns: Mapping[str, float] = field(default_factory=dict)
    vif: Mapping[str, float]
    r2: float
    daily_exposure: Floats
    daily_r2: Floats

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON."""
        return {
            "name": self.name,
            "exposure": {n: plain(v) for n, v in self.exposure.items()},
            "returns": {n: plain(v) for n, v in self.returns.items()},
            "vif": {n: plain(v) for n, v in self.vif.items()},
            "r2": plain(self.r2),
        }


def style_correlation(
    signal: Panel,
    styles: Cube,
    *,
    signal_returns: Floats | None = None,
    style_returns: Mapping[str, Floats] | None = None,
) -> StyleCorrelation:
    """Compare a signal with style exposures date by date, and its return with theirs.

    Parameters
    ----------
    signal : [dates, assets], score
    styles : exposures of each style on the same axes
    signal_returns : [dates], return of a portfolio made of the signal (long-short, or factor-weighted)
    style_returns : style -> [dates], its factor return

    Returns
    -------
    NaN on dates with no more names than styles + 1 that have the signal and every exposure, and where
    styles are collinear (VIF) or do not move
    """
    names = styles.names
    if not names:
        raise DataError("no style is given")
    for name in names:
        require_same_axes(signal, styles[name])
    correlations = correlations_by_date([signal.values, *(styles[n].values for n in names)])
    daily_vif = inflation_by_date(correlations)
    daily_r2 = 1.0 - 1.0 / daily_vif[:, 0]
    exposure = correlations[:, 0, 1:]
    signal_name = signal.name or "signal"
    return StyleCorrelation(
        name=signal_name,
        exposure={n: _mean(exposure[:, k]) for k, n in enumerate(names)},
        returns=_in_time(names, signal_returns, style_returns),
        vif={n: _median(daily_vif[:, k]) for k, n in enumerate((signal_name, *names))},
        r2=_mean(daily_r2),
        daily_exposure=exposure,
        daily_r2=daily_r2,
    )


def _in_time(
    names: tuple[str, ...],
    signal_returns: Floats | None,
    style_returns: Mapping[str, Floats] | None,
) -> dict[str, float]:
    if signal_returns is None or style_returns is None:
        return {}
    found = {}
    for name in names:
        if name not in style_returns:
            continue
        if len(style_returns[name]) != len(signal_returns):
            raise DataError(
                f"{len(style_returns[name])} returns of {name} and {len(signal_returns)} of the signal"
            )
        found[name] = correlation_in_time(signal_returns, style_returns[name])
    return found


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")
