"""Sub-universes: a signal that works only among the small is found out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from superhet.errors import AxisMismatch
from superhet.evaluation import (
    forward_returns,
    information,
    information_by_sub_universe,
    size_groups,
    sub_universes,
)
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def market():
    return random_market(dates=150, assets=90, seed=4)


def test_thirds_by_size_hold_every_member_once(market):
    parts = sub_universes(market)
    assert list(parts) == ["small", "middle", "large"]
    total = sum(p.values.astype(int) for p in parts.values())
    known = ~np.isnan(market[market.size].values) & market.universe.member.values
    assert_array_equal(total, known)


def test_who_is_in_no_index_is_the_rest(market):
    member = market.universe.member
    big, both = np.zeros(member.values.shape, bool), np.zeros(member.values.shape, bool)
    big[:, :30], both[:, 20:40] = True, True
    flags = {"000300.SH": member.with_values(big), "000905.SH": member.with_values(both)}
    parts = sub_universes(market, flags)
    assert list(parts) == ["000300.SH", "000905.SH", "rest"]
    assert_array_equal(parts["rest"].values[:, 40:], member.values[:, 40:])
    assert not parts["rest"].values[:, :40].any()
    everyone = {"all": member.with_values(np.ones_like(big))}
    assert list(sub_universes(market, everyone)) == ["all"]  # nobody is left for the rest


def test_a_signal_that_works_only_among_the_small_is_found_out(market):
    rng = np.random.default_rng(0)
    forward = forward_returns(market, horizon=5)
    small = size_groups(market, 3).values == 0
    values = np.where(small, np.nan_to_num(forward.values), 0.0) + 0.03 * rng.standard_normal(
        forward.values.shape
    )
    signal = forward.with_values(values, name="x", unit="score")
    found = {
        u.name: u for u in information_by_sub_universe(signal, forward, sub_universes(market), 5)
    }
    assert found["small"].information.rank.t > 10
    assert abs(found["large"].information.rank.t) < 4
    assert found["small"].names == pytest.approx(30, abs=2)


def test_the_whole_universe_is_one_part(market):
    rng = np.random.default_rng(1)
    forward = forward_returns(market, horizon=1)
    signal = forward.with_values(rng.standard_normal(forward.values.shape), unit="score")
    everyone = market.universe.member.with_values(np.ones(forward.values.shape, bool))
    found = information_by_sub_universe(signal, forward, {"all": everyone}, 1)[0]
    assert_array_equal(found.information.rank_ic, information(signal, forward, 1).rank_ic)
    assert found.to_dict()["rank_ic"]["count"] == found.information.rank.count


def test_flags_of_other_dates_are_refused(market):
    flags = market.universe.member.rows(slice(0, 50))
    with pytest.raises(AxisMismatch, match="different dates"):
        sub_universes(market, {"x": flags})
