"""`superhet backtest`: the files and numbers of the contract, engines, going on, what a crash leaves."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from books import book_of, panel_of
from numpy.testing import assert_allclose

from superhet.backtest import ENGINES, NativeEngine
from superhet.errors import MissingExtra
from superhet.pipeline.backtest_market import whole_market

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
TABLES = ("equity", "trades", "refused", "costs", "holdings", "exposure", "round_trips")


@pytest.fixture(scope="module")
def market(tiny_store):
    return whole_market(tiny_store)


@pytest.fixture(scope="module")
def frame(market):
    return book_of(market)


@pytest.fixture(scope="module")
def weights(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.parquet"
    frame.write_parquet(path)
    return path


@pytest.fixture
def go(command, tiny_store, weights):
    """Run the command on the tiny store and give its JSON."""

    def run(out, *more, file=weights, code=0):
        done = command(
            "backtest", "--weights", file, "--store", tiny_store.path, "--out", out, "--json",
            "--quiet", "--language", "none", *more,
        )  # fmt: skip
        assert done.code == code, done
        return json.loads(done.out) if done.out else done

    return run


@pytest.fixture
def other_engine():
    """Enter an engine under a name for one test."""
    added = []

    def enter(name, cls):
        ENGINES._known[name] = cls
        added.append(name)

    before = dict(ENGINES._known)
    yield enter
    ENGINES._known.clear()
    ENGINES._known.update(before)


def read(out, table, engine="native"):
    return pl.read_parquet(out / engine / f"{table}.parquet")


def test_numbers_and_files_are_those_of_the_contract(go, tmp_path):
    found = go(tmp_path / "b")
    assert {
        "final_equity", "annual_return", "sharpe", "max_drawdown", "turnover", "trades", "refused",
    } <= set(found["native"])  # fmt: skip
    assert found["max_abs_equity_difference"] == {}
    assert found["first_difference"] == {}
    for table in TABLES:
        assert (tmp_path / "b" / "native" / f"{table}.parquet").is_file()
    trades = read(tmp_path / "b", "trades")
    assert {"date", "asset", "shares", "price", "commission", "stamp_duty", "kind"} <= set(
        trades.columns
    )
    assert found["native"]["trades"] == trades.height
    assert sum(found["native"]["refused"].values()) == read(tmp_path / "b", "refused").height


def test_books_are_those_of_the_engine_on_the_whole_market(go, tmp_path, market, frame):
    found = go(tmp_path / "b")
    result = NativeEngine().run(panel_of(frame, market), market)
    assert found["native"]["final_equity"] == pytest.approx(result.equity[-1], abs=1e-6)
    assert found["native"]["sharpe"] == pytest.approx(result.net.sharpe)
    equity = read(tmp_path / "b", "equity")
    assert_allclose(equity["equity"].to_numpy(), result.equity, atol=1e-6)


def test_cash_and_shares_at_the_close_are_the_equity(go, tmp_path, market):
    go(tmp_path / "b")
    held, equity = read(tmp_path / "b", "holdings"), read(tmp_path / "b", "equity")
    shares = held["shares"].to_numpy()
    assert_allclose(shares, np.round(shares))
    value = held["weight"].to_numpy() * (
        held.join(equity, on="date", how="left")["equity"].to_numpy()
    )
    total = held.with_columns(value=value).group_by("date").agg(pl.col("value").sum()).sort("date")
    both = equity.join(total, on="date")
    assert_allclose(both["cash"] + both["value"], both["equity"])
    row = held.row(held.height // 2, named=True)
    close = market["close"].of(row["asset"])[market.dates.index(row["date"])]
    whole = equity.filter(pl.col("date") == row["date"])["equity"][0]
    assert row["shares"] * close == pytest.approx(row["weight"] * whole)


def test_a_wide_table_is_the_same_book(go, tmp_path, frame):
    wide = frame.pivot("asset", index="date", values="weight")
    wide.write_parquet(tmp_path / "wide.parquet")
    assert (
        go(tmp_path / "w", file=tmp_path / "wide.parquet")["native"] == go(tmp_path / "b")["native"]
    )


def test_options_are_keys_of_the_engine(go, tmp_path, market, frame):
    found = go(
        tmp_path / "b", "--capital", "2e6", "--fill", "close", "--participation", "none", "--cash", "scale",
        "--cost", "slippage=0.002", "--set", "retry=false", "--rules", "ashare",
    )  # fmt: skip
    engine = NativeEngine(
        capital=2e6, fill="close", participation=None, cash_rule="scale", retry=False,
        costs=dataclasses.replace(NativeEngine().costs, slippage=0.002),
    )  # fmt: skip
    expected = engine.run(panel_of(frame, market), market)
    assert found["native"]["final_equity"] == pytest.approx(expected.equity[-1], abs=1e-6)


def test_start_and_end_cut_the_decisions_and_the_book(go, tmp_path, frame):
    dates = frame["date"].unique().sort()
    found = go(tmp_path / "b", "--start", dates[3], "--end", dates[-1])
    assert found["native"]["first"] > str(dates[3])
    assert found["native"]["last"] == str(dates[-1])


def test_finished_books_of_the_same_weights_are_kept(go, tmp_path):
    first = go(tmp_path / "b")
    stamp = (tmp_path / "b" / "native" / "equity.parquet").stat().st_mtime_ns
    again = go(tmp_path / "b")
    assert again["kept"] == ["native"]
    assert again["native"] == first["native"]
    assert (tmp_path / "b" / "native" / "equity.parquet").stat().st_mtime_ns == stamp
    assert go(tmp_path / "b", "--fresh")["kept"] == []
    assert go(tmp_path / "b", "--capital", "5e7")["kept"] == []


def test_going_on_with_a_longer_file_gives_the_books_of_one_run(go, tmp_path, frame):
    dates = frame["date"].unique().sort()
    half = frame.filter(pl.col("date") <= dates[7])
    half.write_parquet(tmp_path / "half.parquet")
    go(tmp_path / "b", "--end", dates[7], file=tmp_path / "half.parquet")
    assert go(tmp_path / "b", "--resume")["native"] == go(tmp_path / "whole")["native"]
    for table in (*TABLES, "state"):
        assert read(tmp_path / "b", table).equals(read(tmp_path / "whole", table)), table


def test_going_on_with_a_name_that_is_new_gives_the_books_of_one_run(go, tmp_path, frame):
    dates, new = frame["date"].unique().sort(), frame["asset"].max()
    later = frame.filter((pl.col("date") > dates[7]) | (pl.col("asset") != new))
    later.write_parquet(tmp_path / "later.parquet")
    early = later.filter(pl.col("date") <= dates[7])
    early.write_parquet(tmp_path / "early.parquet")
    go(tmp_path / "b", "--end", dates[7], file=tmp_path / "early.parquet")
    on = go(tmp_path / "b", "--resume", file=tmp_path / "later.parquet")
    assert on["native"] == go(tmp_path / "whole", file=tmp_path / "later.parquet")["native"]
    for table in (*TABLES, "state"):
        assert read(tmp_path / "b", table).equals(read(tmp_path / "whole", table)), table


def test_strategies_of_a_book_are_netted_and_shown_alone(go, tmp_path, market, frame):
    other = book_of(market, seed=1).with_columns(pl.col("weight") * 0.5)
    half = frame.with_columns(pl.col("weight") * 0.5)
    both = pl.concat(
        [half.with_columns(strategy=pl.lit("a")), other.with_columns(strategy=pl.lit("b"))]
    )
    both.write_parquet(tmp_path / "two.parquet")
    found = go(tmp_path / "two", file=tmp_path / "two.parquet")
    netted = both.group_by("date", "asset").agg(pl.col("weight").sum())
    netted.write_parquet(tmp_path / "net.parquet")
    alone = go(tmp_path / "net", file=tmp_path / "net.parquet")
    assert found["native"] == alone["native"]
    half.write_parquet(tmp_path / "a.parquet")
    assert found["strategies"]["a"] == go(tmp_path / "a", file=tmp_path / "a.parquet")["native"]
    assert found["native"]["turnover"] < sum(s["turnover"] for s in found["strategies"].values())


def test_a_slower_strategy_keeps_its_targets_between_its_decisions(go, tmp_path, market, frame):
    dates = frame["date"].unique().sort()
    slow = frame.filter(pl.col("date") == dates[0]).with_columns(strategy=pl.lit("slow"))
    fast = frame.with_columns(pl.col("weight") * 0.1, strategy=pl.lit("fast"))
    pl.concat([slow, fast]).write_parquet(tmp_path / "two.parquet")
    go(tmp_path / "b", file=tmp_path / "two.parquet")
    kept = pl.read_parquet(tmp_path / "b" / "weights.parquet").filter(pl.col("date") == dates[5])
    expected = frame.filter(pl.col("date") == dates[5]).join(slow, on="asset")
    expected = dict(
        expected.select("asset", 0.1 * pl.col("weight") + pl.col("weight_right")).iter_rows()
    )
    assert dict(kept.select("asset", "weight").iter_rows()) == pytest.approx(expected)


def test_sweeps_show_what_more_money_and_other_slippage_cost(go, tmp_path):
    found = go(tmp_path / "b", "--sweep", "capacity,slippage")["sweeps"]
    assert [r["times"] for r in found["capacity"]] == [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
    impact = [r["impact_bps"] for r in found["capacity"]]
    assert 0.0 < impact[0] < impact[1] < impact[2]
    assert found["capacity"][-1]["missed"] > found["capacity"][0]["missed"]
    sharpes = [r["sharpe"] for r in found["slippage"]]
    assert sharpes == sorted(sharpes, reverse=True)
    assert pl.read_parquet(tmp_path / "b" / "capacity.parquet").height == 7
    assert json.loads((tmp_path / "b" / "slippage.json").read_text()) == found["slippage"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crashing(NativeEngine):
    def run(self, weights, market):
        raise RuntimeError("the gateway went away")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NotInstalled(NativeEngine):
    def run(self, weights, market):
        raise MissingExtra("vnpy", "engines")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Twin(NativeEngine):
    pass


def test_a_twin_of_our_engine_differs_nowhere(go, tmp_path, other_engine):
    other_engine("backtrader", Twin)
    found = go(tmp_path / "b", "--engine", "native,backtrader")
    assert found["max_abs_equity_difference"] == {"backtrader": 0.0}
    assert found["first_difference"] == {"backtrader": None}
    daily = pl.read_parquet(tmp_path / "b" / "differences.parquet")
    assert daily.height == found["native"]["sessions"]
    assert daily["difference"].abs().max() == 0.0
    assert pl.read_parquet(tmp_path / "b" / "orders_that_differ.parquet").height == 0


def test_an_engine_that_crashes_says_why_and_our_books_stay(go, tmp_path, other_engine, command):
    other_engine("vnpy", Crashing)
    found = go(tmp_path / "b", "--engine", "native,vnpy", code=1)
    assert found["failed"] == {"vnpy": "RuntimeError: the gateway went away"}
    assert read(tmp_path / "b", "equity").height == found["native"]["sessions"]
    assert not (tmp_path / "b" / "vnpy" / "books.json").exists()
    alone = go(tmp_path / "c", "--engine", "vnpy", code=1)
    assert "engine vnpy: RuntimeError: the gateway went away" in alone.err
    assert "Traceback" not in alone.err


def test_an_engine_that_is_not_installed_names_its_extra(go, tmp_path, other_engine):
    other_engine("vnpy", NotInstalled)
    found = go(tmp_path / "b", "--engine", "native,vnpy", code=2)
    assert "superhet[engines]" in found["failed"]["vnpy"]
    assert found["missing"] == ["vnpy"]
    for name in set(ENGINES.names()) - {"native"}:
        other_engine(name, NotInstalled)
    every = go(tmp_path / "c", "--engine", "all")  # engines taken as they are there: no error
    assert set(every["missing"]) == set(ENGINES.names()) - {"native"}


def test_page_is_written_in_both_languages(command, tiny_store, weights, tmp_path, other_engine):
    other_engine("backtrader", Twin)
    done = command(
        "backtest", "--weights", weights, "--store", tiny_store.path, "--out", tmp_path / "b", "--engine",
        "native,backtrader", "--language", "both", "--quiet",
    )  # fmt: skip
    assert done.code == 0, done
    assert "backtrader beside native: largest difference 0.0000; no difference" in done.out
    english = (tmp_path / "b" / "report.html").read_text()
    chinese = (tmp_path / "b" / "report.zh.html").read_text()
    assert "Do the books agree?" in english
    assert "账目是否一致" in chinese


def test_a_run_of_a_study_is_its_own_backtest(tiny_run, command, tmp_path):
    done = command(
        "backtest",
        tiny_run.run_dir,
        "--out",
        tmp_path / "b",
        "--json",
        "--quiet",
        "--language",
        "none",
    )
    assert done.code == 0, done
    found = json.loads(done.out)
    returns = pl.read_parquet(f"{tiny_run.run_dir}/tables/returns.parquet")
    assert found["native"]["final_equity"] == pytest.approx(returns["equity"][-1], abs=1e-6)
    assert found["native"]["sharpe"] == pytest.approx(tiny_run.metrics["net_sharpe"])


def test_facts_about_the_data_are_counted(go, tmp_path, market, tiny_store):
    suspended = np.flatnonzero((~(market["close"].values[60:120] > 0.0)).any(axis=0))
    held = [k for k in suspended if (market["close"].values[60:62, k] > 0.0).all()][:3]
    rows = [
        (market.dates.days[60].item(), market.assets.values[k], 0.3 if k != held[0] else None)
        for k in held
    ]
    rows.append((market.dates.days[90].item(), market.assets.values[held[1]], float("nan")))
    made = pl.DataFrame(rows, schema=["date", "asset", "weight"], orient="row")
    made.with_columns(why=pl.lit("a guess")).write_parquet(tmp_path / "w.parquet")
    notes = " ".join(go(tmp_path / "b", file=tmp_path / "w.parquet")["notes"])
    assert "columns not read: why" in notes
    assert "2 weights are NaN" in notes
    assert "1 dates have NaN weights alone" in notes
    assert "holdings have no price at the close" in notes
    assert "sessions follow the last decision" in notes


def test_fills_within_the_day_have_their_time(go, tmp_path):
    found = go(tmp_path / "b", "--fill", "twap 09:45-11:00 15min")
    trades = read(tmp_path / "b", "trades")
    assert found["native"]["trades"] == trades.height
    times = trades["time"].dt.time().unique().sort()
    assert (str(times[0]), str(times[-1])) == ("10:00:00", "11:00:00")
    assert (trades["time"].dt.date() == trades["date"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["backtrader", "vnpy"])
def test_other_engines_keep_the_same_book_to_the_cent(engine, go, tmp_path):
    from superhet.backtest.engines.outside import find_interpreter

    try:
        find_interpreter(engine, ENGINES.get(engine).module)
    except MissingExtra as missing:
        pytest.skip(str(missing))
    found = go(tmp_path / "b", "--engine", f"native,{engine}", "--capital", "3e6")
    assert found["max_abs_equity_difference"][engine] <= 0.01
    assert found["first_difference"][engine] is None
    assert found[engine]["refused"] == found["native"]["refused"]
