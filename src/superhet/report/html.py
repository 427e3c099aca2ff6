"""HTML: a Study -> one self-contained file that opens from disk and asks nobody for anything.

1. measure and build the pages                                   -> build_pages
2. put the data of all figures into one JSON text, axes once     -> figure_data
3. fill the template; the script of the charts is inlined once   -> fill_template
4. write beside the target, then rename: a reader never sees half a report   -> write_whole

The bytes depend on the Study alone: no clock, no random names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from superhet.report.base import Study
from superhet.report.blocks import Page
from superhet.report.catalogue import Text
from superhet.report.context import Context
from superhet.report.measures import Measures
from superhet.report.numbers import day_texts, to_json
from superhet.report.pages.overview import overview_page
from superhet.report.pages.portfolio import portfolio_page
from superhet.report.pages.run import run_page
from superhet.report.pages.styles import styles_page
from superhet.report.pages.super_factor import super_factor_page
from superhet.report.tables import cell
from superhet.version import __version__

_TAGS = {"en": "en", "zh": "zh-CN"}
_HABITS = {"en": "green-up", "zh": "red-up"}


def write_html(
    study: Study, path: str | os.PathLike[str], measures: Measures | None = None
) -> Path:
    """Write the report; the file appears whole or not at all.

    Parameters
    ----------
    study : all that is shown
    path : of the file; its folder must exist
    measures : those of the same study, where they are there already (another language)

    Returns
    -------
    the path
    """
    return write_whole(render_html(study, measures), path)


def write_whole(html: str, path: str | os.PathLike[str]) -> Path:
    """Write text to a file that appears whole or not at all; give its path."""
    target = Path(path)
    aside = target.with_name(f".{target.name}.part")
    aside.write_bytes(html.encode("utf-8"))
    with aside.open("rb") as written:
        os.fsync(written.fileno())
    aside.replace(target)
    return target


def render_html(study: Study, measures: Measures | None = None) -> str:
    """Give the report as text."""
    text = Text(study.language)
    context = Context(study=study, measures=measures or Measures(study), text=text)
    pages = build_pages(context)
    subtitle = text(
        "page.subtitle",
        first=study.market.dates.days[0],
        last=study.market.dates.days[-1],
        assets=f"{len(study.market.assets):,}",
        run=study.run_id,
    )
    footer = text(
        "page.footer",
        days=study.backtest.periods_per_year,
        entry=text.name("entry", study.entry),
        delay=study.delay,
        horizon=study.horizon,
        version=__version__,
    )
    axes = shared_axes(context)
    return fill_template(
        pages,
        axes,
        text,
        title=study.name,
        subtitle=subtitle,
        footer=footer,
        links=other_pages(study, text),
    )


def other_pages(study: Study, text: Text) -> dict[str, str]:
    """Give the pages beside the report: that of the other engines, where there are some."""
    page = (study.engines or {}).get("pages", {}).get(study.language)
    return {text("tool.engines"): page} if page else {}


def fill_template(
    pages: Sequence[Page],
    axes: Mapping[str, Sequence[str]],
    text: Text,
    *,
    title: str,
    subtitle: str,
    footer: str,
    links: Mapping[str, str] | None = None,
    charts: str = "",
) -> str:
    """Put pages into one self-contained file.

    Parameters
    ----------
    axes : names of "@axis:NAME" in figures -> their labels
    links : word -> address of a file beside this one
    charts : address of the script of the charts, for many pages in one folder; "" = it is inside
    """
    return str(
        _template().render(
            lang_tag=_TAGS[text.language],
            habit=_HABITS[text.language],
            title=title,
            subtitle=subtitle,
            footer=footer,
            links=links or {},
            pages=pages,
            text=text,
            data=figure_data(pages, axes),
            css=_static("report.css"),
            charts=charts,
            echarts="" if charts else charts_script(),
            script=_static("report.js"),
        )
    )


def charts_script() -> str:
    """Give the script of the charts, for pages that share it."""
    return _static("echarts.min.js")


def build_pages(context: Context) -> list[Page]:
    """Build all pages, in order; that of styles where the study has a risk model."""
    return [
        overview_page(context),
        super_factor_page(context),
        portfolio_page(context),
        *([styles_page(context)] if context.study.styles is not None else []),
        run_page(context),
    ]


def shared_axes(context: Context) -> dict[str, list[str]]:
    """Give the axes of dates that figures of a study share."""
    study = context.study
    axes = {
        "clock": day_texts(study.super_factor.dates),
        "oos": day_texts(context.measures.dates),
        "decisions": day_texts(study.diagnosis.dates),
        "sessions": day_texts(study.backtest.dates),
    }
    for k, found in enumerate(study.attributions):
        if found.dates != study.backtest.dates:
            axes[f"attribution-{k}"] = day_texts(found.dates)
    return axes


def figure_data(pages: Sequence[Page], axes: Mapping[str, Sequence[str]]) -> str:
    """Put the options of all figures, and the axes they share, into one JSON text."""
    figures = {
        card.id: card.figure
        for page in pages
        for section in page.sections
        for card in section.cards
        if card.figure is not None
    }
    return to_json({"axes": axes, "figures": figures})


@cache
def _static(name: str) -> str:
    return files("superhet.report").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("superhet.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["cell"] = cell
    return environment.get_template("report.html.j2")
