"""What a study's report says of its book: costs and income by kind, round trips, other engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from report_sample import sample_study, study_parts

from superhet.backtest.round_trips import round_trips
from superhet.panel.frames import records_to_polars
from superhet.pipeline.backtest_page import trip_facts
from superhet.report.catalogue import Text
from superhet.report.context import Context
from superhet.report.html import build_pages, render_html
from superhet.report.measures import Measures

ROW = {
    "version": "1", "trades": 10, "refused": 2, "final_equity": 1e8, "sharpe": 1.0, "most": None,
    "orders": None, "unexplained": None, "notes": "",
}  # fmt: skip
ENGINES = {
    "engines": [
        {**ROW, "name": "native"},
        {**ROW, "name": "backtrader", "most": 2e-6, "orders": 0, "unexplained": 0.0},
        {**ROW, "name": "vnpy", "most": 12.5, "orders": 3, "unexplained": 4.0},
    ],
    "first": {"backtrader": None},
    "failed": {"qlib": "the wheel came off"},
    "pages": {"en": "engines/report.html", "zh": "engines/report.zh.html"},
}


def told(**changes):
    """A study whose book had income of one kind, and trips."""
    result = study_parts()["backtest"]
    paid = np.linspace(-100.0, 500.0, len(result.dates))
    income = {"dividends": paid, "cash_interest": np.zeros(len(result.dates))}
    trips = trip_facts(records_to_polars(round_trips(result.trades, result.dates)))
    return sample_study(backtest=replace(result, income=income), trips=trips, **changes)


def cards_of(study):
    context = Context(study=study, measures=Measures(study), text=Text(study.language))
    pages = build_pages(context)
    return {c.id: c for page in pages for s in page.sections for c in s.cards}


@pytest.fixture(scope="module")
def cards():
    return cards_of(told(engines=ENGINES))


def test_kinds_that_cost_or_brought_nothing_are_left_out(cards):
    result = told().backtest
    paid = [name for name, series in result.costs.items() if series.any()]
    assert 0 < len(paid) < len(result.costs), "the sample pays some kinds and not all"
    assert len(cards["cost_table"].table.rows) == len(paid)
    (row,) = cards["income_table"].table.rows
    assert row[1] == pytest.approx(result.income["dividends"].sum())
    assert cards["income_table"].table.totals[0][1] == row[1]


def test_a_book_without_income_has_no_table_of_it():
    assert "income_table" not in cards_of(sample_study())


def test_round_trips_are_counted_by_side_as_a_book_of_weights_shows_them(cards):
    result = told().backtest
    trips = round_trips(result.trades, result.dates)
    closed = ~np.isnat(trips["exit_date"])
    rows = cards["book-trips"].table.rows
    assert [row[1] for row in rows] == [
        int((closed & (trips["side"] == side)).sum()) for side in (1, -1)
    ]
    assert rows[0][6] == pytest.approx(trips["profit"][closed & (trips["side"] == 1)].sum())


def test_long_short_and_cash_are_those_of_the_books(cards):
    series = {s["name"]: s["data"] for s in cards["totals"].figure["series"]}
    result = told().backtest
    np.testing.assert_allclose(series["Cash"], result.cash / result.equity, rtol=1e-4)


def test_an_engine_within_a_cent_passes_and_one_beyond_fails(cards):
    checks = {c.title: c.verdict for c in cards["checks-card"].checks}
    assert checks["Backtrader, largest difference of a day"] == "pass"
    assert checks["vn.py, largest difference of a day"] == "fail"
    assert cards["book-failed"].table.rows == [("Qlib", "the wheel came off")]
    assert [row[0] for row in cards["book-engines"].table.rows] == [
        "superhet",
        "Backtrader",
        "vn.py",
    ]


@pytest.mark.parametrize(("language", "page"), ENGINES["pages"].items())
def test_the_report_links_the_page_of_the_other_engines_in_its_language(language, page):
    html = render_html(told(engines=ENGINES, language=language))
    assert f'href="{page}"' in html
    assert "engines/report" not in render_html(told(language=language))


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        ("vwap", "at the VWAP"),
        (
            {"bars": "5min", "start": "09:35", "end": "10:30", "style": "twap"},
            "at the 5min bars of 09:35 to 10:30 (twap)",
        ),
    ],
)
def test_the_road_names_the_fill_and_not_the_entry_of_the_target(fill, said):
    study = sample_study(config={"backtest": {"engine": "native", "fill": fill}})
    assert study.entry == "open"
    assert said in cards_of(study)["road-card"].pairs["Backtest"]
