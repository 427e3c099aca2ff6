"""A market small enough to check by hand, and one large enough for the default minimum of names."""

from __future__ import annotations

import numpy as np
import pytest

from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe
from superhet.testing.markets import random_market


@pytest.fixture(scope="session")
def market() -> Market:
    return random_market(dates=20, assets=60, seed=5)


@pytest.fixture
def noise(market):
    rng = np.random.default_rng(8)
    values = rng.standard_t(3, (len(market.dates), len(market.assets)))
    values[rng.random(values.shape) < 0.05] = np.nan
    return Panel(values=values, dates=market.dates, assets=market.assets, name="noise")


@pytest.fixture
def small():
    """Build a market of a few names from lists; every name is estimable unless said otherwise."""

    def build(signal, *, industry=None, cap=None, member=None, tradable=None, estimable=None):
        values = np.atleast_2d(np.asarray(signal, dtype=float))
        shape = values.shape
        dates = Dates(np.datetime64("2020-01-06") + np.arange(shape[0]))
        assets = Assets([f"A{i}" for i in range(shape[1])])

        def panel(data, unit, name="", labels=()):
            data = np.broadcast_to(data, shape).copy()
            return Panel(
                values=data, dates=dates, assets=assets, unit=unit, name=name, labels=labels
            )

        def flag(data, default):
            return panel(default if data is None else np.asarray(data, dtype=bool), "flag")

        members = flag(member, True)
        trades = flag(tradable, members.values)
        codes = np.asarray([0] if industry is None else industry, dtype=np.int32)
        labels = tuple(f"i{k}" for k in range(int(codes.max()) + 1))
        caps = np.asarray([1.0] if cap is None else cap, dtype=float)
        market = Market(
            fields=Cube({"market_cap": panel(caps, "currency", "market_cap")}),
            universe=Universe(
                member=members,
                tradable=trades,
                estimable=flag(estimable, trades.values),
                reasons={},
            ),
            group_panels={"industry": panel(codes, "group", "industry", labels)},
        )
        return panel(values, "score", "signal"), market

    return build
