"""WorldQuant's and Guotai Junan's spelling: `rank(ts_argmax(x, 5))`, `SMA(MAX(CLOSE-DELAY(CLOSE,1),0),6,1)`.

Capitals do not matter. `?:`, `||`, `&&`, `^`, and `=` for equality are read; a comparison is 1 or 0. Windows
that are no whole numbers are rounded down, as the first source says. `indneutralize` takes the groups of the
market: its three levels of `IndClass` are all the market's `industry`.

**min and max.** The first source defines `max(x, d)` as the maximum of d sessions, yet both sources write
`max(x, y)` of two signals and `MAX(x, 0)`. The rule here: a second argument that is a plain whole number of
at least 2 is a window; anything else is compared value by value.

Misprints of the second source (DELAT, HGIH, SMEAN, BANCHMARK…, full-width signs, `.*` and `./`) are read as
what they stand for. What it leaves out (a window, a right parenthesis) is not guessed.

Sources: Kakushadze (2016), "101 Formulaic Alphas", Wilmott 84, appendix A. Guotai Junan Securities (2017),
"基于短周期价量特征的多因子选股体系" (191 alphas), table of functions.
"""

from __future__ import annotations

import math
import re

from superhet.factors.expression import Expression, name, number
from superhet.factors.spelling.base import Dialect
from superhet.factors.spelling.lexer import NAME, Token, pattern
from superhet.factors.spelling.parser import Parser
from superhet.factors.spelling.superhet import COMPARISONS, INFIX, MEANT, PREFIX
from superhet.factors.spelling.table import Rule, Table, TableCall, by_name, constant, plain, rules

FUNCTIONS = """
rank(x)                        cs_rank(x)
scale(x)                       cs_scale(x)
scale(x, a)                    a * cs_scale(x)
indneutralize(x, group)        cs_group_demean(x, group)
abs(x)                         abs(x)
log(x)                         log(x)
sign(x)                        sign(x)
sqrt(x)                        sqrt(x)
exp(x)                         exp(x)
power(x, a)                    x ^ a
signedpower(x, a)              signed_power(x, a)
max(x, window)                 ts_max(x, window)
max(x, y)                      maximum(x, y)
min(x, window)                 ts_min(x, window)
min(x, y)                      minimum(x, y)
delay(x)                       ts_lag(x, 1)
delay(x, d)                    ts_lag(x, d)
delta(x, d)                    ts_delta(x, d)
sum(x, d)                      ts_sum(x, d)
mean(x, d)                     ts_mean(x, d)
product(x, d)                  ts_product(x, d)
stddev(x, d)                   ts_std(x, d)
ts_min(x, d)                   ts_min(x, d)
ts_max(x, d)                   ts_max(x, d)
ts_rank(x, d)                  ts_rank(x, d)
ts_argmax(x, d)                ts_idxmax(x, d)
ts_argmin(x, d)                ts_idxmin(x, d)
highday(x, d)                  ts_argmax(x, d)
lowday(x, d)                   ts_argmin(x, d)
correlation(x, y, d)           ts_corr(x, y, d)
covariance(x, y, d)            ts_cov(x, y, d)
decay_linear(x, d)             ts_decay_linear(x, d)
wma(x, d)                      ts_decay_exp(x, d, 0.9)
sma(x, n, m)                   ts_sma(x, n, m)
count(c, d)                    ts_count(c, d)
sumif(x, d, c)                 ts_sum(c ? x : 0, d)
filter(x, c)                   c ? x : nan
sumac(x, d)                    ts_sum(x, d)
regbeta(y, sequence)           ts_slope(y, sequence)
regbeta(y, sequence, d)        ts_slope(y, d)
regbeta(y, x, d)               ts_beta(y, x, d)
regresi(y, sequence)           ts_residual(y, sequence)
regresi(y, sequence, d)        ts_residual(y, d)
regresi(y, x, d)               ts_regression_residual(y, x, d)
regresi(y, x1, x2, d)          ! a regression has one explaining series here
regresi(y, x1, x2, x3, d)      ! a regression has one explaining series here
"""
ALIASES = """
correlation   corr
covariance    cov coviance
decay_linear  decaylinear
delta         delat
mean          ma ts_mean
product       prod ts_product
sma           smean
stddev        std ts_stddev
sum           ts_sum
ts_max        tsmax
ts_min        tsmin
ts_rank       tsrank
"""
FIELDS = """
ret                    returns
cap                    market_cap
vol                    volume
hgih                   high
benchmarkindexclose    benchmark_close
banchmarkindexclose    benchmark_close
benchmarkindexopen     benchmark_open
banchmarkindexopen     benchmark_open
dtm                    open <= ts_lag(open, 1) ? 0 : maximum(high - open, open - ts_lag(open, 1))
dbm                    open >= ts_lag(open, 1) ? 0 : maximum(open - low, open - ts_lag(open, 1))
tr                     maximum(maximum(high - low, abs(high - ts_lag(close, 1))), abs(low - ts_lag(close, 1)))
hd                     high - ts_lag(high, 1)
ld                     ts_lag(low, 1) - low
self                   ! a formula cannot refer to its own value of the day before; write the product or sum that it means
"""  # noqa: E501 - one rule a line
_AVERAGE = Rule("adv{d}", "adv", ("d",), "ts_mean(amount, d)", "")
_LEVELS = ("sector", "industry", "subindustry")
_SEQUENCE = re.compile(r"sequence(?:\(([0-9]+)\))?")


