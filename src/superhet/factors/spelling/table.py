"""Tables: another spelling's functions and fields, each with what it is in superhet's spelling.

A table is text, one rule a line, two spaces or more between its sides::

    Mean(x, N)            ts_mean(x, N)
    EMA(x, share)         ts_ewm(x, share)
    EMA(x, N)             ts_ema(x, N)
    SUMIF(x, d, c)        ts_sum(c ? x : 0, d)
    self                  ! a formula cannot refer to its own value

The first rule fits whose name and number of parameters are those of the call, and whose parameters of a
*kind* accept their arguments; the kinds of a spelling are given beside its table. `!` opens the reason why
something cannot be read; `f(...)` refuses all calls of `f`. A rule is read by the parser of superhet's
spelling with its parameters bound to what was read, and its errors point at the argument in the user's text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from superhet.errors import did_you_mean
from superhet.factors.base import OPERATORS
from superhet.factors.expression import Expression, Level, number
from superhet.factors.spelling.lexer import NAME, Token, tokens
from superhet.factors.spelling.parser import Parser
from superhet.factors.spelling.superhet import SUPERHET

Kind: TypeAlias = "Callable[[Parser, Expression, int], Expression | None]"
_KEYWORDS = {"and", "or", "not", "nan"}
_ARITHMETIC: Mapping[str, Callable[..., float]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": math.pow,
    "negate": lambda x: -x,
}


@dataclass(frozen=True)
class Rule:
    """One line of a table.

    Parameters
    ----------
    written : the left side
    name, parameters : its parts
    meaning : the right side, in superhet's spelling; "" where it is refused
    refusal : why it cannot be read
    """

    written: str
    name: str
    parameters: tuple[str, ...]
    meaning: str
    refusal: str


def rules(text: str) -> list[Rule]:
    """Read a table.

    Examples
    --------
    >>> rules("Mean(x, N)    ts_mean(x, N)")[0].parameters
    ('x', 'N')
    """
    found = []
    for line in text.strip().splitlines():
        left, right = re.split(r" {2,}", line.strip(), maxsplit=1)
        name, _, inside = left.rstrip(")").partition("(")
        refused = right.startswith("!")
        found.append(
            Rule(
                written=left,
                name=name,
                parameters=tuple(p.strip() for p in inside.split(",")) if inside else (),
                meaning="" if refused else right,
                refusal=right.lstrip("! ") if refused else "",
            )
        )
    return found


def by_name(text: str) -> dict[str, list[Rule]]:
    """Read a table of functions: name -> its rules, in their order."""
    found: dict[str, list[Rule]] = {}
    for rule in rules(text):
        found.setdefault(rule.name, []).append(rule)
    return found


@dataclass(frozen=True, eq=False)
class Table:
    """The functions and fields of one spelling.

    Parameters
    ----------
    syntax : the spelling's name
    functions : name -> its rules
    fields : name -> its rule
    kinds : parameter -> what it does with its argument; None says that the rule does not fit
    """

    syntax: str
    functions: Mapping[str, list[Rule]]
    fields: Mapping[str, Rule]
    kinds: Mapping[str, Kind]

    def function(self, parser: Parser, token: Token, word: str, context: str) -> TableCall:
        """Give the function called `word`; the token is how the user wrote it."""
        found = self.functions.get(word)
        if found is None:
            hint = did_you_mean(word, self.functions)
            if token.text in OPERATORS:
                hint = f"; it is superhet's spelling, this text is read with {self.syntax!r}"
            parser.fail(f"unknown function {token.text!r}{hint}", token.column)
        if found[0].parameters == ("...",):
            parser.fail(f"{token.text}: {found[0].refusal}", token.column)
        return TableCall(self, found, context)

    def field(self, parser: Parser, token: Token, word: str) -> Expression:
        """Give the field called `word`; what the table does not know is a field of the market."""
        rule = self.fields.get(word)
        if rule is not None:
            return self.expand(parser, token, rule, {}, {})
        return self.named(parser, token, word, "daily")

    @staticmethod
    def named(parser: Parser, token: Token, word: str, level: Level) -> Expression:
        """Give a name of the market, if superhet's spelling can name it too."""
        if word in OPERATORS or word in _KEYWORDS or re.fullmatch(NAME, word) is None:
            what = "a classification" if level == "group" else "a field"
            parser.fail(f"{token.text!r} cannot be the name of {what}", token.column)
        return parser.named(word, level, token.column)

    def expand(
        self,
        parser: Parser,
        token: Token,
        rule: Rule,
        bound: Mapping[str, Expression],
        columns: Mapping[str, int],
    ) -> Expression:
        """Read the right side of a rule in the place of its left."""
        if rule.refusal:
            parser.fail(f"{token.text}: {rule.refusal}", token.column)
        words = [t._replace(column=columns.get(t.text, token.column)) for t in _words(rule.meaning)]
        title = f"{rule.written}: "
        return Parser(parser.reading, SUPERHET, rule=words, bound=bound, title=title).formula()


