"""How the numbers of a factor page were made: formula, conventions, significance, notes on the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superhet.report.blocks import Card, Page, Table
from superhet.report.numbers import MISSING, show
from superhet.report.pages.factor_context import FactorContext, interval

FORWARD = (
    "known",
    "valued_at_last_close",
    "shifted",
    "no_trade_at_entry",
    "locked_at_entry",
    "after_the_end",
)
SIGNIFICANCE: Mapping[str, str] = {
    "t_naive": "n2",
    "t_nw": "n2",
    "p_nw": "n4",
    "ci_nw": "interval",
    "p_boot": "n4",
    "ci_boot": "interval",
    "block": "n1",
    "trials": "int",
    "p_bh": "n4",
    "sharpe": "n2",
    "deflated_sharpe": "p1",
}


def significance(context: FactorContext) -> Card:
    """List naive and honest errors side by side, and what the number of trials takes away."""
    found = context.study.significance
    rows: list[tuple[Any, ...]] = []
    for key, kind in SIGNIFICANCE.items():
        value = found.get(key)
        if value is None:
            continue
        cell = interval(value, "n4") if kind == "interval" else (value, kind)
        rows.append(
            (context.word(f"significance.{key}"), cell, context.word(f"significance.{key}_meaning"))
        )
    columns = context.columns("metric:text", "value:n3", "meaning:long")
    table = Table(columns=columns, rows=rows)
    return context.table("significance", table, wide=True)


def making_page(context: FactorContext) -> Page:
    """Build the page."""
    sections = [
        context.section("formula", [formula(context), operators(context)]),
        context.section("conventions", [conventions(context), forward(context)]),
    ]
    return Page(
        id="making", title=context.word("page.making"), sections=[s for s in sections if s.cards]
    )


def formula(context: FactorContext) -> Card:
    """Show the formula as superhet spells it, and as it was written."""
    facts = context.study.facts
    pairs = {}
    for key in ("text", "syntax", "convention", "lookback", "unit", "source", "file"):
        value = facts.get(key)
        if value in (None, "") or (key == "text" and value == facts.get("formula")):
            continue
        pairs[context.label(key)] = str(value)
    if facts.get("fields"):
        pairs[context.label("fields")] = ", ".join(facts["fields"])
    pairs[context.label("snapshot")] = str(facts["snapshot"])
    pairs[context.label("key")] = context.study.key
    code = facts.get("formula") or context.word("said.from_file", file=facts.get("file", ""))
    return Card(
        id="formula", title=context.word("card.formula"), code=str(code), pairs=pairs, wide=True
    )


def operators(context: FactorContext) -> Card | None:
    """List the calls of the formula."""
    found = context.study.facts.get("operators")
    if not found:
        return None
    pairs = {
        o["name"]: o["meaning"].replace("`", "")
        if context.text.language == "en"
        else context.name("family", o["family"])
        for o in found
    }
    return Card(id="operators", title=context.word("card.operators"), pairs=pairs, wide=True)


def conventions(context: FactorContext) -> Card:
    """Say every convention in full."""
    return Card(
        id="conventions",
        title=context.word("card.conventions"),
        pairs=convention_pairs(context),
        wide=True,
    )


def convention_pairs(context: FactorContext) -> dict[str, str]:
    """Give every convention as (what, how)."""
    facts = context.study.facts
    days = {"days": facts["periods_per_year"]}
    return {
        context.word(f"convention.{key}"): context.word(f"convention.{key}_is", **values)
        for key, values in {
            "clock": {"delay": facts["delay"], "entry": price(context)},
            "forward": {"horizon": facts["horizon"], "relative": relative(context)},
            "locked": {"how": context.word(f"locked.{facts['locked']}")},
            "universe": {"universe": universe(context)},
            "rank_ic": {},
            "icir": days,
            "t": {"horizon": facts["horizon"]},
            "neutral": {"against": against(context)},
            "quantiles": {"count": facts["count"]},
            "long_short": {"cost": show(facts["cost"], "bp")},
            "turnover": {},
            "decay": {},
            "annual": days,
            "direction": {},
            "trials": {"trials": context.study.significance.get("trials", MISSING)},
        }.items()
    }


def price(context: FactorContext) -> str:
    """Name the price traded at."""
    facts = context.study.facts
    window = facts.get("window")
    name = context.text.name("entry", facts["entry"])
    return f"{name} {window[0]}–{window[1]}" if window else name


def relative(context: FactorContext) -> str:
    """Say what returns are measured over."""
    facts = context.study.facts
    return context.word(
        f"relative.{facts['relative_to'] or 'none'}", benchmark=facts.get("benchmark") or ""
    )


def universe(context: FactorContext) -> str:
    """Name the universe."""
    word = context.study.facts["universe"]
    return context.word("said.everyone") if word == "all" else str(word)


def against(context: FactorContext) -> str:
    """Name what the neutral column takes out."""
    names = [context.name("against", n) for n in context.study.facts["neutral"]]
    return context.word("said.comma").join(names) or context.word("said.nothing")


def forward(context: FactorContext) -> Card | None:
    """List how many member-dates have a forward return, and why the others have none."""
    found = context.study.forward
    if not found:
        return None
    total = found.get("total") or 1
    columns = context.columns("what:text", "count:int", "share:p2")
    rows = [
        (context.word(f"forward.{key}"), found[key], found[key] / total)
        for key in FORWARD
        if key in found
    ]
    return context.table("forward", Table(columns=columns, rows=rows), wide=True)


def notes(context: FactorContext) -> list[str]:
    """Say what the reader should know of the data."""
    said = []
    for note in context.study.notes:
        values = dict(note["values"])
        if note["code"] == "not_neutral":
            values["name"] = context.name("against", values["name"])
        said.append(context.word(f"data.{note['code']}", **values))
    return said
