"""Libraries: every formula reads, is of its kind, and does not look ahead."""

from __future__ import annotations

import numpy as np
import pytest

from superhet.errors import UnknownName
from superhet.factors import LIBRARIES, evaluate, library, missing_fields, parse, pick
from superhet.panel import Market
from superhet.testing.checks.operator import scrambled_after
from superhet.testing.markets import random_market

BLOCKS = {"daily": "daily", "intraday": "minute", "fundamental": "quarterly"}


@pytest.fixture(scope="module")
def market() -> Market:
    market = random_market(dates=100, assets=20, seed=2)
    table = market.table("statements")
    more = {
        "operating_cash_flow": 0.8 * table["net_profit"],
        "gross_profit": 0.3 * table["revenue"],
        "total_assets": 2.5 * table["equity"],
        "total_liabilities": 1.5 * table["equity"],
    }
    basis = {**table.basis, "operating_cash_flow": "ytd", "gross_profit": "ytd"}
    events = type(table)(
        name="statements", columns={**table.columns, **more}, known_at=table.known_at, basis=basis
    )
    return type(market)(**{**vars(market), "events": {"statements": events}})


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_names_are_unique_and_facts_are_given(name: str) -> None:
    formulas = library(name)
    assert len({f.name for f in formulas}) == len(formulas) >= 10
    for formula in formulas:
        assert formula.meaning
        assert formula.source
        assert formula.expression.block == BLOCKS[name]


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_every_formula_can_be_computed_and_does_not_look_ahead(name: str, market: Market) -> None:
    formulas = {f.name: f.text for f in library(name)}
    assert not [n for n, text in formulas.items() if missing_fields(parse(text), market)]
    whole = evaluate(formulas, market)
    last = 70
    cut = evaluate(formulas, market.until(market.dates.values[last]))
    noisy = evaluate(formulas, scrambled_after(market, last, np.random.default_rng(0)))
    for n in formulas:
        wanted = whole[n].values[: last + 1].tobytes()
        assert cut[n].values.tobytes() == wanted, n
        assert noisy[n].values[: last + 1].tobytes() == wanted, n


def test_one_picks_by_name_in_the_order_asked_for() -> None:
    assert [f.name for f in pick("daily", ["size", "reversal_5"])] == ["size", "reversal_5"]
    assert pick("intraday") == library("intraday")


def test_a_misspelled_name_is_answered_with_near_misses() -> None:
    with pytest.raises(UnknownName, match="did you mean 'reversal_5'"):
        pick("daily", ["reversl_5"], key="signals[0].pick")
    with pytest.raises(UnknownName, match=r"signals\[0\].library: unknown library 'dayly'"):
        library("dayly", key="signals[0].library")
