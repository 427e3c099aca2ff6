"""Decision clocks: chosen by the calendar, never moved by later data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.errors import ConfigError
from superhet.frequency import decision_clock
from superhet.panel import Dates

DAYS = np.arange("2020-01-01", "2020-07-01", dtype="M8[D]")
SESSIONS = Dates(DAYS[np.is_busday(DAYS, holidays=["2020-01-01", "2020-02-03", "2020-05-01"])])


def test_every_session_decides_on_a_daily_clock():
    assert decision_clock(SESSIONS) == SESSIONS
    assert decision_clock(SESSIONS, 1) == SESSIONS


def test_a_week_begins_on_its_first_session():
    found = decision_clock(SESSIONS, "1w").values
    assert str(found[0]) == "2020-01-02"  # the first of all sessions
    assert str(found[1]) == "2020-01-06"
    assert np.datetime64("2020-02-03") not in found  # a holiday Monday
    assert np.datetime64("2020-02-04") in found
    assert found.size == 27  # weeks from 30 December to 29 June


def test_an_offset_of_four_days_moves_the_week_to_friday():
    found = decision_clock(SESSIONS, "1w", offset=4).values
    assert (np.is_busday(found[1:], weekmask="Fri").sum()) == found.size - 2
    assert np.datetime64("2020-05-04") in found  # 1 May is a holiday: the Monday after decides


def test_two_weeks_are_counted_from_a_fixed_monday_wherever_the_data_begin():
    whole = set(decision_clock(SESSIONS, "2w").values[1:])
    later = decision_clock(SESSIONS[slice(17, None)], "2w").values[1:]
    assert set(later) <= whole


def test_months_and_quarters_begin_on_their_first_session():
    months = [str(d) for d in decision_clock(SESSIONS, "1m").values]
    assert months == [
        "2020-01-02",
        "2020-02-04",
        "2020-03-02",
        "2020-04-01",
        "2020-05-04",
        "2020-06-01",
    ]
    quarters = [str(d) for d in decision_clock(SESSIONS, "3m").values]
    assert quarters == ["2020-01-02", "2020-04-01"]


def test_a_whole_number_takes_every_nth_session():
    assert decision_clock(SESSIONS, 5) == SESSIONS[slice(0, None, 5)]
    assert decision_clock(SESSIONS, "5d", offset=2) == SESSIONS[slice(2, None, 5)]


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["1d", "1w", "2w", "1m", "3m", 5]),
    st.integers(0, 3),
    st.integers(1, len(SESSIONS)),
)
def test_more_data_never_move_an_earlier_decision(clock, offset, count):
    offset = 0 if clock == "1d" else offset
    whole, past = decision_clock(SESSIONS, clock, offset), SESSIONS[slice(0, count)]
    assert decision_clock(past, clock, offset) == whole[whole.values <= past.values[-1]]


@pytest.mark.parametrize(
    ("clock", "offset", "message"),
    [
        ("weekly", 0, 'clock: must be like "1d"'),
        ("0w", 0, "clock: must be at least 1"),
        (0, 0, "clock: must be at least 1"),
        ("1w", 7, "offset: must be at least 0 and below 7"),
        ("1m", -1, "offset: must be at least 0 and below 28"),
        (3, 3, "offset: must be at least 0 and below 3"),
    ],
)
def test_a_clock_that_cannot_be_read_says_why(clock, offset, message):
    with pytest.raises(ConfigError, match=message):
        decision_clock(SESSIONS, clock, offset)
