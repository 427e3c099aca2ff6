"""`superhet orders`: the next session's orders are those that the engine fills, and know nothing of it."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from books import FIRST, book_of
from refused import assert_refused

from superhet.cli.stores import open_store_of
from superhet.data.base import MemoryTables
from superhet.errors import StoreError
from superhet.pipeline.backtest_market import whole_market
from superhet.pipeline.orders import next_orders
from superhet.pipeline.orders_source import read_source

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def market(tiny_store):
    return whole_market(tiny_store)


@pytest.fixture(scope="module")
def backtested(tiny_store, market, command, tmp_path_factory):
    """A folder that superhet backtest wrote, without a volume cap, and its weights."""
    folder = tmp_path_factory.mktemp("orders")
    frame = book_of(market)
    frame.write_parquet(folder / "w.parquet")
    done = command(
        "backtest", "--weights", folder / "w.parquet", "--store", tiny_store.path, "--out", folder / "b",
        "--participation", "none", "--quiet", "--language", "none",
    )  # fmt: skip
    assert done.code == 0, done
    return folder / "b", frame


def orders(command, folder, date, out, *more):
    done = command("orders", folder, "--date", date, "--out", out, "--json", *more)
    assert done.code == 0, done
    frame = pl.read_csv(out) if out.suffix == ".csv" else pl.read_parquet(out)
    return frame, json.loads(done.out)


def test_orders_of_a_decision_are_what_the_engine_fills_next(backtested, command, tmp_path, market):
    folder, frame = backtested
    trades = pl.read_parquet(folder / "native" / "trades.parquet")
    undone = pl.read_parquet(folder / "native" / "refused.parquet")
    for day in frame["date"].unique().sort().to_list()[:4]:
        made, found = orders(command, folder, day, tmp_path / "o.parquet")
        after = market.dates.days[market.dates.index(day) + 1].item()
        filled = (
            trades.filter(pl.col("date") == after).group_by("asset").agg(pl.col("shares").sum())
        )
        held_back = undone.filter(pl.col("date") == after)["asset"].to_list()
        signed = made.with_columns(
            signed=pl.when(pl.col("side") == "buy").then("shares").otherwise(-pl.col("shares"))
        )
        sent = {a: s for a, s in signed.select("asset", "signed").iter_rows() if a not in held_back}
        assert {a: s for a, s in filled.iter_rows() if a not in held_back} == sent
        assert found["orders"] == made.height


def test_first_decision_is_sized_with_the_capital(backtested, command, tmp_path, market):
    folder, frame = backtested
    day = frame["date"].min()
    made, found = orders(command, folder, day, tmp_path / "o.csv")
    assert found["equity"] == 1e8
    row = made.row(0, named=True)
    close = market["close"].of(row["asset"])[FIRST]
    whole = 100 * int(abs(row["target_weight"]) * 1e8 / close / 100 + 1e-9)
    assert row["shares"] in (whole, 100 * (whole // 100), int(row["shares"]))
    assert row["reference_price"] == pytest.approx(close)
    assert abs(row["goal"]) == row["shares"]


def test_limit_prices_are_those_of_the_next_session(backtested, command, tmp_path, market):
    folder, frame = backtested
    day = frame["date"].unique().sort()[3]
    made, _ = orders(command, folder, day, tmp_path / "o.parquet")
    after = market.dates.index(day) + 1
    adjust = market["adjust_factor"].values
    for row in made.iter_rows(named=True):
        k = market.assets.index(row["asset"])
        if adjust[after, k] != adjust[after - 1, k]:
            continue  # goes ex-right on that session
        field = "limit_up" if row["side"] == "buy" else "limit_down"
        assert row["limit_price"] == pytest.approx(market[field].values[after, k], nan_ok=True)


def test_costs_are_those_of_the_rules(backtested, command, tmp_path):
    folder, frame = backtested
    made, _ = orders(command, folder, frame["date"].min(), tmp_path / "o.parquet")
    for row in made.iter_rows(named=True):  # opened from cash alone: one leg each
        duty = 1e-3 if row["side"] == "sell" else 0.0
        value = row["value"]
        expected = max(2.5e-4 * value, 5.0) + value * (2e-5 + 5e-4 + duty)
        assert row["estimated_cost"] == pytest.approx(expected)


def test_nothing_after_the_date_is_read(backtested, tiny_store):
    folder, frame = backtested
    date = str(frame["date"].unique().sort()[6])
    source = read_source(folder)
    whole, facts = next_orders(source, tiny_store, date)
    cut, same = next_orders(source, _until(tiny_store, date), date)
    assert cut.equals(whole)
    assert same == facts
    between = str(frame["date"].unique().sort()[6] + np.timedelta64(1, "D").astype(object))
    cut, _ = next_orders(source, _until(tiny_store, between), between)
    assert cut.equals(next_orders(source, tiny_store, between)[0])


def _until(store, date):
    """The store as it was at the close of a date: later rows of bars are not there."""
    frames = {}
    for name in store.names():
        frame = store.read(name)
        dated = "date" in frame.columns and name not in ("calendar",)
        frames[name] = frame.filter(pl.col("date") <= _day(date)) if dated else frame
    meta = {n: store.meta(n) for n in store.names()}
    return MemoryTables(frames, snapshot="cut", meta=meta)


def _day(date):
    return np.datetime64(date).astype(object)


def test_an_account_of_ones_own_is_sized_anew(backtested, command, tmp_path, market):
    folder, frame = backtested
    day = frame["date"].unique().sort()[3]
    names = frame.filter(pl.col("date") == day)["asset"].to_list()
    held = pl.DataFrame({"asset": names[:2], "shares": [1000.0, 150.0], "sellable": [400.0, 150.0]})
    held.write_parquet(tmp_path / "h.parquet")
    made, found = orders(
        command, folder, day, tmp_path / "o.parquet", "--holdings", tmp_path / "h.parquet",
        "--cash", "1e6",
    )  # fmt: skip
    close = {a: market["close"].of(a)[market.dates.index(day)] for a in names}
    equity = 1e6 + 1000 * close[names[0]] + 150 * close[names[1]]
    assert found["equity"] == pytest.approx(equity)
    goals = dict(made.select("asset", "goal").iter_rows())
    for asset, weight in frame.filter(pl.col("date") == day).select("asset", "weight").iter_rows():
        size = abs(weight) * equity / close[asset]
        step = 1 if asset.startswith("68") or asset.endswith("BJ") else 100
        assert abs(goals.get(asset, 0.0)) == pytest.approx(step * int(size / step + 1e-9), abs=200)
    rows = {r["asset"]: r for r in made.iter_rows(named=True)}
    first = rows[names[0]]
    if first["side"] == "sell" and first["goal"] < 600:
        assert first["check_sellable"] == "only_400"


def test_checks_say_what_stands_against_an_order(backtested, command, tmp_path):
    folder, frame = backtested
    day = frame["date"].unique().sort()[3]
    made, found = orders(command, folder, day, tmp_path / "o.parquet")
    shorts = made.filter(pl.col("goal") < pl.min_horizontal("held", 0.0))
    assert shorts.height
    assert set(shorts["check_borrow"]) == {"to_borrow"}
    assert set(made.filter(pl.col("side") == "buy")["check_borrow"]) == {"ok"}
    assert sum(found["status"].values()) >= made.height


def test_buys_beyond_the_cash_are_marked(tiny_store, market, command, tmp_path):
    frame = book_of(market, long_only=True).with_columns(pl.col("weight") * 2.0)
    frame.write_parquet(tmp_path / "w.parquet")
    done = command(
        "backtest", "--weights", tmp_path / "w.parquet", "--store", tiny_store.path, "--out",
        tmp_path / "b", "--quiet", "--language", "none",
    )  # fmt: skip
    assert done.code == 0, done
    made, _ = orders(command, tmp_path / "b", frame["date"].min(), tmp_path / "o.parquet")
    fits = (made["value"] + made["estimated_cost"]).cum_sum() <= 1e8
    assert made["check_cash"].str.starts_with("short_of_").any()
    assert set(made.filter(fits)["check_cash"]) == {"ok"}


def test_a_run_of_a_study_gives_orders_too(tiny_run, command, tmp_path):
    returns = pl.read_parquet(f"{tiny_run.run_dir}/tables/returns.parquet")
    made, found = orders(command, tiny_run.run_dir, returns["date"][-2], tmp_path / "o.csv")
    assert found["equity"] == pytest.approx(returns["equity"][-2])
    assert made.height > 10


def test_what_is_wrong_is_said_in_one_paragraph(backtested, command, tmp_path, market):
    folder, frame = backtested
    day = frame["date"].unique().sort()[3]
    out = tmp_path / "o.csv"

    def say(message, *arguments):
        assert_refused(command("orders", *arguments), message)
        assert not out.exists()

    say("--date: must be a date like", folder, "--date", "soon", "--out", out)
    say("--date: 2018-04-07 is no session", folder, "--date", "2018-04-07", "--out", out)
    first = market.dates.days[10]
    say("is before the first decision of this book", folder, "--date", first, "--out", out)
    say("name a .csv or .parquet file", folder, "--date", day, "--out", tmp_path / "o.txt")
    say("no run of a study", tmp_path, "--date", day, "--out", out)
    held = tmp_path / "h.parquet"
    given = (folder, "--date", day, "--out", out, "--holdings", held)
    say("--cash: is required with --holdings", *given)
    say("no such file", *given, "--cash", "1")
    pl.DataFrame({"asset": ["XX"], "shares": [1.0]}).write_parquet(held)
    say("XX is unknown to the store", *given, "--cash", "1")
    pl.DataFrame({"asset": ["XX"]}).write_parquet(held)
    say("no column 'shares'", *given, "--cash", "1")


def test_a_relative_store_is_found_where_the_run_was_made(tiny_store, tmp_path, monkeypatch):
    made, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    for folder in (made / "runs" / "one", made / "stores", elsewhere):
        folder.mkdir(parents=True)
    (made / "stores" / "tiny").symlink_to(tiny_store.path.resolve())
    monkeypatch.chdir(elsewhere)
    found = open_store_of(made / "runs" / "one", "stores/tiny")
    assert found.snapshot == tiny_store.snapshot
    with pytest.raises(StoreError, match="stores/other: there is no store here"):
        open_store_of(made / "runs" / "one", "stores/other")
