"""Three hidden regimes, and the monthly macro series that hint at them.

The regime of a month (bull, bear, calm) is a Markov chain that stays for about a year. It sets the mean
and the deviation of the market's return, and pulls the macro series towards its level; each series
is an AR(1) around that level, with noise, and is released with the lag of the real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.sources.simulated.recipe import Days, Floats, Integers, SimulatedMarket

if TYPE_CHECKING:
    import polars as pl

REGIMES = ("bull", "bear", "calm")
_START = (0.3, 0.2, 0.5)
_STAY = 11.0 / 12.0
_NEXT = np.array([[0.0, 0.4, 0.6], [0.4, 0.0, 0.6], [0.5, 0.5, 0.0]])
MARKET_MEAN = np.array([0.0012, -0.0010, 0.0004])
MARKET_DEVIATION = np.array([0.0130, 0.0165, 0.0085])


@dataclass(frozen=True, kw_only=True)
class Series:
    """One macro series: its level in each regime, its inertia, its noise, its release.

    `release` is (earliest, latest) in calendar days after the last day of the month.
    """

    level: tuple[float, float, float]
    inertia: float
    noise: float
    release: tuple[int, int]
    digits: int


MACRO = {
    "pmi": Series(level=(51.6, 49.0, 50.4), inertia=0.6, noise=0.45, release=(0, 1), digits=1),
    "cpi": Series(level=(2.6, 1.4, 2.0), inertia=0.85, noise=0.25, release=(9, 12), digits=1),
    "ppi": Series(level=(4.5, -2.0, 1.0), inertia=0.9, noise=0.5, release=(9, 12), digits=1),
    "m2": Series(level=(9.5, 11.5, 10.2), inertia=0.85, noise=0.25, release=(10, 15), digits=1),
    "social_financing": Series(
        level=(12.5, 10.0, 11.2), inertia=0.85, noise=0.3, release=(10, 15), digits=1
    ),
    "yield_10y": Series(level=(3.5, 2.8, 3.1), inertia=0.9, noise=0.06, release=(1, 1), digits=3),
}
"""PMI in points; CPI, PPI, M2 and total social financing in percent on the year; 10-year yield in percent."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Regimes:
    """The hidden chain.

    Parameters
    ----------
    months : [months] of the pre-history and the sample, datetime64[M]
    state : [months], position in `REGIMES`
    """

    months: Days
    state: Integers

    def of(self, dates: Days) -> Integers:
        """Give the regime of each session."""
        at = dates.astype("datetime64[M]").astype(int) - self.months[0].astype(int)
        found: Integers = self.state[at]
        return found


def draw_regimes(recipe: SimulatedMarket) -> Regimes:
    """Draw the chain month by month."""
    rng, line = recipe.stream("hidden regimes"), recipe.timeline
    months = np.arange(
        line.sessions[0].astype("datetime64[M]"), line.sessions[-1].astype("datetime64[M]") + 1
    )
    state = np.empty(months.size, dtype=np.int64)
    state[0] = rng.choice(3, p=_START)
    for k in range(1, months.size):
        moves, pick = rng.random(2)
        after = int(np.searchsorted(np.cumsum(_NEXT[state[k - 1]]), pick, side="right"))
        state[k] = state[k - 1] if moves < _STAY else min(after, 2)
    return Regimes(months=months, state=state)


def macro_table(recipe: SimulatedMarket, regimes: Regimes) -> pl.DataFrame:
    """Build the table `macro`; values released after the sample are left out."""
    import polars as pl

    last = recipe.timeline.sessions[-1]
    ends: Days = np.asarray((regimes.months + 1).astype("datetime64[D]") - np.timedelta64(1, "D"))
    parts = []
    for name, series in MACRO.items():
        values, release = _path(recipe.stream(f"macro {name}"), series, regimes.state, ends)
        known = release <= last
        parts.append(
            pl.DataFrame(
                {
                    "series": [name] * int(known.sum()),
                    "period": ends[known].astype("datetime64[D]"),
                    "release_date": release[known].astype("datetime64[D]"),
                    "value": values[known],
                }
            )
        )
    return pl.concat(parts).sort("release_date", "series", "period")


def _path(
    rng: np.random.Generator, series: Series, state: Integers, ends: Days
) -> tuple[Floats, Days]:
    """Draw the values and the release dates of one series, [months]."""
    low, high = series.release
    values = np.empty(state.size)
    release = np.empty(state.size, dtype="datetime64[D]")
    value = series.level[state[0]]
    for k, regime in enumerate(state):
        level = series.level[regime]
        value = level + series.inertia * (value - level) + series.noise * rng.standard_normal()
        values[k] = value
        release[k] = ends[k] + np.timedelta64(int(rng.integers(low, high + 1)), "D")
    return np.round(values, series.digits), release
