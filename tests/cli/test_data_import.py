"""`superhet data import` as a user meets it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
from refused import assert_refused

from superhet.data import Store


def _bars(path: Path, first: int, days: int, close: float) -> Path:
    """Write bars of one share on some days of January 2020."""
    dates = [date(2020, 1, d) for d in range(first, first + days)]
    frame = pl.DataFrame({"date": dates}).with_columns(
        asset=pl.lit("600000.SH"), open=close, high=close, low=close, close=close, volume=100.0
    )
    frame.write_csv(path / "bars_1d.csv")
    return path / "bars_1d.csv"


def test_a_later_file_is_added_and_takes_the_place_of_what_it_names(command, tmp_path):
    store = tmp_path / "store"
    command("data", "import", "--path", _bars(tmp_path, 6, 5, 10.0), "--store", store, "-q")
    words = ("--store", store, "--mode", "upsert", "--json", "-q")
    done = command("data", "import", "--path", _bars(tmp_path, 10, 3, 11.0), *words)
    assert json.loads(done.out)["snapshot"] == Store.open(store).snapshot
    assert Store.open(store).read("bars_1d")["close"].to_list() == [10.0] * 4 + [11.0] * 3


def test_without_saying_so_a_file_is_the_whole_table(command, tmp_path):
    store = tmp_path / "store"
    for first in (6, 10):
        command("data", "import", "--path", _bars(tmp_path, first, 3, 10.0), "--store", store, "-q")
    assert Store.open(store).read("bars_1d")["date"].to_list() == [
        date(2020, 1, d) for d in (10, 11, 12)
    ]


def test_a_mode_that_is_none_is_refused(command, tmp_path):
    file = _bars(tmp_path, 6, 3, 10.0)
    ended = command("data", "import", "--path", file, "--store", tmp_path / "s", "--mode", "upsrt")
    assert_refused(ended, "did you mean 'upsert'")


def test_a_simulated_store_needs_a_folder(command):
    ended = command("data", "simulate", "--store", "memory://there", "-q")
    assert_refused(ended, "folder of this machine")
