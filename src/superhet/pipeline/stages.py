"""Stages: the research process, read from top to bottom.

1. data        the store, cut to the study                          -> load
2. signals     every formula on its native clock                    -> compute_signals
3. clean       one decision clock; outliers, scale, neutrality      -> mix_and_clean
4. synthesis   walk-forward: many signals -> one super-factor       -> synthesize
5. portfolio   super-factor -> target weights                       -> build_portfolio
6. backtest    weights -> money, under the rules of the market      -> run_backtest
7. attribution where the return came from                           -> attribute

A study with a risk model has two more, which no other stage reads: `risk`, of the data alone (`risk_stage`),
and `styles`, in which signals, super-factor and portfolio are measured by it (`style_stage`).

Each stage is a function of the configuration and of earlier values; it reads no clock and no
environment, writes nothing, and returns a mapping that a run folder can keep. The look-ahead audit
calls the same functions on a market whose future was replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from superhet.attribution import contribution
from superhet.data.axes import market_axes
from superhet.data.base import Tables
from superhet.data.load import load_market
from superhet.errors import ConfigError, EmptyUniverse, InputError, NoSignal, UnknownName
from superhet.evaluation import forward_returns
from superhet.factors import Expression, Formula, evaluate, known_since, library, pick
from superhet.factors.formula import read
from superhet.frequency import decision_clock, mix
from superhet.panel import (
    Attribution,
    BacktestResult,
    Cube,
    Dates,
    Market,
    Panel,
    WalkForward,
    as_of,
)
from superhet.pipeline.build import located
from superhet.pipeline.config import Config
from superhet.pipeline.engine_section import bars_of, require_columns
from superhet.pipeline.executors import thread_map
from superhet.pipeline.sections import SignalSection
from superhet.portfolio import PORTFOLIO_RULES
from superhet.preprocess import TRANSFORMERS
from superhet.progress import Progress, silent
from superhet.synthesis import (
    SYNTHESIZERS,
    LinearSynthesizer,
    Synthesizer,
    WalkForwardResult,
    statistics,
    walk_forward,
)

Values: TypeAlias = dict[str, Any]
FREQUENCIES = ("minute", "daily", "quarterly")
_FIELDS_LOOK_BACK = (
    60  # sessions behind a field itself: returns 1, illiquidity 20, average amounts 60
)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One signal of a study: its formula and how the mixer treats its age."""

    name: str
    formula: Formula
    section: SignalSection

    @property
    def expression(self) -> Expression:
        """The formula, read."""
        return self.formula.expression


def members(config: Config) -> list[Member]:
    """Read the signals of a configuration: libraries unfolded, formulas parsed, names unique.

    Raises
    ------
    ConfigError, FormulaError
        for a wrong formula, an unknown library or name, or a name used twice
    """
    found: dict[str, Member] = {}
    for i, section in enumerate(config.signals):
        path = f"signals[{i}]"
        for name, formula in _formulas(section, path):
            if name in found:
                raise ConfigError(path, f"the name {name!r} is used twice")
            known = read({name: formula}, syntax=section.syntax, convention=section.convention)
            found[name] = Member(name=name, formula=known[name], section=section)
    return list(found.values())


def _formulas(section: SignalSection, path: str) -> Iterable[tuple[str, str | Formula]]:
    if section.formula is not None and section.name is not None:
        return [(section.name, section.formula)]
    name = str(section.library)
    library(name, f"{path}.library")
    return [(f.name, f) for f in pick(name, section.pick or None, f"{path}.pick")]


def load(config: Config, tables: Tables, progress: Progress = silent) -> Market:
    """Load the market, from as far before `start` as the formulas look back."""
    wanted = members(config)
    frequencies = _bar_frequencies(wanted, bars_of(config.backtest), tables)
    start = config.market.start
    if start is not None:
        lookback = max(m.expression.lookback for m in wanted) + _FIELDS_LOOK_BACK
        sessions = market_axes(tables, None, config.market.end)[1].dates
        first = int(np.searchsorted(sessions.values, np.datetime64(start, "D")))
        start = str(sessions.values[max(0, min(first, len(sessions) - 1) - lookback)])
    request = config.market.request(tuple(sorted(frequencies)), start)
    market = load_market(tables, request, progress)
    require_columns(config.backtest, market)
    if not len(study_dates(config, market)):
        raise ConfigError(
            "market.start",
            f"no session of the data lies between {config.market.start} and "
            f"{config.market.end or 'the last day'}. Choose dates that the store holds "
            "(superhet data info).",
        )
    if not market.universe.member.values.any():
        raise EmptyUniverse(
            f"market.universe: nobody is a member between {market.dates.describe()}. "
            "Check `universe` and the dates of the store (superhet data info)."
        )
    return market


