"""A study with all that an engine can be told: minute fills, frictions, lending, dividends, interest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

from superhet.backtest import ENGINES, NativeEngine
from superhet.data.base import MemoryTables
from superhet.errors import UnknownName
from superhet.pipeline import stages
from superhet.pipeline.audit import audit, walk
from superhet.pipeline.config import parse_config
from superhet.pipeline.perturb import OtherFuture
from superhet.testing.studies import tiny_study

WINDOW = {"bars": "15min", "start": "09:30", "end": "10:30", "style": "vwap"}
EVERYTHING = {
    "fill": {**WINDOW, "style": "participate"},
    "cash_rule": "scale",
    "corporate_actions": "cash",
    "dividend_tax": 0.1,
    "costs": {"cash_interest": "risk_free", "margin": 0.07},
    "frictions": {"spread": "quoted_spread", "impact": 1.0},
    "lending": {"fee": "borrow_fee", "available": "lendable"},
}


def study(store, **backtest):
    """The tiny study without signals of minutes: what is loaded of them, the fills have asked for."""
    slow = tiny_study(store)["signals"][1:]
    synthesis = {"subsets": False, "compare": []}
    return parse_config(tiny_study(store, signals=slow, synthesis=synthesis, backtest=backtest))


@pytest.fixture(scope="module")
def told(tiny_store):
    """The tiny store with spreads, fees and lists of a lender, cash dividends and a money rate."""
    frames = {name: tiny_store.read(name) for name in tiny_store.names()}
    bars = frames["bars_1d"].sort("asset", "date")
    rng = np.random.default_rng(3)
    daily = bars.select("date", "asset").with_columns(
        quoted_spread=pl.Series(rng.uniform(5e-4, 4e-3, len(bars))),
        borrow_fee=pl.Series(rng.uniform(0.02, 0.3, len(bars))),
        lendable=pl.Series((rng.random(len(bars)) < 0.7).astype(np.float64)),
    )
    before = pl.col("close").shift(1).over("asset")
    grown = pl.col("adjust_factor") / pl.col("adjust_factor").shift(1).over("asset")
    steps = bars.with_columns(grown=grown, before=before).filter((pl.col("grown") - 1).abs() > 1e-9)
    actions = steps.select(
        "asset",
        ex_date="date",
        cash=pl.when(pl.col("grown") < 1.1).then(pl.col("before") * (1 - 1 / pl.col("grown"))),
        split=pl.when(pl.col("grown") >= 1.1).then(pl.col("grown")),
    )
    days = bars["date"].unique().sort()
    rates = pl.DataFrame({"date": days, "rate": rng.uniform(0.01, 0.03, len(days))})
    more = {"daily": daily, "corporate_actions": actions, "risk_free": rates}
    meta = {name: tiny_store.meta(name) for name in tiny_store.names()}
    return MemoryTables({**frames, **more}, "told", meta)


@pytest.fixture(scope="module")
def everything(told):
    """Stages of the study that uses all of it."""
    config = study("stores/tiny", **EVERYTHING)
    return walk(config, stages.load(config, told))


# --- fills inside the session --------------------------------------------------------------------------


def test_bars_are_loaded_for_the_fills_alone(tiny_store):
    assert not stages.load(study(tiny_store.path), tiny_store).intraday_cubes
    market = stages.load(study(tiny_store.path, fill=WINDOW), tiny_store)
    assert list(market.intraday_cubes) == ["15min"]


def test_bars_that_the_store_lacks_are_named_by_the_key_of_the_fill(tiny_store):
    config = study(tiny_store.path, fill={**WINDOW, "bars": "5min"})
    message = r"^backtest.fill.bars: unknown bar frequency '5min'; did you mean '15min'"
    with pytest.raises(UnknownName, match=message):
        stages.load(config, tiny_store)


def test_a_window_fills_at_the_average_of_its_bars(tiny_store):
    config = study(tiny_store.path, fill=WINDOW)
    market = stages.load(config, tiny_store)
    trades = walk(config, market)["backtest"]["result"].trades
    cube = market.intraday("15min")
    row = int(np.flatnonzero(~trades["delisting"])[0])
    day, asset = trades["date"][row].astype("datetime64[D]"), trades["asset"][row]
    clock = cube.dates.values - day.astype("datetime64[s]")
    first = (clock > np.timedelta64(0, "s")) & (clock <= np.timedelta64(10 * 60 + 30, "m"))
    assert first.sum() == 4, "09:45, 10:00, 10:15 and 10:30"
    amount, volume = (cube[n].values[first, asset].sum() for n in ("amount", "volume"))
    assert trades["price"][row] == pytest.approx(amount / volume, rel=1e-9)


# --- the look-ahead audit --------------------------------------------------------------------------------


def test_a_book_that_is_told_everything_pays_and_earns_every_kind(everything):
    result = everything["backtest"]["result"]
    paid = {name for name, series in result.costs.items() if series.any()}
    assert paid >= {"commission", "stamp_duty", "transfer_fee", "slippage", "impact", "borrow"}
    assert all(series.any() for series in result.income.values())
    assert "no_borrow" in result.refused_by_rule
    assert len(np.unique(result.trades["time"].astype("datetime64[m]"))) > 100, "many bars fill"


def test_no_column_that_an_engine_reads_reaches_back_from_the_future(told):
    found = audit(study("stores/tiny", **EVERYTHING), told)
    assert found["leaks"] == []


@pytest.fixture
def peeking(monkeypatch):
    """An engine that is told the fees of the session after its fills."""
    monkeypatch.setattr(ENGINES, "_known", dict(ENGINES._known))

    @ENGINES.add("peeking")
    @dataclass(frozen=True, kw_only=True)
    class Peeking(NativeEngine):
        def run(self, weights, market):
            fees = market["borrow_fee"].values
            coming = np.searchsorted(market.dates.values, weights.dates.values) + 2
            dear = fees[np.minimum(coming, len(fees) - 1)] > 0.2
            kept = np.where(dear & (weights.values < 0.0), 0.0, weights.values)
            return super().run(replace(weights, values=kept), market)


def test_an_engine_that_knows_the_fees_after_its_fills_is_named(told, peeking):
    found = audit(study("stores/tiny", **{**EVERYTHING, "engine": "peeking"}), told)
    assert found["verdict"] == "leak"
    assert {leak["stage"] for leak in found["leaks"]} == {"backtest"}
    assert "holdings" in {leak["name"] for leak in found["leaks"]}


def test_a_flag_whose_future_is_noise_is_still_a_flag(told):
    day = told.read("daily")["date"].unique().sort()[200]
    cut = np.datetime64(day)
    other = OtherFuture(told, cut, "noise", cut + 30).read("daily")
    real = told.read("daily").filter(pl.col("date") <= day + np.timedelta64(30, "D").item())
    assert set(other["lendable"].unique()) == {0.0, 1.0}
    past = pl.col("date") <= day
    assert other.filter(past)["lendable"].equals(real.filter(past)["lendable"])
    assert not other.filter(~past)["lendable"].equals(real.filter(~past)["lendable"])
