"""Synthesis: folds, weights through time, and the comparison with parts and other models."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from superhet.evaluation import SeriesSummary
from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context
from superhet.report.pages.members import FEW_MEMBERS


def cards(context: Context) -> list[Card]:
    """Show the folds and the weights of each fold."""
    if not context.study.folds:
        return []
    return [folds(context), *weight_paths(context)]


def folds(context: Context) -> Card:
    """Draw training and test slices; the gap between them is purge and embargo."""
    study, text = context.study, context.text
    days = study.super_factor.dates.days

    def span(first: np.datetime64, last: np.datetime64) -> tuple[float, float]:
        a, b = np.searchsorted(days, first), np.searchsorted(days, last, side="right")
        return float(a), float(b - a)

    names = [text("label.fold_number", number=k + 1) for k in range(len(study.folds))]
    option = figures.gantt(
        "clock",
        names,
        {
            text("label.train"): [span(f.train_start, f.train_end) for f in study.folds],
            text("label.test"): [span(f.test_start, f.test_end) for f in study.folds],
        },
    )
    option["xAxis"]["max"] = len(days)
    height = _fold_height(context)
    return context.figure("folds", option, height=height)


def weight_paths(context: Context) -> list[Card]:
    """Draw the weights fold by fold: of each member, or with many members by frequency and as a map."""
    study, text = context.study, context.text
    starts = [str(f.test_start) for f in study.folds]

    if len(study.signals) <= FEW_MEMBERS:
        series = {name: study.weights[:, k] for k, name in enumerate(study.signals)}
        option = figures.steps(starts, series)
        return [context.figure("weight_paths", option, height=_fold_height(context))]
    size = np.abs(study.weights)
    whole = np.maximum(size.sum(axis=1), np.finfo(float).tiny)
    owner = [study.signals.blocks[n] for n in study.signals]
    shares = {
        text.name("block", b): size[:, [o == b for o in owner]].sum(axis=1) / whole
        for b in context.blocks
    }
    by_block = figures.steps(starts, shares, kind="p0")
    by_block["yAxis"]["max"] = 1
    option = figures.heat_map(starts, list(study.signals), study.weights.T, kind="n3")
    height = figures.row_height(len(study.signals))
    card = context.figure("weight_map", option, wide=True, height=height)
    return [context.figure("weight_shares", by_block, height=_fold_height(context)), card]


def _fold_height(context: Context) -> int:
    return max(300, min(600, 24 * len(context.study.folds) + 70))


def comparison_cards(context: Context) -> list[Card]:
    """Compare the super-factor with its members, single frequencies, models and leave-one-out."""
    study, measures, text = context.study, context.measures, context.text
    own = {text("label.super_factor"): measures.strength}
    made = []
    if study.subsets:
        named = {text.name("block", b): s.rank for b, s in measures.subsets.items()}
        made.append(_strength_table(context, "subsets_table", own | named))
    if study.models:
        named = {text.name("model", m): measures.of(p) for m, p in study.models.items()}
        made.append(_strength_table(context, "models_table", own | named))
    made.append(_member_bars(context))
    if measures.leave_one_out:
        made.append(_contribution(context))
    return made


def _member_bars(context: Context) -> Card:
    study, measures, text = context.study, context.measures, context.text
    found: dict[str, SeriesSummary] = {text("label.super_factor"): measures.strength}
    tint = {text("label.super_factor"): "@muted"}
    for name, strength in sorted(
        measures.member_strength.items(), key=lambda item: -np.nan_to_num(item[1].mean)
    ):
        found[name] = strength
        tint[name] = context.block_colour(study.signals.blocks[name])
    values = list(found.values())
    option = figures.interval_bars(
        list(found),
        np.array([s.mean for s in values]),
        np.array([s.low for s in values]),
        np.array([s.high for s in values]),
        label=text("label.rank_ic"),
        interval=text("label.interval"),
        kind="n4",
        colours=list(tint.values()),
    )
    return context.figure("member_ic", option, height=figures.row_height(len(values)))


def _contribution(context: Context) -> Card:
    lost = context.measures.leave_one_out
    names = sorted(lost, key=lambda name: -np.nan_to_num(lost[name]))
    option = figures.lying_bars(
        names,
        np.array([lost[n] for n in names]),
        label=context.text("label.contribution"),
        kind="n4",
    )
    return context.figure("contribution", option, height=figures.row_height(len(names)))


def _strength_table(context: Context, name: str, found: Mapping[str, SeriesSummary]) -> Card:
    text = context.text
    columns = [
        Column(title=text("label.name"), kind="text"),
        Column(title=text("label.rank_ic"), kind="n4", signed=True),
        Column(title=text("label.interval_low"), kind="n4"),
        Column(title=text("label.interval_high"), kind="n4"),
        Column(title=text("label.icir"), kind="n3"),
        Column(title=text("label.t"), kind="n2"),
        Column(title=text("label.ic_win_rate"), kind="p1"),
    ]
    rows = [(label, s.mean, s.low, s.high, s.icir, s.t, s.win_rate) for label, s in found.items()]
    return context.table(name, Table(columns=columns, rows=rows))
