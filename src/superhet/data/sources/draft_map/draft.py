"""Draft a column map by looking at files: what they are, in which units, and what a person should check.

1. files that look the same make one table                                  -> _groups
2. headers and values say which table, columns, units                        -> tables
3. the map as YAML; each guess has its reason, each doubt the mark `# check:` -> Draft

Nothing is changed, and a draft can be imported with as it is; that it reads is no proof that it is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from superhet.data.sources.draft_map.entry import Drafted
from superhet.data.sources.draft_map.group import Group
from superhet.data.sources.draft_map.look import Look, look
from superhet.data.sources.draft_map.roles import Role, headless_roles, roles_of
from superhet.data.sources.draft_map.tables import draft_tables
from superhet.data.sources.files import SUFFIXES
from superhet.errors import DataError

_LOOKED_AT = 5


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A column map on probation.

    Parameters
    ----------
    path : what was looked at
    tables : its tables
    refused : file -> why it is in none of them
    """

    path: Path
    tables: list[Drafted] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The map as YAML."""
        lines = [
            f"# A draft, made by looking at {self.path.name}. A guess that needs a look is marked `check:`.",
            f"#   superhet data import --path {self.path} --map MAP.yaml --store STORE",
        ]
        lines += [
            f"# not drafted: {name}: {' '.join(why.split())}" for name, why in self.refused.items()
        ]
        return "\n".join([*lines, "tables:", "\n\n".join(t.to_yaml() for t in self.tables), ""])

    @property
    def doubts(self) -> list[str]:
        """What a person should look at, table by table."""
        return [f"{t.keys['table']}: {doubt}" for t in self.tables for doubt in t.doubts]

    @property
    def summary(self) -> str:
        """The tables and doubts, in a few lines."""
        lines = [f"{t.keys['table']:<15}{t.keys.get('files', self.path.name)}" for t in self.tables]
        lines += [f"  check: {doubt}" for doubt in self.doubts]
        return "\n".join([*lines, *(f"not drafted: {n}: {why}" for n, why in self.refused.items())])

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return {
            "path": str(self.path),
            "map": self.text,
            "tables": [t.keys for t in self.tables],
            "checks": self.doubts,
            "refused": self.refused,
        }


def draft_map(path: str | Path) -> Draft:
    """Look at a file, or at the files of a folder and its folders, and draft a column map.

    Raises
    ------
    DataError
        if nothing is there, or no file of it can be told to be a table
    """
    base = Path(path)
    if not base.exists():
        raise DataError("there is no such file or folder", file=str(base))
    if (base / "calendars").is_dir() and (base / "features").is_dir():
        raise DataError(
            "this is a provider folder of Qlib and needs no column map: "
            f"superhet data import --source qlib_bin --path {base} --store STORE",
            file=str(base),
        )
    files = [base] if base.is_file() else _files(base)
    if not files:
        raise DataError("no CSV, Parquet or Excel file lies here", file=str(base))
    refused: dict[str, str] = {}
    drafted: list[Drafted] = []
    for group in _groups(base, files, refused):
        try:
            drafted += draft_tables(group)
        except DataError as error:
            refused[_shown(group, base)] = error.message
    _contradictions(drafted)
    if not drafted:
        name, why = next(iter(refused.items()))
        raise DataError(f"no table is found here. {name}: {why}", file=str(base))
    return Draft(path=base, tables=drafted, refused=refused)


def _contradictions(drafted: Sequence[Drafted]) -> None:
    """Mark tables that say of one column what another of the same table denies."""
    said: dict[str, str] = {}
    for entry in drafted:
        for column, basis in entry.keys.get("basis", {}).items():
            if said.setdefault(column, basis) != basis:
                reason = (
                    f"{column} is {said[column]} above; one store holds one of both, so import one"
                )
                entry.note("basis", reason, doubtful=True)


def _files(base: Path) -> list[Path]:
    files = [p for p in base.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES]
    inside = {p: p.relative_to(base).parts for p in files}
    return sorted(p for p, parts in inside.items() if not any(n.startswith(".") for n in parts))


def _groups(base: Path, files: Sequence[Path], refused: dict[str, str]) -> list[Group]:
    """Put files that look the same together."""
    alike: dict[tuple[Any, ...], list[Look]] = {}
    for file in files:
        name = _name(file, base)
        try:
            seen = _like_another(file, alike) or look(file, name)
        except DataError as error:
            refused[name] = error.message.removeprefix(f"{name}: ")
            continue
        alike.setdefault((file.parent, *seen.signature), []).append(seen)
    groups = []
    for looks in alike.values():
        try:
            groups.append(_group(base, looks, list(alike.values())))
        except DataError as error:
            refused[_name(looks[0].path, base)] = error.message
    return groups


def _like_another(file: Path, alike: Mapping[tuple[Any, ...], Sequence[Look]]) -> Look | None:
    """Give the look of a file that begins like one of its folder, which saves looking at thousands."""
    for looks in alike.values():
        first = looks[0]
        plain = first.lead and not first.is_headless and not first.transposed
        if plain and first.path.parent == file.parent and first.path.suffix == file.suffix:
            with file.open("rb") as opened:
                if opened.read(len(first.lead)) == first.lead:
                    return replace(first, path=file)
    return None


def _group(base: Path, looks: list[Look], others: Iterable[list[Look]]) -> Group:
    import polars as pl

    first = looks[0]
    notes: list[str] = []
    cells = [one.cells(_name(one.path, base)) for one in looks[:_LOOKED_AT]]
    reading = dict(first.reading)
    if first.transposed:
        cells = cells[:1]
    roles: dict[str, Role] | None = None
    if first.is_headless:
        reading["header"], roles, note = _borrowed(first, others)
        notes.append(note)
        names = dict(zip(first.headers, reading["header"], strict=True))
        cells = [one.rename(names) for one in cells]
    footers = tuple(dict.fromkeys(f for one in looks for f in one.footers))
    whole = pl.concat(cells, how="diagonal")
    whole = whole.filter(~pl.first().is_in(footers).fill_null(False))
    if whole.is_empty():
        raise DataError("it has headers and no rows", file=first.path.name)
    return Group(
        paths=[one.path for one in looks],
        files=None if base.is_file() else _pattern(base, looks),
        reading=reading,
        cells=whole,
        roles=roles if roles is not None else roles_of(whole),
        footers=footers,
        notes=notes,
    )


def _borrowed(
    headless: Look, others: Iterable[list[Look]]
) -> tuple[list[str], dict[str, Role] | None, str]:
    """Give the headers of a file that has none: those of a neighbour as wide, or of a known layout."""
    width = len(headless.headers)
    for looks in others:
        if not looks[0].is_headless and len(looks[0].headers) == width and not looks[0].transposed:
            note = f"the files have no headers; those of {looks[0].path.name} are as many, and are taken"
            return list(looks[0].headers), None, note
    layout = headless_roles(width)
    if not layout:
        raise DataError(
            f"it has no headers, and no known layout has {width} columns. Give them in the map: header: […].",
            file=headless.path.name,
        )
    kinds = {name: "names" if name in ("asset", "name", "date") else "bars" for name in layout}
    roles = {
        n: Role(role=n, kind=k, header=n) for n, k in kinds.items() if n not in ("_day", "_clock")
    }
    if "_day" in layout:
        roles["date"] = Role(role="date", kind="names", header="_day")
    return list(layout), roles, "the files have no headers; a layout of as many columns is taken"


def _pattern(base: Path, looks: Sequence[Look]) -> str | list[str]:
    """Name the files of a group: all of their folder by a pattern, else one by one."""
    folder, suffix = looks[0].path.parent, looks[0].path.suffix
    below = folder.relative_to(base).as_posix()
    lead = "" if below == "." else f"{below}/"
    names = [f"{lead}{one.path.name}" for one in looks]
    all_here = {p.name for p in folder.iterdir() if p.suffix == suffix}
    if len(names) > 1 and all_here == {one.path.name for one in looks}:
        return f"{lead}*{suffix}"
    return names[0] if len(names) == 1 else names


def _name(file: Path, base: Path) -> str:
    return file.relative_to(base).as_posix() if file != base else file.name


def _shown(group: Group, base: Path) -> str:
    more = f" and {len(group.paths) - 1} more" if len(group.paths) > 1 else ""
    return f"{_name(group.paths[0], base)}{more}"


__all__ = ["Draft", "draft_map"]
