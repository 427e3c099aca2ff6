"""qlib_bin: a Qlib provider folder as tables of a store.

1. calendars, lists of instruments                                  -> securities, index_members, calendar
2. each symbol's bins of one frequency, side by side                 -> _read_symbol
3. prices back to raw, volumes back to shares                        -> qlib_bin_rows.Reader
4. point-in-time files                                               -> qlib_pit.read_statements

The convention of Qlib: price × factor, volume / factor, a minute bar stamped at its start. Public folders
do not all keep to it, so what the numbers themselves say is believed, and told in the report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from superhet.data.base import SOURCES
from superhet.data.quarantine import FEW
from superhet.data.sources.beside import Known
from superhet.data.sources.entering import Entry, FormatReport, enter
from superhet.data.sources.qlib_bin_layout import (
    DAY,
    FREQUENCIES,
    UNIVERSE,
    Span,
    from_folder,
    is_index,
    read_calendar,
    read_future,
    read_spans,
    to_asset,
)
from superhet.data.sources.qlib_bin_rows import Bins, Reading, read_rows
from superhet.data.sources.qlib_pit import read_statements
from superhet.data.store import Mode, Store
from superhet.errors import ConfigError, DataError
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl


class QlibMap(BaseModel):
    """What a folder does not say of itself.

    Parameters
    ----------
    indices : list of instruments -> code of the index (csi300: 000300.SH); others are called as the file
    fields : their field -> our column; others keep their name
    volume : whether volumes are adjusted (raw = volume × factor) or raw; auto looks at the numbers
    bar_label : whether minute bars are stamped at their start or end; auto looks at the calendar
    basis, known_at : of the statements, as in a column map
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    indices: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)
    volume: Literal["auto", "adjusted", "raw"] = "auto"
    bar_label: Literal["auto", "start", "end"] = "auto"
    basis: dict[str, Literal["ytd", "quarter", "ttm", "level"]] = Field(default_factory=dict)
    known_at: Literal["same_day", "next_session"] | None = None

    @classmethod
    def read(cls, given: QlibMap | str | Path | None) -> QlibMap:
        """Read a map from YAML.

        Raises
        ------
        ConfigError
            with the key that is wrong
        """
        if given is None or isinstance(given, QlibMap):
            return given or cls()
        try:
            content = yaml.safe_load(Path(given).read_text(encoding="utf-8"))
            return cls.model_validate(content or {})
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError("--map", f"{given} cannot be read: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            known = ", ".join(cls.model_fields)
            raise ConfigError(where, f"{first['msg']}; a map of qlib_bin has {known}") from error


@dataclass(frozen=True, kw_only=True)
class _Folder:
    path: Path
    known: Known | None
    spans: dict[str, list[Span]]
    last: np.datetime64
    map: QlibMap

    @property
    def indices(self) -> set[str]:
        """The symbols that are indices, in capitals."""
        if self.known is not None:
            return {name.upper() for name in self.known.indices}
        symbols = {s.symbol.upper() for spans in self.spans.values() for s in spans}
        symbols |= {from_folder(p.name) for p in (self.path / "features").glob("*")}
        return {s for s in symbols if is_index(s)}

    def ends(self, first: np.datetime64, last: np.datetime64) -> np.datetime64:
        """Give the first day after a span; NaT if it goes on.

        A span that reaches the last session goes on. Of those in our own folders that begin later, one of a
        single day does.
        """
        goes_on = last == max(self.last, first) if self.known else last >= self.last
        return np.datetime64("NaT", "D") if goes_on else last + np.timedelta64(1, "D")

    def index_of(self, stem: str) -> str:
        """Give the code of the index that a list of instruments belongs to."""
        if stem in self.map.indices:
            return self.map.indices[stem]
        ours = {name.lower(): to_asset(name) for name in (self.known.indices if self.known else ())}
        return ours.get(stem, to_asset(stem.upper()) if is_index(stem.upper()) else stem)


@SOURCES.add("qlib_bin")
def import_qlib(
    path: str | Path,
    store: Store | str | Path,
    column_map: QlibMap | str | Path | None = None,
    progress: Progress | None = None,
    mode: Mode = "replace",
    quarantine: float | None = FEW,
) -> FormatReport:
    """Read a provider folder into a store, all tables in one step.

    Parameters
    ----------
    path : the provider folder, the one that holds `calendars`
    store : the store, or where it is or shall be
    column_map : what the folder does not say of itself, or the YAML file that says it
    progress : called with (symbols done, symbols in all, what is read)
    mode : replace the tables, or put rows in place of those with the same key
    quarantine : most rows of a table, as a share, that may break the schema and be set aside; None = none

    Raises
    ------
    ConfigError
        if the map is wrong
    DataError
        if the folder is none of Qlib's, or a file of it is damaged; the store stays as it was
    """
    base, report = Path(path), progress or silent
    if not (base / "calendars").is_dir():
        raise DataError(
            "this is no provider folder of Qlib, for it has no calendars/; check --path",
            file=str(base),
        )
    sessions = read_calendar(base, DAY).astype("datetime64[D]")
    folder = _Folder(
        path=base,
        known=Known.read(base),
        spans=_lists(base),
        last=sessions[-1],
        map=QlibMap.read(column_map),
    )
    notes: list[str] = []
    entries = {"calendar": _calendar(folder, sessions), **_lists_as_tables(folder, notes)}
    fields = {**(folder.known.fields if folder.known else {}), **folder.map.fields}
    for frequency, names in _by_frequency(folder).items():
        moments = sessions if frequency == DAY else read_calendar(base, frequency)
        reading = Reading(
            base=base,
            frequency=frequency,
            moments=moments.astype("datetime64[ms]"),
            indices=folder.indices,
            fields=fields,
            volume="adjusted" if folder.known else folder.map.volume,
            bar_label="start" if folder.known else folder.map.bar_label,
        )
        entries |= read_rows(reading, names, report, notes)
    meta = {"basis": folder.map.basis, "known_at": folder.map.known_at}
    given = {key: value for key, value in meta.items() if value}
    statements = read_statements(base, _spelling(folder), fields, report)
    if statements is not None:
        ours = folder.known.meta.get("statements", {}) if folder.known else {}
        statements.meta = {**ours, **given}
        entries["statements"] = statements
    report(1, 1, "writing")
    return enter(
        store,
        entries,
        source=f"qlib_bin: {base.name}",
        notes=notes,
        mode=mode,
        quarantine=quarantine,
    )


def _lists(base: Path) -> dict[str, list[Span]]:
    files = sorted((base / "instruments").glob("*.txt"))
    if not files:
        raise DataError("there is no list of instruments", file="instruments/")
    return {file.stem.lower(): read_spans(file) for file in files}


def _calendar(folder: _Folder, sessions: npt.NDArray[np.datetime64]) -> Entry:
    import polars as pl

    days = read_future(folder.path, sessions).astype("datetime64[D]")
    return Entry(frame=pl.DataFrame({"date": days}), sources=("calendars/day.txt",))


def _lists_as_tables(folder: _Folder, notes: list[str]) -> dict[str, Entry]:
    lists = {k: v for k, v in folder.spans.items() if k != UNIVERSE}
    universe = folder.spans.get(UNIVERSE)
    if universe is None:
        universe = [span for spans in lists.values() for span in spans]
        notes.append("there is no instruments/all.txt: whoever is in another list is a security")
    securities = _securities(folder, universe, stays=UNIVERSE in folder.spans)
    members = _members(folder, lists)
    entries = {"securities": Entry(frame=securities, sources=("instruments/all.txt",))}
    if members.height:
        names = tuple(f"instruments/{stem}.txt" for stem in lists)
        entries["index_members"] = Entry(frame=members, sources=names, files=len(names))
    return entries


def _securities(folder: _Folder, universe: Iterable[Span], *, stays: bool) -> pl.DataFrame:
    """Give who is listed when; a span that begins or ends with the calendar leaves that side open."""
    import polars as pl

    first: dict[str, np.datetime64] = {}
    last: dict[str, np.datetime64] = {}
    for span in universe:
        if span.symbol.upper() in folder.indices:
            continue
        first[span.symbol] = min(span.first, first.get(span.symbol, span.first))
        last[span.symbol] = max(span.last, last.get(span.symbol, span.last))
    opening = read_calendar(folder.path, DAY)[0].astype("datetime64[D]")
    never = np.datetime64("NaT", "D")
    return pl.DataFrame(
        {
            "asset": [to_asset(s) for s in first],
            "list_date": np.array(
                [never if d == opening or not stays else d for d in first.values()], "datetime64[D]"
            ),
            "delist_date": np.array(
                [folder.ends(first[s], d) if stays else never for s, d in last.items()],
                "datetime64[D]",
            ),
        },
        schema={"asset": pl.String, "list_date": pl.Date, "delist_date": pl.Date},
    )


def _members(folder: _Folder, lists: dict[str, list[Span]]) -> pl.DataFrame:
    import polars as pl

    rows: dict[str, list[Any]] = {"index": [], "asset": []}
    starts, ends = [], []
    for stem, spans in lists.items():
        for span in spans:
            rows["index"].append(folder.index_of(stem))
            rows["asset"].append(to_asset(span.symbol))
            starts.append(span.first)
            ends.append(folder.ends(span.first, span.last))
    return pl.DataFrame(
        {
            **rows,
            "start_date": np.array(starts, "datetime64[D]"),
            "end_date": np.array(ends, "datetime64[D]"),
        },
        schema={"index": pl.String, "asset": pl.String, "start_date": pl.Date, "end_date": pl.Date},
    )


def _spelling(folder: _Folder) -> dict[str, str]:
    """Give the symbol of each folder name, as the lists of instruments spell it."""
    listed = {s.symbol for spans in folder.spans.values() for s in spans}
    listed |= set(folder.known.indices) if folder.known else set()
    listed |= folder.indices - {symbol.upper() for symbol in listed}
    return {symbol.upper(): symbol for symbol in sorted(listed)}


def _by_frequency(folder: _Folder) -> dict[str, Bins]:
    """List the bins: frequency -> symbol folder -> (symbol, field -> file)."""
    features = folder.path / "features"
    if not features.is_dir():
        raise DataError("there is no such folder", file="features/")
    spelling = _spelling(folder)
    found: dict[str, Bins] = {f: {} for f in FREQUENCIES}
    for place in sorted(p for p in features.iterdir() if p.is_dir()):
        symbol = from_folder(place.name)
        bins = sorted(b.name for b in place.iterdir() if b.suffix == ".bin")
        if bins and symbol not in spelling:
            raise DataError(
                f"{symbol} is in no list of instruments, so nobody knows when it was listed. Add it to "
                "instruments/all.txt, or take its folder away.",
                file=f"features/{place.name}/",
            )
        for name in bins:
            parts = name.removesuffix(".bin").rsplit(".", 1)
            if len(parts) != 2 or parts[1].lower() not in FREQUENCIES:
                raise DataError(
                    f"bars of {parts[-1]!r} are not known; a bin is called FIELD.FREQUENCY.bin, of "
                    f"{', '.join(FREQUENCIES)}",
                    file=f"features/{place.name}/{name}",
                )
            of = found[parts[1].lower()].setdefault(place, (spelling[symbol], {}))
            of[1][parts[0].lower()] = name
    return {frequency: places for frequency, places in found.items() if places}
