"""Neutralization and INSN: exact neutrality, and every edge case by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError, TooFewAssets, UnknownName
from superhet.panel import Cube, Panel
from superhet.preprocess import Insn, Neutralize, PowerRank, neutrality


def industry_means(panel, market, inside):
    codes = market.groups("industry").values
    values = np.where(inside & panel.known(), panel.values, 0.0)
    return np.array([(values * (codes == k)).sum(axis=1) for k in range(-1, codes.max() + 1)])


# -------------------------------------------------------------------------------------------- neutralize


def test_a_neutralized_signal_has_no_industry_mean_and_no_size(market, noise):
    found = Neutralize().transform(noise, market)
    inside = market.universe.estimable.values
    assert_allclose(industry_means(found, market, inside), 0.0, atol=1e-12)
    size = np.log(market["market_cap"].values)
    held = np.where(inside & found.known(), found.values * size, 0.0)
    assert_allclose(held.sum(axis=1), 0.0, atol=1e-11)


def test_regression_equals_least_squares_with_dummies_and_log_cap(market, noise):
    found = Neutralize().transform(noise, market).values
    t = 11
    size, codes = np.log(market["market_cap"].values[t]), market.groups("industry").values[t]
    known = market.universe.member.values[t] & noise.known()[t] & np.isfinite(size)
    fit = known & market.universe.estimable.values[t]
    columns = np.column_stack([codes[:, None] == np.arange(-1, codes.max() + 1), size])
    beta = np.linalg.lstsq(columns[fit], noise.values[t, fit], rcond=None)[0]
    assert_allclose(found[t, known], noise.values[t, known] - columns[known] @ beta, atol=1e-12)
    assert np.isnan(found[t, ~known]).all()


def test_group_demean_is_regression_on_the_groups_alone(market, noise):
    for weights in ("equal", "cap", "sqrt_cap"):
        left = Neutralize(against=["industry"], weights=weights).transform(noise, market)
        right = Neutralize(against=["industry"], weights=weights, method="group_demean")
        assert_allclose(left.values, right.transform(noise, market).values, atol=1e-11)


def test_cap_weights_make_it_neutral_in_cap_weights_and_not_in_equal_ones(market, noise):
    found = Neutralize(weights="cap").transform(noise, market)
    inside = market.universe.estimable.values
    weighted = found.with_values(found.values * market["market_cap"].values)
    scale = np.nansum(np.abs(weighted.values), axis=1)
    assert_allclose(industry_means(weighted, market, inside) / scale, 0.0, atol=1e-13)
    assert np.abs(industry_means(found, market, inside)).max() > 1e-3


def test_neutralizing_twice_changes_nothing(market, noise):
    once = Neutralize().transform(noise, market)
    assert_allclose(Neutralize().transform(once, market).values, once.values, atol=1e-12)


def test_any_field_or_given_exposure_can_be_taken_out(market, noise):
    rng = np.random.default_rng(1)
    beta = noise.with_values(rng.standard_normal(noise.values.shape), name="beta", unit="exposure")
    planted = noise.with_values(
        noise.values + 5.0 * beta.values + 100.0 * market["turnover"].values
    )
    step = Neutralize(against=["industry", "turnover", "beta"], exposures=Cube({"beta": beta}))
    found = step.transform(planted, market)
    wanted = step.transform(noise, market)
    known = found.known()  # turnover is not known on days without trade
    assert_array_equal(known, wanted.known() & market["turnover"].known())
    assert_allclose(found.values[known], wanted.values[known], atol=1e-10)


def test_without_a_classification_an_intercept_is_fitted(market, noise):
    found = Neutralize(against=["size"]).transform(noise, market)
    inside = market.universe.estimable.values & found.known()
    assert_allclose(np.where(inside, found.values, 0.0).sum(axis=1), 0.0, atol=1e-11)


def test_a_second_classification_enters_as_dummies(market, noise):
    codes = (np.arange(60) % 3).astype(np.int32)
    board = replace(
        market.groups("industry"),
        values=np.tile(codes, (20, 1)),
        labels=("main", "star", "chinext"),
        name="board",
    )
    wide = replace(market, group_panels={**market.group_panels, "board": board})
    found, report = Neutralize(against=["industry", "board"]).transform_with_report(noise, wide)
    inside = market.universe.estimable.values & found.known()
    for code in range(3):
        held = np.where(inside & (board.values == code), found.values, 0.0)
        assert_allclose(held.sum(axis=1), 0.0, atol=1e-11)
    assert report.dropped == {"board: chinext": 20}  # the last dummy is what the others leave


def test_copied_and_constant_exposures_are_named_in_the_report(market, noise):
    copy = market["market_cap"].with_values(np.log(market["market_cap"].values), name="copy")
    flat = copy.with_values(np.full(copy.values.shape, 7.0), name="flat")
    step = Neutralize(
        against=["industry", "size", "copy", "flat"], exposures=Cube({"copy": copy, "flat": flat})
    )
    found, report = step.transform_with_report(noise, market)
    assert report.dropped == {"copy": 20, "flat": 20}
    assert_allclose(found.values, Neutralize().transform(noise, market).values, atol=1e-11)


def test_an_unknown_exposure_is_named_with_a_suggestion(market, noise):
    with pytest.raises(UnknownName, match="against: unknown exposure 'sise'; did you mean 'size'"):
        Neutralize(against=["sise"]).transform(noise, market)


@pytest.mark.parametrize("against", [["size"], ["industry", "size"]])
def test_group_demean_takes_exactly_one_classification(against, market, noise):
    with pytest.raises(ConfigError, match="group_demean takes one classification"):
        Neutralize(against=against, method="group_demean").transform(noise, market)


def test_names_whose_exposure_is_missing_count_as_missing(small):
    cap = np.full(40, 2.0) ** np.arange(40)
    cap[:15] = np.nan
    signal, market = small(np.arange(40.0), cap=cap)
    with pytest.raises(TooFewAssets, match="neutralize of 'signal': 2020-01-06 has 25 valid names"):
        Neutralize(against=["size"]).transform(signal, market)
    found = Neutralize(against=["size"], min_names=25).transform(signal, market)
    assert_array_equal(found.known()[0], ~np.isnan(cap))


# -------------------------------------------------------------------------------------------------- INSN


def test_insn_filters_first_and_is_then_neutral_over_exactly_the_pool(market, noise):
    found = Insn().transform(noise, market)
    pool = market.universe.tradable.values
    assert_array_equal(found.known(), pool & noise.known())
    assert_allclose(industry_means(found, market, pool), 0.0, atol=1e-12)
    left = neutrality(found, market)
    assert left.max_abs_industry_net < 1e-14
    assert left.max_abs_size_exposure < 1e-14
    assert "largest industry net" in str(left)


def test_filtering_after_neutralizing_would_break_neutrality(market, noise):
    late = Neutralize().transform(noise, replace_estimable_by_members(market))
    late = late.with_values(np.where(market.universe.tradable.values, late.values, np.nan))
    assert neutrality(late, market).max_abs_industry_net > 1e-4


def replace_estimable_by_members(market):
    return replace(market, universe=replace(market.universe, estimable=market.universe.member))


def test_insn_is_demeaning_within_industries_and_one_slope(market, noise):
    found = Insn().transform(noise, market).values
    t, pool = 7, market.universe.tradable.values[7] & noise.known()[7]
    codes = market.groups("industry").values[t]
    y, x = noise.values[t].copy(), np.log(market["market_cap"].values[t])
    for k in range(-1, codes.max() + 1):
        own = pool & (codes == k)
        if own.any():
            y[own] -= y[own].mean()
            x[own] -= x[own].mean()
    slope = (x[pool] * y[pool]).sum() / (x[pool] ** 2).sum()
    assert_allclose(found[t, pool], y[pool] - slope * x[pool], atol=1e-12)


def test_insn_scales_with_the_signal(market, noise):
    assert_allclose(
        Insn().transform(noise * 3.0, market).values,
        3.0 * Insn().transform(noise, market).values,
        atol=1e-12,
    )


def test_a_name_alone_in_its_industry_is_zero_and_counted(small):
    signal, market = small([5.0, 1.0, 2.0, 4.0], industry=[1, 0, 0, 0], cap=[1.0, 1.0, 2.0, 4.0])
    found, report = Insn(min_names=2).transform_with_report(signal, market)
    assert found.values[0, 0] == 0.0
    assert_array_equal(report.alone, [1])
    assert_array_equal(report.fitted, [4])


def test_constant_size_leaves_industry_demeaning_and_says_so(small):
    signal, market = small([1.0, 3.0, 10.0, 30.0], industry=[0, 0, 1, 1], cap=[7.0] * 4)
    found, report = Insn(min_names=2).transform_with_report(signal, market)
    assert_allclose(found.values, [[-1.0, 1.0, -10.0, 10.0]])
    assert report.dropped == {"size": 1}


def test_equal_sizes_within_every_industry_are_the_only_failure_of_the_slope(small):
    sizes = [2.0, 2.0, 8.0, 8.0]
    signal, market = small([1.0, 3.0, 10.0, 30.0], industry=[0, 0, 1, 1], cap=sizes)
    assert Insn(min_names=2).transform_with_report(signal, market)[1].dropped == {"size": 1}
    signal, market = small([1.0, 3.0, 10.0, 30.0], industry=[0, 0, 1, 1], cap=[2.0, 2.0, 4.0, 8.0])
    assert Insn(min_names=2).transform_with_report(signal, market)[1].dropped == {}


def test_an_unknown_industry_is_demeaned_among_its_own(small):
    signal, market = small([1.0, 2.0, 10.0, 30.0], industry=[0, 0, -1, -1], cap=[3.0] * 4)
    assert_allclose(Insn(min_names=2).transform(signal, market).values, [[-0.5, 0.5, -10, 10]])


def test_infinite_signals_stay_out(small):
    signal, market = small([1.0, 2.0, np.inf, 6.0], cap=[1.0, 2.0, 3.0, 9.0])
    found = Insn(min_names=2).transform(signal, market).values
    assert np.isnan(found[0, 2])
    assert np.isfinite(found[0, [0, 1, 3]]).all()


def test_fewer_than_thirty_tradable_names_is_an_error(small):
    tradable = np.arange(40) < 29
    signal, market = small(np.arange(40.0) ** 2, cap=np.arange(1.0, 41.0), tradable=tradable)
    with pytest.raises(TooFewAssets, match="insn of 'signal': 2020-01-06 has 29 valid names"):
        Insn().transform(signal, market)


def test_rank_neutralize_rescale_gives_equal_long_and_short_and_exact_neutrality(market, noise):
    ranked = PowerRank(power=1.5).transform(Insn().transform(noise, market), market)
    assert neutrality(ranked, market).max_abs_industry_net > 1e-4  # ranking brings exposure back
    weights = Insn().transform(ranked, market)
    values = np.nan_to_num(weights.values)
    scaled = values / np.abs(values).sum(axis=1, keepdims=True)
    assert_allclose(scaled.clip(min=0).sum(axis=1), 0.5, atol=1e-12)
    assert_allclose(scaled.clip(max=0).sum(axis=1), -0.5, atol=1e-12)
    left = neutrality(weights.with_values(scaled), market)
    assert left.max_abs_industry_net < 1e-12
    assert left.max_abs_size_exposure < 1e-12


def test_neutrality_of_a_hand_made_book(small):
    signal, market = small([0.25, -0.25, 0.5, np.nan], industry=[0, 0, 1, 1])
    found = neutrality(signal, market)
    assert_allclose(found.industry_net, [0.5])
    assert found.max_abs_size_exposure == 0.0
    empty = Panel(values=np.full((1, 4), np.nan), dates=signal.dates, assets=signal.assets)
    assert neutrality(empty, market).max_abs_industry_net == 0.0
