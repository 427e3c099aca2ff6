"""Backtrader keeps our books to the cent; its program runs alone; its failures are told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from one_stock import action, column, one_stock
from sheet_market import decide, fills, refusals, sheet
from tapes import SCENARIOS, random_tape

from superhet.backtest import NativeEngine
from superhet.backtest.bookkeeping import keep_books
from superhet.backtest.engines import BacktraderEngine
from superhet.backtest.engines.outside import (
    PROGRAMS,
    find_interpreter,
    outside_books,
    read_books,
    run_program,
    stop_programs,
)
from superhet.backtest.export_backtrader import FILES, export_backtrader
from superhet.backtest.tape import StepTimes, write_tape
from superhet.errors import ConfigError, DataError, MissingExtra, SuperhetError
from superhet.panel import Assets, Dates

CENT = 0.01


@pytest.fixture(scope="module")
def backtrader():
    """Give a Python that has Backtrader."""
    try:
        return find_interpreter("backtrader", "backtrader")
    except MissingExtra as error:
        pytest.skip(f"no Backtrader: {error}")


def assert_same_books(theirs, ours):
    assert np.abs(theirs.daily.equity - ours.daily.equity).max() <= CENT
    assert np.abs(theirs.daily.cash - ours.daily.cash).max() <= CENT
    assert_allclose(theirs.daily.costs, ours.daily.costs, atol=CENT)
    assert_allclose(theirs.daily.incomes, ours.daily.incomes, atol=CENT)
    assert_allclose(theirs.daily.holdings, ours.daily.holdings, atol=1e-9)
    for rows in ("fills", "refusals"):
        assert_array_equal(
            sorted(getattr(theirs, rows).T.tolist()), sorted(getattr(ours, rows).T.tolist())
        )
    for state in ("shares", "goal", "mark", "weight"):
        assert_allclose(getattr(theirs.closing, state), getattr(ours.closing, state), atol=1e-9)
    assert theirs.undone.sum() == pytest.approx(ours.undone.sum())


@pytest.mark.parametrize("scenario", ["actions", "financing"])  # the others are parts of these
def test_backtrader_keeps_our_books_to_the_cent(backtrader, scenario):
    tape = random_tape(10, 60, **SCENARIOS[scenario])
    theirs, _ = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_same_books(theirs, keep_books(tape))


@pytest.mark.parametrize("rule", ["scale", "refuse", "borrow"])
def test_backtrader_follows_each_rule_for_want_of_cash(backtrader, rule):
    tape = random_tape(10, 60, cash_rule=rule, **{**SCENARIOS["financing"], "gross": 2.0})
    ours = keep_books(tape)
    assert ours.refusals.shape[1] > 0
    theirs, facts = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_same_books(theirs, ours)
    assert any("line of credit" in note for note in facts["notes"])


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_backtrader_keeps_our_books_of_fifty_stocks_and_three_years(backtrader, scenario):
    tape = random_tape(50, 750, **SCENARIOS[scenario])
    theirs, _ = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_same_books(theirs, keep_books(tape))


def test_a_stock_listed_later_does_not_keep_the_others_from_trading(backtrader):
    tape = random_tape(6, 30, **SCENARIOS["full"])
    young = np.array(tape.close)
    young[:12, 0] = np.nan
    block = np.array(tape.buy_block)
    block[:12, 0] = 1
    tape = replace(
        tape,
        close=young,
        buy_block=block,
        sell_block=block,
        mark=np.array([np.nan, *tape.mark[1:]]),
    )
    ours = keep_books(tape)
    assert (ours.fills[0, ours.fills[1] != 0] < 12).any()
    assert (ours.fills[0, ours.fills[1] == 0] > 12).any()
    theirs, _ = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_same_books(theirs, ours)


def test_dividend_and_split_on_one_day_by_hand(backtrader):
    # 500 shares; on the ex-date 0.45 a share after tax, then 2 for 1; closes at 4.80
    tape = one_stock(
        close=column([10.0, 10.0, 4.8, 4.8]),
        price=column([10.0, 10.0, 4.75, 4.8]),
        actions=action(split=2.0, dividend=0.45, dividend_gross=0.5),
    )
    books, _ = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_allclose(books.daily.cash[1:3], [5_000.0, 5_225.0], atol=CENT)
    assert_allclose(books.daily.equity[1:3], [10_000.0, 10_025.0], atol=CENT)
    assert books.daily.incomes[2, 0] == pytest.approx(225.0)
    assert books.closing.shares[0] == 1_000.0


@pytest.mark.slow
def test_a_split_while_suspended_changes_no_equity_and_pays_the_fraction(backtrader):
    # 500 x 1.333 = 666.5: 666 shares stay, and half a share at 10 / 1.333 is 3.75 in cash
    gone = np.array([[0], [0], [2], [2]], dtype=np.int8)
    tape = one_stock(
        close=column([10.0, 10.0, np.nan, np.nan]),
        price=column([10.0, 10.0, np.nan, np.nan]),
        buy_block=gone,
        sell_block=gone,
        actions=action(split=1.333),
    )
    books, _ = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_allclose(books.daily.equity, 10_000.0, atol=CENT)
    assert books.closing.shares[0] == 666.0
    assert books.daily.cash[2] == pytest.approx(5_003.75, abs=CENT)


@pytest.mark.slow
def test_a_short_pays_its_fee_for_the_weekend(backtrader):
    # 500 short at 10 and 36.5 % a year: 5 a day, 15 from Friday to Monday
    tape = one_stock(weights=np.array([[-0.5]]), borrow_rate=np.full((1, 1), 0.365))
    books, _ = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_allclose(books.daily.costs[:, 5], [0.0, 0.0, 5.0, 15.0], atol=1e-9)
    assert_allclose(books.daily.equity, [10_000.0, 10_000.0, 9_995.0, 9_980.0], atol=CENT)


@pytest.mark.slow
def test_stamp_duty_falls_on_sales_and_each_leg_through_zero_pays_its_minimum(backtrader):
    # +500 to -500 on the last session: two sales of 500 at 10; duty 0.1 % and 5 of commission each
    rates = np.zeros((4, 7))
    rates[:, 1], rates[:, 3] = 5.0, 0.001
    tape = one_stock(
        weights=np.array([[0.5], [-0.5]]), row_of=np.array([0, -1, 1, -1]), rates=rates
    )
    books, _ = outside_books("backtrader", "backtrader", tape, str(backtrader))
    assert_allclose(books.money[0], [500.0, -500.0, -400.0])  # 0.5 x 9,995 buys four lots, not five
    assert_allclose(books.daily.costs[3, :2], [10.0, 9.0])
    assert books.daily.cash[3] == pytest.approx(4_995.0 + 9_000.0 - 19.0)


def test_the_engine_gives_the_result_of_our_own_from_a_market(backtrader):
    market = sheet(
        ["2023-08-24", "2023-08-25", "2023-08-28", "2023-08-29", "2023-08-30"],
        {"600000.SH": [10.0, 10.2, None, 10.4, 10.1], "600001.SH": [20.0, 20.5, 19.8, 21.0, 20.2]},
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
    theirs = BacktraderEngine(capital=1e6, python=str(backtrader)).run(weights, market)
    assert_allclose(theirs.equity, ours.equity, atol=CENT)
    assert fills(theirs) == fills(ours)
    assert refusals(theirs) == refusals(ours)
    assert theirs.conventions["engine"] == "backtrader 1.9.78.123"
    assert "filler" in theirs.conventions["engine notes"]


def test_going_on_from_an_earlier_run_is_for_our_own_engine():
    market = sheet(["2024-01-02", "2024-01-03", "2024-01-04"], {"600000.SH": [10.0, 10.2, 10.4]})
    weights = decide(market, {"2024-01-02": {"600000.SH": 0.5}})
    early = NativeEngine(capital=1e6).run(weights, market.until("2024-01-03"))
    with pytest.raises(ConfigError, match="cannot go on from the end of an earlier run"):
        BacktraderEngine(capital=1e6).resume(early.final_state, weights, market)


def test_fills_inside_the_session_are_for_our_own_engine(backtrader):
    steps = StepTimes(
        session=np.arange(4), time=np.array(["2024-05-08T10:00"] * 4, dtype="datetime64[s]")
    )
    with pytest.raises(DataError, match="use the native engine"):
        outside_books("backtrader", "backtrader", one_stock(steps=steps), str(backtrader))


def test_a_book_that_loses_all_ends_with_the_day(backtrader):
    tape = one_stock(weights=np.array([[-1.0]]), close=column([10.0, 10.0, 30.0, 30.0]))
    with pytest.raises(SuperhetError, match="lost all its capital on 2024-05-10"):
        outside_books("backtrader", "backtrader", tape, str(backtrader))


def test_the_export_runs_alone_and_gives_the_same_book(backtrader, tmp_path):
    tape = random_tape(8, 40, **SCENARIOS["actions"])
    ours, folder = keep_books(tape), tmp_path / "book"
    export_backtrader(tape, folder)
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [*FILES.values(), "requirements.txt", "tape"]
    )
    clean = {"PATH": "", "HOME": str(tmp_path)}

    def run(*words):
        command = [str(backtrader), *words]
        done = subprocess.run(
            command, cwd=folder, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("backtrader_book.py", "tape", "books")
    equity = pq.read_table(folder / "books" / "equity.parquet")["equity"].to_numpy()
    assert np.abs(equity - ours.daily.equity[1:]).max() <= CENT
    assert f"final equity {ours.daily.equity[-1]:,.2f}" in run("strategy.py")


def test_the_programs_load_nothing_of_ours(backtrader, tmp_path):
    write_tape(one_stock(), tmp_path / "tape")
    look = (
        "import runpy, sys\nsys.argv = sys.argv[1:]\nsys.path.insert(0, sys.argv.pop())\n"
        "try:\n    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end:\n    print('code', end.code)\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('superhet', 'pandas')])"
    )
    words = [str(PROGRAMS / "backtrader_book.py"), "tape", "books", str(PROGRAMS)]
    done = subprocess.run(
        [backtrader, "-c", look, *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-2:] == ["code 0", "[]"]


def test_an_export_does_not_write_over_what_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        export_backtrader(one_stock(), tmp_path)


# whatever an engine is: stubs in place of a program


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Give a function that runs a text as the program of an engine named "stub"."""
    monkeypatch.setattr("superhet.backtest.engines.outside.PROGRAMS", tmp_path)
    write_tape(one_stock(), tmp_path / "tape")

    def run(text, **words):
        (tmp_path / "stub_book.py").write_text(text)
        run_program("stub", tmp_path / "tape", tmp_path / "books", Path(sys.executable), **words)

    return run


