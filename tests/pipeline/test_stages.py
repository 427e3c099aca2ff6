"""The stages on the tiny study: neutral weights, true ages, clocks, no alpha where none is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superhet.errors import ConfigError, NoSignal
from superhet.evaluation import information
from superhet.panel import Market
from superhet.pipeline import stages
from superhet.pipeline.audit import walk
from superhet.pipeline.config import parse_config
from superhet.pipeline.metrics import measure
from superhet.pipeline.run import Run
from superhet.pipeline.sections import MixSection, SignalSection
from superhet.pipeline.simulate import simulated_store, simulation_of
from superhet.testing.markets import random_market
from superhet.testing.studies import tiny_market, tiny_study

TIGHT = 1e-10


def section(
    values: np.ndarray, market: Market, row: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, industries and log caps of the names that are held on one date."""
    held = values[row] != 0
    codes = market.groups("industry").values[row][held]
    caps = np.log(market["market_cap"].values[row][held])
    return values[row][held], codes, caps


# --- weights -------------------------------------------------------------------------------------


def decided(road) -> np.ndarray:
    weights = road["portfolio"]["weights"]
    return np.flatnonzero(np.nan_to_num(weights.values).any(axis=1))


def test_on_every_decision_date_the_sides_sum_and_the_book_is_neutral(tiny_road, tiny_loaded):
    weights = np.nan_to_num(tiny_road["portfolio"]["weights"].values)
    rows = decided(tiny_road)
    known = tiny_road["synthesis"]["super_factor"].known().any(axis=1)
    assert rows.tolist() == np.flatnonzero(known).tolist(), "every date with a super-factor decides"
    for row in rows:
        held, codes, caps = section(weights, tiny_loaded, row)
        assert abs(held[held > 0].sum() - 0.5) <= TIGHT
        assert abs(held[held < 0].sum() + 0.5) <= TIGHT
        assert (codes >= 0).all(), "a name of unknown industry is not held"
        industry_net = np.bincount(codes, weights=held)
        assert np.abs(industry_net).max() <= TIGHT
        size = (caps - caps.mean()) / caps.std()
        assert abs(held @ size) <= TIGHT


def test_the_metrics_tell_the_worst_date(tiny_road, tiny_loaded, tiny_run):
    weights = np.nan_to_num(tiny_road["portfolio"]["weights"].values)
    worst = 0.0
    for row in decided(tiny_road):
        held, codes, _ = section(weights, tiny_loaded, row)
        worst = max(worst, np.abs(np.bincount(codes, weights=held)).max())
    told = tiny_run.metrics["max_abs_industry_net"]
    assert told == pytest.approx(worst, abs=1e-15)
    assert told <= TIGHT
    assert tiny_run.metrics["max_abs_size_exposure"] <= TIGHT


def test_only_tradable_names_with_a_forecast_are_held(tiny_road, tiny_loaded):
    weights = tiny_road["portfolio"]["weights"].values
    forecast = tiny_road["synthesis"]["super_factor"].known()
    held = np.nan_to_num(weights) != 0
    assert not (held & ~tiny_loaded.universe.tradable.values).any()
    assert not (held & ~forecast).any()


def test_a_decision_is_traded_on_the_next_session(tiny_road):
    result = tiny_road["backtest"]["result"]
    first = tiny_road["portfolio"]["weights"].dates.values[decided(tiny_road)[0]]
    traded = result.trades["date"].astype("datetime64[D]")
    assert traded.min() > first
    assert traded.min() <= first + np.timedelta64(4, "D"), "a weekend at most"


# --- ages ----------------------------------------------------------------------------------------


def test_the_age_of_a_statement_signal_grows_daily_and_falls_to_0_with_the_news(tiny_road):
    ages = tiny_road["clean"]["ages"]["surprise"].values
    news = tiny_road["signals"]["signals"]["surprise"].known()
    known = ~np.isnan(ages)
    assert (ages[1:][news[1:]] == 0).all()
    grows = known[1:] & known[:-1] & ~news[1:]
    assert grows.sum() > 5000
    np.testing.assert_array_equal(ages[1:][grows], ages[:-1][grows] + 1)
    assert (known[1:] >= known[:-1]).all(), "once known, known for good"


def test_an_announcement_is_news_on_the_session_on_which_it_is_known(tiny_road, tiny_loaded):
    events = tiny_loaded.events["statements"]
    days = tiny_loaded.dates.days
    rows = np.searchsorted(days, events.known_at.astype("datetime64[D]"))
    inside = (rows > 0) & (rows < len(days)) & ~np.isnan(events["net_profit"])
    rows, assets = rows[inside], events["asset"][inside]
    listed = tiny_loaded["listing_age"].values[rows, assets] >= 0
    ages = tiny_road["clean"]["ages"]["profitability"].values[rows, assets][listed]
    assert listed.sum() > 250
    assert np.mean(ages == 0) > 0.95, (
        "but for restatements of a quarter that is no longer the newest"
    )


