"""The bins of one frequency as rows: fields of a symbol side by side, prices raw, holes left out.

1. the bins of a symbol onto one stretch of the calendar                    -> _fields_of
2. prices / factor, volume × factor; what is no bar goes to `daily`         -> _bar_columns
3. symbols one below the other, each row with its place of origin           -> _Rows
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.data.faults import ORIGIN_FILE, ORIGIN_ROW
from superhet.data.schema import table_spec
from superhet.data.sources.entering import Entry
from superhet.data.sources.qlib_bin_layout import DAY, Floats32, read_bin, to_asset
from superhet.data.sources.qlib_bin_prices import Floats, raw_prices, raw_volumes
from superhet.progress import Progress

PRICES = ("open", "high", "low", "close", "limit_up", "limit_down")
FLAGS = ("suspended", "is_st")
MADE = ("change", "vwap")
"""Fields that follow from the others; `vwap` gives the amount where no field does."""

Bins: TypeAlias = dict[Path, tuple[str, dict[str, str]]]
"""Folder of a symbol -> the symbol, and its field -> the name of its file."""

_LOOKED_AT, _WHOLE = 200, 2.0**23
_MOSTLY = 0.99


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the bins of one frequency are to be read.

    Parameters
    ----------
    base : the provider folder
    frequency : "day", "15min"
    moments : the calendar, [moments] datetime64[ms]
    indices : symbols, in capitals, that go to `index_bars`
    fields : their field -> our column
    volume, bar_label : as in `qlib_bin.QlibMap`
    """

    base: Path
    frequency: str
    moments: npt.NDArray[np.datetime64]
    indices: Set[str]
    fields: Mapping[str, str]
    volume: Literal["auto", "adjusted", "raw"]
    bar_label: Literal["auto", "start", "end"]

    @property
    def table(self) -> str:
        """The table of bars."""
        return "bars_1d" if self.frequency == DAY else f"bars_{self.frequency}"


