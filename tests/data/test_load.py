"""From tables to a Market: worked examples of every derived field, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from market_tables import NAMES, bars, flat_bars, random_frames, random_tables, securities
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter, ValidationError

from superhet.data.base import MemoryTables
from superhet.data.derived import ImplausibleAmount
from superhet.data.load import MarketRequest, load_market
from superhet.data.universe import UniverseRule
from superhet.errors import ConfigError, DataError, UnknownName

DAYS = ["2020-08-19", "2020-08-20", "2020-08-21", "2020-08-24", "2020-08-25"]
OPEN = UniverseRule(new_listing=0, limit_locked=False)
PLAIN = MarketRequest(universe=OPEN, industry="", size="amount_60")
A, B = "600000.SH", "600001.SH"
NAN = np.nan


def calendar(days: list[str] = DAYS) -> pl.DataFrame:
    return pl.DataFrame({"date": days}).with_columns(pl.col("date").str.to_date())


def market(frame: pl.DataFrame, request: MarketRequest = PLAIN, **others: pl.DataFrame):
    tables = {"bars_1d": frame, "calendar": calendar(), **others}
    return load_market(MemoryTables(tables), request)


def values(market_, field: str, asset: str = A) -> list[float]:
    return market_[field].of(asset).tolist()


def old(*assets: str) -> pl.DataFrame:
    return securities({a: ("main", "2010-01-04", None) for a in assets})


def test_a_suspended_day_has_no_prices_and_a_return_of_zero():
    m = market(
        flat_bars(DAYS, {A: [10.0, None, None, 11.0, 12.1], B: [5.0] * 5}), securities=old(A, B)
    )
    assert_array_equal(values(m, "close"), [10.0, NAN, NAN, 11.0, 12.1])
    assert_array_equal(values(m, "suspended"), [False, True, True, False, False])
    assert_allclose(values(m, "returns"), [NAN, 0.0, 0.0, 0.1, 0.1])
    assert_array_equal(values(m, "previous_close"), [NAN, 10.0, 10.0, 10.0, 11.0])
    assert_array_equal(values(m, "volume"), [1000.0, NAN, NAN, 1000.0, 1000.0])


def test_a_bar_with_zero_volume_is_a_suspension():
    frame = flat_bars(DAYS, {A: [10.0] * 5, B: [5.0] * 5})
    idle = (pl.col("date") == date(2020, 8, 20)) & (pl.col("asset") == A)
    frame = frame.with_columns(volume=pl.when(idle).then(0.0).otherwise(pl.col("volume")))
    m = market(frame, securities=old(A, B))
    assert values(m, "suspended") == [False, True, False, False, False]
    assert np.isnan(values(m, "close")[1])


def test_previous_close_is_ex_right_and_the_return_is_total():
    # 10-for-10 bonus on the third day: the factor doubles, the reference price halves
    frame = flat_bars(DAYS, {A: [10.0, 10.0, 5.5, 5.5, 5.5]})
    later = pl.col("date") >= date(2020, 8, 21)
    m = market(
        frame.with_columns(adjust_factor=pl.when(later).then(2.0).otherwise(1.0)), securities=old(A)
    )
    assert_allclose(values(m, "previous_close"), [NAN, 10.0, 5.0, 5.5, 5.5])
    assert_allclose(values(m, "returns"), [NAN, 0.0, 0.1, 0.0, 0.0])
    assert_allclose(values(m, "adjusted_close"), [10.0, 10.0, 11.0, 11.0, 11.0])
    assert_allclose(values(m, "limit_up"), [NAN, 11.0, 5.5, 6.05, 6.05])


def test_an_ex_date_during_a_suspension_is_applied_once():
    # the vendor keeps the suspended row with volume 0 and the new factor already in it
    rows = [
        ("2020-08-19", A, 10.0, 10.0, 10.0, 10.0, 1000.0, 1e4, 1.0),
        ("2020-08-20", A, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0, 2.0),
        ("2020-08-21", A, 5.5, 5.5, 5.5, 5.5, 1000.0, 5.5e3, 2.0),
    ]
    m = market(bars(rows).with_columns(total_shares=pl.Series([1.0, 2.0, 2.0])), securities=old(A))
    assert_allclose(values(m, "previous_close"), [NAN, 5.0, 5.0])
    assert_allclose(values(m, "returns"), [NAN, 0.0, 0.1])
    assert_allclose(values(m, "market_cap"), [10.0, 10.0, 11.0])  # no jump while nothing trades


def test_caps_and_shares_are_carried_over_suspensions_and_end_with_the_listing():
    frame = flat_bars(DAYS, {A: [10.0, None, 12.0, None, None], B: [5.0] * 5}, total_shares=100.0)
    frame = frame.with_columns(float_shares=pl.lit(50.0))
    listed = securities({A: ("main", "2010-01-04", "2020-08-25"), B: ("main", "2010-01-04", None)})
    m = market(frame, replace(PLAIN, size=None), securities=listed)
    assert m.size == "market_cap"
    assert_array_equal(values(m, "market_cap"), [1000.0, 1000.0, 1200.0, 1200.0, NAN])
    assert_array_equal(values(m, "float_cap"), [500.0, 500.0, 600.0, 600.0, NAN])
    assert_array_equal(values(m, "total_shares"), [100.0, 100.0, 100.0, 100.0, NAN])
    assert_array_equal(values(m, "turnover"), [20.0, NAN, 20.0, NAN, NAN])
    assert values(m, "suspended") == [False, True, False, True, False]
    assert np.isnan(values(m, "returns")[4])


def test_without_total_shares_the_market_cap_is_the_float_cap():
    m = market(flat_bars(DAYS, {A: [10.0] * 5}, float_shares=50.0), securities=old(A))
    assert_array_equal(m["market_cap"].values, m["float_cap"].values)


def test_vwap_is_amount_by_volume_clipped_into_the_range_of_the_day():
    rows = [
        ("2020-08-19", A, 10.0, 11.0, 9.0, 10.0, 100.0, 1020.0, 1.0),  # 10.2
        ("2020-08-20", A, 10.0, 11.0, 9.0, 10.0, 100.0, 1200.0, 1.0),  # 12 is above the high
        ("2020-08-21", A, 10.0, 11.0, 9.0, 11.5, 100.0, None, 1.0),  # unknown: (11 + 9 + 11.5) / 3
    ]
    m = market(bars(rows), securities=old(A))
    assert_allclose(values(m, "vwap"), [10.2, 11.0, 10.5])
    assert np.isnan(values(m, "amount")[2])


def test_amounts_in_thousands_are_noticed():
    frame = flat_bars(DAYS, {A: [10.0] * 5}).with_columns(amount=pl.col("amount") / 1000)
    with pytest.warns(ImplausibleAmount, match="on 5 of 5 bars"):
        assert values(market(frame, securities=old(A)), "vwap") == [10.0] * 5


def test_a_request_is_validated_from_yaml_words():
    read = TypeAdapter(MarketRequest).validate_python
    request = read({"start": "2018-01-01", "universe": {"index": "000300.SH", "illiquid": 0.1}})
    assert request.universe == UniverseRule(index="000300.SH", illiquid=0.1)
    with pytest.raises(ValidationError, match="illiquid"):
        read({"universe": {"illiquid": 1.0}})


def test_without_amounts_the_typical_price_stands_in_and_the_panel_says_so():
    m = market(flat_bars(DAYS, {A: [10.0] * 5}).drop("amount"), securities=old(A))
    assert_allclose(values(m, "amount"), [1e4] * 5)
    assert m["amount"].name == "amount (volume × typical price)"


def test_listing_age_counts_sessions_from_the_listing_date():
    listed = securities(
        {A: ("main", "2020-08-18", None), B: ("main", "2020-08-22", "2020-08-25")}  # a Saturday
    )
    m = market(
        flat_bars(DAYS, {A: [10.0] * 5, B: [None, None, None, 5.0, None]}), securities=listed
    )
    assert values(m, "listing_age") == [1, 2, 3, 4, 5]  # one weekday before the calendar begins
    assert values(m, "listing_age", B) == [-1, -1, -1, 0, -1]
    assert values(m, "suspended", B) == [False] * 5


def test_a_trade_on_the_day_of_delisting_still_counts():
    listed = securities({A: ("main", "2020-08-19", "2020-08-24")})
    m = market(flat_bars(DAYS, {A: [10.0, 10.0, 10.0, 9.0, None]}), securities=listed)
    assert values(m, "listing_age") == [0, 1, 2, 3] + ([] if len(m.dates) == 4 else [-1])


def test_a_trade_before_the_stated_listing_is_the_listing():
    listed = securities({A: ("main", "2020-08-24", None), B: ("main", "2010-01-04", None)})
    m = market(
        flat_bars(DAYS, {A: [None, 10.0, 10.0, 10.0, 10.0], B: [5.0] * 5}), securities=listed
    )
    assert values(m, "listing_age") == [-1, 0, 1, 2, 3]


def test_without_listing_dates_the_first_bar_counts_and_what_was_there_first_is_old():
    m = market(flat_bars(DAYS, {A: [None, None, 10.0, 10.0, 10.0], B: [5.0] * 5}))
    assert values(m, "listing_age") == [-1, -1, 0, 1, 2]
    assert values(m, "listing_age", B) == [250, 251, 252, 253, 254]


def test_special_treatment_holds_from_its_start_to_before_its_end_and_narrows_the_limit():
    status = pl.DataFrame(
        {
            "asset": [A, A],
            "start_date": [date(2010, 1, 4), date(2020, 8, 21)],
            "end_date": [None, date(2020, 8, 25)],
            "is_st": [False, True],
        }
    )
    m = market(flat_bars(DAYS, {A: [10.0] * 5}), securities=old(A), status=status)
    assert values(m, "is_st") == [False, False, True, True, False]
    assert_allclose(values(m, "limit_up"), [NAN, 11.0, 10.5, 10.5, 11.0])


def test_chinext_limits_widen_on_24_august_2020():
    asset = "300001.SZ"
    m = market(flat_bars(DAYS, {asset: [10.0] * 5}))
    assert_allclose(values(m, "limit_up", asset), [NAN, 11.0, 11.0, 12.0, 12.0])
    assert m.groups("board").labels[m.groups("board").values[0, 0]] == "chinext"


def test_limit_columns_of_the_table_are_taken_as_they_are():
    frame = flat_bars(DAYS, {A: [10.0] * 5}, limit_up=10.9, limit_down=9.2)
    m = market(frame, securities=old(A))
    assert values(m, "limit_up") == [10.9] * 5
    assert values(m, "limit_down") == [9.2] * 5


def test_the_asset_axis_is_all_of_securities_sorted():
    m = market(flat_bars(DAYS, {B: [10.0] * 5}), securities=old(B, A, "000002.SZ"))
    assert m.assets.values == ("000002.SZ", A, B)


def test_the_dates_axis_is_the_calendar_between_the_first_and_the_last_bar():
    frame = flat_bars(DAYS[1:4], {A: [10.0, None, 10.0]})
    m = market(frame, securities=old(A))
    assert [str(d) for d in m.dates] == DAYS[1:4]
    assert values(m, "suspended") == [False, True, False]


def test_a_period_cuts_the_sessions_on_both_sides():
    request = replace(PLAIN, start="2020-08-20", end="2020-08-23")
    m = market(flat_bars(DAYS, {A: [10.0] * 5}), request, securities=old(A))
    assert [str(d) for d in m.dates] == DAYS[1:3]


def test_imported_daily_columns_become_fields():
    daily = pl.DataFrame({"date": [date(2020, 8, 20)], "asset": [A], "pb": [1.5]})
    m = market(flat_bars(DAYS, {A: [10.0] * 5}), securities=old(A), daily=daily)
    assert_array_equal(values(m, "pb"), [NAN, 1.5, NAN, NAN, NAN])
    assert m["pb"].unit == "ratio"


def test_an_imported_column_may_not_shadow_a_computed_field():
    daily = pl.DataFrame({"date": [date(2020, 8, 20)], "asset": [A], "returns": [1.5]})
    with pytest.raises(DataError, match="'returns' belongs to a field that is computed"):
        market(flat_bars(DAYS, {A: [10.0] * 5}), securities=old(A), daily=daily)


def test_an_imported_market_cap_serves_where_bars_have_no_shares():
    daily = pl.DataFrame({"date": [date(2020, 8, 20)], "asset": [A], "market_cap": [1e9]})
    request = replace(PLAIN, size=None)
    m = market(flat_bars(DAYS, {A: [10.0] * 5}), request, securities=old(A), daily=daily)
    assert_array_equal(values(m, "market_cap"), [NAN, 1e9, 1e9, 1e9, 1e9])


def test_a_market_without_shares_asks_for_another_size():
    with pytest.raises(ConfigError, match="market.size: .* write `size: amount_60`"):
        market(flat_bars(DAYS, {A: [10.0] * 5}), replace(PLAIN, size=None), securities=old(A))


def test_size_by_amount_is_the_mean_of_sixty_sessions():
    days = [str(d) for d in np.arange("2020-01-01", "2020-06-01", dtype="datetime64[D]")]
    prices = [float(k + 1) for k in range(len(days))]
    m = market(flat_bars(days, {A: prices}), calendar=calendar(days))
    assert m.size == "average_amount_60"
    found = m["average_amount_60"].of(A)
    assert np.isnan(found[:19]).all()
    assert found[-1] == pytest.approx(1000.0 * np.mean(prices[-60:]))
    assert found[40] == pytest.approx(1000.0 * np.mean(prices[:41]))


def industry(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["asset", "industry", "start_date"], orient="row")
    return frame.with_columns(
        pl.col("start_date").str.to_date(),
        pl.lit("sw1").alias("scheme"),
        pl.lit(None, pl.Date).alias("end_date"),
    )


def test_industry_is_the_one_known_on_the_date():
    m = market(
        flat_bars(DAYS, {A: [10.0] * 5, B: [5.0] * 5}),
        replace(PLAIN, industry="sw1"),
        securities=old(A, B),
        industry=industry([(A, "银行", "2010-01-01"), (A, "传媒", "2020-08-21")]),
    )
    group = m.groups("industry")
    assert [group.labels[c] for c in group.of(A)] == ["银行"] * 2 + ["传媒"] * 3
    assert group.of(B).tolist() == [-1] * 5


def test_an_unknown_industry_scheme_lists_those_that_exist():
    with pytest.raises(UnknownName, match="market.industry: .*'citics1'.*sw1"):
        market(
            flat_bars(DAYS, {A: [10.0] * 5}),
            replace(PLAIN, industry="citics1"),
            industry=industry([(A, "银行", "2010-01-01")]),
        )


def test_a_bar_on_no_session_is_refused():
    with pytest.raises(DataError, match="bars on 2020-08-22, which is not a session"):
        market(flat_bars([*DAYS[:3], "2020-08-22", DAYS[4]], {A: [10.0] * 5}), securities=old(A))


def test_a_bar_of_an_unknown_security_is_refused():
    with pytest.raises(DataError, match=f"asset {A} is not in `securities`"):
        market(flat_bars(DAYS, {A: [10.0] * 5}), securities=old(B))


def test_two_bars_of_one_day_are_refused():
    frame = flat_bars(DAYS, {A: [10.0] * 5})
    with pytest.raises(DataError, match=f"two rows for {A} on 2020-08-20"):
        market(pl.concat([frame, frame[1:2]]), securities=old(A))


def test_a_period_without_bars_names_what_there_is():
    request = replace(PLAIN, start="2030-01-01")
    with pytest.raises(ConfigError, match="covers 2020-08-19 to 2020-08-25"):
        market(flat_bars(DAYS, {A: [10.0] * 5}), request, securities=old(A))


def test_a_date_that_is_none_is_named():
    request = replace(PLAIN, end="2020-13-01")
    with pytest.raises(ConfigError, match="market.end: '2020-13-01' is not a date"):
        market(flat_bars(DAYS, {A: [10.0] * 5}), request)


def test_a_store_without_daily_bars_says_so():
    with pytest.raises(DataError, match="no daily bars"):
        load_market(MemoryTables({"calendar": calendar()}), PLAIN)


def test_progress_is_told_year_by_year():
    told: list[tuple[int, int, str]] = []
    tables = {"bars_1d": flat_bars(["2019-12-31", "2020-01-02"], {A: [10.0, 10.0]})}
    load_market(MemoryTables(tables), PLAIN, progress=lambda *step: told.append(step))
    assert told == [(1, 2, "bars_1d"), (2, 2, "bars_1d")]


def test_intraday_bars_stand_on_their_ends_and_missing_ones_are_nan():
    frames = random_frames(3)
    m = load_market(MemoryTables(frames), replace(PLAIN, intraday=("15min",), end="2020-07-31"))
    cube = m.intraday("15min")
    assert not cube.dates.is_daily
    assert set(cube.dates.days.tolist()) <= set(m.dates.values.tolist())
    rows = frames["bars_15min"]
    assert (
        cube["close"].known().sum()
        == rows.filter(pl.col("time").dt.date() <= date(2020, 7, 31)).height
    )
    row = rows.row(50, named=True)
    at = cube.dates.index(np.datetime64(row["time"], "s"))
    assert cube["close"].values[at, cube.assets.index(row["asset"])] == row["close"]


def test_a_bar_on_a_weekend_is_refused():
    frames = random_frames(3)
    sunday = frames["bars_15min"][:1].with_columns(time=pl.lit(datetime(2020, 6, 7, 15, 0)))
    frames["bars_15min"] = pl.concat([frames["bars_15min"], sunday])
    with pytest.raises(DataError, match="2020-06-07T15:00:00 is not on a session"):
        load_market(MemoryTables(frames), replace(PLAIN, intraday=("15min",)))


def test_a_period_before_the_first_intraday_bar_has_an_empty_cube():
    frames = random_frames(3)
    frames["bars_15min"] = frames["bars_15min"][:0]
    market = load_market(MemoryTables(frames), replace(PLAIN, intraday=("15min",)))
    cube = market.intraday("15min")
    assert len(cube.dates) == 0
    assert cube["close"].values.shape == (0, len(market.assets))


def test_intraday_amounts_are_estimated_where_there_are_none():
    frames = random_frames(3)
    frames["bars_15min"] = frames["bars_15min"].drop("amount")
    bars_ = load_market(MemoryTables(frames), replace(PLAIN, intraday=("15min",))).intraday("15min")
    typical = (bars_["high"].values + bars_["low"].values + bars_["close"].values) / 3
    assert_allclose(bars_["amount"].values, bars_["volume"].values * typical)
    assert "volume × typical price" in bars_["amount"].name


def test_an_unknown_intraday_frequency_lists_those_that_exist():
    with pytest.raises(UnknownName, match="'5min'.*15min"):
        load_market(random_tables(), replace(PLAIN, intraday=("5min",)))


def test_dense_panels_equal_a_pandas_pivot():
    frames = random_frames(4)
    m = load_market(MemoryTables(frames), PLAIN)
    wide = frames["bars_1d"].filter(pl.col("volume") > 0).to_pandas().pivot(
        index="date", columns="asset", values="close"
    )  # fmt: skip
    wide = wide.reindex(index=m.dates.values.astype("datetime64[s]"), columns=NAMES)
    assert_array_equal(m["close"].values, wide.to_numpy())


def test_fields_are_made_when_asked_for_and_kept():
    m = load_market(random_tables(), PLAIN)
    assert m["vwap"] is m["vwap"]
    assert m.until("2020-07-01")["vwap"].values.base is not None


def test_without_an_adjust_factor_there_is_nothing_to_adjust():
    frame = flat_bars(DAYS, {A: [10.0, None, 11.0, 11.0, 11.0]}).drop("adjust_factor")
    m = market(frame, securities=old(A))
    assert values(m, "adjust_factor") == [1.0] * 5
    assert_allclose(values(m, "returns"), [NAN, 0.0, 0.1, 0.0, 0.0])


def test_the_sme_board_is_main_and_an_unknown_board_is_refused():
    frame = flat_bars(DAYS, {A: [10.0] * 5})
    m = market(frame, securities=securities({A: ("SME", "2010-01-04", None)}))
    assert m.groups("board").labels[m.groups("board").values[0, 0]] == "main"
    with pytest.raises(DataError, match="'nasdaq' is not a board"):
        market(frame, securities=securities({A: ("nasdaq", "2010-01-04", None)}))


def test_trades_after_delisting_do_not_relist():
    listed = securities({A: ("main", "2010-01-04", "2020-08-20"), B: ("main", "2010-01-04", None)})
    m = market(flat_bars(DAYS, {A: [None, None, 9.0, 9.0, 9.0], B: [5.0] * 5}), securities=listed)
    assert values(m, "listing_age")[1:] == [-1] * 4


def test_a_size_that_is_no_field_is_an_unknown_name():
    with pytest.raises(UnknownName, match="market.size: unknown field 'adjusted_clos'"):
        market(flat_bars(DAYS, {A: [10.0] * 5}), replace(PLAIN, size="adjusted_clos"))
