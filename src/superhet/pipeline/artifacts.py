"""Artifacts: the values of finished stages in a run folder, addressed by content.

A stage is one JSON file; every array in it is a reference to ``arrays/<hash>.npy``, written once however
often it occurs. The hash of a stage is the hash of its JSON, so two runs that computed the same bytes
have the same stage hashes. Files are written aside, flushed, and renamed: a stage exists whole or not
at all. No pickle anywhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.data.durable import is_no_room
from superhet.errors import CorruptedPart, DiskFull
from superhet.panel import (
    Assets,
    Attribution,
    BacktestResult,
    BookState,
    Cube,
    Dates,
    Events,
    Fold,
    Panel,
    Records,
)
from superhet.risk.estimates import Fit, RiskEstimates

_PANELS = (Panel, Records, Events, BacktestResult, BookState, Attribution, Fold)
_VALUES: Mapping[str, Any] = {cls.__name__: cls for cls in (*_PANELS, RiskEstimates, Fit)}
_CORRUPT = "its content does not match its hash. Delete the run folder and run again."


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file aside, flush it, and rename it to `path`.

    Raises
    ------
    DiskFull
        if there is no room; nothing at `path` was changed
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(aside)
        with aside.open("rb") as handle:
            os.fsync(handle.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        if is_no_room(error):
            raise DiskFull(
                path.parent,
                f"no room left to write {path.name}. Make room, then go on with --resume",
            ) from None
        raise
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically, keys sorted."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1)
    write_atomic(path, lambda aside: _write_text(aside, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Artifacts:
    """The finished stages of one run folder."""

    folder: Path

    def has(self, stage: str) -> bool:
        """Say whether a stage is finished."""
        return self._file(stage).exists()

    def save(self, stage: str, value: object) -> str:
        """Write a stage and give its hash."""
        text = json.dumps(self._encode(value), sort_keys=True, ensure_ascii=False)
        write_atomic(self._file(stage), lambda aside: _write_text(aside, text))
        return _digest(text.encode())

    def forget(self, stage: str) -> None:
        """Take a stage away, so that it is computed again."""
        self._file(stage).unlink(missing_ok=True)

    def hash_of(self, stage: str) -> str:
        """Give the hash of a finished stage."""
        return _digest(self._file(stage).read_bytes())

    def load(self, stage: str) -> Any:
        """Read a stage; arrays are memory-mapped and checked against their hashes.

        Raises
        ------
        CorruptedPart
            if a file was changed or lost
        """
        path = self._file(stage)
        try:
            return self._decode(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):  # cut off, or edited by hand
            raise CorruptedPart(path, _CORRUPT) from None

    def _file(self, stage: str) -> Path:
        return self.folder / "stages" / f"{stage}.json"

    def _encode(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float | np.floating):
            return {"type": "float", "hex": float(value).hex()}
        if isinstance(value, np.integer):
            return int(value)
        if isinstance(value, np.datetime64):
            return {"type": "moment", "text": str(value), "unit": np.datetime_data(value.dtype)[0]}
        if isinstance(value, np.ndarray):
            return self._save_array(value)
        if isinstance(value, Dates):
            return {"type": "Dates", "values": self._save_array(value.values)}
        if isinstance(value, Assets):
            return {"type": "Assets", "values": list(value.values)}
        if isinstance(value, Cube):
            panels = [[name, self._encode(value[name])] for name in value]
            axes = {"dates": self._encode(value.dates), "assets": self._encode(value.assets)}
            return {"type": "Cube", "panels": panels, "blocks": dict(value.blocks), **axes}
        name = type(value).__name__
        if _VALUES.get(name) is type(value):  # before Mapping: records are mappings too
            kept = {f.name: self._encode(getattr(value, f.name)) for f in fields(_VALUES[name])}
            return {"type": name, "fields": kept}
        if isinstance(value, slice):
            return {"type": "slice", "start": value.start, "stop": value.stop}
        if isinstance(value, Mapping):
            return {"type": "dict", "items": [[k, self._encode(v)] for k, v in value.items()]}
        if isinstance(value, list | tuple):
            return {"type": type(value).__name__, "items": [self._encode(v) for v in value]}
        raise TypeError(f"{type(value).__name__} cannot be stored in a run folder")

    def _decode(self, tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        kind = tree["type"]
        if kind == "float":
            return float.fromhex(tree["hex"])
        if kind == "moment":
            return np.datetime64(tree["text"], tree["unit"])
        if kind == "array":
            return self._load_array(tree["hash"])
        if kind == "Dates":
            return Dates(self._decode(tree["values"]))
        if kind == "Assets":
            return Assets(tree["values"])
        if kind == "Cube":
            return Cube(
                {name: self._decode(panel) for name, panel in tree["panels"]},
                blocks=tree["blocks"],
                dates=self._decode(tree["dates"]),
                assets=self._decode(tree["assets"]),
            )
        if kind == "slice":
            return slice(tree["start"], tree["stop"])
        if kind == "dict":
            return {k: self._decode(v) for k, v in tree["items"]}
        if kind in {"list", "tuple"}:
            items = [self._decode(v) for v in tree["items"]]
            return items if kind == "list" else tuple(items)
        return _VALUES[kind](**{k: self._decode(v) for k, v in tree["fields"].items()})

    def _save_array(self, array: npt.NDArray[Any]) -> dict[str, str]:
        plain = np.ascontiguousarray(array.astype("U") if array.dtype == object else array)
        name = _array_digest(plain)
        path = self.folder / "arrays" / f"{name}.npy"
        if not path.exists():
            write_atomic(path, lambda aside: _write_array(aside, plain))
        return {"type": "array", "hash": name}

    def _load_array(self, name: str) -> npt.NDArray[Any]:
        path = self.folder / "arrays" / f"{name}.npy"
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            raise CorruptedPart(path, _CORRUPT) from None
        plain = np.asarray(array)
        if _array_digest(plain) != name:
            raise CorruptedPart(path, _CORRUPT)
        return plain


def _write_array(path: Path, array: npt.NDArray[Any]) -> None:
    # not np.save: its tofile hides the system's reason when the disk is full
    with path.open("wb") as handle:
        described = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(handle, described)
        handle.write(_bytes_of(array))


def _array_digest(array: npt.NDArray[Any]) -> str:
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    digest.update(_bytes_of(array))
    return digest.hexdigest()


def _bytes_of(array: npt.NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