def test_what_was_known_before_the_first_session_has_its_true_age(tiny_road, tiny_loaded):
    ages = tiny_road["clean"]["ages"]["surprise"].values[0]
    since = tiny_road["signals"]["known_since"]["surprise"].values[0]
    first = tiny_loaded.dates.days[0]
    for age, day in zip(ages, since, strict=True):
        if np.isnan(day):
            continue
        announced = np.datetime64(int(day), "D")
        assert announced <= first
        assert age == np.busday_count(announced, first)


def test_daily_and_minute_signals_are_new_every_session(tiny_road):
    for name in ("imbalance", "reversal"):
        ages = tiny_road["clean"]["ages"][name].values
        assert np.nanmax(ages) == 0.0


def test_half_life_halves_a_value_of_that_age(tiny_config, tiny_loaded, tiny_road):
    signals = tuple(replace(s, half_life=None) for s in tiny_config.signals)
    plain = stages.mix_and_clean(
        replace(tiny_config, signals=signals), tiny_loaded, tiny_road["signals"]
    )
    faded, whole = tiny_road["clean"]["mixed"]["surprise"], plain["mixed"]["surprise"]
    ages = tiny_road["clean"]["ages"]["surprise"].values
    np.testing.assert_allclose(faded.values, whole.values * 0.5 ** (ages / 60.0), rtol=1e-6)
    assert np.nanmax(ages) > 60


# --- warming up ----------------------------------------------------------------------------------


def test_dates_before_the_first_thirty_names_are_left_out_and_later_ones_kept():
    market = random_market(dates=40, assets=60)
    estimable = market.universe.estimable.values
    values = np.where(estimable, 1.0, np.nan)
    values[:10, 20:] = np.nan  # twenty names at most, for ten sessions
    values[25, 5:] = np.nan  # a hole later on
    signal = market["close"].with_values(values, name="x", unit="score")
    warm = stages.warmed_up(signal, market)
    begun = int(np.flatnonzero((~np.isnan(values)).sum(axis=1) >= 30)[0])
    assert begun >= 10
    assert not warm.known()[:begun].any()
    np.testing.assert_array_equal(warm.values[begun:], values[begun:])
    assert 0 < warm.known()[25].sum() < 30


def test_a_signal_that_never_has_thirty_names_is_left_out_whole():
    market = random_market(dates=10, assets=20)
    signal = market["close"].with_values(market["close"].values, name="x", unit="score")
    assert not stages.warmed_up(signal, market).known().any()


# --- clocks and dates ----------------------------------------------------------------------------


def test_a_weekly_clock_works_from_end_to_end(tiny_store, tmp_path):
    config = parse_config(tiny_study(tiny_store.path, mix={"clock": "1w"}, audit=None))
    done = Run(config, tiny_store, tmp_path).execute()
    assert done.metrics["max_abs_industry_net"] <= TIGHT
    market = stages.load(config, tiny_store)
    road = walk(config, market)
    decisions = road["synthesis"]["super_factor"].dates
    weeks = (market.dates.days.astype(np.int64) + 3) // 7
    first_of_week = market.dates.days[np.flatnonzero(np.diff(weeks, prepend=-1))]
    np.testing.assert_array_equal(decisions.days, first_of_week)
    weights = road["portfolio"]["weights"]
    assert set(weights.dates.days[decided(road)]) <= set(first_of_week)
    fold = road["synthesis"]["folds"][0]
    assert fold.train.stop - fold.train.start == 120 // 5, "six months of weeks"
    result = road["backtest"]["result"]
    after = np.searchsorted(market.dates.days, result.trades["date"].astype("datetime64[D]")) - 1
    on_time = np.isin(market.dates.days[after], first_of_week)
    value = np.abs(result.trades["value"])
    assert value[on_time].sum() > 0.95 * value.sum(), "the rest are orders sent again"
    begin = int(np.searchsorted(market.dates.days, result.dates.days[0]))
    np.testing.assert_array_equal(result.dates.days, market.dates.days[begin:], "kept daily")


@pytest.mark.parametrize("clock", ["1m", 3])
def test_other_clocks_decide_on_their_sessions(clock, tiny_config, tiny_loaded):
    config = replace(tiny_config, mix=MixSection(clock=clock))
    found = stages.clock_of(config, tiny_loaded)
    days = tiny_loaded.dates.days
    if clock == 3:
        np.testing.assert_array_equal(found.days, days[::3])
    else:
        months = days.astype("datetime64[M]")
        np.testing.assert_array_equal(
            found.days, days[np.flatnonzero(np.diff(months.astype(int), prepend=-1))]
        )


