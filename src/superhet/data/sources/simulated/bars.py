"""Intraday bars that add up to the day and carry the imbalance of the minute state in their volume.

1. a Brownian bridge from open to close, kept within high and low, in whole fen   -> _paths
2. every session that moves gets at least one rising and one falling bar: where the path has none, a bar
   opens one fen beside the last close                                            -> _ensure_sign
3. a U-shaped volume curve, noisy; its rising and falling side are scaled so that
   Σ sign(close − open) volume / Σ volume is what the state says                  -> _lots
4. amount = lots × mean of open, high, low, close, in whole yuan: sums are exact   -> _fill

The imbalance moves volume between rising and falling bars of a path drawn without it, so the daily bar
does not tell it. Sessions without any move (limit-locked) show no imbalance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.data.sources.simulated.alphas import imbalance
from superhet.data.sources.simulated.prices import Paths
from superhet.data.sources.simulated.recipe import (
    BARS_A_DAY,
    Days,
    Flags,
    Floats,
    Integers,
    SimulatedMarket,
    Singles,
    Ticks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_CELLS = 12_000
_KINDS: dict[str, Any] = {"lots": np.int64, "amount": np.float64}
_U_SHAPE = 1.0 + 1.1 * np.abs(np.linspace(-1.0, 1.0, BARS_A_DAY)) ** 3
_ENDS = np.concatenate([34_200 + 900 * np.arange(1, 9), 46_800 + 900 * np.arange(1, 9)])


@dataclass(frozen=True, eq=False, kw_only=True)
class Bars:
    """Bars of all days of trade, sorted by time and asset, [rows].

    Parameters
    ----------
    time : milliseconds since 1970, end of the bar
    asset : position
    open, high, low, close : fen
    lots : traded lots of 100 shares
    amount : whole yuan
    day_amount : [dates, assets], sum over the session
    seen : [dates, assets], the imbalance of the session shows the state
    """

    time: Integers
    asset: Ticks
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    lots: Integers
    amount: Floats
    day_amount: Floats
    seen: Flags


def bar_ends(dates: Days) -> Integers:
    """Give the ends of the bars (09:45 … 11:30, 13:15 … 15:00), [dates, bars], milliseconds since 1970."""
    seconds: Integers = dates.astype("datetime64[s]").astype(np.int64)[:, None] + _ENDS[None, :]
    return seconds * 1000


def draw_bars(
    recipe: SimulatedMarket,
    paths: Paths,
    shown: Flags,
    z: Singles,
    progress: Callable[[float], None],
) -> Bars:
    """Draw the bars of all sessions, some sessions at a time.

    Parameters
    ----------
    shown : [dates, assets], which days of trade get bars
    z : [dates, assets], the minute state seen through noise
    progress : called with the share that is done
    """
    rng, (sessions, n) = recipe.stream("bars"), shown.shape
    stamps = bar_ends(recipe.timeline.dates)
    day_amount, seen = np.zeros(shown.shape), np.zeros(shown.shape, dtype=bool)
    parts: list[dict[str, Any]] = []
    step = max(_CELLS // n, 1)
    for first in range(0, sessions, step):
        rows = slice(first, min(first + step, sessions))
        parts.append(_chunk(rng, paths, rows, shown, z, stamps, day_amount, seen))
        progress(rows.stop / sessions)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Bars(**columns, day_amount=day_amount, seen=seen)


def _chunk(
    rng: np.random.Generator,
    paths: Paths,
    rows: slice,
    shown: Flags,
    z: Singles,
    stamps: Integers,
    day_amount: Floats,
    seen: Flags,
) -> dict[str, Any]:
    """Draw the bars of the sessions `rows`; fills `day_amount` and `seen` of these sessions."""
    count, n = rows.stop - rows.start, shown.shape[1]
    noise = rng.standard_normal((count, 3, n, BARS_A_DAY), dtype=np.float32)
    day, asset = np.nonzero(shown[rows])
    cell = (day + rows.start, asset)
    opened, high, low, closed = (
        getattr(paths, k)[cell].astype(np.float64)[:, None]
        for k in ("open", "high", "low", "close")
    )
    first, last = _path(opened, closed, high, low, noise[day, 0, asset])
    _ensure_sign(first, last, low, high, rise=True)
    _ensure_sign(first, last, low, high, rise=False)
    top, bottom = _extremes(first, last, low, high, noise[day, 1, asset])
    sign = np.sign(last - first)
    shows: Flags = np.any(sign > 0, axis=1) & np.any(sign < 0, axis=1)
    lots = _lots(
        sign, imbalance(z[cell].astype(np.float64)), shows, paths.lots[cell], noise[day, 2, asset]
    )
    amount = np.round(lots * (first + top + bottom + last) * 0.25)
    day_amount[cell] = amount.sum(axis=1)
    seen[cell] = shows
    block = {"open": first, "high": top, "low": bottom, "close": last, "lots": lots}
    return _in_order({**block, "amount": amount}, shown[rows], stamps[rows])


def _in_order(values: dict[str, Any], shown: Flags, stamps: Integers) -> dict[str, Any]:
    """Turn [cells, bars] into rows sorted by time and asset, and add the columns `time` and `asset`."""
    shape = (shown.shape[0], BARS_A_DAY, shown.shape[1])
    day, asset = np.nonzero(shown)
    inside = np.broadcast_to(shown[:, None, :], shape)
    out: dict[str, Any] = {}
    for name, cells in values.items():
        dense = np.empty(shape, dtype=_KINDS.get(name, np.int32))
        dense[day, :, asset] = cells
        out[name] = dense[inside]
    where = np.nonzero(inside)
    out["time"] = stamps[where[0], where[1]]
    out["asset"] = where[2].astype(np.int32)
    return out


def _path(
    opened: Floats, closed: Floats, high: Floats, low: Floats, noise: Singles
) -> tuple[Floats, Floats]:
    """Draw opens and closes of the bars, [cells, bars], whole fen."""
    share = np.arange(1, BARS_A_DAY + 1) / BARS_A_DAY
    walk = np.cumsum(noise, axis=1, dtype=np.float64)
    bridge = (walk - walk[:, -1:] * share) * (high - low) / 5.0
    last = np.clip(np.round(opened + (closed - opened) * share + bridge), low, high)
    last[:, -1:] = closed
    return np.concatenate([opened, last[:, :-1]], axis=1), last


def _ensure_sign(first: Floats, last: Floats, low: Floats, high: Floats, *, rise: bool) -> None:
    """Give sessions that move a rising (or falling) bar by moving the open of one bar by one fen."""
    turn = 1.0 if rise else -1.0
    move = turn * (last - first)
    rows = np.flatnonzero(~(move > 0).any(axis=1) & (high > low)[:, 0])
    if not rows.size:
        return
    move, end = move[rows], last[rows]
    room = end > low[rows] if rise else end < high[rows]
    room[:, 0] = False  # the first open is the open of the day
    room &= (move == 0) | ((move < 0).sum(axis=1, keepdims=True) > 1)
    score = room * (1 + (move == 0))
    bar = np.argmax(score, axis=1)
    able = score[np.arange(rows.size), bar] > 0
    rows, bar = rows[able], bar[able]
    first[rows, bar] = last[rows, bar] - turn


def _extremes(
    first: Floats, last: Floats, low: Floats, high: Floats, noise: Singles
) -> tuple[Floats, Floats]:
    """Draw highs and lows of the bars; one bar touches the high of the day, one the low."""
    reach = np.floor(np.abs(noise) * (high - low) * 0.12)
    top = np.minimum(np.maximum(first, last) + reach, high)
    bottom = np.maximum(np.minimum(first, last) - reach[:, ::-1], low)
    cells = np.arange(first.shape[0])
    top[cells, np.argmax(top, axis=1)] = high[:, 0]
    bottom[cells, np.argmin(bottom, axis=1)] = low[:, 0]
    return top, bottom


def _lots(sign: Floats, target: Floats, shows: Flags, lots: Integers, noise: Singles) -> Integers:
    """Spread the lots of each day over its bars, [cells, bars]; each bar gets at least one."""
    base = _U_SHAPE * np.exp(0.25 * noise.astype(np.float64))
    base /= base.sum(axis=1, keepdims=True)
    rising, falling = base * (sign > 0), base * (sign < 0)
    still = base * (sign == 0)
    quiet = np.minimum(still.sum(axis=1), 0.9 * (1.0 - np.abs(target)))
    up, down = (1.0 - quiet + target) / 2, (1.0 - quiet - target) / 2
    weight = _scaled(rising, up) + _scaled(falling, down) + _scaled(still, quiet)
    weight = np.where(shows[:, None], weight, base)
    spare = (lots - BARS_A_DAY)[:, None]
    total = np.cumsum(weight, axis=1)
    until = np.floor(total / total[:, -1:] * spare + 0.5).astype(np.int64)
    until[:, -1:] = spare
    return np.asarray(np.diff(until, axis=1, prepend=0) + 1, dtype=np.int64)


def _scaled(weight: Floats, share: Floats) -> Floats:
    """Scale rows of weights to a given sum; rows of zeros stay."""
    total = weight.sum(axis=1)
    return weight * (share / np.where(total > 0, total, 1.0))[:, None]
