"""Dates written in part, and the adjust factor in an exchange's previous close."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from superhet.data.schema import table_spec
from superhet.data.sources.expressions import compile_expression
from superhet.data.sources.periods import complete_years, spell_quarters
from superhet.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("2015_2", "%Y_%q", "2015-06-30"),
        ("2020Q4", "%YQ%q", "2020-12-31"),
        ("1季度2019", "%q季度%Y", "2019-03-31"),
        ("2020Q5", "%YQ%q", "2020Q5"),
        ("third", "%Y_%q", "third"),
    ],
)
def test_a_quarter_is_its_last_day(text, form, day):
    frame = spell_quarters(pl.DataFrame({"report_date": [text]}), {"report_date": form})
    assert frame["report_date"].to_list() == [day]


def test_a_quarter_needs_its_year():
    with pytest.raises(ConfigError, match="date_format.report_date: a quarter needs its year"):
        spell_quarters(pl.DataFrame({"report_date": ["Q1"]}), {"report_date": "Q%q"})


@pytest.mark.parametrize(
    ("text", "after", "day"),
    [
        ("09-02", "2015-06-30", "2015-09-02"),
        ("01-15", "2015-06-30", "2016-01-15"),
        ("06-30", "2015-06-30", "2016-06-30"),
        ("4月28日", "2019-12-31", "2020-04-28"),
        ("02-29", "2019-06-30", "2020-02-29"),
        ("soon", "2019-12-31", "soon"),
    ],
)
def test_a_day_without_a_year_is_the_first_such_day_after(text, after, day):
    frame = pl.DataFrame({"announce_date": [text], "report_date": [after]})
    done = complete_years(frame, {"announce_date": "report_date"})
    assert done["announce_date"].to_list() == [day]


def test_a_missing_column_is_named():
    with pytest.raises(
        ConfigError, match=r"yearless.announce_date: there is no column 'report_date'"
    ):
        complete_years(pl.DataFrame({"announce_date": ["1-1"]}), {"announce_date": "report_date"})


def test_the_previous_close_of_an_exchange_tells_the_factor():
    # a dividend of 0.5 on a close of 10, then two for one; a day without a bar in between
    frame = pl.DataFrame(
        {
            "date": [date(2020, 1, d) for d in (2, 3, 6, 7)],
            "asset": ["600000.SH"] * 4,
            "close": [10.0, 9.6, None, 5.0],
            "_previous": [9.9, 9.5, 9.6, 4.8],
        }
    )
    text = "ex_right(close, _previous)"
    factor = frame.select(compile_expression(text, frame.schema, table_spec("bars_1d"), "k"))
    expected = [1.0, 10 / 9.5, 10 / 9.5, 10 / 9.5 * 2]
    assert factor.to_series().to_list() == pytest.approx(expected)


def test_a_formula_does_not_calculate_with_text():
    frame = pl.DataFrame({"_previous": ["n/a"], "close": [1.0]})
    with pytest.raises(ConfigError, match=r"^k: _previous holds text"):
        compile_expression("close / _previous", frame.schema, table_spec("bars_1d"), "k")
