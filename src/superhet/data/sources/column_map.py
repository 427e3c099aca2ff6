"""The column map: a YAML file that says how somebody's files become the tables of a store.

Names on the left are ours, names on the right are those of the files. A name that begins with `_` is a
working column: formulas may use it, the store does not keep it. `examples/maps/` holds whole maps.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from annotated_types import Ge, MinLen
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from superhet.data.schema import table_spec
from superhet.data.sources.snapshot_tables import SNAPSHOT_TABLES
from superhet.errors import ConfigError, UnknownName, did_you_mean

Basis = Literal["ytd", "quarter", "ttm", "level"]
DROPS = (
    "bad_ohlc",
    "empty_row",
    "missing_key",
    "missing_price",
    "no_trade",
    "non_positive_price",
    "not_a_session",
)
_MISSING = ("", "--", "NA", "N/A", "NaN", "nan", "null", "None")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rewrite(_Strict):
    """How to respell asset names: what `pattern` (a regular expression) finds becomes `to` ($1 = group 1)."""

    pattern: str
    to: str


class Assume(_Strict):
    """A date that the file does not give: so much time after another date."""

    after: str
    months: Annotated[int, Ge(0)] = 0
    days: Annotated[int, Ge(0)] = 0


class Join(_Strict):
    """Further columns from other files, matched by equal `by` columns (ours: theirs); no match gives null."""

    files: str | list[str]
    by: Annotated[dict[str, str], MinLen(1)]
    columns: Annotated[dict[str, str], MinLen(1)]


class TableMap(_Strict):
    """How one set of files becomes rows of one table.

    Parameters
    ----------
    table : name of the table
    files : glob pattern or patterns, relative to the path given to the import; nothing = that path itself
    columns : our column -> header, or list of headers to be joined by a space; nothing = headers are ours
    from_file : our column -> regular expression on the file's name; its group 1 is the value
    constants : our column -> the same value on every row
    encoding, separator : of CSV
    sheet : of a workbook of Excel; nothing = the first
    skip_rows, skip_rows_after_header : lines above and below the headers that are none of the table
    header : the headers of a file that has none
    transpose : header of the first column of a file whose rows are fields and whose columns are dates
    missing : words that mean not known (in every column but the text ones)
    date_format : strptime format for all date columns, or by column; a trailing `*` ignores what follows,
        `%q` is a quarter and means its last day
    yearless : our date column that gives month and day only -> date after which the first such day is meant
    asset_format : plain (as it is), cn (any spelling of a Chinese share: sh600000, 600000.XSHG, 1), or a
        rewrite
    values : our text column -> their word -> ours; a word that is not listed is an error
    bar_label : whether a minute bar is stamped at its start or its end; we keep the end
    units : our column -> factor that brings it to our unit (lots: 100, percent: 0.01)
    join : further columns from other files
    derive : our column -> formula of columns
    assume : our date column -> time after another date
    drop : rows to leave out, each reason named and counted: one of the ready names, or {name: condition}
    drop_duplicates : error, or which row of equal keys stays
    sort : whether dates may come in any order
    snapshots : whether the rows are lists of single days (who was in the index on start_date) and not spells;
        a label then holds from the first list that shows it to the first that does not
    basis : statement column -> ytd, quarter, ttm, level
    known_at : whether statements may be used at the close of announce_date or from the next session on
    """

    table: str
    files: str | list[str] | None = None
    columns: dict[str, str | list[str]] | None = None
    from_file: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str | float | bool] = Field(default_factory=dict)
    encoding: str = "utf-8"
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sheet: str | None = None
    skip_rows: Annotated[int, Ge(0)] = 0
    skip_rows_after_header: Annotated[int, Ge(0)] = 0
    header: list[str] | None = None
    transpose: str | None = None
    missing: list[str] = Field(default_factory=lambda: list(_MISSING))
    date_format: str | dict[str, str] | None = None
    yearless: dict[str, str] = Field(default_factory=dict)
    asset_format: Literal["plain", "cn"] | Rewrite = "plain"
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    bar_label: Literal["start", "end"] = "end"
    units: dict[str, float] = Field(default_factory=dict)
    join: list[Join] = Field(default_factory=list)
    derive: dict[str, str] = Field(default_factory=dict)
    assume: dict[str, Assume] = Field(default_factory=dict)
    drop: list[str | Annotated[dict[str, str], Field(min_length=1, max_length=1)]] = Field(
        default_factory=list
    )
    drop_duplicates: Literal["error", "first", "last"] = "error"
    sort: bool = False
    snapshots: bool = False
    basis: dict[str, Basis] = Field(default_factory=dict)
    known_at: Literal["same_day", "next_session"] | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError as error:
            raise ValueError(f"unknown encoding {value!r}; try utf-8, gb18030 or utf-16") from error
        return value

    @model_validator(mode="after")
    def _names_exist(self) -> TableMap:
        spec = table_spec(self.table)
        named = {
            name: key
            for key in (
                "columns",
                "from_file",
                "constants",
                "yearless",
                "derive",
                "assume",
                "values",
            )
            for name in getattr(self, key) or {}
        }
        for name, key in named.items():
            if not name.startswith("_") and spec.field_of(name) is None:
                raise UnknownName(f"column of {spec.name}", name, spec.columns, key)
        for item in self.drop:
            if isinstance(item, str) and item not in DROPS:
                raise UnknownName("drop", item, DROPS, "drop")
        if (self.basis or self.known_at) and self.table != "statements":
            raise ConfigError("basis" if self.basis else "known_at", "only statements have this")
        if self.snapshots and self.table not in SNAPSHOT_TABLES:
            tables = " and ".join(SNAPSHOT_TABLES)
            raise ConfigError("snapshots", f"only {tables} can come as lists of single days")
        if self.snapshots and "end_date" in named:
            raise ConfigError(
                "snapshots", "where a spell ends follows from the lists; take end_date out"
            )
        return self

    def formats(self, columns: list[str]) -> dict[str, str]:
        """Give the date format of each column that has one."""
        if self.date_format is None:
            return {}
        if isinstance(self.date_format, str):
            return dict.fromkeys(columns, self.date_format)
        return dict(self.date_format)

    def meta(self) -> dict[str, Any]:
        """Give what the store keeps for the table as a whole."""
        known = {"known_at": self.known_at} if self.known_at else {}
        return {**({"basis": dict(self.basis)} if self.basis else {}), **known}


class ColumnMap(_Strict):
    """A whole column map."""

    tables: Annotated[list[TableMap], MinLen(1)]

    @classmethod
    def from_yaml(cls, path: str | Path) -> ColumnMap:
        """Read a map.

        Raises
        ------
        ConfigError
            with the path of the key that is wrong (`tables[2].columns.clse`)
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigError("", f"the column map {path} does not exist") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("", f"the column map {path} cannot be read: {error}") from error
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError("", f"the column map {path} is no YAML: {error}") from error
        return cls.from_dict(content, name=Path(path).name)

    @classmethod
    def from_dict(cls, content: Any, name: str = "column map") -> ColumnMap:
        """Check a map that is already a dictionary."""
        if not isinstance(content, dict):
            raise ConfigError("", f"{name}: expected `tables:` with a list of tables")
        tables = content.get("tables")
        for number, entry in enumerate(tables if isinstance(tables, list) else []):
            _check_entry(entry, f"{name}: tables[{number}]")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise _first_error(error, name, ColumnMap) from error


def _check_entry(entry: Any, key: str) -> None:
    # our own errors pass through pydantic untouched, but without the place: give it here
    if not isinstance(entry, dict):
        raise ConfigError(key, "expected a table with `table:` and `files:`")
    try:
        TableMap.model_validate(entry)
    except UnknownName as error:
        inner = f"{key}.{error.key}" if error.key else f"{key}.table"
        raise UnknownName(_kind(error), error.name, error.known, inner) from error
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}", error.message.partition(": ")[2]) from error
    except ValidationError as error:
        raise _first_error(error, key, TableMap) from error


def _kind(error: UnknownName) -> str:
    return error.message.partition("unknown ")[2].partition(" '")[0]


def _first_error(error: ValidationError, key: str, model: type[BaseModel]) -> ConfigError:
    first = error.errors()[0]
    where = key
    for step in first["loc"]:
        where += f"[{step}]" if isinstance(step, int) else f".{step}"
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        return ConfigError(where, f"unknown key{did_you_mean(name, model.model_fields)}")
    given = f" (got {first['input']!r})" if first["type"] != "missing" else ""
    return ConfigError(where, f"{first['msg'].removeprefix('Value error, ')}{given}")
