"""Tables of a store, price limits and costs, read from the code when the docs are built."""

from typing import Any, ClassVar

from markdown_table import Table

from superhet.backtest import RULES
from superhet.data.limits import RULES as LIMITS
from superhet.data.schema import table_spec
from superhet.data.table import Field


def columns(name: str) -> list[list[str]]:
    """Give the columns of a table."""
    spec = table_spec(name)

    def row(column: str, field: Field) -> list[str]:
        key = "key" if column in spec.key else "required" if field.required else ""
        rule = {"positive": "> 0", "not_negative": "≥ 0", "": ""}[field.rule]
        return [f"`{column}`", key, f"{field.kind} {rule}".strip(), field.unit]

    further = [["any other name", "", "number", ""]] if spec.open_ended else []
    return [row(c, f) for c, f in spec.columns.items()] + further


def limits(_: str) -> list[list[str]]:
    """Give the rule book of price limits."""
    return [[r.board, r.since, f"{r.percent} %", f"{r.special} %", str(r.free)] for r in LIMITS]


def costs(name: str) -> list[list[str]]:
    """Give the costs of a market."""
    own = RULES.get(name).costs

    def rate(value: Any) -> str:
        if not isinstance(value, tuple):
            return f"{value:g}"
        return ", ".join(f"{share:.6g} from {day}" for day, share in value) or "0"

    return [[f"`{word}`", rate(value)] for word, value in vars(own).items()]


class Columns(Table):
    """The columns of one table."""

    header: ClassVar = ["column", "", "kind", "unit"]
    rows = staticmethod(columns)


class Limits(Table):
    """Price limits by board and date."""

    header: ClassVar = [
        "board",
        "from",
        "limit",
        "special treatment",
        "first sessions without limit",
    ]
    rows = staticmethod(limits)


class Costs(Table):
    """The costs of one market."""

    header: ClassVar = ["cost", "rate"]
    rows = staticmethod(costs)


def setup(app: Any) -> dict[str, bool]:
    """Register the directives."""
    for name, directive in (("store-table", Columns), ("price-limits", Limits), ("costs", Costs)):
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
