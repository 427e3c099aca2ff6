"""The mixer: every value is the last one known, and its age is counted in sessions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import AxisMismatch, ConfigError, UnknownName
from superhet.frequency import decision_clock, mix
from superhet.panel import Assets, Cube, Dates, Panel

NAN = np.nan
DAYS = Dates(
    np.array(["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08"], "M8[D]")
)


def panel(values, frequency="1d", dates=DAYS, name="signal"):
    values = np.asarray(values, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    assets = Assets([f"A{i}" for i in range(values.shape[1])])
    return Panel(values=values, dates=dates, assets=assets, frequency=frequency, name=name)


def one(signal, clock=DAYS, **options):
    if isinstance(since := options.get("known_since"), Panel):
        options["known_since"] = {"x": since}
    mixed = mix(Cube({"x": signal}), clock, **options)
    return mixed.signals["x"].values[:, 0], mixed.ages["x"].values[:, 0]


def test_a_daily_signal_on_a_daily_clock_is_itself_and_of_age_zero():
    values, ages = one(panel([1.0, NAN, 3.0, 4.0, 5.0]))
    assert_array_equal(values, [1.0, NAN, 3.0, 4.0, 5.0])
    assert_array_equal(ages, [0.0, NAN, 0.0, 0.0, 0.0])


def test_a_statement_is_carried_forward_and_ages_by_sessions_over_the_weekend():
    values, ages = one(panel([NAN, 2.0, NAN, NAN, 7.0], "event"))
    assert_array_equal(values, [NAN, 2.0, 2.0, 2.0, 7.0])
    assert_array_equal(ages, [NAN, 0.0, 1.0, 2.0, 0.0])  # Friday to Monday is one session


def test_a_statement_that_says_that_there_is_no_value_ends_the_one_before():
    signal = panel([2.0, NAN, NAN, NAN, 7.0], "event")
    said = panel([NAN, NAN, float(DAYS.days[2].astype(int)), NAN, NAN])
    values, ages = one(signal, known_since=said, half_life=1.0)
    assert_array_equal(values, [2.0, 1.0, NAN, NAN, 7.0])
    assert_array_equal(ages, [0.0, 1.0, NAN, NAN, 0.0])
    values, _ = one(signal, Dates(DAYS.values[[1, 3]]), known_since=said)
    assert_array_equal(values, [2.0, NAN])


def test_each_asset_is_carried_on_its_own():
    signal = panel([[1.0, NAN], [NAN, NAN], [NAN, 4.0], [2.0, NAN], [NAN, NAN]], "event")
    mixed = mix(Cube({"x": signal}), DAYS)
    assert_array_equal(mixed.signals["x"].values[-1], [2.0, 4.0])
    assert_array_equal(mixed.ages["x"].values[-1], [1.0, 2.0])


def test_a_fast_signal_on_a_slow_clock_is_that_of_the_decision_date():
    clock = Dates(DAYS.values[[1, 4]])
    values, ages = one(panel([1.0, 2.0, 3.0, 4.0, 5.0]), clock)
    assert_array_equal(values, [2.0, 5.0])
    assert_array_equal(ages, [0.0, 0.0])


def test_a_daily_value_missing_on_the_decision_date_is_not_replaced_by_an_older_one():
    values, _ = one(panel([1.0, NAN, 3.0, 4.0, 5.0]), Dates(DAYS.values[[1, 4]]))
    assert_array_equal(values, [NAN, 5.0])


def test_a_decision_on_a_day_without_session_sees_the_last_session():
    clock = Dates(np.array(["2020-01-01", "2020-01-05", "2020-01-09"], "M8[D]"))
    values, ages = one(panel([1.0, 2.0, 3.0, 4.0, 5.0]), clock)
    assert_array_equal(values, [NAN, 2.0, 5.0])
    assert_array_equal(ages, [NAN, 0.0, 0.0])


def test_minute_bars_give_the_last_bar_of_the_day_and_days_give_bars_only_yesterday():
    stamps = Dates(
        np.array(["2020-01-02T10:00:00", "2020-01-02T15:00:00", "2020-01-03T10:00:00"], "M8[s]")
    )
    values, _ = one(panel([1.0, 2.0, 3.0], "15min", stamps), Dates(DAYS.values[:2]))
    assert_array_equal(values, [2.0, 3.0])
    values, ages = one(panel([1.0, 2.0, 3.0, 4.0, 5.0]), stamps)
    assert_array_equal(values, [NAN, NAN, 1.0])
    assert_array_equal(ages, [NAN, NAN, 1.0])


def test_values_older_than_max_age_are_forgotten():
    signal = panel([3.0, NAN, NAN, NAN, NAN], "event")
    assert_array_equal(one(signal, max_age=2)[0], [3.0, 3.0, 3.0, NAN, NAN])
    assert_array_equal(one(signal, max_age={"x": 0})[0], [3.0, NAN, NAN, NAN, NAN])
    assert_array_equal(one(signal, max_age={})[0], [3.0] * 5)


def test_values_fade_by_their_half_life():
    signal = panel([8.0, NAN, NAN, NAN, NAN], "event")
    assert_allclose(one(signal, half_life=1.0)[0], [8.0, 4.0, 2.0, 1.0, 0.5])
    assert_allclose(one(signal, half_life={"x": 2.0}, max_age=3)[0][[2, 4]], [4.0, NAN])


def test_known_since_tells_the_age_of_values_carried_before():
    carried = panel([5.0, 5.0, 5.0, 6.0, 6.0])
    born = [NAN, *np.array(["2020-01-02", "2020-01-02"], "M8[D]").astype(int), NAN, NAN]
    born[4] = float(np.datetime64("2020-01-07", "D").astype(int))
    _, ages = one(carried, known_since=panel(born))
    assert_array_equal(ages, [0.0, 1.0, 2.0, 0.0, 1.0])


def test_what_was_known_before_the_first_session_counts_weekdays():
    friday = float(
        np.datetime64("2019-12-27", "D").astype(int)
    )  # 4 weekdays before Thursday 2 January
    signal = panel([5.0, NAN, NAN, NAN, NAN], "event")
    values, ages = one(signal, known_since=panel([friday, NAN, NAN, NAN, NAN]), max_age=6)
    assert_array_equal(ages, [4.0, 5.0, 6.0, 7.0, 8.0])
    assert_array_equal(values, [5.0, 5.0, 5.0, NAN, NAN])


def test_names_and_blocks_stay_and_frequency_becomes_that_of_the_clock():
    signals = Cube(
        {"fast": panel([1.0] * 5, name="fast"), "slow": panel([1.0] * 5, "event", name="slow")},
        blocks={"fast": "daily", "slow": "quarterly"},
    )
    mixed = mix(signals, Dates(DAYS.values[::2]))
    assert mixed.signals.names == mixed.ages.names == ("fast", "slow")
    assert mixed.signals.blocks == mixed.ages.blocks == {"fast": "daily", "slow": "quarterly"}
    assert mixed.signals["slow"].frequency == "1d"
    assert mixed.ages["slow"].name == "age of slow"
    assert mixed.ages["slow"].unit == "count"


def test_single_precision_signals_fade_in_double():
    signal = panel([0.1, NAN, NAN, NAN, NAN], "event")
    single = signal.with_values(signal.values.astype(np.float32))
    wanted = np.float32(0.1).astype(np.float64) * 2.0 ** (-1.0 / 3.0)
    assert one(single, half_life=3.0)[0][1] == wanted


def test_a_market_without_dates_knows_nothing():
    nothing = panel(np.empty((0, 1)), "event", Dates(np.empty(0, "M8[D]")))
    values, ages = one(nothing)
    assert np.isnan(values).all()
    assert np.isnan(ages).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_age": {"y": 3}}, UnknownName, "unknown signal 'y'"),
        ({"half_life": {"xx": 3.0}}, UnknownName, "did you mean 'x'"),
        ({"max_age": -1}, ConfigError, "max_age: of 'signal' must be at least 0"),
        ({"half_life": 0.0}, ConfigError, "half_life: of 'signal' must be above 0"),
        (
            {"known_since": panel([1.0], dates=Dates(DAYS.values[:1]))},
            AxisMismatch,
            "different dates",
        ),
    ],
)
def test_wrong_options_are_named(options, error, message):
    with pytest.raises(error, match=message):
        one(panel([1.0] * 5, "event"), **options)


def test_flags_are_no_signals():
    flags = Panel(
        values=np.ones((5, 1), bool), dates=DAYS, assets=Assets(["A"]), unit="flag", name="f"
    )
    with pytest.raises(AxisMismatch, match="'f' holds bool, not numbers"):
        mix(Cube({"f": flags}), DAYS)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.sampled_from(["1d", "event"]), st.sampled_from(["1d", "1w", 3]))
def test_later_data_change_no_mixed_value(seed, frequency, clock):
    rng = np.random.default_rng(seed)
    days = Dates(np.arange("2020-01-01", "2020-03-01", dtype="M8[D]"))
    values = rng.standard_normal((len(days), 4))
    values[rng.random(values.shape) < 0.7] = np.nan
    signal, cut = panel(values, frequency, days), int(rng.integers(5, len(days)))
    options = {"half_life": 3.0, "max_age": 9}
    whole = mix(Cube({"x": signal}), decision_clock(days, clock), **options)
    past = signal.rows(slice(0, cut))
    short = mix(Cube({"x": past}), decision_clock(past.dates, clock), **options)
    count = len(short.signals.dates)
    assert short.signals.dates == whole.signals.dates[:count]
    assert_array_equal(short.signals["x"].values, whole.signals["x"].values[:count])
    assert_array_equal(short.ages["x"].values, whole.ages["x"].values[:count])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31))
def test_carrying_forward_is_the_plain_loop(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((5, 3))
    values[rng.random(values.shape) < 0.6] = np.nan
    mixed = mix(Cube({"x": panel(values, "event")}), DAYS)
    for column in range(3):
        last, age = np.nan, np.nan
        for t in range(5):
            age += 1
            if not np.isnan(values[t, column]):
                last, age = values[t, column], 0
            assert_array_equal(mixed.signals["x"].values[t, column], last)
            assert_array_equal(mixed.ages["x"].values[t, column], age)
