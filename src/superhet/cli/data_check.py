"""`superhet data check`: what is odd in the data, on the screen, as JSON, or as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath
from superhet.cli.stores import open_store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


@guarded
def check(
    store: StorePath,
    against: Annotated[Path | None, typer.Option(help="Another vendor's store.")] = None,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Verify checksums and look for holes and impossible values; exit code 1 on damaged files."""
    from superhet.data.quality import QualityReport
    from superhet.data.quality import check as check_quality

    opened = open_store(store)
    problems = opened.verify()
    report = QualityReport(snapshot=opened.snapshot, findings=())
    if not problems:  # damaged files cannot be looked into
        with progress_bar(quiet) as progress:
            other = None if against is None else open_store(against)
            report = check_quality(opened, against=other, progress=progress)
    emit(
        {"problems": problems, **report.to_dict()},
        as_json=json,
        text=lambda: "\n".join([*problems, str(report)]),
    )
    if problems:
        raise typer.Exit(1)
