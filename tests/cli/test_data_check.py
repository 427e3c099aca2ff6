"""`superhet data check` and `superhet data quarantine` as a user meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from quality_tables import bars, clean
from refused import assert_refused

from superhet.data import Store, import_files


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of clean tables, but for one day of daily bars that is missing."""
    made = Store.open_or_create(tmp_path / "store")
    made.write({**clean(), "bars_1d": bars()[[0, 1, *range(3, 10)]]})
    return tmp_path / "store"


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A store of 2,000 bars, one of which was set aside."""
    frame = pl.DataFrame({"n": range(2000)}).select(
        date=(pl.date(2015, 1, 1) + pl.duration(days="n")).cast(pl.String),
        asset=pl.lit("A"),
        open=pl.lit("10.0"),
        high=pl.when(pl.col("n") == 7).then(pl.lit("9.0")).otherwise(pl.lit("10.5")),
        low=pl.lit("9.5"),
        close=pl.lit("10.0"),
        volume=(100 + pl.col("n")).cast(pl.String),
    )
    frame.write_csv(tmp_path / "bars_1d.csv")
    import_files(tmp_path / "bars_1d.csv", tmp_path / "store")
    return tmp_path / "store"


def test_json_has_the_findings_with_their_severity(command, store):
    found = json.loads(command("data", "check", "--store", store, "--json", "-q").out)
    assert {"findings", "rows", "assets", "start", "end"} <= set(found)
    (gap,) = [f for f in found["findings"] if f["rule"] == "gaps"]
    assert gap == {
        "severity": "error", "rule": "gaps", "table": "calendar", "field": "", "count": 1, "total": 10,
        "share": 0.1, "examples": ["2020-01-03"],
        "meaning": "a session on which no asset has a bar", "treatment": "none",
    }  # fmt: skip
    assert found["assets"] == 1


def test_the_screen_shows_the_gravest_first(command, store):
    lines = command("data", "check", "--store", store, "-q").out.splitlines()
    severities = [line.split()[0] for line in lines[2:-1]]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert severities[0] == "error"


def test_another_store_stands_beside(command, store, tmp_path):
    other = Store.open_or_create(tmp_path / "other")
    other.write(clean())
    words = ("data", "check", "--store", store, "--against", tmp_path / "other", "--json", "-q")
    found = json.loads(command(*words).out)["findings"]
    assert [f["count"] for f in found if f["rule"] == "only_there"] == [1]


@pytest.mark.parametrize(
    ("language", "files", "words"),
    [
        ("en", ["page.html"], [["What was found", "a session on which no asset has a bar"]]),
        ("zh", ["page.html"], [["检查结果", "没有任何行情的交易日"]]),
        ("both", ["page.html", "page.zh.html"], [["What was found"], ["检查结果"]]),
    ],
)
def test_the_page_says_the_same(command, store, tmp_path, language, files, words):
    page = tmp_path / "page.html"
    done = command(
        "data", "check", "--store", store, "--report", page, "--language", language, "--json", "-q"
    )
    assert json.loads(done.out)["reports"] == [str(tmp_path / name) for name in files]
    for name, wanted in zip(files, words, strict=True):
        html = (tmp_path / name).read_text(encoding="utf-8")
        assert all(word in html for word in wanted)
        assert "2020-01-03" in html
        drawn = set(re.findall(r'data-figure="([^"]+)"', html))
        assert {"data_universe", "data_suspended", "data-coverage-bars_1d"} <= drawn
        data = re.search(r'id="report-data">(.*?)</script>', html, re.S)
        assert data is not None
        assert set(json.loads(data[1])["figures"]) == drawn


def test_an_unknown_language_is_refused(command, store):
    ended = command("data", "check", "--store", store, "--language", "fr")
    assert_refused(ended, "expected en, zh or both")


def test_damaged_files_are_on_the_page_too(command, store, tmp_path):
    part = next((store / "parts" / "bars_1d").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-9])
    page = tmp_path / "page.html"
    ended = command("data", "check", "--store", store, "--report", page, "-q")
    assert ended.code == 1
    assert part.name in page.read_text(encoding="utf-8")


def test_rows_in_quarantine_are_listed_and_put_back(command, imported, tmp_path):
    listed = json.loads(command("data", "quarantine", "list", "--store", imported, "--json").out)
    assert listed["count"] == 1
    (row,) = listed["rows"]
    assert (row["file"], row["row"], row["rule"]) == ("bars_1d.csv", 8, "bad_ohlc")
    page = tmp_path / "page.html"
    command("data", "check", "--store", imported, "--report", page, "-q")
    assert "high 9.0 is below low" in page.read_text(encoding="utf-8")
    refused = command("data", "quarantine", "restore", "--store", imported)
    assert_refused(refused, "is below low")
    mended = command(
        "data",
        "quarantine",
        "restore",
        "--store",
        imported,
        "--id",
        row["fault"],
        "--set",
        "high=10.5",
    )
    assert mended.out.startswith("1 rows put back")
    assert Store.open(imported).read("bars_1d").height == 2000
    assert json.loads(command("data", "quarantine", "list", "--store", imported, "--json").out) == {
        "count": 0,
        "rows": [],
    }


def test_rows_are_given_up_and_written_to_a_file(command, imported, tmp_path):
    out = tmp_path / "bad.csv"
    command("data", "quarantine", "list", "--store", imported, "--out", out)
    assert pl.read_csv(out)["message"].to_list() == ["high 9.0 is below low"]
    gone = command(
        "data", "quarantine", "forget", "--store", imported, "--rule", "bad_ohlc", "--json"
    )
    assert json.loads(gone.out)["forgotten"] == 1
    assert_refused(
        command("data", "quarantine", "forget", "--store", imported, "--id", "nobody"),
        "no row is set aside under 'nobody'",
    )
