"""The backtest page: the books of one or several engines, beside each other, as one self-contained page.

The report room trades nothing: whoever calls hands in plain values (`BookStudy`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.report.base import Language
from superhet.report.catalogue import Text
from superhet.report.html import fill_template, write_whole
from superhet.version import __version__

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BookStudy:
    """All that the backtest page shows.

    Parameters
    ----------
    name : of the book
    language : of the page
    dates : sessions, the axis of all series
    assets : how many
    reference : the engine that the others are compared with
    value : engine -> [dates], equity over the capital; NaN where it has none
    drawdown : [dates] of the reference
    benchmark : [dates] its value, 1 before the first session, or None
    difference : engine -> [dates] its equity minus that of the reference
    engines : one row an engine: name, version, seconds, trades, refused, final_equity, sharpe, most (largest
        difference), orders (that differ), unexplained, notes (what it could not do, in its words)
    first : engine -> date, asset, reason, equity_difference of the first difference; None = none
    reasons : one row a rule: rule, worth, said_by {engine: own, adapter, no}
    gaps : engine -> reason -> its final equity minus that of the reference; `residual` explains nothing
    failed : engine -> what it said
    contract : rule -> what is assumed, in words
    exposure : name -> [dates] fraction of equity (gross, net, long, short, cash)
    names : [dates] names held
    costs : kind -> [dates] cumulated, fraction of the capital
    refused : rule -> orders refused
    facts : numbers of the reference, as the command line prints them
    trips : numbers of the round trips: count, open, won, mean_sessions, profit, and their distributions
    sweeps : "capacity", "slippage" -> rows
    strategies : name -> numbers, of a book of several
    notes : facts about the data
    """

    name: str
    language: Language = "en"
    dates: Sequence[str]
    assets: int
    reference: str
    value: Mapping[str, Series]
    drawdown: Series
    benchmark: Series | None = None
    difference: Mapping[str, Series] = field(default_factory=dict)
    engines: Sequence[Mapping[str, Any]]
    first: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    reasons: Sequence[Mapping[str, Any]] = ()
    gaps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    contract: Mapping[str, str]
    exposure: Mapping[str, Series]
    names: Series
    costs: Mapping[str, Series]
    refused: Mapping[str, int]
    facts: Mapping[str, Any]
    trips: Mapping[str, Any] = field(default_factory=dict)
    sweeps: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    strategies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: Sequence[str] = ()


def write_book(study: BookStudy, path: str | os.PathLike[str]) -> Path:
    """Write the page; the file appears whole or not at all."""
    return write_whole(render_book(study), path)


def render_book(study: BookStudy) -> str:
    """Give the page as text."""
    from superhet.report.pages.backtest_book import book_page
    from superhet.report.pages.reconcile import reconcile_page

    text = Text(study.language)
    pages = [book_page(study, text)]
    if len(study.engines) > 1 or study.failed:
        pages.insert(0, reconcile_page(study, text))
    first, last = (study.dates[0], study.dates[-1]) if study.dates else ("–", "–")
    return fill_template(
        pages,
        {"sessions": study.dates},
        text,
        title=text("book.title", name=study.name),
        subtitle=text("book.subtitle", first=first, last=last, assets=f"{study.assets:,}"),
        footer=text("book.footer", version=__version__),
    )
