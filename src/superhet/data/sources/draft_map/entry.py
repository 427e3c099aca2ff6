"""One table of a draft: keys of a column map, each with its reasons, written as YAML for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CHECK = "check: "
_ORDER = (
    "table", "files", "sheet", "encoding", "separator", "skip_rows", "skip_rows_after_header", "header",
    "transpose", "missing", "columns", "from_file", "constants", "date_format", "yearless", "asset_format",
    "values", "bar_label", "units", "derive", "assume", "drop", "drop_duplicates", "sort", "snapshots",
    "basis",
)  # fmt: skip
_BLOCKS = ("columns", "from_file", "constants", "date_format", "units", "derive", "assume")
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


@dataclass
class Drafted:
    """A table on its way into a draft.

    Parameters
    ----------
    keys : what the column map says
    notes : path of a key ("columns.volume", "" for the table) -> reasons, a doubt beginning with `CHECK`
    unknown : headers that nothing is known of, with two values
    """

    keys: dict[str, Any]
    notes: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[tuple[str, str]] = field(default_factory=list)

    def put(self, key: str, value: Any, reason: str = "", *, doubtful: bool = False) -> None:
        """Set a key ("units.volume"), and say why."""
        head, _, name = key.partition(".")
        if name:
            self.keys.setdefault(head, {})[name] = value
        else:
            self.keys[head] = value
        if reason:
            self.note(key, reason, doubtful=doubtful)

    def note(self, key: str, reason: str, *, doubtful: bool = False) -> None:
        """Say something of a key."""
        self.notes.setdefault(key, []).append((CHECK if doubtful else "") + reason)

    @property
    def doubts(self) -> list[str]:
        """What a person should look at."""
        return [
            n.removeprefix(CHECK) for ns in self.notes.values() for n in ns if n.startswith(CHECK)
        ]

    def to_yaml(self) -> str:
        """Give the table as an item of the list `tables`."""
        lines: list[str] = []
        for reason in self.notes.get("", []):
            lines.append(f"  # {reason}")
        keys = [k for k in _ORDER if k in self.keys]
        for number, key in enumerate(keys):
            lead = "  - " if number == 0 else "    "
            lines += self._key(lead, key, self.keys[key])
            if key == "columns" and self.unknown:
                lines.append("      # not known, with two values; take what is needed:")
                lines += [
                    f"      # {_scalar(_name(header))}: {_scalar(header)}   # {values}"
                    for header, values in self.unknown
                ]
        return "\n".join(lines)

    def _key(self, lead: str, key: str, value: Any) -> list[str]:
        lines = [f"    # {_line(n)}" for n in self.notes.get(key, [])]
        if lead.strip():
            lines = [f"  # {_line(n)}" for n in self.notes.get(key, [])]
        if key in _BLOCKS and isinstance(value, Mapping):
            lines.append(f"{lead}{key}:")
            for name, inner in value.items():
                reasons = self.notes.get(f"{key}.{name}", [])
                tail = f"   # {_line('; '.join(_together(reasons)))}" if reasons else ""
                lines.append(f"      {_scalar(name)}: {_flow(inner)}{tail}")
            return lines
        lines.append(f"{lead}{key}: {_flow(value)}")
        return lines


def _together(reasons: Sequence[str]) -> list[str]:
    """Put the doubts first, so that a line's comment begins with the mark."""
    return [r for r in reasons if r.startswith(CHECK)] + [
        r for r in reasons if not r.startswith(CHECK)
    ]


def _line(text: str) -> str:
    return " ".join(text.split())


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    simple = text and text[0] in _PLAIN and all(c in _PLAIN + "0123456789" for c in text)
    if simple and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _name(header: str) -> str:
    """Give a name of ours for a header we do not know."""
    name = "".join(c if c.isalnum() else "_" for c in header.strip().lower()).strip("_")
    return name if name and not name[0].isdigit() else f"column_{name}"


our_name = _name
