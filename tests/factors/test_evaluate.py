"""Formulas on a market: values, clocks, blocks, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError, FormulaError, LookAheadFormula, UnknownName
from superhet.factors import (
    OPERATORS,
    available,
    evaluate,
    evaluate_chunks,
    missing_fields,
    operator,
    parse,
)
from superhet.factors.base import Signal, Steps, Values
from superhet.factors.graph import Ref
from superhet.panel import Market, Panel
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(dates=90, assets=30, seed=5)


def value(formula: str, market: Market) -> npt.NDArray[np.float64]:
    return np.asarray(evaluate({"x": formula}, market, dtype="float64")["x"].values)


def frame(market: Market, field: str) -> pd.DataFrame:
    return pd.DataFrame(market[field].values.astype(float))


def test_arithmetic_is_that_of_pandas(market: Market) -> None:
    close, opened = frame(market, "adjusted_close"), frame(market, "adjusted_open")
    volume = frame(market, "volume")
    wanted = -((close / opened - 1) ** 2) * np.log(volume)
    assert_allclose(value("-(close / open - 1) ^ 2 * log(volume)", market), wanted, rtol=1e-12)


def test_bare_prices_are_adjusted_and_raw_prices_are_not(market: Market) -> None:
    assert_array_equal(value("close", market), market["adjusted_close"].values)
    assert_array_equal(value("raw_close", market), market["close"].values)


def test_size_is_the_logarithm_of_capitalisation(market: Market) -> None:
    assert_allclose(value("size", market), np.log(market["market_cap"].values))


def test_windows_need_half_of_their_rows(market: Market) -> None:
    close = frame(market, "adjusted_close")
    for window in (1, 4, 5, 20):
        wanted = close.rolling(window, min_periods=(window + 1) // 2).mean()
        assert_allclose(value(f"ts_mean(close, {window})", market), wanted, rtol=1e-12)


def test_comparisons_with_an_unknown_are_unknown(market: Market) -> None:
    unknown = np.isnan(market["adjusted_close"].values)
    assert unknown.any()
    assert np.isnan(value("close > open", market)[unknown]).all()
    assert set(np.unique(value("close > open", market)[~unknown])) == {0.0, 1.0}
    assert_array_equal(value("is_nan(close) ? 7 : close", market)[unknown], 7.0)


def test_quotients_by_zero_and_logarithms_of_losses_are_unknown(market: Market) -> None:
    for formula in (
        "close / 0",
        "log(-close)",
        "(-close) ^ 0.5",
        "exp(close * 1e9)",
        "1e308 * close * 1e9",
    ):
        assert np.isnan(value(formula, market)).all(), formula  # fmt: skip


def test_ranks_run_from_one_nth_to_one(market: Market) -> None:
    ranks = value("cs_rank(returns)", market)[5]
    inside = market.universe.estimable.values[5] & ~np.isnan(market["returns"].values[5])
    n = inside.sum()
    assert_allclose(np.sort(ranks[inside]), np.arange(1, n + 1) / n)


def test_statistics_come_from_estimable_assets_only(market: Market) -> None:
    inside = np.array(market.universe.estimable.values)
    inside[:, :10] = False
    narrow = replace(
        market,
        universe=replace(market.universe, estimable=market.universe.estimable.with_values(inside)),
    )
    x = np.where(inside, market["returns"].values, np.nan)[5:]
    mean, deviation = np.nanmean(x, axis=1)[:, None], np.nanstd(x, axis=1)[:, None]
    found = value("cs_zscore(returns)", narrow)[5:]
    assert_allclose(found, (market["returns"].values[5:] - mean) / deviation, rtol=1e-10)


def test_group_ranks_are_those_of_pandas(market: Market) -> None:
    full = replace(
        market,
        universe=replace(
            market.universe,
            estimable=market.universe.estimable.with_values(np.ones((90, 30), dtype=bool)),
        ),
    )
    found = value("cs_group_rank(turnover, industry)", full)
    codes = full.groups("industry").values
    for t in (0, 20, 89):
        row = pd.Series(full["turnover"].values[t])
        assert_allclose(found[t], row.groupby(codes[t]).rank(pct=True), rtol=1e-12)


def test_group_means_vanish(market: Market) -> None:
    codes, inside = market.groups("industry").values, market.universe.estimable.values
    found = value("cs_group_demean(returns, industry)", market)
    neutral = value("cs_neutralize(returns, industry, size)", market)
    for t in (10, 50):
        for g in np.unique(codes[t]):
            for x in (found, neutral):
                picked = x[t, (codes[t] == g) & inside[t]]
                assert abs(np.nansum(picked)) < 1e-12
        size = value("size", market)[t]
        left = np.where(inside[t], neutral[t], np.nan)
        assert abs(np.nansum(left * (size - np.nanmean(size)))) < 1e-10


def test_group_scores_have_deviation_one(market: Market) -> None:
    codes, inside = market.groups("industry").values, market.universe.estimable.values
    found = value("cs_group_zscore(turnover, industry)", market)
    for g in np.unique(codes[30]):
        picked = found[30, (codes[30] == g) & inside[30]]
        picked = picked[~np.isnan(picked)]
        if picked.size > 1:
            assert picked.std() == pytest.approx(1.0)


def test_bars_become_days(market: Market) -> None:
    bars = market.intraday("15min")
    volume = pd.DataFrame(bars["volume"].values)
    day = np.repeat(np.arange(90), 16)
    whole = volume.groupby(day).sum(min_count=8)
    assert_allclose(value("bar_sum(volume)", market), whole, rtol=1e-12)
    last_hour = volume[np.tile(np.arange(16) >= 12, 90)].groupby(
        day[np.tile(np.arange(16) >= 12, 90)]
    )
    wanted = last_hour.sum(min_count=2) / whole
    assert_allclose(value("bar_sum(volume, -4, -1) / bar_sum(volume)", market), wanted, rtol=1e-12)


def test_a_reduction_inside_a_reduction_is_the_same_for_all_bars(market: Market) -> None:
    found = value("bar_max(close / bar_first(open) - 1)", market)
    bars = market.intraday("15min")
    close = bars["close"].values.reshape(90, 16, 30)
    opened = bars["open"].values.reshape(90, 16, 30)[:, 0]
    with np.errstate(invalid="ignore"):
        wanted = close.max(axis=1) / opened - 1
    assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_a_session_without_bars_is_unknown_and_a_bar_without_session_is_dropped(
    market: Market,
) -> None:
    bars = market.intraday("15min").between(market.dates.values[10], market.dates.values[20])
    late = replace(market.between(market.dates.values[15], None), intraday_cubes={"15min": bars})
    found = value("bar_sum(volume * bar_mean(close))", late)
    assert np.isnan(found[6:]).all()
    whole = value("bar_sum(volume * bar_mean(close))", market)
    assert_array_equal(found[:6], whole[15:21])


FORMULAS = {
    "windows": "ts_corr(cs_rank(close), cs_rank(volume), 10)",
    "nested": "cs_rank(ts_mean(cs_zscore(ts_return(close, 5)), 5)) - ts_lag(cs_rank(turnover), 3)",
    "neutral": "cs_neutralize(ts_std(returns, 20), industry, size, ts_lag(turnover, 1))",
    "bars": "ts_mean(bar_sum(volume, -4, -1) / bar_sum(volume), 5)",
    "quarters": "cs_rank(ttm(net_profit) / market_cap)",
    "events": "sue(net_profit)",
    "plain": "close",
}


def test_threads_chunks_and_company_do_not_change_a_bit(market: Market) -> None:
    whole = evaluate(FORMULAS, market, threads=1)
    two = evaluate(FORMULAS, market, threads=2)
    small = evaluate(FORMULAS, market, threads=2, budget=1)
    for name, formula in FORMULAS.items():
        wanted = whole[name].values.tobytes()
        assert two[name].values.tobytes() == wanted, name
        assert small[name].values.tobytes() == wanted, name
        alone = evaluate({name: formula}, market)
        assert alone[name].values.tobytes() == wanted, name


def test_chunks_are_parts_of_the_whole_from_any_session_on(market: Market) -> None:
    whole = evaluate(FORMULAS, market)
    for first in (0, 37, 89):
        chunks = list(evaluate_chunks(FORMULAS, market, first=first, budget=1))
        for name in FORMULAS:
            found = np.concatenate([chunk.values[name] for chunk in chunks])
            assert found.tobytes() == whole[name].values[first:].tobytes(), name


def test_single_precision_is_close_to_double(market: Market) -> None:
    single, double = (evaluate(FORMULAS, market, dtype=d) for d in ("float32", "float64"))
    for name in FORMULAS:
        assert single[name].values.dtype == np.float32
        assert_allclose(single[name].values, double[name].values, rtol=2e-4, atol=1e-5)


def test_a_label_may_read_the_future_and_nothing_else_may(market: Market) -> None:
    label = "ts_lag(close, -3) / ts_lag(close, -1) - 1"
    close = market["adjusted_close"].values
    found = evaluate({"y": label}, market, label=True, dtype="float64")["y"].values
    assert_allclose(found[:-3], close[3:] / close[1:-2] - 1, rtol=1e-12)
    assert np.isnan(found[-3:]).all()
    with pytest.raises(LookAheadFormula):
        evaluate({"y": label}, market)
    with pytest.raises(FormulaError, match="cs_rank cannot take later sessions"):
        evaluate({"y": "cs_rank(ts_lag(close, -1))"}, market, label=True)


def test_conventions_answer_what_the_text_leaves_open(market: Market) -> None:
    unknown = np.isnan(market["adjusted_close"].values)
    found = {
        c: evaluate({"x": "close > 0"}, market, convention=c)["x"].values
        for c in ("superhet", "qlib", "pandas")
    }
    assert np.isnan(found["superhet"][unknown]).all()
    born = np.logical_or.accumulate(~unknown, axis=0)
    assert (found["qlib"][unknown & born] == 0).all()
    assert (found["pandas"][unknown & born] == 0).all()
    short = evaluate({"x": "ts_mean(close, 20)"}, market, convention="qlib")["x"].values
    assert_allclose(short[0], market["adjusted_close"].values[0], rtol=1e-6)


def test_the_same_formula_may_have_two_names(market: Market) -> None:
    cube = evaluate({"a": "close", "b": "close", "c": "ts_mean(close, 2)"}, market)
    assert cube["a"].name == "a"
    assert_array_equal(cube["a"].values, cube["b"].values)


def test_blocks_units_and_frequencies(market: Market) -> None:
    cube = evaluate(
        {"d": "close", "m": "bar_sum(volume)", "q": "sue(net_profit)", "dq": "ttm(net_profit) / market_cap"},
        market,
    )  # fmt: skip
    assert cube.blocks == {"d": "daily", "m": "minute", "q": "quarterly", "dq": "quarterly"}
    assert [cube[n].frequency for n in cube] == ["1d", "1d", "event", "1d"]
    assert {p.unit for p in cube.values()} == {"score"}


def test_nothing_given_in_is_changed(market: Market) -> None:
    before = market.fields.fingerprint()
    evaluate({"x": "ts_return(close, 5)", "y": "close", "z": "cs_zscore(volume)"}, market)
    assert market.fields.fingerprint() == before


@pytest.mark.parametrize(
    ("formula", "column", "message"),
    [
        ("close + volumes", 9, "bad: unknown field 'volumes'; did you mean 'volume'"),
        ("bar_sum(volume) + yoy(profit)", 23, "bad: unknown statement column 'profit'"),
        ("cs_group_rank(close, sector)", 22, "bad: unknown classification 'sector'"),
        ("ttm(equity)", 5, "bad: 'equity' is a level, not a flow"),
        ("ts_mean(close, -1)", 16, "bad: .* reads the future"),
    ],
)
def test_an_unknown_field_is_named_with_its_formula_and_column(
    formula: str, column: int, message: str, market: Market
) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        evaluate({"good": "close", "bad": formula}, market)
    assert caught.value.column + 1 == column


def test_a_market_without_bars_or_statements_says_so(market: Market) -> None:
    bare = replace(market, intraday_cubes={}, events={})
    with pytest.raises(FormulaError, match="the market has no 5min bars"):
        evaluate({"x": "bar_sum(volume)"}, bare, frequency="5min")
    with pytest.raises(FormulaError, match="the market has no statements"):
        evaluate({"x": "sue(net_profit)"}, bare)
    assert missing_fields(parse("sue(net_profit) + foo"), bare) == ["foo", "net_profit"]
    assert available(bare, "15min")["bar"] == []


def test_no_formula_is_an_error(market: Market) -> None:
    with pytest.raises(ConfigError, match="no formula was given"):
        evaluate({}, market)


def test_a_market_says_what_it_lacks_even_outside_formulas(market: Market) -> None:
    with pytest.raises(UnknownName):
        market["volumes"]


def test_flags_are_numbers_in_formulas(market: Market) -> None:
    flags: Panel = market["suspended"]
    assert_array_equal(value("suspended", market), flags.values.astype(float))


def test_an_operator_may_be_a_function_on_whole_arrays(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OPERATORS, "_known", dict(OPERATORS._known))

    @operator("ts_first_difference", "time_series", lookback=1)
    def ts_first_difference(x: Values) -> Values:
        """Give the difference from the session before."""
        return np.vstack([np.full(x.shape[1], np.nan), np.diff(x, axis=0)])

    found = value("cs_rank(ts_first_difference(ts_mean(close, 3)))", market)
    assert_array_equal(found, value("cs_rank(ts_delta(ts_mean(close, 3), 1))", market))


def test_an_operator_cannot_build_a_step_that_reads_later_sessions(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OPERATORS, "_known", dict(OPERATORS._known))

    @operator("ts_tomorrow", "time_series")
    def ts_tomorrow(x: Signal, *, build: Steps) -> Ref:
        """Give the next session."""
        return build.element("subtract", x.before(-1), x)

    with pytest.raises(LookAheadFormula, match="ts_tomorrow reads later sessions"):
        value("ts_mean(ts_tomorrow(close), 3)", market)
