"""Each rule of the data check finds what is planted, exactly; clean tables have no finding at all."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_tables import (
    DAYS,
    PLANTINGS,
    Planting,
    bars,
    clean,
    looked_through,
    macro,
    many,
    statements,
)

import superhet.data.quality
from superhet.data.base import MemoryTables
from superhet.data.quality import SEVERITIES, check, rules
from superhet.data.quality.daily import read_daily
from superhet.data.quality.limit_hits import with_limits

CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in Path(superhet.data.quality.__file__).parent.glob("*.py")
)
few = settings(max_examples=10, deadline=None)  # a check of tables takes 20 ms
NAMES = sorted(set(rules()) - {"treatments"})


def test_clean_tables_have_no_finding() -> None:
    report = looked_through(clean())
    assert [(f.table, f.field, f.rule, f.count) for f in report.found] == []
    assert len({f.rule for f in report.findings}) > 50


def test_clean_tables_beside_themselves_have_no_finding() -> None:
    report = looked_through(clean(), against=MemoryTables(clean()))
    assert [(f.table, f.rule, f.count) for f in report.found] == []
    assert report["bars_1d.returns_differ"].total == len(DAYS)


@pytest.mark.parametrize("planting", PLANTINGS, ids=lambda p: p.finding)
def test_what_is_planted_is_found(planting: Planting) -> None:
    assert planting.report()[planting.finding].count == planting.count


def test_every_rule_is_planted_and_no_other() -> None:
    assert sorted(p.finding.rpartition(".")[2] for p in PLANTINGS) == NAMES


def test_rules_and_code_are_one_to_one() -> None:
    written = set(re.findall(r'"([a-z_]+)"', CODE))
    assert set(NAMES) <= written


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_says_all_of_itself(name: str) -> None:
    rule = rules()[name]
    assert set(rule) == {"of", "severity", "treatment", "text"}
    assert rule["severity"] in SEVERITIES
    assert rule["treatment"] in rules()["treatments"]
    english, chinese = rule["text"]
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert not re.search("[\u4e00-\u9fff]", english)


@few
@given(order=st.permutations(range(len(DAYS))))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    frame = bars(volume=[0.0, 1.0, 1.0, *[5.0] * 7], close=[10.0] * 10)
    tables = {"bars_1d": frame, "calendar": clean()["calendar"]}
    moved = {**tables, "bars_1d": frame[order]}
    assert looked_through(moved).to_dict() == looked_through(tables).to_dict()


@few
@given(
    gone=st.sets(st.integers(1, len(DAYS) - 2)),
    dead=st.sets(st.integers(0, len(DAYS) - 1)),
)
def test_missing_and_idle_days_are_counted_one_by_one(gone: set[int], dead: set[int]) -> None:
    kept = [i for i in range(len(DAYS)) if i not in gone]
    volume = [0.0 if i in dead else 100.0 + i for i in range(len(DAYS))]
    frame = bars(volume=volume)[kept]
    report = looked_through({"bars_1d": frame, "calendar": clean()["calendar"]})
    assert report["bars_1d.missing_sessions"].count == len(gone)
    assert report["bars_1d.zero_volume"].count == len(dead - gone)
    assert report["calendar.gaps"].count == len(gone)


@few
@given(
    factor=st.sampled_from([1e-6, 1e-4, 1e-3, 1e-2, 1e2, 1e3, 1e4, 1e6]),
    drift=st.floats(0.98, 1.02),
    row=st.integers(0, len(DAYS) - 1),
)
def test_a_unit_slip_of_any_size_is_found(factor: float, drift: float, row: int) -> None:
    frame = bars()
    amount = frame["amount"].to_list()
    amount[row] *= factor * drift
    report = looked_through({"bars_1d": frame.with_columns(amount=pl.Series(amount))})
    assert report["bars_1d.unit_slips"].count == 1
    assert report["bars_1d.unit_slips"].examples == (f"A {DAYS[row]}",)


def test_a_company_that_takes_over_a_shell_has_no_unit_slip() -> None:
    whole = {
        "total_assets": [10.0] * 4 + [1000.0] * 4,
        "total_liabilities": [4.0] * 4 + [400.0] * 4,
        "total_equity": [6.0] * 4 + [600.0] * 4,
        "revenue": [1.0] * 4 + [90.0] * 4,
    }
    report = looked_through({"statements": statements(**whole)})
    slips = [f.count for f in report.findings if f.rule == "statement_unit_slips"]
    assert slips == [0, 0, 0]


def test_statements_in_thousands_slip_together() -> None:
    whole = {
        "total_assets": [1000.0] * 6 + [1.0] * 2,
        "total_liabilities": [400.0] * 6 + [0.4] * 2,
        "total_equity": [600.0] * 6 + [0.6] * 2,
    }
    report = looked_through({"statements": statements(**whole)})
    assert report["statements.total_assets.statement_unit_slips"].count == 1


def test_the_owners_equity_may_leave_room_for_minorities_and_no_more() -> None:
    def broken(equity: float) -> int:
        frame = statements(4, total_assets=[1000.0] * 4, total_liabilities=[400.0] * 4)
        frame = frame.drop("total_equity").with_columns(parent_equity=pl.lit(equity))
        return looked_through({"statements": frame})["statements.balance_broken"].count

    assert broken(550.0) == 0  # 50 belong to minorities
    assert broken(610.0) == 4  # more than there is
    assert broken(50.0) == 4  # minorities would own most of it


def test_minority_interests_may_be_in_equity_or_beside_it() -> None:
    inside = statements(
        4, total_liabilities=[400.0] * 4, total_equity=[600.0 + q for q in range(4)]
    )
    beside = inside.with_columns(pl.col("total_equity") - 100)
    for frame in (inside, beside):
        known = frame.with_columns(minority_interest=pl.lit(100.0))
        assert looked_through({"statements": known})["statements.balance_broken"].count == 0


def test_a_restatement_is_not_late() -> None:
    again = statements()[:1].with_columns(
        revision=pl.lit(1, pl.Int64), announce_date=pl.lit(DAYS[0])
    )
    report = looked_through({"statements": pl.concat([statements(), again])})
    assert report["statements.announced_late"].count == 0
    assert report["statements.older_period"].count == 1
    assert report.restatements == {"2020-01": 1}


def test_one_name_that_has_left_makes_a_sample_of_more_than_survivors() -> None:
    frame = many(400, 320)
    left = (pl.col("asset") == "000007.SH") & (pl.col("date") > frame["date"][60_000])
    report = looked_through({"bars_1d": frame.filter(~left)})
    assert (report["bars_1d.no_delisted"].count, report["bars_1d.no_delisted"].total) == (0, 400)


def test_nothing_is_said_of_survivors_in_a_small_sample() -> None:
    rules_asked = {f.rule for f in looked_through({"bars_1d": many(24, 400)}).findings}
    assert "no_delisted" not in rules_asked


def test_beijing_shares_may_move_by_their_own_limit() -> None:
    factor = [1.0] * 5 + [1.29] * 5
    for asset, jumps in (("830001.BJ", 0), ("300001.SZ", 1)):
        frame = bars(asset=asset, adjust_factor=factor, close=[10.0] * 10)
        assert looked_through({"bars_1d": frame})["bars_1d.jumps"].count == jumps


def test_a_crash_that_begins_at_the_open_and_goes_on_is_no_split() -> None:
    frame = bars(DAYS[:2], open=[10.0, 6.0], high=[10.0, 6.1], low=[10.0, 4.9], close=[10.0, 5.0])
    report = looked_through({"bars_1d": frame})
    assert report["bars_1d.jumps"].count == 1
    assert report["bars_1d.split_suspected"].count == 0


def test_two_vendors_agree_on_returns_whatever_their_factors_start_from() -> None:
    there = bars(adjust_factor=[3.0] * 10)
    report = looked_through({"bars_1d": bars()}, against=MemoryTables({"bars_1d": there}))
    assert report["bars_1d.returns_differ"].count == 0
    assert [f.field for f in report.findings if f.rule == "vendors_differ" and f.count] == []


def test_coverage_universe_and_activity_are_counted_by_month() -> None:
    frame = bars(
        [DAYS[0], DAYS[1], DAYS[4]], limit_up=[10.0, 11.0, 11.0], amount=[None, 1010.0, 1020.0]
    )
    report = looked_through({"bars_1d": frame, "calendar": clean()["calendar"]})
    assert report.coverage["bars_1d.amount"] == {"2020-01": pytest.approx(2 / 3)}
    assert report.universe == {"2020-01": 1}
    assert report.activity["suspended"] == {"2020-01": 2}
    assert report.activity["limit_up"] == {"2020-01": 1}


def limits(
    asset: str, closes: list[float], status: pl.DataFrame | None = None
) -> list[float | None]:
    """Give the limit-up price of each day by the rule book; another share trades from 2018 on."""
    days = [date(2024, 1, 2) + timedelta(days=i) for i in range(len(closes))]
    old = bars([date(2018, 1, 2)], "600999.SH")
    frame = pl.concat([old, bars(days, asset, close=closes)]).sort("date", "asset")
    daily = read_daily(MemoryTables({"bars_1d": frame}))
    assert daily is not None
    made = with_limits(daily, status).filter(pl.col("asset") == asset)
    return made["limit_up"].to_list()


def test_limit_prices_that_the_bars_lack_follow_from_the_rule_book() -> None:
    closes = [10.05] * 8
    tenth = pytest.approx(11.06)  # 11.055, half up
    assert limits("600001.SH", closes) == [None] * 5 + [tenth] * 3  # the first five are free
    assert limits("688001.SH", closes) == [None] * 5 + [pytest.approx(12.06)] * 3
    assert limits("AAPL", closes) == [None] * 8
    spell = {
        "asset": ["600001.SH"],
        "start_date": [date(2024, 1, 8)],
        "end_date": [date(2024, 1, 9)],
    }
    status = pl.DataFrame({**spell, "is_st": [True]})
    assert limits("600001.SH", closes, status)[5:] == [tenth, pytest.approx(10.55), tenth]


def test_series_of_one_macro_table_are_held_against_each_other() -> None:
    frame = pl.concat([macro(36), macro(36, "ppi")]).sort("release_date", "series")
    assert check(MemoryTables({"macro": frame})).found == ()
