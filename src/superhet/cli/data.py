"""`superhet data`: make, fill and inspect a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath

app = typer.Typer(help="Make, fill and inspect a store.", no_args_is_help=True)


@app.command("simulate")
@guarded
def simulate(
    store: StorePath,
    assets: Annotated[int, typer.Option(help="Number of shares.")] = 300,
    years: Annotated[float, typer.Option(help="Length in years.")] = 4.0,
    seed: Annotated[int, typer.Option(help="Seed of the generator.")] = 7,
    bars: Annotated[str, typer.Option(help="15min, or none for daily data only.")] = "15min",
    alpha_scale: Annotated[float, typer.Option(help="Strength of the planted alphas.")] = 1.0,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Make a store of a simulated market with planted alphas and a truth file."""
    from superhet.data.sources.simulated import SimulatedMarket
    from superhet.errors import StoreError
    from superhet.pipeline.build import build
    from superhet.pipeline.simulate import simulated_store

    if store.exists():
        raise StoreError(store, "exists already. Name a new folder, or delete it first.")
    wanted = {
        "assets": assets,
        "years": years,
        "seed": seed,
        "bars": None if bars == "none" else bars,
        "alpha_scale": alpha_scale,
    }
    recipe = build(SimulatedMarket, wanted, "simulate")
    with progress_bar(quiet) as progress:
        made = simulated_store(store, recipe, progress)
    emit(made.info(), as_json=json, text=lambda: _info_text(made.info()))


@app.command("import")
@guarded
def import_(
    path: Annotated[Path, typer.Option(help="File or folder to read.")],
    store: StorePath,
    source: Annotated[str, typer.Option(help="Kind of source.")] = "files",
    map_: Annotated[Path | None, typer.Option("--map", help="Column map, YAML.")] = None,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Import Parquet or CSV files through a column map."""
    from superhet.data import SOURCES

    importer = SOURCES.get(source, "--source")
    with progress_bar(quiet) as progress:
        report = importer(path, store, map_, progress)
    emit(report.to_dict(), as_json=json, text=lambda: str(report))


@app.command("info")
@guarded
def info(store: StorePath, json: AsJson = False, debug: Debug = False) -> None:
    """Say what a store holds."""
    from superhet.data.store import Store

    found = Store.open(store).info()
    emit(found, as_json=json, text=lambda: _info_text(found))


@app.command("check")
@guarded
def check(store: StorePath, json: AsJson = False, debug: Debug = False) -> None:
    """Verify checksums and look for holes and impossible values; exit code 1 on damaged files."""
    from superhet.data.quality import QualityReport
    from superhet.data.quality import check as check_quality
    from superhet.data.store import Store

    opened = Store.open(store)
    problems = opened.verify()
    nothing = QualityReport(snapshot=opened.snapshot, findings=())
    report = nothing if problems else check_quality(opened)  # damaged files cannot be looked into
    emit(
        {"problems": problems, **report.to_dict()},
        as_json=json,
        text=lambda: "\n".join([*problems, str(report)]),
    )
    if problems:
        raise typer.Exit(1)


def _info_text(found: dict[str, object]) -> str:
    tables = found["tables"]
    assert isinstance(tables, dict)
    lines = [f"snapshot {found['snapshot']}"]
    for name, facts in tables.items():
        span = f"{facts.get('first') or ''} … {facts.get('last') or ''}"
        lines.append(f"  {name:<16}{facts['rows']:>12,} rows   {span}")
    return "\n".join(lines)