@dataclass
class _Rows:
    """Columns of one table, one piece a symbol."""

    time: str
    key: str
    sources: list[str] = field(default_factory=list)
    pieces: list[dict[str, npt.NDArray[np.generic]]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    files: int = 0

    def add(
        self,
        reading: Reading,
        symbol: str,
        place: npt.NDArray[np.int64],
        columns: Mapping[str, Floats],
    ) -> None:
        self.pieces.append({"place": place, **columns})
        self.names.append(to_asset(symbol))
        self.sources.append(f"features/{symbol.lower()}/*.{reading.frequency}.bin")
        self.files += len(columns)

    def entry(self, moments: npt.NDArray[np.datetime64]) -> Entry:
        """Give the rows of all symbols as a frame."""
        import polars as pl

        columns = list(dict.fromkeys(c for piece in self.pieces for c in piece))
        counts = [len(piece["place"]) for piece in self.pieces]
        which = np.repeat(np.arange(len(self.pieces), dtype=np.uint32), counts)
        values = {c: np.concatenate([self._cells(p, c) for p in self.pieces]) for c in columns}
        place = values.pop("place").astype(np.int64)
        when = moments[place]
        frame = pl.DataFrame(
            {
                self.time: when.astype("datetime64[D]") if self.time == "date" else when,
                self.key: pl.Series(self.names, dtype=pl.String).gather(which),
                **values,
                ORIGIN_FILE: which,
                ORIGIN_ROW: (place + 1).astype(np.uint32),
            }
        )
        floats = [c for c, t in frame.schema.items() if t == pl.Float64]
        return Entry(
            frame=frame.with_columns(pl.col(floats).fill_nan(None)),
            sources=self.sources,
            files=self.files,
        )

    @staticmethod
    def _cells(
        piece: Mapping[str, npt.NDArray[np.generic]], column: str
    ) -> npt.NDArray[np.generic]:
        here = piece.get(column)
        return here if here is not None else np.full(len(piece["place"]), np.nan)


def read_rows(
    reading: Reading,
    folders: Bins,
    progress: Progress,
    notes: list[str],
) -> dict[str, Entry]:
    """Read all bins of a frequency: table -> rows.

    Parameters
    ----------
    folders : folder of a symbol -> symbol, its field -> the name of its file
    notes : takes up how the numbers were understood
    """
    time = "date" if reading.frequency == DAY else "time"
    spec = table_spec(reading.table)
    raw_volume = _is_volume_raw(reading, folders, notes)
    moments = _moments(reading, notes)
    bars, index, daily = _Rows(time, "asset"), _Rows(time, "index"), _Rows(time, "asset")
    ignored: dict[str, None] = {}
    for done, (folder, (symbol, fields)) in enumerate(folders.items()):
        progress(done, len(folders), f"{reading.frequency} bins")
        place, cells = _fields_of(reading, folder, fields)
        columns, made = _bar_columns(reading, cells, raw_volume=raw_volume)
        ignored |= dict.fromkeys(made)
        if symbol.upper() in reading.indices and reading.frequency == DAY:
            _add(index, reading, symbol, place, _only(columns, table_spec("index_bars").columns))
            continue
        _add(bars, reading, symbol, place, _only(columns, spec.columns))
        others = {c: v for c, v in columns.items() if c not in spec.columns}
        if reading.frequency == DAY:
            _add(daily, reading, symbol, place, others)
        else:
            ignored |= dict.fromkeys(others)
    tables = {reading.table: bars, "index_bars": index, "daily": daily}
    entries = {name: rows.entry(moments) for name, rows in tables.items() if rows.pieces}
    if reading.table in entries:
        entries[reading.table].ignored = sorted(ignored)
    return entries


def _only(columns: Mapping[str, Floats], wanted: Iterable[str]) -> dict[str, Floats]:
    return {c: columns[c] for c in wanted if c in columns}


def _add(
    rows: _Rows,
    reading: Reading,
    symbol: str,
    place: npt.NDArray[np.int64],
    columns: Mapping[str, Floats],
) -> None:
    """Add the dates on which anything is known; a factor alone is no bar."""
    says = [v for c, v in columns.items() if c != "adjust_factor"]
    if not says:
        return
    known = np.logical_or.reduce([np.isfinite(v) for v in says])
    if known.any():
        rows.add(reading, symbol, place[known], {c: v[known] for c, v in columns.items()})


def _fields_of(
    reading: Reading, folder: Path, fields: Mapping[str, str]
) -> tuple[npt.NDArray[np.int64], dict[str, Floats32]]:
    """Bring the bins of a symbol onto one stretch of the calendar; NaN where one is shorter."""
    bins = {}
    for name, file in fields.items():
        shown = f"features/{folder.name}/{file}"
        bins[reading.fields.get(name, name)] = read_bin(folder / file, shown, len(reading.moments))
    first = min(place for place, _ in bins.values())
    last = max(place + len(values) for place, values in bins.values())
    cells = {}
    for name, (place, values) in bins.items():
        row = np.full(last - first, np.nan, dtype=np.float32)
        row[place - first : place - first + len(values)] = values
        cells[name] = row
    return np.arange(first, last), cells


def _bar_columns(
    reading: Reading, cells: Mapping[str, Floats32], *, raw_volume: bool
) -> tuple[dict[str, Floats], list[str]]:
    """Give raw prices and shares of one symbol, and the names of the fields that follow from others."""
    out = {c: v.astype(np.float64) for c, v in cells.items()}
    stored = _carried(cells.get("factor"), next(iter(cells.values()), np.empty(0, np.float32)))
    prices = [c for c in PRICES if c in cells]
    wide = stored.astype(np.float64)
    if prices:
        raw, wide = raw_prices(np.column_stack([cells[c] for c in prices]), stored)
        out |= {c: raw[:, i] for i, c in enumerate(prices)}
    if "volume" in cells and not raw_volume:
        out["volume"] = raw_volumes(cells["volume"], wide)
    for name in [*prices, "volume"]:
        beside = out.pop(f"raw_{name}", None)
        if beside is not None:
            out[name] = np.where(np.isfinite(beside), beside, out[name])
    if "factor" in out:
        del out["factor"]
        out["adjust_factor"] = wide
    made = [c for c in MADE if c in out]
    if "vwap" in out and "amount" not in out and "volume" in out:
        out["amount"] = out["vwap"] / wide * out["volume"]
        made.remove("vwap")
    for name in MADE:
        out.pop(name, None)
    return out, made


def _carried(factor: Floats32 | None, like: Floats32) -> Floats32:
    """Carry the factor over the days without one, first forward, then back; 1 without any."""
    if factor is None or not np.isfinite(factor).any():
        return np.ones(len(like), dtype=np.float32)
    known = np.isfinite(factor) & (factor > 0)
    at = np.where(known, np.arange(len(factor)), -1)
    at = np.maximum.accumulate(at)
    at = np.where(at < 0, np.argmax(known), at)
    return np.asarray(factor[at], dtype=np.float32)


def _is_volume_raw(reading: Reading, folders: Bins, notes: list[str]) -> bool:
    """Tell whether volumes are shares as they are: whole numbers where the factor is not 1."""
    if reading.volume != "auto":
        return reading.volume == "raw"
    seen = whole = 0
    both = ("volume", "factor")
    places = [p for p, (_, names) in folders.items() if set(both) <= set(names)]
    plain = replace(reading, fields={})
    for folder in places[:: max(1, len(places) // _LOOKED_AT)]:
        _, cells = _fields_of(plain, folder, {name: folders[folder][1][name] for name in both})
        volume, factor = cells["volume"], cells["factor"]
        told = (volume > 0) & (volume < _WHOLE) & (np.abs(factor - np.round(factor)) > 1e-3)
        seen += int(np.count_nonzero(told))
        whole += int(np.count_nonzero(volume[told] == np.round(volume[told])))
    if seen < 20 or whole < _MOSTLY * seen:
        return False
    notes.append(
        f"{reading.frequency}: volumes are whole numbers where the factor is none, so they are taken as raw "
        "shares (Qlib's convention is volume / factor; `volume: adjusted` in the map holds them to it)"
    )
    return True


def _moments(reading: Reading, notes: list[str]) -> npt.NDArray[np.datetime64]:
    """Give the end of each bar."""
    if reading.frequency == DAY:
        return reading.moments
    length = np.timedelta64(int(reading.frequency.removesuffix("min")), "m")
    clock = reading.moments - reading.moments.astype("datetime64[D]")
    label = reading.bar_label
    if label == "auto":
        label = "end" if clock.min() == np.timedelta64(9 * 60 + 30, "m") + length else "start"
        what = "the first bar of a day ends at its stamp" if label == "end" else "Qlib's convention"
        notes.append(f"{reading.frequency}: bars are stamped at their {label} ({what})")
    return reading.moments + length if label == "start" else reading.moments
