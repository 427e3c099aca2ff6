"""Index: runs made listable and comparable; the run folders are the truth, the index is rebuilt from them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from superhet.errors import InputError, UnknownName

_SCHEMA = """
create table if not exists runs (
  run_id text primary key, name text, status text, version text, snapshot text, config text,
  seed integer, stages text, metrics text, seconds real
)
"""


def reindex(runs: Path) -> int:
    """Rebuild the index from the run folders and give the number of runs."""
    notes = list(_notes(runs))
    runs.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(runs / "index.sqlite")) as connection, connection:
        connection.execute(_SCHEMA)
        connection.execute("delete from runs")
        connection.executemany(
            "insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    note["run_id"],
                    note["name"],
                    note["status"],
                    note["version"],
                    note["snapshot"],
                    note["config"],
                    note["seed"],
                    json.dumps(note.get("stages", {})),
                    json.dumps(note.get("metrics", {})),
                    sum(note.get("seconds", {}).values()),
                )
                for note in notes
            ],
        )
    return len(notes)


def list_runs(runs: Path) -> list[dict[str, Any]]:
    """List the runs, by name."""
    reindex(runs)
    with closing(sqlite3.connect(runs / "index.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("select * from runs order by name, run_id").fetchall()
    return [
        {**dict(r), "stages": json.loads(r["stages"]), "metrics": json.loads(r["metrics"])}
        for r in rows
    ]


def show_run(runs: Path, run_id: str) -> dict[str, Any]:
    """Give one run: its note, its resolved configuration, its folder.

    Raises
    ------
    UnknownName
        if there is no such run; a unique beginning of a name is enough
    """
    known = [note["run_id"] for note in _notes(runs)]
    matching = [k for k in known if k.startswith(run_id)]
    if run_id not in known and len(matching) > 1:
        raise InputError(
            f"run {run_id!r}: several begin so: {', '.join(matching)}. Write more of it."
        )
    if run_id not in known and not matching:
        raise UnknownName("run", run_id, known)
    folder = runs / (run_id if run_id in known else matching[0])
    note: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    return {**note, "config": config, "run_dir": str(folder)}


def compare_runs(runs: Path, left: str, right: str) -> dict[str, dict[str, list[Any]]]:
    """Say what differs between two runs: configuration keys, stage hashes and metrics."""
    a, b = show_run(runs, left), show_run(runs, right)
    return {
        part: {
            key: [flat_a.get(key), flat_b.get(key)]
            for key in sorted(flat_a.keys() | flat_b.keys())
            if flat_a.get(key) != flat_b.get(key)
        }
        for part in ("config", "stages", "metrics")
        for flat_a, flat_b in [(dict(_flat(a.get(part, {}))), dict(_flat(b.get(part, {}))))]
    }


def _notes(runs: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(runs.glob("*/run.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def _flat(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            yield from _flat(value, f"{path}[{i}]")
    else:
        yield path, tree
