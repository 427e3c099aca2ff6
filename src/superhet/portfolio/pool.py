"""Pool: who may be held on each decision date, for which reasons others may not, and what they carry.

Filter first, neutralize second: exposures are standardized on the pool, and a name that leaves the pool
leaves the regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, ConfigError, EmptyUniverse, NoSignal, TooFewAssets
from superhet.kernels.cross_section import zscore
from superhet.panel import Market, Panel

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int32]
Rows: TypeAlias = "slice | npt.NDArray[np.int64]"
WhenFew: TypeAlias = Literal["error", "hold"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """The cross-sections that a portfolio is built on.

    Parameters
    ----------
    inside : [dates, assets], may be held
    decided : [dates], any alpha is known
    groups : [dates, assets] codes (an unknown industry is the code after the last), or None
    labels : names of the codes
    exposures : [K, dates, assets], mean 0 and deviation 1 on the pool; NaN where not known
    exposure_names : [K]
    invalid : reason -> [dates], members it excludes (a member may count under several)
    """

    inside: Flags
    decided: Flags
    groups: Codes | None
    labels: tuple[str, ...]
    exposures: Floats
    exposure_names: tuple[str, ...]
    invalid: Mapping[str, npt.NDArray[np.int64]]


def market_rows(panel: Panel, market: Market) -> Rows:
    """Find the sessions of the market that the dates of a panel are.

    Raises
    ------
    AxisMismatch
        if the assets differ, or a date is no session
    """
    if panel.assets != market.assets:
        raise AxisMismatch(
            f"{panel.name!r} and the market have different assets: {panel.assets.describe()} and "
            f"{market.assets.describe()}. Bring them together with align.reindex(...)."
        )
    days, sessions = panel.dates.days, market.dates.days
    at = np.searchsorted(sessions, days)
    found = at < len(sessions)
    found[found] = sessions[at[found]] == days[found]
    if not found.all() or len(np.unique(at)) < len(at):
        odd = days[~found][0] if not found.all() else "a day that occurs twice"
        raise AxisMismatch(
            f"{panel.name!r} stands on {odd}, which is no session of the market "
            f"({market.dates.describe()}). Put it on daily sessions with align.as_of(...) first."
        )
    if at.size and at[-1] - at[0] + 1 == at.size:
        return slice(int(at[0]), int(at[-1]) + 1)
    return at


def build_pool(
    alpha: Panel,
    market: Market,
    against: tuple[str, ...],
    *,
    drop_unknown: bool,
    min_names: int,
    when_few: WhenFew = "error",
) -> Pool:
    """Filter the pool of every date of `alpha` and read what it is neutralized against.

    Parameters
    ----------
    against : names of at most one classification ("industry") and of exposures: "size" is the
        logarithm of the market's size field, any other name a daily field taken as it is
    drop_unknown : leave out names of unknown industry; otherwise they are a group of their own
    min_names : smallest pool on a date with any alpha
    when_few : "error", or "hold": a date with a smaller pool is no decision

    Raises
    ------
    EmptyUniverse, NoSignal, TooFewAssets, AxisMismatch, UnknownName, ConfigError
    """
    rows = market_rows(alpha, market)
    member = market.universe.member.values[rows]
    tradable = market.universe.tradable.values[rows]
    known = np.isfinite(alpha.values)
    if not tradable.any():
        raise EmptyUniverse(
            f"portfolio: nobody is tradable between {alpha.dates.describe()}. "
            f"Excluded member-dates by reason: {market.universe.count_by_reason()}"
        )
    if not known.any():
        raise NoSignal(f"portfolio: every value of {alpha.name!r} is missing")
    invalid = {
        name: (panel.values[rows] & member).sum(axis=1)
        for name, panel in market.universe.reasons.items()
    }
    invalid["no_alpha"] = (tradable & ~known).sum(axis=1)
    inside = tradable & known
    groups: Codes | None = None
    labels: tuple[str, ...] = ()
    name = _classification(against, market)
    if name:
        groups, labels, unknown = _codes(market.groups(name), rows)
        invalid[f"unknown_{name}"] = (inside & unknown).sum(axis=1)
        inside = inside & ~unknown if drop_unknown else inside
    raw = {n: _exposure(n, market, rows) for n in against if n != name}
    for n, values in raw.items():
        invalid[f"unknown_{n}"] = (inside & np.isnan(values)).sum(axis=1)
        inside = inside & ~np.isnan(values)
    decided = np.asarray(known.any(axis=1))
    if when_few == "hold":
        decided = decided & (inside.sum(axis=1) >= min_names)
    _require_names(alpha, inside.sum(axis=1), decided, min_names)
    exposures = np.empty((len(raw), *inside.shape))
    for k, values in enumerate(raw.values()):
        exposures[k] = zscore(values, inside=inside)
    return Pool(
        inside=inside & decided[:, None],
        decided=decided,
        groups=groups,
        labels=labels,
        exposures=exposures,
        exposure_names=tuple(raw),
        invalid=invalid,
    )


def _classification(against: tuple[str, ...], market: Market) -> str:
    named = [n for n in against if n == "industry" or n in market.group_panels]
    if len(named) > 1:
        raise ConfigError(
            "portfolio.neutralize", f"only one classification is possible, and {named} are named"
        )
    return named[0] if named else ""


def _codes(panel: Panel, rows: Rows) -> tuple[Codes, tuple[str, ...], Flags]:
    codes = panel.values[rows].astype(np.int32)
    unknown = codes < 0
    count = max(len(panel.labels), int(panel.values.max(initial=-1)) + 1)
    codes[unknown] = count
    labels = panel.labels or tuple(str(k) for k in range(count))
    return codes, (*labels, "unknown"), unknown


def _exposure(name: str, market: Market, rows: Rows) -> Floats:
    values: npt.NDArray[Any] = market[market.size if name == "size" else name].values[rows]
    values = values.astype(np.float64)
    if name == "size":
        return np.asarray(np.log(values, where=values > 0.0, out=np.full(values.shape, np.nan)))
    return np.where(np.isfinite(values), values, np.nan)


def _require_names(
    alpha: Panel, counts: npt.NDArray[np.int64], decided: Flags, min_names: int
) -> None:
    short = np.flatnonzero(decided & (counts < min_names))
    if short.size:
        at = int(short[0])
        raise TooFewAssets(
            f"portfolio of {alpha.name!r}",
            alpha.dates.values[at],
            int(counts[at]),
            min_names,
            "Widen the universe or start later; or lower `min_names`, or let such a date be no decision "
            "with `when_few: hold`.",
        )