def _bar_frequencies(wanted: list[Member], fills: str | None, tables: Tables) -> set[str]:
    """Give the bar lengths that formulas and fills read, and insist that the store has them."""
    there = [n.removeprefix("bars_") for n in tables.names() if n.endswith("min")]
    needed = {
        m.section.frequency: f"signals.{m.name}.frequency"
        for m in wanted
        if m.expression.bar_fields
    }
    if fills is not None:
        needed.setdefault(fills, "backtest.fill.bars")
    for frequency, key in needed.items():
        if frequency not in there:
            raise UnknownName("bar frequency", frequency, there, key)
    return set(needed)


def compute_signals(config: Config, market: Market, progress: Progress = silent) -> Values:
    """Evaluate every formula on its native clock."""
    wanted = members(config)
    groups: dict[str, dict[str, Formula]] = {}
    for member in wanted:
        groups.setdefault(member.section.frequency, {})[member.name] = member.formula
    panels: dict[str, Panel] = {}
    blocks: dict[str, str] = {}
    since: dict[str, Panel] = {}
    for frequency, formulas in groups.items():
        found = evaluate(
            formulas,
            market,
            dtype=config.dtype,
            frequency=frequency,
            progress=progress,
        )
        panels.update(found)
        blocks.update(found.blocks)
        since.update(known_since(formulas, market))
    ordered = {m.name: panels[m.name] for m in wanted}
    return {"signals": Cube(ordered, blocks=blocks), "known_since": since}


def require_values(signals: Values) -> None:
    """Insist that every signal has a value somewhere.

    Raises
    ------
    NoSignal
        naming the first that has none
    """
    for name, panel in signals["signals"].items():
        if not panel.known().any():
            raise NoSignal(
                f"signal {name!r} has no value on any date. Its fields are missing, its bars lie "
                "outside the dates of the study, or the history is shorter than its look-back."
            )


def mix_and_clean(
    config: Config, market: Market, signals: Values, progress: Progress = silent
) -> Values:
    """Bring all signals to the decision clock and clean each cross-section."""
    clock = clock_of(config, market)
    on_clock = market_on(market, clock)
    sections = {m.name: m.section for m in members(config)}
    mixed = mix(
        signals["signals"],
        clock,
        known_since=signals["known_since"],
        max_age={n: s.max_age for n, s in sections.items() if s.max_age is not None},
        half_life={n: s.half_life for n, s in sections.items() if s.half_life is not None},
    )

    def clean(name: str) -> Panel:
        panel = warmed_up(mixed.signals[name], on_clock)
        for step, transformer in enumerate(config.preprocess):
            with located(f"preprocess[{step}].{TRANSFORMERS.name_of(type(transformer))}"):
                panel = transformer.transform(panel, on_clock)
        return panel.renamed(name)

    cleaned: dict[str, Panel] = {}
    for done, panel in enumerate(thread_map()(clean, mixed.signals)):
        progress(done, len(mixed.signals), "cleaning")
        cleaned[panel.name] = panel
    blocks = signals["signals"].blocks
    return {
        "signals": Cube(cleaned, blocks=blocks),
        "mixed": mixed.signals,
        "ages": mixed.ages,
    }


def warmed_up(signal: Panel, market: Market, needed: int = 30) -> Panel:
    """Leave out the dates before a signal first has `needed` estimable names.

    Statements come in one by one: a signal made of them begins with a few names, and no statistic of a
    cross-section can be had from those. Later dates with too few names are an error of the data.
    """
    counts = (signal.known() & market.universe.estimable.values).sum(axis=1)
    begun = np.logical_or.accumulate(counts >= needed)
    return signal.with_values(np.where(begun[:, None], signal.values, np.nan))


def target(config: Config, market: Market, clock: Dates) -> Panel:
    """Compute what the super-factor is to forecast, stamped at the signal's date."""
    section = config.synthesis.target
    forward = forward_returns(
        market,
        horizon=section.horizon,
        delay=section.delay,
        entry=section.entry,
        relative_to=section.relative_to,
    )
    forward = forward.rows(np.searchsorted(forward.dates.values, clock.values))
    member = as_of(market.universe.member, clock).values
    return forward.with_values(np.where(member, forward.values, np.nan))


