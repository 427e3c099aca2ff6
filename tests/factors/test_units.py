"""Units of formulas: a price is money a share, and what does not fit has none."""

from __future__ import annotations

from types import ModuleType

import pytest

from superhet.factors import parse
from superhet.factors.library import alpha158, alpha360
from superhet.factors.units import unit_of


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("close", "price"),
        ("raw_close", "price"),
        ("volume", "shares"),
        ("amount", "currency"),
        ("market_cap", "currency"),
        ("total_shares", "shares"),
        ("returns", "ratio"),
        ("turnover", "ratio"),
        ("close * volume", "currency"),
        ("amount / volume", "price"),
        ("close / open - 1", "ratio"),
        ("volume / float_shares", "ratio"),
        ("close * close", "price^2"),
        ("1 / volume", "1/shares"),
        ("close * amount", "currency^2/shares"),
        ("amount * volume", "currency*shares"),
        ("(close - open) / (high - low + 1e-12)", "ratio"),
        ("(high * low) ^ 0.5 - vwap", "price"),
        ("sqrt(high * low)", "price"),
        ("maximum(close - open, 0)", "price"),
        ("close > open ? volume : 0", "shares"),
        ("ts_mean(close, 5)", "price"),
        ("ts_std(close, 5)", "price"),
        ("ts_var(close, 5)", "price^2"),
        ("ts_product(close, 3)", "price^3"),
        ("ts_return(close, 5)", "ratio"),
        ("ts_rank(volume, 5)", "ratio"),
        ("ts_cov(close, volume, 5)", "currency"),
        ("ts_corr(close, volume, 5)", "ratio"),
        ("ts_beta(amount, volume, 5)", "price"),
        ("cs_rank(close) + cs_rank(volume)", "ratio"),
        ("bar_sum(volume) / volume", "ratio"),
        ("ttm(net_profit) / market_cap", "ratio"),
        ("yoy(revenue)", "ratio"),
        ("abs(returns) / amount", "1/currency"),
        ("log(volume)", "ratio"),
        ("returns ^ 2", "ratio"),
    ],
)
def test_units_follow_from_the_fields(text: str, unit: str) -> None:
    assert unit_of(parse(text)) == parse(text).unit == unit


@pytest.mark.parametrize(
    "text",
    [
        "close + volume",
        "cs_rank(close + volume)",
        "close > volume",
        "close > open ? close : volume",
        "close ^ close",
        "close ^ returns",
        "maximum(close, volume)",
        "ts_mean(close - amount, 5) * 2",
    ],
)
def test_what_does_not_fit_has_no_unit_nor_has_what_is_built_on_it(text: str) -> None:
    assert unit_of(parse(text)) is None


@pytest.mark.parametrize("library", [alpha158, alpha360], ids=["alpha158", "alpha360"])
def test_qlibs_features_are_ratios_all_of_them(library: ModuleType) -> None:
    units = {unit_of(parse(text, "qlib")) for text, *_ in library.formulas().values()}
    assert units == {"ratio"}
