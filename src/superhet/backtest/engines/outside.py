"""Outside engines: a tape goes to a program in a process of its own, and its books come back.

1. a Python that has the engine                                            -> `find_interpreter`
2. the tape is written to a scratch folder, the program runs on it         -> `outside_books`, `run_program`
3. the books folder becomes the books that our own ledger would have kept  -> `read_books`
4. settings, market and weights in, a result out, as for every engine      -> `OutsideEngine`

The process sees none of this package: only its program, its engine, numpy and pyarrow. What it prints as
`session 3 of 60` is its progress; what it says on stderr before it fails becomes the error.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from superhet.backtest.books import result_of
from superhet.backtest.tape import Tape, write_tape
from superhet.backtest.tape_marks import tape_marks
from superhet.backtest.taping import TapedEngine
from superhet.errors import ConfigError, MissingExtra, SuperhetError
from superhet.kernels.ledger_books import (
    COSTS,
    INCOMES,
    KINDS,
    LEG_COSTS,
    REFUSALS,
    Daily,
    LedgerBooks,
    Opening,
)
from superhet.panel import BacktestResult, Market, Panel
from superhet.progress import Progress, silent

Floats: TypeAlias = npt.NDArray[np.float64]
Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]

PROGRAMS = Path(__file__).parent.parent / "programs"
_SOURCE = Path(__file__).parents[4]  # of a checkout, where `make engines` works
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONWARNINGS")
_LINES = 20
_seen: set[tuple[Path, str]] = set()  # interpreters that had a module when last asked
_running: set[subprocess.Popen[str]] = set()


@dataclass(frozen=True, kw_only=True)
class OutsideEngine(TapedEngine):
    """The settings of all engines, and where the engine is installed.

    Parameters
    ----------
    python : a Python that has the engine; empty = .engines/NAME, which `make engines` makes, or else the
        Python that runs now
    """

    python: str = ""

    name: ClassVar[str]
    """Of the engine, its environment and its program."""
    module: ClassVar[str]
    """What its library is imported as."""

    def run(self, weights: Panel, market: Market) -> BacktestResult:
        """Trade target weights, decided at the closes of `weights.dates`; see `TapedEngine.run`.

        Raises
        ------
        MissingExtra
            if the engine is not installed
        SuperhetError
            if it fails; carries what it said
        """
        tape = self.tape(weights, market)
        books, facts = outside_books(self.name, self.module, tape, self.python)
        said = {
            "engine": f"{facts['engine']} {facts['version']}",
            "engine notes": "; ".join(facts["notes"]),
        }
        stated = replace(tape, conventions={**tape.conventions, **said})
        return result_of(stated, books, market.between(tape.dates.values[0], None).benchmark)

    def keep(self, tape: Tape, opening: Opening | None = None) -> LedgerBooks:
        """Keep the books of a tape.

        Raises
        ------
        ConfigError
            if they are to go on from an opening book, which only our own ledger can
        """
        if opening is not None:
            raise ConfigError(
                "backtest.engine",
                f"{self.name} cannot go on from the end of an earlier run. Run it from the first decision, "
                "or go on with the native engine.",
            )
        return outside_books(self.name, self.module, tape, self.python)[0]


def find_interpreter(name: str, module: str, python: str = "") -> Path:
    """Find a Python that can import an engine.

    Parameters
    ----------
    name : of the engine, and of its environment under .engines
    module : what its library is imported as
    python : the user's own choice; empty looks in .engines of the working directory and of the checkout,
        then at the Python that runs now

    Raises
    ------
    ConfigError
        if the user's choice is no Python that has the engine
    MissingExtra
        if none has it
    """
    if python:
        chosen = Path(python).expanduser().absolute()
        if not _imports(chosen, module):
            raise ConfigError(
                "backtest.python",
                f"{python} is no Python that can import {module}. Install {name} there, or leave python "
                f"out to use .engines/{name}, which `make engines` makes.",
            )
        return chosen
    for root in (Path.cwd(), _SOURCE):
        for inside in ("bin/python", "Scripts/python.exe"):
            made = root / ".engines" / name / inside
            if made.exists() and _imports(made, module):
                return made
    if importlib.util.find_spec(module) is not None:
        return Path(sys.executable)
    raise MissingExtra(
        f"{name} (`make engines` puts it into .engines/{name}; `python` names another interpreter)",
        name,
    )


def _imports(interpreter: Path, module: str) -> bool:
    if (interpreter, module) in _seen:
        return True
    look = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    try:
        done = subprocess.run(
            [interpreter, "-s", "-c", look], env=_environment(), capture_output=True, check=False
        )
    except OSError:
        return False
    if done.returncode == 0:
        _seen.add((interpreter, module))
    return done.returncode == 0


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    return {**kept, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}


def run_program(
    name: str,
    tape_folder: Path,
    books_folder: Path,
    interpreter: Path,
    progress: Progress = silent,
    options: Sequence[str] = (),
) -> None:
    """Run the program of an engine on a tape folder until it has written its books folder.

    Parameters
    ----------
    name : of the engine: programs/NAME_book.py is run
    progress : called as (session, sessions, label)
    options : further words of the command line

    Raises
    ------
    SuperhetError
        if it ends with anything but 0, or without books; carries its message and the last lines it said
    """
    program = PROGRAMS / f"{name}_book.py"
    command = [
        *(str(interpreter), "-s", str(program)),
        *(str(tape_folder.absolute()), str(books_folder.absolute())),
        *options,
    ]
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=_environment(),
            cwd=books_folder.absolute().parent,
        )
        _running.add(process)
        try:
            _follow(process, name, progress)
        finally:
            _end(process)
            _running.discard(process)
        said.seek(0)
        if process.returncode != 0:
            raise _failure(name, process.returncode, said.read())
    if not (books_folder / "facts.json").exists():
        raise SuperhetError(f"engine {name} ended without writing its books to {books_folder}")


def _follow(process: subprocess.Popen[str], name: str, progress: Progress) -> None:
    out: IO[str] | None = process.stdout
    for line in out or ():
        words = line.split()
        if len(words) == 4 and words[0] == "session" and words[1].isdigit() and words[3].isdigit():
            progress(int(words[1]), int(words[3]), f"engine {name}")
    process.wait()


def _end(process: subprocess.Popen[str]) -> None:
    """Leave nothing running, whatever happened here."""
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is not None:
        return
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5.0)
    if process.poll() is None:
        process.kill()
        process.wait()


def stop_programs() -> None:
    """End every program that runs now, for a run that is interrupted while threads wait for them."""
    for process in list(_running):
        with suppress(OSError):
            process.terminate()


def _failure(name: str, code: int, said: str) -> SuperhetError:
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    tail = lines[-_LINES:]
    message = tail[-1] if tail else "it said nothing"
    how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
    text = f"engine {name} {how}: {message}"
    if len(tail) > 1:
        text += "\nIts last lines:\n" + "\n".join(f"  {line}" for line in tail)
    return SuperhetError(text, engine=name, exit_code=code, said="\n".join(tail))


def outside_books(
    name: str, module: str, tape: Tape, python: str = "", progress: Progress = silent
) -> tuple[LedgerBooks, dict[str, Any]]:
    """Let an outside engine keep the books of a tape; give the books and its facts.

    Raises
    ------
    MissingExtra, ConfigError
        see `find_interpreter`
    DataError
        if the tape fills in slices of minutes
    SuperhetError
        if the engine fails
    """
    interpreter = find_interpreter(name, module, python)
    with tempfile.TemporaryDirectory(prefix=f"superhet-{name}-") as scratch:
        there, books = Path(scratch) / "tape", Path(scratch) / "books"
        write_tape(tape, there)
        run_program(name, there, books, interpreter, progress)
        return read_books(books, tape)


def read_books(folder: Path, tape: Tape) -> tuple[LedgerBooks, dict[str, Any]]:
    """Read a books folder as the ledger's own books, and the facts of the engine.

    Raises
    ------
    SuperhetError
        if the books are not those of the tape
    """
    equity, held, costs, trades, refused = (
        _columns(folder / f"{name}.parquet")
        for name in ("equity", "holdings", "costs", "trades", "refused")
    )
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    days = tape.dates.values.astype("datetime64[D]")
    if not np.array_equal(_days(equity), days[1:]):
        raise SuperhetError(
            f"{folder}: the books of another tape: their sessions are not its sessions"
        )
    shares = np.zeros(tape.shape)
    shares[held["session"], held["asset"]] = held["shares"]
    worth = np.insert(equity["equity"], 0, tape.terms.capital)
    marks = tape_marks(tape)[1]
    fills = [
        np.searchsorted(days, _days(trades)),
        _positions(trades["asset"], list(tape.assets)),
        _positions(trades["kind"], KINDS),
    ]
    refusals = [
        np.searchsorted(days, _days(refused)),
        _positions(refused["asset"], list(tape.assets)),
        _positions(refused["rule"], REFUSALS),
    ]
    daily = Daily(
        equity=worth,
        cash=np.insert(equity["cash"], 0, tape.terms.capital),
        traded=np.insert(equity["traded"], 0, 0.0),
        holdings=np.where(shares != 0.0, shares * marks, 0.0) / worth[:, None],
        costs=np.vstack([np.zeros(len(COSTS)), *_rows(costs, COSTS)]),
        incomes=np.vstack([np.zeros(len(INCOMES)), *_rows(costs, INCOMES)]),
    )
    money = np.stack([trades[name] for name in ("shares", "price", *LEG_COSTS)])
    books = LedgerBooks(
        daily=daily,
        fills=np.stack(fills).astype(np.int64),
        money=money.astype(np.float64),
        refusals=np.stack(refusals).astype(np.int64),
        undone=refused["shares"].astype(np.float64),
        closing=_closing(tape, shares[-1], marks[-1], daily, facts.get("goals")),
        ruined=-1,
    )
    return books, facts


def _closing(
    tape: Tape, shares: Floats, mark: Floats, daily: Daily, goals: Mapping[str, float] | None
) -> Opening:
    """Give the last book; an engine that does not tell its goals is taken to hold them."""
    goal = shares if goals is None else np.array([goals.get(name, 0.0) for name in tape.assets])
    return Opening(
        shares=shares.copy(),
        goal=goal.copy(),
        mark=mark.copy(),
        weight=np.array(tape.weights[tape.row_of.max()], dtype=np.float64),
        cash=float(daily.cash[-1]),
        equity=float(daily.equity[-1]),
        decided=True,
        fresh=bool(tape.row_of[-1] >= 0),
    )


def _columns(path: Path) -> Columns:
    table: pa.Table = pq.read_table(path)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def _rows(columns: Columns, names: Sequence[str]) -> Floats:
    return np.column_stack([columns[name] for name in names])


def _days(columns: Columns) -> npt.NDArray[np.datetime64]:
    return columns["date"].astype("datetime64[D]")


def _positions(names: npt.NDArray[Any], known: Sequence[str]) -> npt.NDArray[np.int64]:
    at = {name: k for k, name in enumerate(known)}
    strange = sorted({str(name) for name in names if name not in at})
    if strange:
        raise SuperhetError(
            f"the books name {', '.join(strange[:3])}: the tape has no such asset, or we no such kind or rule"
        )
    return np.array([at[name] for name in names], dtype=np.int64)
