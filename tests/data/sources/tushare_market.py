"""A made-up market of two shares in tushare's format: lots, thousands of yuan, dates as 20200131."""

from __future__ import annotations

from datetime import date, timedelta

from sources.fake_tushare import FakeTushare

SESSIONS = [d for k in range(60) if (d := date(2020, 1, 1) + timedelta(days=k)).weekday() < 5]
HALTED = ("600000.SH", "20200107")
SHARES = ("000001.SZ", "600000.SH")


def by_day(fields, row):
    """Answer for one asset over days, or for all assets of one day."""

    def answer(params):
        if "trade_date" in params:
            pairs = [(a, params["trade_date"]) for a in SHARES]
        else:
            days = [f"{d:%Y%m%d}" for d in SESSIONS]
            first, last = params["start_date"], params["end_date"]
            pairs = [(params["ts_code"], d) for d in days if first <= d <= last]
        rows = [row(asset, day) for asset, day in pairs]
        return ["ts_code", "trade_date", *fields], [
            [asset, day, *values]
            for (asset, day), values in zip(pairs, rows, strict=True)
            if values
        ]

    return answer


def daily(asset, day):
    if (asset, day) == HALTED:
        return None
    return [10.0, 10.5, 9.9, 10.2, 10.1, 0.1, 0.99, 1234.56, 1259.25]


def suspended(asset, day):
    if (asset, day) == HALTED:
        return ["S", None]
    return ["S", "09:30-10:00"] if day == "20200108" else None


def factor(asset, day):
    return [2.5 if day < "20200115" else 2.75]


def weights(params):
    first, last = params["start_date"], params["end_date"]
    lists = {"20191231": [("000001.SZ", 60.0), ("000024.SZ", 40.0)],
             "20200131": [("000001.SZ", 55.0), ("600000.SH", 45.0)]}  # fmt: skip
    rows = [
        [params["index_code"], asset, day, weight]
        for day, held in lists.items()
        for asset, weight in held
        if first <= day <= last
    ]
    return ["index_code", "con_code", "trade_date", "weight"], rows


def basic(params):
    rows = {
        "L": [
            ["600000.SH", "浦发银行", "19991110", None],
            ["000001.SZ", "平安银行", "19910403", None],
        ],
        "D": [["000024.SZ", "招商地产(退)", "19930607", "20151230"]],
        "P": [],
    }[params["list_status"]]
    return ["ts_code", "name", "list_date", "delist_date"], rows


def calendar(params):
    days = [SESSIONS[0] + timedelta(days=k) for k in range(60)]
    return ["exchange", "cal_date", "is_open"], [
        ["SSE", f"{d:%Y%m%d}", int(d in SESSIONS)] for d in days
    ]


def names(params):
    fields = ["ts_code", "name", "start_date", "end_date", "ann_date", "change_reason"]
    rows = [
        ["000001.SZ", "深发展A", "19910403", "20061008", None, "其他"],
        ["000001.SZ", "S*ST深发", "20061009", "20070619", None, "ST"],
        ["000001.SZ", "平安银行", "20070620", None, None, "撤销ST"],
    ]
    return fields, rows


def industry(params):
    fields = ["l1_code", "l1_name", "l2_code", "l2_name", "l3_code", "l3_name", "ts_code", "name",
              "in_date", "out_date", "is_new"]  # fmt: skip
    now = ["801780.SI", "银行", "801783.SI", "股份制银行", "857831.SI", "股份制银行", "600000.SH",
           "浦发银行", "20210730", None, "Y"]  # fmt: skip
    old = [*now[:1], "综合", *now[2:8], "20140101", "20210730", "N"]
    return fields, [now] if params["is_new"] == "Y" else [old]


def statement(items):
    """Three publications of 2018's report: the first, its correction, and its restatement a year on."""
    told = {
        "1": [["20190330", "20190330", "1", "0", 100.0], ["20190330", "20190612", "1", "1", 90.0]],
        "4": [["20200328", "20200328", "4", "0", 95.0]],
        "5": [],
    }

    def answer(params):
        fields = [
            "ts_code",
            "end_date",
            "ann_date",
            "f_ann_date",
            "report_type",
            "update_flag",
            *items,
        ]
        rows = [
            [params["ts_code"], "20181231", first, own, kind, flag, *([value] * len(items))]
            for first, own, kind, flag, value in told[params["report_type"]]
        ]
        return fields, rows

    return answer


def forecast(params):
    fields = ["ts_code", "ann_date", "end_date", "type", "p_change_min", "p_change_max",
              "net_profit_min", "net_profit_max"]  # fmt: skip
    return fields, [
        [params["ts_code"], "20200117", "20191231", "预增", 50.0, 60.0, 15000.0, 16000.0]
    ]


def express(params):
    fields = ["ts_code", "ann_date", "end_date", "revenue", "operate_profit", "total_profit", "n_income",
              "total_assets", "total_hldr_eqy_exc_min_int", "diluted_eps", "diluted_roe"]  # fmt: skip
    return fields, [
        [params["ts_code"], "20200116", "20191231", 1e9, 2e8, 2e8, 1.5e8, 1e10, 5e9, 1.2, 11.5]
    ]


def monthly(*names):
    def answer(params):
        return ["month", *names], [
            ["202001", *([5.4] * len(names))],
            ["201912", *([4.5] * len(names))],
        ]

    return answer


def market(**options) -> FakeTushare:
    """Make the server of this market."""
    from superhet.data.sources.tushare import statements

    ohlc = ["open", "high", "low", "close", "pre_close", "change", "pct_chg", "vol", "amount"]
    ratios = ["turnover_rate", "turnover_rate_f", "volume_ratio", "pe", "pe_ttm", "pb", "ps", "ps_ttm",
              "dv_ratio", "dv_ttm", "total_share", "float_share", "free_share"]  # fmt: skip
    values = [0.5, 0.8, 1.1, 6.0, 6.1, 0.7, 2.0, 2.1, 3.0, 3.1, 2935208.0, 2810376.0, 1500000.0]
    answers = {
        "daily": by_day(ohlc, daily),
        "daily_basic": by_day(ratios, lambda a, d: values),
        "stk_limit": by_day(["up_limit", "down_limit"], lambda a, d: [11.11, 9.09]),
        "suspend_d": by_day(["suspend_type", "suspend_timing"], suspended),
        "adj_factor": by_day(["adj_factor"], factor),
        "index_daily": by_day(ohlc, daily),
        "index_weight": weights,
        "stock_basic": basic,
        "trade_cal": calendar,
        "namechange": names,
        "index_member_all": industry,
        "forecast": forecast,
        "express": express,
        "cn_pmi": monthly("pmi010000", "pmi020100"),
        "cn_cpi": monthly("nt_yoy"),
        "cn_ppi": monthly("ppi_yoy"),
        "cn_m": monthly("m2", "m2_yoy", "m1_yoy", "m0_yoy"),
        **{q: statement(list(items.values())) for q, items in statements.ITEMS.items()},
    }
    return FakeTushare(answers={**answers, **options.pop("answers", {})}, **options)
