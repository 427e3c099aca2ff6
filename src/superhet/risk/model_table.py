"""The table of a model: its descriptors, styles and rules, read from TOML.

A second model is a second table, not a second program. `read_table("cne5")` reads one that is shipped, or
a file by its path; every name in it is checked when it is read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from superhet.errors import ConfigError, UnknownName
from superhet.risk import (  # noqa: F401 - each adds its kinds to DESCRIPTORS
    descriptors_estimates,
    descriptors_prices,
    descriptors_statements,
)
from superhet.risk.ingredients import DESCRIPTORS, Descriptor, Item

WinsorRule = Literal["none", "deviations", "three_groups"]
_SHIPPED = ("cne5", "cne6")


@dataclass(frozen=True, kw_only=True)
class Winsorization:
    """How a descriptor is winsorised on each date.

    Parameters
    ----------
    rule : "three_groups" takes values beyond `remove` deviations for data errors, and they go; those
        beyond `limit` are pulled to it. "deviations" clips at `limit`. "none" leaves all
    limit, remove : deviations of the estimation universe
    """

    rule: WinsorRule = "three_groups"
    limit: float = 3.0
    remove: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Fill:
    """How a missing style is filled: from its line on ln(cap) within the industry.

    Parameters
    ----------
    least : known names that make a line; an industry with fewer takes the market's. 0 = nothing is filled
    limit : estimates are kept within this many deviations
    """

    least: int = 5
    limit: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Style:
    """One style of a table.

    Parameters
    ----------
    name : in code and files ("residual_volatility")
    label : language -> name on a page
    descriptors : descriptor -> weight
    cube_of : the style whose cube this is, instead of descriptors
    orthogonal_to : styles that are taken out of it; they stand before it in the table
    group : the level above, in models that have one
    """

    name: str
    label: Mapping[str, str] = field(default_factory=dict)
    descriptors: Mapping[str, float] = field(default_factory=dict)
    cube_of: str = ""
    orthogonal_to: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelTable:
    """A whole table; see `read_table`.

    Parameters
    ----------
    name : "cne5"
    title : language -> title
    source : where the definitions come from
    marked : "complete" or "partial"
    missing : what of the model the table lacks, in words
    winsorize, fill : rules
    least : known inside names without which a descriptor of a date is missing
    items : item -> columns of the statements it may come from
    descriptors : name -> what computes it
    styles : in the order in which they are worked out
    aliases : other name -> descriptor
    """

    name: str
    title: Mapping[str, str]
    source: str
    marked: str
    missing: tuple[str, ...]
    winsorize: Winsorization
    fill: Fill
    least: int
    items: Mapping[str, Item]
    descriptors: Mapping[str, Descriptor]
    styles: tuple[Style, ...]
    aliases: Mapping[str, str]

    @property
    def style_names(self) -> tuple[str, ...]:
        """The names of the styles, in order."""
        return tuple(style.name for style in self.styles)

    def style(self, name: str) -> Style:
        """Find a style by name."""
        for style in self.styles:
            if style.name == name:
                return style
        raise UnknownName("style", name, self.style_names)

    def resolve(self, descriptor: str) -> str:
        """Give the table's own name of a descriptor; aliases are welcome."""
        name = self.aliases.get(descriptor, descriptor)
        if name not in self.descriptors:
            raise UnknownName("descriptor", descriptor, [*self.descriptors, *self.aliases])
        return name


def read_table(table: str | Path | ModelTable) -> ModelTable:
    """Read a table: "cne5", "cne6", the path of a TOML file, or a table as it is.

    Raises
    ------
    UnknownName
        for a table, kind, item, descriptor or style that does not exist
    ConfigError
        for what cannot be right: an unknown parameter, a style without descriptors, an order that cannot
        be followed
    """
    if isinstance(table, ModelTable):
        return table
    if isinstance(table, str) and table in _SHIPPED:
        source = files(__package__).joinpath("tables").joinpath(f"{table}.toml")
        return parse_table(table, tomllib.loads(source.read_text(encoding="utf-8")))
    path = Path(table)
    if path.suffix != ".toml" or not path.exists():
        raise UnknownName("table of a risk model (or a .toml file)", str(table), _SHIPPED)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("", f"{path} is not TOML: {error}", file=str(path)) from error
    return parse_table(path.stem, content)


