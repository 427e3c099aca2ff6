"""What the journal of pulls remembers, and how a universe is read."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.data.pulling.journal import Journal
from superhet.data.sources.vendor import Unit, Universe
from superhet.data.store.extra import ExtraFile
from superhet.data.store.places import place_of
from superhet.errors import ConfigError

TODAY = date(2020, 6, 30)


def test_a_line_cut_off_by_a_kill_is_passed_over(tmp_path):
    unit = Unit(query="bars", tables=("bars_1d",), scope="a", start=date(2020, 1, 1), end=TODAY)
    path = tmp_path / "j.jsonl"
    file = ExtraFile(place_of(tmp_path), path.name)
    Journal(file, ["bars_1d"]).add([(unit, 3, None), (replace(unit, scope="b"), 3, None)], TODAY)
    path.write_bytes(path.read_bytes()[:-10])
    journal = Journal(file, ["bars_1d"])
    assert journal.remaining(unit, TODAY) is None
    assert journal.remaining(replace(unit, scope="b"), TODAY) is not None
    journal.add([(replace(unit, scope="c"), 1, None)], TODAY)
    assert Journal(file, ["bars_1d"]).remaining(replace(unit, scope="c"), TODAY) is None


_day = st.dates(date(2020, 1, 1), date(2020, 12, 31))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(_day, st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=6))
def test_no_day_is_ever_passed_over(steps):
    """Whatever is pulled in whatever order: a day that counts as answered was asked for on a later day."""
    certain, today = set(), date(2020, 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        file = ExtraFile(place_of(folder), "j.jsonl")
        for start, length, later in steps:
            today += timedelta(days=later)
            unit = Unit(
                query="q", tables=("bars_1d",), start=start, end=start + timedelta(days=length)
            )
            journal = Journal(file, ["bars_1d"])
            left = journal.remaining(unit, today)
            days = {start + timedelta(days=k) for k in range(length + 1)}
            asked = set() if left is None else {d for d in days if left.start <= d <= left.end}
            assert days - asked <= certain | {d for d in days if d >= today}
            if left is not None:
                journal.add([(left, len(asked), left.end)], today)
                certain |= {d for d in asked if d < today}


@pytest.mark.parametrize(
    ("text", "assets", "index"),
    [
        ("all", (), ""),
        ("000300.SH", (), "000300.SH"),
        ("399006.SZ", (), "399006.SZ"),
        ("600000.SH", ("600000.SH",), ""),
        ("600000.SH,000001.SZ, 600000.SH", ("000001.SZ", "600000.SH"), ""),
        ("AAPL,BRK.B", ("AAPL", "BRK.B"), ""),
    ],
)
def test_universes_are_read(text, assets, index):
    found = Universe.parse(text)
    assert (found.assets, found.index) == (assets, index)


def test_a_file_of_codes_is_a_universe(tmp_path):
    file = tmp_path / "codes.txt"
    file.write_text("600000.SH\n000001.SZ\n")
    assert Universe.parse(str(file)).assets == ("000001.SZ", "600000.SH")
    with pytest.raises(ConfigError, match="there is no file"):
        Universe.parse(str(tmp_path / "none.txt"))
    with pytest.raises(ConfigError, match="'sh600000' is no code"):
        Universe.parse("sh600000")
