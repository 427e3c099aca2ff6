"""Qlib's spelling: each operator of pyqlib 0.9.7, Python's precedence, and what is refused."""

from __future__ import annotations

import ast
import random

import pytest

from superhet.errors import FormulaError, LookAheadFormula
from superhet.factors import parse
from superhet.factors.expression import Expression, call, name, number

OPERATORS = [
    ("Ref($close, 1)", "ts_lag(close, 1)"),
    ("Mean($close, 5)", "ts_mean(close, 5)"),
    ("Sum($volume, 5)", "ts_sum(volume, 5)"),
    ("Std($close, 5)", "ts_std(close, 5)"),
    ("Var($close, 5)", "ts_var(close, 5)"),
    ("Skew($close, 5)", "ts_skew(close, 5)"),
    ("Kurt($close, 5)", "ts_kurt(close, 5)"),
    ("Max($high, 5)", "ts_max(high, 5)"),
    ("Min($low, 5)", "ts_min(low, 5)"),
    ("IdxMax($high, 5)", "ts_idxmax(high, 5)"),
    ("IdxMin($low, 5)", "ts_idxmin(low, 5)"),
    ("Quantile($close, 5, 0.8)", "ts_quantile(close, 5, 0.8)"),
    ("Med($close, 5)", "ts_median(close, 5)"),
    ("Mad($close, 5)", "ts_mad(close, 5)"),
    ("Rank($close, 5)", "ts_rank(close, 5)"),
    ("Count($close, 5)", "ts_known(close, 5)"),
    ("Delta($close, 5)", "ts_delta(close, 5)"),
    ("Slope($close, 5)", "ts_slope(close, 5)"),
    ("Rsquare($close, 5)", "ts_rsquare(close, 5)"),
    ("Resi($close, 5)", "ts_residual(close, 5)"),
    ("WMA($close, 5)", "ts_qlib_wma(close, 5)"),
    ("EMA($close, 5)", "ts_ema(close, 5)"),
    ("EMA($close, 0.25)", "ts_ewm(close, 0.25)"),
    ("EMA($close, 1/4)", "ts_ewm(close, 0.25)"),
    ("Corr($close, $volume, 5)", "ts_corr(close, volume, 5)"),
    ("Cov($close, $volume, 5)", "ts_cov(close, volume, 5)"),
    ("Abs($close)", "abs(close)"),
    ("Sign($close)", "sign(close)"),
    ("Log($volume+1)", "log(volume + 1)"),
    ("Power($close, 2)", "close ^ 2"),
    ("Add($close, $open)", "close + open"),
    ("Sub($close, $open)", "close - open"),
    ("Mul($close, 2)", "close * 2"),
    ("Div($close, $open)", "close / open"),
    ("Greater($open, $close)", "maximum(open, close)"),
    ("Less($open, $close)", "minimum(open, close)"),
    ("Gt($open, $close)", "open > close"),
    ("Ge($open, $close)", "open >= close"),
    ("Lt($open, $close)", "open < close"),
    ("Le($open, $close)", "open <= close"),
    ("Eq($open, $close)", "open == close"),
    ("Ne($open, $close)", "open != close"),
    ("And($open>1, $close>1)", "open > 1 and close > 1"),
    ("Or($open>1, $close>1)", "open > 1 or close > 1"),
    ("Not($open>1)", "not open > 1"),
    ("If($close>$open, $volume, 0)", "close > open ? volume : 0"),
    ('Mask($close, "SH600000")', "cs_asset(close, 600000.SH)"),
    ("ChangeInstrument('sh000300', $close)", "cs_asset(close, 000300.SH)"),
]


@pytest.mark.parametrize(("text", "same"), OPERATORS, ids=[t for t, _ in OPERATORS])
def test_every_operator_is_one_of_ours(text: str, same: str) -> None:
    assert parse(text, "qlib") is parse(same)


