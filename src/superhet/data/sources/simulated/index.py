"""The cap-weighted index of the whole market, `SIM`: members, month-end weights, daily closes.

An asset joins on the first session of the second month after its listing and leaves when it is delisted. The
index is weighted by float market cap at the close before, dividends included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superhet.data.sources.simulated.lifecycle import Lifecycle
from superhet.data.sources.simulated.prices import Paths
from superhet.data.sources.simulated.recipe import Days, Flags, Integers
from superhet.data.sources.simulated.structure import Structure

if TYPE_CHECKING:
    import polars as pl

INDEX = "SIM"
_BASE = 1000.0


def index_tables(
    structure: Structure, life: Lifecycle, paths: Paths, dates: Days
) -> dict[str, pl.DataFrame]:
    """Build `index_members`, `index_weights` and `index_bars`."""
    import polars as pl

    joined = _joining_sessions(structure, dates)
    sessions = np.arange(dates.size)[:, None]
    member = life.listed & (sessions >= joined)
    return {
        "index_members": _members(structure, life, joined, dates),
        "index_weights": _weights(structure, member, paths, dates),
        "index_bars": pl.DataFrame(
            {
                "index": [INDEX] * dates.size,
                "date": dates.astype("datetime64[D]"),
                **_levels(member, paths),
            }
        ),
    }


def _joining_sessions(structure: Structure, dates: Days) -> Integers:
    """Find the session on which each asset joins; `len(dates)` or more = not within the sample."""
    listed = dates[np.minimum(structure.listed, dates.size - 1)].astype("datetime64[M]")
    joins = np.searchsorted(dates, (listed + 2).astype("datetime64[D]"))
    late = np.where(structure.listed < dates.size, joins, dates.size)
    return np.where(structure.listed == 0, 0, late).astype(np.int64)


def _members(structure: Structure, life: Lifecycle, joined: Integers, dates: Days) -> pl.DataFrame:
    import polars as pl

    inside = (joined < dates.size) & (joined < life.delisted)
    gone = life.delisted[inside]
    end = np.where(gone < dates.size, dates[np.minimum(gone, dates.size - 1)], np.datetime64("NaT"))
    return pl.DataFrame(
        {
            "index": [INDEX] * int(inside.sum()),
            "asset": structure.assets[inside].tolist(),
            "start_date": dates[joined[inside]].astype("datetime64[D]"),
            "end_date": end.astype("datetime64[D]"),
        }
    ).sort("start_date", "index", "asset")


def _weights(structure: Structure, member: Flags, paths: Paths, dates: Days) -> pl.DataFrame:
    """Weigh the members at the first session and at the last one of each month that is over."""
    import polars as pl

    months = dates.astype("datetime64[M]")
    last = np.flatnonzero(months[1:] != months[:-1])
    rows = np.unique(np.concatenate([[0], last]))
    cap = np.where(member[rows], paths.close[rows] * 0.01 * paths.float_shares[rows], 0.0)
    weight = cap / cap.sum(axis=1, keepdims=True)
    day, asset = np.nonzero(member[rows])
    return pl.DataFrame(
        {
            "index": [INDEX] * day.size,
            "date": dates[rows][day].astype("datetime64[D]"),
            "asset": pl.Series(structure.assets.tolist()).gather(asset),
            "weight": weight[day, asset],
        }
    )


def _levels(member: Flags, paths: Paths) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Let the index earn the return of its members, weighted by the capitalisation of the close before."""
    opened, close = np.empty(member.shape[0]), np.empty(member.shape[0])
    close[0] = opened[0] = _BASE
    for t in range(1, close.size):
        cap = np.where(
            member[t - 1] & member[t], paths.close[t - 1] * paths.float_shares[t - 1], 0.0
        )
        share, held = cap / cap.sum(), cap > 0
        overnight = (1.0 + paths.returns[t][held]) * paths.open[t][held] / paths.close[t][held]
        opened[t] = close[t - 1] * float(share[held] @ overnight)
        close[t] = close[t - 1] * (1.0 + float(cap @ paths.returns[t] / cap.sum()))
    return {"open": np.round(opened, 4), "close": np.round(close, 4)}
