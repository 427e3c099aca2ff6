"""`superhet data`: make, fill and inspect a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli import (
    data_asof,
    data_calendar,
    data_check,
    data_export,
    data_pull,
    data_quarantine,
    data_store,
)
from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath
from superhet.cli.stores import open_store

app = typer.Typer(help="Make, fill and inspect a store.", no_args_is_help=True)
for _commands in (data_pull, data_check, data_asof, data_export, data_store, data_calendar):
    _commands.register(app)
app.add_typer(data_quarantine.app, name="quarantine")

_MODES = ("replace", "upsert")


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

    if ":/" in str(store):
        raise StoreError(store, "a simulated store and its truth need a folder of this machine.")
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
    quarantine: Annotated[
        str, typer.Option(help="Most bad rows to set aside, as a share of a table; or none.")
    ] = "0.001",
    mode: Annotated[
        str,
        typer.Option(help="replace: the tables that come, whole; upsert: their rows, by key."),
    ] = "replace",
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Import files, through a column map where they are a user's own."""
    from superhet.data import SOURCES
    from superhet.errors import UnknownName

    importer = SOURCES.get(source, "--source")
    share = _share(quarantine)
    if mode not in _MODES:
        raise UnknownName("mode", mode, _MODES, "--mode")
    with progress_bar(quiet) as progress:
        report = importer(path, store, map_, progress, mode=mode, quarantine=share)
    emit(report.to_dict(), as_json=json, text=lambda: str(report))


@app.command("info")
@guarded
def info(store: StorePath, json: AsJson = False, debug: Debug = False) -> None:
    """Say what a store holds."""
    found = open_store(store).info()
    emit(found, as_json=json, text=lambda: _info_text(found))


def _share(text: str) -> float | None:
    """Read `--quarantine`."""
    from superhet.errors import ConfigError

    if text == "none":
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ConfigError("--quarantine", f"expected a share from 0 to 1, or none (got {text!r})")
    return share


def _info_text(found: dict[str, object]) -> str:
    tables = found["tables"]
    assert isinstance(tables, dict)
    lines = [f"snapshot {found['snapshot']}"]
    for name, facts in tables.items():
        span = f"{facts.get('first') or ''} … {facts.get('last') or ''}"
        lines.append(f"  {name:<16}{facts['rows']:>12,} rows   {span}")
    return "\n".join(lines)
