"""Resample: bars of one frequency -> bars of a slower one, stamped at their end.

Bars are counted within the day, so a lunch break never cuts a bar in two, and no bar spans two days.
A day that ends early ends with a shorter bar.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.panel import Cube, Dates, Panel
from superhet.panel.panel import Array

Rows = npt.NDArray[np.int64]
_SUMMED = {"shares", "currency", "count"}


def resample(bars: Cube, frequency: str) -> Cube:
    """Join bars into slower ones.

    `open` takes the first known value, `high` the highest, `low` the lowest; amounts (unit shares,
    currency or count) are summed; everything else, `close` included, takes the last known value; `vwap`
    is amount / volume where both are there. A field without any known value in a bar is NaN.

    Parameters
    ----------
    bars : intraday, [bars, assets], each stamped at its end
    frequency : "30min", "60min", … (a multiple of the frequency of `bars`), or "1d"

    Returns
    -------
    Cube
        stamped at the end of the last bar joined; daily axes for "1d"

    Raises
    ------
    ConfigError
        if the frequency is not a multiple of that of the bars
    """
    if bars.dates.is_daily and len(bars.dates):
        raise ConfigError("frequency", "only intraday bars can be resampled, these are daily")
    joined = _joined(bars, frequency)
    days = bars.dates.days
    fresh = np.concatenate([[True], days[1:] != days[:-1]]) if days.size else np.empty(0, bool)
    first_of_day = np.maximum.accumulate(np.where(fresh, np.arange(days.size), 0))
    within = np.arange(days.size) - first_of_day
    starts = np.flatnonzero(fresh if joined is None else within % joined == 0)
    ends = np.append(starts[1:], days.size) - 1 if starts.size else starts
    stamps = Dates(days[ends]) if joined is None else Dates(bars.dates.values[ends])
    panels = {name: _join(name, bars[name], starts, stamps, frequency) for name in bars}
    if {"vwap", "volume", "amount"} <= panels.keys():
        volume, amount = panels["volume"].values, panels["amount"].values
        vwap = np.full(volume.shape, np.nan)
        np.divide(amount, volume, out=vwap, where=volume > 0)
        panels["vwap"] = panels["vwap"].with_values(vwap)
    return Cube(panels, blocks=bars.blocks, dates=stamps, assets=bars.assets)


def _joined(bars: Cube, frequency: str) -> int | None:
    """Count the bars that make one; None for a whole day."""
    if frequency == "1d":
        return None
    own = {bars[name].frequency for name in bars}
    wanted, base = _minutes(frequency), _minutes(own.pop()) if len(own) == 1 else 0
    if not base or wanted % base:
        raise ConfigError("frequency", f"{frequency} is no multiple of the bars' {base} minutes")
    return wanted // base


def _minutes(frequency: str) -> int:
    match = re.fullmatch(r"([1-9]\d*)min", frequency)
    if match is None:
        raise ConfigError("frequency", f'must be like "30min" or "1d" (got {frequency!r})')
    return int(match[1])


def _join(name: str, panel: Panel, starts: Rows, stamps: Dates, frequency: str) -> Panel:
    values = panel.values
    if not starts.size:
        out = values[:0]
    elif name == "high":
        out = np.fmax.reduceat(values, starts, axis=0)
    elif name == "low":
        out = np.fmin.reduceat(values, starts, axis=0)
    elif panel.unit in _SUMMED:
        known = np.logical_or.reduceat(panel.known(), starts, axis=0)
        out = np.where(known, np.add.reduceat(np.nan_to_num(values), starts, axis=0), np.nan)
    else:
        out = _edge(panel, starts, first=name == "open")
    return replace(panel, values=out, dates=stamps, frequency=frequency)


def _edge(panel: Panel, starts: Rows, *, first: bool) -> Array:
    """Take the first or last known value of each group of rows; the edge row where none is."""
    known, number = panel.known(), np.arange(len(panel.dates))[:, None]
    if first:
        rows = np.minimum.reduceat(np.where(known, number, len(panel.dates)), starts, axis=0)
        rows = np.where(rows == len(panel.dates), starts[:, None], rows)
    else:
        rows = np.maximum.reduceat(np.where(known, number, -1), starts, axis=0)
        rows = np.where(rows < 0, starts[:, None], rows)
    # a group without a known value lies between two starts: its first row is as unknown as the rest
    rows = np.maximum(rows, starts[:, None])
    return np.take_along_axis(panel.values, rows, axis=0)
