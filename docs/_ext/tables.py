"""The tables of a store, read from the schema when the docs are built."""

from typing import Any, ClassVar

from markdown_table import Table

from superhet.data.schema import Field, table_spec


def columns(name: str) -> list[list[str]]:
    """Give the columns of a table."""
    spec = table_spec(name)

    def row(column: str, field: Field) -> list[str]:
        key = "key" if column in spec.key else "required" if field.required else ""
        rule = {"positive": "> 0", "not_negative": "≥ 0", "": ""}[field.rule]
        return [f"`{column}`", key, f"{field.kind} {rule}".strip(), field.unit]

    further = [["any other name", "", "number", ""]] if spec.open_ended else []
    return [row(c, f) for c, f in spec.columns.items()] + further


class Columns(Table):
    """The columns of one table."""

    header: ClassVar = ["column", "", "kind", "unit"]
    rows = staticmethod(columns)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("store-table", Columns)
    return {"parallel_read_safe": True}
