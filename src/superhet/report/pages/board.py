"""The board: all factors of a report in one table, how alike they are, what so many trials prove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from superhet.report import figures
from superhet.report.blocks import Card, Page, Section, Table, Tile
from superhet.report.catalogue import Text
from superhet.report.context import whole_rows
from superhet.report.factor_study import FactorBoard, FactorStudy, numbers
from superhet.report.numbers import show
from superhet.report.pages.factor_context import FactorContext

MOST_IN_MATRIX = 60


@dataclass(frozen=True, kw_only=True)
class BoardContext:
    """The board and the words to show it."""

    board: FactorBoard
    text: Text

    @property
    def words(self) -> FactorContext:
        """The helpers of factor pages, for what the factors share."""
        study = FactorStudy(name=self.board.name, facts=self.board.facts)
        return FactorContext(study=study, text=self.text)


def board_pages(context: BoardContext) -> list[Page]:
    """Build the board."""
    board, words = context.board, context.words
    wanted: dict[str, list[Card | None]] = {
        "board": [tiles(context), table(context)],
        "compared": [pairs(context), matrix(context, "pair_correlation")],
        "alike": [matrix(context, "board_correlation")],
        "snooping": [snooping(context)],
        "refused": [refused(context)],
    }
    sections = []
    for name, cards in wanted.items():
        there = [c for c in cards if c is not None]
        if there:
            title = words.word(f"section.{name}")
            sections.append(Section(id=name, title=title, cards=whole_rows(there)))
    return [Page(id="board", title=words.word("page.board"), sections=sections if board else [])]


def tiles(context: BoardContext) -> Card:
    """Say how many factors were judged, and how many hold."""
    words = context.words
    judged = [s for s in context.board.studies if not s.refused]
    strong = [s for s in judged if (s.significance.get("p_bh") or 1.0) <= 0.05]
    naive = [s for s in judged if abs(s.rank_ic.get("t_naive") or 0.0) >= 2.0]
    facts = context.board.facts
    made = [
        Tile(
            title=words.word("tile.judged"),
            value=str(len(judged)),
            meaning=words.word(
                "tile.judged_meaning",
                refused=len(context.board.studies) - len(judged),
                left=len(context.board.left_out),
            ),
        ),
        Tile(
            title=words.word("tile.strong"),
            value=str(len(strong)),
            meaning=words.word("tile.strong_meaning", naive=len(naive)),
        ),
        Tile(
            title=words.word("tile.trials"),
            value=str(facts["trials"]),
            meaning=words.word("tile.trials_meaning"),
        ),
        Tile(
            title=words.word("tile.period"),
            value=f"{facts['sessions']:,}",
            meaning=words.word(
                "said.period",
                start=facts["start"],
                end=facts["end"],
                sessions=f"{facts['sessions']:,}",
            ),
        ),
    ]
    return Card(id="board-tiles", title="", tiles=made, wide=True)


def table(context: BoardContext) -> Card:
    """List a row a factor."""
    words = context.words
    columns = words.columns(
        "factor:link",
        "rank_ic:n4+",
        "icir:n3+",
        "t:n2+",
        "p_bh:n4",
        "neutral_t:n2+",
        "annual_return_gross:p1+",
        "annual_return_net:p1+",
        "sharpe_gross:n2+",
        "sharpe_net:n2+",
        "turnover_a_session:p1",
        "half_life:n1",
        "coverage:p1",
        "alike:n2+",
        "checks_passed:text",
    )
    rows = [_row(context, s) for s in context.board.studies if not s.refused]
    return words.table(
        "board",
        Table(columns=columns, rows=rows),
        wide=True,
        horizon=context.board.facts["horizon"],
    )


def _row(context: BoardContext, study: FactorStudy) -> tuple[Any, ...]:
    book = study.long_short
    gross, net = book.get("gross") or {}, book.get("net") or {}
    counted = [c for c in study.checks if c["pass"] is not None]
    passed = sum(bool(c["pass"]) for c in counted)
    link = context.board.links.get(study.name)
    return (
        (link, study.name) if link else study.name,
        study.rank_ic["mean"],
        study.rank_ic["icir"],
        study.rank_ic["t_nw"],
        study.significance.get("p_bh"),
        (study.neutral.get("rank_ic") or {}).get("t_nw"),
        gross.get("annual_return"),
        net.get("annual_return"),
        gross.get("sharpe"),
        net.get("sharpe"),
        book.get("turnover"),
        study.half_life,
        study.coverage,
        study.library.get(
            "largest", (context.board.correlation.get("largest") or {}).get(study.name)
        ),
        f"{passed} / {len(counted)}",
    )


def matrix(context: BoardContext, name: str) -> Card | None:
    """Draw how alike the factors are."""
    found: Mapping[str, Any] = (
        context.board.correlation
        if name == "board_correlation"
        else context.board.significance.get("signals", {})
    )
    names = list(found.get("names", ()))
    if len(names) < 2 or len(names) > MOST_IN_MATRIX:
        return None
    option = figures.heat_map(
        names,
        names,
        numbers(found["values"]),
        kind="n2",
        labelled=len(names) <= 12,
        neutral=True,
        limit=1.0,
    )
    option["xAxis"]["axisLabel"] = {
        "interval": 0,
        "rotate": 40 if len(names) > 4 else 0,
        "width": 120,
        "overflow": "truncate",
    }
    option["grid"] |= {"bottom": 68 + (50 if len(names) > 4 else 10)}
    return context.words.figure(
        name, option, wide=True, height=figures.row_height(len(names), least=300) + 90
    )


def pairs(context: BoardContext) -> Card | None:
    """List two factors a row: how alike, and whether one forecasts better than the other."""
    if not context.board.pairs:
        return None
    words = context.words
    columns = words.columns(
        "left:text",
        "right:text",
        "rank_correlation:n3+",
        "ic_correlation:n3+",
        "return_correlation:n3+",
        "difference:n4+",
        "t:n2+",
        "adds_left:n4+",
        "t_left:n2+",
        "adds_right:n4+",
        "t_right:n2+",
    )
    keys = (
        "left",
        "right",
        "signals",
        "rank_ic",
        "returns",
        "difference",
        "t",
        "left_adds",
        "left_t",
        "right_adds",
        "right_t",
    )
    rows = [tuple(p.get(k) for k in keys) for p in context.board.pairs]
    return words.table("pairs", Table(columns=columns, rows=rows), wide=True)


def snooping(context: BoardContext) -> Card | None:
    """List the tests over all factors together."""
    found = context.board.significance
    kinds = {
        "spa_p": "n4",
        "white_p": "n4",
        "overfitting": "p1",
        "best": "text",
        "best_deflated": "p1",
    }
    words = context.words
    rows = [
        (
            words.word(f"snooping.{k}"),
            found[k] if kind == "text" else (found[k], kind),
            words.word(f"snooping.{k}_meaning"),
        )
        for k, kind in kinds.items()
        if found.get(k) is not None
    ]
    if not rows:
        return None
    columns = words.columns("metric:text", "value:n3", "meaning:long")
    return words.table(
        "snooping",
        Table(columns=columns, rows=rows),
        wide=True,
        trials=context.board.facts["trials"],
    )


def refused(context: BoardContext) -> Card | None:
    """List factors that could not be judged, and why."""
    words, language = context.words, context.text.language
    rows = [
        (s.name, words.word(f"refused.{s.refused['code']}", **s.refused["values"]))
        for s in context.board.studies
        if s.refused
    ]
    rows += [(n, why.get(language, why.get("en", ""))) for n, why in context.board.left_out.items()]
    if not rows:
        return None
    columns = words.columns("factor:text", "reason:long")
    return words.table("refused_list", Table(columns=columns, rows=rows), wide=True)


def summary_pairs(context: BoardContext) -> dict[str, str]:
    """Give what all factors share."""
    facts = context.board.facts
    return {
        context.words.label("snapshot"): str(facts["snapshot"]),
        "cost": show(facts["cost"], "bp"),
    }
