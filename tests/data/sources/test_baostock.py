"""The real baostock client against a server of ours: what arrives, and every way it goes wrong."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from sources.baostock_market import SESSIONS, bar, klines, market

from superhet.data.load import MarketRequest, load_market
from superhet.data.pulling import Patience, pull
from superhet.data.sources.baostock import Baostock
from superhet.data.sources.vendor import Access, PullRequest, Universe
from superhet.data.store import Store
from superhet.errors import ConfigError, VendorError, VendorRefused

pytest.importorskip("baostock")


def wish(tables, start=date(2019, 1, 2), end=date(2019, 1, 31), universe="600000.SH", today=None):
    return PullRequest(
        universe=Universe.parse(universe),
        start=start,
        end=end,
        today=today or date(2021, 1, 4),
        tables=tuple(tables),
    )


def go(fake, store, request, *, timeout=20.0, token="", again=False, tries=4):
    return pull(
        Baostock,
        request,
        store,
        Access(timeout=timeout, server=fake.address, token=token),
        again=again,
        patience=Patience(tries=tries, sleep=lambda seconds: None),
    )


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def test_daily_bars_are_raw_and_in_shares_and_yuan(store):
    with market() as fake:
        report = go(fake, store, wish(["bars_1d", "daily"]))
    assert report.ok
    bars = store.read("bars_1d")
    assert bars["asset"].unique().to_list() == ["600000.SH"]
    assert len(bars) == sum(date(2019, 1, 2) <= d <= date(2019, 1, 31) for d in SESSIONS)
    first = bars.row(0, named=True)
    assert (first["volume"], first["amount"]) == (51629079.0, 516290790.0)
    assert first["close"] == float(bar(first["date"], "")["close"])
    assert first["float_shares"] == pytest.approx(51629079 / 0.001837)
    idle = bars.filter(pl.col("date") == date(2019, 1, 8)).row(0, named=True)
    assert idle["suspended"] is True
    assert idle["volume"] == 0.0
    assert idle["is_st"] is False
    daily = store.read("daily").row(0, named=True)
    assert daily["turnover_rate"] == pytest.approx(0.001837)  # 0.1837 percent
    assert daily["pcf_ttm"] is None
    assert daily["pe_ttm"] == 6.3


def five_minutes(count):
    """Answer with `count` bars, one each five minutes."""

    def answer(code, fields, start, end, clock, adjust):
        names = fields.split(",")
        rows = []
        for k in range(count):
            time = datetime(2019, 1, 2) + timedelta(minutes=5 * k)
            values = {**bar(SESSIONS[1], code), "time": f"{time:%Y%m%d%H%M%S}000"}
            rows.append([values[n] for n in names])
        return names, rows

    return {"query_history_k_data_plus": answer}


@pytest.mark.parametrize(("count", "pages"), [(1999, 1), (2000, 2), (4500, 3)])
def test_an_answer_of_several_pages_is_whole(store, count, pages):
    with market(answers=five_minutes(count)) as fake:
        report = go(fake, store, wish(["bars_5min"]))
        assert fake.times("query_history_k_data_plus") == pages
    assert report.rows["bars_5min"] == len(store.read("bars_5min")) == count


def test_a_page_that_fails_is_an_error_and_not_the_end_of_the_answer(store):
    fault = {("query_history_k_data_plus", 1): "drop"}
    with market(answers=five_minutes(2100), faults=fault) as fake:
        report = go(fake, store, wish(["bars_5min"]), tries=1)
        assert report.failed
        assert "closed in the middle" in next(iter(report.failed.values()))
        assert "bars_5min" not in store.names()
        assert go(fake, store, wish(["bars_5min"])).rows["bars_5min"] == 2100


def test_a_dropped_connection_is_noticed_at_once_and_asked_again(store):
    with market(faults={("query_history_k_data_plus", 0): "drop"}) as fake:
        report = go(fake, store, wish(["bars_1d"]), timeout=60.0)
        assert len(fake.logins) == 2
    assert report.ok
    assert report.rows["bars_1d"] == 22


def test_an_answer_that_never_ends_kills_the_child_and_the_pull_resumes(store):
    request = wish(["bars_1d"], universe="000001.SZ,600000.SH")
    with market(faults={("query_history_k_data_plus", 1): "stall"}) as fake:
        report = go(fake, store, request, timeout=1.0, tries=1)
        (unit,), (message,) = report.failed, report.failed.values()
        assert "no answer within 1 s; its process was ended" in message
        assert unit.startswith("query_history_k_data_plus 600000.SH")
        assert report.rows["bars_1d"] == 22  # the other share is kept
        before = fake.times("query_history_k_data_plus")
        again = go(fake, store, request)
        assert fake.times("query_history_k_data_plus") == before + 1
    assert (again.known, again.done) == (1, 1)
    assert store.read("bars_1d")["asset"].n_unique() == 2


def test_a_slow_answer_is_an_answer(store):
    with market(faults={("query_history_k_data_plus", 0): "slow"}) as fake:
        assert go(fake, store, wish(["bars_1d"])).ok


@pytest.mark.parametrize("query", ["query_history_k_data_plus", "query_adjust_factor"])
def test_a_wrong_checksum_is_refused_and_asked_again(store, query):
    table = "bars_1d" if query.startswith("query_history") else "adjust_factors"
    with market(faults={(query, 0): "garbled"}) as fake:
        report = go(fake, store, wish([table]))
        assert fake.times(query) == 2
    assert report.ok


def test_checksums_are_not_asked_of_a_server_that_has_none(store):
    with market(honest=False) as fake:
        assert go(fake, store, wish(["adjust_factors"])).ok


def test_half_a_json_page_is_asked_again(store):
    with market(faults={("query_adjust_factor", 0): "half json"}) as fake:
        report = go(fake, store, wish(["adjust_factors"]))
    assert report.ok
    assert store.read("adjust_factors")["adjust_factor"].to_list() == [1.1]


def test_an_answer_that_stops_early_is_asked_again(store):
    def once_half(code, fields, *rest, seen=[]):  # noqa: B006
        names, rows = klines(code, fields, *rest)
        seen.append(code)
        return names, rows[:10] if len(seen) == 1 else rows

    with market(answers={"query_history_k_data_plus": once_half}) as fake:
        report = go(fake, store, wish(["bars_1d"]))
    assert report.rows["bars_1d"] == 22
    assert not report.notes


def test_a_hole_of_the_vendor_is_believed_the_second_time_and_noted(store):
    def holed(code, fields, *rest):
        names, rows = klines(code, fields, *rest)
        return names, rows[:5] + rows[7:]

    with market(answers={"query_history_k_data_plus": holed}) as fake:
        report = go(fake, store, wish(["bars_1d"]))
    assert report.ok
    assert report.notes == {
        "baostock has gaps of its own: 2 sessions of 600000.SH from 2019-01-09 on": 1
    }


def test_an_empty_answer_is_remembered_as_such(store):
    def nothing(code, fields, *rest):
        return fields.split(","), []

    with market(answers={"query_history_k_data_plus": nothing}) as fake:
        report = go(fake, store, wish(["bars_5min"]))
        assert (report.done, report.empty, report.ok) == (1, 1, True)
        assert go(fake, store, wish(["bars_5min"])).known == 1


def test_changed_columns_name_the_function_and_the_difference(store):
    def renamed(code, fields, *rest):
        names, rows = klines(code, fields, *rest)
        return ["turnover" if n == "turn" else n for n in names], rows

    request = wish(["bars_1d", "daily"], universe="000001.SZ,600000.SH")
    with market(answers={"query_history_k_data_plus": renamed}) as fake:
        report = go(fake, store, request)
        assert fake.times("query_history_k_data_plus") == 1  # the second share need not be asked
    assert len(report.failed) == 2
    assert (
        "baostock query_history_k_data_plus: its columns have changed: without turn; "
        "not known: turnover" in next(iter(report.failed.values()))
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("10001011", "black list"),
        ("10001004", "pip install -U baostock"),
        ("10001012", "API key is wrong"),
        ("10001002", "user name or password"),
    ],
)
def test_a_refused_login_says_why(store, code, message):
    with market(login=code) as fake, pytest.raises(VendorRefused, match=message):
        go(fake, store, wish(["bars_1d"]))


def test_a_wrong_key_is_refused_before_anything_is_sent_and_never_shown(store):
    with market() as fake, pytest.raises(VendorRefused, match="API key") as caught:
        go(fake, store, wish(["bars_1d"]), token="bs-secretsecret")
    assert "secret" not in str(caught.value)
    assert fake.logins == []


def test_a_right_key_reaches_the_server(store):
    key = "bs-" + "0" * 29 + "0"  # the last character is the check digit of the others
    with market() as fake:
        go(fake, store, wish(["adjust_factors"]), token=key)
    assert fake.logins == [key]


def test_being_logged_out_is_mended_by_logging_in_again(store):
    with market(faults={("query_adjust_factor", 0): "code 10001001"}) as fake:
        assert go(fake, store, wish(["adjust_factors"])).ok
        assert len(fake.logins) == 2


def test_a_fault_of_one_share_is_written_down_and_the_pull_goes_on(store):
    request = wish(["adjust_factors"], universe="000001.SZ,600000.SH")
    with market(faults={("query_adjust_factor", 0): "code 10004011"}) as fake:
        report = go(fake, store, request)
    assert list(report.failed.values()) == [
        "baostock query_adjust_factor: it does not know this code (10004011: an error of the server)"
    ]
    assert report.done == 1
    assert not report.ok


def test_a_server_that_is_not_there_is_said_in_time(store):
    with pytest.raises(
        VendorError,
        match=r"baostock login: it cannot be reached .*127\.0\.0\.1:9 \(Connection refused\)",
    ):
        pull(Baostock, wish(["bars_1d"]), store, Access(timeout=20.0, server="127.0.0.1:9"))


def test_a_share_that_baostock_does_not_know_is_refused(store):
    with market() as fake, pytest.raises(ConfigError, match="does not know 600001.SH"):
        go(fake, store, wish(["bars_1d"], universe="600001.SH"))


def test_the_whole_market_is_asked_by_day_when_that_is_fewer(store):
    with market() as fake:
        report = go(fake, store, wish(["bars_1d"], end=date(2019, 1, 3), universe="all"))
        assert fake.times("query_daily_history_k_AStock") == 2
    assert report.rows["bars_1d"] == 6  # the share that was delisted in June is there


def test_delisted_shares_are_in_the_list_and_end_with_their_day(store):
    with market() as fake:
        request = wish(["securities", "bars_1d"], end=date(2019, 8, 1), universe="all")
        assert go(fake, store, request).ok
    gone = store.read("securities").filter(pl.col("asset") == "000024.SZ").row(0, named=True)
    assert gone["delist_date"] == date(2019, 6, 3)
    assert "000300.SH" not in store.read("securities")["asset"].to_list()
    bars = store.read("bars_1d").filter(pl.col("asset") == "000024.SZ")
    assert bars["date"].max() == date(2019, 5, 31)


def test_factors_are_backward_and_reach_back_before_the_start(store):
    with market() as fake:
        go(fake, store, wish(["adjust_factors"], end=date(2019, 12, 31)))
    rows = store.read("adjust_factors").select("date", "adjust_factor").rows()
    assert rows == [(date(2018, 7, 13), 1.1), (date(2019, 7, 12), 1.21)]


def test_a_member_is_known_from_the_list_that_names_it(store):
    with market() as fake:
        request = wish(["index_members"], end=date(2019, 7, 31), universe="000300.SH")
        assert go(fake, store, request).ok
    rows = store.read("index_members").select("asset", "start_date", "end_date").rows()
    published, changed = date(2018, 12, 17), date(2019, 5, 13)
    assert sorted(rows) == [
        ("000001.SZ", published, None),
        ("000024.SZ", published, changed),
        ("600000.SH", changed, None),
    ]


def test_a_later_pull_ends_the_membership_that_an_earlier_one_left_open(store):
    with market() as fake:
        early = wish(
            ["index_members"], end=date(2019, 3, 1), universe="000300.SH", today=date(2019, 3, 2)
        )
        go(fake, store, early)
        assert store.read("index_members")["end_date"].null_count() == 2
        go(fake, store, wish(["index_members"], end=date(2019, 7, 31), universe="000300.SH"))
    rows = store.read("index_members").select("asset", "start_date", "end_date").rows()
    assert ("000024.SZ", date(2018, 12, 17), date(2019, 5, 13)) in rows
    assert len(rows) == 3


def test_whoever_was_in_the_index_meanwhile_is_pulled(store):
    with market() as fake:
        request = wish(["adjust_factors"], end=date(2019, 7, 31), universe="000300.SH")
        report = go(fake, store, request)
    assert report.done == 3


def test_industries_are_known_from_their_list_and_blanks_are_left_out(store):
    with market() as fake:
        go(fake, store, wish(["industry"]))
    rows = store.read("industry").select("asset", "scheme", "start_date").rows()
    assert sorted(rows) == [
        ("000001.SZ", "csrc", date(2018, 12, 31)),
        ("600000.SH", "csrc", date(2018, 12, 31)),
    ]


def test_ratios_of_a_quarter_are_known_when_the_last_of_them_is_published(store):
    with market() as fake:
        request = wish(["statements"], start=date(2019, 10, 1), end=date(2019, 12, 31))
        assert go(fake, store, request).ok
    table = store.read("statements")
    third = table.filter(pl.col("report_date") == date(2019, 9, 30)).row(0, named=True)
    assert third["announce_date"] == date(2019, 10, 31)  # the balance came a day after the rest
    assert third["roe"] == third["quick_ratio"] == 0.0746


def test_a_quarter_that_has_no_report_yet_is_asked_again_and_a_reported_one_is_not(store):
    with market() as fake:
        request = wish(
            ["statements"],
            start=date(2019, 10, 1),
            end=date(2020, 1, 20),
            today=date(2020, 1, 20),
        )
        first = go(fake, store, request)
        later = PullRequest(**{**vars(request), "today": date(2020, 1, 21)})
        second = go(fake, store, later)
    assert first.empty == 2  # the fourth quarters of 2018 and 2019
    assert second.done == 1  # 2018's would have come by now


def test_express_reports_count_from_their_update(store):
    with market() as fake:
        go(fake, store, wish(["express_reports", "forecasts"]))
    express = store.read("express_reports").row(0, named=True)
    assert express["announce_date"] == date(2019, 1, 20)
    assert express["revenue_growth"] == pytest.approx(0.031)
    forecast = store.read("forecasts").row(0, named=True)
    assert (forecast["kind"], forecast["change_low"]) == ("略增", pytest.approx(0.10))


def test_minute_bars_are_stamped_at_their_end(store):
    with market() as fake:
        go(fake, store, wish(["bars_60min"], end=date(2019, 1, 2)))
    times = store.read("bars_60min")["time"].to_list()
    assert times == [datetime(2019, 1, 2, 9, 35), datetime(2019, 1, 2, 15, 0)]


def test_a_second_pull_asks_only_for_what_is_new(store):
    with market() as fake:
        day = date(2019, 1, 21)
        go(fake, store, wish(["bars_1d", "calendar"], end=day, today=day))
        unchanged = go(fake, store, wish(["bars_1d", "calendar"], end=day, today=day))
        assert unchanged.known == unchanged.planned
        go(fake, store, wish(["bars_1d"], end=date(2019, 1, 25), today=date(2019, 1, 26)))
    asked = [q for q in fake.asked if q[0] == "query_history_k_data_plus"]
    assert [q[3:5] for q in asked] == [("2019-01-02", "2019-01-21"), ("2019-01-21", "2019-01-25")]


def test_index_bars_have_the_index_as_their_key(store):
    with market() as fake:
        go(fake, store, wish(["index_bars"], universe="000300.SH"))
    assert "000300.SH" in store.read("index_bars")["index"].to_list()


def test_a_pulled_store_is_a_market(store):
    with market() as fake:
        tables = ["calendar", "securities", "bars_1d", "daily", "adjust_factors", "industry"]
        request = wish(tables, start=date(2019, 7, 1), end=date(2019, 7, 31))
        assert go(fake, store, request).ok
    loaded = load_market(store, MarketRequest(industry="csrc"))
    days = [str(d) for d in loaded.dates.values]
    share = list(loaded.assets.values).index("600000.SH")
    close, returns = (loaded[n].values[:, share] for n in ("close", "returns"))
    ex_date = days.index("2019-07-12")
    plain = close[ex_date] / close[ex_date - 1]
    assert 1 + returns[ex_date] == pytest.approx(plain * 1.21 / 1.1)
    assert loaded["float_cap"].values[0, share] == pytest.approx(close[0] * 51629079 / 0.001837)