@pytest.mark.parametrize(
    ("field", "same"),
    [
        *((p, p) for p in ("open", "high", "low", "close", "vwap", "volume", "amount", "turnover")),
        ("factor", "adjust_factor"),
        ("change", "returns"),
    ],
)
def test_prices_are_the_adjusted_ones_and_other_fields_the_markets(field: str, same: str) -> None:
    assert parse(f"Mean(${field}, 5)", "qlib") is parse(f"ts_mean({same}, 5)")


@pytest.mark.parametrize("instrument", ["SH600000", "'SH600000'", '"sh600000"', "600000.SH"])
def test_an_instrument_is_quoted_or_bare(instrument: str) -> None:
    assert parse(f"Mask($close, {instrument})", "qlib") is parse("cs_asset(close, 600000.SH)")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("($close-$open)/($high-$low+1e-12)", "(close - open) / (high - low + 1e-12)"),
        ("($high-Greater($open, $close))/$open", "(high - maximum(open, close)) / open"),
        ("Ref($close, 60)/$close", "ts_lag(close, 60) / close"),
        ("Mean($close>Ref($close, 1), 5)", "ts_mean(close > ts_lag(close, 1), 5)"),
        (
            "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), 30)",
            "ts_corr(close / ts_lag(close, 1), log(volume / ts_lag(volume, 1) + 1), 30)",
        ),
        (
            "Sum(Greater($close-Ref($close, 1), 0), 5)/(Sum(Abs($close-Ref($close, 1)), 5)+1e-12)",
            "ts_sum(maximum(close - ts_lag(close, 1), 0), 5)"
            " / (ts_sum(abs(close - ts_lag(close, 1)), 5) + 1e-12)",
        ),
        ("Mean($close, 2*5)", "ts_mean(close, 10)"),
    ],
)
def test_formulas_of_alpha158_read(text: str, same: str) -> None:
    assert parse(text, "qlib") is parse(same)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-$close**2", "-(close ^ 2)"),
        ("$close**-1", "close ^ -1"),
        ("$close**2**3", "close ^ (2 ^ 3)"),
        ("-1*$close", "-1 * close"),
        ("+$close", "close"),
        ("$close-$open-$high", "(close - open) - high"),
        ("$close&$open|$high", "(close and open) or high"),
        ("$close+1&$open", "(close + 1) and open"),
        ("$close > $open | $high", "close > (open or high)"),
        ("($close>$open)&($high>$low)", "close > open and high > low"),
        ("$close+1 > $open*2", "close + 1 > open * 2"),
    ],
)
def test_operators_bind_as_in_python(text: str, same: str) -> None:
    assert parse(text, "qlib") is parse(same)


OPERATIONS = ["+", "-", "*", "/", "**", "&", "|", ">", ">=", "<", "<=", "==", "!="]
OF_PYTHON = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.BitAnd: "both",
    ast.BitOr: "either",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


def as_python_reads(node: ast.expr) -> Expression:
    """Build what Python's own grammar reads."""
    if isinstance(node, ast.Name):
        return name(node.id, "daily")
    if isinstance(node, ast.Constant):
        return number(float(str(node.value)))
    if isinstance(node, ast.UnaryOp):
        below = as_python_reads(node.operand)
        if isinstance(node.op, ast.UAdd):
            return below
        return number(-below.value) if below.kind == "number" else call("negate", (below,))
    if isinstance(node, ast.Compare):
        sides = (as_python_reads(node.left), as_python_reads(node.comparators[0]))
        return call(OF_PYTHON[type(node.ops[0])], sides)
    assert isinstance(node, ast.BinOp)
    return call(OF_PYTHON[type(node.op)], (as_python_reads(node.left), as_python_reads(node.right)))


