"""Any text, in any spelling: it reads, or one error says where it does not; nothing is ever executed."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.errors import FormulaError
from superhet.factors import OPERATORS, parse
from superhet.factors.base import Parameter
from superhet.factors.expression import Expression, call, name, number
from superhet.factors.spelling import DIALECTS
from superhet.factors.spelling.qlib import FUNCTIONS as QLIB
from superhet.factors.spelling.table import rules
from superhet.factors.spelling.worldquant import FIELDS
from superhet.factors.spelling.worldquant import FUNCTIONS as WORLDQUANT

SYNTAXES = sorted(DIALECTS)
SYMBOLS = [
    *"+-*/^()<>,?:&|!=%.@#[]{};~$'\"\\",
    "**",
    "&&",
    "||",
    "<=",
    ">=",
    "==",
    "!=",
    ".*",
    "，",
]
NUMBERS = ["0", "1", "5", "20", "0.5", "2.", ".5", "1e3", "1e999", "8.93345", "-1", "nan", "inf"]
FIELDS_IN_TEXT = [
    "close", "$close", "$$roe", "volume", "returns", "adv20", "industry", "IndClass.sector", "self",
    "600000.SH", "'SH600000'", '"000001.SZ"', "sequence", "net_profit", "and", "or", "not", "if",
    "lambda", "__class__", "open.__init__", "os.system", "\u00b2", "\u0663", "\u6536\u76d8", "\x00", "\n",
]  # fmt: skip
CALLED = [
    *OPERATORS,
    *(rule.name for table in (QLIB, WORLDQUANT) for rule in rules(table)),
    *(rule.name for rule in rules(FIELDS)),
]
WORDS = st.sampled_from([*SYMBOLS, *NUMBERS, *FIELDS_IN_TEXT, *CALLED, *(f"{c}(" for c in CALLED)])
SOUP = st.lists(st.one_of(WORDS, WORDS, st.text(max_size=3)), max_size=25).map(" ".join)


def read_or_refused(text: str, syntax: str, *, label: bool = False) -> None:
    """Read a text; an error must be a FormulaError that points into it."""
    try:
        formula = parse(text, syntax, label=label)
    except FormulaError as refused:
        error = refused
    else:
        assert parse(repr(formula), label=label) is formula
        assert formula.lookahead == 0 or label
        assert formula.unit is None or formula.unit
        return
    assert 0 <= error.column <= len(text)
    assert error.formula == text


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_reads_or_says_where_it_does_not(syntax: str, text: str) -> None:
    read_or_refused(text, syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=100, deadline=None)
@given(SOUP, st.booleans())
def test_any_soup_of_words_reads_or_says_where_it_does_not(
    syntax: str, text: str, label: bool
) -> None:
    read_or_refused(text, syntax, label=label)


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_word_changed_in_a_good_formula_reads_or_says_where_it_does_not(
    syntax: str, data: st.DataObject
) -> None:
    good = {
        "superhet": "cs_rank ( ts_mean ( close / ts_lag ( low , 1 ) - 1 , 5 ) ) * ( open > 0 ? 1 : - 2 )",
        "qlib": "If ( $close > Ref ( $close , 1 ) , Mean ( $volume , 5 ) / $volume ** 2 , - 1 )",
        "worldquant": "( rank ( MAX ( low - DELAY ( low , 1 ) , 0 ) ) < adv20 ? SMA ( low , 6 , 1 ) : - 1 )",
    }[syntax].split()
    place = data.draw(st.integers(0, len(good) - 1))
    good[place : place + data.draw(st.integers(0, 2))] = data.draw(st.lists(WORDS, max_size=2))
    read_or_refused(" ".join(good), syntax)


PIECES = ["(", "-", "not ", "!", "close?", "close:", "close+", "close^", "close>", "ts_mean(", "Mean(",
          "rank(", "cs_asset(", "1 ", "'", ",", ")", "$", ".", "((-", "close,", "f(", "\u00a0"]  # fmt: skip


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("piece", PIECES)
def test_long_nonsense_neither_hangs_nor_exhausts_the_stack(syntax: str, piece: str) -> None:
    with pytest.raises(FormulaError, match=r"column \d+"):
        parse(piece * 10_000, syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch executed')",
        "eval('1')",
        "exec(\"open('executed', 'w')\")",
        "(lambda: close)()",
        "close.__class__.__mro__",
        "[x for x in close]",
        "{close}",
        "close; import os",
        "f'{close}'",
        "open('executed', 'w')",
        "Operators.Mean($close, 5)",
        "Feature('close')",
        "print(close)",
        "getattr(close, 'word')",
        "close := 1",
        "import os",
    ],
)
def test_text_is_never_executed(
    syntax: str, text: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(FormulaError):
        parse(text, syntax)
    with pytest.raises(FileNotFoundError):
        open("executed")  # noqa: SIM115 - it must not exist


LEAVES = st.sampled_from(
    [
        *(
            name(word, "daily")
            for word in ("close", "raw_open", "volume", "returns", "adjust_factor")
        ),
        parse("bar_sum(close > open ? volume : 0, -4, -1)"),
        parse("bar_last(bar_lag(close, 2))"),
        parse("change(quarterly(gross_profit) / revenue, 4)"),
        parse("sue(net_profit)"),
    ]
)
NUMBER_NODES = st.one_of(
    st.integers(-300, 300), st.floats(allow_nan=True, allow_infinity=False, width=32)
).map(number)


def argument(
    parameter: Parameter, inner: st.SearchStrategy[Expression]
) -> st.SearchStrategy[Expression]:
    """Give what fits a parameter."""
    role = parameter.role.name
    if role == "whole":
        least = max([1, *(int(getattr(b, "ge", 1)) for b in parameter.bounds)])
        return st.integers(least, least + 250).map(number)
    if role == "number":
        return st.sampled_from([0.01, 0.25, 0.9, 1e-7]).map(number)
    if role == "group":
        return st.sampled_from(["industry", "board"]).map(lambda word: name(word, "group"))
    if role == "asset":
        return st.sampled_from(["600000.SH", "AAPL", "O'K", "0700.HK", "a b"]).map(
            lambda word: name(word, "asset")
        )
    return st.one_of(inner, inner, NUMBER_NODES) if parameter.role.what == "" else inner


def calls(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Give a call of any operator of sessions on what is there."""
    families = ("elementwise", "time_series", "cross_section")
    words = [w for w in OPERATORS if OPERATORS.get(w).family in families]

    def called(word: str) -> st.SearchStrategy[Expression]:
        known = OPERATORS.get(word)
        signals = inner if known.family != "elementwise" else st.one_of(inner, NUMBER_NODES)
        parameters = known.arguments
        drawn = [argument(p, signals) if p.role.name != "signal" else signals for p in parameters]
        return st.tuples(*drawn).map(lambda arguments: call(word, arguments))

    return st.sampled_from(words).flatmap(called)


def sessions(node: Expression) -> bool:
    return node.level in ("daily", "event")


@settings(max_examples=100, deadline=None)
@given(st.recursive(LEAVES, lambda inner: calls(inner).filter(sessions), max_leaves=15))
def test_any_expression_reads_back_from_its_print(formula: Expression) -> None:
    assert parse(repr(formula)) is formula
    assert pickle.loads(pickle.dumps(formula)) is formula
    assert [n for n in formula.walk()][-1] is formula
    assert formula.lookback >= 0


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_reads_back_from_its_print(value: float) -> None:
    formula = call("add", (name("close", "daily"), number(value)))
    assert parse(repr(formula)) is formula
    assert math.copysign(1, number(value).value) == 1 or value < 0
