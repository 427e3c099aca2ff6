"""Options that the commands of `superhet factor` share: formulas that begin with a minus, and sizes."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

import typer
from typer.core import TyperCommand

LANGUAGES = ("en", "zh")
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)

Syntax: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Spelling of typed formulas: superhet (default), qlib, worldquant."),
]
Convention: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="superhet, qlib or pandas; left out, that of the library or of the spelling."
    ),
]
Threads: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="Threads; left out, all cores. Same values.")
]
Budget: TypeAlias = Annotated[str, typer.Option(help="Memory for values: 500MB, 4GB.")]


class TakesFormulas(TyperCommand):
    """A command whose arguments may begin with a minus: `-ts_return(close, 5)` is no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put a space before what begins with one dash and is no option, so that it is read as text."""
        options = {*ctx.help_option_names, *(o for p in self.get_params(ctx) for o in p.opts)}
        taken = [
            f" {a}" if a.startswith("-") and a[1:2] not in ("", "-") and a not in options else a
            for a in args
        ]
        return super().parse_args(ctx, taken)


def bytes_of(text: str) -> int:
    """Read a number of bytes: 2GB, 500 MB, 1.5GiB, 1000000."""
    from superhet.errors import ConfigError

    match = _SIZE.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise ConfigError("--budget", f"must be a size like 500MB or 4GB (got {text!r})")
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** _UNITS[unit.lower()])
