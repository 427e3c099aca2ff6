"""The page of a book: money, exposure, costs and refusals, round trips, and how far the result carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Option, Page, Section, Table, Tile
from superhet.report.catalogue import Text
from superhet.report.context import sign_of, whole_rows
from superhet.report.numbers import show
from superhet.report.pages.reconcile import card, contract, money

if TYPE_CHECKING:  # it imports this page
    from superhet.report.reconcile_html import BookStudy


def book_page(study: BookStudy, text: Text) -> Page:
    """Build the page."""
    parts: dict[str, Sequence[Card | None]] = {
        "money": [
            _tiles(study, text),
            _notes(study, text),
            _net(study, text),
            _drawdown(study, text),
        ],
        "book": [_exposure(study, text), _names(study, text), _strategies(study, text)],
        "trading": [
            _costs(study, text),
            _refused(study, text),
            *trip_cards(study.trips, text),
        ],
        "carries": [
            _capacity(study, text),
            _capacity_table(study, text),
            _slippage(study, text),
        ],
        "terms": [] if len(study.engines) > 1 or study.failed else [contract(study, text)],
    }
    sections = [
        Section(
            id=f"book-{name}",
            title=text(f"book.section_{name}"),
            cards=whole_rows([c for c in cards if c is not None]),
        )
        for name, cards in parts.items()
        if any(c is not None for c in cards)
    ]
    return Page(id="book", title=text("book.page"), sections=sections)


def _tiles(study: BookStudy, text: Text) -> Card:
    facts = study.facts
    numbers = [
        ("annual", "annual_return", "p2"),
        ("sharpe", "sharpe", "n2"),
        ("drawdown", "max_drawdown", "p1"),
        ("turnover", "turnover", "x"),
        ("trades", "trades", "int"),
    ]
    tiles = [
        Tile(
            title=text(f"book.tile_{name}"),
            value=show(facts.get(key), kind),
            meaning=text(f"book.meaning_{name}", **_more(study, name)),
            sign=sign_of(facts[key] or 0.0) if name in {"annual", "sharpe"} else 0,
        )
        for name, key, kind in numbers
    ]
    return Card(id="book-numbers", title="", tiles=tiles, wide=True)


def _more(study: BookStudy, name: str) -> dict[str, str]:
    facts = study.facts
    if name == "annual":
        return {"volatility": show(facts.get("annual_volatility"), "p1")}
    if name == "sharpe":
        return {"gross": show(facts.get("gross_sharpe"), "n2")}
    if name == "trades":
        return {"refused": show(sum(study.refused.values()), "int")}
    return {}


def _notes(study: BookStudy, text: Text) -> Card | None:
    notes = [text.said(note) for note in study.notes]
    return card(text, "notes", paragraphs=notes, wide=True) if notes else None


def _net(study: BookStudy, text: Text) -> Card:
    series = {text.name("engine", study.reference): study.value[study.reference]}
    if study.benchmark is not None:
        series[text("book.label_benchmark")] = study.benchmark
    option = figures.lines("@axis:sessions", series, kind="n3", colours=["@accent", "@muted"])
    return card(text, "net", figure=option, wide=True, height=340)


def _drawdown(study: BookStudy, text: Text) -> Card:
    series = {text("book.label_drawdown"): study.drawdown}
    option = figures.lines(
        "@axis:sessions", series, kind="p1", colours=["@accent"], area=True, max=0
    )
    return card(text, "drawdown", figure=option, wide=True, height=220)


def _exposure(study: BookStudy, text: Text) -> Card:
    series = {text(f"book.label_{n}"): v for n, v in study.exposure.items()}
    option = figures.lines("@axis:sessions", series, kind="p0")
    return card(text, "exposure", figure=option)


def _names(study: BookStudy, text: Text) -> Card:
    series = {text("book.label_names"): study.names}
    option = figures.lines("@axis:sessions", series, kind="int", colours=["@accent"], min=0)
    return card(text, "names", figure=option)


def _strategies(study: BookStudy, text: Text) -> Card | None:
    if not study.strategies:
        return None
    kinds = {
        "annual_return": "p2", "annual_volatility": "p2", "sharpe": "n2", "max_drawdown": "p1",
        "turnover": "x", "final_equity": money(text),
    }  # fmt: skip
    columns = [Column(title=text("book.column_strategy"), kind="text")]
    columns += [Column(title=text(f"book.column_{n}"), kind=k) for n, k in kinds.items()]
    rows = [(n, *(one.get(k) for k in kinds)) for n, one in study.strategies.items()]
    whole = (text("book.whole_book"), *(study.facts.get(k) for k in kinds))
    table = Table(columns=columns, rows=rows, totals=[whole])
    return card(text, "strategies", table=table, wide=True)


def _costs(study: BookStudy, text: Text) -> Card | None:
    series = {text.name("cost", n): v for n, v in study.costs.items() if np.any(v)}
    if not series:
        return None
    option = figures.lines("@axis:sessions", series, kind="p2", min=0)
    for line in option["series"]:
        line |= {"stack": "costs", "areaStyle": {"opacity": 0.5}}
    return card(text, "costs", figure=option)


def _refused(study: BookStudy, text: Text) -> Card | None:
    found = sorted(study.refused.items(), key=lambda item: (-item[1], item[0]))
    if not found:
        return None
    option = figures.lying_bars(
        [text.name("rule", rule) for rule, _ in found],
        np.array([float(n) for _, n in found]),
        label=text("book.label_orders"),
        kind="int",
        signed=False,
    )
    return card(text, "refused", figure=option)


def trip_cards(trips: Mapping[str, Any], text: Text) -> list[Card]:
    """Show round trips by side, their returns, and how long they were held; nothing where none is closed."""
    if not trips.get("count"):
        return []
    kinds = {
        "count": "int", "open": "int", "won": "p1", "mean_sessions": "n1", "median_return": "p2",
        "profit": money(text), "costs": money(text), "dividends": money(text),
    }  # fmt: skip
    columns = [Column(title=text("book.column_side"), kind="text")]
    columns += [Column(title=text(f"book.column_trip_{n}"), kind=k) for n, k in kinds.items()]
    rows = [
        (text(f"book.side_{side}"), *(trips["sides"][side].get(k) for k in kinds))
        for side in ("long", "short")
        if side in trips["sides"]
    ]
    made = [
        card(text, "trips", table=Table(columns=columns, rows=rows), wide=True),
        _histogram(trips, text, "profits", "returns", "p1"),
        _histogram(trips, text, "stays", "sessions", "int"),
    ]
    return [one for one in made if one is not None]


def _histogram(trips: Mapping[str, Any], text: Text, name: str, key: str, kind: str) -> Card | None:
    found: Mapping[str, Any] | None = trips.get(key)
    if not found:
        return None
    labels = [show(middle, kind) for middle in found["middles"]]
    series = {text("book.label_trips"): np.asarray(found["shares"], dtype=np.float64)}
    option = figures.bars(labels, series, kind="p1", colours=["@accent"])
    option["series"][0] |= {"barCategoryGap": "4%", "barMaxWidth": None}
    option["xAxis"]["axisLabel"] = {"interval": "auto"}
    return card(text, name, figure=option)


def _points(rows: Sequence[Mapping[str, Any]], key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if r[key] is None else r[key] for r in rows], dtype=np.float64)


def _capacity(study: BookStudy, text: Text) -> Card | None:
    rows = study.sweeps.get("capacity")
    if not rows:
        return None
    axis = [show(r["capital"], money(text)) for r in rows]
    return card(text, "capacity", figure=_sharpes(text, axis, rows))


def _sharpes(text: Text, axis: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Option:
    """Draw the Sharpe ratio before and after costs."""
    series = {
        text("book.label_after"): _points(rows, "sharpe"),
        text("book.label_before"): _points(rows, "gross_sharpe"),
    }
    option = figures.lines("", series, kind="n2", colours=["@accent", "@muted"], zoom=False)
    option["xAxis"] |= {"data": list(axis), "boundaryGap": True}
    for line in option["series"]:
        line["showSymbol"] = True
    return option


def _capacity_table(study: BookStudy, text: Text) -> Card | None:
    rows = study.sweeps.get("capacity")
    if not rows:
        return None
    kinds = {
        "capital": money(text), "annual_return": "p2", "sharpe": "n2", "undone": "p1", "missed": "p1",
        "impact_bps": "n1", "cost": "p2",
    }  # fmt: skip
    columns = [Column(title=text(f"book.column_{n}"), kind=k) for n, k in kinds.items()]
    cells = [tuple(r[k] for k in kinds) for r in rows]
    return card(text, "capacity_table", table=Table(columns=columns, rows=cells))


def _slippage(study: BookStudy, text: Text) -> Card | None:
    rows = study.sweeps.get("slippage")
    if not rows:
        return None
    axis = [f"{r['slippage_bps']:g}" for r in rows]
    return card(text, "slippage", figure=_sharpes(text, axis, rows), wide=True, height=260)
