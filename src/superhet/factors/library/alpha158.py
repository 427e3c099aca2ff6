"""Alpha158, Qlib's default daily features: 9 shapes of the bar, 4 prices, 29 families over 5 windows.

Names, order and texts are those of Qlib 0.9.7 in its own spelling, so that a model trained there reads the
same columns here. One row of a table is one family; `{d}` is the window.

Source: the Alpha158 feature set of Microsoft Qlib (Yang et al. 2020, arXiv:2009.11189).
"""

from __future__ import annotations

from typing import TypeAlias

Meaning: TypeAlias = tuple[str, str, str]

WINDOWS = (5, 10, 20, 30, 60)

_RANGE = "($high-$low+1e-12)"
_UP, _DOWN = "Greater($open, $close)", "Less($open, $close)"

_BAR = (
    ("KMID", "($close-$open)/$open", "intraday return", "日内收益率"),
    ("KLEN", "($high-$low)/$open", "daily range over the open", "当日振幅与开盘价之比"),
    (
        "KMID2",
        f"($close-$open)/{_RANGE}",
        "body of the bar as a share of its range",
        "K 线实体占振幅的比例",
    ),
    ("KUP", f"($high-{_UP})/$open", "upper shadow over the open", "上影线与开盘价之比"),
    (
        "KUP2",
        f"($high-{_UP})/{_RANGE}",
        "upper shadow as a share of the range",
        "上影线占振幅的比例",
    ),
    ("KLOW", f"({_DOWN}-$low)/$open", "lower shadow over the open", "下影线与开盘价之比"),
    (
        "KLOW2",
        f"({_DOWN}-$low)/{_RANGE}",
        "lower shadow as a share of the range",
        "下影线占振幅的比例",
    ),
    (
        "KSFT",
        "(2*$close-$high-$low)/$open",
        "close against the middle of the range, over the open",
        "收盘价偏离振幅中点的程度与开盘价之比",
    ),
    (
        "KSFT2",
        f"(2*$close-$high-$low)/{_RANGE}",
        "place of the close within the range, from -1 to 1",
        "收盘价在振幅中的位置（-1 至 1）",
    ),
)

_PRICE = (
    ("open", "open over close", "开盘价与收盘价之比"),
    ("high", "high over close", "最高价与收盘价之比"),
    ("low", "low over close", "最低价与收盘价之比"),
    ("vwap", "vwap over close", "成交均价与收盘价之比"),
)

_MOVE, _FALL = "$close-Ref($close, 1)", "Ref($close, 1)-$close"
_PRICE_MOVES = f"(Sum(Abs({_MOVE}), {{d}})+1e-12)"
_MORE, _FEWER = "$volume-Ref($volume, 1)", "Ref($volume, 1)-$volume"
_VOLUME_MOVES = f"(Sum(Abs({_MORE}), {{d}})+1e-12)"
_FLOW = "Abs($close/Ref($close, 1)-1)*$volume"

