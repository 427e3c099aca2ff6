"""Qlib's spelling: `Mean($close, 5)/$close-1`, the operators of pyqlib 0.9.7.

Fields are marked with a dollar. Operators bind as in Python, where Qlib evaluates them: from loosest to
tightest comparisons, `|`, `&`, `+ -`, `* /`, signs, `**`; so `$close>$open & $high>$low` needs parentheses
around each comparison there as here. `$open $high $low $close $vwap` are adjusted prices in Qlib's data, and
are so here. What `x & y` gives for NaN, or a window that is not full, is not a matter of spelling but of the
convention under which a formula is evaluated.

Statements (`P`, `PRef`, `$$field`) are written in superhet's own spelling.

Source: Microsoft Qlib, `qlib.data.ops` and `qlib.utils.parse_field` of version 0.9.7.
"""

from __future__ import annotations

from superhet.factors.expression import Expression
from superhet.factors.spelling.base import Dialect, Infix, Prefix
from superhet.factors.spelling.lexer import Token, pattern
from superhet.factors.spelling.parser import Parser
from superhet.factors.spelling.superhet import COMPARISONS
from superhet.factors.spelling.table import Table, TableCall, by_name, constant, plain, rules, share

FUNCTIONS = """
Ref(x, N)                        ts_lag(x, N)
Mean(x, N)                       ts_mean(x, N)
Sum(x, N)                        ts_sum(x, N)
Std(x, N)                        ts_std(x, N)
Var(x, N)                        ts_var(x, N)
Skew(x, N)                       ts_skew(x, N)
Kurt(x, N)                       ts_kurt(x, N)
Max(x, N)                        ts_max(x, N)
Min(x, N)                        ts_min(x, N)
IdxMax(x, N)                     ts_idxmax(x, N)
IdxMin(x, N)                     ts_idxmin(x, N)
Quantile(x, N, level)            ts_quantile(x, N, level)
Med(x, N)                        ts_median(x, N)
Mad(x, N)                        ts_mad(x, N)
Rank(x, N)                       ts_rank(x, N)
Count(x, N)                      ts_known(x, N)
Delta(x, N)                      ts_delta(x, N)
Slope(x, N)                      ts_slope(x, N)
Rsquare(x, N)                    ts_rsquare(x, N)
Resi(x, N)                       ts_residual(x, N)
WMA(x, N)                        ts_qlib_wma(x, N)
EMA(x, share)                    ts_ewm(x, share)
EMA(x, N)                        ts_ema(x, N)
Corr(x, y, N)                    ts_corr(x, y, N)
Cov(x, y, N)                     ts_cov(x, y, N)
Abs(x)                           abs(x)
Sign(x)                          sign(x)
Log(x)                           log(x)
Power(x, y)                      x ^ y
Add(x, y)                        x + y
Sub(x, y)                        x - y
Mul(x, y)                        x * y
Div(x, y)                        x / y
Greater(x, y)                    maximum(x, y)
Less(x, y)                       minimum(x, y)
Gt(x, y)                         x > y
Ge(x, y)                         x >= y
Lt(x, y)                         x < y
Le(x, y)                         x <= y
Eq(x, y)                         x == y
Ne(x, y)                         x != y
And(x, y)                        x and y
Or(x, y)                         x or y
Not(x)                           not x
If(c, x, y)                      c ? x : y
Mask(x, asset)                   cs_asset(x, asset)
ChangeInstrument(asset, x)       cs_asset(x, asset)
P(...)                           ! statements are written in superhet's spelling, as in ttm(net_profit) or latest(equity)
PRef(...)                        ! statements are written in superhet's spelling, as in change(quarterly(revenue), 4)
TResample(...)                   ! a formula keeps the clock of its fields; bars of a day are reduced by bar_sum, bar_last, …
"""  # noqa: E501 - one rule a line
FIELDS = """
factor    adjust_factor
change    returns
"""
_COMPARISON, _OR, _AND, _SUM, _PRODUCT, _UNARY, _POWER = range(1, 8)


def _window(parser: Parser, node: Expression, column: int) -> Expression:
    """Kind of a window or lag: arithmetic is worked out, and 0 is refused."""
    node = constant(node)
    if node.kind == "number" and node.value == 0:
        parser.fail(
            "N = 0 asks for all history (an expanding window); write the number of sessions", column
        )
    return node


class _Names:
    """Names with a dollar are fields; all others are operators, or an asset."""

    table = Table(
        syntax="qlib",
        functions=by_name(FUNCTIONS),
        fields={r.name: r for r in rules(FIELDS)},
        kinds={"N": _window, "share": share, "level": plain},
    )

    def field(self, parser: Parser, token: Token, context: str) -> Expression:
        if token.kind == "name":
            if context == "asset":
                return parser.named(token.text, "asset", token.column)
            if token.text in self.table.functions:
                signature = TableCall(self.table, self.table.functions[token.text], "").signature
                parser.fail(f"{token.text} is a function: {signature}", token.column)
            hint = parser.dialect.hints.get(token.text, f"; a field is written ${token.text}")
            parser.fail(f"did not expect {token.text!r}{hint}", token.column)
        if token.text.startswith("$$"):
            parser.fail(
                f"{token.text} is a statement column; statements are written in superhet's "
                f"spelling, as in ttm({token.text[2:]})",
                token.column,
            )
        return self.table.field(parser, token, token.text[1:])

    def function(self, parser: Parser, token: Token, context: str) -> TableCall:
        return self.table.function(parser, token, token.text, context)


QLIB = Dialect(
    name="qlib",
    pattern=pattern(["**", *COMPARISONS, *"-+*/()<>,&|"], field=r"\$\$?\w+"),
    meant={"**": "^", "&": "and", "|": "or"},
    infix={
        **{s: Infix(w, _COMPARISON, _OR, "never") for s, w in COMPARISONS.items()},
        "or": Infix("either", _OR, _AND),
        "and": Infix("both", _AND, _SUM),
        "+": Infix("add", _SUM, _PRODUCT),
        "-": Infix("subtract", _SUM, _PRODUCT),
        "*": Infix("multiply", _PRODUCT, _UNARY),
        "/": Infix("divide", _PRODUCT, _UNARY),
        "^": Infix("power", _POWER, _UNARY, "right"),
    },
    prefix={"-": Prefix("minus", _UNARY), "+": Prefix("plus", _UNARY)},
    choice=False,
    reader=_Names(),
    chain="put each comparison in parentheses; & and | bind more tightly, as in Python",
    hints={
        "and": "; write & or And(x, y)",
        "or": "; write | or Or(x, y)",
        "not": "; write Not(x)",
        "if": "; write If(condition, x, y)",
        "^": "; a power is written **",
        "~": "; write Not(x)",
        "!": "; write Not(x)",
        "?": "; write If(condition, x, y)",
        "=": "; equality is written ==",
        "$": "; a field is written $close",
    },
)
