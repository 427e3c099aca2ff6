"""The page of one factor: key numbers, checks and two curves first; then forecast, money, values, making."""

from __future__ import annotations

from typing import Any

from superhet.report import figures
from superhet.report.blocks import Card, Check, Page, Table, Tile, Verdict
from superhet.report.context import sign_of
from superhet.report.numbers import known, show
from superhet.report.pages import factor_making as making
from superhet.report.pages import factor_money as money
from superhet.report.pages.factor_context import AXIS, FactorContext, interval, shown
from superhet.report.pages.factor_forecast import cumulative, forecast_page
from superhet.report.pages.factor_making import making_page
from superhet.report.pages.factor_money import money_page
from superhet.report.pages.factor_values import values_page

_SIGNS = {"at_least": "≥ ", "at_most": "≤ ", "between": ""}


def factor_pages(context: FactorContext) -> list[Page]:
    """Build all pages of a factor; of one that could not be judged, why."""
    if context.study.refused:
        return [_refused(context)]
    return [
        overview_page(context),
        forecast_page(context),
        money_page(context),
        values_page(context),
        making_page(context),
    ]


def _refused(context: FactorContext) -> Page:
    why = context.study.refused
    said = context.word(f"refused.{why['code']}", **why["values"])
    sections = [
        context.section("summary", [context.say("refused", said, wide=True), header(context)])
    ]
    return Page(id="overview", title=context.word("page.overview"), sections=sections)


def overview_page(context: FactorContext) -> Page:
    """Build the first page."""
    tiles = Card(id="tiles", title="", tiles=key_numbers(context), wide=True)
    rows = Card(id="checks", title="", checks=checks(context), wide=True)
    said = making.notes(context)
    noted = context.say("notes", *said, wide=True) if said else None
    sections = [
        context.section("summary", [tiles, header(context), noted]),
        context.section("checks", [rows]),
        context.section("at_a_glance", [_small(cumulative(context)), _small_nav(context)]),
        context.section("numbers", [summary_table(context)]),
        context.section("significance", [making.significance(context)]),
    ]
    return Page(id="overview", title=context.word("page.overview"), sections=sections)


def header(context: FactorContext) -> Card:
    """Say in a few lines what is judged on what."""
    study, facts = context.study, context.study.facts
    pairs: dict[str, str] = {}
    meaning = (facts.get("meaning") or {}).get(context.text.language)
    if meaning:
        pairs[context.label("meaning")] = str(meaning)
    frequency = facts.get("frequency") or ""
    pairs[context.label("frequency")] = context.text.name("block", frequency)
    if facts.get("lookback") is not None:
        pairs[context.label("lookback")] = context.word("said.sessions", count=facts["lookback"])
    pairs |= {
        context.label("universe"): context.word(
            "said.universe",
            universe=making.universe(context),
            mean=f"{facts['mean_assets']:,.0f}",
            assets=f"{facts['assets']:,}",
        ),
        context.label("period"): context.word(
            "said.period", start=facts["start"], end=facts["end"], sessions=f"{facts['sessions']:,}"
        ),
        context.label("trade"): context.word(
            "said.trade",
            delay=facts["delay"],
            entry=making.price(context),
            horizon=facts["horizon"],
            relative=making.relative(context),
        ),
        context.label("neutral_column"): making.against(context),
        context.label("coverage"): show(study.coverage, "p1"),
        context.label("direction"): context.word(f"direction.{study.direction}"),
        context.label("snapshot"): str(facts["snapshot"]),
    }
    code = str(facts.get("formula") or context.word("said.from_file", file=facts.get("file", "")))
    return Card(id="header", title=context.word("card.header"), code=code, pairs=pairs, wide=True)


def key_numbers(context: FactorContext) -> list[Tile]:
    """Give the key numbers, each with what it means."""
    return [*_forecast_tiles(context), *_money_tiles(context), *_other_tiles(context)]


def _forecast_tiles(context: FactorContext) -> list[Tile]:
    rank = context.study.rank_ic
    neutral = context.study.neutral.get("rank_ic") or {}
    return [
        _tile(
            context,
            "rank_ic",
            rank["mean"],
            "n4",
            signed=True,
            interval=interval(rank["ci95"], "n3"),
            t=show(rank["t_nw"], "n1"),
        ),
        _tile(
            context,
            "icir",
            rank["icir"],
            "n3",
            annual=show(rank["annual_icir"], "n2"),
            wins=show(rank["win_rate"], "p0"),
            count=rank["count"],
        ),
        _tile(
            context,
            "neutral_ic",
            neutral.get("mean"),
            "n4",
            signed=True,
            t=show(neutral.get("t_nw"), "n1"),
            against=making.against(context),
        ),
    ]


