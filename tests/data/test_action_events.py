"""Corporate actions reach the market as events, each known from its ex-date."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from market_tables import bars
from numpy.testing import assert_allclose

from superhet.backtest import corporate_actions
from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market

DAYS = ["2020-06-01", "2020-06-02", "2020-06-03", "2020-06-04", "2020-06-08"]
COLUMNS = ("date", "asset", "open", "high", "low", "close", "volume", "amount")


def load(closes, actions):
    rows = [
        (day, asset, c, c, c, c, 100.0, 100 * c)
        for asset, column in closes.items()
        for day, c in zip(DAYS, column, strict=True)
    ]
    tables = {"bars_1d": bars(rows, COLUMNS), "corporate_actions": pl.DataFrame(actions)}
    return load_market(MemoryTables(tables), MarketRequest(industry="", size="amount_60"))


def market():
    return load(
        {"600000.SH": [20, 20, 9.75, 9.75, 9.75], "600001.SH": [10, 10, 10, 10, 9]},
        {
            "asset": ["600001.SH", "600000.SH"],
            "ex_date": [date(2020, 6, 6), date(2020, 6, 3)],
            "announce_date": [date(2020, 5, 20), date(2020, 5, 20)],
            "cash": [1.0, 0.5],
            "bonus": [None, 1.0],
        },
    )


def test_what_the_table_leaves_out_is_nothing_and_rows_are_in_order_of_their_session():
    table = market().table("corporate_actions")
    assert table["asset"].tolist() == [0, 1]
    assert table.known_at.astype(str).tolist() == ["2020-06-03", "2020-06-08"]
    assert_allclose(table["bonus"], [1.0, 0.0])
    assert_allclose(table["split"], [1.0, 1.0])
    assert_allclose(table["rights"], [0.0, 0.0])


def test_an_action_is_not_known_before_its_ex_date():
    assert market().until("2020-06-02").table("corporate_actions").rows == 0
    assert market().until("2020-06-03").table("corporate_actions").rows == 1


def test_factors_made_from_the_table_and_the_table_agree(recwarn):
    found = corporate_actions(market()).rows
    # 5 yuan and ten shares for ten; the ex-date on a Saturday counts on Monday
    assert list(zip(found.session.tolist(), found.asset.tolist(), strict=True)) == [(2, 0), (4, 1)]
    assert_allclose(found.split, [2.0, 1.0])
    assert_allclose(found.dividend_gross, [0.5, 1.0])
    assert not [w for w in recwarn if "disagree" in str(w.message)]


def test_a_store_without_actions_has_no_such_table():
    rows = [(day, "600000.SH", 1.0, 1.0, 1.0, 1.0, 1.0, 1.0) for day in DAYS]
    found = load_market(
        MemoryTables({"bars_1d": bars(rows, COLUMNS)}), MarketRequest(industry="", size="amount_60")
    )
    assert "corporate_actions" not in found.events
    assert np.size(corporate_actions(found).rows.split) == 0
