"""Daily IC in plain numpy, for peers that have none."""

from __future__ import annotations

import numpy as np


def daily(signal, forward):
    """Correlate [dates, assets] date by date over the pairs that are finite."""
    both = np.isfinite(signal) & np.isfinite(forward)
    count = both.sum(axis=1)
    with np.errstate(all="ignore"):
        x, y = (np.where(both, a, 0.0).astype(np.float64) for a in (signal, forward))
        x = np.where(both, x - (x.sum(axis=1) / count)[:, None], 0.0)
        y = np.where(both, y - (y.sum(axis=1) / count)[:, None], 0.0)
        return (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
