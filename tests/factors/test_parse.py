"""The grammar: what reads as what, what prints, and where errors point."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.errors import FormulaError, LookAheadFormula
from superhet.factors import LIBRARIES, parse


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("close + open * high", "close + (open * high)"),
        ("close - open - high", "(close - open) - high"),
        ("close / open / high", "(close / open) / high"),
        ("close ^ 2 ^ 3", "close ^ (2 ^ 3)"),
        ("-close ^ 2", "-(close ^ 2)"),
        ("close ^ -1", "close ^ (-1)"),
        ("- - close", "-(-close)"),
        ("+close", "close"),
        ("close > open and high > low or volume > 0", "((close > open) and (high > low)) or (volume > 0)"),
        ("close > open & high > low | volume > 0", "(close > open and high > low) or volume > 0"),
        ("not close > open", "(close > open) == 0"),
        ("close > 0 ? 1 : open > 0 ? 2 : 3", "close > 0 ? 1 : (open > 0 ? 2 : 3)"),
        ("where(close > 0, 1, 2)", "close > 0 ? 1 : 2"),
        ("adjusted_close", "close"),
        ("1e3 * close", "1000 * close"),
        (".5 * close", "0.5 * close"),
        ("ts_mean(close,5)", "  ts_mean ( close , 5 )  "),
        ("power(close, 2)", "close ^ 2"),
    ],
)  # fmt: skip
def test_equal_meanings_are_one_object(text: str, same: str) -> None:
    assert parse(text) is parse(same)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("-ts_return( close,5 )", "-ts_return(close, 5)"),
        ("(close-open)/(high-low)", "(close - open) / (high - low)"),
        ("close-(open-high)", "close - (open - high)"),
        ("(close^2)^3", "(close ^ 2) ^ 3"),
        ("(-2)^close", "(-2) ^ close"),
        ("(close > open) + 1", "(close > open) + 1"),
        ("(close > 0 ? 1 : 2) ? 3 : 4", "(close > 0 ? 1 : 2) ? 3 : 4"),
        ("cs_rank(yoy(revenue)) + bar_sum(volume, 1, 4)", "cs_rank(yoy(revenue)) + bar_sum(volume, 1, 4)"),
    ],
)  # fmt: skip
def test_a_formula_prints_as_one_would_write_it(text: str, printed: str) -> None:
    assert repr(parse(text)) == printed


LEAVES = st.sampled_from(["close", "raw_open", "volume", "returns", "0.5", "3", "1e-07", "size"])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    window = st.integers(2, 250)
    infix = st.sampled_from(["+", "-", "*", "/", "^", "<", ">=", "==", "and", "or"])
    unary = st.sampled_from(["-{}", "abs({})", "log({})", "not {}", "is_nan({})"])
    return st.one_of(
        st.tuples(inner, infix, inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        st.tuples(unary, inner).map(lambda p: p[0].format(f"({p[1]})")),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]}) ? ({p[1]}) : ({p[2]})"),
        st.tuples(inner, window).map(lambda p: f"ts_mean(close * ({p[0]}), {p[1]})"),
        inner.map(lambda p: f"cs_group_rank(close + ({p}), industry)"),
        st.just("bar_sum(close > open ? volume : 0, -4, -1)"),
        st.just("change(quarterly(gross_profit) / revenue, 4)"),
    )


@settings(max_examples=25, deadline=None)
@given(st.recursive(LEAVES, larger, max_leaves=12))
def test_reading_what_was_printed_gives_the_same_object(text: str) -> None:
    formula = parse(f"close + ({text})")
    assert parse(repr(formula)) is formula


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="close(),5+-*/?:<>=&|!ts_mean 1.e^", max_size=40))
def test_any_text_either_reads_or_says_where_it_does_not(text: str) -> None:
    formula, column = None, 0
    try:
        formula = parse(text)
    except FormulaError as error:
        column = error.column
    assert 0 <= column <= len(text)
    assert formula is None or parse(repr(formula)) is formula


@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_every_library_formula_survives_printing(library: str) -> None:
    for formula in LIBRARIES[library]:
        assert parse(repr(formula.expression)) is formula.expression


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("ts_meen(close, 5)", 1, "unknown function 'ts_meen'; did you mean 'ts_mean'"),
        ("close + ", 8, "expected a value, found 'the end'"),
        ("", 1, "expected a value"),
        ("ts_mean(close, 5", 17, r"expected '\)' or ',' in ts_mean\(x, window\), found 'the end'"),
        ("close)", 6, r"did not expect '\)' here"),
        ("close $ 2", 7, r"did not expect '\$'"),
        ("close open", 7, "did not expect 'open' here"),
        ("ts_mean(close)", 1, r"ts_mean\(x, window\) takes 2 arguments, got 1"),
        ("log(close, 2)", 1, r"log\(x\) takes 1 argument, got 2"),
        ("bar_sum(close, 1, 2, 3)", 1, "takes 1 to 3 arguments, got 4"),
        ("cs_neutralize(close)", 1, "takes at least 2 arguments, got 1"),
        ("ts_mean(close, 2.5)", 16, "window must be a whole number, got 2.5"),
        ("ts_mean(close, 0)", 16, "window must be at least 1, got 0"),
        ("ts_std(close, 1)", 15, "window must be at least 2, got 1"),
        ("ts_mean(close, volume)", 16, "window must be a plain number, not volume"),
        ("ts_quantile(close, 5, 2)", 23, "level must be at most 1, got 2"),
        ("close < open < high", 14, "join two comparisons with 'and'"),
        ("1 + 2", 1, "at least one field"),
        ("ts_mean + 1", 1, r"ts_mean is a function: ts_mean\(x, window\)"),
        ("bar_sum(turnover)", 9, "bars have no field 'turnover'"),
        ("bar_lag(close, 1)", 1, "reduce it to the day"),
        ("bar_sum(ts_mean(close, 5))", 9, "cannot stand inside a bar_ function"),
        ("bar_sum(close, 0)", 16, "places count from 1 at the open"),
        ("bar_sum(1)", 9, "takes fields of the bars"),
        ("yoy(cs_rank(revenue))", 5, "cannot stand inside a statement function"),
        ("ttm(revenue - cost)", 5, r"write ttm\(a\) - ttm\(b\)"),
        ("yoy(1)", 5, "takes columns of the statements"),
        ("cs_group_demean(close, 3)", 24, "takes the name of a classification"),
        ("close > 1 ? 2", 14, "expected ':'"),
        ("(" * 60 + "close" + ")" * 60, 41, "nested deeper than 40"),
        (" + ".join(["close"] * 400), 0, "deeper than 300"),
        ("1e999 * close", 1, "too large"),
    ],
)  # fmt: skip
def test_an_error_says_what_is_wrong_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text)
    if column:
        assert caught.value.column + 1 == column
    assert re.search(r"column \d+", str(caught.value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ts_lag(close, -1)", r"ts_lag\(close, -1\) reads the future"),
        ("ts_mean(close, -5)", r"ts_mean\(close, -5\) reads the future"),
        ("close / ts_delta(open, -2) - 1", r"ts_delta\(open, -2\) reads the future"),
        ("change(revenue, -4)", r"change\(revenue, -4\) reads the future"),
        ("bar_sum(bar_lag(close, -1))", r"bar_lag\(close, -1\) reads the future"),
    ],
)
def test_a_negative_lag_reads_the_future(text: str, message: str) -> None:
    with pytest.raises(LookAheadFormula, match=message) as caught:
        parse(text)
    assert text[caught.value.column] == "-"


def test_names_mean_what_their_place_says() -> None:
    formula = parse(
        "close + raw_open + bar_last(high) + latest(equity) + cs_group_rank(low, industry)"
    )
    assert formula.fields == {"adjusted_close", "open", "adjusted_low"}
    assert formula.bar_fields == {"high"}
    assert formula.statement_columns == {"equity"}
    assert formula.groups == {"industry"}


@pytest.mark.parametrize(
    ("text", "lookback"),
    [
        ("close", 0),
        ("ts_lag(close, 3)", 3),
        ("ts_mean(close, 5)", 4),
        ("ts_return(ts_lag(close, 20), 220)", 240),
        ("ts_mean(ts_delta(close, 1), 5) / ts_std(returns, 20)", 19),
        ("ts_ema(close, 5)", 19),
        ("ts_mean(bar_sum(volume), 10)", 9),
        ("ts_mean(sue(net_profit), 10)", 9),
        ("cs_rank(close)", 0),
    ],
)
def test_lookbacks_of_nested_windows_add_up(text: str, lookback: int) -> None:
    assert parse(text).lookback == lookback


@pytest.mark.parametrize(
    ("text", "clock", "block"),
    [
        ("close", "1d", "daily"),
        ("bar_sum(volume)", "1d", "minute"),
        ("sue(net_profit)", "event", "quarterly"),
        ("-2 * abs(sue(net_profit)) / ttm(revenue)", "event", "quarterly"),
        ("ttm(net_profit) / market_cap", "1d", "quarterly"),
        ("cs_rank(sue(net_profit))", "1d", "quarterly"),
        ("sue(net_profit) + bar_sum(volume)", "1d", "minute"),
    ],
)
def test_clock_and_block_follow_from_the_data_read(text: str, clock: str, block: str) -> None:
    assert (parse(text).clock, parse(text).block) == (clock, block)


def test_expressions_stay_one_object_when_copied_or_sent_to_a_worker() -> None:
    formula = parse("cs_rank(sue(net_profit)) + ts_mean(close, 5)")
    assert copy.deepcopy(formula) is formula
    assert pickle.loads(pickle.dumps(formula)) is formula  # as joblib sends it


def test_an_expression_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        parse("close").word = "open"  # type: ignore[misc]
