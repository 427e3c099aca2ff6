"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output.")
]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")]
RunsFolder: TypeAlias = Annotated[Path, typer.Option("--runs", help="Folder of run folders.")]
StorePath: TypeAlias = Annotated[Path, typer.Option("--store", help="Folder of the store.")]
ConfigFile: TypeAlias = Annotated[Path, typer.Argument(help="A study as YAML.")]
Overrides: TypeAlias = Annotated[
    list[str] | None, typer.Argument(help="Changes to the study: section.key=value.")
]
