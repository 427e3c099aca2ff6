"""The mining door gives the correlations that one would compute by hand, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

from superhet.errors import ConfigError, FormulaError
from superhet.factors import evaluate, parse
from superhet.factors.screen import Screen
from superhet.panel import Market, Panel
from superhet.testing.markets import random_market

TEXTS = [
    *(f"ts_mean(returns, {w}) / ts_std(returns, {w})" for w in (5, 10, 20)),
    *(f"ts_corr(close, volume, {w}) * ts_std(returns, 20)" for w in (5, 10, 20)),
    "cs_rank(turnover) - ts_lag(cs_rank(turnover), 5)",
    "close",
    "close / 0",
]


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(dates=80, assets=40, seed=4)


@pytest.fixture(scope="module")
def target(market: Market) -> Panel:
    forward = evaluate({"y": "ts_lag(close, -2) / ts_lag(close, -1) - 1"}, market, label=True)
    return forward["y"]


def test_daily_correlations_are_those_of_numpy_and_scipy(market: Market, target: Panel) -> None:
    scores = Screen(market, target, dtype="float64").score(map(parse, TEXTS), ranks=True)
    signals = evaluate({t: t for t in TEXTS}, market, dtype="float64")
    assert scores.rank_ic is not None
    for i, text in enumerate(TEXTS):
        for t in (30, 50, 70):
            x, y = signals[text].values[t], target.values[t].astype(float)
            both = np.isfinite(x) & np.isfinite(y)
            if both.sum() < 3:
                assert np.isnan(scores.ic[i, t])
                continue
            assert scores.ic[i, t] == pytest.approx(np.corrcoef(x[both], y[both])[0, 1], abs=1e-9)
            if both.all():
                wanted = spearmanr(x, y).statistic
                assert scores.rank_ic[i, t] == pytest.approx(wanted, abs=1e-9)


def test_a_score_does_not_depend_on_company_order_threads_or_memory(
    market: Market, target: Panel
) -> None:
    formulas = [parse(t) for t in TEXTS]
    alone = np.vstack([Screen(market, target, threads=1).score([f]).ic for f in formulas])
    for threads, memory in ((1, 0), (2, 1 << 20), (2, 1 << 30)):
        screen = Screen(market, target, threads=threads, memory=memory)
        for _ in range(3):  # the second and third time, parts are kept from the time before
            assert_array_equal(screen.score(formulas).ic, alone)
        assert_array_equal(screen.score(formulas[::-1]).ic[::-1], alone)


@pytest.mark.parametrize("assets", [3, 150, 256])
def test_assets_of_any_number_are_correlated_together(assets: int) -> None:
    """They come to the machine some at a time, the last few of them in strips of dates."""
    market = random_market(dates=60, assets=assets, seed=1)
    text = "ts_corr(close, volume, 10) + ts_mean(returns, 5)"
    scores = Screen(market, market["returns"], dtype="float64").score([parse(text)])
    signal = evaluate({"x": text}, market, dtype="float64")["x"].values
    for t in range(20, 60, 13):
        x, y = signal[t], market["returns"].values[t].astype(float)
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() >= 3:
            assert scores.ic[0, t] == pytest.approx(np.corrcoef(x[both], y[both])[0, 1], abs=1e-9)


def test_statements_are_scored_on_the_dates_that_they_stand_on(
    market: Market, target: Panel
) -> None:
    texts = ["yoy(net_profit)", "returns", "yoy(revenue)"]
    scores = Screen(market, target, dtype="float64").score(map(parse, texts), ranks=True)
    signals = evaluate({t: t for t in texts}, market, dtype="float64")
    assert scores.rank_ic is not None
    for i, text in enumerate(texts):
        both = np.isfinite(signals[text].values) & np.isfinite(target.values)
        t = int(both.sum(axis=1).argmax())
        x, y = signals[text].values[t][both[t]], target.values[t][both[t]].astype(float)
        assert x.size > 20
        assert scores.ic[i, t] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-9)
        assert np.isnan(scores.ic[i][both.sum(axis=1) < 3]).all()


def test_a_formula_that_is_the_target_foretells_it_fully(market: Market) -> None:
    scores = Screen(market, market["returns"]).score([parse("returns"), parse("1 - 2 * returns")])
    assert_allclose(scores.mean_ic, [1.0, -1.0], atol=1e-6)


def test_scores_without_formulas_are_empty(market: Market, target: Panel) -> None:
    assert Screen(market, target).score([]).ic.shape == (0, 80)


def test_what_does_not_fit_is_refused(market: Market, target: Panel) -> None:
    with pytest.raises(ConfigError, match="target: its shape is"):
        Screen(market.between(market.dates.values[5], None), target)
    with pytest.raises(FormulaError, match="unknown field 'closs'"):
        Screen(market, target).score([parse("closs")])
