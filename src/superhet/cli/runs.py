"""`superhet runs`: list, show and compare what was run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from superhet.cli.console import emit, guarded
from superhet.cli.options import AsJson, Debug, RunsFolder

app = typer.Typer(help="List, show and compare runs.", no_args_is_help=True)
RunId: TypeAlias = Annotated[str, typer.Argument(help="Name of a run, or its unique beginning.")]


@app.command("list")
@guarded
def list_(runs: RunsFolder = Path("runs"), json: AsJson = False, debug: Debug = False) -> None:
    """List the runs of a folder."""
    from superhet.pipeline.index import list_runs

    found = list_runs(runs)
    emit(found, as_json=json, text=lambda: _table(found))


@app.command("show")
@guarded
def show(
    run_id: RunId, runs: RunsFolder = Path("runs"), json: AsJson = False, debug: Debug = False
) -> None:
    """Show one run: status, data, metrics, configuration."""
    import yaml

    from superhet.pipeline.index import show_run

    found = show_run(runs, run_id)
    emit(
        found,
        as_json=json,
        text=lambda: yaml.safe_dump(found, allow_unicode=True, sort_keys=False),
    )


@app.command("compare")
@guarded
def compare(
    left: RunId,
    right: RunId,
    runs: RunsFolder = Path("runs"),
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say what differs between two runs: configuration, stage hashes, metrics."""
    from superhet.pipeline.index import compare_runs

    found = compare_runs(runs, left, right)
    lines = []
    for part, differences in found.items():
        lines.append(f"{part}: {len(differences)} different")
        lines += [f"  {key}: {a} -> {b}" for key, (a, b) in differences.items()]
    emit(found, as_json=json, text="\n".join(lines))


def _table(found: list[dict[str, Any]]) -> str:
    lines = [f"{'run':<36}{'status':<10}{'RankIC':>8}{'net Sharpe':>12}{'turnover':>10}"]
    for row in found:
        numbers = row["metrics"]
        cells = [
            "-" if numbers.get(name) is None else f"{numbers[name]:.{digits}f}"
            for name, digits in (("oos_rank_ic", 4), ("net_sharpe", 2), ("annual_turnover", 1))
        ]
        lines.append(
            f"{row['run_id']:<36}{row['status']:<10}{cells[0]:>8}{cells[1]:>12}{cells[2]:>10}"
        )
    return "\n".join(lines)
