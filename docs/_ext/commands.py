"""The command line, read from itself when the docs are built."""

from typing import Any, ClassVar

from markdown_table import Table
from typer.main import get_command

from superhet.cli.main import app as superhet


def commands(words: str) -> list[list[str]]:
    """Give the arguments and options of a command ("data import")."""
    found: Any = get_command(superhet)
    for word in words.split():
        found = found.commands[word]
    rows = []
    for part in found.params:
        given = " ".join(part.opts) if part.param_type_name == "option" else part.name.upper()
        standard = "required" if part.required else str(part.default or "")
        standard = "" if standard in ("False", "None", "[]") else standard
        rows.append([f"`{given}`", standard, getattr(part, "help", None) or ""])
    return rows


class Command(Table):
    """The options of one command."""

    header: ClassVar = ["option", "default", "meaning"]
    final_argument_whitespace = True
    rows = staticmethod(commands)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command", Command)
    return {"parallel_read_safe": True}
