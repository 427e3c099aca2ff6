"""`superhet data check`: what is odd in the data, on the screen, as JSON, or as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath

if TYPE_CHECKING:
    from superhet.data import Store
    from superhet.data.quality import QualityReport
    from superhet.data.store.changes import Changes
    from superhet.data.store.history import State
    from superhet.report.data_quality import DataQuality

Language = Literal["en", "zh"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


@guarded
def check(
    store: StorePath,
    against: Annotated[Path | None, typer.Option(help="Another vendor's store.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
    language: Annotated[str, typer.Option(help="Of the page: en, zh or both.")] = "en",
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Verify checksums and look for holes and impossible values; exit code 1 on damaged files."""
    from superhet.data.quality import QualityReport
    from superhet.data.quality import check as check_quality
    from superhet.data.store import Store

    languages = _languages(language)
    opened = Store.open(store)
    problems = opened.verify()
    found = QualityReport(snapshot=opened.snapshot, findings=())
    if not problems:  # damaged files cannot be looked into
        with progress_bar(quiet) as progress:
            other = None if against is None else Store.open(against)
            found = check_quality(opened, against=other, progress=progress)
    written = []
    if report is not None:
        beside = "" if against is None else against.name
        written = _write(opened, found, problems, beside, report, languages)
    emit(
        {"problems": problems, **found.to_dict(), "reports": [str(p) for p in written]},
        as_json=json,
        text=lambda: "\n".join([*problems, str(found), *(f"report {p}" for p in written)]),
    )
    if problems:
        raise typer.Exit(1)


def _languages(word: str) -> tuple[Language, ...]:
    from superhet.errors import ConfigError

    known: dict[str, tuple[Language, ...]] = {"en": ("en",), "zh": ("zh",), "both": ("en", "zh")}
    if word not in known:
        raise ConfigError("--language", f"expected en, zh or both (got {word!r})")
    return known[word]


def _write(
    store: Store,
    found: QualityReport,
    problems: Sequence[str],
    beside: str,
    path: Path,
    languages: Sequence[Language],
) -> list[Path]:
    """Write one page a language; the first takes the name as it is."""
    from superhet.report.data_quality import write_data_quality

    written = []
    for language in languages:
        suffix = "" if language == languages[0] else f".{language}"
        target = path.with_name(f"{path.stem}{suffix}{path.suffix}")
        page = _page(store, found, problems, beside, language)
        written.append(write_data_quality(page, target))
    return written


def _page(
    store: Store, found: QualityReport, problems: Sequence[str], beside: str, language: Language
) -> DataQuality:
    """Gather what the page shows as plain values."""
    from superhet.data.quality import rules
    from superhet.data.quarantine import QUARANTINE, listed
    from superhet.report.data_quality import DataQuality, Finding

    treatments = rules()["treatments"]
    findings = [
        Finding(
            table=f.table,
            field=f.field,
            rule=f.rule,
            severity=f.severity,
            count=f.count,
            total=f.total,
            meaning=f.meaning(language),
            treatment=treatments[f.treatment][language == "zh"],
            examples=f.examples,
        )
        for f in found.findings
    ]
    states = store.log()
    tables = {n: t for n, t in store.info()["tables"].items() if n != QUARANTINE}
    return DataQuality(
        name=str(store.path).rstrip("/").rpartition("/")[2],
        language=language,
        snapshot=found.snapshot,
        updated=states[0].written if states else "",
        rows=found.rows,
        assets=found.assets,
        start=found.start,
        end=found.end,
        findings=findings,
        tables=tables,
        coverage=found.coverage,
        universe=found.universe,
        activity=found.activity,
        restatements=found.restatements,
        quarantine=[] if problems else listed(store).rows(named=True),
        history=[_state(state) for state in states],
        problems=problems,
        beside=beside,
    )


def _state(state: State) -> dict[str, object]:
    """Give a state as the page shows it; of each table what was added (+), changed (~), removed (−)."""

    def words(changes: Changes) -> str:
        counts = {"+": changes.added, "~": changes.changed, "−": changes.removed}
        return " ".join(f"{sign}{count:,}" for sign, count in counts.items() if count)

    return {
        "number": state.number,
        "written": state.written,
        "snapshot": state.snapshot,
        "source": state.source,
        "changes": "; ".join(f"{table} {words(c)}" for table, c in state.tables.items()),
    }
