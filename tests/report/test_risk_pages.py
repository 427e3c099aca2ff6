"""The pages of a risk model: every word is used, in both languages, and every number is the one computed."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import looked_at
from heard import Heard
from test_validation import estimates

from superhet.panel import Panel
from superhet.pipeline.risk_report import overlap_study, risk_study
from superhet.report.catalogue import LANGUAGES, Text
from superhet.report.pages.risk import risk_page
from superhet.report.pages.risk_overlap import overlap_page
from superhet.report.risk_html import render_overlap, render_risk
from superhet.risk import correlate, validate
from superhet.risk.validation import TrialSettings


@pytest.fixture(scope="module")
def made():
    return replace(estimates(unadjusted=0.8), notes=("One fact.",))


@pytest.fixture(scope="module")
def study(made):
    return risk_study(made, validate(made, TrialSettings(step=5, portfolios=20)), "demo")


@pytest.fixture(scope="module")
def overlaps(made):
    values = made.styles[0] + np.random.default_rng(0).standard_normal(made.returns.shape)
    signal = Panel(values=values, dates=made.dates, assets=made.assets, name="mine")
    weights = signal.with_values(np.where(values > 0, 0.01, 0.0), name="book")
    found = [correlate(signal, made), correlate(weights, made, portfolio=True)]
    return overlap_study(made, found, "demo")


def test_every_label_is_used_and_every_page_is_made_in_both_languages(study, overlaps):
    by_hand = {  # said around the page, or of other horizons
        "risk.title", "risk.subtitle", "risk.subtitle_dates", "risk.footer", "risk.overlap_title",
        "risk.horizon_long", "risk.horizon_daily",
    }  # fmt: skip
    for language in LANGUAGES:
        text = Heard(language)
        risk_page(replace(study, language=language), text)
        overlap_page(replace(overlaps, language=language), text)
        known = {k for k in text if k.startswith("risk.")}
        assert known - text.asked == by_hand


def figures_of(html):
    found = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    return json.loads(found.group(1))["figures"]


def test_figures_are_the_series_that_were_computed(study, made):
    figures = figures_of(render_risk(study))
    drawn = figures["risk-cumulated"]["series"][0]["data"]
    assert drawn[-1] == pytest.approx(made.factor_returns[:, made.first_style].sum(), rel=1e-4)
    predicted = figures["risk-market"]["series"][0]["data"]
    assert predicted[0] == pytest.approx(np.sqrt(252.0) * 0.01, rel=1e-4)
    for card in (
        "risk-eigenfactors",
        "risk-predicted",
        "risk-deciles",
        "risk-tilts",
        "risk-specific",
    ):
        assert any(len(s["data"]) for s in figures[card]["series"]), card


def test_table_of_test_portfolios_has_the_numbers_of_validation(study):
    page = risk_page(study, Text("en"))
    cards = {c.id: c for s in page.sections for c in s.cards}
    rows = {row[0]: row for row in cards["risk-families"].table.rows}
    facts = study.facts["bias"]["random"]
    assert rows["Random, long"][3] == facts["bias"]
    assert rows["Random, long"][8] == facts["in_band"]
    assert (
        rows["Optimised, of stocks"][4]
        == study.facts["bias_without_eigenfactor_adjustment"]["optimised"]["bias"]
    )


def test_checks_fail_where_a_model_is_bad(study):
    bad = replace(
        study, facts={**study.facts, "max_identity_error": 1e-3, "stability": {"size": 0.5}}
    )
    cards = {c.id: c for s in risk_page(bad, Text("en")).sections for c in s.cards}
    verdicts = {c.title: c.verdict for c in cards["risk-checks"].checks}
    assert verdicts["Identities of the regression"] == "fail"
    assert verdicts["Least stable style"] == "fail"


def test_heat_map_of_signals_has_a_row_a_signal(overlaps):
    figures = figures_of(render_overlap(overlaps))
    assert figures["risk-correlation"]["yAxis"]["data"] == ["mine", "book"]
    size = next(c for c in figures["risk-correlation"]["series"][0]["data"] if c[:2] == [0, 0])[2]
    assert size == pytest.approx(overlaps.overlaps[0]["correlation"]["size"], rel=1e-3)


def test_same_study_gives_the_same_bytes(study):
    assert render_risk(study) == render_risk(study)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_browser_draws_every_figure(study, overlaps, language, tmp_path):
    for name, html in (
        ("model", render_risk(replace(study, language=language))),
        ("overlap", render_overlap(replace(overlaps, language=language))),
    ):
        (tmp_path / name).mkdir()
        said, drawn = looked_at(html, tmp_path / name)
        assert said == []
        assert drawn == set(figures_of(html))
