"""What the sheets leave open: odd accounts, bad input, boards, and the printed result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import TypeAdapter, ValidationError
from sheet_market import decide, fills, sheet

from superhet.backtest import (
    ENGINES,
    NO_COSTS,
    RULES,
    AShareRules,
    Costs,
    Frictions,
    NativeEngine,
)
from superhet.backtest.rules.boards import boards
from superhet.errors import AxisMismatch, ConfigError, NoSignal, SuperhetError, UnknownName
from superhet.panel import Cube, Panel
from superhet.testing.checks.engine import check_engine
from superhet.testing.markets import random_market

WEEK = ["2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12"]
A, B = "600000.SH", "600001.SH"


def free(**changes):
    return NativeEngine(**{"capital": 1e6, "costs": NO_COSTS, "participation": None, **changes})


def test_a_bonus_during_a_suspension_leaves_the_equity():
    market = sheet(WEEK, {A: [10, 10, None, None, 5.5]}, factors={A: [1, 1, 1, 2, 2]})
    result = free().run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    assert_allclose(result.equity, [1e6, 1e6, 1e6, 1_050_000])


def test_a_delisted_short_is_bought_back_at_the_last_close():
    market = sheet(WEEK, {A: [10, 10, 2, "x", "x"], B: [1] * 5})
    result = free().run(decide(market, {WEEK[0]: {A: -0.5}}), market)
    assert fills(result)[-1] == (WEEK[3], A, 50000.0, 2.0)
    assert_allclose(result.equity[-1], 1_400_000)


def test_a_book_that_loses_everything_stops_with_the_date():
    market = sheet(WEEK, {A: [10, 10, 35, 40, 40]})
    with pytest.raises(SuperhetError, match="lost all its capital on 2024-01-10"):
        free().run(decide(market, {WEEK[0]: {A: -0.5}}), market)


def test_a_decision_on_the_first_session_of_a_suspended_stock_knows_its_older_close():
    market = sheet(WEEK, {A: [10, None, None, 12, 12], B: [1] * 5})
    result = free().run(decide(market, {WEEK[2]: {A: 0.5}}), market)
    assert fills(result) == [(WEEK[3], A, 50000.0, 12.0)]


@pytest.mark.parametrize(
    ("rows", "error", "match"),
    [
        ({WEEK[0]: {A: 3.0}}, ConfigError, "gross 3.000, more than 2.1"),
        ({WEEK[4]: {A: 0.5}}, NoSignal, "no session of the market"),
    ],
)
def test_weights_that_cannot_be_traded_are_refused(rows, error, match):
    market = sheet(WEEK, {A: [10] * 5})
    with pytest.raises(error, match=match):
        free().run(decide(market, rows), market)


def test_a_decision_on_no_session_is_refused():
    market = sheet(WEEK, {A: [10] * 5})
    weights = decide(market, {WEEK[0]: {A: 0.5}, WEEK[2]: {A: 0.1}})
    without = market.between(WEEK[3], None)
    with pytest.raises(AxisMismatch, match="decide on 2024-01-08"):
        free().run(weights, without)


def test_boards_come_from_the_market_and_else_from_the_code():
    names = ["600000.SH", "688001.SH", "300750.SZ", "830799.BJ"]
    market = sheet(WEEK, {n: [10] * 5 for n in names})
    assert boards(market) == ["main", "star", "chinext", "bse"]
    codes = Panel(
        values=np.tile([-1, 0, 0, 0], (5, 1)),
        dates=market.dates,
        assets=market.assets,
        name="board",
        unit="group",
        labels=("main",),
    )
    market = replace(market, group_panels={"board": codes})
    assert boards(market) == ["main", "main", "main", "main"]
    table = AShareRules().table(market, "open")
    assert table.minimum.tolist() == [100.0] * 4


def test_beijing_orders_start_at_100_and_grow_by_one():
    bse = "830799.BJ"
    market = sheet(WEEK, {bse: [10] * 5})
    result = free(capital=1e4).run(decide(market, {WEEK[0]: {bse: 0.1239}}), market)
    assert [f[2] for f in fills(result)] == [123.0]


def test_a_configuration_builds_the_engine_and_checks_its_bounds():
    adapter = TypeAdapter(ENGINES.get("native"))
    engine = adapter.validate_python(
        {"capital": 1e7, "fill": "vwap", "costs": {"commission": 3e-4, "stamp_duty": 0.0}}
    )
    assert engine == NativeEngine(
        capital=1e7, fill="vwap", costs=Costs(commission=3e-4, stamp_duty=0.0)
    )
    for bad in ({"fill": "opening"}, {"capital": 0}, {"costs": {"comission": 1e-4}}):
        with pytest.raises(ValidationError):
            adapter.validate_python(bad)


def test_an_unknown_market_is_named_with_those_that_exist():
    market = sheet(WEEK, {A: [10] * 5})
    assert RULES.names() == ["ashare", "none", "us"]
    with pytest.raises(UnknownName, match=r"backtest\.rules: unknown market rules 'ashares'"):
        free(rules="ashares").run(decide(market, {WEEK[0]: {A: 0.5}}), market)


def test_a_market_without_volume_trades_without_a_cap_and_names_what_needs_one():
    whole = sheet(WEEK, {A: [10] * 5})
    market = replace(whole, fields=Cube({n: whole[n] for n in whole if n != "volume"}))
    weights = decide(market, {WEEK[0]: {A: 0.5}})
    assert fills(free().run(weights, market)) == [(WEEK[1], A, 50000.0, 10.0)]
    with pytest.raises(ConfigError, match=r"backtest.participation: caps orders by volume"):
        free(participation=0.1).run(weights, market)
    with pytest.raises(ConfigError, match=r"backtest.frictions.impact: is measured against volume"):
        free(frictions=Frictions(impact=1.0)).run(weights, market)


def test_weights_that_are_all_unknown_decide_nothing():
    market = sheet(WEEK, {A: [10] * 5})
    nothing = decide(market, {})
    with pytest.raises(NoSignal, match="every weight of all 5 dates is NaN"):
        free().run(nothing, market)


def test_an_engine_that_pays_interest_on_idle_cash_passes_the_battery():
    market = random_market(dates=40, assets=8, seed=3)
    values = np.full((40, 8), np.nan)
    values[::3] = np.random.default_rng(0).uniform(-0.1, 0.1, values[::3].shape)
    weights = decide(market, {}).with_values(values)
    check_engine(NativeEngine(capital=1e6, costs=Costs(cash_interest=0.03)), weights, market)


def test_cash_dividends_need_the_table_of_corporate_actions():
    market = sheet(WEEK, {A: [10] * 5})
    with pytest.raises(ConfigError, match="no table corporate_actions"):
        free(corporate_actions="cash").run(decide(market, {WEEK[0]: {A: 0.5}}), market)


def test_a_book_goes_on_only_in_a_market_of_its_own_assets():
    market = sheet(WEEK, {A: [10] * 5, B: [10] * 5})
    weights = decide(market, {WEEK[0]: {A: 0.5}})
    state = free().run(weights.until(WEEK[2]), market.until(WEEK[2])).final_state
    other = sheet(WEEK, {A: [10] * 5})
    with pytest.raises(AxisMismatch, match="the book and the market have different assets"):
        free().resume(state, decide(other, {WEEK[3]: {A: 0.1}}), other)
    with pytest.raises(NoSignal, match="follows 2024-01-10"):
        free().resume(state, weights, market.until(WEEK[2]))


def test_a_book_goes_on_without_a_new_decision():
    market = sheet(WEEK, {A: [10, 10, 11, 12, 13]})
    weights = decide(market, {WEEK[0]: {A: 0.5}})
    state = free().run(weights.until(WEEK[1]), market.until(WEEK[1])).final_state
    result = free().resume(state, weights, market)
    assert_allclose(result.equity, [1_050_000, 1_100_000, 1_150_000])
    assert result.target.values[:, 0].tolist() == [0.5] * 3


def test_the_result_prints_and_states_its_conventions():
    market = sheet(WEEK, {A: [10, 11, 12, 11, 12]})
    result = NativeEngine(capital=1e6).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    assert "orders refused: none" in str(result)
    assert result.conventions["fill"] == "open of the session after the decision"
    assert "0.0500% from 2023-08-28" in result.conventions["stamp duty"]
    assert len(result.dates) == 4
    assert result.target.values[:, 0].tolist() == [0.5] * 4