_ROLLING = (
    (
        "ROC",
        "Ref($close, {d})/$close",
        "price {d} days ago over the close",
        "{d} 日前收盘价与现价之比",
    ),
    (
        "MA",
        "Mean($close, {d})/$close",
        "{d}-day mean price over the close",
        "{d} 日均价与收盘价之比",
    ),
    (
        "STD",
        "Std($close, {d})/$close",
        "{d}-day deviation of the price over the close",
        "{d} 日价格标准差与收盘价之比",
    ),
    (
        "BETA",
        "Slope($close, {d})/$close",
        "{d}-day slope of the price over the close",
        "{d} 日价格斜率与收盘价之比",
    ),
    (
        "RSQR",
        "Rsquare($close, {d})",
        "how straight the price path of {d} days is (R squared)",
        "{d} 日价格对时间回归的 R 方",
    ),
    (
        "RESI",
        "Resi($close, {d})/$close",
        "close over its {d}-day trend line, relative",
        "收盘价偏离 {d} 日趋势线的残差与收盘价之比",
    ),
    (
        "MAX",
        "Max($high, {d})/$close",
        "highest price of {d} days over the close",
        "{d} 日最高价与收盘价之比",
    ),
    (
        "MIN",
        "Min($low, {d})/$close",
        "lowest price of {d} days over the close",
        "{d} 日最低价与收盘价之比",
    ),
    (
        "QTLU",
        "Quantile($close, {d}, 0.8)/$close",
        "80th percentile of {d} days' prices over the close",
        "{d} 日收盘价 80% 分位数与收盘价之比",
    ),
    (
        "QTLD",
        "Quantile($close, {d}, 0.2)/$close",
        "20th percentile of {d} days' prices over the close",
        "{d} 日收盘价 20% 分位数与收盘价之比",
    ),
    (
        "RANK",
        "Rank($close, {d})",
        "place of the close among the last {d}",
        "收盘价在近 {d} 日中的分位",
    ),
    (
        "RSV",
        "($close-Min($low, {d}))/(Max($high, {d})-Min($low, {d})+1e-12)",
        "place of the close between the {d}-day low and high",
        "收盘价在 {d} 日高低区间中的位置",
    ),
    (
        "IMAX",
        "IdxMax($high, {d})/{d}",
        "how late in {d} days the high was made, as a share",
        "{d} 日最高价出现的先后位置（占比）",
    ),
    (
        "IMIN",
        "IdxMin($low, {d})/{d}",
        "how late in {d} days the low was made, as a share",
        "{d} 日最低价出现的先后位置（占比）",
    ),
    (
        "IMXD",
        "(IdxMax($high, {d})-IdxMin($low, {d}))/{d}",
        "days from the {d}-day low to the high, as a share",
        "{d} 日内由低点至高点的间隔（占比）",
    ),
    (
        "CORR",
        "Corr($close, Log($volume+1), {d})",
        "{d}-day correlation of price and log volume",
        "收盘价与对数成交量的 {d} 日相关系数",
    ),
    (
        "CORD",
        "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), {d})",
        "{d}-day correlation of price and volume changes",
        "价格变动与成交量变动的 {d} 日相关系数",
    ),
    (
        "CNTP",
        "Mean($close>Ref($close, 1), {d})",
        "share of rising days in {d}",
        "{d} 日中上涨天数占比",
    ),
    (
        "CNTN",
        "Mean($close<Ref($close, 1), {d})",
        "share of falling days in {d}",
        "{d} 日中下跌天数占比",
    ),
    (
        "CNTD",
        "Mean($close>Ref($close, 1), {d})-Mean($close<Ref($close, 1), {d})",
        "share of rising less share of falling days in {d}",
        "{d} 日中上涨与下跌天数占比之差",
    ),
    (
        "SUMP",
        f"Sum(Greater({_MOVE}, 0), {{d}})/{_PRICE_MOVES}",
        "rises as a share of all price moves of {d} days (relative strength)",
        "{d} 日涨幅占总变动的比例（相对强弱）",
    ),
    (
        "SUMN",
        f"Sum(Greater({_FALL}, 0), {{d}})/{_PRICE_MOVES}",
        "falls as a share of all price moves of {d} days",
        "{d} 日跌幅占总变动的比例",
    ),
    (
        "SUMD",
        f"(Sum(Greater({_MOVE}, 0), {{d}})-Sum(Greater({_FALL}, 0), {{d}}))/{_PRICE_MOVES}",
        "rises less falls as a share of all price moves of {d} days",
        "{d} 日涨幅与跌幅之差占总变动的比例",
    ),
    (
        "VMA",
        "Mean($volume, {d})/($volume+1e-12)",
        "{d}-day mean volume over today's",
        "{d} 日均量与当日成交量之比",
    ),
    (
        "VSTD",
        "Std($volume, {d})/($volume+1e-12)",
        "{d}-day deviation of volume over today's volume",
        "{d} 日成交量标准差与当日成交量之比",
    ),
    (
        "WVMA",
        f"Std({_FLOW}, {{d}})/(Mean({_FLOW}, {{d}})+1e-12)",
        "{d}-day variation coefficient of volume-weighted moves",
        "{d} 日量加权涨跌幅的变异系数",
    ),
    (
        "VSUMP",
        f"Sum(Greater({_MORE}, 0), {{d}})/{_VOLUME_MOVES}",
        "growth as a share of all volume changes of {d} days",
        "{d} 日增量占成交量总变动的比例",
    ),
    (
        "VSUMN",
        f"Sum(Greater({_FEWER}, 0), {{d}})/{_VOLUME_MOVES}",
        "shrinkage as a share of all volume changes of {d} days",
        "{d} 日减量占成交量总变动的比例",
    ),
    (
        "VSUMD",
        f"(Sum(Greater({_MORE}, 0), {{d}})-Sum(Greater({_FEWER}, 0), {{d}}))/{_VOLUME_MOVES}",
        "growth less shrinkage as a share of all volume changes of {d} days",
        "{d} 日增量与减量之差占成交量总变动的比例",
    ),
)


def formulas() -> dict[str, Meaning]:
    """Give all 158: name -> text in Qlib's spelling, meaning in English and in Chinese.

    Examples
    --------
    >>> formulas()["MA5"]
    ('Mean($close, 5)/$close', '5-day mean price over the close', '5 日均价与收盘价之比')
    """
    found: dict[str, Meaning] = {name: (text, en, zh) for name, text, en, zh in _BAR}
    for field, en, zh in _PRICE:
        found[f"{field.upper()}0"] = (f"${field}/$close", en, zh)
    for family, text, en, zh in _ROLLING:
        for d in WINDOWS:
            found[f"{family}{d}"] = (text.format(d=d), en.format(d=d), zh.format(d=d))
    return found
