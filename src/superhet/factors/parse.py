"""Formula text -> Expression, by hand: no `eval`, and every error points at its column.

::

    formula    = choice
    choice     = either [ "?" choice ":" choice ]
    either     = both { ("or" | "|") both }
    both       = opposite { ("and" | "&") opposite }
    opposite   = ("not" | "!") opposite | comparison
    comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
    sum        = product { ("+" | "-") product }
    product    = unary { ("*" | "/") unary }
    unary      = ("-" | "+") unary | power
    power      = atom [ "^" unary ]
    atom       = number | name | name "(" choice { "," choice } ")" | "(" choice ")"

Names mean daily fields of the market; inside `bar_…(…)` fields of the bars; inside `latest`, `quarterly`,
`ttm`, `yoy`, `sue` and `change` columns of the statements. Bare prices are the adjusted ones, `raw_close`
is the price that was paid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from superhet.errors import FormulaError, LookAheadFormula, did_you_mean
from superhet.factors.base import OPERATORS, Operator
from superhet.factors.expression import (
    BAR_FIELDS,
    Expression,
    Level,
    Misfit,
    as_quarter,
    call,
    name,
    newest,
    number,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<symbol>&&|\|\||<=|>=|==|!=|[-+*/^()<>,?:&|!])|(?P<other>\S))"
)
_WORDS = {
    "and": "and",
    "or": "or",
    "not": "not",
    "&": "and",
    "&&": "and",
    "|": "or",
    "||": "or",
    "!": "not",
}
_INFIX = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_COMPARISONS = {
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
}
_DEEPEST = 40  # parentheses in one another; each costs a dozen frames of the stack
_STATED, _SINGLE = "stated", "single"


@dataclass(frozen=True)
class Token:
    """One word of a formula and the column where it begins."""

    kind: str
    text: str
    column: int


def parse(text: str) -> Expression:
    """Read a formula.

    Parameters
    ----------
    text : the formula, as in the module

    Returns
    -------
    the expression; equal formulas give one object

    Raises
    ------
    FormulaError
        if it cannot be read; points at the column
    LookAheadFormula
        if a lag or window is negative

    Examples
    --------
    >>> parse("-ts_return( close,5 )")
    -ts_return(close, 5)
    >>> parse("close/open - 1") is parse("close / open-1")
    True
    """
    return Parser(text).formula()


def name_columns(text: str) -> dict[tuple[Level, str], int]:
    """Give the column at which each field of a formula is first named."""
    parser = Parser(text)
    parser.formula()
    return parser.columns


@dataclass
class Parser:
    """Recursive descent over the tokens of one formula; `context` says what a bare name means."""

    text: str
    at: int = 0
    depth: int = 0
    context: list[str] = field(default_factory=lambda: ["daily"])
    columns: dict[tuple[Level, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens = self._tokens()

    def formula(self) -> Expression:
        """Read the whole text."""
        node = newest(self._choice())
        token = self._peek()
        if token.kind != "end":
            hint = ", one ( too few" if token.text == ")" else ""
            self._fail(f"did not expect {token.text!r} here{hint}", token.column)
        if node.level == "number":
            self._fail("a formula needs at least one field", 0)
        if node.level == "bar":
            self._fail("one value a bar; reduce it to the day with bar_sum, bar_last, …", 0)
        return node

    def _tokens(self) -> list[Token]:
        found, position = [], 0
        while position < len(self.text.rstrip()):
            match = _TOKEN.match(self.text, position)
            kind = str(match.lastgroup) if match else "other"
            if match is None or kind == "other":
                at = match.start("other") if match else position
                self._fail(f"did not expect {self.text[at]!r}", at)
            word = match[kind]
            if word in _WORDS:
                kind, word = "symbol", _WORDS[word]
            found.append(
                Token(
                    kind, word, match.start(kind if kind != "symbol" or match["symbol"] else "name")
                )
            )
            position = match.end()
        return [*found, Token("end", "the end", len(self.text.rstrip()))]

    def _fail(self, message: str, column: int) -> NoReturn:
        raise FormulaError(message, self.text, column)

    def _peek(self) -> Token:
        return self.tokens[self.at]

    def _next(self) -> Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def _take(self, *symbols: str) -> Token | None:
        token = self._peek()
        return self._next() if token.kind == "symbol" and token.text in symbols else None

    def _expect(self, symbol: str, why: str) -> None:
        token = self._peek()
        if self._take(symbol) is None:
            self._fail(f"expected {symbol!r} {why}, found {token.text!r}", token.column)

    def _build(self, word: str, column: int, *arguments: Expression) -> Expression:
        return self._call(word, column, arguments, [column] * len(arguments))

    def _call(
        self, word: str, column: int, arguments: tuple[Expression, ...], columns: list[int]
    ) -> Expression:
        try:
            return call(word, arguments)
        except Misfit as misfit:
            at = column if misfit.argument is None else columns[misfit.argument]
            if not misfit.future:
                raise FormulaError(misfit.message, self.text, at) from None
            inside = ", ".join(repr(a) for a in arguments)
            message = f"{word}({inside}) reads the future; {misfit.message}"
            raise LookAheadFormula(message, self.text, at) from None

    def _choice(self) -> Expression:
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail(f"the formula is nested deeper than {_DEEPEST}", self._peek().column)
        condition = self._either()
        mark = self._take("?")
        if mark is not None:
            yes = self._choice()
            self._expect(":", "between the two sides of a choice")
            condition = self._build("where", mark.column, condition, yes, self._choice())
        self.depth -= 1
        return condition

    def _either(self) -> Expression:
        left = self._both()
        while (mark := self._take("or")) is not None:
            left = self._build("either", mark.column, left, self._both())
        return left

    def _both(self) -> Expression:
        left = self._opposite()
        while (mark := self._take("and")) is not None:
            left = self._build("both", mark.column, left, self._opposite())
        return left

    def _opposite(self) -> Expression:
        marks = []
        while (mark := self._take("not")) is not None:
            marks.append(mark)
        node = self._comparison()
        for mark in reversed(marks):
            node = self._build("equal", mark.column, node, number(0))
        return node

    def _comparison(self) -> Expression:
        left = self._sum()
        mark = self._take(*_COMPARISONS)
        if mark is None:
            return left
        node = self._build(_COMPARISONS[mark.text], mark.column, left, self._sum())
        again = self._take(*_COMPARISONS)
        if again is not None:
            self._fail("join two comparisons with 'and'", again.column)
        return node

    def _sum(self) -> Expression:
        left = self._product()
        while (mark := self._take("+", "-")) is not None:
            left = self._build(_INFIX[mark.text], mark.column, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._unary()
        while (mark := self._take("*", "/")) is not None:
            left = self._build(_INFIX[mark.text], mark.column, left, self._unary())
        return left

    def _unary(self) -> Expression:
        marks = []
        while (mark := self._take("-", "+")) is not None:
            marks.append(mark)
        node = self._power()
        for mark in reversed(marks):
            if mark.text == "-":
                plain = node.kind == "number"
                node = number(-node.value) if plain else self._build("negate", mark.column, node)
        return node

    def _power(self) -> Expression:
        base = self._atom()
        mark = self._take("^")
        if mark is None:
            return base
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail(f"the formula is nested deeper than {_DEEPEST}", mark.column)
        node = self._build("power", mark.column, base, self._unary())
        self.depth -= 1
        return node

    def _atom(self) -> Expression:
        token = self._next()
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            if self._take("(") is not None:
                return self._function(token)
            return self._field(token)
        if token.text == "(" and token.kind == "symbol":
            inner = self._choice()
            self._expect(")", f"to close the one at column {token.column + 1}")
            return inner
        self._fail(f"expected a value, found {token.text!r}", token.column)

    def _number(self, token: Token) -> Expression:
        value = float(token.text)
        if value == float("inf"):
            self._fail(f"{token.text} is too large", token.column)
        return number(value)

    def _field(self, token: Token) -> Expression:
        context = self.context[-1]
        if token.text in OPERATORS:
            signature = OPERATORS.get(token.text).signature
            self._fail(f"{token.text} is a function: {signature}", token.column)
        level: Level = "quarter" if context in (_STATED, _SINGLE) else context  # type: ignore[assignment]  # contexts beside these two are levels
        if level == "bar" and token.text not in BAR_FIELDS:
            hint = did_you_mean(token.text, BAR_FIELDS)
            self._fail(f"bars have no field {token.text!r}{hint}", token.column)
        node = name(token.text, level)
        self.columns.setdefault((node.level, node.word), token.column)
        return as_quarter(node) if context == _SINGLE else node

    def _function(self, token: Token) -> Expression:
        if token.text not in OPERATORS:
            hint = did_you_mean(token.text, OPERATORS)
            self._fail(f"unknown function {token.text!r}{hint}", token.column)
        known = OPERATORS.get(token.text)
        arguments, columns = self._arguments(known)
        if known.family not in ("intraday", "statements"):
            inside = self.context[-1]
            if inside != "daily" and known.family != "elementwise":
                where = "a bar_ function" if inside == "bar" else "a statement function"
                self._fail(
                    f"{known.name} works on sessions and cannot stand inside {where}", token.column
                )
        return self._outside(self._call(token.text, token.column, tuple(arguments), columns))

    def _outside(self, node: Expression) -> Expression:
        """Take the newest quarter where a statement function leaves the statements."""
        return newest(node) if self.context[-1] not in (_STATED, _SINGLE) else node

    def _arguments(self, known: Operator) -> tuple[list[Expression], list[int]]:
        arguments: list[Expression] = []
        columns: list[int] = []
        if self._take(")") is not None:
            return arguments, columns
        while True:
            columns.append(self._peek().column)
            self.context.append(self._inside(known, len(arguments)))
            arguments.append(self._choice())
            self.context.pop()
            if self._take(",") is None:
                break
        self._expect(")", f"or ',' in {known.signature}")
        return arguments, columns

    def _inside(self, known: Operator, position: int) -> str:
        """Say what a bare name means in an argument of an operator."""
        if known.arguments and known.parameter(position).role.name == "group":
            return "group"
        if known.family == "intraday":
            return "bar"
        if known.family == "statements":
            return _STATED if known.name in ("latest", "quarterly", "ttm") else _SINGLE
        return self.context[-1]
