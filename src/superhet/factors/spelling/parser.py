"""Parser: tokens -> expression, one for all spellings, without recursion.

Operators wait on a stack until what follows binds less tightly; each open parenthesis, call and choice is a
frame on another stack. So a formula may be as deep or as long as it likes, and the two questions of every
step are:

1. an operand is wanted: a sign, a parenthesis, a call, a number or a name   -> Parser._operand
2. an operand was read: an operator, or the end of the innermost frame       -> Parser._after
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from superhet.errors import FormulaError, LookAheadFormula
from superhet.factors.expression import Expression, Level, call, name, number
from superhet.factors.fitting import Misfit, brief
from superhet.factors.spelling.base import Dialect, Function, Infix
from superhet.factors.spelling.lexer import Token, tokens

_CHOICE = Infix("where", binding=0, inside=0, chain="right")


class Pending(NamedTuple):
    """An operator that waits for its last operand."""

    word: str
    binding: int
    inside: int
    column: int
    before: tuple[Expression, ...]


@dataclass(slots=True)
class Frame:
    """A parenthesis, a call, or the first side of a choice that is still open.

    Parameters
    ----------
    kind : "formula", "group", "call" or "choice"
    token : where it opened; of a call the function's name
    context : what a bare name means in it
    operand : what was read last, None where an operand is wanted
    """

    kind: str
    token: Token
    context: str
    operand: Expression | None = None
    pending: list[Pending] = field(default_factory=list)
    function: Function | None = None
    arguments: list[Expression] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)


@dataclass
class Reading:
    """One formula that is being read.

    Parameters
    ----------
    text : what errors show
    label : whether it may read the future
    columns : level and name of each field -> where it is first named
    """

    text: str
    label: bool = False
    columns: dict[tuple[Level, str], int] = field(default_factory=dict)


class Parser:
    """Read the tokens of one formula, or of a rule that spells a function of another spelling.

    Parameters
    ----------
    reading : the formula; its text is what errors point into
    dialect : how it is spelled
    rule : the tokens to read instead of the text, with columns of the text
    bound : names that stand for operands already read
    title : what messages open with
    """

    def __init__(
        self,
        reading: Reading,
        dialect: Dialect,
        *,
        rule: list[Token] | None = None,
        bound: Mapping[str, Expression] | None = None,
        title: str = "",
    ) -> None:
        self.reading, self.dialect, self.title = reading, dialect, title
        self.bound: Mapping[str, Expression] = {} if bound is None else bound
        self._tokens = tokens(reading.text, dialect) if rule is None else rule
        self._at = 0

    def formula(self) -> Expression:
        """Read everything."""
        self._frames = [Frame("formula", self._tokens[0], "daily")]
        while True:
            token = self._tokens[self._at]
            self._at += 1
            frame = self._frames[-1]
            if frame.operand is None:
                self._operand(frame, token)
            elif token.kind == "end" and frame.kind == "formula":
                return self._closed(frame)
            else:
                self._after(frame, token)

    def fail(self, message: str, column: int) -> NoReturn:
        """Stop with an error that points at a column."""
        raise FormulaError(f"{self.title}{message}", self.reading.text, column)

    def make(
        self, word: str, column: int, arguments: tuple[Expression, ...], columns: list[int]
    ) -> Expression:
        """Give a call; an error points at the argument that does not fit."""
        try:
            return call(word, arguments, label=self.reading.label)
        except Misfit as error:
            misfit = error
        at = column if misfit.argument is None else columns[misfit.argument]
        if not misfit.future:
            self.fail(misfit.message, at)
        inside = ", ".join(brief(a) for a in arguments)
        message = f"{self.title}{word}({inside}) reads the future; {misfit.message}"
        raise LookAheadFormula(message, self.reading.text, at)

    def named(self, word: str, level: Level, column: int) -> Expression:
        """Give the node of a field, and remember where it was first named."""
        try:
            node = name(word, level)
        except Misfit as error:
            misfit = error
        else:
            self.reading.columns.setdefault((node.level, node.word), column)
            return node
        self.fail(misfit.message, column)

    def _operand(self, frame: Frame, token: Token) -> None:
        sign = self.dialect.prefix.get(token.text) if token.kind == "symbol" else None
        if sign is not None and (not frame.pending or frame.pending[-1].inside <= sign.binding):
            waits = Pending(sign.word, sign.binding, sign.binding, token.column, ())
            frame.pending.append(waits)
        elif token.kind == "symbol" and token.text == "(":
            self._frames.append(Frame("group", token, frame.context))
        elif token.kind == "number":
            frame.operand = self._number(token)
        elif token.kind == "name" and self._next_is("("):
            self._at += 1
            function = self.dialect.reader.function(self, token, frame.context)
            self._frames.append(Frame("call", token, function.context(0), function=function))
            self._frames[-1].columns.append(self._tokens[self._at].column)
        elif token.kind == "name" and token.text in self.bound:
            frame.operand = self.bound[token.text]
        elif token.kind in ("asset", "text") and frame.context == "asset":
            word = token.text[1:-1] if token.kind == "text" else token.text
            frame.operand = self.named(word, "asset", token.column)
        elif token.kind in ("name", "field"):
            frame.operand = self.dialect.reader.field(self, token, frame.context)
        elif token == Token("symbol", ")", token.column) and self._is_bare(frame):
            self._close_call(frame)
        else:
            hint = "; only the name of an asset stands here like this, as in cs_asset(x, 600000.SH)"
            known = hint if token.kind in ("asset", "text") else self._hint(token)
            self.fail(f"expected a value, found {token.text!r}{known}", token.column)

    def _after(self, frame: Frame, token: Token) -> None:
        symbol = token.text if token.kind == "symbol" else ""
        infix = self.dialect.infix.get(symbol)
        if infix is not None:
            self._wait(frame, token, infix)
        elif symbol == "?" and self.dialect.choice:
            condition = self._reduced(frame, token, _CHOICE)
            frame.operand = None
            opened = Frame("choice", token, frame.context, arguments=[condition])
            self._frames.append(opened)
        elif symbol == ":" and frame.kind == "choice":
            sides = (frame.arguments[0], self._closed(frame))
            self._frames.pop()
            waits = Pending("where", 0, 0, frame.token.column, sides)
            self._frames[-1].pending.append(waits)
        elif symbol == "," and frame.kind == "call" and frame.function is not None:
            frame.arguments.append(self._closed(frame))
            frame.operand = None
            frame.context = frame.function.context(len(frame.arguments))
            frame.columns.append(self._tokens[self._at].column)
        elif symbol == ")" and frame.kind == "group":
            self._frames.pop()
            self._frames[-1].operand = self._closed(frame)
        elif symbol == ")" and frame.kind == "call":
            frame.arguments.append(self._closed(frame))
            self._close_call(frame)
        else:
            self._unexpected(frame, token)

    def _wait(self, frame: Frame, token: Token, infix: Infix) -> None:
        left = self._reduced(frame, token, infix)
        waits = Pending(infix.word, infix.binding, infix.inside, token.column, (left,))
        frame.pending.append(waits)
        frame.operand = None

    def _reduced(self, frame: Frame, token: Token, coming: Infix) -> Expression:
        """Complete the operators that hold the last operand more tightly than the coming one."""
        assert frame.operand is not None
        node = frame.operand
        while frame.pending:
            top = frame.pending[-1]
            if top.binding < coming.binding:
                break
            if top.binding == coming.binding and top.before:
                if coming.chain == "right":
                    break
                if coming.chain == "never":
                    self.fail(self.dialect.chain, token.column)
            node = self._applied(frame.pending.pop(), node)
        return node

    def _closed(self, frame: Frame) -> Expression:
        """Complete all that waits in a frame."""
        assert frame.operand is not None
        node = frame.operand
        while frame.pending:
            node = self._applied(frame.pending.pop(), node)
        return node

    def _applied(self, operator: Pending, node: Expression) -> Expression:
        if operator.word == "plus":
            return node
        if operator.word == "minus":
            if node.kind == "number":
                return number(-node.value)
            return self.make("negate", operator.column, (node,), [operator.column])
        if operator.word == "not":
            sides = (node, number(0))
            return self.make("equal", operator.column, sides, [operator.column] * 2)
        operands = (*operator.before, node)
        return self.make(
            operator.word, operator.column, operands, [operator.column] * len(operands)
        )

    def _close_call(self, frame: Frame) -> None:
        assert frame.function is not None
        self._frames.pop()
        arguments = tuple(frame.arguments)
        node = frame.function.build(self, frame.token, arguments, frame.columns)
        self._frames[-1].operand = node

    def _number(self, token: Token) -> Expression:
        value = float(token.text)
        if math.isinf(value):
            self.fail(f"{token.text} is too large", token.column)
        return number(value)

    def _next_is(self, symbol: str) -> bool:
        after = self._tokens[self._at]
        return after.kind == "symbol" and after.text == symbol

    @staticmethod
    def _is_bare(frame: Frame) -> bool:
        """Say whether a call is closed as soon as it was opened."""
        return frame.kind == "call" and not frame.arguments and not frame.pending

    def _hint(self, token: Token) -> str:
        return self.dialect.hints.get(token.text, "") if token.kind in ("symbol", "name") else ""

    def _unexpected(self, frame: Frame, token: Token) -> NoReturn:
        hint = self._hint(token)
        if frame.kind == "formula" or hint:
            few = ", one ( too few" if token.text == ")" else ""
            self.fail(f"did not expect {token.text!r} here{few}{hint}", token.column)
        opened = frame.token.column + 1
        wanted = {
            "group": f"')' to close the one at column {opened}",
            "choice": "':' between the two sides of a choice",
        }
        if frame.function is not None:
            wanted["call"] = f"')' or ',' in {frame.function.signature}"
        self.fail(f"expected {wanted[frame.kind]}, found {token.text!r}", token.column)
