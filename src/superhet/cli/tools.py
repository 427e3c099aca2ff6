"""`superhet schema`, `superhet doctor`: help for editors, and for a stranger's machine."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from superhet.cli.console import emit, guarded
from superhet.cli.options import AsJson, Debug

_BASE = ("numpy", "scipy", "numba", "polars", "pandas", "pyarrow", "duckdb", "pydantic")
_OPTIONAL = ("torch", "lightgbm", "cvxpy", "ray", "backtrader", "vnpy", "pyqlib", "akshare")


@guarded
def schema(json: AsJson = True, debug: Debug = False) -> None:
    """Print the JSON Schema of a study, for editors."""
    from superhet.pipeline.schema import config_schema

    emit(config_schema(), as_json=True, text="")


@guarded
def doctor(json: AsJson = False, debug: Debug = False) -> None:
    """Say what this machine has: versions, optional libraries, disk, calendar."""
    from exchange_calendars.exchange_calendar_xshg import XSHGExchangeCalendar

    def installed(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    facts = {
        "python": sys.version.split()[0],
        "superhet": installed("superhet"),
        "base": {name: installed(name) for name in _BASE},
        "optional": {name: installed(name) for name in _OPTIONAL},
        "free_disk_gb": round(shutil.disk_usage(Path.cwd()).free / 1e9, 1),
        "calendar_until": str(XSHGExchangeCalendar.bound_max().date()),
    }
    lines = []
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{key}:"] + [f"  {k:<12}{v or 'not installed'}" for k, v in value.items()]
        else:
            lines.append(f"{key}: {value}")
    emit(facts, as_json=json, text="\n".join(lines))
