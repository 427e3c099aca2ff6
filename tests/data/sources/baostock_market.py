"""A made-up market of three shares in baostock's format: listings, bars, factors, members, ratios."""

from __future__ import annotations

from datetime import date, timedelta

from sources.fake_baostock import FakeBaostock

from superhet.data.sources.baostock import frames

SESSIONS = [d for k in range(1100) if (d := date(2019, 1, 1) + timedelta(days=k)).weekday() < 5]
LISTED = {
    "sh.600000": ("浦发银行", date(1999, 11, 10), None),
    "sz.000001": ("平安银行", date(1991, 4, 3), None),
    "sz.000024": ("招商地产", date(1993, 6, 7), date(2019, 6, 3)),
}
KLINE_FIELDS = list(frames.DAILY)


def bar(day: date, code: str) -> dict[str, str]:
    """Make one day of one share: 10 yuan and a cent more each session; suspended on 2019-01-08."""
    k = SESSIONS.index(day)
    close, before = 10 + 0.01 * k, 10 + 0.01 * (k - 1)
    suspended = day == date(2019, 1, 8)
    close = before if suspended else close
    return {
        "date": str(day), "code": code, "open": f"{close:.4f}", "high": f"{close:.4f}",
        "low": f"{close:.4f}", "close": f"{close:.4f}", "preclose": f"{before:.4f}",
        "volume": "" if suspended else "51629079", "amount": "" if suspended else "516290790.0000",
        "adjustflag": "3", "turn": "" if suspended else "0.183700",
        "tradestatus": "0" if suspended else "1", "pctChg": "0.1", "peTTM": "6.3",
        "pbMRQ": "0.7", "psTTM": "2.0", "pcfNcfTTM": "", "isST": "0",
    }  # fmt: skip


def listed(code: str, day: date) -> bool:
    _, first, gone = LISTED[code]
    return first <= day and (gone is None or day < gone)


def klines(code, fields, start, end, clock, adjust):
    assert adjust == "3", "prices must be asked for unadjusted"
    names = fields.split(",")
    days = [d for d in SESSIONS if date.fromisoformat(start) <= d <= date.fromisoformat(end)]
    if code.startswith(("sh.000", "sz.399")):
        return names, [[bar(d, code)[n] for n in names] for d in days]
    days = [d for d in days if listed(code, d)]
    if clock != "d":
        stamps = [(d, f"{d:%Y%m%d}{t}00000") for d in days for t in ("0935", "1500")]
        return names, [[{**bar(d, code), "time": t}[n] for n in names] for d, t in stamps]
    return names, [[bar(d, code)[n] for n in names] for d in days]


def one_day(day):
    here = [c for c in LISTED if listed(c, date.fromisoformat(day))]
    rows = [bar(date.fromisoformat(day), c) for c in here]
    return KLINE_FIELDS, [[r[f] for f in KLINE_FIELDS] for r in rows]


def members(day):
    """sz.000024 leaves the index by the list of 2019-05-13, and sh.600000 enters."""
    new = date.fromisoformat(day) >= date(2019, 5, 13)
    codes = ["sh.600000", "sz.000001"] if new else ["sz.000001", "sz.000024"]
    known = "2019-05-13" if new else "2018-12-17"
    return list(frames.MEMBERS), [[known, c, LISTED[c][0]] for c in codes]


def industry(code, day):
    rows = [["2018-12-31", c, LISTED[c][0], "J66货币金融服务", "证监会行业分类"] for c in LISTED]
    rows[2][3] = ""
    return list(frames.INDUSTRY), rows


def basic(code="", name=""):
    rows = [
        [c, n, str(first), str(gone or ""), "1", "0" if gone else "1"]
        for c, (n, first, gone) in LISTED.items()
    ]
    return list(frames.BASIC), [*rows, ["sh.000300", "沪深300指数", "2005-04-08", "", "2", "1"]]


def trade_dates(start, end):
    days = [SESSIONS[0] + timedelta(days=k) for k in range((SESSIONS[-1] - SESSIONS[0]).days + 1)]
    return list(frames.TRADE_DATES), [[str(d), "1" if d in SESSIONS else "0"] for d in days]


def factors(code, start, end):
    fields = ["code", "dividOperateDate", "foreAdjustFactor", "backAdjustFactor", "adjustFactor"]
    rows = [
        [code, "2018-07-13", "0.90", "1.100000", "1.1"],
        [code, "2019-07-12", "1.0", "1.21", "1.1"],
    ]
    return fields, [r for r in rows if start <= r[1] <= end]


def ratios(query):
    def answer(code, year, quarter):
        published = {"1": "04-27", "2": "08-24", "3": "10-30", "4": ""}[quarter]
        fields = ["code", "pubDate", "statDate", *frames.RATIOS[query].values()]
        if not published:
            return fields, []
        late = "31" if query == "query_balance_data" and quarter == "3" else published[3:]
        end = {"1": "03-31", "2": "06-30", "3": "09-30"}[quarter]
        numbers = ["0.0746"] * (len(fields) - 3)
        row = [code, f"{year}-{published[:3]}{late}", f"{year}-{end}", *numbers]
        return fields, [row]

    return answer


def express(code, start, end):
    row = [
        code,
        "2019-01-08",
        "2018-12-31",
        "2019-01-20",
        "6e12",
        "4.8e11",
        "2.5",
        "12.9",
        "1.85",
        "3.1",
        "2.2",
    ]
    return list(frames.EXPRESS.values()), [row]


def forecast(code, start, end):
    fields = [*frames.FORECAST.values(), "profitForcastAbstract"]
    return fields, [[code, "2019-01-30", "2018-12-31", "略增", "20.5", "10.0", "预计增长"]]


def market(**options) -> FakeBaostock:
    """Make the server of this market."""
    answers = {
        "query_history_k_data_plus": klines,
        "query_daily_history_k_AStock": one_day,
        "query_hs300_stocks": members,
        "query_sz50_stocks": members,
        "query_zz500_stocks": members,
        "query_stock_industry": industry,
        "query_stock_basic": basic,
        "query_trade_dates": trade_dates,
        "query_adjust_factor": factors,
        "query_performance_express_report": express,
        "query_forecast_report": forecast,
        **{query: ratios(query) for query in frames.RATIOS},
        **options.pop("answers", {}),
    }
    return FakeBaostock(answers=answers, **options)
