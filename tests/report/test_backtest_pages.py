"""The backtest page: every word is used, in both languages, and every number is the one handed in."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import looked_at
from heard import Heard

from superhet.report.catalogue import LANGUAGES, Text
from superhet.report.pages.backtest_book import book_page
from superhet.report.pages.reconcile import reconcile_page
from superhet.report.reconcile_html import BookStudy, render_book

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04"]
RULES = (
    "commission_minimum", "stamp_duty", "transfer_fee", "slippage", "borrow", "volume_cap", "cash",
    "retry", "limits_lots", "dated_rates", "shorts",
)  # fmt: skip
SIDE = {
    "count": 3, "open": 1, "won": 0.5, "mean_sessions": 4.0, "median_return": 0.01, "profit": 5.0,
    "costs": 1.0, "dividends": 0.0,
}  # fmt: skip


def engine(name, **more):
    return {
        "name": name, "version": "1", "seconds": 1.0, "trades": 5, "refused": 2, "final_equity": 1.1e6,
        "sharpe": 1.2, "most": None, "orders": None, "unexplained": None, **more,
    }  # fmt: skip


@pytest.fixture
def study():
    series = np.array([1.0, 1.05, 1.1])
    numbers = {
        "annual_return": 0.1, "annual_volatility": 0.2, "sharpe": 1.2, "gross_sharpe": 1.5,
        "max_drawdown": -0.1, "turnover": 3.0, "trades": 5, "final_equity": 1.1e6,
    }  # fmt: skip
    sweep = {
        "annual_return": 0.1, "sharpe": 1.0, "gross_sharpe": 1.1, "undone": 0.2, "missed": 0.1,
        "impact_bps": 3.0, "cost": 0.02, "problem": None,
    }  # fmt: skip
    bins = {"middles": [-0.1, 0.1], "shares": [0.4, 0.6]}
    return BookStudy(
        name="demo",
        dates=DAYS,
        assets=7,
        reference="native",
        value={"native": series, "backtrader": series, "vnpy": series, "qlib": series + 0.01},
        drawdown=np.zeros(3),
        benchmark=series,
        difference={"backtrader": np.zeros(3), "qlib": np.array([0.0, 10.0, 1e4])},
        engines=[
            engine("native"),
            engine("backtrader", most=0.001, orders=0, unexplained=0.001),
            engine("vnpy", most=3.0, orders=1, unexplained=3.0),
            engine("qlib", most=1e4, orders=4, unexplained=0.0, notes="it sells nothing short"),
        ],
        first={
            "backtrader": None,
            "vnpy": {
                "date": DAYS[1],
                "asset": "600000.SH",
                "reason": "cash",
                "equity_difference": 3.0,
            },
            "qlib": {"date": DAYS[1], "asset": None, "reason": "borrow", "equity_difference": 1.0},
        },
        reasons=[
            {
                "rule": r,
                "worth": 1.0,
                "said_by": {"backtrader": "own", "vnpy": "adapter", "qlib": "no"},
            }
            for r in RULES
        ],
        gaps={
            n: {
                "sizes": 1.0,
                "fees": 2.0,
                "fill_prices": 3.0,
                "financing": 1.0,
                "closing_marks": 1.0,
                "cash": 2.0,
                "residual": 0.0,
            }
            for n in ("backtrader", "vnpy", "qlib")
        },
        failed={"other": "it went away"},
        contract={"fill": "open", "lots": "100 shares"},
        exposure={n: series for n in ("gross", "net", "long", "short", "cash")},
        names=np.array([3.0, 4.0, 5.0]),
        costs={"commission": np.array([0.0, 0.001, 0.002])},
        refused={"suspended": 2},
        facts=numbers,
        trips={
            "count": 6,
            "sides": {"long": SIDE, "short": SIDE},
            "returns": bins,
            "sessions": bins,
        },
        sweeps={
            "capacity": [{"times": t, "capital": 1e6 * t, **sweep} for t in (1.0, 2.0)],
            "slippage": [{"slippage_bps": b, **sweep} for b in (0.0, 5.0)],
        },
        strategies={"a": numbers},
        notes=["One fact."],
    )


def test_every_label_is_used_and_every_page_is_made_in_both_languages(study):
    around = {"book.title", "book.subtitle", "book.footer"}
    for language in LANGUAGES:
        text = Heard(language)
        reconcile_page(replace(study, language=language), text)
        book_page(replace(study, language=language), text)
        book_page(replace(study, language=language, engines=study.engines[:1], failed={}), text)
        known = {k for k in text if k.startswith("book.")}
        assert known - text.asked == around


def cards_of(page):
    return {c.id: c for s in page.sections for c in s.cards}


def test_verdicts_tell_agreement_from_explanation_from_neither(study):
    checks = cards_of(reconcile_page(study, Text("en")))["book-checks"].checks
    assert [c.verdict for c in checks] == ["pass", "fail", "explained"]


def test_figures_are_the_series_handed_in(study):
    html = render_book(study)
    found = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    figures = json.loads(found.group(1))["figures"]
    assert [s["name"] for s in figures["book-value"]["series"]] == [
        "superhet", "Backtrader", "vn.py", "Qlib",
    ]  # fmt: skip
    assert figures["book-difference"]["series"][0]["data"] == [0, 10, 10000]
    assert figures["book-rounding"]["series"][0]["data"] == [0, 0, 0]
    assert figures["book-capacity"]["series"][0]["data"] == [1, 1]


def test_one_engine_alone_has_no_reconciliation(study):
    alone = replace(study, engines=study.engines[:1], failed={})
    html = render_book(alone)
    assert "Do the books agree?" not in html
    assert "Contract of fills" in html


def test_reasons_name_who_can_say_them(study):
    table = cards_of(reconcile_page(study, Text("en")))["book-reasons"].table
    assert [cell[2] for cell in table.rows[0][2:]] == ["its own", "by our adapter", "cannot"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_browser_draws_every_figure_of_books_far_apart(study, language, tmp_path):
    apart = {**study.difference, "qlib": np.array([0.0, 5e3, 4.2e7])}  # money, of every unit
    html = render_book(replace(study, language=language, difference=apart))
    said, drawn = looked_at(html, tmp_path)
    assert said == []
    assert drawn == set(re.findall(r'data-figure="([^"]+)"', html))
