"""Who takes part, and for which named reason somebody does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_tables import flat_bars, random_tables, securities

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.data.universe import UniverseRule, illiquid, limit_locked
from superhet.errors import EmptyUniverse, UnknownName

DAYS = ["2020-06-01", "2020-06-02", "2020-06-03", "2020-06-04"]
A, B, C = "600000.SH", "600001.SH", "600002.SH"
RULE = UniverseRule(new_listing=0)


def universe(frame: pl.DataFrame, rule: UniverseRule = RULE, **tables: pl.DataFrame):
    request = MarketRequest(universe=rule, industry="", size="amount_60")
    return load_market(MemoryTables({"bars_1d": frame, **tables}), request).universe


def old(*assets: str) -> pl.DataFrame:
    return securities({a: ("main", "2010-01-04", None) for a in assets})


def test_each_reason_excludes_on_its_own_days_and_is_counted():
    status = pl.DataFrame({"asset": [B], "start_date": [date(2020, 6, 3)], "is_st": [True]})
    prices = {A: [10.0, 11.0, 11.0, None], B: [5.0] * 4, C: [None, None, 7.0, 7.0]}
    listed = securities(
        {a: ("main", "2010-01-04", None) for a in (A, B)} | {C: ("main", "2020-06-03", None)}
    )
    found = universe(
        flat_bars(DAYS, prices), UniverseRule(new_listing=2), securities=listed, status=status
    )
    assert found.count_by_reason() == {
        "suspended": 1,  # A on the fourth day
        "st": 2,  # B from the third day
        "new_listing": 2,  # C on its first two days
        "limit_locked": 1,  # A closed at +10 % on the second day
        "delisting": 0,
    }
    assert found.tradable.of(A).tolist() == [True, False, True, False]
    assert found.tradable.of(B).tolist() == [True, True, False, False]
    assert found.member.of(C).tolist() == [False, False, True, True]
    assert not found.tradable.of(C).any()


def test_estimable_needs_age_and_trade_but_not_freedom_from_limits():
    found = universe(
        flat_bars(DAYS, {A: [10.0, 11.0, None, 11.0], B: [5.0] * 4}), securities=old(A, B)
    )
    assert found.tradable.of(A).tolist() == [True, False, False, True]
    assert found.estimable.of(A).tolist() == [True, True, False, True]


def test_a_close_a_fen_below_the_limit_is_not_locked():
    closes, up, down = (
        np.array([[11.0, 10.99, 9.0, 9.01, 10.0]]),
        np.array([[11.0]]),
        np.array([[9.0]]),
    )
    assert limit_locked(closes, up, down).tolist() == [[True, False, True, False, False]]
    assert not limit_locked(closes, np.full((1, 1), np.nan), np.full((1, 1), np.nan)).any()


def test_members_of_an_index_hold_from_start_to_before_end():
    members = pl.DataFrame(
        {
            "index": ["000300.SH"] * 2,
            "asset": [A, B],
            "start_date": [date(2020, 6, 2), date(2010, 1, 4)],
            "end_date": [None, date(2020, 6, 3)],
        }
    )
    found = universe(
        flat_bars(DAYS, {A: [10.0] * 4, B: [5.0] * 4, C: [7.0] * 4}),
        replace(RULE, index="000300.SH"),
        index_members=members,
    )
    assert found.member.of(A).tolist() == [False, True, True, True]
    assert found.member.of(B).tolist() == [True, True, False, False]
    assert not found.member.of(C).any()


def test_an_unknown_index_lists_those_that_exist():
    with pytest.raises(UnknownName, match="market.universe.index: .*000300.SH"):
        load_market(random_tables(), MarketRequest(universe=UniverseRule(index="000905.SH")))


def test_the_least_traded_share_of_members_is_illiquid():
    amount = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], (25, 1))
    amount[20:, 4] = (
        np.nan
    )  # stops trading: five of twenty sessions count as nothing, 5 becomes 3.75
    member = np.ones(amount.shape, dtype=bool)
    member[:, 0] = False
    assert illiquid(amount, member, 0.5)[0].tolist() == [False, True, True, False, False]
    assert illiquid(amount, member, 0.75)[-1].tolist() == [False, True, True, False, True]
    assert not illiquid(amount, member, 0.2).any()  # a fifth of four names is none


def test_a_name_in_its_delisting_period_is_excluded_from_the_day_it_is_so_named():
    status = pl.DataFrame(
        {
            "asset": [A, A],
            "start_date": [date(2010, 1, 4), date(2020, 6, 3)],
            "is_st": [False, False],
            "name": ["海润", "退市海润"],
        }
    )
    found = universe(flat_bars(DAYS, {A: [10.0] * 4, B: [5.0] * 4}), status=status)
    assert found.reasons["delisting"].of(A).tolist() == [False, False, True, True]
    assert found.tradable.of(A).tolist() == [True, True, False, False]


def test_a_coming_delisting_is_not_looked_at_before_it_comes():
    frame = flat_bars(DAYS, {A: [10.0, 10.0, 10.0, None], B: [5.0] * 4})
    with_end = securities(
        {A: ("main", "2010-01-04", "2020-06-04"), B: ("main", "2010-01-04", None)}
    )
    ending, going_on = universe(frame, securities=with_end), universe(frame, securities=old(A, B))
    for name in ("member", "tradable", "estimable"):
        left, right = getattr(ending, name).values[:3], getattr(going_on, name).values[:3]
        assert (left == right).all()
    assert ending.member.of(A).tolist() == [True, True, True, False]


def test_an_empty_universe_names_the_rule_and_the_date():
    with pytest.raises(
        EmptyUniverse, match="on 2020-06-01 the rule 'new_listing' excludes"
    ) as caught:
        universe(flat_bars(DAYS, {A: [10.0] * 4}), UniverseRule(new_listing=1000))
    assert caught.value.facts == {"rule": "new_listing", "date": "2020-06-01"}


def test_an_index_without_listed_members_is_an_empty_universe():
    members = pl.DataFrame({"index": ["X"], "asset": [B], "start_date": [date(2030, 1, 1)]})
    with pytest.raises(EmptyUniverse, match="'X' has no listed member"):
        universe(
            flat_bars(DAYS, {A: [10.0] * 4, B: [5.0] * 4}),
            replace(RULE, index="X"),
            index_members=members,
        )


@given(
    seed=st.integers(0, 3),
    rule=st.builds(
        UniverseRule,
        suspended=st.booleans(),
        st=st.booleans(),
        new_listing=st.integers(0, 30),
        limit_locked=st.booleans(),
        illiquid=st.sampled_from([0.0, 0.1, 0.3]),
        delisting=st.booleans(),
    ),
)
@settings(deadline=None, max_examples=15)
def test_tradable_is_member_without_any_reason_that_is_on(seed, rule):
    found = load_market(random_tables(seed), MarketRequest(universe=rule)).universe
    excluded = np.zeros(found.member.values.shape, dtype=bool)
    for panel in found.reasons.values():
        excluded |= panel.values
    assert (found.tradable.values == (found.member.values & ~excluded)).all()
    assert not (found.estimable.values & ~found.member.values).any()
    on = {n for n in ("suspended", "st", "limit_locked", "delisting") if getattr(rule, n)}
    on |= {"new_listing"} if rule.new_listing else set()
    on |= {"illiquid"} if rule.illiquid else set()
    assert set(found.reasons) == on
