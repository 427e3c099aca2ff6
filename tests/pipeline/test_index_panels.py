"""Index panels: members from their start to before their end, of the indices that a store knows."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.testing import assert_array_equal

from superhet.data.base import MemoryTables
from superhet.evaluation import sub_universes
from superhet.pipeline.index_panels import index_panels
from superhet.testing.markets import random_market


def members(rows):
    columns = ("index", "asset", "start_date", "end_date")
    return MemoryTables({"index_members": pl.DataFrame(rows, schema=columns, orient="row")})


def test_a_member_counts_from_its_start_to_before_its_end():
    market = random_market(dates=20, assets=4)
    days = [d.astype(object) for d in market.dates.values]
    first, second, third, _ = market.assets.values
    tables = members(
        [
            ("000300.SH", first, date(2010, 1, 1), days[5]),
            ("000300.SH", second, days[3], None),
            ("000905.SH", third, days[0], None),
            ("399006.SZ", first, days[0], None),
            ("000300.SH", "999999.SH", days[0], None),
        ]
    )
    found = index_panels(tables, market)
    assert list(found) == ["000300.SH", "000905.SH"]
    assert_array_equal(found["000300.SH"].values[:, 0], np.arange(20) < 5)
    assert_array_equal(found["000300.SH"].values[:, 1], np.arange(20) >= 3)
    assert not found["000300.SH"].values[:, 2:].any()
    parts = sub_universes(market, found)
    assert list(parts) == ["000300.SH", "000905.SH", "rest"]


def test_a_store_without_members_or_with_other_indices_gives_nothing():
    market = random_market(dates=20, assets=4)
    assert index_panels(MemoryTables({}), market) == {}
    other = members([("SIM", market.assets.values[0], date(2010, 1, 1), None)])
    assert index_panels(other, market) == {}
    assert list(index_panels(other, market, ["SIM"])) == ["SIM"]
