"""The grammar: what reads as what, what prints, and where errors point."""

from __future__ import annotations

import copy
import math
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.errors import FormulaError, LookAheadFormula, UnknownName
from superhet.factors import LIBRARIES, library, parse
from superhet.factors.expression import call, name, number
from superhet.factors.fitting import Misfit
from superhet.factors.parse import name_columns


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


LEAVES = st.sampled_from(
    ["nan", "close", "raw_open", "volume", "returns", "0.5", "3", "1e-07", "size"]
)


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


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_every_library_formula_survives_printing(name: str) -> None:
    for formula in library(name):
        if formula.text:
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
        ("1e999 * close", 1, "too large"),
        ("close ** 2", 8, "a power is written \\^"),
        ("$close - 1", 1, "Qlib's spelling, read with the syntax 'qlib'"),
        ("close = open", 7, "equality is written =="),
        ("2 * not close", 5, "expected a value, found 'not'"),
        ("ts_ewm(close, 1e-320)", 1, "no look-back is long enough"),
        ("ts_mean(close, nan)", 16, "window must be a plain number, not nan"),
        ("close - '600000.SH'", 9, "only the name of an asset stands here like this"),
        ("ts_mean(close, 5) 600000.SH", 19, "did not expect '600000.SH' here"),
        ("cs_rank(close,)", 15, "expected a value, found '\\)'"),
        ("cs_rank()", 1, r"cs_rank\(x\) takes 1 argument, got 0"),
        ("close ? 1, 2", 10, "expected ':' between the two sides of a choice, found ','"),
        ("(close", 7, "to close the one at column 1, found 'the end'"),
        ("(20 - 1)(20 - 2) * close", 9, r"did not expect '\(' here"),
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
        ("ts_lag(close, -1)", r"a lag is positive \(a label may, with label=True\)"),
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
        ("ts_ema(close, 5)", 56),  # (2/3)^57 < 1e-10
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
    formula = parse("cs_rank(sue(net_profit)) + ts_mean(close, 5) + (close > 1 ? close : nan)")
    assert copy.copy(formula) is formula
    assert copy.deepcopy(formula) is formula
    assert pickle.loads(pickle.dumps(formula)) is formula  # as joblib sends it


def test_an_expression_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        parse("close").word = "open"


def test_what_is_not_known_is_one_number() -> None:
    assert number(float("nan")) is number(-math.nan)
    assert parse("close > 1 ? close : nan") is parse("close > 1 ? close : -nan")


def test_an_asset_is_named_bare_or_in_quotes() -> None:
    formula = parse("close / cs_asset(close, 600000.SH)")
    for spelled in ("SH600000", "'sh600000'", '"600000.SH"', "sh.600000".join("''"), "600000.xshg"):
        assert parse(f"close / cs_asset(close, {spelled})") is formula
    assert formula.assets == {"600000.SH"}
    assert formula.fields == {"adjusted_close"}
    assert repr(formula) == "close / cs_asset(close, 600000.SH)"
    assert repr(parse("cs_asset(close, AAPL)")) == 'cs_asset(close, "AAPL")'
    assert parse("cs_asset(close, 'O\"K')") is parse(repr(parse("cs_asset(close, 'O\"K')")))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("cs_asset(close, 5)", 17),
        ("cs_asset(close, open + 1)", 22),
        ("cs_asset(close, '')", 17),
        ("cs_asset(600000.SH, close)", 10),
        ("cs_rank(close) + 'close'", 18),
    ],
)
def test_an_asset_stands_only_where_one_is_asked_for(text: str, column: int) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.column + 1 == column


@pytest.mark.parametrize(
    ("text", "lookback", "lookahead"),
    [
        ("ts_lag(close, -2)", 0, 2),
        ("ts_lag(ts_mean(close, 5), -2)", 2, 2),
        ("ts_lag(ts_lag(close, -5), 2)", 2, 3),
        ("ts_delta(close, -3)", 0, 3),
        ("ts_return(ts_lag(close, 1), -6)", 1, 6),
        ("ts_lag(close, -6) / ts_lag(close, -1) - 1", 0, 6),
        ("close", 0, 0),
    ],
)
def test_a_label_may_read_the_future_and_says_how_far(
    text: str, lookback: int, lookahead: int
) -> None:
    target = parse(text, label=True)
    assert (target.lookback, target.lookahead) == (lookback, lookahead)
    if lookahead:
        with pytest.raises(LookAheadFormula):
            parse(text)


def test_a_label_cannot_hide_inside_a_signal() -> None:
    target = parse("ts_lag(close, -2)", label=True)
    with pytest.raises(Misfit, match=r"ts_lag\(close, -2\) is known only later") as caught:
        call("ts_mean", (target, number(5)))
    assert caught.value.future
    assert call("ts_mean", (target, number(5)), label=True).lookahead == 2


@pytest.mark.parametrize(
    "text", ["ts_mean(close, -5)", "bar_sum(bar_lag(close, -1))", "ts_lag(close, 0)"]
)
def test_a_label_has_no_negative_windows_either(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text, label=True)


def test_a_sum_of_five_thousand_terms_reads_and_prints() -> None:
    text = " + ".join(f"ts_mean(close, {window})" for window in range(1, 2501))
    formula = parse(text)
    assert (formula.size, formula.lookback) == (9_999, 2_499)
    assert repr(formula) == text
    assert parse(repr(formula)) is formula
    assert sum(1 for _ in formula.walk()) == 7_500


def test_five_thousand_calls_in_one_another_read_print_and_travel() -> None:
    formula = minus = name("close", "daily")
    for _ in range(5_000):
        formula = call("ts_mean", (formula, number(5)))
        minus = call("negate", (minus,))
    assert formula.lookback == 20_000
    for deep in (formula, minus):
        assert parse(repr(deep)) is deep
        assert pickle.loads(pickle.dumps(deep)) is deep
        assert copy.deepcopy(deep) is deep
    assert parse("(" * 5_000 + "close" + ")" * 5_000) is name("close", "daily")


def test_a_formula_of_more_than_a_hundred_thousand_nodes_is_refused() -> None:
    text = "close"
    for _ in range(16):
        text = f"({text}+{text})"
    with pytest.raises(FormulaError, match="more than 100,000 nodes"):
        parse(text)
    doubled = name("close", "daily")
    for _ in range(15):  # as written it doubles each time
        doubled = call("add", (doubled, doubled))
    with pytest.raises(Misfit, match="more than 100,000 nodes"):
        call("add", (doubled, call("abs", (doubled,))))


def test_an_unknown_syntax_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match="unknown syntax 'qlip'; did you mean 'qlib'"):
        parse("close", "qlip")
    with pytest.raises(UnknownName, match="unknown syntax"):
        name_columns("close", "python")


def test_each_field_has_the_column_where_it_is_first_named() -> None:
    found = name_columns("cs_group_rank(close / ttm(revenue) + close, industry) + raw_open")
    assert found == {
        ("daily", "close"): 14,
        ("quarter", "revenue"): 26,
        ("group", "industry"): 44,
        ("daily", "raw_open"): 56,
    }
    assert name_columns("Mean($close, 5)/$factor", "qlib") == {
        ("daily", "close"): 5,
        ("daily", "adjust_factor"): 16,
    }
