"""Mix: bring signals of many clocks to the decision clock, and remember how old each value is.

1. a value is taken from the last moment at or before the decision  -> _source_rows
   - daily and intraday signals give the value of their last row; NaN there stays NaN
   - signals that speak now and then ("event", "1w", "1m") are carried forward, name by name, until they
     speak again: also where they say that there is no value (`known_since`)
2. its age is counted in sessions                                   -> _age
3. where asked, old values fade (`half_life`) or are forgotten (`max_age`)

A fast signal is never sampled down to slow dates and kept: on a monthly clock it gives the value of the
decision date itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, ConfigError, UnknownName
from superhet.panel import Cube, Dates, Panel, require_same_axes
from superhet.panel.axes import DateArray
from superhet.panel.cube import PanelSource
from superhet.panel.panel import Array

T = TypeVar("T")
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Mixed:
    """Signals on the decision clock.

    Parameters
    ----------
    signals : the values, [clock, assets], blocks as before
    ages : sessions since each value became known, 0 = today; NaN where nothing is known. Computed when
        first asked for
    """

    signals: Cube
    ages: Cube


def mix(
    signals: Cube,
    clock: Dates,
    *,
    known_since: Mapping[str, Panel] | None = None,
    max_age: Mapping[str, int] | int | None = None,
    half_life: Mapping[str, float] | float | None = None,
) -> Mixed:
    """Put signals on the decision clock, as known at each decision.

    Parameters
    ----------
    signals : on their native clocks (`Panel.frequency`)
    clock : decision dates; a day means its close
    known_since : signal -> [dates, assets] on the signal's axes: the day on which the newest input of that
        value became known, as days since 1970-01-01; NaN where it is the row's own date. For signals that
        were carried forward before they came here, or were known before the first session (there, each
        weekday before it counts as a session). Beside a missing value of a signal that speaks now and then, a
        day says that it spoke and has no value: what stood before ends there
    max_age : sessions after which a value is no longer known; for all, or by signal
    half_life : sessions in which a value loses half of its size; for all, or by signal

    Returns
    -------
    Mixed

    Raises
    ------
    UnknownName
        if an option names a signal that is not there
    ConfigError
        for a negative age or a half-life that is not positive

    Notes
    -----
    Fading multiplies the value by 2^(-age / half_life), towards 0. That is right for signals whose
    neutral value is 0 (surprises, standardized scores); centre others first, or their level fades too.
    """
    for options in (known_since, max_age, half_life):
        if isinstance(options, Mapping):
            for name in options:
                if name not in signals:
                    raise UnknownName("signal", name, signals)
    found: dict[str, PanelSource] = {}
    ages: dict[str, PanelSource] = {}
    for name in signals:
        panel, since = signals[name], (known_since or {}).get(name)
        if since is not None:
            require_same_axes(panel, since)
        ages[name] = partial(_age, panel, clock, since)
        found[name] = _mixed(panel, clock, since, _option(max_age, name), _option(half_life, name))
    return Mixed(
        signals=Cube(found, blocks=signals.blocks, dates=clock, assets=signals.assets),
        ages=Cube(ages, blocks=signals.blocks, dates=clock, assets=signals.assets),
    )


def _option(options: Mapping[str, T] | T | None, name: str) -> T | None:
    return options.get(name) if isinstance(options, Mapping) else options


def _mixed(
    panel: Panel,
    clock: Dates,
    since: Panel | None,
    max_age: int | None,
    half_life: float | None,
) -> Panel:
    """Bring one signal to the clock."""
    if max_age is not None and max_age < 0:
        raise ConfigError("max_age", f"of {panel.name!r} must be at least 0 (got {max_age})")
    if half_life is not None and not half_life > 0:
        raise ConfigError("half_life", f"of {panel.name!r} must be above 0 (got {half_life})")
    if panel.values.dtype.kind != "f":
        raise AxisMismatch(f"signal {panel.name!r} holds {panel.values.dtype}, not numbers")
    if panel.dates == clock and not _is_carried(panel):
        values = panel.values
    else:
        values = _taken(panel.values, _source_rows(panel, clock, since))
    if max_age is not None or half_life is not None:
        age = _age(panel, clock, since).values.astype(np.float64)
        if half_life is not None:
            values = values * np.exp2(-age / half_life)
        if max_age is not None:
            values = np.where(age <= max_age, values, np.nan)
    return replace(panel, values=values, dates=clock, frequency="1d")


def _is_carried(panel: Panel) -> bool:
    """Say whether a signal speaks only now and then."""
    return not (panel.frequency == "1d" or panel.frequency.endswith("min"))


def _source_rows(panel: Panel, clock: Dates, since: Panel | None) -> Rows:
    """Row of the panel that each decision takes its value from, [clock, assets]; -1 = none."""
    own = panel.dates
    if own.is_daily and not clock.is_daily:
        # a day is known at its close: a decision within a day sees only the day before
        last = np.searchsorted(own.values, clock.days, side="left") - 1
    else:
        stamps = own.days if clock.is_daily else own.values
        last = np.searchsorted(stamps, clock.values, side="right") - 1
    known = panel.known()
    number = np.arange(len(own), dtype=np.int32)[:, None]
    rows = np.where(known, number, np.int32(-1))
    if _is_carried(panel):
        if (
            since is not None
        ):  # a row that says that there is no value counts like one that gives a value
            rows = np.where(known | since.known(), number, np.int32(-1))
        np.maximum.accumulate(rows, axis=0, out=rows)
        if since is not None:
            rows[~np.take_along_axis(known, np.maximum(rows, 0), axis=0)] = -1
    if not len(own):
        return np.full((len(clock), len(panel.assets)), -1, dtype=np.int32)
    chosen = rows[np.maximum(last, 0)]
    chosen[last < 0] = -1
    return np.asarray(chosen, dtype=np.int32)


def _age(panel: Panel, clock: Dates, since: Panel | None) -> Panel:
    """Sessions from the moment each value became known to the decision, [clock, assets]."""
    rows = _source_rows(panel, clock, since)
    sessions = np.unique(panel.dates.days)
    now = np.searchsorted(sessions, clock.days, side="right") - 1
    own = np.searchsorted(sessions, panel.dates.days)
    born = _taken(np.broadcast_to(own[:, None], panel.values.shape), rows)
    if since is not None:
        stated = _taken(since.values, rows)
        born = np.where(np.isnan(stated), born, _session_of(stated, sessions))
    age = (now[:, None] - born).astype(np.float32)
    return replace(
        panel, values=age, dates=clock, name=f"age of {panel.name}", unit="count", frequency="1d"
    )


def _taken(values: Array, rows: Rows) -> Array:
    """Take a row for each asset; NaN where the row is -1."""
    if not len(values):
        return np.full(rows.shape, np.nan)
    return np.where(rows >= 0, np.take_along_axis(values, np.maximum(rows, 0), axis=0), np.nan)


def _session_of(stated: npt.NDArray[np.floating], sessions: DateArray) -> npt.NDArray[np.int64]:
    """Position of the last session at or before each day; weekdays before the first count down from 0."""
    days = np.nan_to_num(stated, nan=0.0).astype(np.int64).astype("datetime64[D]")
    place = np.searchsorted(sessions, days.ravel(), side="right").reshape(days.shape) - 1
    early = (place < 0) & ~np.isnan(stated)
    place[early] = -np.busday_count(days[early], sessions[0])
    return np.asarray(place, dtype=np.int64)
