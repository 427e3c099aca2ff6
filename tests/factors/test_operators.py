"""Every operator passes the battery of operators."""

import pytest

from superhet.factors import OPERATORS
from superhet.panel import Market
from superhet.testing.checks.operator import check_operator, example_formula
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(dates=100, assets=24, seed=3)


@pytest.mark.parametrize("name", OPERATORS.names())
def test_every_operator_passes_the_battery(name: str, market: Market) -> None:
    check_operator(name, market)


def test_there_are_at_least_forty_five_operators() -> None:
    assert len(OPERATORS) >= 45


def test_families_wear_their_prefix() -> None:
    prefixes = {"time_series": "ts_", "cross_section": "cs_", "intraday": "bar_"}
    for name in OPERATORS:
        prefix = prefixes.get(OPERATORS.get(name).family)
        assert prefix is None or name.startswith(prefix)


def test_the_example_formula_calls_the_operator(market: Market) -> None:
    assert example_formula(OPERATORS.get("ts_corr"), market) == "ts_corr(close, returns, 5)"
