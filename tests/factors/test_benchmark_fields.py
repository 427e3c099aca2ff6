"""Fields of the benchmark in formulas: by hand, from the tables to the values, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.data import MarketRequest, MemoryTables, load_market
from superhet.data.sources.simulated import SimulatedMarket, simulate
from superhet.errors import FormulaError
from superhet.factors import evaluate, missing_fields, parse, pick
from superhet.factors.cache import ValueCache
from superhet.panel import Benchmark, Market
from superhet.testing.markets import RandomMarket

# the exchange calendar behind the simulation uses spellings that pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAN = float("nan")
CLOSE = np.array([200.0, 220.0, 209.0, 209.0])
BARS = {
    "open": np.array([198.0, 200.0, 220.0, NAN]),
    "high": np.array([201.0, 221.0, 222.0, 210.0]),
    "low": np.array([197.0, 199.0, 208.0, 208.0]),
    "close": CLOSE,
    "volume": np.array([1e9, 2e9, 3e9, 4e9]),
}


def market_with(bars: dict[str, npt.NDArray[np.float64]], sessions: int = 4) -> Market:
    returns = np.r_[NAN, CLOSE[1:] / CLOSE[:-1] - 1.0]
    whole = RandomMarket(dates=sessions, assets=3, bars=0, holes=0.0, seed=1).build()
    return replace(whole, benchmark=Benchmark(name="000300.SH", returns=returns, bars=bars))


def value(formula: str, market: Market) -> npt.NDArray[np.float64]:
    return np.asarray(evaluate({"x": formula}, market, dtype="float64")["x"].values)[:, 0]


def test_prices_of_the_benchmark_stand_to_its_close_as_published() -> None:
    market = market_with(BARS)
    assert_allclose(value("benchmark_close", market), CLOSE / 200.0)
    assert_allclose(value("benchmark_open", market), BARS["open"] / 200.0)
    assert_allclose(value("benchmark_high", market), BARS["high"] / 200.0)
    assert_allclose(value("benchmark_low", market), BARS["low"] / 200.0)
    assert_array_equal(value("benchmark_volume", market), BARS["volume"])
    assert_array_equal(value("benchmark_close < benchmark_open", market), [0.0, 0.0, 1.0, NAN])


def test_a_cut_market_has_the_same_relations() -> None:
    late = market_with(BARS).between(market_with(BARS).dates.values[1], None)
    assert_allclose(
        value("benchmark_open / benchmark_close", late), (BARS["open"] / BARS["close"])[1:]
    )


def test_a_missing_column_is_named_with_its_table() -> None:
    few = {n: BARS[n] for n in ("open", "close")}
    with pytest.raises(
        FormulaError, match="table index_bars has no values of '000300.SH' in its column 'high'"
    ):
        evaluate({"x": "benchmark_high / close"}, market_with(few))
    assert missing_fields(parse("benchmark_high - benchmark_open"), market_with(few)) == [
        "benchmark_high"
    ]


def test_a_benchmark_that_is_no_index_has_a_close_only() -> None:
    market = market_with({})
    assert np.isfinite(value("benchmark_close", market)).all()
    with pytest.raises(FormulaError, match="'000300.SH' is not an index of it; name one that is"):
        value("benchmark_open", market)
    with pytest.raises(FormulaError, match="the market has no benchmark"):
        value("benchmark_open", replace(market, benchmark=None))


def test_a_restated_open_of_the_benchmark_is_computed_again(tmp_path: Path) -> None:
    cache, formulas = ValueCache(tmp_path), {"x": "benchmark_open * close / close"}
    first = evaluate(formulas, market_with(BARS), cache=cache)["x"].values.copy()
    restated = {**BARS, "open": BARS["open"] + np.array([0.0, 2.0, 0.0, 0.0])}
    second = evaluate(formulas, market_with(restated), cache=cache)["x"].values
    assert_allclose(second[1] - first[1], 0.01, rtol=1e-5)
    assert_array_equal(np.delete(second, 1, axis=0), np.delete(first, 1, axis=0))


def test_only_columns_with_values_of_the_index_are_there() -> None:
    days = [date(2018, 1, 2), date(2018, 1, 3)]
    frame = {"index": ["X", "X"], "date": days, "close": [10.0, 11.0], "open": [9.0, None]}
    tables = simulate(
        SimulatedMarket(assets=40, years=0.25, seed=3, industries=4, bars=None)
    ).tables
    index = pl.DataFrame({**frame, "low": [None, None]}, schema_overrides={"low": pl.Float64})
    whole = load_market(MemoryTables({**tables, "index_bars": index}), MarketRequest(benchmark="X"))
    assert whole.benchmark is not None
    assert set(whole.benchmark.bars) == {"open", "close"}
    assert_array_equal(whole.benchmark.bars["open"][:3], [9.0, NAN, NAN])


@pytest.fixture(scope="module")
def simulated() -> Market:
    recipe = SimulatedMarket(assets=60, years=1.0, seed=3, industries=5, bars=None)
    return load_market(MemoryTables(simulate(recipe).tables), MarketRequest(benchmark="SIM"))


def test_a_simulated_index_opens_where_its_members_do(simulated: Market) -> None:
    assert simulated.benchmark is not None
    opened, close = simulated.benchmark.bars["open"], simulated.benchmark.bars["close"]
    member = simulated["adjusted_open"].values / simulated["adjusted_close"].values
    ratio = np.nanmean(member, axis=1)
    assert np.corrcoef(ratio[1:], (opened / close)[1:])[0, 1] > 0.8
    assert (np.abs(opened[1:] / close[:-1] - 1.0) < 0.1).all()


def test_alpha_182_is_the_share_of_days_on_which_stock_and_index_agree(simulated: Market) -> None:
    bars = simulated.benchmark.bars if simulated.benchmark else {}
    index = np.sign(bars["close"] - bars["open"])[:, None]
    stock = np.sign(simulated["adjusted_close"].values - simulated["adjusted_open"].values)
    alike = ((stock == index) & (stock != 0)).astype(float)
    wanted = np.lib.stride_tricks.sliding_window_view(alike, 20, axis=0).mean(axis=-1)
    formula = pick("gtja191", ["gtja182"])[0]
    found = evaluate({"x": formula}, simulated, dtype="float64")["x"].values[19:]
    listed = simulated["listing_age"].values[19:] >= 40
    known = np.isfinite(found) & listed
    assert known.mean() > 0.5
    assert_allclose(found[known], wanted[known], atol=1e-12)
