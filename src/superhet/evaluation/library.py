"""What a signal adds to the ones one has: correlation with a library, information left after it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from superhet.evaluation.information import Information, information
from superhet.kernels.information import normal_scores, spearman
from superhet.kernels.regression import residual
from superhet.panel import Cube, Panel, require_same_axes

Floats = npt.NDArray[np.float64]
_BYTES = 256 << 20
_NOTHING_LEFT = 1e-6
"""A residual of this part of the signal's deviation is rounding."""


def library_correlation(signal: Panel, cube: Cube) -> dict[str, float]:
    """Give the mean over dates of the rank correlation with each member, strongest first.

    Parameters
    ----------
    signal : [dates, assets]
    cube : members; one with the signal's own name is left out

    Returns
    -------
    name -> in [-1, 1]; NaN where they never share three names
    """
    found = {}
    for name in cube.names:
        if name == signal.name:
            continue
        require_same_axes(signal, cube[name])
        daily = spearman(signal.values, cube[name].values)
        known = daily[~np.isnan(daily)]
        found[name] = float(known.mean()) if known.size else float("nan")
    return dict(sorted(found.items(), key=lambda item: -np.nan_to_num(abs(item[1]), nan=-1.0)))


def library_residual(signal: Panel, cube: Cube) -> Panel:
    """Give what a regression on the members leaves of a signal, date by date.

    Parameters
    ----------
    signal : [dates, assets]
    cube : members; one with the signal's own name is left out

    Returns
    -------
    [dates, assets]; NaN where the signal is, and on dates on which the members explain it whole

    Notes
    -----
    Signal and members enter as normal scores of their ranks, so that no outlier decides and the residual is
    of the kind that a rank IC measures. Where a member is not known its score is the middle one, 0: what
    it does not say about a name explains nothing.
    """
    names = [n for n in cube.names if n != signal.name]
    if not names:
        return signal
    require_same_axes(signal, cube[names[0]])
    dates, assets = len(signal.dates), len(signal.assets)
    out = np.empty((dates, assets))
    for rows in _chunks(dates, len(names) * assets * 8):
        scores = normal_scores(np.asarray(signal.values[rows], dtype=np.float64))
        members = np.stack([_member(cube[name], rows) for name in names])
        members[:, np.isnan(scores)] = 0.0
        left = residual(scores, None, members)
        deviation = np.sqrt(_mean_square(left) / np.maximum(_mean_square(scores), 1e-300))
        left[~(deviation > _NOTHING_LEFT)] = np.nan
        out[rows] = left
    return signal.with_values(out)


def incremental_information(
    signal: Panel, cube: Cube, forward: Panel, horizon: int, *, expected_sign: int = 1
) -> Information:
    """Correlate what the members leave of a signal with its forward return.

    Parameters
    ----------
    signal : [dates, assets]
    cube : members of the library
    forward : [dates, assets], return stamped at the signal date
    horizon : dates over which neighbouring forward returns overlap
    expected_sign : 1 or -1, the sign that counts as a win
    """
    left = library_residual(signal, cube)
    return information(left, forward, horizon, expected_sign=expected_sign)


def _member(panel: Panel, rows: slice) -> Floats:
    return np.nan_to_num(normal_scores(np.asarray(panel.values[rows], dtype=np.float64)))


def _mean_square(values: Floats) -> Floats:
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0)
    return np.asarray((total**2).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _chunks(count: int, bytes_a_row: int) -> Iterator[slice]:
    step = max(1, _BYTES // max(bytes_a_row, 1))
    for begin in range(0, count, step):
        yield slice(begin, min(begin + step, count))
