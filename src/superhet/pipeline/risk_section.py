"""Section `risk` of a study: which risk model its signals and its portfolio are measured by.

A table of the user's own is read when the study is read, so that a study says all that it computes: the
resolved configuration of a run holds the text, and another text makes another run.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from superhet.errors import ConfigError
from superhet.pipeline.build import build, located
from superhet.pipeline.sections import RiskSection

if TYPE_CHECKING:
    from superhet.risk.model_table import ModelTable

_KEY = "risk.table"


def risk_section(raw: object, folder: Path) -> RiskSection | None:
    """Read the section: nothing, the name of a table, or keys and values.

    Parameters
    ----------
    raw : as the YAML has it
    folder : that files are named from: the study's own

    Raises
    ------
    ConfigError, UnknownName
        naming the key of the study, or what is wrong in the table's file
    """
    if raw is None:
        return None
    section = build(RiskSection, {"table": raw} if isinstance(raw, str) else raw, "risk")
    own = section.table.endswith(".toml")
    if section.text is not None and not own:
        raise ConfigError("risk.text", f"belongs to a .toml file, and table is {section.table!r}")
    if own and section.text is None:
        section = replace(section, text=_read(folder / section.table))
    table_of(section)
    return section


def table_of(section: RiskSection) -> ModelTable:
    """Give the table of styles, checked."""
    from superhet.risk.model_table import parse_table, read_table

    with located(_KEY):
        if section.text is None:
            return read_table(section.table)
        try:
            content = tomllib.loads(section.text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(_KEY, f"{section.table} is not TOML: {error}") from None
        return parse_table(Path(section.table).stem, content)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            _KEY,
            f"{path} cannot be read: {error.strerror}. Files are named from the folder of the study.",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(_KEY, f"{path} is not UTF-8: {error.reason}") from None
