"""Keep the books of a tape in vn.py.

    python vnpy_book.py TAPE_FOLDER BOOKS_FOLDER [--bars database|direct] [--keep]

1. vn.py gets a scratch folder beside the books for its settings, log and database -> `scratch`
2. bars go through its SQLite database, or straight to its engine if they are many -> `load_bars`
3. its portfolio engine runs the strategy of `vnpy_strategy`                       -> `run`
4. the books are written; with --keep, vn.py's database stays with them            -> `main`

vn.py takes its folder of settings from the working directory at its first import, or makes one in the
user's home: it is imported only inside the scratch folder. Its windows (Qt) are never loaded.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superhet.backtest.programs.book_files import BookError, Tape, read_tape
    from superhet.backtest.programs.book_rules import Clerk
else:  # a program runs alone, with its own folder in front of the path
    from book_files import BookError, Tape, read_tape
    from book_rules import Clerk

MOST_IN_DATABASE = 1_000_000  # bars; vn.py reads about 30,000 a second out of its database
FOLDER = ".vntrader"
CHUNK = 20_000


@contextlib.contextmanager
def scratch(books: Path, keep: bool) -> Iterator[Path]:
    """Work in a folder of vn.py's own beside the books; `keep` moves it into them at the end."""
    home, folder = Path.cwd(), books.with_name(f"{books.name}.vnpy")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / FOLDER).mkdir(parents=True)
    (folder / FOLDER / "vt_setting.json").write_text(
        '{"log.console": false, "log.file": false, "database.name": "sqlite", '
        '"database.database": "database.db"}\n',
        encoding="utf-8",
    )
    os.chdir(folder)
    try:
        yield folder
        if keep:
            os.chdir(home)
            shutil.move(folder / FOLDER, books / FOLDER)
    finally:
        os.chdir(home)
        shutil.rmtree(folder, ignore_errors=True)


def load_bars(engine: Any, tape: Tape, bars_of: Any, *, through_database: bool) -> int:
    """Give the engine its bars; say how many they are.

    vn.py's `save_bar_data` writes 50 rows a statement; its table is filled here in larger statements.
    """
    if not through_database:
        for i in range(len(tape.assets)):
            for bar in bars_of(tape, i):
                engine.dts.add(bar.datetime)
                engine.history_data[bar.datetime, bar.vt_symbol] = bar
        return len(engine.history_data)
    from vnpy.trader.database import get_database
    from vnpy_sqlite.sqlite_database import DbBarData

    database = get_database()
    names = [name for name in DbBarData._meta.sorted_field_names if name != "id"]
    columns = [DbBarData._meta.fields[name].column_name for name in names]
    statement = (
        f"INSERT OR REPLACE INTO {DbBarData._meta.table_name} ({', '.join(columns)}) "
        f"VALUES ({', '.join('?' * len(columns))})"
    )
    rows: list[tuple[Any, ...]] = []
    with database.db.atomic():
        for i in range(len(tape.assets)):
            rows.extend(_row(bar, names) for bar in bars_of(tape, i))
            if len(rows) >= CHUNK:
                database.db.connection().executemany(statement, rows)
                rows.clear()
        database.db.connection().executemany(statement, rows)
        database.get_bar_overview()  # makes the overview that VeighNa's data manager shows
    engine.load_data()
    database.db.close()
    return len(engine.history_data)


def _row(bar: Any, names: list[str]) -> tuple[Any, ...]:
    plain = {
        "datetime": bar.datetime.replace(tzinfo=None),
        "exchange": bar.exchange.value,
        "interval": bar.interval.value,
    }
    return tuple(plain[name] if name in plain else getattr(bar, name) for name in names)


def run(tape: Tape, bars: str) -> tuple[Clerk, dict[str, Any]]:
    """Play a tape through vn.py; give the clerk with the books, and the facts of the run."""
    strategy = importlib.import_module("vnpy_strategy")
    last, said = len(tape.dates) - 1, list[str]()
    engine, clerk = strategy.make_engine(
        tape,
        report=lambda t: print(f"session {t} of {last}", flush=True),
        say=said.append,
    )
    start = time.perf_counter()
    known = int((tape.quotes["close"] > 0.0).sum())
    database = bars == "database" or (bars == "auto" and known <= MOST_IN_DATABASE)
    loaded = load_bars(engine, tape, strategy.tape_bars, through_database=database)
    if loaded != known:
        raise BookError(f"vn.py read {loaded:,} bars back where {known:,} were written")
    ready = time.perf_counter()
    engine.run_backtesting()
    if engine.session != last:
        raise BookError(
            f"vn.py stopped at session {engine.session} of {last}: " + "\n".join(said[-2:])
        )
    facts = {
        "engine": "vnpy",
        "version": f"{version('vnpy')}, vnpy_portfoliostrategy {version('vnpy_portfoliostrategy')}",
        "seconds": time.perf_counter() - start,
        "loading_seconds": ready - start,
        "bars": "vnpy_sqlite" if database else "memory",
        "trades": engine.trade_count,
        "notes": notes(tape, database=database),
    }
    return clerk, facts


def notes(tape: Tape, *, database: bool) -> list[str]:
    """Say what vn.py could not express by itself in this book."""
    said = [
        "vn.py's portfolio engine keeps no cash: the strategy keeps its own, with fees by date, side and leg",
        "it fills whole orders at the open of the bar, also in a suspended stock and beyond limits: orders "
        "are cut before they reach its matcher",
        "orders are sent before the open of their session, after its corporate actions",
    ]
    if tape.actions:
        said.append("splits, dividends and delistings change vn.py's positions before the open")
    if bool((tape.quotes["price"] != tape.quotes["open"])[tape.quotes["price"] > 0.0].any()):
        said.append("fills are not at the open: the fill price stands in for the open of the bar")
    if not database:
        said.append("bars went straight to the engine: its database is slow for so many")
    return said


def main(arguments: list[str]) -> int:
    """Read the tape, run vn.py, write the books; 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tape", type=Path, help="folder of the tape")
    parser.add_argument("books", type=Path, help="folder to write")
    parser.add_argument("--bars", choices=("auto", "database", "direct"), default="auto")
    parser.add_argument("--keep", action="store_true", help="leave vn.py's database in the books")
    given = parser.parse_args(arguments)
    tape_folder, books = given.tape.absolute(), given.books.absolute()
    try:
        tape = read_tape(tape_folder)
        with scratch(books, given.keep):
            clerk, facts = run(tape, given.bars)
            clerk.write(books, facts)
        print(
            f"equity {clerk.equity:,.2f} at the close of {tape.dates[-1]}; the books are in {books}"
        )
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