@dataclass(frozen=True)
class TableCall:
    """A call of a function of a table."""

    table: Table
    rules: list[Rule]
    around: str

    @property
    def signature(self) -> str:
        """How the function may be called."""
        return " or ".join(dict.fromkeys(rule.written for rule in self.rules))

    def context(self, position: int) -> str:
        """Say what a bare name means: groups and assets are named by their parameters."""
        for rule in self.rules:
            if position < len(rule.parameters):
                kind = rule.parameters[position]
                return kind if kind in ("group", "asset") else "daily"
        return "daily"

    def build(
        self,
        parser: Parser,
        token: Token,
        arguments: tuple[Expression, ...],
        columns: list[int],
    ) -> Expression:
        """Read the first rule that fits."""
        for rule in self.rules:
            if len(rule.parameters) != len(arguments):
                continue
            bound = self._bound(parser, rule, arguments, columns)
            if bound is not None:
                places = dict(zip(rule.parameters, columns, strict=False))
                return self.table.expand(parser, token, rule, bound, places)
        count = len(arguments)
        given = f"{count} argument{'' if count == 1 else 's'}"
        parser.fail(f"{token.text} is called as {self.signature}, got {given}", token.column)

    def _bound(
        self,
        parser: Parser,
        rule: Rule,
        arguments: tuple[Expression, ...],
        columns: list[int],
    ) -> dict[str, Expression] | None:
        """Bind the parameters, None if an argument is not of its kind."""
        bound = {}
        for parameter, argument, column in zip(rule.parameters, arguments, columns, strict=False):
            kind = self.table.kinds.get(parameter)
            node = argument if kind is None else kind(parser, argument, column)
            if node is None:
                return None
            bound[parameter] = node
        return bound


def constant(node: Expression) -> Expression:
    """Work out a number that is written as arithmetic (`2 * 5`); other nodes stay as they are."""
    if node.level != "number" or node.kind == "number":
        return node
    known: dict[Expression, float] = {}
    for part in node.walk():
        if part.kind == "number":
            known[part] = part.value
            continue
        work = _ARITHMETIC.get(part.word)
        if work is None:
            return node
        try:
            known[part] = work(*(known[a] for a in part.arguments))
        except (ArithmeticError, ValueError):
            return node
    return node if math.isinf(known[node]) else number(known[node])


def plain(parser: Parser, node: Expression, column: int) -> Expression:
    """Kind of a number: arithmetic is worked out."""
    return constant(node)


def share(parser: Parser, node: Expression, column: int) -> Expression | None:
    """Kind of a number between 0 and 1."""
    node = constant(node)
    return node if node.kind == "number" and 0 < node.value < 1 else None


@lru_cache(maxsize=1024)
def _words(meaning: str) -> tuple[Token, ...]:
    return tuple(tokens(meaning, SUPERHET))
