"""Every defect that the README of the real data documents is found by a rule of the check.

The data lie beside the project and are no part of it. What their README says and no check can see:

- The 1,600 names are no random draw (all of the CSI 300, the rest by a hash): a table does not say who
  was not drawn.
- The year 2021 is absent between the two daily sets: they are two stores; in one it is a gap (below).
- Daily bars and market caps agree with three other vendors; last-year profit with the annual statements:
  agreement is no defect, and these vendors are not here.
- Steps of fundamentals_pit against the announcement dates of 2014-2016: the table has no report periods.
  That its dates are no announcements of a period is found.
- Announcement years are inferred: inferred well, none is before its period.
- ``--`` became missing: done before; the missing values are counted.
- The dates of sw_l1_industry_returns were lost and recovered: the recovered ones are sessions like others.

Seen by its trace only:

- Cash flows of fundamentals_sec are mostly year-to-date: known in the first and the last quarter of a year,
  missing in the two between.
- cn_macro has revised values, no first prints: no series has a second vintage.
- us adj_close is "as known in January 2026": its prices are no quotes.
- 15 tickers are missing: labels without bars, among others that this copy leaves out.

Not so in this copy:

- 2.3 % of amounts missing in the recent bars: none is.
- 47 statements of the broad set announced before their period: 25 are.
- Social financing ends early: it ends with the others and starts seven years after them.
- APH, DISCA and HPQ among the jumps: these shares are not here.
- 579 suspended rows dropped: 323 sessions lie between two bars; others cannot be told from a later listing.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from real_stores import DATA, FAMILIES, SLOW, RealStores

from superhet.data.base import MemoryTables
from superhet.data.quality import check

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.exists(), reason="no real data beside the project"),
]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> RealStores:
    return RealStores(tmp_path_factory.mktemp("real"))


def facts(*rows: tuple[str, str, float, float]) -> list[object]:
    """Mark the families that take long."""
    return [
        pytest.param(
            *row, marks=[pytest.mark.slow] if row[0] in SLOW else [], id=f"{row[0]}-{row[1]}"
        )
        for row in rows
    ]


COUNTS = facts(
    # cn daily 2010-2020
    ("cn", "bars_1d.duplicate_keys", 0, 0),
    ("cn", "bars_1d.bad_ohlc", 0, 0),
    ("cn", "bars_1d.jumps", 22, 22),  # 22 returns beyond 20.5 %
    ("cn", "bars_1d.no_delisted", 0, 0),  # 34 delisted names are in
    ("cn", "index_members.members_short", 150, 200),  # month-ends; 270 to 285 of 300 before 2020
    ("cn", "index_members.weights_missing", 1, 1),
    ("cn", "industry.snapshots_only", 5, 5),
    ("cn", "status.spells_one_day_holes", 0, 0),  # the map moves the ends, which are the last days
    # recent daily and 15-minute bars
    ("cn_recent", "bars_1d.one_exchange", 299, 299),  # "300 Shanghai names"
    ("cn_recent", "bars_1d.no_delisted", 290, 300),
    ("cn_recent", "bars_1d.missing_sessions", 323, 323),
    ("cn_recent", "bars_1d.amount_missing", 0, 0),
    ("cn_recent", "bars_15min.beyond_high_or_low", 0, 0),
    # statements
    ("cn_quarterly", "statements.announced_late", 132, 132),  # lags above 130 days
    ("cn_annual", "statements.current_assets.missing_values", 800, 820),  # banks
    ("us_closes", "statements.announced_before_period", 25, 25),
    # macro
    (
        "cn_macro",
        "macro.same_month_missing",
        10,
        20,
    ),  # activity series without January and February
    ("cn_macro", "macro.series_start_late", 2, 2),  # social financing
    ("cn_macro", "macro.single_vintage", 42, 42),
    ("cn_macro", "macro.release_lag_constant", 42, 42),
    # us daily
    ("us_raw", "bars_1d.quarantined", 482, 482),
    ("us", "bars_1d.dropped_on_import", 482, 482),
    ("us_raw", "bars_1d.split_suspected", 15, 25),  # "about 20"
    ("us_raw", "bars_1d.jumps", 200, 300),
    ("us_raw", "bars_1d.no_delisted", 335, 355),
    ("us", "industry.gics_sector_hindsight.without_bars", 150, 150),
    ("us", "bars_1d.factor_discontinuities", 1, 1),  # DHR 2016-07-05
    ("us_closes", "bars_1d.no_delisted", 345, 352),
    ("us_closes", "bars_1d.forward_adjusted", 250, 352),
    ("csi500", "index_members.members_short", 0, 0),
)

SHARES = facts(
    ("cn", "bars_1d.missing_sessions", 0.045, 0.047),
    ("cn", "statements.assets_without", 0.22, 0.24),  # 77 % are covered
    ("cn", "statements.announced_on_period_end", 1.0, 1.0),  # dates of effect
    ("cn", "statements.net_profit.missing_values", 0.06, 0.08),  # losses
    ("cn", "industry.citics_l1_wind 2012.snapshot_partial", 0.40, 0.44),  # 58 % have a label
    ("cn", "industry.tushare 2016.snapshot_partial", 0.23, 0.27),  # 75 %
    ("cn", "industry.tushare 2023.snapshot_partial", 0.02, 0.04),  # 97 %
    ("cn_recent", "bars_1d.vwap_outside_bar", 0.0008, 0.0025),  # 0.2 %
    ("cn_recent", "bars_1d.float_shares.shares_estimated", 0.8, 1.0),  # medians of the month
    ("cn_recent", "bars_15min.dropped_on_import", 0.0011, 0.0015),  # suspended days
    ("cn_recent", "bars_15min.high_or_low_missed", 0.45, 0.50),  # half of the days
    ("cn_recent", "bars_15min.close_inexact", 0.09, 0.14),  # 10 %
    ("cn_recent", "bars_15min.volume_inexact", 0.18, 0.26),  # within 0.5 % on 80 %
    ("cn_recent", "bars_15min.volume_differs", 0.005, 0.025),  # within 3 % on 98 %
    ("cn_recent", "bars_15min.open_inexact", 0.0, 0.0001),  # equal on 99.996 %
    ("cn_quarterly", "statements.eps.missing_values", 0.20, 0.24),  # 21 % lost
    ("cn_annual", "statements.balance_broken", 0.01, 0.03),  # holds on 97 %
    ("cn_annual", "statements.dates_alike", 1.0, 1.0),  # all assumed
    ("us_raw", "statements.announced_late", 0.02, 0.035),  # 2.5 % above 200 days
    ("us_raw", "statements.operating_cash_flow.missing_values", 0.50, 0.58),  # 53 %
    ("us_raw", "statements.capital_expenditure.missing_values", 0.60, 0.66),  # 63 %
    ("us_raw", "statements.operating_cash_flow.quarters_missing", 0.3, 0.5),
    ("us_beside", "bars_1d.returns_differ", 0.014, 0.017),  # agree on 98.5 %
    ("us_closes", "bars_1d.closes_only", 0.99, 1.0),
    ("us_closes", "statements.revenue.missing_values", 0.10, 0.12),  # 11 %
    ("us_annual", "statements.balance_broken", 0.035, 0.05),  # 4.1 %
    ("us_annual", "statements.for_year.missing_values", 0.09, 0.11),  # 173 of 1,781
    ("us_annual", "statements.dates_alike", 0.5, 1.0),
    ("us_macro", "macro.revised_values", 0.1, 0.2),  # two true vintages
)


@pytest.mark.parametrize(("family", "finding", "low", "high"), COUNTS)
def test_a_documented_defect_is_counted(
    stores: RealStores, family: str, finding: str, low: int, high: int
) -> None:
    assert low <= stores.report(family)[finding].count <= high


@pytest.mark.parametrize(("family", "finding", "low", "high"), SHARES)
def test_a_documented_defect_has_its_share(
    stores: RealStores, family: str, finding: str, low: float, high: float
) -> None:
    assert low <= stores.report(family)[finding].share <= high


@pytest.mark.slow
def test_july_2015_is_the_month_with_most_suspensions(stores: RealStores) -> None:
    assert stores.report("cn")["bars_1d.months_with_holes"].examples[0].startswith("2015-07")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("finding", "named"),
    [
        ("split_suspected", {"CSX 2011-06-16", "DUK 2012-07-02", "C 2011-05-06"}),
        ("jumps", {"EBAY 2015-07-20", "BAX 2015-07-01"}),  # spin-offs have no usual ratio
    ],
)
def test_the_jumps_that_are_named_are_among_those_found(
    stores: RealStores, finding: str, named: set[str]
) -> None:
    bars = stores.store("us_raw").read("bars_1d")
    for each in sorted(named):
        asset, day = each.split()
        around = dt.date.fromisoformat(day)
        near = bars.filter(
            (pl.col("asset") == asset)
            & pl.col("date").is_between(around - dt.timedelta(10), around)
        )
        alone = check(MemoryTables({"bars_1d": near}))
        assert alone[f"bars_1d.{finding}"].count == 1, each
        assert alone[f"bars_1d.{finding}"].examples[0].startswith(each)


@pytest.mark.slow
def test_the_tickers_that_are_missing_have_labels_and_no_bars(stores: RealStores) -> None:
    store = stores.store("us")
    names = "BHI COH DD DLPH DOW HAR LLTC LVLT MJN RAI SE SPLS TSO WFM YHOO"
    missing = set(names.split(" "))
    labels = store.read("industry").filter(pl.col("scheme") == "gics_sector_hindsight")
    assert missing <= set(labels["asset"]) - set(store.read("bars_1d")["asset"])


@pytest.mark.slow
def test_both_daily_sets_in_one_store_lack_the_year_2021(stores: RealStores) -> None:
    columns = ["date", "asset", "open", "high", "low", "close", "volume", "adjust_factor"]
    both = [stores.store(family).read("bars_1d", columns=columns) for family in ("cn", "cn_recent")]
    some = both[1]["asset"].unique().sort()[:30].to_list()
    bars = pl.concat(both).filter(pl.col("asset").is_in(some)).sort("date", "asset")
    calendar = stores.store("cn").read("calendar")
    gaps = check(MemoryTables({"bars_1d": bars, "calendar": calendar}))["calendar.gaps"]
    assert gaps.count == 243  # sessions of 2021
    assert gaps.examples[0] == "2021-01-04"


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_nothing_is_lost_on_the_way_in(stores: RealStores, family: str) -> None:
    report = stores.report(family)
    assert report.rows == sum(
        stores.store(family).info()["tables"][name]["rows"]
        for name in stores.store(family).names()
        if name != "quarantine"
    )
