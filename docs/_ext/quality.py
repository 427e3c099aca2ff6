"""The rules of the data check, read from the code when the docs are built."""

from typing import Any, ClassVar

from markdown_table import Table

from superhet.data.quality import rules


def rows(of: str) -> list[list[str]]:
    """Give the rules that look at tables of one kind."""
    treatments = rules()["treatments"]
    found = [
        [f"`{name}`", r["severity"], r["text"][0], treatments[r["treatment"]][0]]
        for name, r in rules().items()
        if name != "treatments" and r["of"] == of
    ]
    if not found:
        raise ValueError(f"no rule of the data check is of {of!r}")
    return found


class QualityRules(Table):
    """The rules for tables of one kind."""

    header: ClassVar = ["rule", "severity", "what was found", "what is done about it"]
    rows = staticmethod(rows)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("quality-rules", QualityRules)
    return {"parallel_read_safe": True}
