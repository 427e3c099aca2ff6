"""The risk report: a fitted risk model and how its forecasts fared, as one self-contained page.

The report room fits nothing: whoever calls hands in plain values (`RiskStudy`, `OverlapStudy`).
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
from superhet.report.blocks import Page
from superhet.report.catalogue import Text
from superhet.report.html import fill_template, write_whole
from superhet.version import __version__

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class RiskStudy:
    """All that the page of a risk model shows.

    Parameters
    ----------
    name : of the model's folder
    language : of the page
    model : settings, as the model's files have them
    dates : days, the axis of all series
    assets : how many
    factors : all of them; styles : those that are neither country nor industry
    labels : factor -> language -> name; a factor without one is shown as it is
    facts : what validation found, by name; None = not known
    cumulated : style -> [dates] sum of its returns so far
    r2, names, coverage : [dates] of the regression, names fitted, share of the universe with all styles
    vif : style -> [dates]
    specific : [dates, 5] specific risk: 5 %, quarter, median, three quarters, 95 % of the names
    market_risk : [dates] forecast deviation of the country factor, annualised
    market_realised : [dates] deviation of its next 21 returns, annualised
    latest : specific risks of the last date
    notes : facts about the data
    """

    name: str
    language: Language = "en"
    model: Mapping[str, Any]
    dates: Sequence[str]
    assets: int
    factors: Sequence[str]
    styles: Sequence[str]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    facts: Mapping[str, Any]
    cumulated: Mapping[str, Series]
    r2: Series
    names: Series
    coverage: Series
    vif: Mapping[str, Series]
    specific: Series
    market_risk: Series
    market_realised: Series
    latest: Series
    notes: Sequence[str] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class OverlapStudy:
    """Signals or portfolios beside the styles.

    Parameters
    ----------
    name : of the model's folder
    language : of the page
    dates : days, the axis of all series
    labels : as in `RiskStudy`
    overlaps : numbers of each signal, as `StyleOverlap.to_dict` gives them
    exposures : signal -> style -> [dates] exposure in standard deviations
    """

    name: str
    language: Language = "en"
    dates: Sequence[str]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    overlaps: Sequence[Mapping[str, Any]]
    exposures: Mapping[str, Mapping[str, Series]]


def write_risk(study: RiskStudy, path: str | os.PathLike[str]) -> Path:
    """Write the page of a model; the file appears whole or not at all."""
    return write_whole(render_risk(study), path)


def render_risk(study: RiskStudy) -> str:
    """Give the page of a model as text."""
    from superhet.report.pages.risk import risk_page

    text = Text(study.language)
    title = text("risk.title", name=study.name)
    return _render(risk_page(study, text), study.dates, text, title, study.assets)


def write_overlap(study: OverlapStudy, path: str | os.PathLike[str]) -> Path:
    """Write the page of signals beside the styles; the file appears whole or not at all."""
    return write_whole(render_overlap(study), path)


def render_overlap(study: OverlapStudy) -> str:
    """Give the page of signals beside the styles as text."""
    from superhet.report.pages.risk_overlap import overlap_page

    text = Text(study.language)
    title = text("risk.overlap_title", name=study.name)
    return _render(overlap_page(study, text), study.dates, text, title, None)


def _render(page: Page, dates: Sequence[str], text: Text, title: str, assets: int | None) -> str:
    first, last = (dates[0], dates[-1]) if dates else ("–", "–")
    key = "risk.subtitle" if assets is not None else "risk.subtitle_dates"
    subtitle = text(key, first=first, last=last, assets=f"{assets or 0:,}")
    return fill_template(
        [page],
        {"dates": dates},
        text,
        title=title,
        subtitle=subtitle,
        footer=text("risk.footer", version=__version__),
    )
