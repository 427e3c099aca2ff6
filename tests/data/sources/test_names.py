"""The names that vendors give are free, and the loader takes them."""

from __future__ import annotations

import pytest

from superhet.data.fields import UNITS
from superhet.data.schema import TABLES
from superhet.data.sources.vendor import find_vendor

VENDORS = ("akshare", "baostock", "simulated", "tushare", "vnpy_db", "yfinance")


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_has_tables_of_the_schema_and_usual_ones_among_them(name):
    vendor = find_vendor(name)
    assert vendor.name == name
    assert set(vendor.usual) <= set(vendor.tables) <= set(TABLES)
    assert vendor.usual


def test_columns_of_daily_do_not_take_the_name_of_a_field_that_is_computed():
    from superhet.data.sources.akshare.prices import _VALUE
    from superhet.data.sources.tushare.frames import COLUMNS

    shares = {"total_shares", "float_shares"}  # these go into bars_1d
    names = {*_VALUE, *COLUMNS["daily_basic"], "pre_close"} - shares - {"date", "asset"}
    assert not names & set(UNITS)
