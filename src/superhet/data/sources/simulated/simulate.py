"""Simulate a market: all tables of a store, and the truth behind them.

1. who is there, how the regimes go, what befalls each asset   -> structure, regimes, lifecycle
2. the planted states and the noise that hides them             -> alphas
3. statements that show two of them                             -> statements
4. the walk through the sessions: exposures, returns, prices    -> styles, returns, prices
5. intraday bars that show the third                            -> bars
6. the best estimate of the states from all that is shown       -> filter, truth
7. tables                                                       -> tables, index
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.data.sources.simulated.alphas import (
    COMPONENTS,
    HALF_LIFE,
    MINUTE_NOISE,
    STATES,
    VOLUME_NOISE,
    autoregressive,
    drifts,
)
from superhet.data.sources.simulated.bars import Bars, draw_bars
from superhet.data.sources.simulated.filter import Observed, best_estimates, surprise_state
from superhet.data.sources.simulated.index import index_tables
from superhet.data.sources.simulated.lifecycle import (
    Lifecycle,
    draw_lifecycle,
    draw_payouts,
    status_table,
)
from superhet.data.sources.simulated.neutral import Neutralizer
from superhet.data.sources.simulated.prices import Exchange, Paths, walk
from superhet.data.sources.simulated.recipe import (
    INDUSTRIES,
    Flags,
    Integers,
    SimulatedMarket,
    Singles,
)
from superhet.data.sources.simulated.regimes import Regimes, draw_regimes, macro_table
from superhet.data.sources.simulated.returns import ReturnModel
from superhet.data.sources.simulated.statements import (
    BASIS,
    Statements,
    draw_statements,
    statements_table,
)
from superhet.data.sources.simulated.structure import (
    Structure,
    draw_structure,
    industry_table,
    listing_days,
    securities_table,
)
from superhet.data.sources.simulated.styles import STYLES, StyleModel
from superhet.data.sources.simulated.tables import (
    daily_amount,
    daily_bars_table,
    minute_bars_table,
)
from superhet.data.sources.simulated.truth import Truth
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False, kw_only=True)
class Simulation:
    """A simulated market.

    Parameters
    ----------
    tables : the tables of a store, by name
    truth : what only tests and benchmarks may know
    meta : what belongs to a table as a whole (statements: `basis`)
    """

    tables: dict[str, pl.DataFrame]
    truth: Truth
    meta: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Drawn:
    """Everything that is drawn before prices."""

    recipe: SimulatedMarket
    structure: Structure
    regimes: Regimes
    life: Lifecycle
    states: dict[str, Singles]
    minute_seen: Singles
    volume_seen: Singles
    statements: Statements
    known: dict[int, list[tuple[int, Integers]]]


def simulate(recipe: SimulatedMarket, progress: Progress | None = None) -> Simulation:
    """Simulate a market; the same recipe gives the same bytes.

    Parameters
    ----------
    recipe : what to simulate
    progress : called with (percent of the step, 100, step)

    Returns
    -------
    Simulation
        tables bars_1d, bars_15min (unless `bars` is None), securities, status, industry, index_members,
        index_weights, index_bars, statements, macro, calendar; and the truth

    Examples
    --------
    >>> simulation = simulate(SimulatedMarket(assets=20, years=0.25, bars=None))
    >>> simulation.truth.best_forecast(horizon=5).shape == (
    ...     simulation.tables["calendar"].height, simulation.truth.assets.size)
    True
    """
    tell = progress or silent
    tell(0, 100, "states")
    drawn = _draw(recipe)
    tell(0, 100, "prices")
    paths, neutral = _walk(drawn)
    bars: Bars | None = None
    if recipe.bars is not None:
        shown = drawn.life.traded
        bars = draw_bars(
            recipe, paths, shown, drawn.minute_seen, lambda s: tell(round(100 * s), 100, "bars")
        )
    tell(0, 100, "truth")
    truth = _truth(drawn, paths, bars, neutral)
    tell(0, 100, "tables")
    tables = _tables(drawn, paths, bars)
    tell(100, 100, "tables")
    return Simulation(tables=tables, truth=truth, meta={"statements": {"basis": dict(BASIS)}})


def _draw(recipe: SimulatedMarket) -> _Drawn:
    structure, line = draw_structure(recipe), recipe.timeline
    shape, n = (line.dates.size, structure.count), structure.count
    quality = autoregressive(
        recipe.stream("quality"), (line.sessions.size, n), HALF_LIFE["quality"]
    )
    statements = draw_statements(recipe, structure, quality)
    known = statements.by_session()
    states = {
        "minute": autoregressive(recipe.stream("minute"), shape, HALF_LIFE["minute"]),
        "daily": autoregressive(recipe.stream("daily"), shape, HALF_LIFE["daily"]),
        "surprise": surprise_state(statements, known, line.history, shape),
        "quality": quality[line.history :],
    }
    return _Drawn(
        recipe=recipe,
        structure=structure,
        regimes=draw_regimes(recipe),
        life=draw_lifecycle(recipe, structure),
        states=states,
        minute_seen=_through_noise(recipe, "minute", states, MINUTE_NOISE),
        volume_seen=_through_noise(recipe, "daily", states, VOLUME_NOISE),
        statements=statements,
        known=known,
    )


def _through_noise(
    recipe: SimulatedMarket, name: str, states: dict[str, Singles], variance: float
) -> Singles:
    noise = recipe.stream(f"{name} noise").standard_normal(states[name].shape, dtype=np.float32)
    return states[name] + np.float32(np.sqrt(variance)) * noise


def _walk(drawn: _Drawn) -> tuple[Paths, Neutralizer]:
    recipe, structure, life = drawn.recipe, drawn.structure, drawn.life
    shape, history = life.listed.shape, recipe.timeline.history
    size = np.zeros(shape, dtype=np.float32)
    paths = Paths.empty(shape, 1 + recipe.industries + len(STYLES))
    neutral = Neutralizer(
        structure=structure, listed=life.listed, size=size, industries=recipe.industries
    )
    payouts = draw_payouts(recipe, structure)
    walk(
        exchange=Exchange(recipe, structure, life, payouts, drawn.volume_seen),
        returns=ReturnModel(recipe, structure, drawn.regimes, drawn.states, neutral),
        styles=StyleModel(structure, drawn.statements, history, recipe.stream("betas")),
        size=size,
        paths=paths,
        listed=life.listed,
        known=[drawn.known.get(history + t, []) for t in range(shape[0])],
    )
    return paths, neutral


def _truth(drawn: _Drawn, paths: Paths, bars: Bars | None, neutral: Neutralizer) -> Truth:
    recipe, life = drawn.recipe, drawn.life
    has_return = paths.free.copy()
    has_return[0] = False  # no state before the first session
    observed = Observed(
        specific=paths.specific,
        variance=paths.variance,
        has_return=has_return,
        minute=drawn.minute_seen,
        has_minute=np.zeros_like(life.traded) if bars is None else bars.seen,
        volume=drawn.volume_seen,
        has_volume=paths.open_all_day,
        drifts=drifts(recipe),
    )
    estimates = best_estimates(
        observed, drawn.statements, drawn.known, recipe.timeline.history, neutral
    )
    kept = drawn.structure.listed < recipe.timeline.dates.size
    dates = recipe.timeline.dates
    return Truth(
        dates=dates.astype("datetime64[D]"),
        assets=drawn.structure.assets[kept],
        state=_contributions(recipe, drawn.states, neutral, kept),
        estimate=_contributions(recipe, estimates, neutral, kept),
        factor_returns=paths.factors,
        factor_names=("country", *INDUSTRIES[: recipe.industries], *STYLES),
        regime=drawn.regimes.of(dates),
        seed=recipe.seed,
    )


def _contributions(
    recipe: SimulatedMarket, states: dict[str, Singles], neutral: Neutralizer, kept: Flags
) -> dict[str, Singles]:
    """Turn states into specific drift of the next session, component by component."""
    unit = dict(zip(STATES, drifts(recipe), strict=True))
    sessions = neutral.listed.shape[0]
    out = {name: np.empty((sessions, int(kept.sum())), np.float32) for name in COMPONENTS}
    for t in range(sessions):
        rows = [sum(unit[s] * states[s][t] for s in parts) for parts in COMPONENTS.values()]
        drift = neutral.residual(t, np.stack(rows))
        for name, row in zip(COMPONENTS, drift, strict=True):
            out[name][t] = np.where(neutral.listed[t], row, np.nan)[kept]
    return out


def _tables(drawn: _Drawn, paths: Paths, bars: Bars | None) -> dict[str, pl.DataFrame]:
    import polars as pl

    recipe, structure, life = drawn.recipe, drawn.structure, drawn.life
    dates = recipe.timeline.dates
    listed_on = listing_days(structure, dates)
    amount = daily_amount(recipe, paths) if bars is None else bars.day_amount
    tables = {
        "bars_1d": daily_bars_table(structure, paths, life.traded, amount, dates),
        "securities": securities_table(structure, dates, listed_on, life.delisted),
        "status": status_table(structure, life, dates),
        "industry": industry_table(structure, dates, listed_on),
        **index_tables(structure, life, paths, dates),
        "statements": statements_table(recipe, structure, drawn.statements, life.delisted),
        "macro": macro_table(recipe, drawn.regimes),
        "calendar": pl.DataFrame({"date": dates.astype("datetime64[D]")}),
    }
    if bars is not None:
        tables["bars_15min"] = minute_bars_table(structure, bars)
    return tables
