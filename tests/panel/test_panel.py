"""Axes, panels and cubes: nothing is joined, filled or reordered in silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from superhet.errors import AxisMismatch, DataError, UnknownName
from superhet.panel import Assets, Cube, Dates, Panel, as_of, reindex
from superhet.panel.frames import from_pandas, from_polars, to_pandas, to_polars
from superhet.testing.markets import random_market


def small(values, start="2020-01-01", name="x"):
    array = np.asarray(values, dtype=float)
    days = np.arange(np.datetime64(start), np.datetime64(start) + array.shape[0])
    names = [f"{chr(65 + i)}" for i in range(array.shape[1])]
    return Panel(values=array, dates=Dates(days), assets=Assets(names), name=name)


def test_dates_must_increase_and_the_first_offender_is_named():
    with pytest.raises(DataError, match="2020-01-02 follows 2020-01-03"):
        Dates(["2020-01-01", "2020-01-03", "2020-01-02"])


def test_a_day_counts_to_its_end_on_an_intraday_axis():
    bars = Dates(["2020-01-02T09:45", "2020-01-02T15:00", "2020-01-03T09:45"])
    assert bars.count_until("2020-01-02") == 2
    assert bars.count_until(np.datetime64("2020-01-02T09:45:00")) == 1


def test_an_asset_cannot_occur_twice():
    with pytest.raises(DataError, match="'A' occurs twice"):
        Assets(["A", "B", "A"])


def test_an_unknown_asset_gets_a_suggestion():
    with pytest.raises(UnknownName, match="did you mean '600000.SH'"):
        Assets(["600000.SH", "000001.SZ"]).index("600000.SZ")


def test_arithmetic_refuses_different_axes():
    with pytest.raises(AxisMismatch, match="different dates"):
        small([[1.0]]) + small([[1.0]], start="2020-02-01")


def test_values_are_read_only_and_the_callers_array_stays_writable():
    mine = np.ones((1, 2))
    panel = small(mine)
    with pytest.raises(ValueError, match="read-only"):
        panel.values[0, 0] = 2.0
    mine[0, 0] = 3.0


def test_reindex_leaves_unknown_what_was_not_there():
    wide = reindex(small([[1.0, 2.0]]), assets=Assets(["B", "C"]))
    assert_array_equal(wide.values, [[2.0, np.nan]])


def test_as_of_takes_the_last_row_and_never_a_later_one():
    weekly = small([[1.0], [2.0]]).rows(np.array([0, 1]))
    later = Dates(np.array(["2019-12-31", "2020-01-01", "2020-01-05"], dtype="datetime64[D]"))
    assert_array_equal(as_of(weekly, later).values, [[np.nan], [1.0], [2.0]])


def test_a_daily_value_is_not_known_to_the_bars_of_its_own_day():
    daily = small([[1.0], [2.0]])
    bars = Dates(["2020-01-01T15:00", "2020-01-02T09:45", "2020-01-03T09:45"])
    assert_array_equal(as_of(daily, bars).values, [[np.nan], [1.0], [2.0]])


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_frames_give_back_what_they_got(rows, columns, seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, columns))
    values[rng.random(values.shape) < 0.3] = np.nan
    panel = small(values)
    assert_array_equal(from_pandas(to_pandas(panel)).values, values)
    long = from_polars(to_polars(panel), "x", dates=panel.dates, assets=panel.assets)
    assert_array_equal(long.values, values)


def test_a_duplicate_row_is_named():
    import polars as pl

    frame = pl.DataFrame(
        {
            "date": np.array(["2020-01-01"] * 2, "datetime64[D]"),
            "asset": ["A", "A"],
            "x": [1.0, 2.0],
        }
    )
    with pytest.raises(DataError, match=r"\(2020-01-01, A\) occurs twice"):
        from_polars(frame, "x")


def test_a_cube_loads_a_panel_once_and_only_when_asked():
    calls = []

    def load():
        calls.append(1)
        return small([[1.0]])

    cube = Cube({"a": load}, dates=small([[1.0]]).dates, assets=Assets(["A"]))
    assert calls == []
    cube["a"], cube["a"]
    assert calls == [1]


def test_until_cuts_every_part_of_a_market():
    market = random_market(dates=60, assets=20)
    past = market.until("2019-02-15")
    assert past.dates.values[-1] == np.datetime64("2019-02-15")
    assert past.universe.dates == past.dates
    assert past.intraday("15min").dates.days[-1] == np.datetime64("2019-02-15")
    assert past.table("statements").known_at.max() <= np.datetime64("2019-02-15")
    assert past.groups("industry").dates == past.dates
    assert past.benchmark.returns.shape == (len(past.dates),)
    assert_array_equal(past["close"].values, market["close"].values[: len(past.dates)])


def test_equal_content_has_equal_fingerprints():
    a, b = small([[1.0, np.nan]]), small([[1.0, np.nan]])
    assert a.fingerprint() == b.fingerprint()
    assert a.fingerprint() != small([[1.0, 2.0]]).fingerprint()
