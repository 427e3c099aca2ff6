"""Qlib's folders: what is written comes back to the last bit, pyqlib agrees, and damage is named."""

from __future__ import annotations

import json
import subprocess
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qlib_tables import ASSETS, SESSIONS, market, statements

from superhet.data.asof import as_of
from superhet.data.base import MemoryTables
from superhet.data.export import Wanted, export
from superhet.data.sources.qlib_bin import QlibMap, import_qlib
from superhet.data.sources.qlib_bin_prices import as_stored, raw_prices, raw_volumes
from superhet.data.store import Store
from superhet.errors import ConfigError, DataError, UnknownName

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".peers" / "qlib"
SAMPLE = ROOT.parent / "shared/data/raw-samples/cn_qlib_bin"
PRICES = ("open", "high", "low", "close")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A store, its export, and what is read of the export."""
    base = tmp_path_factory.mktemp("qlib")
    store = Store.create(base / "store")
    store.write(market(), meta={"statements": {"basis": {"net_profit": "ytd", "equity": "level"}}})
    export(store, base / "bins", "qlib_bin")
    import_qlib(base / "bins", base / "again")
    return store, base / "bins", Store.open(base / "again")


def float32(column: pl.Series) -> np.ndarray:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float32)


@pytest.mark.parametrize("table", ["bars_1d", "bars_15min", "index_bars", "daily", "statements"])
def test_every_number_comes_back_as_the_same_float32(folders, table):
    before, after = folders[0].read(table), folders[2].read(table)
    assert before.height == after.height > 0
    keys = [c for c, t in before.schema.items() if t not in (pl.Float64, pl.Boolean)]
    assert before.select(keys).equals(after.select(keys))
    for column in set(before.columns) - set(keys):
        np.testing.assert_array_equal(float32(before[column]), float32(after[column]), column)


@pytest.mark.parametrize("table", ["bars_1d", "bars_15min"])
def test_raw_prices_on_a_tick_come_back_exactly(folders, table):
    for column in PRICES:
        assert folders[0].read(table)[column].equals(folders[2].read(table)[column])


def test_lists_calendar_and_meta_come_back(folders):
    before, _, after = folders
    for table in ("calendar", "securities", "index_members"):
        assert before.read(table).equals(after.read(table))
    assert after.meta("statements") == before.meta("statements")


def test_the_files_are_those_that_qlib_documents(folders):
    store, bins, _ = folders
    bars = store.read("bars_1d").filter(pl.col("asset") == "600000.SH")
    sessions = (bins / "calendars/day.txt").read_text().split()
    content = np.fromfile(bins / "features/sh600000/close.day.bin", "<f4")
    assert sessions[int(content[0])] == str(bars["date"][0])
    known = content[1:][~np.isnan(content[1:])]
    adjusted = (bars["close"] * bars["adjust_factor"]).to_numpy().astype(np.float32)
    np.testing.assert_array_equal(known, adjusted)
    volume = np.fromfile(bins / "features/sh600000/volume.day.bin", "<f4")[1:]
    np.testing.assert_allclose(
        volume[~np.isnan(volume)], (bars["volume"] / bars["adjust_factor"]).to_numpy(), rtol=1e-7
    )
    assert (bins / "features/_qlib_con").is_dir()
    assert "SH600000\t2017-06-15\t2020-06-18" in (bins / "instruments/all.txt").read_text()
    members = (bins / "instruments/sh000300.txt").read_text().splitlines()
    assert f"SH600000\t{SESSIONS[2]}\t{SESSIONS[40] - timedelta(days=1)}" in members
    first = (bins / "calendars/15min.txt").read_text().split("\n")[0]
    assert first.endswith("09:30:00")


@given(
    st.lists(st.integers(1, 500_000), min_size=1, max_size=20),
    st.floats(0.01, 500),
    st.sampled_from([2, 3]),
)
def test_a_price_on_a_tick_is_told_from_its_adjusted_float32(ticks, factor, decimals):
    raw = np.round(np.array(ticks)[:, None] / 10.0**decimals, decimals)
    steady = np.full(len(raw), factor)
    back, _ = raw_prices(as_stored(raw, steady[:, None]), steady.astype(np.float32))
    exact = raw < 0.4 * 10.0**-decimals / 2.0**-23  # beyond it a float32 has no such tick
    np.testing.assert_array_equal(np.round(back, decimals)[exact], raw[exact])


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=20), st.floats(0.01, 500))
def test_what_is_read_is_stored_again_as_the_same_bits(adjusted, factor):
    stored = np.array(adjusted, dtype=np.float32)[:, None]
    back, settled = raw_prices(stored, np.full(len(stored), factor, dtype=np.float32))
    np.testing.assert_array_equal(as_stored(back, settled[:, None]), stored)
    np.testing.assert_array_equal(settled.astype(np.float32), np.float32(factor))
    volume = raw_volumes(stored[:, 0], settled)
    np.testing.assert_array_equal((volume / settled).astype(np.float32), stored[:, 0])


def foreign(base: Path, **bins: tuple[int, list[float]]) -> Path:
    """Make a folder as others do: one share, five sessions."""
    (base / "calendars").mkdir(parents=True)
    (base / "instruments").mkdir()
    (base / "features/sh600000").mkdir(parents=True)
    days = [f"2020-01-0{d}" for d in (2, 3, 6, 7, 8)]
    (base / "calendars/day.txt").write_text("\n".join(days) + "\n")
    (base / "instruments/all.txt").write_text("SH600000\t2020-01-02\t2020-01-08\n")
    usual = {n: (0, [10.0, 11.0, np.nan, 12.0, 13.0]) for n in (*PRICES, "volume")}
    for name, (place, values) in {**usual, **bins}.items():
        content = np.array([place, *values], dtype="<f4")
        (base / f"features/sh600000/{name}.day.bin").write_bytes(content.tobytes())
    return base


def test_a_suspended_day_has_no_row_and_other_fields_are_daily(tmp_path):
    folder = foreign(tmp_path / "f", factor=(0, [2.0] * 5), pe=(3, [7.5, 8.0]))
    report = import_qlib(folder, tmp_path / "s")
    store = Store.open(tmp_path / "s")
    assert store.read("bars_1d")["close"].to_list() == [5.0, 5.5, 6.0, 6.5]
    assert store.read("bars_1d")["volume"].to_list() == [20.0, 22.0, 24.0, 26.0]
    assert store.read("daily")["pe"].to_list() == [7.5, 8.0]
    assert report.snapshot == store.snapshot


def test_volumes_that_are_whole_where_the_factor_is_not_are_raw_and_it_is_said(tmp_path):
    days = [f"2020-{m:02}-{d:02}" for m in (1, 2) for d in range(1, 29)]
    folder = foreign(tmp_path / "f")
    (folder / "calendars/day.txt").write_text("\n".join(days))
    for name, values in {
        **dict.fromkeys(PRICES, [10.0] * 56), "volume": list(range(1, 57)), "factor": [1.25] * 56,
    }.items():  # fmt: skip
        content = np.array([0, *values], dtype="<f4")
        (folder / f"features/sh600000/{name}.day.bin").write_bytes(content.tobytes())
    report = import_qlib(folder, tmp_path / "s")
    assert Store.open(tmp_path / "s").read("bars_1d")["volume"].to_list() == list(range(1, 57))
    assert any("raw shares" in note for note in report.notes)
    import_qlib(folder, tmp_path / "t", QlibMap(volume="adjusted"))
    assert Store.open(tmp_path / "t").read("bars_1d")["volume"][0] == 1.25


def test_a_map_names_an_index_and_a_field(tmp_path):
    folder = foreign(tmp_path / "f", pe=(0, [7.5]))
    (folder / "instruments/csi300.txt").write_text("SH600000\t2020-01-02\t2020-01-03\n")
    (tmp_path / "map.yaml").write_text("indices: {csi300: 000300.SH}\nfields: {pe: pe_ttm}\n")
    import_qlib(folder, tmp_path / "s", tmp_path / "map.yaml")
    store = Store.open(tmp_path / "s")
    row = store.read("index_members").row(0, named=True)
    assert (row["index"], str(row["end_date"])) == ("000300.SH", "2020-01-04")
    assert store.read("daily").columns == ["date", "asset", "pe_ttm"]
    (tmp_path / "map.yaml").write_text("indexes: {csi300: 000300.SH}")
    with pytest.raises(ConfigError, match="indexes"):
        import_qlib(folder, tmp_path / "t", tmp_path / "map.yaml")


def test_the_index_in_the_universe_is_no_share(tmp_path):
    folder = foreign(tmp_path / "f")
    (folder / "features/sh000300").mkdir()
    (folder / "features/sh000300/close.day.bin").write_bytes(
        np.array([0, 3000, 3001], dtype="<f4").tobytes()
    )
    with (folder / "instruments/all.txt").open("a") as file:
        file.write("SH000300\t2020-01-02\t2020-01-08\n")
    import_qlib(folder, tmp_path / "s")
    store = Store.open(tmp_path / "s")
    assert store.read("securities")["asset"].to_list() == ["600000.SH"]
    assert store.read("index_bars")["index"].unique().to_list() == ["000300.SH"]


def write_text(path: Path, text: str) -> None:
    path.write_text(text)


CLOSE = "features/sh600000/close.day.bin"
DAMAGE = {
    "cut off": (CLOSE, lambda p: p.write_bytes(p.read_bytes()[:-1]), "close.day.bin: 23 bytes"),
    "empty": (CLOSE, lambda p: p.write_bytes(b""), "close.day.bin: 0 bytes"),
    "no place": (
        CLOSE,
        lambda p: p.write_bytes(np.array([np.nan, 1], "<f4").tobytes()),
        "place in the calendar, and is nan",
    ),
    "far place": (
        CLOSE,
        lambda p: p.write_bytes(np.array([4, 1, 2], "<f4").tobytes()),
        "2 values from place 4 on reach beyond the 5 moments",
    ),
    "negative place": (
        CLOSE,
        lambda p: p.write_bytes(np.array([-1, 1, 2], "<f4").tobytes()),
        "place in the calendar, and is -1",
    ),
    "unsorted calendar": (
        "calendars/day.txt",
        lambda p: write_text(p, "2020-01-03\n2020-01-02\n2020-01-06\n2020-01-07\n2020-01-08"),
        "day.txt, row 2: dates must rise",
    ),
    "calendar of words": (
        "calendars/day.txt",
        lambda p: write_text(p, "2020-01-02\nFriday\n"),
        "row 2: 'Friday' is not a date",
    ),
    "another list": (
        "instruments/all.txt",
        lambda p: write_text(p, "SH600001\t2020-01-02\t2020-01-08\n"),
        "features/sh600000/: SH600000 is in no list",
    ),
    "span of one day": (
        "instruments/all.txt",
        lambda p: write_text(p, "SH600000\t2020-01-02\n"),
        "all.txt, row 1: .* is not: symbol",
    ),
    "span backwards": (
        "instruments/all.txt",
        lambda p: write_text(p, "SH600000\t2020-01-08\t2020-01-02\n"),
        "before its first day",
    ),
    "weekly": (
        CLOSE,
        lambda p: p.rename(p.with_name("close.week.bin")),
        "close.week.bin: bars of 'week' are not known",
    ),
    "no calendar": ("calendars/day.txt", lambda p: p.unlink(), "day.txt: this calendar is missing"),
    "no minutes": (
        CLOSE,
        lambda p: p.rename(p.with_name("close.5min.bin")),
        "calendars/5min.txt: this calendar is missing",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named_with_its_file(tmp_path, case):
    where, harm, message = DAMAGE[case]
    folder = foreign(tmp_path / "f")
    harm(folder / where)
    with pytest.raises(DataError, match=message):
        import_qlib(folder, tmp_path / "s")
    assert not Store.exists(tmp_path / "s")


PIT = "financial/sh600000/roe_q"


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda d, i: d.write_bytes(d.read_bytes()[:-3]), "roe_q.data: 37 bytes .* cut off"),
        (lambda d, i: i.unlink(), "its .index file is missing"),
        (lambda d, i: i.write_bytes(i.read_bytes()[:-2]), "roe_q.index: .* cut off"),
        (lambda d, i: i.write_bytes(np.uint32([2019] + [2**32 - 1] * 4).tobytes()), "chain"),
        (lambda d, i: d.write_bytes(d.read_bytes()[20:] + d.read_bytes()[:20]), "order"),
        (lambda d, i: d.rename(d.with_name("roe.data")), "_q .quarters. or _a"),
    ],
)
def test_a_damaged_point_in_time_file_is_named(tmp_path, harm, message):
    tables = MemoryTables(
        {
            "calendar": pl.DataFrame({"date": SESSIONS}),
            "statements": pl.DataFrame(
                {
                    "asset": ["600000.SH"] * 2,
                    "report_date": [SESSIONS[0]] * 2,
                    "announce_date": [SESSIONS[1], SESSIONS[2]],
                    "revision": [0, 1],
                    "roe": [0.1, 0.2],
                }
            ),
            "securities": pl.DataFrame({"asset": ["600000.SH"]}),
            "bars_1d": market()["bars_1d"].filter(pl.col("asset") == "600000.SH"),
        }
    )
    export(tables, tmp_path / "f", "qlib_bin")
    import_qlib(tmp_path / "f", tmp_path / "whole")
    harm(tmp_path / f"f/{PIT}.data", tmp_path / f"f/{PIT}.index")
    with pytest.raises(DataError, match=message):
        import_qlib(tmp_path / "f", tmp_path / "s")


def test_some_fields_of_some_days(folders, tmp_path):
    wanted = Wanted(start=SESSIONS[10], end=SESSIONS[50], fields=("close", "PE"))
    export(folders[0], tmp_path / "f", "qlib_bin", wanted)
    assert (tmp_path / "f/calendars/day.txt").read_text().split()[0] == str(SESSIONS[10])
    here = {p.name for p in (tmp_path / "f/features/sh600000").iterdir()}
    assert here == {f"{n}.{f}.bin" for n in ("close", "factor") for f in ("day", "15min")} | {
        "pe.day.bin"
    }
    with pytest.raises(UnknownName, match="did you mean 'close'"):
        export(folders[0], tmp_path / "g", "qlib_bin", Wanted(fields=("closed",)))


def test_reports_that_share_a_quarter_are_its_revisions(tmp_path):
    ends = [date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31)]
    frame = pl.DataFrame(
        {
            "asset": ["AAPL"] * 3,
            "report_date": ends,
            "announce_date": [end + timedelta(days=5) for end in ends],
            "revision": [0] * 3,
            "roe": [0.1, 0.2, 0.3],
            "dividend_a": [None, 1.5, None],
        }
    )
    tables = MemoryTables({**market(), "statements": frame})
    done = export(tables, tmp_path / "f", "qlib_bin")
    assert any("1 quarters hold several reports" in note for note in done.notes)
    assert (tmp_path / "f/financial/aapl/dividend_a.data").exists()
    import_qlib(tmp_path / "f", tmp_path / "s")
    store = Store.open(tmp_path / "s")
    for end, value in zip(ends, frame["roe"], strict=True):
        known = as_of(store, "statements", end + timedelta(days=10))
        assert known.filter(pl.col("report_date") == date(2020, 3, 31))["roe"].to_list() == [value]
    yearly = store.read("statements").drop_nulls("dividend_a")
    assert yearly.select("report_date", "dividend_a").rows() == [(date(2020, 12, 31), 1.5)]


def ask(folder: Path, bins: Path, **questions: object) -> dict:
    folder.mkdir(exist_ok=True)
    (folder / "store").symlink_to(bins)
    asked = {"fields": [], "minutes": "", "lists": [], "points": [], **questions}
    (folder / "questions.json").write_text(json.dumps(asked))
    script = ROOT / "benchmarks" / "peers" / "qlib_reads.py"
    subprocess.run([PEER / "bin" / "python", script, folder], check=True, capture_output=True)
    return json.loads((folder / "answers.json").read_text())


with_peer = pytest.mark.skipif(
    not (PEER / ".done").exists(), reason="pyqlib is not installed (.peers/qlib); make peers"
)


@pytest.mark.slow
@with_peer
def test_pyqlib_reads_our_folder(folders, tmp_path):
    store, bins, _ = folders
    fields = [*PRICES, "volume", "factor"]
    found = ask(tmp_path / "a", bins, fields=fields, minutes="15min", lists=["all", "sh000300"])
    bars = store.read("bars_1d").with_columns(factor=pl.col("adjust_factor"))
    ours = {}
    for row in bars.iter_rows(named=True):
        adjusted = [row[p] * row["factor"] for p in PRICES]
        numbers = np.array([*adjusted, row["volume"] / row["factor"], row["factor"]])
        symbol = {"600000.SH": "SH600000", "000001.SZ": "SZ000001", "830001.BJ": "BJ830001"}
        name = symbol.get(row["asset"], row["asset"])
        ours[name, str(row["date"])] = numbers.astype(np.float32).view(np.uint32).tolist()
    nan = np.float32(np.nan).view(np.uint32)
    theirs = {(s, t[:10]): bits for s, t, *bits in found["day"] if bits[0] != nan}
    assert theirs == ours
    assert len([1 for row in found["minutes"] if row[2] != nan]) == store.read("bars_15min").height
    assert found["lists"]["sh000300"]["SH600000"][0][0] == str(SESSIONS[2])
    assert set(found["lists"]["all"]) == {"SH600000", "SZ000001", "BJ830001", "AAPL", "CON"}


@pytest.mark.slow
@with_peer
def test_pyqlib_knows_the_same_on_the_same_day_but_for_the_day_of_publication(folders, tmp_path):
    rng = np.random.default_rng(1)
    frame = statements(rng)
    tables = {**market(), "statements": frame}
    export(MemoryTables(tables), tmp_path / "bins", "qlib_bin")
    import_qlib(tmp_path / "bins", tmp_path / "ours")
    import_qlib(tmp_path / "bins", tmp_path / "same", QlibMap(known_at="same_day"))
    ours, same = Store.open(tmp_path / "ours"), Store.open(tmp_path / "same")
    names = {"600000.SH": "SH600000", "000001.SZ": "SZ000001", "830001.BJ": "BJ830001"}
    pairs = [
        (ASSETS[rng.integers(len(ASSETS))], SESSIONS[rng.integers(len(SESSIONS) - 20)])
        for _ in range(1_000)
    ]
    points = [(names.get(a, a), str(d), "net_profit_q") for a, d in pairs]
    theirs = ask(tmp_path / "a", tmp_path / "bins", points=points)["points"]
    published = set(frame.select("asset", "announce_date").iter_rows())
    apart = 0
    for (asset, day), bits in zip(pairs, theirs, strict=True):
        expected = np.uint32(bits).view(np.float32)
        np.testing.assert_array_equal(newest(same, asset, day), expected, str((asset, day)))
        if (asset, day) in published:
            apart += 1
        else:
            np.testing.assert_array_equal(newest(ours, asset, day), expected, str((asset, day)))
    assert 0 < apart < 100


_KNOWN: dict = {}


def newest(store: Store, asset: str, day) -> np.float32:
    """Give the value of the newest period known at the close of a day."""
    key = (store.snapshot, day)
    if key not in _KNOWN:
        _KNOWN[key] = as_of(store, "statements", day).sort("report_date")
    rows = _KNOWN[key].filter(pl.col("asset") == asset)["net_profit"]
    return np.float32(np.nan if not len(rows) or rows[-1] is None else rows[-1])


@pytest.mark.real
@pytest.mark.skipif(not SAMPLE.exists(), reason="the real market data are not beside the project")
def test_a_folder_that_pyqlib_wrote_is_read_and_written_again_to_the_last_bit(tmp_path):
    report = import_qlib(SAMPLE, tmp_path / "s")
    store = Store.open(tmp_path / "s")
    bars = store.read("bars_1d")
    assert bars["asset"].unique().sort().to_list() == ["000001.SZ", "300750.SZ", "600000.SH"]
    for column in PRICES:
        assert bars[column].equals(bars[column].round(2))
    first = bars.filter(pl.col("asset") == "600000.SH").row(0, named=True)
    assert (first["open"], first["close"], first["volume"]) == (21.83, 21.19, 66_191_336)
    assert any("raw shares" in note for note in report.notes)
    assert store.read("index_members").height == 960
    export(store, tmp_path / "bins", "qlib_bin")
    for source in SAMPLE.glob("features/*/*.day.bin"):
        written = tmp_path / "bins/features" / source.parent.name.lower() / source.name
        if source.name.split(".")[0] in (*PRICES, "factor"):
            assert written.read_bytes() == source.read_bytes(), source
