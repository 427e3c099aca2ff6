"""What a spelling tells the parser: its symbols with their bindings, and what names and functions mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from superhet.factors.expression import Expression
from superhet.factors.spelling.lexer import Token

if TYPE_CHECKING:
    from superhet.factors.spelling.parser import Parser


@dataclass(frozen=True)
class Infix:
    """A symbol between two operands.

    Parameters
    ----------
    word : the operator it calls
    binding : how tightly it holds its operands
    inside : how tightly a sign in front of its right operand must bind to stand there bare
    chain : how `a ∘ b ∘ c` reads: from the left, from the right, or not at all
    """

    word: str
    binding: int
    inside: int
    chain: Literal["left", "right", "never"] = "left"


@dataclass(frozen=True)
class Prefix:
    """A symbol before its operand: "minus", "plus" or "not"."""

    word: Literal["minus", "plus", "not"]
    binding: int


class Function(Protocol):
    """A function whose arguments are being read."""

    @property
    def signature(self) -> str:
        """How it is called, for messages."""
        ...

    def context(self, position: int) -> str:
        """Say what a bare name means in the argument at `position`."""
        ...

    def build(
        self,
        parser: Parser,
        token: Token,
        arguments: tuple[Expression, ...],
        columns: list[int],
    ) -> Expression:
        """Give the call; `token` is the function's name, `columns` where the arguments begin."""
        ...


class Reader(Protocol):
    """What names mean in a spelling; `context` is "daily", "bar", "group", "asset" or of statements."""

    def field(self, parser: Parser, token: Token, context: str) -> Expression:
        """Give what a name that is not called means."""
        ...

    def function(self, parser: Parser, token: Token, context: str) -> Function:
        """Give the function of that name."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Dialect:
    """One spelling.

    Parameters
    ----------
    name : as users write it
    pattern : of one token
    meant : symbol or word -> symbol of `infix`, `prefix` or the grammar
    infix, prefix : symbol -> operator
    choice : whether `c ? x : y` is known
    reader : what names and functions mean
    chain : what to write instead of two comparisons in a row
    hints : what users write by habit -> what this spelling writes instead
    any_case : whether capitals do not matter
    same : characters that stand for others, one for one
    """

    name: str
    pattern: re.Pattern[str]
    meant: Mapping[str, str]
    infix: Mapping[str, Infix]
    prefix: Mapping[str, Prefix]
    choice: bool
    reader: Reader
    chain: str
    hints: Mapping[str, str] = field(default_factory=dict)
    any_case: bool = False
    same: Mapping[int, int] = field(default_factory=dict)
