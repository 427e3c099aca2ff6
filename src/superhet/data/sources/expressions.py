"""Small formulas of a column map: arithmetic, comparisons, a few functions. Parsed into polars, never run.

``adj_close / close`` · ``where(_delisted, delist_date)`` · ``high < low or close is null`` ·
``_kind in ('report', 'express') and date >= '2015-01-01'``

Functions: where(condition, x) · coalesce(x, y, …) · abs(x) · rebased(x): x divided by its first known
value of the asset, carried forward over holes, 1 before (a factor that starts at 1 where it becomes known) ·
ex_right(close, previous): the adjust factor that follows from the exchange's ex-right previous close.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from superhet.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.table import Table

FUNCTIONS = ("abs", "coalesce", "ex_right", "rebased", "where")


def compile_expression(
    text: str, schema: Mapping[str, pl.DataType], spec: Table, key: str
) -> pl.Expr:
    """Turn the text of a formula into a polars expression over columns of `schema`.

    Raises
    ------
    ConfigError
        if the text cannot be read; `key` is its path in the column map
    UnknownName
        if it names a column or function that does not exist
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise ConfigError(key, f"{text!r} cannot be read: {error}") from error
    return _Compiler(text, schema, spec, key).visit(tree.body)


class _Compiler:
    def __init__(self, text: str, schema: Mapping[str, pl.DataType], spec: Table, key: str) -> None:
        self.text, self.schema, self.spec, self.key = text, schema, spec, key

    def visit(self, node: ast.expr) -> pl.Expr:
        import polars as pl

        if isinstance(node, ast.Name):
            if node.id not in self.schema:
                known = [c for c in self.schema if c not in ("_file", "_row")]
                raise UnknownName("column", node.id, known, self.key)
            return pl.col(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            return pl.lit(node.value)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.visit(node.operand)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self.visit(node.operand)
        if isinstance(node, ast.BoolOp):
            parts = [self.visit(value) for value in node.values]
            both = isinstance(node.op, ast.And)
            return pl.all_horizontal(parts) if both else pl.any_horizontal(parts)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compare(node.left, node.ops[0], node.comparators[0])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._call(node.func.id, node.args)
        raise self._unreadable(node)

    def _arithmetic(self, node: ast.BinOp) -> pl.Expr:
        import polars as pl

        for side in (node.left, node.right):
            if isinstance(side, ast.Name) and self.schema.get(side.id) == pl.String:
                message = f"{side.id} holds text, and {self.text!r} calculates with it"
                raise ConfigError(self.key, message)
        left, right = self.visit(node.left), self.visit(node.right)
        operators: dict[type[ast.operator], Callable[[], pl.Expr]] = {
            ast.Add: lambda: left + right,
            ast.Sub: lambda: left - right,
            ast.Mult: lambda: left * right,
            ast.Div: lambda: left / right,
        }
        if type(node.op) not in operators:
            raise self._unreadable(node)
        return operators[type(node.op)]()

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> pl.Expr:
        import polars as pl

        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Name) and right.id == "null"):
                raise self._unreadable(right)
            value = self.visit(left)
            return value.is_null() if isinstance(op, ast.Is) else value.is_not_null()
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List):
                raise self._unreadable(right)
            options = [e.value for e in right.elts if isinstance(e, ast.Constant)]
            if len(options) != len(right.elts):
                raise self._unreadable(right)
            inside = self.visit(left).is_in(pl.lit(pl.Series(options)).implode())
            return inside if isinstance(op, ast.In) else ~inside
        a, b = self._date_literal(left, right), self._date_literal(right, left)
        operators: dict[type[ast.cmpop], Callable[[], pl.Expr]] = {
            ast.Lt: lambda: a < b,
            ast.LtE: lambda: a <= b,
            ast.Gt: lambda: a > b,
            ast.GtE: lambda: a >= b,
            ast.Eq: lambda: a == b,
            ast.NotEq: lambda: a != b,
        }
        return operators[type(op)]()

    def _date_literal(self, node: ast.expr, other: ast.expr) -> pl.Expr:
        """Read a text that is compared with a date column as a date."""
        import polars as pl

        against = self.schema.get(other.id) if isinstance(other, ast.Name) else None
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if against is not None and is_text and against.is_temporal():
            assert isinstance(node, ast.Constant)
            try:
                return pl.lit(date.fromisoformat(str(node.value))).cast(against)
            except ValueError as error:
                raise ConfigError(self.key, f"{node.value!r} is not a date YYYY-MM-DD") from error
        return self.visit(node)

    def _call(self, name: str, arguments: list[ast.expr]) -> pl.Expr:
        import polars as pl

        if name not in FUNCTIONS:
            raise UnknownName("function", name, FUNCTIONS, self.key)
        values = [self.visit(a) for a in arguments]
        wanted = {"abs": 1, "ex_right": 2, "rebased": 1, "where": 2}.get(name, max(1, len(values)))
        if len(values) != wanted:
            raise ConfigError(self.key, f"{name} takes {wanted} values, {len(values)} are given")
        if name == "abs":
            return values[0].abs()
        if name == "coalesce":
            return pl.coalesce(values)
        if name == "where":
            return pl.when(values[0]).then(values[1])
        if name == "ex_right":
            close, previous = (pl.when(v > 0).then(v) for v in values)
            step = close.forward_fill().shift(1) / previous
            return self._by_date(step.fill_null(1.0).cum_prod())
        known = pl.when(values[0].is_finite()).then(values[0])
        return self._by_date((known / known.drop_nulls().first()).forward_fill()).fill_null(1.0)

    def _by_date(self, of_one: pl.Expr) -> pl.Expr:
        """Work out a series asset by asset, in order of dates."""
        held = [k for k in self.spec.key if k != self.spec.date]
        return of_one.over(held, order_by=self.spec.date) if self.spec.date else of_one.over(held)

    def _unreadable(self, node: ast.AST) -> ConfigError:
        piece = ast.get_source_segment(self.text.strip(), node) or self.text
        return ConfigError(
            self.key,
            f"{piece!r} in {self.text!r} is not understood; there are + - * /, comparisons, and or not, "
            f"is null, in (…), and {', '.join(FUNCTIONS)}",
        )