def folds_of(config: Config, market: Market) -> WalkForward:
    """Give the walk-forward folds, measured in rows of the decision clock."""
    clock = clock_of(config, market)
    step = max(1, round(len(study_dates(config, market)) / len(clock)))
    return replace(config.synthesis.folds, step=step)


def synthesize(
    config: Config, market: Market, clean: Values, progress: Progress = silent
) -> Values:
    """Mix the signals into the super-factor, out of sample; also each frequency and model alone."""
    signals: Cube = clean["signals"]
    wanted = target(config, market, signals.dates)
    folds, reach = folds_of(config, market), config.synthesis.target.reach

    models = (config.synthesis.model, *config.synthesis.compare)
    moments = any(isinstance(m, LinearSynthesizer) and m.needs_moments for m in models)
    progress(0, 1, "statistics of the signals")
    found = statistics(signals, wanted, moments=moments, map=thread_map())

    def out_of_sample(model: Synthesizer, chosen: Cube) -> WalkForwardResult:
        some = found.select(chosen.names)
        return walk_forward(model, chosen, wanted, folds, reach=reach, found=some, map=thread_map())

    progress(0, 1, "super-factor")
    main = out_of_sample(config.synthesis.model, signals)
    if not main.super_factor.known().any():
        raise NoSignal("the super-factor has no value: every signal is missing in every test slice")
    subsets: dict[str, Panel] = {}
    present = [f for f in FREQUENCIES if f in signals.blocks.values()]
    if config.synthesis.subsets and len(present) > 1:
        for frequency in present:
            progress(0, 1, f"{frequency} signals alone")
            chosen = signals.block(frequency)
            subsets[frequency] = out_of_sample(config.synthesis.model, chosen).super_factor
    compared: dict[str, Panel] = {}
    for model in config.synthesis.compare:
        name = SYNTHESIZERS.name_of(type(model))
        progress(0, 1, f"compared: {name}")
        compared[name] = out_of_sample(model, signals).super_factor
    return {
        "super_factor": main.super_factor.renamed("super_factor"),
        "weights": main.weights,
        "names": list(main.names),
        "folds": list(main.folds),
        "target": wanted,
        "subsets": subsets,
        "models": compared,
    }


def build_portfolio(config: Config, market: Market, synthesis: Values) -> Values:
    """Turn the super-factor into target weights on the decision clock."""
    alpha: Panel = synthesis["super_factor"]
    with located(f"portfolio.{PORTFOLIO_RULES.name_of(type(config.portfolio))}"):
        weights = config.portfolio.weights(alpha, market)
    return {"weights": weights}


def run_backtest(config: Config, market: Market, portfolio: Values) -> Values:
    """Trade the target weights under the rules of the market."""
    weights: Panel = portfolio["weights"]
    decided = np.flatnonzero(np.nan_to_num(weights.values).any(axis=1))
    if decided.size == 0:
        raise NoSignal("the portfolio holds nothing on any date, so there is nothing to trade")
    start = weights.dates.values[decided[0]]
    with located("backtest"):
        result = config.backtest.run(weights.between(start, None), market)
    if not result.trades.rows:
        raise InputError(
            f"backtest: not one order was done; refused by rule: {result.refused_by_rule}. "
            "With 'lot' among them, raise backtest.capital: no target reaches one lot."
        )
    return {"result": result}


def attribute(config: Config, market: Market, backtest: Values) -> Values:
    """Explain the return of the backtest by group."""
    result: BacktestResult = backtest["result"]
    parts: list[Attribution] = [
        contribution(result, market, by=word)  # type: ignore[arg-type] # checked by the config
        for word in config.attribution
    ]
    return {"attributions": parts}


def study_dates(config: Config, market: Market) -> Dates:
    """Give the sessions on which the study may decide (without the look-back before `start`)."""
    return market.dates[market.dates.between(config.market.start, config.market.end)]


def clock_of(config: Config, market: Market) -> Dates:
    """Give the decision dates."""
    return decision_clock(study_dates(config, market), config.mix.clock)


def market_on(market: Market, clock: Dates) -> Market:
    """Keep the rows of the decision dates, for what works on one cross-section at a time."""
    if clock == market.dates:
        return market
    rows = np.searchsorted(market.dates.values, clock.values)
    return market.on_rows(rows)
