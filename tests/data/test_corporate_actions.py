"""Adjust factors from dividends, bonus shares, rights and splits; flags that the bars themselves carry."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from market_tables import bars

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.errors import DataError

DAYS = ["2020-06-01", "2020-06-02", "2020-06-03", "2020-06-04"]
NO_FACTOR = ("date", "asset", "open", "high", "low", "close", "volume", "amount")


def flat(asset: str, closes: list[float]) -> list[tuple[object, ...]]:
    return [(d, asset, c, c, c, c, 100.0, 100 * c) for d, c in zip(DAYS, closes, strict=True)]


def market(rows: list[tuple[object, ...]], **tables: pl.DataFrame):
    frames = {"bars_1d": bars(rows, NO_FACTOR), **tables}
    return load_market(MemoryTables(frames), MarketRequest(industry="", size="amount_60"))


def actions(**columns: object) -> pl.DataFrame:
    given = {"asset": ["600000.SH"], "ex_date": [date(2020, 6, 3)], **columns}
    return pl.DataFrame(given)


def test_ten_for_ten_and_five_yuan_leave_no_jump() -> None:
    # 20 yuan before; 0.5 cash a share and one bonus share each: (20 − 0.5) / 2 = 9.75
    found = market(
        flat("600000.SH", [20.0, 20.0, 9.75, 9.75]),
        corporate_actions=actions(cash=[0.5], bonus=[1.0]),
    )
    assert found["adjust_factor"].values[:, 0] == pytest.approx([1, 1, 20 / 9.75, 20 / 9.75])
    assert found["returns"].values[1:, 0] == pytest.approx([0, 0, 0])
    assert found["previous_close"].values[2, 0] == pytest.approx(9.75)


def test_rights_at_a_price_and_a_reverse_split() -> None:
    # three rights for ten at 8: (10 + 0.3 × 8) / 1.3
    right = (10 + 0.3 * 8) / 1.3
    found = market(
        flat("600000.SH", [10.0, 10.0, right, right]),
        corporate_actions=actions(rights=[0.3], rights_price=[8.0]),
    )
    assert found["returns"].values[2, 0] == pytest.approx(0)
    found = market(
        flat("600000.SH", [1.0, 1.0, 10.0, 10.0]), corporate_actions=actions(split=[0.1])
    )
    assert found["adjust_factor"].values[-1, 0] == pytest.approx(0.1)
    assert found["returns"].values[2, 0] == pytest.approx(0)


def test_a_factor_does_not_depend_on_where_the_period_begins() -> None:
    tables = MemoryTables(
        {
            "bars_1d": bars(flat("600000.SH", [20.0, 20.0, 9.75, 9.75]), NO_FACTOR),
            "corporate_actions": actions(cash=[0.5], bonus=[1.0]),
        }
    )
    whole = load_market(tables, MarketRequest(industry="", size="amount_60"))[
        "adjust_factor"
    ].values
    part = load_market(tables, MarketRequest(industry="", size="amount_60", start=DAYS[2]))[
        "adjust_factor"
    ].values
    np.testing.assert_array_equal(part, whole[2:])


def test_a_table_of_factors_holds_from_each_date_to_the_next() -> None:
    factors = pl.DataFrame(
        {
            "asset": ["600000.SH"] * 2,
            "date": [date(2020, 5, 1), date(2020, 6, 3)],
            "adjust_factor": [3.0, 6.0],
        }
    )
    found = market(flat("600000.SH", [20.0, 20.0, 10.0, 10.0]), adjust_factors=factors)
    assert found["adjust_factor"].values[:, 0].tolist() == [3.0, 3.0, 6.0, 6.0]
    assert found["adjusted_close"].values[:, 0].tolist() == [60.0] * 4


def test_a_dividend_stated_for_ten_shares_is_found_out() -> None:
    with pytest.raises(DataError, match=r"no less than the close before it \(2.0\)"):
        market(flat("600000.SH", [2.0, 2.0, 1.8, 1.8]), corporate_actions=actions(cash=[2.0]))[
            "adjust_factor"
        ]


def test_a_bar_marked_suspended_is_no_trade_though_it_has_prices() -> None:
    rows = bars(flat("600000.SH", [10.0, 10.0, 10.0, 11.0]), NO_FACTOR)
    flags = [False, True, None, False]
    tables = {"bars_1d": rows.with_columns(suspended=pl.Series(flags))}
    found = load_market(MemoryTables(tables), MarketRequest(industry="", size="amount_60"))
    assert found["suspended"].values[:, 0].tolist() == [False, True, False, False]
    assert np.isnan(found["close"].values[1, 0])


def test_the_flag_of_special_treatment_in_the_bars_comes_before_the_table() -> None:
    rows = bars(flat("600000.SH", [10.0] * 4), NO_FACTOR)
    status = pl.DataFrame(
        {"asset": ["600000.SH"], "start_date": [date(2020, 6, 1)], "is_st": [True]}
    )
    flags = [None, False, False, True]
    tables = {"bars_1d": rows.with_columns(is_st=pl.Series(flags)), "status": status}
    found = load_market(MemoryTables(tables), MarketRequest(industry="", size="amount_60"))
    assert found["is_st"].values[:, 0].tolist() == [True, False, False, True]
