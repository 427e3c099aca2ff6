"""vn.py keeps the books: as our ledger to the cent, in a folder of its own, without windows, never half."""

from __future__ import annotations

import ast
import json
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tapes import SCENARIOS, random_tape

from superhet.backtest.bookkeeping import keep_books
from superhet.backtest.engines.outside import (
    PROGRAMS,
    find_interpreter,
    read_books,
    run_program,
)
from superhet.backtest.export_folder import adjust_factors
from superhet.backtest.export_vnpy import export_vnpy
from superhet.backtest.tape import ActionRows, write_tape
from superhet.data.pulling import pull
from superhet.data.sources.vendor import Access, PullRequest, Universe
from superhet.data.sources.vnpy_db import VnpyDb
from superhet.data.store import Store
from superhet.errors import ConfigError, MissingExtra, SuperhetError
from superhet.kernels.ledger_books import SUSPENDED
from superhet.panel import Dates, Panel

ALPHA = Path(__file__).parents[2] / ".engines" / "vnpy_alpha" / "bin" / "python"
CENT = 0.01
SMALL = (12, 40)
QT = ("PySide6", "PySide2", "PyQt5", "PyQt6", "pyqtgraph", "qdarkstyle", "vnpy.trader.ui")
# runs the program as its own process does, and says at the end whether a window library was loaded
WATCHED = f"""
import sys
sys.path.insert(0, {str(PROGRAMS)!r})
import vnpy_book
code = vnpy_book.main(sys.argv[1:])
print("qt", [name for name in {QT!r} if name in sys.modules])
sys.exit(code)
"""


@pytest.fixture(scope="session")
def python():
    try:
        return find_interpreter("vnpy", "vnpy_portfoliostrategy")
    except MissingExtra as missing:
        pytest.skip(str(missing))


