"""Qlib keeps our book as far as it can say it; the gap is told by reason; its export runs alone."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from numpy.testing import assert_allclose, assert_array_equal
from one_stock import action, column, one_stock
from sheet_market import decide, refusals, sheet
from tapes import SCENARIOS, random_tape

from superhet.backtest import NativeEngine
from superhet.backtest.bookkeeping import keep_books
from superhet.backtest.books import result_of
from superhet.backtest.engines import QlibEngine
from superhet.backtest.engines.outside import find_interpreter, outside_books, run_program
from superhet.backtest.export_folder import decided_weights
from superhet.backtest.export_qlib import FILES, INDEX, export_qlib
from superhet.backtest.tape_marks import tape_marks
from superhet.errors import ConfigError, MissingExtra, SuperhetError
from superhet.kernels.ledger_books import LIMIT_DOWN, LIMIT_UP, REFUSALS, SUSPENDED
from superhet.pipeline.backtest_books import frames_of
from superhet.pipeline.reconcile_gap import gap_by_reason

CENT = 0.01


@pytest.fixture(scope="module")
def qlib():
    """Give a Python that has Qlib."""
    try:
        return find_interpreter("qlib", "qlib")
    except MissingExtra as error:
        pytest.skip(f"no Qlib: {error}")


def in_sixtyfourths(values):
    """Round prices to what single precision holds exactly."""
    return np.round(values * 64.0) / 64.0


def expressible(tape):
    """Leave of a tape what Qlib can say: one lot, one stamp duty, no minimum, exact prices."""
    count = len(tape.assets)
    rates = tape.rates[-1:].repeat(len(tape.dates), axis=0)
    rates[:, 1] = 0.0
    bars = {name: in_sixtyfourths(getattr(tape, name)) for name in ("open", "high", "low", "close")}
    return replace(
        tape,
        **bars,
        price=bars["open"],
        mark=in_sixtyfourths(tape.mark),
        rates=rates,
        step=np.full(count, 100.0),
        minimum=np.full(count, 100.0),
    )


@pytest.mark.slow  # each starts Qlib, which takes three seconds
@pytest.mark.parametrize("scenario", ["plain", "full", "tight"])
def test_qlib_keeps_our_book_to_the_cent_where_it_can_say_it(qlib, scenario):
    tape = expressible(random_tape(10, 60, **SCENARIOS[scenario]))
    ours = keep_books(tape)
    theirs, facts = outside_books("qlib", "qlib", tape, str(qlib))
    assert np.abs(theirs.daily.equity - ours.daily.equity).max() <= CENT
    assert_array_equal(sorted(theirs.fills.T.tolist()), sorted(ours.fills.T.tolist()))
    assert_allclose(sum(facts["gap"].values()), 0.0, atol=CENT)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_reasons_explain_the_whole_gap(qlib, scenario):
    tape = random_tape(10, 60, **SCENARIOS[scenario])
    ours = keep_books(tape)
    theirs, facts = outside_books("qlib", "qlib", tape, str(qlib))
    left, right = (frames_of(result_of(tape, b, None), None) for b in (ours, theirs))
    gap = dict(gap_by_reason(tape, left.__getitem__, right.__getitem__))
    difference = theirs.daily.equity[-1] - ours.daily.equity[-1]
    assert sum(gap.values()) == pytest.approx(difference, abs=CENT)
    assert abs(gap["residual"]) <= CENT
    for reason in ("fees", "fill_prices", "closing_marks"):  # what Qlib's program counted itself
        assert facts["gap"][reason] == pytest.approx(gap.get(reason, 0.0), abs=1e-3)
    assert ("no_borrow" in gap) == (tape.weights < 0.0).any()


@pytest.mark.slow
def test_qlib_cannot_sell_short_and_says_so(qlib):
    # 500 long, then 500 short: the holding is sold, the rest is refused
    tape = one_stock(weights=np.array([[0.5], [-0.5]]), row_of=np.array([0, 1, -1, -1]))
    books, facts = outside_books("qlib", "qlib", tape, str(qlib))
    assert_array_equal(books.money[0], [500.0, -500.0])
    assert {REFUSALS[code] for code in books.refusals[2]} == {"no_borrow"}
    assert_array_equal(books.undone, [-500.0, -500.0])  # asked for again on the last session
    assert any("cannot sell short: 2 orders" in note for note in facts["notes"])
    assert_allclose(books.daily.equity, 10_000.0, atol=CENT)


@pytest.mark.slow
def test_orders_wait_while_a_stock_is_suspended_or_at_its_limit(qlib):
    # bought once the limit opens; the sale waits for the end of the suspension
    shut = column([10.0, 10.0, 10.0, np.nan, 10.0])
    tape = replace(
        one_stock(),
        **{name: np.resize(getattr(one_stock(), name), 5) for name in ("cash_rate", "margin_rate")},
        dates=random_tape(1, 5, **SCENARIOS["plain"]).dates,
        days=np.array([0.0, 1.0, 1.0, 1.0, 3.0]),
        rates=np.zeros((5, 7)),
        weights=np.array([[0.5], [0.0]]),
        row_of=np.array([0, -1, 1, -1, -1]),
        close=shut,
        price=shut,
        buy_block=column([0, LIMIT_UP, 0, SUSPENDED, 0]).astype(np.int8),
        sell_block=column([0, LIMIT_DOWN, 0, SUSPENDED, 0]).astype(np.int8),
    )
    ours = keep_books(tape)
    books, _ = outside_books("qlib", "qlib", tape, str(qlib))
    assert_array_equal(books.fills, ours.fills)
    assert_array_equal(books.fills[0], [2, 4])
    assert_array_equal(books.refusals, ours.refusals)
    assert [REFUSALS[code] for code in books.refusals[2]] == ["limit_up", "suspended"]


@pytest.mark.slow
def test_a_holder_gets_the_dividend_and_the_split_shares(qlib):
    # 500 at 10; 0.5 a share before tax, 0.45 after, then 2 for 1; closes at 4.75
    tape = one_stock(
        close=column([10.0, 10.0, 4.75, 4.75]),
        price=column([10.0, 10.0, 4.75, 4.75]),
        actions=action(split=2.0, dividend=0.45, dividend_gross=0.5),
    )
    books, _ = outside_books("qlib", "qlib", tape, str(qlib))
    assert_allclose(books.daily.cash[1:3], [5_000.0, 5_225.0], atol=CENT)
    assert_allclose(books.daily.equity[2:], 9_975.0, atol=CENT)
    assert books.closing.shares[0] == 1_000.0


@pytest.mark.slow
def test_the_engine_gives_a_result_from_a_market(qlib):
    market = sheet(
        ["2023-08-24", "2023-08-25", "2023-08-28", "2023-08-29", "2023-08-30"],
        {
            "600000.SH": [10.0, 10.25, None, 10.5, 10.0],
            "600001.SH": [20.0, 20.5, 19.75, 21.0, 20.0],
        },
        factors={"600000.SH": [1.0, 1.0, 1.0, 1.1, 1.1]},
    )
    weights = decide(
        market,
        {
            "2023-08-24": {"600000.SH": 0.5, "600001.SH": 0.4},
            "2023-08-28": {"600000.SH": 0.1, "600001.SH": 0.7},
        },
    )
    ours = NativeEngine(capital=1e6).run(weights, market)
    theirs = QlibEngine(capital=1e6, python=str(qlib)).run(weights, market)
    assert theirs.conventions["engine"] == "qlib 0.9.7"
    assert "one rate a side for all dates" in theirs.conventions["engine notes"]
    assert refusals(theirs) == refusals(ours)
    # 0.05 % of stamp duty more on one sale of 400,000 would be 200
    assert np.abs(theirs.equity - ours.equity).max() < 250.0


@pytest.mark.slow
def test_a_failure_is_told_without_the_chatter_of_gym(qlib, tmp_path):
    (tmp_path / "tape").mkdir()
    with pytest.raises(SuperhetError, match=r"engine qlib failed.*terms.json is missing") as error:
        run_program("qlib", tmp_path / "tape", tmp_path / "books", qlib)
    assert len(error.value.message.splitlines()) == 1


def test_an_engine_that_is_nowhere_names_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("superhet.backtest.engines.outside._SOURCE", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"make engines.*pip install 'superhet\[qlib\]'"):
        find_interpreter("qlib", "qlib")


# the export


def test_the_export_has_all_that_qlib_needs_and_no_pickle(tmp_path):
    tape, folder = random_tape(8, 40, **SCENARIOS["actions"]), tmp_path / "book"
    export_qlib(tape, folder)
    there = {path.name for path in folder.iterdir()}
    made = {"requirements.txt", "tape", "provider", "signal.parquet", "workflow.yaml"}
    assert there == {*FILES.values(), *made}
    assert not list(folder.rglob("*.pkl"))
    flow = yaml.safe_load((folder / "workflow.yaml").read_text(encoding="utf-8"))
    assert flow["qlib_init"]["exp_manager"]["kwargs"]["uri"] == "sqlite:///experiments.db"
    portfolio = flow["task"]["record"][-1]["kwargs"]["config"]
    assert portfolio["strategy"]["class"] == "TopkDropoutStrategy"
    assert portfolio["backtest"]["exchange_kwargs"]["close_cost"] == pytest.approx(0.00176)
    assert (folder / "provider" / "features" / INDEX.lower() / "close.day.bin").exists()


def test_the_signal_of_the_export_is_the_super_factor_of_the_assets_that_it_has(tmp_path):
    tape = random_tape(4, 10, **SCENARIOS["plain"])
    wide = random_tape(6, 10, seed=1, **SCENARIOS["plain"])
    wide = replace(wide, weights=np.where(wide.weights > 0.1, wide.weights, np.nan))
    score = decided_weights(wide)
    export_qlib(tape, tmp_path / "book", score)
    signal = pq.read_table(tmp_path / "book" / "signal.parquet")
    assert signal.column_names == ["datetime", "instrument", "score"]
    known = score.values[:, :4]
    assert_allclose(signal["score"].to_numpy(), known[np.isfinite(known)])
    assert set(signal["instrument"].to_pylist()) <= set(tape.assets)


def test_the_provider_has_the_return_of_a_holder_over_an_ex_date(tmp_path):
    # 10 at the close, 0.5 of dividend and 2 for 1: 4.75 is no change
    tape = one_stock(
        close=column([10.0, 10.0, 4.75, 4.75]),
        price=column([10.0, 10.0, 4.75, 4.75]),
        volume=column([100.0, 100.0, 400.0, 400.0]),
        actions=action(split=2.0, dividend=0.5, dividend_gross=0.5),
    )
    export_qlib(tape, tmp_path / "book")
    home = tmp_path / "book" / "provider" / "features" / "600000.sh"

    def read(name):
        return np.fromfile(home / f"{name}.day.bin", dtype="<f4")[1:]

    assert_allclose(read("close"), 10.0, rtol=1e-6)
    assert_allclose(read("change")[1:], 0.0, atol=1e-6)
    assert_allclose(read("close") / read("factor"), tape.close[:, 0], rtol=1e-6)
    assert_allclose(read("volume") * read("factor"), tape.volume[:, 0], rtol=1e-6)
    assert_allclose(tape_marks(tape)[0][2], [4.75])


def test_an_export_does_not_write_over_what_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        export_qlib(one_stock(), tmp_path)


def test_a_signal_from_other_years_is_refused(tmp_path):
    tape = random_tape(2, 10, **SCENARIOS["plain"])
    with pytest.raises(ConfigError, match="no value on the sessions and assets"):
        export_qlib(tape, tmp_path / "book", decided_weights(one_stock()))


@pytest.fixture(scope="module")
def exported(qlib, tmp_path_factory):
    """Export a book; give a function that runs words with Qlib's Python there, with another home."""
    root = tmp_path_factory.mktemp("alone")
    tape, folder = random_tape(20, 60, **SCENARIOS["full"]), root / "book"
    export_qlib(tape, folder)
    clean = {"PATH": os.defpath, "HOME": str(root / "home")}

    def run(*words):
        command = [str(qlib), *words]
        return subprocess.run(
            command, cwd=folder, env=clean, capture_output=True, text=True, check=False
        )

    return tape, folder, run


@pytest.mark.slow
def test_the_exported_program_gives_the_same_book(qlib, exported):
    tape, folder, run = exported
    done = run("qlib_book.py", "tape", "books")
    assert (done.returncode, done.stderr) == (0, "")
    books, facts = outside_books("qlib", "qlib", tape, str(qlib))
    equity = pq.read_table(folder / "books" / "equity.parquet")["equity"].to_numpy()
    assert_array_equal(equity, books.daily.equity[1:])
    told = json.loads((folder / "books" / "facts.json").read_text(encoding="utf-8"))
    assert told["gap"] == facts["gap"]


@pytest.mark.slow
def test_qrun_accepts_the_workflow_and_leaves_the_home_alone(exported):
    _, folder, run = exported
    done = run("-m", "qlib.cli.run", "workflow.yaml")
    assert done.returncode == 0, done.stderr
    assert not (folder.parent / "home").exists()
    with sqlite3.connect(folder / "experiments.db") as store:
        found = dict(store.execute("select key, value from latest_metrics").fetchall())
        status = store.execute("select status from runs").fetchall()
    assert status == [("FINISHED",)]
    assert {"IC", "Rank IC", "1day.excess_return_with_cost.annualized_return"} <= set(found)
