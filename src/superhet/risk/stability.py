"""Whether exposures stay what they were, and whether styles say different things."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from superhet.risk.estimates import RiskEstimates

Floats = npt.NDArray[np.float64]
MONTH = 21
_FEWEST = 10


def style_stability(of: RiskEstimates, after: int = MONTH) -> list[float]:
    """Correlate each style's exposures with those `after` sessions later, across names; mean over dates.

    Above 0.9 is good; below 0.8 a style moves too fast for a risk factor.

    Returns
    -------
    one number a style; NaN if no pair of dates has 10 names
    """
    out = []
    rows = range(0, len(of.dates) - after, after)
    for style in of.styles:
        found = [
            _correlation(
                style[row], style[row + after], of.estimable[row] & of.estimable[row + after]
            )
            for row in rows
        ]
        known = [f for f in found if not np.isnan(f)]
        out.append(float(np.mean(known)) if known else float("nan"))
    return out


def style_correlations(of: RiskEstimates, every: int = MONTH) -> Floats:
    """Correlate styles with each other across the estimation universe, [styles, styles]; mean over dates."""
    count = len(of.styles)
    total, dates = np.zeros((count, count)), 0
    for row in range(0, len(of.dates), every):
        section = of.styles[:, row, of.estimable[row]]
        section = section[:, ~np.isnan(section).any(axis=0)]
        if section.shape[1] < max(_FEWEST, count + 1) or (section.std(axis=1) < 1e-12).any():
            continue
        total += np.corrcoef(section).reshape(count, count)
        dates += 1
    return total / dates if dates else np.full((count, count), np.nan)


def _correlation(one: Floats, two: Floats, inside: npt.NDArray[np.bool_]) -> float:
    both = inside & ~np.isnan(one) & ~np.isnan(two)
    if both.sum() < _FEWEST:
        return float("nan")
    a, b = one[both] - one[both].mean(), two[both] - two[both].mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0.0 else float("nan")
