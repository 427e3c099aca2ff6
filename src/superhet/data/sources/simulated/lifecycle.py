"""Suspensions, special treatment, delistings, dividends and splits: what happens beside the prices.

1. spells of suspension start at random and last about ten sessions            -> _Spells.step
2. special treatment starts at random and lasts about a year; a coming
   delisting begins with it, puts 退 into the name 20 sessions before the end   -> draw_lifecycle
3. once a year, from mid-May to July, dividends and splits are due              -> draw_payouts
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.sources.simulated.recipe import Days, Flags, Floats, Integers, SimulatedMarket
from superhet.data.sources.simulated.structure import Structure

if TYPE_CHECKING:
    import polars as pl

_SUSPENSION_START = 0.001
_SUSPENSION_LENGTH = 10.0
_SPECIAL_AT_START = 0.02
_SPECIAL_START = 0.012 / 243
_SPECIAL_LENGTH = 243.0
_DELISTING_START = 0.009 / 243
_DELISTING_NOTICE = 90
_LEAVING = 20
_SPLITS = np.array([1.2, 1.3, 1.4, 1.5, 1.8, 2.0])


@dataclass(frozen=True, eq=False, kw_only=True)
class Lifecycle:
    """State of each asset by session, [dates, assets].

    Parameters
    ----------
    listed, traded, special : listed; listed and not suspended; under special treatment
    leaving : in the delisting period (退 in the name)
    delisted : [assets], first session without the asset; a large number = never
    """

    listed: Flags
    traded: Flags
    special: Flags
    leaving: Flags
    delisted: Integers


def draw_lifecycle(recipe: SimulatedMarket, structure: Structure) -> Lifecycle:
    """Draw suspensions, special treatment and delistings, session by session."""
    rng, n, sessions = recipe.stream("lifecycle"), structure.count, recipe.timeline.dates.size
    shape = (sessions, n)
    listed, traded = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    special, leaving = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    never = np.iinfo(np.int64).max // 2
    end = np.full(n, never)
    pause = np.zeros(n, dtype=np.int64)
    marked = np.zeros(n, dtype=np.int64)
    start_marked = (rng.random(n) < _SPECIAL_AT_START) & (structure.listed == 0)
    marked[start_marked] = rng.geometric(1 / _SPECIAL_LENGTH, int(start_marked.sum()))
    for t in range(sessions):
        chance = rng.random((3, n))
        length = rng.geometric(1 / _SUSPENSION_LENGTH, n)
        spell = rng.geometric(1 / _SPECIAL_LENGTH, n)
        settled = structure.listed < t
        pause = np.maximum(pause - 1, 0)
        pause = np.where(settled & (pause == 0) & (chance[0] < _SUSPENSION_START), length, pause)
        marked = np.maximum(marked - 1, 0)
        marked = np.where(settled & (marked == 0) & (chance[1] < _SPECIAL_START), spell, marked)
        doomed = settled & (end == never) & (chance[2] < _DELISTING_START)
        end[doomed] = t + _DELISTING_NOTICE
        listed[t] = (structure.listed <= t) & (t < end)
        traded[t] = listed[t] & (pause == 0)
        special[t] = listed[t] & ((marked > 0) | (end != never))
        leaving[t] = listed[t] & (t >= end - _LEAVING)
    return Lifecycle(listed=listed, traded=traded, special=special, leaving=leaving, delisted=end)


@dataclass(frozen=True, eq=False, kw_only=True)
class Payouts:
    """What is due on the ex-date of one session.

    Parameters
    ----------
    asset : [events], positions
    dividend : [events], fraction of the last price
    split : [events], new shares for one old share; 1 = no split
    """

    asset: Integers
    dividend: Floats
    split: Floats


def draw_payouts(recipe: SimulatedMarket, structure: Structure) -> dict[int, Payouts]:
    """Draw the dividends and splits of each calendar year; session -> what is due from it on."""
    rng, n, dates = recipe.stream("payouts"), structure.count, recipe.timeline.dates
    due: dict[int, Payouts] = {}
    for year in np.arange(dates[0].astype("datetime64[Y]"), dates[-1].astype("datetime64[Y]") + 1):
        pays = rng.random(n) < 0.7
        dividend = np.where(pays, np.clip(np.exp(rng.normal(np.log(0.012), 0.6, n)), 0, 0.06), 0.0)
        split = np.where(rng.random(n) < 0.10, rng.choice(_SPLITS, n), 1.0)
        day = year.astype("datetime64[D]") + np.timedelta64(134, "D")
        session = np.searchsorted(dates, day + rng.integers(0, 77, n).astype("timedelta64[D]"))
        session[(day < dates[0]) | ~(pays | (split > 1.0))] = dates.size
        for t in np.unique(session[session < dates.size]):
            at = np.flatnonzero(session == t)
            due[int(t)] = Payouts(asset=at, dividend=dividend[at], split=split[at])
    return due


def status_table(structure: Structure, life: Lifecycle, dates: Days) -> pl.DataFrame:
    """Build the table `status`: spells [start, end) of special treatment and of leaving, with names."""
    import polars as pl

    state = life.special.astype(np.int8) + life.leaving
    padded = np.vstack([np.zeros((1, structure.count), np.int8), state])
    change = np.diff(padded, axis=0) != 0
    asset, begin = np.nonzero(change.T)
    last = np.append(asset[1:] != asset[:-1], True)
    finish = np.where(last, dates.size, np.append(begin[1:], dates.size))
    code = state[begin, asset]
    keep = code > 0
    asset, begin, finish, code = asset[keep], begin[keep], finish[keep], code[keep]
    prefix = np.array(["", "ST", "退市"])[code]
    return pl.DataFrame(
        {
            "asset": structure.assets[asset].tolist(),
            "start_date": dates[begin].astype("datetime64[D]"),
            "end_date": np.where(
                finish < dates.size, dates[np.minimum(finish, dates.size - 1)], np.datetime64("NaT")
            ).astype("datetime64[D]"),
            "is_st": np.ones(asset.size, dtype=bool),
            "name": np.char.add(prefix, structure.names[asset]).tolist(),
        },
        schema_overrides={"asset": pl.String, "name": pl.String, "is_st": pl.Boolean},
    ).sort("start_date", "asset")
