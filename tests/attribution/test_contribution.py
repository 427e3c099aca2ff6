"""Contribution: parts add up every day and over time, and the published linking numbers come out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from superhet.attribution import (
    ATTRIBUTORS,
    Contribution,
    carino,
    carino_coefficients,
    contribution,
)
from superhet.backtest import NativeEngine
from superhet.errors import AxisMismatch, SuperhetError
from superhet.panel import Panel
from superhet.testing.markets import RandomMarket

WAYS = ("industry", "side", "size", "cost")


@pytest.fixture(scope="module")
def market():
    market = RandomMarket(dates=70, assets=40, seed=8, holes=0.06, bars=0).build()
    age = market["listing_age"].values.copy()
    age[50:, 3] = -1.0  # leaves with a position
    fields = {"listing_age": market["listing_age"].with_values(age)}
    for name in ("open", "close", "adjust_factor"):
        values = market[name].values.copy()
        values[50:, 3] = np.nan
        fields[name] = market[name].with_values(values)
    return market.with_fields(fields)


@pytest.fixture(scope="module")
def result(market):
    values = np.random.default_rng(0).normal(size=(70, 40))
    values /= np.abs(values).sum(axis=1, keepdims=True)
    weights = Panel(
        values=values, dates=market.dates, assets=market.assets, name="w", unit="weight"
    )
    return NativeEngine(capital=1e7).run(weights.rows(np.arange(5, 70, 4)), market)


@pytest.mark.parametrize("by", WAYS)
def test_effects_add_up_to_the_net_return_of_every_session(result, market, by):
    found = contribution(result, market, by)
    assert (result.trades["delisting"]).any()
    assert np.abs(found.residual).max() < 1e-12
    assert sum(found.linked.values()) == pytest.approx(found.linked_total, abs=1e-12)
    assert found.linked_total == pytest.approx(result.net.total_return, abs=1e-12)


def test_costs_are_the_costs_of_the_books(result, market):
    found = contribution(result, market, "cost")
    before = np.concatenate([[1e7], result.equity[:-1]])
    for name, series in result.costs.items():
        assert_allclose(found.effects[name], -series / before)


def test_an_industry_earns_the_sum_of_weight_times_return(result, market):
    found = contribution(result, market, "industry")
    codes, returns = market.groups("industry"), market["returns"]
    for k in (5, 20, 40):
        before, date = result.dates.values[k - 1], result.dates.values[k]
        weights = result.holdings.at(before)
        for code, label in enumerate(codes.labels):
            mine = (codes.at(before) == code) & (weights != 0)
            earned = float(np.nansum(weights[mine] * returns.at(date)[mine]))
            assert found.effects[label][k] == pytest.approx(earned, abs=1e-12)


def test_the_market_must_be_the_one_the_backtest_ran_on(result, market):
    with pytest.raises(AxisMismatch, match="Give the market that the backtest ran on"):
        contribution(result, market.until("2019-03-01"))


def test_the_component_gives_what_the_function_gives(result, market):
    assert ATTRIBUTORS.get("contribution") is Contribution
    found = Contribution(by="side").attribute(result, market)
    assert set(found.effects) == {"long", "short", "trading", "costs"}


@pytest.mark.parametrize(
    ("total", "benchmark", "effects", "coefficients", "linked"),
    [
        (  # Frongello 2004, two periods
            [0.21, 0.14],
            [0.11, 0.09],
            {"allocation": [0.06, 0.02], "selection": [0.04, 0.03]},
            [1.11517251, 1.15965497],
            {"allocation": 0.09010345, "selection": 0.07939655},
        ),
        (  # Frongello 2002, table 3
            [0.33, 0.40, 0.07],
            [-0.15, 0.19, 0.09],
            {"allocation": [-0.04, -0.005, 0.34], "selection": [0.52, 0.215, -0.36]},
            [1.40261576, 1.16380329, 1.39246272],
            {"allocation": 0.41151368, "selection": 0.47829132},
        ),
    ],
)
def test_carino_gives_the_published_numbers(total, benchmark, effects, coefficients, linked):
    total, benchmark = np.array(total), np.array(benchmark)
    assert_allclose(carino_coefficients(total, benchmark), coefficients, atol=5e-9)
    found = carino({k: np.array(v) for k, v in effects.items()}, total, benchmark)
    for name, value in linked.items():
        assert found[name] == pytest.approx(value, abs=5e-9)


def test_identical_periods_keep_the_shares_of_the_effects():
    """Frongello 2002, table 1: allocation 37.5 %, selection 62.5 % of the excess."""
    total, benchmark = np.full(3, 0.056), np.full(3, 0.040)
    found = carino({"a": np.full(3, 0.006), "s": np.full(3, 0.010)}, total, benchmark)
    assert found["a"] / (found["a"] + found["s"]) == pytest.approx(0.375)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)), min_size=1, max_size=30),
    st.booleans(),
)
def test_linked_parts_add_up_for_any_returns(pairs, equal_once):
    total, benchmark = np.array(pairs).T.copy()
    if equal_once:
        benchmark[0] = total[0]  # must not divide by zero
    half = (total - benchmark) / 2
    found = carino({"a": half, "b": half}, total, benchmark)
    excess = np.prod(1 + total) - np.prod(1 + benchmark)
    assert sum(found.values()) == pytest.approx(excess, abs=1e-10, rel=1e-10)


def test_a_total_loss_cannot_be_linked():
    with pytest.raises(SuperhetError, match="above -100 %"):
        carino_coefficients(np.array([0.1, -1.0]))
