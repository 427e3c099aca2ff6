"""Files of lists: a label holds from the first list that shows it to the first that does not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.data.ingest import import_files
from superhet.data.sources.column_map import ColumnMap
from superhet.data.sources.draft_map import draft_map
from superhet.data.store import Store
from superhet.errors import ConfigError, DataError

CN = Path(__file__).parents[4] / "shared" / "data" / "cn"
JANUARY, FEBRUARY, MARCH = date(2020, 1, 31), date(2020, 2, 28), date(2020, 3, 31)
INDUSTRY = ["asset,scheme,industry,date"]


def mapped(table="industry", **more):
    columns = {"asset": "asset", "start_date": "date"}
    of = {"scheme": "scheme", "industry": "industry"} if table == "industry" else {"index": "index"}
    entry = {"table": table, "columns": columns | of, "snapshots": True, "sort": True, **more}
    return ColumnMap.from_dict({"tables": [entry]})


def listed(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def spells_of(store):
    columns = ["asset", "industry", "start_date", "end_date"]
    return store.read("industry").select(columns).sort("asset", "start_date").rows()


LISTS = [
    "A,sw1,banks,2020-01-31", "B,sw1,steel,2020-01-31",
    "A,sw1,banks,2020-02-28", "B,sw1,mines,2020-02-28", "C,sw1,shops,2020-02-28",
    "A,sw1,banks,2020-03-31", "C,sw1,shops,2020-03-31",
]  # fmt: skip


def test_lists_of_three_month_ends_are_spells(tmp_path):
    file = listed(tmp_path / "lists.csv", INDUSTRY + LISTS)
    (report,) = import_files(file, tmp_path / "store", mapped()).tables
    assert spells_of(Store.open(tmp_path / "store")) == [
        ("A", "banks", JANUARY, None),
        ("B", "steel", JANUARY, FEBRUARY),
        ("B", "mines", FEBRUARY, MARCH),
        ("C", "shops", FEBRUARY, None),
    ]
    assert (report.read, report.written, report.dropped) == (7, 4, {"goes_on": 3})


def test_lists_of_two_schemes_do_not_end_each_others_labels(tmp_path):
    other = ["A,citics1,finance,2020-02-14", "A,citics1,money,2020-03-13"]
    import_files(
        listed(tmp_path / "lists.csv", INDUSTRY + LISTS + other), tmp_path / "store", mapped()
    )
    table = Store.open(tmp_path / "store").read("industry").filter(pl.col("scheme") == "citics1")
    assert table.select("start_date", "end_date").rows() == [
        (date(2020, 2, 14), date(2020, 3, 13)),
        (date(2020, 3, 13), None),
    ]


def test_a_later_list_goes_on_with_what_is_open_in_the_store(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    import_files(listed(tmp_path / "all.csv", INDUSTRY + LISTS), whole, mapped())
    for number, rows in enumerate((LISTS[:2], LISTS[2:5], LISTS[5:])):
        file = listed(tmp_path / f"{number}.csv", INDUSTRY + rows)
        (report,) = import_files(file, parts, mapped(), mode="upsert").tables
        assert report.read == report.written + sum(report.dropped.values())
        import_files(file, parts, mapped(), mode="upsert")
    assert Store.open(parts).read("industry").equals(Store.open(whole).read("industry"))
    early = listed(tmp_path / "early.csv", [*INDUSTRY, "A,sw1,banks,2020-02-14"])
    with pytest.raises(DataError, match="these begin between, on 2020-02-14"):
        import_files(early, parts, mapped(), mode="upsert")


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"), min_size=1, max_size=4),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_on_each_day_of_a_list_the_spells_in_force_are_the_list(tmp_path_factory, lists):
    folder = tmp_path_factory.mktemp("lists")
    days = [JANUARY + timedelta(days=7 * k) for k in range(len(lists))]
    rows = [
        f"{a},s,{label},{d}"
        for d, names in zip(days, lists, strict=True)
        for a, label in names.items()
    ]
    import_files(listed(folder / "lists.csv", INDUSTRY + rows), folder / "store", mapped())
    found = spells_of(Store.open(folder / "store"))
    for day, names in zip(days, lists, strict=True):
        force = {
            a: label
            for a, label, start, end in found
            if start <= day and (end is None or day < end)
        }
        assert force == names


def test_an_asset_twice_in_one_list_and_a_row_without_a_label_are_named(tmp_path):
    twice = listed(tmp_path / "twice.csv", [*INDUSTRY, *LISTS, "A,sw1,steel,2020-03-31"])
    with pytest.raises(DataError, match=r"twice\.csv, row 8.*'A' stands in one list a second time"):
        import_files(twice, tmp_path / "store", mapped())
    empty = listed(tmp_path / "empty.csv", [*INDUSTRY, *LISTS, "D,sw1,,2020-03-31"])
    with pytest.raises(DataError, match=r"empty\.csv, row 8, column 'industry': missing"):
        import_files(empty, tmp_path / "store", mapped())
    (report,) = import_files(
        empty, tmp_path / "store", mapped(drop=[{"no_label": "industry is null"}])
    ).tables
    assert report.dropped == {"no_label": 1, "goes_on": 3}


def test_the_key_is_for_tables_of_spells_without_an_end():
    with pytest.raises(ConfigError, match="only industry and index_members"):
        ColumnMap.from_dict({"tables": [{"table": "daily", "snapshots": True}]})
    with pytest.raises(ConfigError, match="take end_date out"):
        mapped(columns={"end_date": "to"})


def test_a_draft_proposes_it_for_lists_and_not_for_spells(tmp_path):
    lists = listed(tmp_path / "lists.csv", INDUSTRY + LISTS)
    assert draft_map(lists).tables[0].keys["snapshots"] is True
    members = ["index,date,symbol"]
    members += [f"000905.SH,{d},{600000 + k}.SH" for d in (JANUARY, FEBRUARY) for k in range(10)]
    drafted = draft_map(listed(tmp_path / "members.csv", members))
    assert "snapshots: true" in drafted.text
    assert drafted.tables[0].keys["columns"]["start_date"] == "date"
    changes = [
        f"60000{k}.SH,sw1,{n},20{10 + k + j}-01-31" for k in range(3) for j, n in enumerate("ab")
    ]
    spells = draft_map(listed(tmp_path / "spells.csv", INDUSTRY + changes))
    assert "snapshots" not in spells.tables[0].keys


@pytest.mark.skipif(not CN.exists(), reason="the real data are not here")
@pytest.mark.parametrize(
    ("name", "table"),
    [("index_members_csi500_snapshots", "index_members"), ("industry", "industry")],
)
def test_real_lists_drafted_and_imported_hold_on_each_of_their_days(tmp_path, name, table):
    file = CN / f"{name}.parquet"
    draft = draft_map(file)
    assert "snapshots: true" in draft.text, draft.text
    (tmp_path / "map.yaml").write_text(draft.text, encoding="utf-8")
    (report,) = import_files(file, tmp_path / "store", tmp_path / "map.yaml").tables
    assert report.read == report.written + report.dropped["goes_on"]
    raw = pl.read_parquet(file).rename({"symbol": "asset"})
    raw = raw.rename({"as_of": "date"}) if table == "industry" else raw
    raw = raw.with_columns(pl.col("date").cast(pl.Date))
    of = ["scheme", "industry"] if table == "industry" else ["index"]
    spells = Store.open(tmp_path / "store").read(table)
    for (day, group), names in raw.group_by("date", of[0]):
        inside = (pl.col("start_date") <= day) & (
            pl.col("end_date").is_null() | (pl.col("end_date") > day)
        )
        force = spells.filter(inside & (pl.col(of[0]) == group)).select("asset", *of)
        assert force.sort("asset").equals(names.select("asset", *of).sort("asset"))
