"""A Qlib bin store of a market: the layout that pyqlib reads, written from its published description.

calendars/day.txt               one session a line
instruments/all.txt             name, first and last session, tab between them
features/NAME/FIELD.day.bin     float32, little endian: the row of the first value, then the values

Each asset's files begin at its first session and end at its last; sessions without trade between are NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe
from superhet.panel.panel import Unit

FIELDS = {
    "open": "adjusted_open",
    "high": "adjusted_high",
    "low": "adjusted_low",
    "close": "adjusted_close",
    "vwap": "adjusted_vwap",
    "volume": "volume",
    "factor": "adjust_factor",
}
"""Qlib's name of a field -> the market's."""
UNITS: Mapping[str, Unit] = {
    **dict.fromkeys(("open", "high", "low", "close", "vwap"), "price"),
    "volume": "shares",
    "factor": "ratio",
}

Floats = npt.NDArray[np.float32]
Days = npt.NDArray[np.datetime64]


def store_fields(market: Market) -> dict[str, Floats]:
    """Give the fields as a store keeps them: float32, volume in adjusted shares.

    Parameters
    ----------
    market : has the fields of `FIELDS`

    Returns
    -------
    Qlib's name -> [dates, assets], NaN without trade
    """
    found = {name: market[ours].values.astype(np.float64) for name, ours in FIELDS.items()}
    found["volume"] = found["volume"] / found["factor"]
    return {name: values.astype(np.float32) for name, values in found.items()}


def write_store(folder: Path, days: Days, names: list[str], fields: Mapping[str, Floats]) -> None:
    """Write a store.

    Parameters
    ----------
    folder : must not exist
    days : [dates], the sessions
    names : of the assets
    fields : Qlib's name -> [dates, assets]; an asset lives from its first close to its last
    """
    for part in ("calendars", "instruments", "features"):
        (folder / part).mkdir(parents=True)
    told = [str(day)[:10] for day in days]
    (folder / "calendars" / "day.txt").write_text("\n".join(told) + "\n")
    lives = [life(column) for column in np.asarray(fields["close"]).T]
    spans = [
        f"{name}\t{told[first]}\t{told[last]}\n"
        for name, (first, last) in zip(names, lives, strict=True)
    ]
    (folder / "instruments" / "all.txt").write_text("".join(spans))
    for i, (name, (first, last)) in enumerate(zip(names, lives, strict=True)):
        place = folder / "features" / name.lower()
        place.mkdir()
        for field, values in fields.items():
            kept = np.append(np.float32(first), values[first : last + 1, i])
            kept.astype("<f4").tofile(place / f"{field}.day.bin")


def life(close: Floats) -> tuple[int, int]:
    """Give the rows of the first and the last close; both ends of the calendar if there is none."""
    known = np.flatnonzero(~np.isnan(close))
    return (int(known[0]), int(known[-1])) if len(known) else (0, len(close) - 1)


def store_market(days: Days, names: list[str], fields: Mapping[str, Floats]) -> Market:
    """Give the market that a store holds, in float64: its values are those of the store, digit by digit.

    Parameters
    ----------
    days, names, fields : as in `write_store`
    """
    axes: dict[str, Any] = {"dates": Dates(days), "assets": Assets(names)}
    rows = np.arange(len(days))[:, None]
    first, last = np.array([life(column) for column in fields["close"].T]).T
    age = np.where((rows >= first) & (rows <= last), rows - first, -1).astype(np.float64)
    panels = {
        FIELDS[name]: Panel(
            values=v.astype(np.float64), name=FIELDS[name], unit=UNITS[name], **axes
        )
        for name, v in fields.items()
    }
    panels["listing_age"] = Panel(values=age, name="listing_age", unit="count", **axes)
    everyone = Panel(values=np.ones(age.shape, dtype=bool), name="member", unit="flag", **axes)
    universe = Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={})
    return Market(fields=Cube(panels), universe=universe)