def _days(parser: Parser, node: Expression, column: int) -> Expression:
    """Kind of a window or lag: arithmetic is worked out, fractions are rounded down."""
    node = constant(node)
    if node.kind != "number" or math.isnan(node.value) or node.value == int(node.value):
        return node
    if 0 < node.value < 1:
        parser.fail(f"a window of {node!r} days is rounded down to 0; it must be 1 or more", column)
    return number(math.floor(node.value))


def _window(parser: Parser, node: Expression, column: int) -> Expression | None:
    """Kind of a second argument of min and max that is a window."""
    plain_whole = node.kind == "number" and node.value >= 2 and node.value == int(node.value)
    return node if plain_whole else None


def _sequence(parser: Parser, node: Expression, column: int) -> Expression | None:
    """Kind of the days 1, 2, …, n to regress on: gives n where it is said."""
    counted = _SEQUENCE.fullmatch(node.word) if node.level == "group" else None
    if counted is None:
        return None
    return number(int(counted[1])) if counted[1] else node


class _Sequence:
    """`SEQUENCE(n)`, which only a regression can use: a name that is no signal."""

    signature = "sequence(n)"

    def context(self, position: int) -> str:
        return "daily"

    def build(
        self,
        parser: Parser,
        token: Token,
        arguments: tuple[Expression, ...],
        columns: list[int],
    ) -> Expression:
        length = constant(arguments[0]) if len(arguments) == 1 else None
        if length is None or length.kind != "number" or not 1 <= length.value <= 1e6:
            parser.fail(f"{token.text} takes one whole number of days", token.column)
        return name(f"sequence({int(length.value)})", "group")


class _Names:
    """Names of functions, fields and groups in any case."""

    def __init__(self) -> None:
        functions = by_name(FUNCTIONS)
        for line in ALIASES.strip().splitlines():
            meant, *others = line.split()
            functions |= {other: functions[meant] for other in others}
        self.table = Table(
            syntax="worldquant",
            functions=functions,
            fields={r.name: r for r in rules(FIELDS)},
            kinds={
                "d": _days,
                "n": plain,
                "m": plain,
                "window": _window,
                "sequence": _sequence,
            },
        )

    def field(self, parser: Parser, token: Token, context: str) -> Expression:
        word = token.text.lower()
        if context == "group":
            level = word.removeprefix("indclass.")
            known = word.startswith("indclass.") and level in _LEVELS
            group = "industry" if known else word.rsplit(".", 1)[-1]
            return self.table.named(parser, token, group, "group")
        if word == "sequence":
            return name("sequence", "group")
        if word in self.table.functions:
            signature = TableCall(self.table, self.table.functions[word], "").signature
            parser.fail(f"{token.text} is a function: {signature}", token.column)
        if (average := re.fullmatch("adv([0-9]+)", word)) is not None:
            days = {"d": number(float(average[1]))}
            return self.table.expand(parser, token, _AVERAGE, days, {})
        return self.table.field(parser, token, word)

    def function(self, parser: Parser, token: Token, context: str) -> TableCall | _Sequence:
        word = token.text.lower()
        if word == "sequence":
            return _Sequence()
        return self.table.function(parser, token, word, context)


WORLDQUANT = Dialect(
    name="worldquant",
    pattern=pattern(
        ["&&", "||", ".*", "./", ".^", "=", *COMPARISONS, *"-+*/^()<>,?:&|!"],
        name=rf"{NAME}(?:\.{NAME})?",
    ),
    meant={"and": "and", "or": "or", "=": "==", ".*": "*", "./": "/", ".^": "^", **MEANT},
    infix=INFIX,
    prefix=PREFIX,
    choice=True,
    reader=_Names(),
    chain="join two comparisons with '&&'",
    hints={
        "*": "; a power is written ^",
        "$": "; fields with $ are Qlib's spelling, read with the syntax 'qlib'",
    },
    any_case=True,
    same=str.maketrans("（），？：＝－–—−＋＊／＜＞｜＆", "(),?:=----+*/<>|&"),
)