def _money_tiles(context: FactorContext) -> list[Tile]:
    book = context.study.long_short
    if not book.get("gross"):
        return []
    gross, net, directed = book["gross"], book["net"], book.get("directed", {})
    return [
        _tile(
            context,
            "long_short",
            gross["annual_return"],
            "p1",
            signed=True,
            net=show(net["annual_return"], "p1"),
        ),
        _tile(
            context,
            "sharpe",
            gross["sharpe"],
            "n2",
            signed=True,
            net=show(net["sharpe"], "n2"),
            directed=show(directed.get("net_sharpe"), "n2"),
        ),
        _tile(
            context,
            "turnover",
            book.get("turnover"),
            "p1",
            annual=show(book.get("annual_turnover"), "x"),
            even=show(directed.get("break_even"), "bp"),
        ),
    ]


def _other_tiles(context: FactorContext) -> list[Tile]:
    study = context.study
    life = "half_life" if study.half_life is not None else "half_life_never"
    passed = [c for c in study.checks if c["pass"]]
    counted = [c for c in study.checks if c["pass"] is not None]
    repeats = show(study.autocorrelation.get("1"), "n3")
    return [
        Tile(
            title=context.word("tile.half_life"),
            value=show(study.half_life, "n1"),
            meaning=context.word(f"tile.{life}_meaning", autocorrelation=repeats),
        ),
        Tile(
            title=context.word("tile.checks"),
            value=f"{len(passed)} / {len(counted)}",
            meaning=context.word("tile.checks_meaning", open=len(study.checks) - len(counted)),
        ),
    ]


def _tile(
    context: FactorContext, key: str, value: Any, kind: str, *, signed: bool = False, **said: object
) -> Tile:
    return Tile(
        title=context.word(f"tile.{key}"),
        value=show(value, kind),
        meaning=context.word(f"tile.{key}_meaning", **said),
        sign=sign_of(known(value)) if signed else 0,
    )


def checks(context: FactorContext) -> list[Check]:
    """Give rows that pass or fail, the threshold beside the value."""
    made = []
    for row in context.study.checks:
        verdict: Verdict = "none" if row["pass"] is None else "pass" if row["pass"] else "fail"
        made.append(
            Check(
                title=context.name("check", row["rule"]),
                value=shown(row["value"], row["kind"]),
                threshold=_SIGNS[row["bound"]] + shown(row["threshold"], row["kind"]),
                verdict=verdict,
                meaning=context.name("check", f"{row['rule']}_meaning"),
            )
        )
    return made


def summary_table(context: FactorContext) -> Card:
    """List RankIC and IC, raw beside neutral."""
    study = context.study
    columns = context.columns(
        "metric:text", "rank_ic_raw:n4", "rank_ic_neutral:n4", "ic_raw:n4", "ic_neutral:n4"
    )
    sources = [
        study.rank_ic,
        study.neutral.get("rank_ic") or {},
        study.ic,
        study.neutral.get("ic") or {},
    ]
    kinds = {
        "mean": "n4",
        "std": "n4",
        "icir": "n3",
        "annual_icir": "n2",
        "t_nw": "n2",
        "t_naive": "n2",
        "win_rate": "p1",
        "skew": "n2",
        "kurtosis": "n2",
        "count": "int",
    }
    rows: list[tuple[Any, ...]] = [
        (context.label(f"of_ic_{key}"), *((s.get(key), kind) for s in sources))
        for key, kind in kinds.items()
    ]
    rows.insert(1, (context.label("interval"), *(interval(s.get("ci95"), "n4") for s in sources)))
    return context.table("summary", Table(columns=columns, rows=rows), wide=True)


def _small(card: Card) -> Card:
    return Card(
        id=f"small-{card.id}", title=card.title, note=card.note, figure=card.figure, height=260
    )


def _small_nav(context: FactorContext) -> Card | None:
    card = money.long_short(context)
    if card is None:
        values = context.series("spread")
        if values is None:
            return None
        option = figures.lines(AXIS, {context.label("top_minus_bottom"): values}, kind="bp")
        return context.figure("small_spread", option, height=260)
    return _small(card)
