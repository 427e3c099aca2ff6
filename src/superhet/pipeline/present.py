"""Present: the values of a finished road -> the report, in the languages asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from superhet.backtest.round_trips import round_trips
from superhet.panel import BacktestResult, Dates, Fold, Market, Panel
from superhet.panel.frames import records_to_polars
from superhet.pipeline.artifacts import write_atomic
from superhet.pipeline.backtest_engines import action_records
from superhet.pipeline.backtest_page import trip_facts
from superhet.pipeline.config import Config
from superhet.pipeline.stages import Values, market_on, members
from superhet.portfolio import diagnose
from superhet.preprocess import diagnose as diagnose_distribution
from superhet.report import Measures, Study, write_html
from superhet.report.style_facts import StyleFacts


@dataclass(frozen=True, kw_only=True)
class About:
    """What a report says of its own making; no wall time, so that equal runs give equal bytes."""

    run_id: str
    snapshot: str
    stages: Mapping[str, str]
    warnings: Sequence[str] = ()


def write_reports(
    config: Config,
    market: Market,
    values: Mapping[str, Values],
    metrics: Mapping[str, float | None],
    about: About,
    folder: Path,
) -> list[Path]:
    """Write one self-contained page a language; the first is the one to open."""
    chosen = config.report.language
    languages: tuple[Literal["en", "zh"], ...] = ("en", "zh") if chosen == "both" else (chosen,)
    facts = study_facts(config, market, values, metrics, about)
    measures = Measures(Study(**facts))
    paths = []
    for language in languages:
        suffix = "" if language == languages[0] else f".{language}"
        path = folder / f"report{suffix}.html"
        study = Study(**facts, language=language)
        write_atomic(path, partial(write_html, study, measures=measures))
        paths.append(path)
    return paths


def study_facts(
    config: Config,
    market: Market,
    values: Mapping[str, Values],
    metrics: Mapping[str, float | None],
    about: About,
) -> dict[str, Any]:
    """Gather what the report shows."""
    synthesis, clean = values["synthesis"], values["clean"]
    super_factor: Panel = synthesis["super_factor"]
    on_clock = market_on(market, super_factor.dates)
    weights: Panel = values["portfolio"]["weights"]
    wanted = members(config)
    member = on_clock.universe.member.values
    section = config.synthesis.target
    result = values["backtest"]["result"]
    oracle = {
        "oracle_share": metrics["oracle_share"],
        "best_ic": metrics["best_rank_ic"],
        "absolute_ic": metrics["absolute_rank_ic"],
    }
    return {
        "name": config.name,
        "run_id": about.run_id,
        "config": config.resolved,
        "snapshot": about.snapshot,
        "seed": config.seed,
        "conventions": result.conventions,
        "market": market.between(super_factor.dates.values[0], super_factor.dates.values[-1]),
        "signals": clean["signals"],
        "ages": clean["ages"],
        "formulas": {m.name: str(m.expression) for m in wanted},
        "lookbacks": {m.name: m.expression.lookback for m in wanted},
        "coverage": {
            name: float(clean["signals"][name].known()[member].mean())
            for name in clean["signals"].names
        },
        "super_factor": super_factor,
        "forward": synthesis["target"],
        "horizon": section.horizon,
        "delay": section.delay,
        "entry": section.entry,
        "fold_dates": [_fold_dates(fold, super_factor.dates) for fold in synthesis["folds"]],
        "weights": np.asarray(synthesis["weights"]),
        "subsets": synthesis["subsets"],
        "models": synthesis["models"],
        "oracle": None if metrics["oracle_share"] is None else oracle,
        "distributions": _distributions(clean, on_clock),
        "portfolio": weights,
        "diagnosis": diagnose(weights, super_factor, market),
        "backtest": result,
        "attributions": values["attribution"]["attributions"],
        "audit": values.get("audit"),
        "metrics": metrics,
        "stages": about.stages,
        "warnings": about.warnings,
        "styles": _styles(config, values["styles"]) if "styles" in values else None,
        "trips": _trips(config, market, weights, result),
        "engines": values.get("engines"),
    }


def _trips(
    config: Config, market: Market, weights: Panel, result: BacktestResult
) -> dict[str, Any]:
    """Sum up the round trips of the book."""
    decided = np.flatnonzero(np.nan_to_num(weights.values).any(axis=1))
    traded = weights.between(weights.dates.values[decided[0]], None)
    tax = float(getattr(config.backtest, "dividend_tax", 0.0))
    actions = action_records(traded, market, tax)
    return trip_facts(records_to_polars(round_trips(result.trades, result.dates, actions)))


def _styles(config: Config, found: Values) -> StyleFacts:
    """Give what the page of styles shows; names of styles are those of the model's table."""
    from superhet.pipeline.risk_section import table_of

    assert config.risk is not None
    labels = {style.name: style.label for style in table_of(config.risk).styles}
    told = {key: found[key] for key in StyleFacts.__dataclass_fields__ if key in found}
    return StyleFacts(**told, labels=labels)


def _distributions(clean: Values, market: Market) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "before": diagnose_distribution(clean["mixed"][name], market).to_dict(),
            "after": diagnose_distribution(panel, market).to_dict(),
        }
        for name, panel in clean["signals"].items()
    }


def _fold_dates(fold: Fold, dates: Dates) -> tuple[Any, Any, Any, Any]:
    days = dates.values
    return (
        days[fold.train.start],
        days[fold.train.stop - 1],
        days[fold.test.start],
        days[fold.test.stop - 1],
    )
