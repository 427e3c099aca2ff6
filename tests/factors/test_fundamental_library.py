"""The library of statements: facts, coverage, no look-ahead, and the planted truth found."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from superhet.data import MarketRequest, MemoryTables, load_market
from superhet.data.sources.simulated import SimulatedMarket, simulate
from superhet.data.sources.simulated.statements import BASIS
from superhet.evaluation import forward_returns, information
from superhet.factors import evaluate, parse
from superhet.kernels.point_in_time import carry_forward
from superhet.panel import Market
from superhet.testing.checks.operator import scrambled_after
from superhet.testing.markets import random_market

# the exchange calendar behind the simulation uses spellings that pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FURTHER = {
    "dividend ebit operating_profit capital_expenditure research_expense": "ytd",
    "total_debt short_term_debt cash current_assets current_liabilities inventory receivables": "level",
}
FURTHER_BASIS = {name: basis for names, basis in FURTHER.items() for name in names.split()}
PICKED = {  # what examples and users picked before the library was a table
    "sue": "sue(net_profit)",
    "sue_revenue": "sue(revenue)",
    "profit_surprise": "change(quarterly(net_profit), 4) / latest(equity)",
    "revenue_growth": "yoy(ttm(revenue))",
    "profit_growth": "yoy(ttm(net_profit))",
    "roe": "ttm(net_profit) / latest(equity)",
    "roe_change": "change(ttm(net_profit) / equity, 4)",
    "cash_flow_quality": "quarterly(operating_cash_flow) / latest(total_assets)",
    "accruals": "(ttm(net_profit) - ttm(operating_cash_flow)) / latest(total_assets)",
    "gross_profitability": "ttm(gross_profit) / latest(total_assets)",
    "margin_change": "change(quarterly(gross_profit) / quarterly(revenue), 4)",
    "leverage": "latest(total_liabilities) / latest(total_assets)",
    "asset_growth": "yoy(total_assets)",
    "ep": "ttm(net_profit) / market_cap",
    "bp": "latest(equity) / market_cap",
    "sp": "ttm(revenue) / market_cap",
}


def table(name: str) -> dict[str, Any]:
    text = files("superhet.factors.library").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def formulas(name: str) -> dict[str, dict[str, Any]]:
    return {k: v for k, v in table(name).items() if isinstance(v, dict) and "formula" in v}


LIBRARY, EXTENDED = formulas("fundamental"), formulas("fundamental_extended")
TEXTS = {name: facts["formula"] for name, facts in LIBRARY.items()}
ALL_TEXTS = TEXTS | {name: facts["formula"] for name, facts in EXTENDED.items()}


def known(formula_names: list[str], market: Market) -> dict[str, np.ndarray]:
    """Evaluate formulas, and carry announcements forward."""
    found = evaluate({n: ALL_TEXTS[n] for n in formula_names}, market)
    return {n: carry_forward(np.asarray(found[n].values, dtype=float)) for n in formula_names}


@pytest.fixture(scope="module")
def simulated() -> Market:
    """A market with surprise and quality planted in its statements (see the simulated source)."""
    recipe = SimulatedMarket(assets=150, years=2.0, seed=3, industries=10, bars=None)
    return load_market(MemoryTables(simulate(recipe).tables), MarketRequest(benchmark="SIM"))


@pytest.fixture(scope="module")
def wide(simulated: Market) -> Market:
    """The simulated market with every further column, each a noisy share of one that it states."""
    rng = np.random.default_rng(11)
    statements = simulated.table("statements")
    stated = {"ytd": statements["gross_profit"], "level": statements["total_assets"]}
    further = {
        name: 0.2 * stated[kind] * np.exp(0.1 * rng.standard_normal(statements.rows))
        for name, kind in FURTHER_BASIS.items()
    }
    basis = {**statements.basis, **FURTHER_BASIS}
    more = replace(statements, columns={**statements.columns, **further}, basis=basis)
    return replace(simulated, events={**simulated.events, "statements": more})


@pytest.fixture(scope="module")
def market() -> Market:
    """A random market with every column of both libraries, a tenth of the reports stated a second time."""
    rng = np.random.default_rng(5)
    market = random_market(dates=140, assets=15, seed=2)
    statements = market.table("statements")
    basis = {**BASIS, **FURTHER_BASIS}
    columns = dict(statements.columns)
    for name, kind in basis.items():
        scale = columns["net_profit"] if kind == "ytd" else columns["equity"]
        columns[name] = scale * np.exp(0.1 * rng.standard_normal(scale.size))
    again = np.flatnonzero(rng.random(statements.rows) < 0.1)
    later = statements.known_at[again] + rng.integers(20, 150, again.size).astype("timedelta64[D]")
    known_at = np.concatenate([statements.known_at, later])
    order = np.argsort(known_at, kind="stable")
    for name, column in columns.items():
        second = 1.1 * column[again] if name in basis else column[again]
        columns[name] = np.concatenate([column, second])[order]
    events = replace(statements, columns=columns, known_at=known_at[order], basis=basis)
    return replace(market, events={"statements": events})


@pytest.mark.parametrize("name", ["fundamental", "fundamental_extended"])
def test_the_table_says_what_it_is_in_two_languages(name: str) -> None:
    head = {k: v for k, v in table(name).items() if k not in formulas(name)}
    assert set(head) == {"title", "syntax", "convention", "source"}
    assert (head["syntax"], head["convention"]) == ("superhet", "superhet")
    assert set(head["title"]) == {"en", "zh"}


@pytest.mark.parametrize("name", sorted(ALL_TEXTS))
def test_every_formula_gives_its_facts(name: str) -> None:
    facts = {**LIBRARY, **EXTENDED}[name]
    assert set(facts) == {"formula", "sign", "en", "zh", "source"}
    assert facts["sign"] in (-1, 1)
    assert facts["en"].isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in facts["zh"])
    assert any(letter.isdigit() for letter in facts["source"])  # a paper has a year
    assert parse(facts["formula"]).block == "quarterly"


def test_there_are_about_sixty_and_no_name_is_used_twice() -> None:
    assert len(LIBRARY) >= 60
    assert not set(LIBRARY) & set(EXTENDED)
    assert len(set(ALL_TEXTS.values())) == len(ALL_TEXTS)
    assert len({parse(text) for text in ALL_TEXTS.values()}) == len(ALL_TEXTS)


def test_what_users_have_picked_is_still_there() -> None:
    assert {name: TEXTS[name] for name in PICKED} == PICKED


def test_the_library_reads_only_what_a_simulated_statement_states() -> None:
    assert {c for t in TEXTS.values() for c in parse(t).statement_columns} == set(BASIS)
    for facts in EXTENDED.values():
        further = parse(facts["formula"]).statement_columns - set(BASIS)
        assert further
        assert further <= set(FURTHER_BASIS)


def test_every_formula_covers_the_simulated_market(wide: Market) -> None:
    member = wide.universe.member.values[-1]
    for name, values in known(sorted(ALL_TEXTS), wide).items():
        assert np.isfinite(values[-1, member]).mean() > 0.9, name
        assert np.isfinite(values).mean() > 0.5, name
        assert np.nanstd(values) > 0, name


def test_no_formula_looks_ahead(market: Market) -> None:
    whole = evaluate(ALL_TEXTS, market)
    for last in (90, 120):
        cut = evaluate(ALL_TEXTS, market.until(market.dates.values[last]))
        noisy = evaluate(ALL_TEXTS, scrambled_after(market, last, np.random.default_rng(0)))
        for name in ALL_TEXTS:
            wanted = whole[name].values[: last + 1].tobytes()
            assert cut[name].values.tobytes() == wanted, name
            assert noisy[name].values[: last + 1].tobytes() == wanted, name


def test_a_loss_or_negative_equity_turns_no_sign(market: Market) -> None:
    statements = market.table("statements")
    columns = {**statements.columns, "net_profit": -statements["net_profit"]}
    columns["equity"] = -statements["equity"]
    poor = replace(market, events={"statements": replace(statements, columns=columns)})
    found = known(["cash_conversion", "equity_multiplier", "operating_profitability"], poor)
    for name, values in found.items():
        assert np.isnan(values).all(), name


def test_a_score_of_health_is_a_count_of_seven(simulated: Market) -> None:
    values = known(["f_score"], simulated)["f_score"]
    scores = set(np.unique(values[np.isfinite(values)]))
    assert {1, 3, 5, 7} < scores <= set(range(8))


def test_a_restatement_factor_is_zero_where_nothing_was_restated(simulated: Market) -> None:
    statements = simulated.table("statements")
    first = statements.take(statements["revision"] == 0)
    honest = replace(simulated, events={**simulated.events, "statements": first})
    names = ["profit_restatement", "profit_revision", "revenue_restatement"]
    names.append("restatement_frequency")
    for name, values in known(names, honest).items():
        assert np.nanmax(np.abs(values)) == 0.0, name
    share = known(["restatement_frequency"], simulated)["restatement_frequency"]
    assert 0.01 < np.nanmean(share) < 0.08  # a twentieth of the reports is stated again, later


def test_the_age_of_an_announcement_grows_by_one_a_session_until_the_next(
    simulated: Market,
) -> None:
    age = known(["announcement_age"], simulated)["announcement_age"]
    step = np.diff(age, axis=0)[np.isfinite(np.diff(age, axis=0))]
    grown = age[1:][np.isfinite(np.diff(age, axis=0))]
    assert ((step == 1) | (grown == 0) | ((step == 0) & (grown == 130))).all()


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("sue", 0.03),
        ("sue_fresh", 0.03),
        ("profit_surprise", 0.03),
        ("roe_change", 0.02),
        ("cash_flow_quality", 0.03),
        ("cash_profitability", 0.02),
    ],
)
def test_planted_surprise_and_quality_are_found(name: str, least: float, simulated: Market) -> None:
    formula = f"cs_neutralize({TEXTS[name]}, industry, size)"
    signal = evaluate({name: formula}, simulated)[name]
    forward = forward_returns(simulated, horizon=10)
    assert information(signal, forward, 10).rank.mean > least


def test_accruals_find_planted_quality_with_the_other_sign(simulated: Market) -> None:
    signal = evaluate({"x": f"cs_neutralize({TEXTS['accruals']}, industry, size)"}, simulated)["x"]
    assert information(signal, forward_returns(simulated, horizon=10), 10).rank.mean < -0.02
