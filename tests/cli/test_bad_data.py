"""Every bad file and every damaged store is refused in one paragraph; what was there stays whole."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import textwrap

import pytest
from refused import assert_refused, contents

from superhet.data.store import Store
from superhet.data.store.lock import writer_lock
from superhet.pipeline import artifacts
from superhet.testing.studies import tiny_study, write_study

HEADER = "date,asset,open,high,low,close,volume"
CALENDAR = ["date", "2020-01-02", "2020-01-03", "2020-01-06"]


def bar(day: str = "2020-01-02", asset: str = "A", prices: str = "10,11,9,10") -> str:
    return f"{day},{asset},{prices},100"


FILES = {
    "duplicate rows": (
        [bar(), bar()],
        r"bars_1d.csv, row 2, column 'asset': the same date and asset a second time: 'A'",
    ),
    "unsorted dates": (
        [bar("2020-01-03"), bar()],
        r"bars_1d.csv, row 2, column 'date': dates are not in order.*sort: true",
    ),
    "a cell that is no number": (
        [bar(), bar("2020-01-03", prices="ten,11,9,10")],
        r"bars_1d.csv, row 2, column 'open': 'ten' is not a finite number",
    ),
    "a negative price": (
        [bar(prices="10,11,-9,10")],
        r"bars_1d.csv, row 1, column 'low': -9.0 is not a positive price",
    ),
    "high below low": (
        [bar(prices="10,8,9,10")],
        r"bars_1d.csv, row 1, column 'high': high 8.0 is below low",
    ),
    "a date outside the calendar": (
        [bar("2020-01-05")],
        r"bars_1d.csv, row 1, column 'date': 2020-01-05 is not in the calendar",
    ),
    "a date that is none": (
        [bar("05.01.2020")],
        r"bars_1d.csv, row 1, column 'date': '05.01.2020' is not a date",
    ),
}


@pytest.fixture
def imported(command, tmp_path):
    """A store with a calendar and one good row, imported by the command line; its snapshot."""
    source = tmp_path / "good"
    source.mkdir()
    (source / "calendar.csv").write_text("\n".join(CALENDAR))
    (source / "bars_1d.csv").write_text("\n".join([HEADER, bar()]))
    store = tmp_path / "store"
    ended = command("data", "import", "--path", source, "--store", store, "--quiet", "--json")
    assert ended.code == 0
    return store, json.loads(ended.out)["snapshot"]


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_named_by_row_and_column(case, command, imported, tmp_path):
    store, snapshot = imported
    rows, message = FILES[case]
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "bars_1d.csv").write_text("\n".join([HEADER, *rows]))
    before = contents(store)
    ended = command("data", "import", "--source", "files", "--path", bad, "--store", store)
    assert_refused(ended, message)
    assert contents(store) == before
    assert Store.open(store).snapshot == snapshot


def test_a_wrong_encoding_is_named_with_the_right_one(command, imported, tmp_path):
    store, snapshot = imported
    (tmp_path / "gbk.csv").write_bytes("日期,代码,收盘价\n2020-01-02,浦发银行,10\n".encode("gbk"))
    (tmp_path / "map.yaml").write_text(
        "tables: [{table: daily, files: gbk.csv, columns: {date: 日期, asset: 代码, pb: 收盘价}}]",
        encoding="utf-8",
    )
    ended = command(
        "data", "import", "--path", tmp_path, "--map", tmp_path / "map.yaml",
        "--store", store, "--quiet",
    )  # fmt: skip
    assert_refused(ended, r"gbk.csv.*not utf-8.*encoding: gb18030")
    assert Store.open(store).snapshot == snapshot


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--path", "nowhere"), r"nowhere: there is no such file or folder; check --path"),
        (("--path", ".", "--map", "nowhere.yaml"), r"nowhere.yaml"),
        (("--path", ".", "--source", "file"), r"--source: unknown source 'file'; did you mean"),
    ],
)
def test_a_missing_file_is_named(arguments, message, command, imported, tmp_path, monkeypatch):
    store, snapshot = imported
    monkeypatch.chdir(tmp_path)
    ended = command("data", "import", *arguments, "--store", store, "--quiet")
    assert_refused(ended, message)
    assert Store.open(store).snapshot == snapshot


def test_a_map_with_an_unknown_key_is_refused(command, imported, tmp_path):
    store, snapshot = imported
    (tmp_path / "map.yaml").write_text("tables: [{table: bars_1d, files: x.csv, colums: {}}]")
    ended = command(
        "data", "import", "--path", tmp_path, "--map", tmp_path / "map.yaml", "--store", store
    )
    assert_refused(ended, r"tables\[0\].*colums.*did you mean 'columns'\?")
    assert Store.open(store).snapshot == snapshot


@pytest.fixture
def harmed(tiny_store, tmp_path):
    """A copy of the tiny store, to be harmed; without the panels that an earlier load may have kept, which
    spare the reading of the files."""
    spared = shutil.ignore_patterns("derived")
    return Store.open(shutil.copytree(tiny_store.path, tmp_path / "store", ignore=spared))


@pytest.fixture
def run_on(command, tmp_path):
    """Run the tiny study on another store."""

    def run(store: Store, *more: object):
        study = tiny_study(store.path, audit=None)
        file = write_study(tmp_path / "study.yaml", study)
        return command("run", file, "--runs", tmp_path / "runs", "--quiet", "--json", *more)

    return run


def test_a_store_of_a_newer_version_is_refused(command, harmed, run_on):
    (harmed.path / "superhet-store.json").write_text('{"format": 99}')
    before = contents(harmed.path)
    message = r"store .*: .*format 99, this version of superhet reads up to 2. Upgrade"
    assert_refused(run_on(harmed), message)
    assert_refused(command("data", "info", "--store", harmed.path), message)
    assert_refused(command("data", "check", "--store", harmed.path), message)
    assert contents(harmed.path) == before


@pytest.mark.parametrize("table", ["bars_1d", "bars_15min", "statements"])
def test_a_flipped_byte_in_a_parquet_file_is_refused(table, command, harmed, run_on):
    part = sorted((harmed.path / "parts" / table).iterdir())[0]
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    ended = run_on(harmed)
    assert_refused(ended, rf"{part.name}.* does not match its checksum.*Import the table again")
    checked = command("data", "check", "--store", harmed.path, "--json")
    assert checked.code == 1
    assert part.name in json.loads(checked.out)["problems"][0]


def test_a_store_that_another_process_is_writing_is_refused(command, imported, tmp_path):
    store, _ = imported
    with writer_lock(store):
        ended = command("data", "import", "--path", tmp_path / "good", "--store", store, "--quiet")
    assert_refused(ended, r"store .*: process \d+.* is writing")


def test_a_simulation_does_not_overwrite_a_store(command, imported):
    store, _ = imported
    before = contents(store)
    ended = command("data", "simulate", "--store", store, "--assets", "20", "--years", "0.25")
    assert_refused(ended, r"store .*: exists already. Name a new folder, or delete it first")
    assert contents(store) == before


def test_a_simulation_out_of_range_is_refused(command, tmp_path):
    ended = command("data", "simulate", "--store", tmp_path / "s", "--assets", "5")
    assert_refused(ended, r"simulate.assets: must be at least 10 \(got 5\)")
    ended = command("data", "simulate", "--store", tmp_path / "s", "--bars", "7min")
    assert_refused(ended, r"simulate.bars: must be '15min' .*\(got '7min'\)")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("stage", ["clean", "portfolio"])
def test_a_full_disk_in_a_run_keeps_what_was_there(
    stage, run_on, tiny_store, tmp_path, monkeypatch
):
    real = artifacts._write_text

    def full(path, text):
        if path.name.startswith(f".{stage}.json"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, text)

    monkeypatch.setattr(artifacts, "_write_text", full)
    before = contents(tiny_store.path)
    assert_refused(
        run_on(tiny_store), rf"no room left to write {stage}.json. Make room, then go on"
    )
    monkeypatch.undo()
    (folder,) = (tmp_path / "runs").iterdir()
    kept = contents(folder / "stages")
    assert "signals.json" in kept
    assert f"{stage}.json" not in kept
    assert not list(folder.rglob("*.tmp"))
    assert contents(tiny_store.path) == before
    done = run_on(tiny_store, "--resume")
    assert done.code == 0, done.err
    assert kept.items() <= contents(folder / "stages").items()


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is of POSIX")
def test_a_real_limit_of_the_file_size_is_a_full_disk(tiny_store, tmp_path):
    file = write_study(tmp_path / "study.yaml", tiny_study(tiny_store.path, audit=None))
    script = f"""
        import resource, signal, sys
        from superhet.cli.main import main
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        sys.argv = ["superhet", "run", {str(file)!r}, "--runs", {str(tmp_path / "runs")!r}, "--quiet"]
        main()
    """
    before = contents(tiny_store.path)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("superhet: ")
    assert "no room left to write" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "runs").rglob("*.tmp"))
    assert contents(tiny_store.path) == before


def test_a_full_disk_in_an_import_keeps_the_former_store(command, imported, tmp_path, monkeypatch):
    store, snapshot = imported

    def full(path, content, *, settle=True):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("superhet.data.store.places.replace_file", full)
    more = tmp_path / "more"
    more.mkdir()
    (more / "bars_1d.csv").write_text("\n".join([HEADER, bar(prices="20,21,19,20")]))
    before = contents(store)
    ended = command("data", "import", "--path", more, "--store", store, "--quiet", "--json")
    assert_refused(ended, r"no room left while writing .*the former state is whole. Make room")
    assert contents(store) == before
    assert Store.open(store).snapshot == snapshot


def test_a_real_process_ends_with_2_and_no_traceback(imported, tmp_path):
    store, snapshot = imported
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "bars_1d.csv").write_text("\n".join([HEADER, bar(), bar()]))
    words = ("data", "import", "--path", str(bad), "--store", str(store))
    done = subprocess.run(
        [sys.executable, "-m", "superhet.cli.main", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "superhet: bars_1d.csv, row 2, column 'asset': the same date and asset" in done.stderr
    assert "Traceback" not in done.stderr
    assert Store.open(store).snapshot == snapshot
