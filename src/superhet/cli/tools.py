"""`superhet schema`, `superhet doctor`: help for editors, and for a stranger's machine."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet

if TYPE_CHECKING:
    from superhet.factors.evaluate import DType

_BASE = ("numpy", "scipy", "numba", "polars", "pandas", "pyarrow", "duckdb", "pydantic")
_OPTIONAL = ("torch", "lightgbm", "cvxpy", "ray", "backtrader", "vnpy", "pyqlib", "akshare")


@guarded
def schema(json: AsJson = True, debug: Debug = False) -> None:
    """Print the JSON Schema of a study, for editors."""
    from superhet.pipeline.schema import config_schema

    emit(config_schema(), as_json=True, text="")


@guarded
def doctor(
    warm: Annotated[
        bool, typer.Option("--warm", help="Compile the kernels of formulas and risk now.")
    ] = False,
    all_: Annotated[bool, typer.Option("--all", help="With --warm: for float64, too.")] = False,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say what this machine has: versions, optional libraries, disk, calendar."""
    from exchange_calendars.exchange_calendar_xshg import XSHGExchangeCalendar

    facts: dict[str, Any] = {
        "python": sys.version.split()[0],
        "superhet": _installed("superhet"),
        "base": {name: _installed(name) for name in _BASE},
        "optional": {name: _installed(name) for name in _OPTIONAL},
        "free_disk_gb": round(shutil.disk_usage(Path.cwd()).free / 1e9, 1),
        "calendar_until": str(XSHGExchangeCalendar.bound_max().date()),
    }
    if warm or all_:
        facts["kernels"] = _warmed(all_, quiet)
    emit(facts, as_json=json, text=lambda: _facts_text(facts))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _warmed(every_type: bool, quiet: bool) -> list[dict[str, Any]]:
    """Compile the kernels; what is on disk already takes no time."""
    from superhet.pipeline.warm import warm_up

    dtypes: tuple[DType, ...] = ("float32", "float64") if every_type else ("float32",)
    with progress_bar(quiet) as progress:
        return [asdict(family) for family in warm_up(dtypes, progress)]


def _facts_text(facts: dict[str, Any]) -> str:
    lines = []
    for key, value in facts.items():
        if key == "kernels":
            lines.append("kernels:")
            lines += [f"  {k['family']:<14}{k['dtype']:<9}{k['seconds']:>7.1f} s" for k in value]
        elif isinstance(value, dict):
            lines += [f"{key}:"] + [f"  {k:<12}{v or 'not installed'}" for k, v in value.items()]
        else:
            lines.append(f"{key}: {value}")
    return "\n".join(lines)