def parse_table(name: str, content: Mapping[str, Any]) -> ModelTable:
    """Check the content of a table and make it one; see `read_table`."""
    known = {
        "title", "source", "marked", "missing", "winsorize", "standardize", "fill", "aliases",
        "items", "descriptors", "styles",
    }  # fmt: skip
    for key in content:
        if key not in known:
            raise UnknownName("key of a model table", key, known, key)
    items = {n: _item(n, d) for n, d in content.get("items", {}).items()}
    descriptors = {n: _descriptor(n, d, items) for n, d in content.get("descriptors", {}).items()}
    winsorize = _made(Winsorization, "winsorize", content.get("winsorize", {}))
    if winsorize.rule not in get_args(WinsorRule):
        raise UnknownName("rule", winsorize.rule, get_args(WinsorRule), "winsorize.rule")
    table = ModelTable(
        name=name,
        title=dict(content.get("title", {"en": name})),
        source=content.get("source", ""),
        marked=content.get("marked", "complete"),
        missing=tuple(content.get("missing", ())),
        winsorize=winsorize,
        fill=_made(Fill, "fill", content.get("fill", {})),
        least=int(content.get("standardize", {}).get("least", 5)),
        items=items,
        descriptors=descriptors,
        styles=_styles(content.get("styles", {}), descriptors),
        aliases=dict(content.get("aliases", {})),
    )
    for alias in table.aliases:
        table.resolve(alias)
    return table


def _made(kind: Any, key: str, given: Mapping[str, Any]) -> Any:
    """Make a dataclass of what a table gives, and name what it does not know."""
    wanted = [f.name for f in fields(kind)]
    for parameter in given:
        if parameter not in wanted:
            raise UnknownName("parameter", parameter, wanted, f"{key}.{parameter}")
    values = {n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(key, str(error)) from error


def _item(name: str, given: Mapping[str, Any]) -> Item:
    made = _made(Item, f"items.{name}", {"name": name, **given})
    columns = tuple(tuple(alternative) for alternative in made.columns)
    return Item(name=name, columns=columns, flow=made.flow, optional=made.optional)


def _descriptor(name: str, given: Mapping[str, Any], items: Mapping[str, Item]) -> Descriptor:
    key = f"descriptors.{name}"
    kind = DESCRIPTORS.get(str(given.get("kind", "")), f"{key}.kind")
    made: Descriptor = _made(kind, key, {n: v for n, v in given.items() if n != "kind"})
    for item in made.items():
        if item not in items:
            raise UnknownName("item", item, items, key)
    return made


def _styles(given: Mapping[str, Any], descriptors: Mapping[str, Descriptor]) -> tuple[Style, ...]:
    styles: list[Style] = []
    for name, content in given.items():
        key = f"styles.{name}"
        style: Style = _made(Style, key, {"name": name, **content})
        before = [s.name for s in styles]
        for other in (*style.orthogonal_to, *((style.cube_of,) if style.cube_of else ())):
            if other not in before:
                raise ConfigError(key, f"{other!r} must stand before {name!r} in the table")
        for descriptor, weight in style.descriptors.items():
            if descriptor not in descriptors:
                raise UnknownName("descriptor", descriptor, descriptors, f"{key}.descriptors")
            if not weight > 0:
                raise ConfigError(f"{key}.descriptors.{descriptor}", "a weight must be above 0")
        if bool(style.descriptors) == bool(style.cube_of):
            raise ConfigError(key, "give either `descriptors` or `cube_of`")
        styles.append(style)
    return tuple(styles)
