"""The real tushare client against a server of ours: units, revisions, and every complaint of the server."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from sources.fake_tushare import TOKEN
from sources.tushare_market import by_day, daily, market

from superhet.data.load import MarketRequest, load_market
from superhet.data.pulling import Patience, pull
from superhet.data.sources.tushare import Tushare, statements
from superhet.data.sources.vendor import Access, PullRequest, Universe
from superhet.data.store import Store
from superhet.errors import ConfigError, VendorError

pytest.importorskip("tushare")


def wish(*tables, start=date(2020, 1, 2), end=date(2020, 1, 31), universe="600000.SH", today=None):
    return PullRequest(
        universe=Universe.parse(universe),
        start=start,
        end=end,
        today=today or date(2021, 1, 4),
        tables=tables,
    )


def go(fake, store, request, *, token=TOKEN, slept=None, timeout=10.0):
    sleep = (lambda seconds: None) if slept is None else slept.append
    access = Access(timeout=timeout, server=fake.address, token=token)
    return pull(Tushare, request, store, access, patience=Patience(sleep=sleep))


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def test_lots_and_thousands_become_shares_and_yuan(store):
    with market() as fake:
        assert go(fake, store, wish("bars_1d", "daily")).ok
    bar = store.read("bars_1d").row(0, named=True)
    assert bar["volume"] == pytest.approx(123_456)
    assert bar["amount"] == pytest.approx(1_259_250)
    assert bar["amount"] / bar["volume"] == pytest.approx(10.2, abs=0.01)  # a price of the day
    assert bar["total_shares"] == 29_352_080_000
    assert (bar["limit_up"], bar["limit_down"]) == (11.11, 9.09)
    daily_row = store.read("daily").row(0, named=True)
    assert daily_row["turnover_rate"] == pytest.approx(0.005)
    assert daily_row["free_shares"] == 15_000_000_000


def test_a_day_of_suspension_is_a_row_without_price_and_a_short_halt_is_not(store):
    with market() as fake:
        go(fake, store, wish("bars_1d"))
    bars = store.read("bars_1d")
    idle = bars.filter(pl.col("date") == date(2020, 1, 7)).row(0, named=True)
    assert idle["suspended"] is True
    assert idle["close"] is None
    assert idle["volume"] == 0.0
    short = bars.filter(pl.col("date") == date(2020, 1, 8)).row(0, named=True)
    assert short["suspended"] is False
    assert short["close"] == 10.2


def test_factors_are_kept_where_they_change(store):
    with market() as fake:
        go(fake, store, wish("adjust_factors"))
    rows = store.read("adjust_factors").select("date", "adjust_factor").rows()
    assert rows == [(date(2020, 1, 1), 2.5), (date(2020, 1, 15), 2.75)]


def test_all_publications_of_a_period_are_kept_in_order(store):
    with market() as fake:
        assert go(fake, store, wish("statements")).ok
    table = store.read("statements").sort("revision")
    assert table["announce_date"].to_list() == [
        date(2019, 3, 30),
        date(
            2019, 6, 12
        ),  # the correction carries the first date in ann_date, its own in f_ann_date
        date(2020, 3, 28),
    ]
    assert table["revision"].to_list() == [0, 1, 2]
    assert table["net_profit"].to_list() == [100.0, 90.0, 95.0]
    assert table["total_assets"].to_list() == [100.0, 90.0, 95.0]
    assert table["report_type"].to_list() == ["1", "1", "4"]
    assert store.meta("statements")["basis"]["capital_expenditure"] == "ytd"


def test_a_publication_that_says_nothing_new_is_no_revision(store):
    def told_twice(params):
        fields = list(statements.wanted("income"))
        values = [1.0] * (len(fields) - 6)
        rows = [
            [params["ts_code"], "20181231", "20190330", day, "1", flag, *values]
            for day, flag in (("20190330", "0"), ("20190612", "1"))
        ]
        return fields, rows if params["report_type"] == "1" else []

    def nothing(query):
        return lambda params: (list(statements.wanted(query)), [])

    answers = {q: nothing(q) for q in ("balancesheet", "cashflow")} | {"income": told_twice}
    with market(answers=answers) as fake:
        go(fake, store, wish("statements"))
    assert store.read("statements")["announce_date"].to_list() == [date(2019, 3, 30)]


def test_members_follow_from_dated_weights(store):
    with market() as fake:
        request = wish(
            "index_weights", "index_members", start=date(2019, 12, 1), universe="000300.SH"
        )
        assert go(fake, store, request).ok
    assert store.read("index_weights")["weight"].sum() == pytest.approx(2.0)
    rows = store.read("index_members").select("asset", "start_date", "end_date").rows()
    assert sorted(rows) == [
        ("000001.SZ", date(2019, 12, 31), None),
        ("000024.SZ", date(2019, 12, 31), date(2020, 1, 31)),
        ("600000.SH", date(2020, 1, 31), None),
    ]


def test_delisted_shares_and_names_under_special_treatment(store):
    with market() as fake:
        assert go(fake, store, wish("securities", "status", "industry", "calendar")).ok
    gone = store.read("securities").filter(pl.col("delist_date").is_not_null())
    assert gone["asset"].to_list() == ["000024.SZ"]
    status = store.read("status").select("start_date", "end_date", "is_st").rows()
    assert (date(2006, 10, 9), date(2007, 6, 20), True) in status  # its last day was 2007-06-19
    first = store.read("industry").filter(pl.col("scheme") == "sw2021_l1")
    assert first["industry"].to_list() == ["综合", "银行"]
    assert date(2020, 1, 4) not in store.read("calendar")["date"].to_list()


def test_forecasts_express_reports_and_macro_have_plain_units(store):
    with market() as fake:
        report = go(fake, store, wish("forecasts", "express_reports", "macro"))
    forecast = store.read("forecasts").row(0, named=True)
    assert (forecast["profit_low"], forecast["change_low"]) == (150_000_000.0, 0.5)
    assert store.read("express_reports").row(0, named=True)["roe"] == pytest.approx(0.115)
    cpi = store.read("macro").filter(pl.col("series") == "cpi_yoy").sort("period")
    assert cpi.select("period", "release_date", "value").rows()[1] == (
        date(2020, 1, 31),
        date(2020, 2, 16),
        5.4,
    )
    assert any("assumed" in note for note in report.notes)


def test_the_whole_market_is_asked_by_day_when_that_is_fewer(store):
    with market() as fake:
        request = wish("bars_1d", start=date(2020, 1, 2), end=date(2020, 1, 2), universe="all")
        go(fake, store, request)
        assert [p["trade_date"] for q, p in fake.asked if q == "daily"] == ["20200102"]
    assert store.read("bars_1d")["asset"].to_list() == ["000001.SZ", "600000.SH"]


def test_a_wrong_token_ends_the_pull_and_is_never_shown(store, capfd):
    wrong = "b" * 20 + "HIDDEN"
    with market() as fake, pytest.raises(Exception, match="token is wrong") as caught:
        go(fake, store, wish("bars_1d"), token=wrong)
    printed = capfd.readouterr()
    journal = "".join(p.read_text() for p in store.path.rglob("*.jsonl"))
    for text in (
        str(caught.value),
        repr(caught.value.__context__),
        printed.out,
        printed.err,
        journal,
    ):
        assert "HIDDEN" not in text


def test_a_token_that_the_server_sends_back_is_taken_out(store):
    with market(always={"daily": f"参数错误 {TOKEN}"}) as fake:
        report = go(fake, store, wish("bars_1d"))
    journal = (store.extra_folder("pulls") / "tushare.jsonl").read_text()
    assert "参数错误 ***" in journal
    for text in (str(report), str(report.to_dict()), journal, repr(Access(token=TOKEN))):
        assert TOKEN not in text


def test_without_a_token_the_option_is_named(store):
    with market() as fake, pytest.raises(ConfigError, match="TUSHARE_TOKEN"):
        go(fake, store, wish("bars_1d"), token="")


def test_missing_points_for_a_part_leave_the_part_out_and_for_the_bars_fail_once(store):
    refusal = (
        "抱歉，您没有接口访问权限，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。"
    )
    with market(always={"stk_limit": refusal}) as fake:
        request = wish("bars_1d", universe="000001.SZ,600000.SH")
        report = go(fake, store, request)
        assert report.ok
        assert fake.times("stk_limit") == 1
    assert "limit_up" not in store.read("bars_1d").columns
    assert any("too few points" in note for note in report.notes)
    with market(always={"forecast": refusal}) as fake:
        report = go(fake, store, wish("forecasts", universe="000001.SZ,600000.SH"))
        assert fake.times("forecast") == 1
    assert len(report.failed) == 2


def test_a_rate_limit_is_waited_for(store):
    slept: list[float] = []
    limit = "抱歉，您每分钟最多访问该接口200次，权限的具体详情访问：https://tushare.pro。"
    with market(faults={("daily", 0): limit}) as fake:
        report = go(fake, store, wish("bars_1d"), slept=slept)
    assert report.ok
    assert max(slept) >= 60


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("html", "no whole JSON came, but '<html><body>"),
        ("half", "no whole JSON came"),
        ("503", "an error page of the server"),
        ("other", "an answer of another form"),
    ],
)
def test_a_page_that_is_no_answer_is_asked_again_and_named_in_the_end(store, fault, message):
    with market(faults={("daily", 0): fault}) as fake:
        assert go(fake, store, wish("bars_1d")).ok
        assert fake.times("daily") == 2
    with market(always={"daily": fault}) as fake:
        report = go(fake, store, wish("bars_1d", start=date(2019, 12, 1)))
    assert message in next(iter(report.failed.values()))


def test_an_empty_day_of_the_whole_market_is_an_error_and_of_one_share_is_not(store):
    empty = by_day(
        ["open", "high", "low", "close", "pre_close", "vol", "amount"], lambda a, d: None
    )
    day = date(2020, 1, 6)
    with market(answers={"daily": empty}) as fake:
        report = go(fake, store, wish("bars_1d", start=day, end=day, universe="all"))
        assert "an empty answer" in next(iter(report.failed.values()))
        assert go(fake, store, wish("daily", start=day, end=day)).ok


def test_changed_columns_name_the_function_and_the_difference(store):
    fields = ["open", "high", "low", "close", "pre_close", "change", "pct_chg", "new_vol", "amount"]
    with market(answers={"daily": by_day(fields, daily)}) as fake:
        report = go(fake, store, wish("bars_1d"))
    assert next(iter(report.failed.values())).startswith(
        "tushare daily: its columns have changed: without vol; not known: new_vol."
    )


def test_a_long_answer_comes_in_pages(store, monkeypatch):
    from superhet.data.sources.tushare import client

    monkeypatch.setattr(client, "_PAGE", 10)
    with market() as fake:
        report = go(fake, store, wish("bars_1d"))
        assert fake.times("daily") == 3  # 10 + 10 + 1 bars of January but for the halted day
    assert report.rows["bars_1d"] == 22


def test_nothing_listens(store):
    access = Access(timeout=5.0, server="http://127.0.0.1:9/dataapi", token=TOKEN)
    patience = Patience(sleep=lambda seconds: None)
    with pytest.raises(VendorError, match="refused") as caught:
        pull(Tushare, wish("bars_1d"), store, access, patience=patience)
    assert TOKEN not in str(caught.value)


def test_a_pulled_store_is_a_market(store):
    with market() as fake:
        request = wish("calendar", "securities", "bars_1d", "daily", "adjust_factors", "industry",
                       "index_bars", "statements", universe="000001.SZ,600000.SH")  # fmt: skip
        assert go(fake, store, request).ok
    wanted = MarketRequest(start="2020-01-02", end="2020-01-31", industry="sw2021_l1")
    loaded = load_market(store, wanted)
    days = [str(d) for d in loaded.dates.values]
    halt, ex_date = days.index("2020-01-07"), days.index("2020-01-15")
    assert list(loaded.assets.values) == ["000001.SZ", "000024.SZ", "600000.SH"]
    gone = loaded["returns"].values[:, 1]
    assert np.isnan(gone).all()  # delisted in 2015
    returns = loaded["returns"].values[:, [0, 2]]
    assert returns[ex_date] == pytest.approx([0.1, 0.1])  # 2.5 -> 2.75, and the price stays
    assert loaded["suspended"].values[halt, [0, 2]].tolist() == [0.0, 1.0]
    assert loaded["market_cap"].values[0, 0] == pytest.approx(10.2 * 29_352_080_000)
