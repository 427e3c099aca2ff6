"""Processes that write to a store, read it, and are killed.

One process imports the libraries and forks a worker for each line on its standard input, so that a test of
200 kills does not wait 200 times for imports. It must not compute anything before: threads do not survive a
fork.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from superhet.data.ingest import import_files
from superhet.data.store import Store, lease
from superhet.errors import CorruptedPart

FIRST = date(2019, 12, 20)


def state_of(number: int) -> dict[str, pl.DataFrame]:
    """Rows of write `number`: a new day, the first day again, and a second table that must go with them."""
    days = [FIRST, FIRST + timedelta(days=number)] if number else [FIRST]
    frame = pl.DataFrame(
        {"date": days, "asset": ["A"] * len(days)}, schema_overrides={"date": pl.Date}
    )
    prices = {c: pl.lit(float(number + 1)) for c in ("open", "high", "low", "close")}
    bars = frame.with_columns(**prices, volume=pl.lit(float(number)))
    return {"bars_1d": bars, "daily": frame.with_columns(number=pl.lit(float(number)))}


def newest(store: Store) -> int:
    """Give the number of the last write; AssertionError if the store holds no whole state of ours."""
    bars, daily = store.read("bars_1d"), store.read("daily")
    number = int(bars["volume"][0])
    assert bars["volume"].to_list() == [float(number), *map(float, range(1, number + 1))]
    assert daily["number"].to_list() == bars["volume"].to_list()
    assert bars["date"].to_list() == [FIRST + timedelta(days=k) for k in range(number + 1)]
    return number


def say(word: object) -> None:
    """Send one line; several processes write to one pipe, and one call is one piece of it."""
    os.write(1, f"{word}\n".encode())


def write_on(home: str) -> None:
    """Write one state after the other, saying so after each."""
    store = Store.open(home)
    number = newest(store)
    say("ready")
    while True:
        number += 1
        store.write(state_of(number), mode="upsert")
        say(number)
        if number % 7 == 0:
            store.prune(keep=3)


def read_on(home: str, until: int) -> None:
    """Open and read again and again until a state is there; say how many were seen whole."""
    seen, last = 0, 0
    while last < until:
        store = Store.open(home)
        try:
            number = newest(store)
        except CorruptedPart as error:  # let go of meanwhile
            if "open it again" not in error.message:
                raise
            continue
        assert number >= last, "a state went away"
        seen, last = seen + 1, number
    say(f"seen {seen}")


def import_on(home: str, folder: str) -> None:
    """Import two files that replace each other, again and again; say the number of each state."""
    say("ready")
    while True:
        for name in ("1", "2"):
            import_files(Path(folder) / name, home)
            say(Store.open(home).number)


def work(what: str, home: str, rest: list[str]) -> None:
    if what == "write":
        write_on(home)
    elif what == "import":
        import_on(home, rest[0])
    else:
        read_on(home, int(rest[0]))


def serve() -> None:
    """Fork a worker for each line, as `work` names them; or wait for one's end: reap PID."""
    for line in sys.stdin:
        what, home, *rest = line.split()
        if what == "lease":
            lease.LEASE_SECONDS, lease.SKEW_SECONDS = float(home), 0.0
            continue
        if what == "reap":
            os.waitpid(int(home), 0)
            say("reaped")
            continue
        child = os.fork()
        if child == 0:
            try:
                work(what, home, rest)
            except BaseException as error:
                say(f"failed {error!r}")
            os._exit(0)
        say(f"pid {child}")


class Workers:
    """The process that forks, seen from a test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, *words: object) -> None:
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)

    def next(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the workers' process ended"
        assert not line.startswith("failed"), line
        return line


@contextmanager
def workers() -> Iterator[Workers]:
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Workers(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.kill()


if __name__ == "__main__":
    serve()
