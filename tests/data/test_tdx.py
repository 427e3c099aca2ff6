"""Bar files of the TDX terminal, synthetic, in the terminal's format."""

from __future__ import annotations

import struct
from datetime import date, datetime

import pytest

from superhet.data.base import SOURCES
from superhet.data.sources.tdx import import_tdx
from superhet.data.store import Store
from superhet.errors import ConfigError, DataError


def day(number, prices, amount, volume):
    return struct.pack("<IIIIIfII", number, *prices, amount, volume, 0)


def minute(when, prices, amount, volume):
    packed = (when.year - 2004) * 2048 + when.month * 100 + when.day
    clock = when.hour * 60 + when.minute
    return struct.pack("<HHfffffII", packed, clock, *prices, amount, volume, 0)


def put(folder, name, *records):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(records))


def test_daily_files_of_a_share_a_fund_and_an_index(tmp_path):
    vipdoc = tmp_path / "vipdoc"
    put(vipdoc, "sh/lday/sh600000.day",
        day(20200102, (1247, 1264, 1245, 1247), 645_000_000.0, 51_629_079),
        day(20200103, (1257, 1263, 1247, 1260), 478_000_000.0, 38_018_810))  # fmt: skip
    put(
        vipdoc,
        "sz/lday/sz159915.day",
        day(20200102, (1800, 1840, 1795, 1836), 182_000_000.0, 1_000_000),
    )
    put(
        vipdoc,
        "sh/lday/sh000300.day",
        day(20200102, (412_169, 417_266, 412_157, 415_224), 2.7e11, 182_116_800),
    )
    put(vipdoc, "sh/lday/sh600001.day")
    report = import_tdx(vipdoc, tmp_path / "s")
    store = Store.open(tmp_path / "s")
    bars = store.read("bars_1d").sort("asset", "date").rows(named=True)
    assert [(r["asset"], r["date"], r["close"]) for r in bars] == [
        ("159915.SZ", date(2020, 1, 2), 1.836),
        ("600000.SH", date(2020, 1, 2), 12.47),
        ("600000.SH", date(2020, 1, 3), 12.6),
    ]
    assert bars[0]["volume"] == 100_000_000  # lots, as amount / (volume × price) says
    assert bars[1]["volume"] == 51_629_079
    index = store.read("index_bars").row(0, named=True)
    assert (index["index"], index["close"], index["volume"]) == (
        "000300.SH",
        4152.24,
        18_211_680_000,
    )
    assert "adjust_factor" not in store.read("bars_1d").columns
    assert any("no adjust factors" in note for note in report.notes)
    assert "1 files are empty" in report.notes
    assert SOURCES.get("tdx") is import_tdx


def test_minute_files(tmp_path):
    first, second = datetime(2020, 1, 2, 9, 35), datetime(2020, 1, 2, 15, 0)
    put(tmp_path, "sz000001.lc5",
        minute(first, (16.65, 16.7, 16.6, 16.68), 8_340_000.0, 500_000),
        minute(second, (16.8, 16.95, 16.8, 16.87), 8_340_000.0, 500_000))  # fmt: skip
    import_tdx(tmp_path / "sz000001.lc5", tmp_path / "s")
    bars = Store.open(tmp_path / "s").read("bars_5min")
    assert bars["time"].to_list() == [first, second]
    assert bars["close"].to_list() == [16.68, 16.87]
    assert bars["asset"].unique().to_list() == ["000001.SZ"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("sh600000.day", b"\0" * 33, "sh600000.day: 33 bytes .* cut off"),
        ("sh600000.day", day(20200102, (1, 1, 1, 1), 1, 1)[:-4], "28 bytes"),
        ("sh600000.day", day(20201301, (1, 1, 1, 1), 1, 1), "row 1: 2020-13-1 is no day"),
        ("sh600000.day", day(20200230, (1, 1, 1, 1), 1, 1), "2020-2-30 is no day"),
        ("600000.day", day(20200102, (1, 1, 1, 1), 1, 1), "called as sh600000.day"),
        ("sh600000.day", b"", "all files are empty"),
        ("sh600000.txt", b"", "no .day, .lc1 or .lc5"),
        ("sh600000.lc1", struct.pack("<HHfffffII", 32870, 2000, 1, 1, 1, 1, 1, 1, 0), "2000 is no minute"),
    ],
)  # fmt: skip
def test_damage_is_named_with_its_file(tmp_path, name, content, message):
    put(tmp_path / "in", name, content)
    with pytest.raises(DataError, match=message):
        import_tdx(tmp_path / "in", tmp_path / "s")
    assert not Store.exists(tmp_path / "s")


def test_there_is_nothing_to_map(tmp_path):
    with pytest.raises(ConfigError, match="no headers to map"):
        import_tdx(tmp_path, tmp_path / "s", tmp_path / "map.yaml")
