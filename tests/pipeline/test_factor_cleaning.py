"""Factor cleaning: tails of known index, weights of known concentration, ranks that nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from superhet.evaluation import forward_returns
from superhet.pipeline.factor_cleaning import concentration, factor_cleaning, tail_index
from superhet.preprocess import effective_share
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def rows():
    market = random_market(dates=120, assets=200, seed=1)
    forward = forward_returns(market, horizon=5)
    heavy = np.random.default_rng(0).standard_t(2, forward.values.shape)
    signal = forward.with_values(heavy, name="heavy", unit="score")
    return {r.name: r for r in factor_cleaning(signal, market, forward, 5)}


@pytest.mark.parametrize("freedom", [1, 2])
def test_tail_index_of_student_is_its_degrees_of_freedom(freedom):
    values = np.random.default_rng(0).standard_t(freedom, (200, 4000))
    assert tail_index(values, share=0.01) == pytest.approx(freedom, rel=0.1)


def test_tail_index_of_pareto_is_its_power():
    values = np.random.default_rng(1).pareto(3.0, (100, 2000)) + 1.0
    signs = np.where(np.arange(2000) % 2, 1.0, -1.0)
    assert tail_index(values * signs) == pytest.approx(3.0, rel=0.1)


def test_too_few_names_have_no_tail_and_equal_names_no_weights():
    assert np.isnan(tail_index(np.ones((3, 50))))
    assert np.isnan(tail_index(np.random.default_rng(0).standard_normal((3, 90))))
    assert np.isnan(concentration(np.ones((3, 50)))).all()


def test_linear_ranks_spread_over_three_quarters_of_the_names():
    ranks = np.tile((np.arange(1000) + 0.5) / 500 - 1, (3, 1))
    assert concentration(ranks)[1] / 1000 == pytest.approx(effective_share(1.0), rel=1e-3)


def test_cleaning_leaves_the_order_and_changes_the_weights(rows):
    assert list(rows) == ["raw", "winsorized", "mad_clipped", "rank_normal", "power_rank"]
    raw = rows["raw"]
    for name, row in rows.items():
        assert row.rank_ic == pytest.approx(raw.rank_ic, abs=0.002), name
    assert rows["rank_normal"].rank_ic == rows["power_rank"].rank_ic
    shares = [rows[n].largest_share for n in ("raw", "winsorized", "rank_normal")]
    assert shares == sorted(shares, reverse=True)
    names = [rows[n].effective_names for n in ("raw", "winsorized", "rank_normal")]
    assert names == sorted(names)


def test_a_heavy_tail_is_seen_and_is_gone_after_ranking(rows):
    assert rows["raw"].tail_index == pytest.approx(2.0, abs=0.6)
    assert rows["raw"].excess_kurtosis > 10
    assert abs(rows["rank_normal"].skew) < 1e-9
    assert abs(rows["rank_normal"].excess_kurtosis) < 0.2
    assert rows["raw"].sharpe_net < rows["raw"].sharpe
    assert rows["raw"].to_dict()["annual_turnover"] > 10


def test_a_signal_known_nowhere_has_no_numbers():
    market = random_market(dates=40, assets=30)
    forward = forward_returns(market, horizon=1)
    nothing = forward.with_values(np.full(forward.values.shape, np.nan), name="x", unit="score")
    for row in factor_cleaning(nothing, market, forward, 1):
        assert row.to_dict()["ic"] is None
        assert row.to_dict()["annual_turnover"] is None
