"""Benchmarks: index closes, drifting weights, capitalisation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from market_tables import flat_bars, random_tables
from numpy.testing import assert_allclose

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.data.universe import UniverseRule
from superhet.errors import UnknownName

DAYS = ["2020-08-19", "2020-08-20", "2020-08-21", "2020-08-24"]
A, B = "600000.SH", "600001.SH"
REQUEST = MarketRequest(
    universe=UniverseRule(new_listing=0, limit_locked=False), industry="", size="amount_60"
)
PRICES = {A: [10.0, 11.0, 11.0, 11.0], B: [20.0, 20.0, 10.0, 10.0]}
CODE = "000300.SH"


def benchmark(code: str | None = None, shares: dict[str, float] | None = None, **tables):
    frame = flat_bars(DAYS, PRICES)
    if shares is not None:
        count = pl.col("asset").replace_strict(shares, return_dtype=pl.Float64)
        frame = frame.with_columns(float_shares=count)
    found = load_market(
        MemoryTables({"bars_1d": frame, **tables}), replace(REQUEST, benchmark=code)
    )
    assert found.benchmark is not None
    return found.benchmark


def test_cap_weights_of_the_previous_close_earn_the_return_of_the_day():
    mark = benchmark(shares={A: 10.0, B: 5.0})  # caps 100:100, then 110:100, then 110:50
    assert mark.name == "cap_weighted"
    assert_allclose(mark.weights.values[1], [110 / 210, 100 / 210])
    assert_allclose(mark.returns, [np.nan, 0.05, -0.5 * 100 / 210, 0.0])


def test_without_shares_the_default_is_equal_weighted_and_its_name_says_so():
    mark = benchmark()
    assert mark.name == "equal_weighted"
    assert_allclose(mark.returns, [np.nan, 0.05, -0.25, 0.0])


def index_bars() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "index": [CODE] * 3,
            "date": [date(2020, 8, 19), date(2020, 8, 20), date(2020, 8, 24)],
            "close": [100.0, 101.0, 102.0],
        }
    )


def test_index_returns_are_close_to_close_and_nan_where_a_close_is_missing():
    mark = benchmark(CODE, index_bars=index_bars())
    assert_allclose(mark.returns, [np.nan, 0.01, np.nan, np.nan])
    assert mark.weights is None


def test_published_weights_drift_with_returns_until_the_next():
    weights = pl.DataFrame(
        {
            "index": [CODE] * 4,
            "date": [date(2020, 7, 31)] * 2 + [date(2020, 8, 22)] * 2,  # the second on a Saturday
            "asset": [A, B] * 2,
            "weight": [50.0, 50.0, 0.2, 0.8],  # percent or fractions: scaled to 1
        }
    )
    mark = benchmark(CODE, index_bars=index_bars(), index_weights=weights)
    expected = [[0.5, 0.5], [0.55 / 1.05, 0.5 / 1.05], [0.55 / 0.8, 0.25 / 0.8], [0.2, 0.8]]
    assert_allclose(mark.weights.values, expected)


def test_members_without_weights_are_weighted_by_float_cap():
    members = pl.DataFrame(
        {"index": [CODE], "asset": [B], "start_date": [date(2020, 8, 20)], "end_date": [None]},
        schema_overrides={"end_date": pl.Date},
    )
    mark = benchmark(CODE, {A: 10.0, B: 5.0}, index_members=members)
    assert np.isnan(mark.weights.values[0]).all()
    assert_allclose(mark.weights.values[1:], [[0.0, 1.0]] * 3)
    assert_allclose(mark.returns, [np.nan, np.nan, -0.5, 0.0])


def test_an_unknown_benchmark_lists_what_there_is():
    with pytest.raises(UnknownName, match="market.benchmark: .*'000905.SH'.*000300.SH"):
        benchmark("000905.SH", index_bars=index_bars())


def test_weights_of_a_random_market_sum_to_one():
    found = load_market(random_tables(2), replace(REQUEST, benchmark=CODE)).benchmark
    assert found is not None
    assert found.weights is not None
    total = found.weights.values.sum(axis=1)
    assert_allclose(total[~np.isnan(total)], 1.0, rtol=1e-12)
