"""Section `signals` of a study: formulas of its own, and formulas picked from libraries.

A library of the user's own is unfolded when the study is read, so that a study says all that it computes: the
resolved configuration of a run holds the texts, and another text makes another run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from superhet.errors import ConfigError
from superhet.pipeline.build import build
from superhet.pipeline.sections import SignalSection


def signal_sections(raw: object, folder: Path) -> tuple[SignalSection, ...]:
    """Read the section.

    Parameters
    ----------
    raw : a list, as the YAML has it
    folder : that files are named from: the study's own

    Raises
    ------
    ConfigError, UnknownName, FormulaError
        naming the entry of the study, or that of the library's file
    """
    if not isinstance(raw, list | tuple):
        raise ConfigError("signals", f"expected a list, got {raw!r}")
    found: list[SignalSection] = []
    for i, item in enumerate(raw):
        section = build(SignalSection, item, f"signals[{i}]")
        own = section.library is not None and section.library.endswith(".toml")
        found += _unfolded(section, folder, f"signals[{i}]") if own else [section]
    if not found:
        raise ConfigError("signals", "at least one signal is needed")
    return tuple(found)


def _unfolded(section: SignalSection, folder: Path, path: str) -> Iterator[SignalSection]:
    """Give a section for each formula that is picked from a file."""
    from superhet.factors import pick

    for formula in pick(str(folder / str(section.library)), section.pick or None, f"{path}.pick"):
        if not formula.text:
            why = formula.missing.get("en", "there is no formula")
            raise ConfigError(f"{path}.pick", f"{formula.name} cannot be computed: {why}")
        own = {
            "library": None,
            "pick": (),
            "name": formula.name,
            "formula": formula.text,
            "syntax": formula.syntax,
            "convention": section.convention or formula.convention,
        }
        yield build(SignalSection, {**vars(section), **own}, path)