def test_a_crash_is_told_in_the_engines_own_words(stub):
    with pytest.raises(
        SuperhetError, match="engine stub failed with exit code 1: ValueError: no such fee"
    ) as e:
        stub("def charge():\n    raise ValueError('no such fee')\ncharge()")
    assert "in charge" in str(e.value)
    assert e.value.facts["exit_code"] == 1


def test_an_engine_that_is_killed_says_by_which_signal(stub):
    with pytest.raises(SuperhetError, match="engine stub was ended by signal 9"):
        stub("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")


def test_an_engine_that_ends_without_books_is_an_error(stub):
    with pytest.raises(SuperhetError, match="without writing its books"):
        stub("pass")


def test_an_engine_sees_no_path_of_ours(stub, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    with pytest.raises(SuperhetError, match="exit code 3: None"):
        stub("import os, sys\nprint(os.environ.get('PYTHONPATH'), file=sys.stderr)\nsys.exit(3)")


def test_progress_counts_sessions(stub):
    seen = []
    books = "from pathlib import Path\nimport sys\nPath(sys.argv[2]).mkdir()\n"
    books += "(Path(sys.argv[2]) / 'facts.json').write_text('{}')\n"
    stub(
        books + "print('session 1 of 2')\nprint('other words')\nprint('session 2 of 2')",
        progress=lambda *told: seen.append(told),
    )
    assert seen == [(1, 2, "engine stub"), (2, 2, "engine stub")]


def test_an_interrupt_leaves_no_process_behind(stub, tmp_path):
    def interrupt(done, total, label):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stub(
            "import os, time\nopen('pid', 'w').write(str(os.getpid()))\n"
            "print('session 1 of 9', flush=True)\ntime.sleep(60)",
            progress=interrupt,
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_programs_can_be_stopped_from_another_thread(stub):
    with ThreadPoolExecutor(1) as pool:
        started = threading.Event()
        waiting = pool.submit(
            stub,
            "import time\nprint('session 1 of 9', flush=True)\ntime.sleep(60)",
            progress=lambda *told: started.set(),
        )
        assert started.wait(30.0)
        stop_programs()
        with pytest.raises(SuperhetError, match="engine stub was ended by signal 15"):
            waiting.result(timeout=30.0)


def test_books_of_another_tape_are_refused(backtrader, tmp_path):
    tape = one_stock()
    write_tape(tape, tmp_path / "tape")
    run_program("backtrader", tmp_path / "tape", tmp_path / "books", backtrader)
    longer = replace(tape, dates=Dates(["2024-05-08", "2024-05-09", "2024-05-10", "2024-05-14"]))
    with pytest.raises(SuperhetError, match="another tape"):
        read_books(tmp_path / "books", longer)
    with pytest.raises(
        SuperhetError, match=r"the books name 600000\.SH: the tape has no such asset"
    ):
        read_books(tmp_path / "books", replace(tape, assets=Assets(["600009.SH"])))


def test_an_engine_that_is_nowhere_names_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("superhet.backtest.engines.outside._SOURCE", tmp_path)
    with pytest.raises(MissingExtra, match=r"make engines.*pip install 'superhet\[backtrader\]'"):
        find_interpreter("backtrader", "no_such_backtrader")


def test_a_chosen_python_without_the_engine_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="backtest.python"):
        find_interpreter("backtrader", "backtrader", str(tmp_path / "python"))
