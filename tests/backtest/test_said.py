"""What engines say in English, for the page in Chinese: no word is left, and no number is lost."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import numpy as np
import pytest
from fact_sheets import A, B, with_column
from sheet_market import decide, sheet

from superhet.backtest import Costs, Frictions, Lending, NativeEngine
from superhet.backtest.books import CASH_WORDS
from superhet.backtest.engines.outside import PROGRAMS
from superhet.backtest.fills import FillPrices, FillWindow
from superhet.backtest.rules.ashare import LIMIT_TEST, NO_LIMITS
from superhet.panel import Events
from superhet.report.catalogue import Text

DAYS = ["2003-01-08", "2003-01-09", "2026-01-12"]
NAMES = (
    r"Backtrader|vn\.py|Qlib|superhet|cheat-on-open|open|filler|NaN|Section|Abdi|Ranaldo|spread_seen|"
    r"lendable|fee_seen|limit_up|limit_down|min|SEC"
)


def left_over(words):
    """Give the English words and the numbers that the Chinese sentence has wrong."""
    said = Text("zh").said(words)
    latin = re.findall(r"[A-Za-z]{2,}", re.sub(NAMES, "", said))
    lost = set(re.findall(r"\d[\d.,]*\d|\d", words)) - set(re.findall(r"\d[\d.,]*\d|\d", said))
    return latin, lost


def window(style):
    spec = FillWindow(style=style, start="09:35", end="10:30", bars="5min")
    prices = FillPrices.__new__(FillPrices)
    object.__setattr__(prices, "spec", spec)  # its words need nothing else
    return prices.words


def market():
    made = sheet(DAYS, {A: [10] * 3, B: [10] * 3})
    for name in ("spread_seen", "fee_seen"):
        made = with_column(made, name, {A: [0.01] * 3, B: [0.01] * 3})
    return with_column(made, "lendable", {A: [500] * 3, B: [700] * 3})


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"rules": "us"},
        {"rules": "none"},
        {"retry": False, "participation": None, "recovery": 0.3, "cash_rule": "borrow"},
        {"costs": Costs(commission_per_share=0.01, cash_interest=0.02, stamp_duty=0.001)},
        {"costs": Costs(cash_interest="risk_free", margin="risk_free")},
        {"frictions": Frictions(spread=0.001, impact=0.5)},
        {"frictions": Frictions(spread="high_low"), "lending": Lending(fee="fee_seen")},
        {"frictions": Frictions(spread="spread_seen"), "lending": Lending(available="lendable")},
        {"lending": Lending(available="lendable", recall=False)},
    ],
)
def test_every_convention_has_its_chinese(more):
    here = market()
    if getattr(more.get("costs"), "cash_interest", None) == "risk_free":
        known = np.array(DAYS[:1], dtype="datetime64[D]")
        rates = Events(
            name="risk_free", columns={"date": known, "rate": np.array([0.02])}, known_at=known
        )
        here = replace(here, events={"risk_free": rates})
    engine = NativeEngine(**more)
    said = engine.tape(decide(here, {DAYS[0]: {A: 0.5}}), here).conventions
    assert {n: left_over(w) for n, w in said.items() if left_over(w) != ([], set())} == {}


@pytest.mark.parametrize(
    "words",
    [
        *CASH_WORDS.values(),
        *LIMIT_TEST.values(),
        NO_LIMITS,
        *(window(s) for s in ("vwap", "twap", "participate")),
        "no_borrow: qlib refuses the order or part of it, native for cash, leverage",
        "value of the fill: 10.0000 and 10.5000",
        "borrow: -3.1000 on this day",
    ],
)
def test_every_word_for_a_choice_has_its_chinese(words):
    assert left_over(words) == ([], set())


def notes_in(program):
    """Give the sentences in the function `notes` of a program; 12 stands for what is filled in."""
    for node in ast.parse(program.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == "notes":
            lists = [n for n in ast.walk(node) if isinstance(n, ast.List)]
            calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
            added = [
                c.args[0]
                for c in calls
                if isinstance(c.func, ast.Attribute) and c.func.attr == "append"
            ]
            found = [*lists[0].elts, *added]
            yield from (spelt(one) for one in found)


def spelt(node):
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(v.value if isinstance(v, ast.Constant) else "12" for v in node.values)


@pytest.mark.parametrize("program", ["backtrader_book", "vnpy_book", "qlib_book"])
def test_every_note_of_a_program_has_its_chinese(program):
    notes = list(notes_in(PROGRAMS / f"{program}.py"))
    assert len(notes) >= 6
    assert {n: left_over(n) for n in notes if left_over(n) != ([], set())} == {}


def test_a_sentence_without_a_pattern_stays_as_it_is():
    assert Text("zh").said("it rains; none") == "it rains；无"
