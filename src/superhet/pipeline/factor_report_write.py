"""Write a factor report: JSON first, then a page a factor and the board, each file whole or not at all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from superhet.pipeline.artifacts import write_atomic, write_json
from superhet.report.base import Language
from superhet.report.factor_html import write_board, write_factor
from superhet.report.factor_study import FactorBoard
from superhet.report.html import charts_script

_TAKEN = {"index", "compare", "report", "trials"}
_LONGEST = 60
MOST_WHOLE = 20
"""Pages that each hold the script of the charts (1.1 MB); more share one file of it."""


def write_report(board: FactorBoard, out: Path, language: str, front: str = "index") -> FactorBoard:
    """Write the JSON and the pages; gives the board with the links of the first language.

    Parameters
    ----------
    board : all factors
    out : folder
    language : "en", "zh" or "both"; the first language's files have plain names
    front : name of the board's page, without ending
    """
    write_json(out / ("report.json" if front == "index" else f"{front}.json"), board_facts(board))
    languages: tuple[Language, ...] = ("en", "zh") if language == "both" else (_word(language),)
    names = file_names([s.name for s in board.studies])
    charts = "charts.js" if len(names) > MOST_WHOLE else ""
    if charts:
        write_atomic(out / charts, partial(_write, charts_script()))
    shown = []
    for one in languages:
        ending = ".html" if one == languages[0] else f".{one}.html"
        links = {name: f"{stem}{ending}" for name, stem in names.items()}
        made = replace(board, links=links)
        other: dict[str, str] = {
            k: ".html" if k == languages[0] else f".{k}.html" for k in languages if k != one
        }
        for study in board.studies:
            stem = names[study.name]
            near = {k: f"{stem}{end}" for k, end in other.items()}
            write = partial(write_factor, study, language=one, home=f"{front}{ending}", beside=near)
            write_atomic(out / links[study.name], write)
        beside = {k: f"{front}{end}" for k, end in other.items()}
        write_atomic(
            out / f"{front}{ending}", partial(write_board, made, language=one, beside=beside)
        )
        shown.append(made)
    return shown[0]


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def _word(language: str) -> Language:
    return "zh" if language == "zh" else "en"


def board_facts(board: FactorBoard, *, series: bool = True) -> dict[str, Any]:
    """Give every number of a report, ready for JSON."""
    return {
        **{
            k: v
            for k, v in asdict(replace(board, studies=())).items()
            if k not in {"studies", "links"}
        },
        "factors": [s.to_dict(series=series) for s in board.studies],
    }


def file_names(names: Sequence[str]) -> dict[str, str]:
    """Give each factor a file name: its own where that is one, else its letters and a short hash.

    Examples
    --------
    >>> file_names(["MA5", "ma5", "-ts_return(close, 5)"])
    {'MA5': 'MA5', 'ma5': 'ma5-b705d1', '-ts_return(close, 5)': 'ts_return_close_5-cc3e1e'}
    """
    found: dict[str, str] = {}
    used = set(_TAKEN)
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_LONGEST] or "factor"
        if stem != name or stem.lower() in used:
            stem += "-" + hashlib.blake2b(name.encode(), digest_size=3).hexdigest()
        used.add(stem.lower())
        found[name] = stem
    return found
