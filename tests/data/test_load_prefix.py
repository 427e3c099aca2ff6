"""Nothing on a date changes when rows known later are changed or taken away."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_tables import CALENDAR, random_frames
from prefix_stability import by_noise, by_nothing, forget_ends, known_after, require_same_past

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.data.universe import UniverseRule
from superhet.panel import Market

REQUEST = MarketRequest(
    universe=UniverseRule(new_listing=3, illiquid=0.2),
    intraday=("15min",),
    benchmark="000300.SH",
)
SETTLED = settings(deadline=None, max_examples=12)


@pytest.fixture(scope="module")
def wholes() -> dict[int, tuple[dict[str, pl.DataFrame], Market]]:
    frames = {seed: random_frames(seed) for seed in range(3)}
    return {s: (f, load_market(MemoryTables(f), REQUEST)) for s, f in frames.items()}


@given(seed=st.integers(0, 2), row=st.integers(8, len(CALENDAR) - 2))
@SETTLED
def test_taking_the_future_away_leaves_the_past_bit_identical(wholes, seed, row):
    frames, whole = wholes[seed]
    t = CALENDAR[row]
    require_same_past(whole, load_market(by_nothing(frames, t), REQUEST), t)


@given(seed=st.integers(0, 2), row=st.integers(8, len(CALENDAR) - 2), noise=st.integers(0, 99))
@SETTLED
def test_noise_in_the_future_leaves_the_past_bit_identical(wholes, seed, row, noise):
    frames, whole = wholes[seed]
    t = CALENDAR[row]
    require_same_past(whole, load_market(by_noise(frames, t, noise), REQUEST), t)


def test_the_property_sees_statements_keyed_by_report_date(wholes):
    frames, _ = wholes[0]
    leaky = MarketRequest(
        universe=REQUEST.universe,
        intraday=("15min",),
        benchmark="000300.SH",
        statements_known_at="report_date",
    )
    t = CALENDAR[30]
    whole = load_market(MemoryTables(frames), leaky)
    changed = load_market(by_nothing(frames, t), leaky)
    with pytest.raises(AssertionError, match="statements .* depends on what became known later"):
        require_same_past(whole, changed, t)


def test_without_a_calendar_or_securities_the_past_is_stable_too(wholes):
    frames = {n: f for n, f in random_frames(1).items() if n not in {"calendar", "securities"}}
    whole = load_market(MemoryTables(frames), REQUEST)
    t = CALENDAR[70]
    later = known_after(frames, t)
    cut = {n: f.filter(~later[n]) for n, f in frames.items()}
    cut = {n: forget_ends(f, t, None) for n, f in cut.items()}
    require_same_past(whole, load_market(MemoryTables(cut), REQUEST), t)
