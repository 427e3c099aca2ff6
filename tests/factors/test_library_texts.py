"""Texts of the published libraries: complete, in order, told in two languages, and readable."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

import pytest

from superhet.factors.library import alpha158, alpha360
from superhet.factors.parse import parse

HAN = re.compile(r"[\u4e00-\u9fff]")
HEAD = {"title", "syntax", "convention", "source"}
FACTS = {"formula", "en", "zh", "sign", "note", "missing"}
MISSING = ["gtja030", "gtja143"]
BAR = "KMID KLEN KMID2 KUP KUP2 KLOW KLOW2 KSFT KSFT2 OPEN0 HIGH0 LOW0 VWAP0"
FAMILIES = (
    "ROC MA STD BETA RSQR RESI MAX MIN QTLU QTLD RANK RSV IMAX IMIN IMXD CORR CORD CNTP CNTN CNTD "
    "SUMP SUMN SUMD VMA VSTD WVMA VSUMP VSUMN VSUMD"
)

# Guotai Junan took these from WorldQuant's list unchanged.
TWINS = {
    "gtja005": "alpha026",
    "gtja007": "alpha011",
    "gtja013": "alpha041",
    "gtja016": "alpha050",
    "gtja032": "alpha015",
    "gtja033": "alpha052",
    "gtja037": "alpha008",
    "gtja038": "alpha023",
    "gtja042": "alpha040",
    "gtja062": "alpha044",
    "gtja083": "alpha016",
    "gtja086": "alpha046",
    "gtja098": "alpha024",
    "gtja099": "alpha013",
    "gtja104": "alpha022",
    "gtja105": "alpha003",
    "gtja107": "alpha020",
    "gtja113": "alpha045",
    "gtja114": "alpha083",
    "gtja117": "alpha035",
    "gtja120": "alpha042",
    "gtja136": "alpha014",
    "gtja139": "alpha006",
    "gtja184": "alpha037",
}


def _read(name: str) -> dict[str, Any]:
    path = resources.files("superhet.factors.library").joinpath(f"{name}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


ALPHA101, GTJA191 = _read("alpha101"), _read("gtja191")
ALPHA158, ALPHA360 = alpha158.formulas(), alpha360.formulas()


def _formulas(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts for name, facts in table.items() if name not in HEAD}


def _texts() -> list[tuple[str, str, str]]:
    """Give name, text and spelling of everything that can be read."""
    tables = [*_formulas(ALPHA101).items(), *_formulas(GTJA191).items()]
    found = [(n, f["formula"], "worldquant") for n, f in tables if f["formula"]]
    return found + [(n, f[0], "qlib") for n, f in [*ALPHA158.items(), *ALPHA360.items()]]


def test_the_paper_has_101_formulas_and_the_report_191():
    assert list(_formulas(ALPHA101)) == [f"alpha{i:03d}" for i in range(1, 102)]
    assert list(_formulas(GTJA191)) == [f"gtja{i:03d}" for i in range(1, 192)]


def test_alpha158_has_the_names_of_qlib_in_its_order():
    rolling = [f"{family}{d}" for family in FAMILIES.split() for d in (5, 10, 20, 30, 60)]
    assert list(ALPHA158) == BAR.split() + rolling
    assert len(ALPHA158) == 158


def test_alpha360_has_sixty_days_of_six_fields_the_oldest_first():
    fields = ("CLOSE", "OPEN", "HIGH", "LOW", "VWAP", "VOLUME")
    assert list(ALPHA360) == [f"{f}{lag}" for f in fields for lag in range(59, -1, -1)]
    assert ALPHA360["CLOSE0"][0] == "$close/$close"
    assert ALPHA360["VOLUME1"][0] == "Ref($volume, 1)/($volume+1e-12)"


@pytest.mark.parametrize("table", [ALPHA101, GTJA191], ids=["alpha101", "gtja191"])
def test_every_published_formula_is_told_in_two_languages(table: dict[str, Any]):
    assert table.keys() >= HEAD
    for told in [table["title"], *_formulas(table).values()]:
        for facts in [told, *(told[k] for k in ("note", "missing") if k in told)]:
            assert facts["en"].strip()
            assert not HAN.search(facts["en"])
            assert HAN.search(facts["zh"])
            assert facts["en"].count("\n") == facts["zh"].count("\n") == 0
    for facts in _formulas(table).values():
        assert facts.keys() <= FACTS
        assert facts.get("sign", 1) in (-1, 1)


@pytest.mark.parametrize("table", [ALPHA158, ALPHA360], ids=["alpha158", "alpha360"])
def test_every_column_of_qlib_is_told_in_two_languages(table: dict[str, tuple[str, str, str]]):
    for text, en, zh in table.values():
        assert "{" not in text + en + zh
        assert en
        assert not HAN.search(en)
        assert HAN.search(zh)


def test_meanings_tell_the_columns_of_qlib_apart():
    for table in (ALPHA158, ALPHA360):
        assert len({en for _, en, _ in table.values()}) == len(table)
        assert len({zh for _, _, zh in table.values()}) == len(table)
        assert len({text for text, _, _ in table.values()}) == len(table)


def test_only_what_a_window_of_bars_cannot_hold_is_missing_and_says_why():
    gone = [n for n, f in _formulas(GTJA191).items() if not f["formula"]]
    assert gone == MISSING == [n for n, f in _formulas(GTJA191).items() if "missing" in f]
    assert all(f["formula"] for f in _formulas(ALPHA101).values())


def test_every_text_can_be_read_in_its_spelling():
    unread = {}
    for name, text, syntax in _texts():
        try:
            parse(text, syntax)
        except Exception as error:
            unread[name] = str(error)
    assert not unread


@pytest.mark.parametrize("copy", sorted(TWINS))
def test_what_guotai_junan_took_from_worldquant_reads_as_the_same_formula(copy: str):
    ours = parse(GTJA191[copy]["formula"], "worldquant")
    assert ours is parse(ALPHA101[TWINS[copy]]["formula"], "worldquant")


def test_a_corrected_misprint_says_so():
    for name in ("gtja010", "gtja036", "gtja054", "gtja127", "gtja149", "gtja165", "gtja166"):
        assert "rinted" in GTJA191[name]["note"]["en"]
        assert "原文" in GTJA191[name]["note"]["zh"]