def test_a_later_start_changes_no_value_of_a_signal(
    tiny_config, tiny_store, tiny_loaded, tiny_road
):
    start = str(tiny_loaded.dates.days[60])
    later = replace(tiny_config, market=replace(tiny_config.market, start=start))
    market = stages.load(later, tiny_store)
    assert market.dates.days[0] < np.datetime64(start), "the look-back is loaded too"
    clean = stages.mix_and_clean(later, market, stages.compute_signals(later, market))
    for name, panel in clean["signals"].items():
        assert str(panel.dates.days[0]) == start
        whole = tiny_road["clean"]["signals"][name].between(start, None)
        same_assets = [whole.assets.values.index(a) for a in panel.assets.values]
        np.testing.assert_allclose(
            panel.values, whole.values[:, same_assets], rtol=1e-9, atol=1e-12
        )


# --- signals -------------------------------------------------------------------------------------


def test_blocks_follow_from_the_data_that_a_formula_reads(tiny_road):
    assert tiny_road["signals"]["signals"].blocks == {
        "imbalance": "minute",
        "reversal": "daily",
        "surprise": "quarterly",
        "profitability": "quarterly",
    }
    assert set(tiny_road["synthesis"]["subsets"]) == {"minute", "daily", "quarterly"}
    assert set(tiny_road["synthesis"]["models"]) == {"equal"}


def test_a_name_may_be_used_once(tiny_config):
    twice = replace(
        tiny_config, signals=(*tiny_config.signals, SignalSection(name="reversal", formula="close"))
    )
    with pytest.raises(ConfigError, match=r"signals\[4\]: the name 'reversal' is used twice"):
        stages.members(twice)


def test_a_library_is_unfolded_in_its_order(tiny_config):
    picked = replace(
        tiny_config, signals=(SignalSection(library="daily", pick=("size", "reversal_5")),)
    )
    assert [m.name for m in stages.members(picked)] == ["size", "reversal_5"]
    whole = replace(tiny_config, signals=(SignalSection(library="daily"),))
    assert len(stages.members(whole)) > 15


def test_a_portfolio_that_holds_nothing_is_an_error(tiny_config, tiny_loaded, tiny_road):
    weights = tiny_road["portfolio"]["weights"]
    empty = {"weights": weights.with_values(np.zeros_like(weights.values))}
    with pytest.raises(NoSignal, match="holds nothing on any date"):
        stages.run_backtest(tiny_config, tiny_loaded, empty)


def test_the_target_is_the_return_from_the_next_open(tiny_config, tiny_loaded, tiny_road):
    target = tiny_road["synthesis"]["target"].values
    opened = tiny_loaded["adjusted_open"].values
    member = tiny_loaded.universe.member.values
    row, asset = np.argwhere(member & ~np.isnan(target))[1234]
    expected = opened[row + 1 + 5, asset] / opened[row + 1, asset] - 1
    assert target[row, asset] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(target[~member]).all()
    assert np.isnan(target[-6:]).all(), "the last targets are not known yet"


# --- planted truth -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def markets_with_and_without_alpha(tmp_path_factory):
    """Two markets, alike but for the planted alphas, and the super-factor's information in each."""
    found = {}
    for scale in (0.0, 3.0):
        folder = tmp_path_factory.mktemp("alpha") / "store"
        store = simulated_store(folder, tiny_market(alpha_scale=scale))
        assert simulation_of(store).alpha_scale == scale
        market_section = {
            "simulate": {**tiny_study("x")["market"]["simulate"], "alpha_scale": scale}
        }
        config = parse_config(tiny_study(folder, market=market_section, synthesis={"compare": []}))
        market = stages.load(config, store)
        road = walk(config, market)
        synthesis = road["synthesis"]
        ic = information(synthesis["super_factor"], synthesis["target"], 5).rank
        found[scale] = (ic, measure(config, market, road, store))
    return found


def test_where_no_alpha_is_planted_none_is_found(markets_with_and_without_alpha):
    ic, metrics = markets_with_and_without_alpha[0.0]
    assert abs(ic.mean) <= 2.5 * abs(ic.mean / ic.t)
    assert metrics["oos_rank_ic_t"] == ic.t


def test_where_alpha_is_planted_thickly_it_is_found(markets_with_and_without_alpha):
    ic, metrics = markets_with_and_without_alpha[3.0]
    assert ic.mean > 0.05
    assert ic.t > 3.0
    assert 0.4 < metrics["oracle_share"] <= 1.1
    assert metrics["best_rank_ic"] < metrics["absolute_rank_ic"], "nobody sees all"
