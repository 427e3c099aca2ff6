"""What pyqlib reads of a provider folder; runs in the environment `.peers/qlib`.

Usage: qlib_reads.py FOLDER, where FOLDER holds store/ and questions.json: `fields` to read of all
symbols, `minutes` ("15min" or "") to read the same of, `lists` of instruments, and `points`, each a symbol, a
day and the name of a point-in-time field. Leaves answers.json: texts, and numbers as the bits of a float32.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import qlib
from qlib.data import D
from qlib.data.data import ExpressionD


def main(folder: Path) -> None:
    asked = json.loads((folder / "questions.json").read_text())
    qlib.init(
        provider_uri=str(folder / "store"),
        region="cn",
        kernels=1,
        logging_level=50,
        skip_if_reg=False,
        expression_cache=None,
        dataset_cache=None,
    )
    days = [str(d)[:10] for d in D.calendar(freq="day")]
    answers = {"days": days, "lists": {name: spans(name) for name in asked["lists"]}}
    answers["day"] = values(asked["fields"], "day") if asked["fields"] else {}
    answers["minutes"] = values(asked["fields"], asked["minutes"]) if asked["minutes"] else {}
    answers["points"] = [point(*one, days=days) for one in asked["points"]]
    (folder / "answers.json").write_text(json.dumps(answers))


def spans(name):
    """Give the spans of a list: symbol -> [[first, last], …]."""
    found = D.list_instruments(D.instruments(name), freq="day", as_list=False)
    return {s: [[str(a)[:10], str(b)[:10]] for a, b in pieces] for s, pieces in found.items()}


def values(fields, frequency):
    """Give the rows of all symbols: [symbol, moment, the bits of each field]."""
    symbols = [line.split("\t")[0] for line in (folder_of() / "instruments/all.txt").open()]
    frame = D.features(symbols, [f"${f}" for f in fields], freq=frequency, disk_cache=0)
    numbers = frame.to_numpy().astype(np.float32)
    keys = [(s, str(t)) for s, t in frame.index]
    return [[*k, *map(int, row.view(np.uint32))] for k, row in zip(keys, numbers, strict=True)]


def point(symbol, day, field, *, days):
    """Give the newest value of a point-in-time field as pyqlib knows it on a session."""
    at = days.index(day)
    series = ExpressionD.get_expression_instance(f"P($${field})").load(symbol, at, at, "day")
    return int(np.float32(series.iloc[0]).view(np.uint32)) if len(series) else None


def folder_of():
    return Path(sys.argv[1]) / "store"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
