"""The long-short rule: identities on every date, and every edge case of the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from superhet.errors import (
    AxisMismatch,
    ConfigError,
    EmptyUniverse,
    NoSignal,
    TooFewAssets,
    UnknownName,
)
from superhet.panel import Assets, Market, Panel, Universe
from superhet.portfolio import RankLongShort, diagnose
from superhet.portfolio.rank_long_short import project
from superhet.portfolio.turnover import drifted, growth, one_way, step_towards
from superhet.testing.markets import RandomMarket, random_market

EXACT = 1e-10


@pytest.fixture(scope="module")
def market() -> Market:
    return RandomMarket(dates=90, assets=120, industries=8, seed=4, bars=0).build()


def noise(market, seed=0, step=5, start=30):
    values = np.random.default_rng(seed).normal(size=(len(market.dates), len(market.assets)))
    panel = Panel(values=values, dates=market.dates, assets=market.assets, name="noise")
    return panel.rows(np.arange(start, len(market.dates), step))


def one_date(size, industry, *, cap=None, tradable=None):
    """A market of one session with given industries and caps, and an alpha for it."""
    market = RandomMarket(dates=6, assets=len(industry), seed=1, bars=0, holes=0.0).build()
    last = market.between(market.dates.values[-1], None)

    def put(panel, row):
        return Panel(
            values=np.asarray(row)[None],
            dates=last.dates,
            assets=last.assets,
            name=panel.name,
            unit=panel.unit,
            labels=panel.labels,
        )

    everyone = put(last.universe.member, np.ones(len(industry), dtype=bool))
    allowed = put(everyone, np.ones(len(industry), bool) if tradable is None else tradable)
    caps = np.exp(np.linspace(20, 24, len(industry))) if cap is None else cap
    labels = tuple(f"industry {k}" for k in range(max(industry) + 1))
    groups = Panel(
        values=np.asarray(industry)[None],
        dates=last.dates,
        assets=last.assets,
        name="industry",
        unit="group",
        labels=labels,
    )
    made = Market(
        fields=last.with_fields({"market_cap": put(last["market_cap"], caps)}).fields,
        universe=Universe(member=everyone, tradable=allowed, estimable=allowed, reasons={}),
        group_panels={"industry": groups},
    )
    return made, Panel(
        values=np.asarray(size, dtype=float)[None],
        dates=last.dates,
        assets=last.assets,
        name="alpha",
    )


def exposures(weights, market):
    """Industry nets and size exposure by a plain loop."""
    worst_industry, worst_size = 0.0, 0.0
    for date in weights.dates:
        w = weights.at(date)
        codes, caps = market.groups("industry").at(date), market["market_cap"].at(date)
        for code in np.unique(codes):
            worst_industry = max(worst_industry, abs(w[codes == code].sum()))
        held = w != 0
        size = np.log(caps[held])
        worst_size = max(worst_size, abs(w[held] @ (size - size.mean()) / size.std()))
    return worst_industry, worst_size


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 1000),
    power=st.floats(0.3, 6.0),
    side=st.floats(0.1, 1.0),
    top=st.floats(0.2, 0.5),
    cap=st.one_of(st.none(), st.floats(0.02, 0.6)),
)
def test_sides_sum_exactly_and_the_book_is_neutral_on_every_date(seed, power, side, top, cap):
    market = RandomMarket(dates=60, assets=90, seed=seed, bars=0).build()
    rule = RankLongShort(
        power=power, long=side, short=side, top=top, bottom=top, max_turnover=cap, min_names=20
    )
    weights = rule.weights(noise(market, seed, start=25), market)
    w = weights.values
    assert_allclose(np.maximum(w, 0).sum(axis=1), side, rtol=0, atol=EXACT)
    assert_allclose(np.minimum(w, 0).sum(axis=1), -side, rtol=0, atol=EXACT)
    industry, size = exposures(weights, market)
    assert industry < EXACT
    assert size < EXACT


def test_only_tradable_names_with_known_alpha_industry_and_size_are_held(market):
    alpha = noise(market)
    values = alpha.values.copy()
    values[:, 5] = np.nan
    values[:, 6] = np.inf
    weights = RankLongShort().weights(alpha.with_values(values), market)
    rows = [market.dates.index(d) for d in weights.dates]
    outside = ~market.universe.tradable.values[rows] | (market.groups("industry").values[rows] < 0)
    assert (weights.values[outside] == 0).all()
    assert (weights.values[:, [5, 6]] == 0).all()


def test_half_of_the_names_are_long_and_half_short(market):
    facts = diagnose(RankLongShort().weights(noise(market), market), noise(market), market)
    assert (np.abs(facts.names_long - facts.names_short) <= 0.15 * facts.pool).all()
    assert (facts.names_long + facts.names_short >= 0.95 * facts.pool).all()


@pytest.mark.parametrize(("power", "share"), [(1, 0.36), (2, 0.488), (3, 0.590), (5, 0.738)])
def test_the_outer_fifth_of_each_half_holds_the_published_share(power, share):
    """1 - (1 - q)^(power + 1) for q = 0.2, and N_eff / n = (2 power + 1) / (power + 1)^2."""
    n = 2000
    market, alpha = one_date(np.random.default_rng(0).normal(size=n), [0] * n)
    w = RankLongShort(power=power, neutralize=()).weights(alpha, market).values[0]
    outer = np.sort(np.abs(w))[::-1][: n // 5]
    assert outer.sum() == pytest.approx(share, abs=1e-3)
    effective = 1.0 / (w**2).sum() / n
    assert effective == pytest.approx((2 * power + 1) / (power + 1) ** 2, abs=1e-3)


def test_top_and_bottom_tenth_hold_a_tenth_each():
    n = 200
    market, alpha = one_date(np.random.default_rng(0).normal(size=n), [0] * n)
    w = RankLongShort(top=0.1, bottom=0.1, neutralize=()).weights(alpha, market).values[0]
    order = np.argsort(alpha.values[0])
    assert set(np.flatnonzero(w > 0)) == set(order[-20:])
    assert set(np.flatnonzero(w < 0)) == set(order[:20])


def test_unequal_sides_are_scaled_apart_when_nothing_is_neutralized():
    market, alpha = one_date(np.arange(40.0), [0] * 40)
    w = RankLongShort(long=1.0, short=0.3, neutralize=()).weights(alpha, market).values[0]
    assert np.maximum(w, 0).sum() == pytest.approx(1.0)
    assert np.minimum(w, 0).sum() == pytest.approx(-0.3)


def test_unequal_sides_with_neutrality_are_refused_with_the_reason():
    with pytest.raises(ConfigError, match="net 0, so both sides are equal"):
        RankLongShort(long=1.0, short=0.5)


def test_all_alphas_equal_give_zero_weights_not_nan():
    market, alpha = one_date(np.full(40, 0.123), [k % 3 for k in range(40)])
    assert (RankLongShort().weights(alpha, market).values == 0).all()


def test_tied_alphas_get_the_same_weight():
    values = np.repeat(np.arange(10.0), 4)
    market, alpha = one_date(values, [0] * 40)
    w = RankLongShort(neutralize=()).weights(alpha, market).values[0]
    assert_allclose(w.reshape(10, 4), w.reshape(10, 4)[:, :1] * np.ones(4), atol=1e-16)


def test_with_an_odd_number_the_median_name_gets_zero():
    market, alpha = one_date(np.arange(31.0), [0] * 31)
    assert RankLongShort(neutralize=()).weights(alpha, market).values[0, 15] == 0.0


def test_a_name_alone_in_its_industry_gets_no_weight_and_is_counted():
    industry = [0] * 20 + [1] * 20 + [2]
    market, alpha = one_date(np.random.default_rng(1).normal(size=41), industry)
    weights = RankLongShort().weights(alpha, market)
    assert weights.values[0, 40] == 0.0
    assert diagnose(weights, alpha, market).lonely.tolist() == [1]


def test_two_names_of_equal_size_in_an_industry_do_no_harm():
    industry = [0] * 20 + [1] * 20 + [2, 2]
    cap = np.exp(np.linspace(20, 24, 42))
    cap[40:] = 1e10
    market, alpha = one_date(np.random.default_rng(1).normal(size=42), industry, cap=cap)
    weights = RankLongShort().weights(alpha, market)
    assert abs(weights.values[0, 40:].sum()) < EXACT
    assert np.abs(weights.values).sum() == pytest.approx(1.0, abs=EXACT)


def test_a_constant_size_is_no_exposure():
    market, alpha = one_date(
        np.random.default_rng(1).normal(size=40), [0] * 20 + [1] * 20, cap=np.full(40, 1e9)
    )
    with_size = RankLongShort().weights(alpha, market)
    without = RankLongShort(neutralize=("industry",)).weights(alpha, market)
    assert_allclose(with_size.values, without.values, atol=1e-14)


def test_unknown_industries_are_dropped_or_become_an_industry_of_their_own():
    industry = [0] * 20 + [1] * 20 + [-1] * 6
    market, alpha = one_date(np.random.default_rng(1).normal(size=46), industry)
    dropped = RankLongShort().weights(alpha, market).values[0]
    kept = RankLongShort(drop_unknown_industry=False).weights(alpha, market).values[0]
    assert (dropped[40:] == 0).all()
    assert np.abs(kept[40:]).sum() > 0
    assert abs(kept[40:].sum()) < EXACT


def test_fewer_than_thirty_valid_names_are_refused_with_the_date():
    market, alpha = one_date(np.arange(29.0), [0] * 29)
    with pytest.raises(TooFewAssets, match="has 29 valid names, at least 30"):
        RankLongShort().weights(alpha, market)


def test_an_empty_universe_and_an_unknown_alpha_are_refused():
    market, alpha = one_date(np.arange(40.0), [0] * 40, tradable=np.zeros(40, dtype=bool))
    with pytest.raises(EmptyUniverse):
        RankLongShort().weights(alpha, market)
    market, alpha = one_date(np.full(40, np.nan), [0] * 40)
    with pytest.raises(NoSignal):
        RankLongShort().weights(alpha, market)


def test_strange_axes_and_names_are_refused(market):
    alpha = noise(market)
    other = Panel(
        values=alpha.values,
        dates=alpha.dates,
        assets=Assets(f"x{n}" for n in alpha.assets),
        name="strange",
    )
    with pytest.raises(AxisMismatch, match="different assets"):
        RankLongShort().weights(other, market)
    with pytest.raises(AxisMismatch, match="no session"):
        RankLongShort().weights(alpha, market.until("2019-03-01"))
    with pytest.raises(UnknownName, match="turnover"):
        RankLongShort(neutralize=("industry", "turnovr")).weights(alpha, market)


def test_other_fields_can_be_neutralized_too(market):
    rule = RankLongShort(neutralize=("industry", "size", "turnover"))
    weights = rule.weights(noise(market), market)
    for date in weights.dates:
        held = weights.at(date) != 0
        turnover = market["turnover"].at(date)[held]
        assert abs(weights.at(date)[held] @ (turnover - turnover.mean())) < EXACT


def test_float32_alphas_give_float64_neutrality(market):
    alpha = noise(market)
    weights = RankLongShort().weights(alpha.with_values(alpha.values.astype(np.float32)), market)
    assert weights.values.dtype == np.float64
    assert max(exposures(weights, market)) < EXACT


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-6, 1e6))
def test_a_positive_factor_on_the_alpha_changes_nothing(seed, scale):
    market = random_market(60, 50, seed=3)
    alpha = noise(market, seed, start=25)
    rule = RankLongShort(max_turnover=0.2)
    assert_allclose(
        rule.weights(alpha * scale, market).values, rule.weights(alpha, market).values, atol=1e-9
    )


def test_a_monotone_map_of_the_alpha_changes_nothing_without_neutralization(market):
    alpha = noise(market)
    rule = RankLongShort(neutralize=(), power=2.0)
    mapped = alpha.with_values(np.exp(2.0 * alpha.values) - 7.0)
    assert_allclose(
        rule.weights(mapped, market).values, rule.weights(alpha, market).values, atol=1e-15
    )


def test_the_order_of_assets_does_not_matter():
    values = np.random.default_rng(3).normal(size=60)
    industry = np.random.default_rng(4).integers(0, 5, 60)
    cap = np.exp(np.random.default_rng(5).normal(22, 1, 60))
    order = np.random.default_rng(6).permutation(60)
    market, alpha = one_date(values, list(industry), cap=cap)
    turned, beta = one_date(values[order], list(industry[order]), cap=cap[order])
    w = RankLongShort().weights(alpha, market).values[0]
    assert_allclose(RankLongShort().weights(beta, turned).values[0], w[order], atol=1e-12)


def test_a_date_without_alpha_is_no_decision(market):
    alpha = noise(market)
    values = alpha.values.copy()
    values[2] = np.nan
    weights = RankLongShort(max_turnover=0.3).weights(alpha.with_values(values), market)
    assert np.isnan(weights.values[2]).all()
    assert not np.isnan(np.delete(weights.values, 2, axis=0)).any()
    assert len(diagnose(weights, alpha, market).dates) == len(alpha.dates) - 1


def test_the_cap_on_turnover_holds_except_for_what_is_forced(market):
    alpha, cap = noise(market), 0.15
    rule = RankLongShort(max_turnover=cap)
    weights, pool = rule.weights(alpha, market), rule.pool(alpha, market)
    rows = [market.dates.index(d) for d in alpha.dates]
    forced_at_least_once = False
    for k in range(1, len(rows)):
        held = drifted(weights.values[k - 1], growth(market, rows[k - 1], rows[k]))
        start = project(held, pool, k)
        start /= np.abs(start).sum()
        forced = one_way(held, start)
        forced_at_least_once |= forced > 0
        assert one_way(held, weights.values[k]) <= max(cap, forced) + 1e-12
    assert forced_at_least_once
    free = diagnose(RankLongShort().weights(alpha, market), alpha, market)
    capped = diagnose(weights, alpha, market)
    assert capped.turnover[1:].mean() < cap + 0.01 < free.turnover[1:].mean()


def test_an_unchanged_alpha_is_not_traded_beyond_drift(market):
    """The same ranks every week: turnover is only what prices moved and the pool forced."""
    alpha = noise(market)
    same = alpha.with_values(np.tile(alpha.values[:1], (len(alpha.dates), 1)))
    facts = diagnose(RankLongShort().weights(same, market), same, market)
    assert facts.turnover[1:].max() < 0.2


def test_a_cap_so_wide_that_it_never_binds_changes_nothing(market):
    wide = RankLongShort(max_turnover=5.0).weights(noise(market), market)
    assert_allclose(wide.values, RankLongShort().weights(noise(market), market).values)


def test_a_book_built_on_nothing_is_built_freely_later(market):
    """The first alpha is constant, so nothing is held; the cap must not lock the book out."""
    alpha = noise(market)
    values = alpha.values.copy()
    values[0] = 1.0
    w = RankLongShort(max_turnover=0.1).weights(alpha.with_values(values), market).values
    assert (w[0] == 0).all()
    assert np.abs(w[1]).sum() == pytest.approx(1.0)


def test_weights_until_a_date_do_not_depend_on_what_comes_after(market):
    alpha = noise(market)
    rule = RankLongShort(max_turnover=0.2)
    cut = alpha.dates.values[6]
    short = rule.weights(alpha.until(cut), market.until(cut))
    noisy = alpha.values.copy()
    noisy[7:] = np.random.default_rng(9).normal(size=noisy[7:].shape)
    changed = rule.weights(alpha.with_values(noisy), market).values[:7]
    full = rule.weights(alpha, market).values[:7]
    assert_allclose(short.values, full, rtol=0, atol=1e-12)
    assert_allclose(changed, full, rtol=0, atol=1e-12)


def test_drift_follows_returns_by_hand():
    """0.6 long A up 10 %, 0.4 short B down 5 %: capital grows by 0.06 + 0.02."""
    assert_allclose(
        drifted(np.array([0.6, -0.4]), np.array([1.1, 0.95])), np.array([0.66, -0.38]) / 1.08
    )


def test_the_diagnosis_counts_every_reason_and_prints(market):
    alpha = noise(market)
    facts = diagnose(RankLongShort().weights(alpha, market), alpha, market)
    rows = [market.dates.index(d) for d in alpha.dates]
    suspended = market.universe.reasons["suspended"].values & market.universe.member.values
    assert facts.invalid["suspended"].tolist() == suspended[rows].sum(axis=1).tolist()
    assert facts.invalid["unknown_industry"].max() == 1
    summary = facts.to_dict()
    assert summary["max_abs_industry_net"] < EXACT
    assert summary["max_abs_size_exposure"] < EXACT
    assert summary["mean_long"] == pytest.approx(0.5)
    assert "worst industry net" in str(facts)
    assert "relative to zero" in str(facts)


def test_the_turnover_cap_is_used_whatever_rounding_does():
    # a straight line from start to target: the chord hits the cap exactly, up to rounding
    rng = np.random.default_rng(0)
    for _ in range(200):
        start, target = rng.standard_normal((2, 30))
        start, target = (w - w.mean() for w in (start, target))
        cap = 0.3 * one_way(start, target)
        found = step_towards(start, start, target, cap, lambda w: w)
        assert cap * (1.0 - 1e-5) <= one_way(start, found) <= cap
