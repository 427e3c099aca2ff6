"""A stand-in for the module akshare: its functions and column names, with values that are made up."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from types import ModuleType
from typing import Any

import pandas as pd

OLDEST_MINUTE = date(2020, 1, 20)
SESSIONS = [d for k in range(60) if (d := date(2020, 1, 1) + timedelta(days=k)).weekday() < 5]


def _days(start: str, end: str) -> list[date]:
    first, last = (date.fromisoformat(d) for d in (start, end))
    return [d for d in SESSIONS if first <= d <= last]


def stock_zh_a_hist(symbol, period, start_date, end_date, adjust, timeout=None):
    assert adjust == "", "prices must be asked for unadjusted"
    rows = [[d, symbol, 10.0, 10.2, 10.5, 9.9, 123456, 125925120.0, 5.9, 1.0, 0.1, 0.4]
            for d in _days(start_date, end_date)]  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "日期", "股票代码", "开盘", "收盘", "最高", "最低", "成交量", "成交额", "振幅", "涨跌幅",
        "涨跌额", "换手率",
    ])  # fmt: skip


def stock_zh_a_daily(symbol, adjust="", start_date="19900101", end_date="21000118"):
    assert not adjust.startswith("qfq"), "forward factors change with each payment"
    if adjust == "hfq-factor":
        return pd.DataFrame(
            {
                "date": pd.to_datetime(["2020-07-23", "2020-01-15", "2019-06-03", "1900-01-01"]),
                "hfq_factor": ["13.0", "12.5", "12.0", "1.0"],
            }
        )
    rows = [[d, 10.0, 10.5, 9.9, 10.2, 12345600.0, 125925120.0, 2.9e9, 0.00425]
            for d in _days(start_date, end_date)]  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "date", "open", "high", "low", "close", "volume", "amount", "outstanding_share",
        "turnover",
    ])  # fmt: skip


def stock_zh_a_hist_tx(symbol, start_date, end_date, adjust, timeout=None):
    rows = [[d, 10.0, 10.2, 10.5, 9.9, 12345600.0, 0.00425, 125925120.0]
            for d in _days(start_date, end_date)]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["date", "open", "close", "high", "low", "volume", "turnover", "amount"]
    )


def _stamps(period):
    """Give the ends of the bars of a session."""
    minutes = int(period)
    morning = [570 + k for k in range(minutes, 121, minutes)]
    afternoon = [780 + k for k in range(minutes, 121, minutes)]
    return [f"{m // 60:02d}:{m % 60:02d}:00" for m in morning + afternoon]


def stock_zh_a_hist_min_em(symbol, start_date, end_date, period, adjust):
    assert adjust == "", "prices must be asked for unadjusted"
    days = _days(start_date[:10], end_date[:10])
    rows = [[f"{d} {t}", 10.0, 10.2, 10.5, 9.9, 2.0, 0.2, 1234, 1258680.0, 5.9, 0.1]
            for d in days if d >= OLDEST_MINUTE for t in _stamps(period)]  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "时间", "开盘", "收盘", "最高", "最低", "涨跌幅", "涨跌额", "成交量", "成交额", "振幅", "换手率",
    ])  # fmt: skip


def stock_zh_a_minute(symbol, period, adjust):
    assert symbol[:2] in ("sh", "sz")
    rows = [[f"{d} {t}", "10.0", "10.5", "9.9", "10.2", "123400"]
            for d in SESSIONS if d >= OLDEST_MINUTE for t in _stamps(period)]  # fmt: skip
    return pd.DataFrame(rows, columns=["day", "open", "high", "low", "close", "volume"])


def stock_value_em(symbol):
    rows = [[d, 10.2, 1.0, 2.99e11, 2.95e11, 29352080397.0, 28103763899.0, 6.1, 6.2, 0.7, 1.1, 2.0, 2.1]
            for d in SESSIONS]  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "数据日期", "当日收盘价", "当日涨跌幅", "总市值", "流通市值", "总股本", "流通股本",
        "PE(TTM)", "PE(静)", "市净率", "PEG值", "市现率", "市销率",
    ])  # fmt: skip


def stock_info_sh_name_code(symbol):
    rows = {"主板A股": [["600000", "浦发银行", date(1999, 11, 10)]], "科创板": []}[symbol]
    return pd.DataFrame(rows, columns=["证券代码", "证券简称", "上市日期"])


def stock_info_sz_name_code(symbol):
    return pd.DataFrame(
        [["主板", "000001", "平安银行", "1991-04-03"]],
        columns=["板块", "A股代码", "A股简称", "A股上市日期"],
    )


def stock_info_bj_name_code():
    return pd.DataFrame(
        [["430047", "诺思兰德", date(2020, 11, 24)]], columns=["证券代码", "证券简称", "上市日期"]
    )


def stock_info_sh_delist(symbol):
    return pd.DataFrame(
        [["600001", "邯郸钢铁", date(1998, 1, 22), date(2009, 12, 29)]],
        columns=["公司代码", "公司简称", "上市日期", "暂停上市日期"],
    )


def stock_info_sz_delist(symbol):
    return pd.DataFrame(
        [["000024", "招商地产", date(1993, 6, 7), date(2015, 12, 30)]],
        columns=["证券代码", "证券简称", "上市日期", "终止上市日期"],
    )


def tool_trade_date_hist_sina():
    return pd.DataFrame({"trade_date": SESSIONS})


def stock_industry_clf_hist_sw():
    rows = [
        ["600000", date(2014, 1, 1), "480101", date(2015, 1, 1)],
        ["600000", date(2021, 7, 30), "480301", date(2021, 7, 30)],
        ["600001", date(2008, 6, 2), "210301", date(2015, 1, 1)],
    ]
    return pd.DataFrame(rows, columns=["symbol", "start_date", "industry_code", "update_time"])


def _quarter(columns: list[str], values: list[Any]):
    def answer(date):
        dated = pd.Timestamp("2020-04-25").date()
        rows = [
            [1, "600000", "浦发银行", *values, dated],
            [2, "000001", "平安银行", *values, None],
            [3, "430047", "诺思兰德", *values, None],
        ]
        return pd.DataFrame(rows, columns=["序号", "股票代码", "股票简称", *columns, "公告日期"])

    return answer


stock_lrb_em = _quarter(
    ["净利润", "净利润同比", "营业总收入", "营业总收入同比", "营业总支出-营业支出", "营业总支出-销售费用",
     "营业总支出-管理费用", "营业总支出-财务费用", "营业总支出-营业总支出", "营业利润", "利润总额"],
    [100.0, 5.0, 1000.0, 6.0, 700.0, 10.0, 20.0, 30.0, 760.0, 200.0, 190.0],
)  # fmt: skip
stock_zcfz_em = _quarter(
    ["资产-货币资金", "资产-应收账款", "资产-存货", "资产-总资产", "资产-总资产同比", "负债-应付账款",
     "负债-预收账款", "负债-总负债", "负债-总负债同比", "资产负债率", "股东权益合计"],
    [50.0, 60.0, 70.0, 5000.0, 1.0, 40.0, 30.0, 3000.0, 2.0, 60.0, 2000.0],
)  # fmt: skip
_cash = _quarter(
    ["净现金流-净现金流", "净现金流-同比增长", "经营性现金流-现金流量净额", "经营性现金流-净现金流占比",
     "投资性现金流-现金流量净额", "投资性现金流-净现金流占比", "融资性现金流-现金流量净额",
     "融资性现金流-净现金流占比"],
    [10.0, 1.0, 80.0, 1.0, -30.0, 1.0, -40.0, 1.0],
)  # fmt: skip


def stock_xjll_em(date):
    """Say that the cash-flow statement came two days later than the others."""
    frame = _cash(date)
    frame.loc[frame["股票代码"] == "600000", "公告日期"] = pd.Timestamp("2020-04-27").date()
    return frame


def stock_yysj_em(symbol, date):
    return pd.DataFrame(
        [[1, "000001", "平安银行", pd.NaT, pd.NaT, pd.NaT, pd.NaT, pd.Timestamp("2020-04-28").date()]],
        columns=[
        "序号", "股票代码", "股票简称", "首次预约时间", "一次变更日期", "二次变更日期",
        "三次变更日期", "实际披露时间",
    ],
    )  # fmt: skip


def stock_yjyg_em(date):
    told = pd.Timestamp("2020-04-10").date()
    rows = [
        [
            1,
            "600000",
            "浦发银行",
            "归属于上市公司股东的净利润",
            "增长",
            1.5e8,
            50.0,
            "…",
            "预增",
            1e8,
            told,
        ],
        [2, "600000", "浦发银行", "营业收入", "增长", 9e8, 10.0, "…", "预增", 8e8, told],
    ]
    return pd.DataFrame(rows, columns=[
        "序号", "股票代码", "股票简称", "预测指标", "业绩变动", "预测数值", "业绩变动幅度",
        "业绩变动原因", "预告类型", "上年同期值", "公告日期",
    ])  # fmt: skip


def stock_yjkb_em(date):
    told = pd.Timestamp("2020-04-12").date()
    row = [
        1,
        "600000",
        "浦发银行",
        1.2,
        1e9,
        9e8,
        11.1,
        3.0,
        1.5e8,
        1e8,
        50.0,
        2.0,
        12.0,
        11.5,
        "银行",
        told,
    ]
    return pd.DataFrame([row], columns=[
        "序号", "股票代码", "股票简称", "每股收益", "营业收入-营业收入", "营业收入-去年同期",
        "营业收入-同比增长", "营业收入-季度环比增长", "净利润-净利润", "净利润-去年同期",
        "净利润-同比增长", "净利润-季度环比增长", "每股净资产", "净资产收益率", "所处行业",
        "公告日期",
    ])  # fmt: skip


def macro_china_pmi():
    rows = [["2020年02月份", 35.7, -27.4, 29.6, -45.5], ["2020年01月份", 50.0, 1.0, 54.1, -1.1]]
    return pd.DataFrame(
        rows,
        columns=["月份", "制造业-指数", "制造业-同比增长", "非制造业-指数", "非制造业-同比增长"],
    )


def macro_china_cpi():
    names = [
        "全国-当月", "全国-同比增长", "全国-环比增长", "全国-累计", "城市-当月", "城市-同比增长",
        "城市-环比增长", "城市-累计", "农村-当月", "农村-同比增长", "农村-环比增长", "农村-累计",
    ]  # fmt: skip
    return pd.DataFrame([["2020年02月份", *([5.2] * 12)]], columns=["月份", *names])


def macro_china_ppi():
    return pd.DataFrame(
        [["2020年02月份", 99.6, -0.4, 99.8]], columns=["月份", "当月", "当月同比增长", "累计"]
    )


def macro_china_money_supply():
    names = [f"{n}-{k}" for n in ("货币和准货币(M2)", "货币(M1)", "流通中的现金(M0)")
             for k in ("数量(亿元)", "同比增长", "环比增长")]  # fmt: skip
    return pd.DataFrame([["2020年02月份", *([8.8] * 9)]], columns=["月份", *names])


def index_stock_cons_csindex(symbol):
    rows = [
        [date(2020, 2, 3), symbol, "沪深300", "CSI 300", c, "", "", "", ""]
        for c in ("600000", "000001")
    ]
    return pd.DataFrame(rows, columns=[
        "日期", "指数代码", "指数名称", "指数英文名称", "成分券代码", "成分券名称",
        "成分券英文名称", "交易所", "交易所英文名称",
    ])  # fmt: skip


def index_stock_cons_weight_csindex(symbol):
    rows = [
        [date(2020, 1, 31), symbol, "", "", c, "", "", "", "", w]
        for c, w in (("600000", 40.0), ("000001", 60.0))
    ]
    return pd.DataFrame(rows, columns=[
        "日期", "指数代码", "指数名称", "指数英文名称", "成分券代码", "成分券名称",
        "成分券英文名称", "交易所", "交易所英文名称", "权重",
    ])  # fmt: skip


def stock_zh_index_daily_em(symbol, start_date, end_date):
    rows = [[d, 4000.0, 4010.0, 4020.0, 3990.0, 1.2e8, 2.5e11] for d in _days(start_date, end_date)]
    return pd.DataFrame(rows, columns=["date", "open", "close", "high", "low", "volume", "amount"])


def install(monkeypatch, **changes: Any) -> ModuleType:
    """Put the stand-in where `import akshare` finds it; named functions are replaced."""
    module = ModuleType("akshare")
    module.__version__ = "1.19.5"
    here = sys.modules[__name__]
    for name in dir(here):
        if name.startswith(("stock_", "macro_", "index_", "tool_")):
            setattr(module, name, getattr(here, name))
    for name, function in changes.items():
        setattr(module, name, function)
    monkeypatch.setitem(sys.modules, "akshare", module)
    return module