def played(tape, folder, python, *options):
    """Let vn.py keep the books of a tape; give them and its facts."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tape(tape, folder / "tape")
    run_program("vnpy", folder / "tape", folder / "books", python, options=options)
    return read_books(folder / "books", tape)


def assert_same_books(tape, books):
    """Compare with our own ledger: every day, every fill, every refusal."""
    ours = keep_books(tape)
    np.testing.assert_allclose(books.daily.equity, ours.daily.equity, rtol=0, atol=CENT)
    np.testing.assert_allclose(books.daily.cash, ours.daily.cash, rtol=0, atol=CENT)
    np.testing.assert_allclose(books.daily.costs, ours.daily.costs, rtol=0, atol=CENT)
    np.testing.assert_allclose(books.daily.incomes, ours.daily.incomes, rtol=0, atol=CENT)
    np.testing.assert_array_equal(books.fills, ours.fills)
    np.testing.assert_array_equal(books.refusals, ours.refusals)
    np.testing.assert_allclose(books.undone, ours.undone, rtol=0, atol=1e-6)


@pytest.fixture(scope="session")
def hardest(tmp_path_factory, python):
    """A small book with everything in it, run beside an empty home; its database is kept."""
    folder, home = tmp_path_factory.mktemp("vnpy"), tmp_path_factory.mktemp("home")
    tape = random_tape(*SMALL, seed=5, **SCENARIOS["financing"])
    write_tape(tape, folder / "tape")
    words = [python, "-c", WATCHED, folder / "tape", folder / "books", "--keep"]
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(home), "USERPROFILE": str(home), "PATH": ""},
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return tape, folder, home, done.stdout


def test_a_book_with_actions_shorts_and_financing_is_ours_to_the_cent(hardest):
    tape, folder, _, _ = hardest
    books, facts = read_books(folder / "books", tape)
    assert len(books.fills[0]) > 100
    assert facts["bars"] == "vnpy_sqlite"
    assert_same_books(tape, books)


def test_trades_are_those_that_vnpy_itself_counted(hardest):
    tape, folder, _, _ = hardest
    _, facts = read_books(folder / "books", tape)
    trades = pq.read_table(folder / "books" / "trades.parquet")["kind"].to_pylist()
    assert facts["trades"] == sum(kind != "delisting" for kind in trades)


def test_the_home_of_the_user_is_left_alone(hardest):
    _, folder, home, _ = hardest
    assert list(home.iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == ["books", "tape"]


def test_no_window_library_is_loaded(hardest):
    assert hardest[3].splitlines()[-1] == "qt []"


def test_bars_that_pass_the_database_by_give_the_same_books(hardest, tmp_path, python):
    tape, folder, _, _ = hardest
    through, _ = read_books(folder / "books", tape)
    direct, facts = played(tape, tmp_path, python, "--bars", "direct")
    assert facts["bars"] == "memory"
    np.testing.assert_array_equal(direct.daily.equity, through.daily.equity)


def test_the_database_of_vnpy_comes_back_as_the_bars_of_the_tape(hardest, tmp_path):
    tape, folder, _, _ = hardest
    request = PullRequest(
        universe=Universe.parse("all"),
        start=date(2023, 1, 1),
        end=date(2023, 12, 31),
        today=date(2024, 1, 1),
        tables=("bars_1d",),
    )
    store = Store.create(tmp_path / "store")
    access = Access(path=folder / "books" / ".vntrader" / "database.db")
    assert pull(VnpyDb, request, store, access).ok
    bars = store.read("bars_1d")
    row, column = np.nonzero(tape.close > 0.0)
    at = {
        (str(day), asset): k
        for k, (day, asset) in enumerate(zip(bars["date"], bars["asset"], strict=True))
    }
    days, names = tape.dates.values.astype("datetime64[D]").astype(str), list(tape.assets)
    order = [at[days[t], names[i]] for t, i in zip(row, column, strict=True)]
    assert len(order) == len(bars)
    for name in ("open", "high", "low", "close", "volume"):
        kept = bars[name].to_numpy()[order]
        np.testing.assert_array_equal(kept, getattr(tape, name)[row, column], err_msg=name)


def test_the_first_of_a_month_a_closed_market_and_a_fill_at_the_close_are_played(tmp_path, python):
    """vn.py alone takes a first bar on the 1st for its warm-up, and skips a day on which nothing trades."""
    tape = random_tape(*SMALL, seed=6, **SCENARIOS["suspended"])
    dates = np.busday_offset(np.datetime64("2023-02-01"), np.arange(SMALL[1]))
    bars = {n: np.array(getattr(tape, n)) for n in ("open", "high", "low", "close", "volume")}
    block = np.array(tape.buy_block)
    for values in bars.values():
        values[20] = np.nan  # nothing trades on session 20
        values[:, 3] = np.nan  # and one stock never has a price
    block[20], block[:, 3] = SUSPENDED, SUSPENDED
    price = np.array(bars["close"])
    price[25, :6] = np.nan  # a price is missing where one may trade
    mark = np.where(np.arange(SMALL[0]) == 3, np.nan, tape.mark)
    odd = replace(
        tape, **bars, dates=Dates(dates), price=price, buy_block=block, sell_block=block, mark=mark
    )  # fmt: skip
    books, facts = played(odd, tmp_path, python)
    assert_same_books(odd, books)
    assert any("not at the open" in note for note in facts["notes"])


def test_a_ruin_inside_vnpy_is_a_failure_with_its_reason(tmp_path, python):
    """vn.py prints an error of a strategy, stops, and returns as if the backtest were complete."""
    tape = random_tape(
        *SMALL, seed=7, **{**SCENARIOS["plain"], "gross": 2.0, "cash_rule": "borrow"}
    )
    fallen = {n: np.array(getattr(tape, n)) for n in ("open", "high", "low", "close")}
    for values in fallen.values():
        values[30:] = 0.01
    with pytest.raises(SuperhetError, match="lost all its capital on"):
        played(replace(tape, **fallen, price=fallen["open"]), tmp_path, python)
    assert [path.name for path in tmp_path.iterdir()] == ["tape"]


def test_an_export_runs_alone_from_a_clean_folder(tmp_path, python):
    tape = random_tape(*SMALL, seed=9, **SCENARIOS["actions"])
    export_vnpy(tape, tmp_path / "export")
    done = subprocess.run(
        [str(python), "vnpy_book.py", "tape", "books"],
        cwd=tmp_path / "export",
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_same_books(tape, read_books(tmp_path / "export" / "books", tape)[0])
    assert "python vnpy_book.py tape books" in (tmp_path / "export" / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_three_years_of_fifty_stocks_are_ours_to_the_cent(scenario, tmp_path, python):
    tape = random_tape(50, 750, seed=1, **SCENARIOS[scenario])
    assert_same_books(tape, played(tape, tmp_path, python)[0])


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["cut", "scale", "refuse", "borrow"])
def test_every_cash_rule_is_ours_to_the_cent(rule, tmp_path, python):
    tape = random_tape(30, 120, seed=2, cash_rule=rule, **SCENARIOS["tight"])
    books, _ = played(tape, tmp_path, python)
    assert_same_books(tape, books)


def lab_of(tape, folder, super_factor=None):
    export_vnpy(tape, folder, super_factor)
    return folder / "lab"


def test_a_lab_has_a_row_for_each_bar_and_none_for_a_suspended_day(tmp_path):
    tape = random_tape(*SMALL, seed=5, **SCENARIOS["suspended"])
    lab = lab_of(tape, tmp_path / "export")
    table = pq.read_table(lab / "daily" / "600000.SSE.parquet")
    assert table.column_names == [
        "datetime", "open", "high", "low", "close", "volume", "turnover", "open_interest"
    ]  # fmt: skip
    known = ~np.isnan(tape.close[:, 0])
    assert 0 < known.sum() < SMALL[1]
    np.testing.assert_array_equal(table["close"].to_numpy(), tape.close[known, 0])
    days = table["datetime"].to_numpy().astype("datetime64[D]")
    np.testing.assert_array_equal(days, tape.dates.values[known])


def test_adjusted_bars_give_the_return_of_a_holder_over_an_ex_date():
    """10 shares become 13 and pay 0.5: 10.5 before, 8.0 after, so 100 become 10.4/10 + 0.05 of 10.5."""
    tape = random_tape(2, 3, **SCENARIOS["plain"])
    rows = ActionRows(
        session=np.array([1]),
        asset=np.array([0]),
        split=np.array([1.3]),
        dividend=np.array([0.4]),
        dividend_gross=np.array([0.5]),
    )
    close = np.array([[10.5, 5.0], [8.0, 5.0], [8.4, 5.0]])
    adjusted = close * adjust_factors(replace(tape, close=close, actions=rows))
    # the theoretical price after is (10.5 - 0.5) / 1.3, and 8.0 is 4 % above it
    assert adjusted[1, 0] / adjusted[0, 0] == pytest.approx(1.04)
    assert adjusted[2, 0] / adjusted[1, 0] == pytest.approx(1.05)
    np.testing.assert_array_equal(adjusted[:, 1], 5.0)


def test_the_super_factor_becomes_a_signal_of_the_lab(tmp_path):
    tape = random_tape(*SMALL, seed=5, **SCENARIOS["plain"])
    values = np.random.default_rng(0).standard_normal(SMALL[::-1])
    values[3, 4] = np.nan
    signal = Panel(values=values, dates=tape.dates, assets=tape.assets)
    lab = lab_of(tape, tmp_path / "export", signal)
    table = pq.read_table(lab / "signal" / "super_factor.parquet")
    assert table.column_names == ["datetime", "vt_symbol", "signal"]
    np.testing.assert_array_equal(table["signal"].to_numpy(), values[np.isfinite(values)])
    rates = json.loads((lab / "contract.json").read_text())["600000.SSE"]
    assert rates["short_rate"] - rates["long_rate"] == pytest.approx(
        tape.rates[-1, 3] - tape.rates[-1, 4]
    )


def test_an_export_does_not_write_over_anything(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        export_vnpy(random_tape(2, 3, **SCENARIOS["plain"]), tmp_path)


@pytest.mark.slow
def test_alphalab_reads_the_lab(tmp_path):
    if not ALPHA.exists():
        pytest.skip("vnpy.alpha is not installed: make .engines/vnpy_alpha/.done")
    tape = random_tape(*SMALL, seed=5, **SCENARIOS["suspended"])
    signal = Panel(values=np.ones(SMALL[::-1]), dates=tape.dates, assets=tape.assets)
    lab = lab_of(tape, tmp_path / "export", signal)
    done = subprocess.run(
        [str(ALPHA), str(lab.parent / "vnpy_lab.py"), str(lab)],
        capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)},
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["bars"] == int((tape.close > 0).sum())
    assert found["signals"] == {
        "super_factor": SMALL[0] * SMALL[1],
        "target_weight": SMALL[0] * SMALL[1],
    }
    assert found["contracts"] == found["components"] == SMALL[0]


@pytest.mark.parametrize("name", ["vnpy_book.py", "vnpy_strategy.py", "vnpy_lab.py"])
def test_a_program_imports_nothing_of_this_package(name):
    """But for types, in a branch that never runs."""
    tree = ast.parse((PROGRAMS / name).read_text(encoding="utf-8"))
    idle = [
        n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
    ]
    tree.body = [n for n in tree.body if n not in idle] + [
        n for branch in idle for n in branch.orelse
    ]
    taken = [ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert len(taken) > 4
    assert [line for line in taken if "superhet" in line] == []
