"""The page of reconciliation: one book kept by several engines, and where they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.report import figures
from superhet.report.blocks import Card, Check, Column, Page, Section, Table, Tile
from superhet.report.catalogue import Text
from superhet.report.context import whole_rows
from superhet.report.numbers import show

if TYPE_CHECKING:  # it imports this page
    from superhet.report.reconcile_html import BookStudy

CENT = 0.01
_LOOK = {"own": "pass", "adapter": "none", "no": "fail"}
_HALF_CENT = 0.005
_LARGE = 1e4


def reconcile_page(study: BookStudy, text: Text) -> Page:
    """Build the page."""
    parts: dict[str, Sequence[Card | None]] = {
        "summary": [_tiles(study, text), _checks(study, text), failed_card(study.failed, text)],
        "engines": [
            engines_card(study.engines, text),
            _value(study, text),
            *_differences(study, text),
        ],
        "reasons": [
            _first(study, text),
            _gaps(study, text),
            _told(study, text),
            _reasons(study, text),
        ],
        "contract": [contract(study, text)],
    }
    sections = [
        Section(
            id=f"reconcile-{name}",
            title=text(f"book.section_{name}"),
            cards=whole_rows([c for c in cards if c is not None]),
        )
        for name, cards in parts.items()
    ]
    return Page(id="reconcile", title=text("book.page_reconcile"), sections=sections)


def card(text: Text, name: str, *, wide: bool = False, height: int = 320, **what: Any) -> Card:
    """Make a card titled `book.card_NAME` and explained by `book.note_NAME`."""
    return Card(
        id=f"book-{name}",
        title=text(f"book.card_{name}"),
        note=text(f"book.note_{name}"),
        wide=wide,
        height=height,
        **what,
    )


def money(text: Text) -> str:
    """Name the format of amounts in the language of the page."""
    return f"money_{text.language}"


def _others(study: BookStudy) -> list[Any]:
    return [row for row in study.engines if row["name"] != study.reference]


def _tiles(study: BookStudy, text: Text) -> Card:
    ours = next((r for r in study.engines if r["name"] == study.reference), {})
    tiles = [
        Tile(
            title=text("book.tile_final"),
            value=show(ours.get("final_equity"), money(text)),
            meaning=text("book.meaning_final"),
        )
    ]
    for row in _others(study):
        tiles.append(
            Tile(
                title=text("book.tile_most", engine=text.name("engine", row["name"])),
                value=show(row["most"], _format(row["most"] or 0.0, text)),
                meaning=text("book.meaning_most", orders=f"{row['orders']:,}"),
            )
        )
    return Card(id="book-tiles", title="", tiles=tiles, wide=True)


def _checks(study: BookStudy, text: Text) -> Card | None:
    checks = agreement(_others(study), text)
    if not checks:
        return None
    return Card(id="book-checks", title=text("book.card_checks"), checks=checks, wide=True)


def agreement(rows: Sequence[Mapping[str, Any]], text: Text) -> list[Check]:
    """Check that engines keep the same books as ours, or that what is between them is explained."""
    checks = []
    for row in rows:
        most, left = row["most"], row.get("unexplained")
        agrees = most is not None and most <= CENT
        explained = agrees or (left is not None and abs(left) <= CENT)
        said = "agrees" if agrees else ("explained" if explained else "differs")
        checks.append(
            Check(
                title=text("book.check_equity", engine=text.name("engine", row["name"])),
                value=show(most, "n4"),
                threshold="≤ 0.01",
                verdict="pass" if agrees else ("explained" if explained else "fail"),
                meaning=text(f"book.check_{said}"),
            )
        )
    return checks


def failed_card(failed: Mapping[str, str], text: Text) -> Card | None:
    """List the engines that did not finish, with what they said."""
    if not failed:
        return None
    rows = [(text.name("engine", name), message) for name, message in failed.items()]
    columns = [
        Column(title=text("book.column_engine"), kind="text"),
        Column(title=text("book.column_said"), kind="long"),
    ]
    return card(text, "failed", table=Table(columns=columns, rows=rows), wide=True)


def engines_card(rows: Sequence[Mapping[str, Any]], text: Text, *, timed: bool = True) -> Card:
    """List engines with their numbers; without seconds where equal runs are to give equal bytes."""
    kinds = {
        "version": "text", "seconds": "n2", "trades": "int", "refused": "int", "final_equity": "n2",
        "sharpe": "n3", "most": "n4", "orders": "int", "unexplained": "n4",
    }  # fmt: skip
    if not timed:
        del kinds["seconds"]
    columns = [Column(title=text("book.column_engine"), kind="text")]
    columns += [Column(title=text(f"book.column_{n}"), kind=k) for n, k in kinds.items()]
    cells = [(text.name("engine", row["name"]), *(row.get(name) for name in kinds)) for row in rows]
    return card(text, "engines", table=Table(columns=columns, rows=cells), wide=True)


def _value(study: BookStudy, text: Text) -> Card:
    series = {text.name("engine", n): v for n, v in study.value.items()}
    option = figures.lines("@axis:sessions", series, kind="n3")
    for k, line in enumerate(option["series"]):  # ours is broad and pale, so that it shows beneath
        line["lineStyle"] = {"width": 1.4} if k else {"width": 6, "opacity": 0.35}
    return card(text, "value", figure=option, wide=True, height=360)


def _differences(study: BookStudy, text: Text) -> list[Card]:
    """Draw the differences; those within a cent have a figure of their own, where they can be seen."""
    series = [(text.name("engine", n), v) for n, v in study.difference.items()]
    most = [_largest(values) for _, values in series]
    cards = []
    for within, name, height in ((False, "difference", 280), (True, "rounding", 200)):
        chosen = [k for k, largest in enumerate(most) if (largest <= CENT) is within]
        if not chosen:
            continue
        option = figures.lines(
            "@axis:sessions",
            dict(series[k] for k in chosen),
            kind="e" if within else _format(max(most[k] for k in chosen), text),
            colours=[figures.colour(k + 1) for k in chosen],
        )
        option["legend"]["show"] = True
        cards.append(card(text, name, figure=option, wide=True, height=height))
    return cards


def _format(most: float, text: Text) -> str:
    """Name the format of amounts up to one."""
    if most < 1.0:
        return "n4"
    return "n2" if most < _LARGE else money(text)


def _largest(values: npt.NDArray[np.float64]) -> float:
    return float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0


def _first(study: BookStudy, text: Text) -> Card | None:
    if not _others(study):
        return None
    columns = [
        Column(title=text(f"book.column_{n}"), kind=k)
        for n, k in {
            "engine": "text", "date": "text", "asset": "text", "reason": "long",
            "native_shares": "int", "engine_shares": "n2", "equity_difference": "n2",
        }.items()
    ]  # fmt: skip
    rows = []
    for row in _others(study):
        one = study.first.get(row["name"])
        name = text.name("engine", row["name"])
        if one is None:
            rows.append((name, "–", "–", text("book.same"), None, None, None))
            continue
        rows.append(
            (
                name,
                one["date"],
                one.get("asset") or "–",
                text.said(one["reason"]),
                one.get("native_shares"),
                one.get("engine_shares"),
                one.get("equity_difference"),
            )
        )
    return card(text, "first", table=Table(columns=columns, rows=rows), wide=True)


def _gaps(study: BookStudy, text: Text) -> Card | None:
    """Split what each engine ends with, less what ours does, by reason."""
    names = [row["name"] for row in _others(study) if row["name"] in study.gaps]
    reasons = [r for n in names for r in study.gaps[n] if r != "residual"]
    if not names or not reasons:
        return None
    columns = [Column(title=text("book.column_gap"), kind="text")]
    columns += [Column(title=text.name("engine", n), kind="n2", signed=True) for n in names]
    rows = [
        (_reason(text, r), *(study.gaps[n].get(r) for n in names)) for r in dict.fromkeys(reasons)
    ]
    rest = (text("book.gap_residual"), *(_cents(study.gaps[n].get("residual")) for n in names))
    return card(text, "gaps", table=Table(columns=columns, rows=rows, totals=[rest]), wide=True)


def _cents(amount: float | None) -> float | None:
    """Give 0 for what rounds to no cent, so that it has no sign."""
    return 0.0 if amount is not None and abs(amount) < _HALF_CENT else amount


def _reason(text: Text, reason: str) -> str:
    """Name a reason: a rule that refuses orders, or one of the books."""
    key = f"book.gap_{reason}"
    return text(key) if key in text else text.name("rule", reason)


def _told(study: BookStudy, text: Text) -> Card | None:
    """Repeat what engines say of themselves that they could not do."""
    rows = [
        (text.name("engine", row["name"]), text.said(row["notes"]))
        for row in _others(study)
        if row.get("notes")
    ]
    if not rows:
        return None
    columns = [
        Column(title=text("book.column_engine"), kind="text"),
        Column(title=text("book.column_said"), kind="long"),
    ]
    return card(text, "told", table=Table(columns=columns, rows=rows), wide=True)


def _reasons(study: BookStudy, text: Text) -> Card | None:
    if not study.reasons:
        return None
    names = [row["name"] for row in _others(study)]
    columns = [
        Column(title=text("book.column_rule"), kind="text"),
        Column(title=text("book.column_worth"), kind="n2", signed=True),
        *(Column(title=text.name("engine", n), kind="badge") for n in names),
    ]
    rows = []
    for row in study.reasons:
        said = [
            (k, _LOOK[row["said_by"][n]], text(f"book.said_{row['said_by'][n]}"))
            for k, n in enumerate(names)
        ]
        rows.append((text(f"book.rule_{row['rule']}"), row["worth"], *said))
    return card(text, "reasons", table=Table(columns=columns, rows=rows), wide=True)


def contract(study: BookStudy, text: Text) -> Card:
    """Repeat what the engine assumes, rule by rule."""
    pairs = {text.name("convention", n): text.said(words) for n, words in study.contract.items()}
    return card(text, "contract", pairs=pairs, wide=True)
