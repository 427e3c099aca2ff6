"""Winsorize, standardize, rank, fill and smooth: worked examples and the rules of the room."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import AxisMismatch, ConfigError, TooFewAssets
from superhet.pipeline.build import component
from superhet.preprocess import (
    TRANSFORMERS,
    Ema,
    Fill,
    LinearDecay,
    PowerRank,
    RankNormalize,
    Standardize,
    Winsorize,
)
from superhet.testing.markets import random_market

SECTIONED = [Winsorize, Standardize, RankNormalize, PowerRank, Fill]


# ------------------------------------------------------------------------------------ the common door


@pytest.mark.parametrize("transformer", SECTIONED)
def test_a_date_with_29_valid_names_is_an_error_that_says_when_and_how_to_mend(transformer, small):
    values = np.arange(80.0).reshape(2, 40)
    values[1, :11] = np.nan
    signal, market = small(values)
    with pytest.raises(
        TooFewAssets, match=r"of 'signal': 2020-01-07 has 29 valid names, at least 30.*Widen"
    ):
        transformer().transform(signal, market)
    assert transformer(min_names=29).transform(signal, market).known()[1].any()


@pytest.mark.parametrize("transformer", SECTIONED)
def test_a_date_before_the_first_value_is_not_known_and_no_error(transformer, small):
    values = np.arange(80.0).reshape(2, 40)
    values[0] = np.nan
    signal, market = small(values)
    found = transformer().transform(signal, market)
    assert not found.known()[0].any()
    assert found.known()[1].all()


def test_statistics_come_from_estimable_members_and_all_members_are_transformed(small):
    signal, market = small(
        [0.0, 2.0, 10.0, 5.0],
        member=[True, True, True, False],
        estimable=[True, True, False, True],
    )
    found = Standardize(min_names=2).transform(signal, market)
    assert_array_equal(found.values, [[-1.0, 1.0, 9.0, np.nan]])


def test_a_signal_on_other_dates_is_refused(market, noise):
    with pytest.raises(AxisMismatch, match="'noise' and 'member' have different dates"):
        Standardize().transform(noise.rows(slice(0, 5)), market)


def test_single_precision_signals_are_computed_in_double(market, noise):
    single = noise.with_values(noise.values.astype(np.float32))
    found = Standardize().transform(single, market)
    assert found.values.dtype == np.float64
    wide = noise.with_values(single.values.astype(np.float64))
    assert_array_equal(found.values, Standardize().transform(wide, market).values)


# ------------------------------------------------------------------------------------------- winsorize


def test_mad_clip_by_hand(small):
    signal, market = small([1.0, 2.0, 3.0, 4.0, 100.0])  # median 3, MAD 1
    found = Winsorize(mad=3.0, min_names=5).transform(signal, market)
    assert_allclose(found.values, [[1.0, 2.0, 3.0, 4.0, 3.0 + 3.0 * 1.482602218505602]])


def test_an_outlier_outside_the_estimable_names_is_clipped_but_moves_no_bound(small):
    signal, market = small(
        [1.0, 2.0, 3.0, 4.0, 5.0, 1e9], estimable=[True, True, True, True, True, False]
    )
    found = Winsorize(quantile=(0.0, 1.0), min_names=5).transform(signal, market)
    assert found.values[0, -1] == 5.0


def test_one_quantile_means_both_tails(market, noise):
    one = Winsorize(quantile=0.05).transform(noise, market)
    two = Winsorize(quantile=(0.05, 0.95)).transform(noise, market)
    assert_array_equal(one.values, two.values)


def test_winsorize_without_a_rule_is_five_mad(market, noise):
    assert_array_equal(
        Winsorize().transform(noise, market).values,
        Winsorize(mad=5.0).transform(noise, market).values,
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"winsorize": {"mad": 5, "std": 3}}, "winsorize: give one of mad, std, quantile"),
        ({"winsorize": {"mad": -1}}, "winsorize.mad: must be above 0"),
        ({"winsorize": {"quantile": [0.9, 0.1]}}, "winsorize.quantile: needs 0 <= lower < upper"),
        ({"winsorize": {"quantile": 0.6}}, "winsorize.quantile: must be below 0.5"),
        ({"winsorize": {"lower": 0.1}}, "unknown key 'lower'"),
        ({"winsorise": {}}, "did you mean 'winsorize'"),
        ({"standardize": {"mean": "median"}}, "standardize.mean: must be 'equal' or 'cap'"),
        ({"power_rank": {"power": 0}}, "power_rank.power: must be above 0"),
        ({"fill": {"value": "mean"}}, "fill.value: must be 'median', 'industry_median' or 'zero'"),
        ({"ema": {"half_life": 0}}, "ema.half_life: must be above 0"),
        ({"neutralize": {"against": []}}, "neutralize.against"),
        ({"neutralize": {"method": "ols"}}, "neutralize.method: must be"),
    ],
)
def test_a_wrong_key_or_value_in_yaml_names_its_path(raw, message):
    with pytest.raises(ConfigError, match=message):
        component(TRANSFORMERS, raw, "preprocess[0]")


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("winsorize", Winsorize(mad=5.0)),
        ({"winsorize": {"mad": 4}}, Winsorize(mad=4.0)),
        ({"winsorize": {"quantile": 0.01}}, Winsorize(quantile=0.01)),
        ({"winsorize": {"quantile": [0.01, 0.98]}}, Winsorize(quantile=(0.01, 0.98))),
        ({"standardize": {"mean": "cap"}}, Standardize(mean="cap")),
    ],
)
def test_yaml_reads_as_the_python_call(raw, wanted):
    assert component(TRANSFORMERS, raw, "preprocess[0]") == wanted


# ----------------------------------------------------------------------------------------------- scale


def test_cap_weighted_scores_leave_the_market_neutral(market, noise):
    found = Standardize(mean="cap").transform(noise, market)
    estimable = market.universe.estimable.values & noise.known()
    cap = np.where(estimable, market["market_cap"].values, 0.0)
    weight = cap / cap.sum(axis=1, keepdims=True)
    assert_allclose((weight * np.nan_to_num(found.values)).sum(axis=1), 0.0, atol=1e-13)
    inside = np.where(estimable, found.values, np.nan)
    assert_allclose(np.nanstd(inside, axis=1), 1.0)


def test_rank_normalized_estimable_names_have_the_normal_quartiles():
    market = random_market(dates=6, assets=400, seed=1)
    rng = np.random.default_rng(2)
    skewed = market["close"].with_values(np.exp(3 * rng.standard_normal((6, 400))), unit="score")
    found = RankNormalize().transform(skewed, market).values
    inside = np.where(market.universe.estimable.values, found, np.nan)
    quartiles = np.nanquantile(inside, [0.25, 0.5, 0.75], axis=1)
    assert_allclose(quartiles, np.tile([[-0.6745], [0.0], [0.6745]], (1, 6)), atol=0.01)


def test_power_rank_of_a_constant_signal_is_zero(small):
    signal, market = small([3.0, 3.0, np.nan, 3.0])
    found = PowerRank(power=2.0, min_names=2).transform(signal, market)
    assert_array_equal(found.values, [[0.0, 0.0, np.nan, 0.0]])


def test_power_rank_ignores_the_size_of_the_signal(market, noise):
    plain = PowerRank(power=3.0).transform(noise, market).values
    assert_array_equal(PowerRank(power=3.0).transform(noise * 17.0, market).values, plain)
    assert_array_equal(PowerRank(power=3.0).transform(-noise, market).values, -plain)


# ------------------------------------------------------------------------------------------------ fill


def test_fill_by_hand(small):
    signal, market = small(
        [1.0, 3.0, np.nan, 10.0, np.nan, np.nan, np.nan],
        industry=[0, 0, 0, 1, 1, 2, 0],
        member=[True, True, True, True, True, True, False],
    )
    of = lambda value: Fill(value=value, min_names=2).transform(signal, market).values[0]  # noqa: E731
    assert_array_equal(of("zero"), [1.0, 3.0, 0.0, 10.0, 0.0, 0.0, np.nan])
    assert_array_equal(of("median"), [1.0, 3.0, 3.0, 10.0, 3.0, 3.0, np.nan])
    # industry 2 has no value at all and takes the market's median
    assert_array_equal(of("industry_median"), [1.0, 3.0, 2.0, 10.0, 10.0, 3.0, np.nan])


def test_names_of_unknown_industry_are_filled_with_their_own_median(small):
    signal, market = small([1.0, 2.0, 8.0, np.nan], industry=[0, 0, -1, -1])
    found = Fill(value="industry_median", min_names=2).transform(signal, market)
    assert found.values[0, -1] == 8.0


@pytest.mark.parametrize("value", ["zero", "median", "industry_median"])
def test_a_date_on_which_nothing_is_known_is_never_filled(value, small):
    signal, market = small([[np.nan, np.nan], [1.0, 2.0]])
    found = Fill(value=value, min_names=2).transform(signal, market)
    assert np.isnan(found.values[0]).all()


# ---------------------------------------------------------------------------------------------- smooth


def test_ema_is_pandas_ewm_where_today_is_known(market, noise):
    found = Ema(half_life=2.0).transform(noise, market).values
    members = np.where(market.universe.member.values, noise.values, np.nan)
    wanted = pd.DataFrame(members).ewm(halflife=2.0).mean().to_numpy()
    assert_allclose(found, np.where(np.isnan(members), np.nan, wanted), atol=1e-12)


def test_linear_decay_by_hand(small):
    signal, market = small([[1.0], [2.0], [np.nan], [4.0]])
    found = LinearDecay(window=3).transform(signal, market).values[:, 0]
    assert_allclose(found, [1.0, (3 * 2 + 2 * 1) / 5, np.nan, (3 * 4 + 1 * 2) / 4])


def test_an_infinite_value_does_not_poison_the_later_mean(small):
    signal, market = small([[1.0], [np.inf], [3.0]])
    for transformer in (Ema(half_life=1.0), LinearDecay(window=3)):
        found = transformer.transform(signal, market).values[:, 0]
        assert np.isnan(found[1])
        assert np.isfinite(found[2])
