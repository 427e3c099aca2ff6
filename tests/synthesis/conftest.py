"""Signals whose best mix is known: normal numbers with a given correlation and given slopes."""

import numpy as np
import pytest

from superhet.panel import Assets, Cube, Dates, Panel


def _axes(dates, assets):
    days = np.arange(np.datetime64("2018-01-01"), np.datetime64("2018-01-01") + 2 * dates + 10)
    return Dates(days[np.is_busday(days)][:dates]), Assets([f"A{i:04d}" for i in range(assets)])


def _planted(slopes, *, correlation=0.0, dates=400, assets=200, reach=1, seed=0, holes=0.0):
    """Make signals with equal correlations and a target Σ slope · z + noise of deviation 1.

    The population-optimal linear mix has weights in proportion to the slopes; the IC of signal k is
    about (C · slopes)_k. The targets of the last `reach` dates are not known yet.
    """
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((dates, assets))
    own = rng.standard_normal((len(slopes), dates, assets))
    z = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    y = np.tensordot(slopes, z, axes=1) + rng.standard_normal((dates, assets))
    y[dates - reach :] = np.nan
    z[rng.random(z.shape) < holes] = np.nan
    days, names = _axes(dates, assets)

    def panel(values, name, unit):
        return Panel(values=values, dates=days, assets=names, name=name, unit=unit)

    cube = Cube({f"s{k}": panel(values, f"s{k}", "score") for k, values in enumerate(z)})
    return cube, panel(0.02 * y, "target", "return")


@pytest.fixture(scope="session")
def planted():
    return _planted


@pytest.fixture(scope="session")
def rows():
    """Keep some dates of a Cube."""
    return lambda cube, key: cube.map(lambda panel: panel.rows(key))
