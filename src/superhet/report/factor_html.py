"""HTML of factor reports: one self-contained page a factor, and the board of all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from superhet.report.base import Language
from superhet.report.catalogue import Text
from superhet.report.factor_study import FactorBoard, FactorStudy
from superhet.report.html import fill_template, write_whole
from superhet.report.pages.board import BoardContext, board_pages
from superhet.report.pages.factor import factor_pages
from superhet.report.pages.factor_context import FactorContext
from superhet.report.pages.factor_making import price
from superhet.version import __version__


def write_factor(
    study: FactorStudy,
    path: str | os.PathLike[str],
    *,
    language: Language = "en",
    home: str = "",
    beside: Mapping[str, str] | None = None,
    charts: str = "",
) -> Path:
    """Write the page of one factor; the file appears whole or not at all."""
    html = render_factor(study, language=language, home=home, beside=beside, charts=charts)
    return write_whole(html, path)


def render_factor(
    study: FactorStudy,
    *,
    language: Language = "en",
    home: str = "",
    beside: Mapping[str, str] | None = None,
    charts: str = "",
) -> str:
    """Give the page of one factor as text.

    Parameters
    ----------
    study : all that is shown
    language : of the page
    home : address of the board, "" for none
    beside : other language -> address of the same page
    charts : address of the script of the charts; "" = it is inside
    """
    text = Text(language)
    context = FactorContext(study=study, text=text, home=home, beside=beside or {})
    facts = study.facts
    subtitle = text(
        "factor.page.subtitle",
        start=facts["start"],
        end=facts["end"],
        assets=f"{facts['assets']:,}",
        snapshot=str(facts["snapshot"])[:16],
    )
    links = {text("factor.page.board"): home} if home else {}
    links |= {text(f"factor.language.{k}"): address for k, address in (beside or {}).items()}
    return fill_template(
        factor_pages(context),
        {"dates": context.dates},
        text,
        title=study.name,
        subtitle=subtitle,
        footer=_footer(context),
        links=links,
        charts=charts,
    )


def write_board(
    board: FactorBoard,
    path: str | os.PathLike[str],
    *,
    language: Language = "en",
    beside: Mapping[str, str] | None = None,
) -> Path:
    """Write the board; the file appears whole or not at all."""
    return write_whole(render_board(board, language=language, beside=beside), path)


def render_board(
    board: FactorBoard, *, language: Language = "en", beside: Mapping[str, str] | None = None
) -> str:
    """Give the board as text."""
    text = Text(language)
    context = BoardContext(board=board, text=text)
    facts = board.facts
    subtitle = text(
        "factor.page.subtitle",
        start=facts["start"],
        end=facts["end"],
        assets=f"{facts['assets']:,}",
        snapshot=str(facts["snapshot"])[:16],
    )
    title = text("factor.page.compare_title" if board.pairs else "factor.page.board_title")
    return fill_template(
        board_pages(context),
        {},
        text,
        title=title,
        subtitle=subtitle,
        footer=_footer(context.words),
        links={text(f"factor.language.{k}"): a for k, a in (beside or {}).items()},
    )


def _footer(context: FactorContext) -> str:
    facts = context.study.facts
    return context.text(
        "factor.page.footer",
        delay=facts["delay"],
        entry=price(context),
        horizon=facts["horizon"],
        days=facts["periods_per_year"],
        cost=f"{1e4 * facts['cost']:g}",
        version=__version__,
    )
