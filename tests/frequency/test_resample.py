"""Slower bars from faster ones, and signals split by speed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError
from superhet.frequency import decompose, resample
from superhet.panel import Cube, Dates
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def bars():
    cube = random_market(dates=6, assets=8, seed=2).intraday("15min")
    rng = np.random.default_rng(0)
    holes = rng.random((len(cube.dates), 8)) < 0.1
    return cube.map(lambda p: p.with_values(np.where(holes, np.nan, p.values)))


def clock_times(dates):
    return sorted({str(d)[11:16] for d in dates.values})


def test_an_hour_ends_at_the_four_hours_of_the_session_and_no_bar_spans_lunch(bars):
    found = resample(bars, "60min")
    assert clock_times(found.dates) == ["10:30", "11:30", "14:00", "15:00"]
    assert len(found.dates) == 6 * 4
    assert found["close"].frequency == "60min"


def test_thirty_minutes_by_hand(bars):
    found, pair = resample(bars, "30min"), slice(2, 4)
    assert found.dates.values[1] == bars.dates.values[3]
    for name, wanted in {
        "high": np.fmax.reduce(bars["high"].values[pair]),
        "low": np.fmin.reduce(bars["low"].values[pair]),
        "close": pd.DataFrame(bars["close"].values[pair]).ffill().to_numpy()[-1],
        "open": pd.DataFrame(bars["open"].values[pair]).bfill().to_numpy()[0],
        "volume": pd.DataFrame(bars["volume"].values[pair]).sum(min_count=1).to_numpy(),
    }.items():
        assert_array_equal(found[name].values[1], wanted)


@pytest.mark.parametrize("frequency", ["30min", "60min", "120min", "1d"])
def test_every_frequency_is_pandas_groupby(bars, frequency):
    found = resample(bars, frequency)
    per_day = len(bars.dates) // 6
    joined = per_day if frequency == "1d" else int(frequency[:-3]) // 15
    label = np.arange(len(bars.dates)) // joined
    rules = {"open": "first", "high": "max", "low": "min", "close": "last"}
    for name, rule in rules.items():
        wanted = pd.DataFrame(bars[name].values).groupby(label).agg(rule)
        assert_array_equal(found[name].values, wanted.to_numpy())
    for name in ("volume", "amount"):
        wanted = pd.DataFrame(bars[name].values).groupby(label).sum(min_count=1)
        assert_allclose(found[name].values, wanted.to_numpy(), rtol=1e-12)


def test_a_day_is_stamped_as_a_day(bars):
    found = resample(bars, "1d")
    assert found.dates.is_daily
    assert len(found.dates) == 6
    assert found["close"].frequency == "1d"


def test_hours_of_half_hours_are_hours_of_quarters(bars):
    twice, once = resample(resample(bars, "30min"), "60min"), resample(bars, "60min")
    for name in bars:
        assert_allclose(twice[name].values, once[name].values, rtol=1e-13)


def test_a_field_unknown_through_a_whole_bar_stays_unknown(bars):
    values = bars["close"].values.copy()
    values[4:8, 0] = np.nan
    volume = bars["volume"].values.copy()
    volume[4:8, 0] = np.nan
    emptied = Cube(
        {
            "close": bars["close"].with_values(values),
            "volume": bars["volume"].with_values(volume),
        }
    )
    found = resample(emptied, "60min")
    assert np.isnan(found["close"].values[1, 0])
    assert np.isnan(found["volume"].values[1, 0])


def test_vwap_is_amount_over_volume_of_the_joined_bar(bars):
    vwap = bars["close"].with_values(
        bars["amount"].values / bars["volume"].values, name="vwap", unit="price"
    )
    found = resample(Cube({**dict(bars), "vwap": vwap}), "60min")
    wanted = found["amount"].values / found["volume"].values
    assert_allclose(found["vwap"].values, wanted)


def test_a_shortened_day_ends_with_a_shorter_bar_and_the_next_day_starts_afresh(bars):
    kept = np.delete(np.arange(len(bars.dates)), np.arange(10, 16))  # the first day closes early
    short = bars.map(lambda p: p.rows(kept))
    found = resample(short, "60min")
    assert [str(d) for d in found.dates.values[:3]] == [
        str(d) for d in bars.dates.values[[3, 7, 9]]
    ]
    assert_array_equal(found["close"].values[3:], resample(bars, "60min")["close"].values[4:])


def test_later_days_change_no_earlier_bar(bars):
    cut = bars.dates.values[3 * 16 - 1]
    short, whole = resample(bars.until(cut), "60min"), resample(bars, "60min")
    for name in bars:
        assert_array_equal(short[name].values, whole[name].values[: len(short.dates)])


@pytest.mark.parametrize(
    ("frequency", "message"),
    [("20min", "no multiple of the bars' 15 minutes"), ("hour", 'must be like "30min"')],
)
def test_frequencies_that_do_not_fit_are_refused(bars, frequency, message):
    with pytest.raises(ConfigError, match=message):
        resample(bars, frequency)


def test_daily_bars_cannot_be_resampled(bars):
    with pytest.raises(ConfigError, match="these are daily"):
        resample(resample(bars, "1d"), "60min")


def test_no_bars_give_no_bars(bars):
    nothing = bars.map(lambda p: p.rows(slice(0, 0)))
    assert len(resample(nothing, "60min").dates) == 0
    assert resample(nothing, "1d").dates == Dates(np.empty(0, "M8[D]"))


# --------------------------------------------------------------------------------------------- decompose


@pytest.fixture(scope="module")
def signal():
    panel = random_market(
        dates=60,
        assets=10,
        seed=6,
    )["close"]
    return panel.with_values(panel.values, name="s", unit="score")


def test_slow_and_fast_add_up_and_slow_is_pandas_ewm(signal):
    parts = decompose(signal, half_life=5.0)
    assert_allclose((parts.slow + parts.fast).values, signal.values)
    wanted = pd.DataFrame(signal.values).ewm(halflife=5.0).mean().to_numpy()
    assert_allclose(parts.slow.values, np.where(signal.known(), wanted, np.nan), rtol=1e-12)
    assert (parts.slow.name, parts.fast.name) == ("s slow", "s fast")


def test_parts_use_the_past_alone(signal):
    whole, past = decompose(signal, 3.0), decompose(signal.rows(slice(0, 40)), 3.0)
    assert_array_equal(past.fast.values, whole.fast.values[:40])


def test_a_step_is_fast_at_first_and_slow_after_some_half_lives(signal):
    step = signal.with_values(np.where(np.arange(60)[:, None] < 30, 0.0, 1.0) * np.ones((60, 10)))
    parts = decompose(step, 2.0)
    assert parts.fast.values[30, 0] > 0.6
    assert parts.fast.values[50, 0] < 0.001


def test_a_half_life_must_be_positive(signal):
    with pytest.raises(ConfigError, match="half_life: must be above 0"):
        decompose(signal, 0.0)
