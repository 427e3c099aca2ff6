"""Libraries: every formula reads, says what it is, can be computed, and does not look ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superhet.errors import UnknownName
from superhet.factors import LIBRARIES, Formula, evaluate, library, missing_fields, pick
from superhet.panel import Market
from superhet.testing.checks.operator import scrambled_after
from superhet.testing.markets import random_market

BLOCKS = {"intraday": "minute", "fundamental": "quarterly", "fundamental_extended": "quarterly"}
SIZES = {"alpha101": 101, "alpha158": 158, "alpha360": 360, "gtja191": 191, "daily": 24}
# full windows of full windows that no asset of this market with its holes ever has; three years of quarters
NEVER_IN_TIME = {"alpha096", "gtja064", "gtja075", "revenue_growth_3y"}


@pytest.fixture(scope="module")
def market() -> Market:
    """A market with every field that a library names."""
    market = random_market(dates=330, assets=14, seed=2)
    close = market["adjusted_close"]
    level = np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, len(market.dates))))
    same = np.repeat(level[:, None], len(market.assets), axis=1)
    fields = {n: close.with_values(same, name=n) for n in ("benchmark_open", "benchmark_close")}
    table = market.table("statements")
    needed = {c for n in LIBRARIES for f in pick(n) for c in f.expression.statement_columns}
    more = {c: 0.5 * table["net_profit"] for c in sorted(needed) if c not in table.columns}
    flows = set(_flows(needed))
    basis = {**table.basis, **{c: "ytd" if c in flows else "level" for c in more}}
    events = replace(table, columns={**table.columns, **more}, basis=basis)
    return replace(market.with_fields(fields), events={"statements": events})


def _flows(columns: set[str]) -> list[str]:
    """Columns that some formula takes over a span of time."""
    found = []
    for name in LIBRARIES:
        for formula in pick(name):
            for node in formula.expression.walk():
                if node.kind == "call" and node.word in ("ttm", "quarterly"):
                    found += sorted(node.statement_columns & columns)
    return found


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_names_are_unique_and_facts_are_given(name: str) -> None:
    formulas = library(name)
    assert len({f.name for f in formulas}) == len(formulas) == SIZES.get(name, len(formulas))
    for formula in formulas:
        assert formula.meaning["en"]
        assert formula.meaning["zh"]
        assert formula.source
        assert formula.text or formula.missing["en"]
        if formula.text:
            assert formula.expression.block == BLOCKS.get(name, "daily")


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_every_formula_can_be_computed_and_does_not_look_ahead(name: str, market: Market) -> None:
    formulas: dict[str, Formula] = {f.name: f for f in pick(name)}
    lacking = {n: missing_fields(f.expression, market) for n, f in formulas.items()}
    assert not {n: m for n, m in lacking.items() if m}
    whole = evaluate(formulas, market)
    last = 250
    cut = evaluate(formulas, market.until(market.dates.values[last]))
    noisy = evaluate(formulas, scrambled_after(market, last, np.random.default_rng(0)))
    for n in formulas:
        assert not np.isinf(whole[n].values).any(), n
        assert n in NEVER_IN_TIME or whole[n].known().any(), n
        wanted = whole[n].values[: last + 1].tobytes()
        assert cut[n].values.tobytes() == wanted, n
        assert noisy[n].values[: last + 1].tobytes() == wanted, n


def test_one_picks_by_name_in_the_order_asked_for() -> None:
    assert [f.name for f in pick("daily", ["size", "reversal_5"])] == ["size", "reversal_5"]
    assert pick("intraday") == library("intraday")


def test_what_cannot_be_computed_is_left_out_and_says_why() -> None:
    left_out = {f.name for f in library("gtja191")} - {f.name for f in pick("gtja191")}
    assert left_out == {"gtja030", "gtja143"}


def test_a_misspelled_name_is_answered_with_near_misses() -> None:
    with pytest.raises(UnknownName, match="did you mean 'reversal_5'"):
        pick("daily", ["reversl_5"], key="signals[0].pick")
    with pytest.raises(UnknownName, match=r"signals\[0\].library: unknown library 'dayly'"):
        library("dayly", key="signals[0].library")