def test_a_thousand_random_formulas_bind_as_pythons_grammar_says() -> None:
    draw = random.Random(7)

    def written(depth: int) -> str:
        if depth == 0 or draw.random() < 0.2:
            return draw.choice(["$close", "$open", "$volume", "2", "0.5"])
        if draw.random() < 0.2:
            return draw.choice("+-") + written(depth - 1)
        inside = f"{written(depth - 1)}{draw.choice(OPERATIONS)}{written(depth - 1)}"
        return f"({inside})" if draw.random() < 0.3 else inside

    read = 0
    while read < 1_000:
        text = f"$high*{written(4)}"
        tree = ast.parse(text.replace("$", ""), mode="eval").body
        if any(isinstance(n, ast.Compare) and len(n.ops) > 1 for n in ast.walk(tree)):
            with pytest.raises(FormulaError, match="put each comparison in parentheses"):
                parse(text, "qlib")
            continue
        assert parse(text, "qlib") is as_python_reads(tree)
        read += 1


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("Meen($close, 5)", 1, "unknown function 'Meen'; did you mean 'Mean'"),
        ("mean($close, 5)", 1, "did you mean 'Mean'"),
        ("ts_mean($close, 5)", 1, "it is superhet's spelling, this text is read with 'qlib'"),
        ("Mean(close, 5)", 6, r"did not expect 'close'; a field is written \$close"),
        ("Mean($close)", 1, r"Mean is called as Mean\(x, N\), got 1 argument "),
        ("Abs()", 1, r"Abs is called as Abs\(x\), got 0 arguments"),
        ("Mean + 1", 1, r"Mean is a function: Mean\(x, N\)"),
        ("Mean($close, 0)", 14, "expanding window"),
        ("Ref($close, 0)", 13, "write the number of sessions"),
        ("Mean($close, 2.5)", 14, r"Mean\(x, N\): .*window must be a whole number, got 2.5"),
        ("Mean($close, 0.5)", 14, "window must be a whole number, got 0.5"),
        ("Mean($close, $open)", 14, "window must be a plain number, not open"),
        ("EMA($close, $open)", 13, r"EMA\(x, N\): ts_ema"),
        ("Quantile($close, 5, 2)", 21, "must be at most 1, got 2"),
        ("$close > $open & $high > $low", 24, "put each comparison in parentheses"),
        ("$close ^ 2", 8, r"a power is written \*\*"),
        ("$close and $open", 8, r"write & or And\(x, y\)"),
        ("not $close", 1, r"write Not\(x\)"),
        ("~$close", 1, r"write Not\(x\)"),
        ("$close ? 1 : 2", 8, r"write If\(condition, x, y\)"),
        ("$close if 1 else 2", 8, r"write If\(condition, x, y\)"),
        ("$close = 2", 8, "equality is written =="),
        ("$ close", 1, r"a field is written \$close"),
        ("$log + 1", 1, "cannot be the name of a field"),
        ("$and + 1", 1, "cannot be the name of a field"),
        ("$5d + 1", 1, "cannot be the name of a field"),
        ("P($$roewa_q)", 1, r"statements are written in superhet's spelling, as in ttm"),
        ("PRef($$roewa_q, 201903)", 1, "superhet's spelling"),
        ("$close/$$net_profit", 8, r"as in ttm\(net_profit\)"),
        ("TResample($close, '1d', 'last')", 1, "bars of a day are reduced"),
        ("Mask($close, $open)", 14, "takes the name of an asset"),
        ("Mask($close, 5)", 14, "takes the name of an asset"),
        ("$close + 'SH600000'", 10, "only the name of an asset stands here like this"),
        ("1 + 2", 1, "at least one field"),
        ("__import__('os')", 1, "unknown function '__import__'"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text, "qlib")
    assert caught.value.column + 1 == column


def test_a_reference_to_tomorrow_is_for_labels_alone() -> None:
    with pytest.raises(LookAheadFormula, match="reads the future") as caught:
        parse("Ref($close, -1)", "qlib")
    assert caught.value.column == 12
    target = parse("Ref($close, -2)/Ref($close, -1) - 1", "qlib", label=True)
    assert target is parse("ts_lag(close, -2) / ts_lag(close, -1) - 1", label=True)
    assert (target.lookback, target.lookahead) == (0, 2)
