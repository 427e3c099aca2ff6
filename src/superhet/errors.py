"""Every error superhet raises on purpose, drawn as one tree.

::

    SuperhetError                    exit 1   the job failed
    ├── InputError                   exit 2   what the user gave is wrong; the message says how to mend it
    │   ├── ConfigError                       a key or value of the YAML (`key`)
    │   │   └── UnknownName                   a component, field or key that does not exist (`name`, `known`)
    │   ├── FormulaError                      a formula that cannot be read (`formula`, `column`)
    │   │   └── LookAheadFormula              a formula that reads the future
    │   ├── DataError                         a file or table that breaks the schema (`file`, `row`, `column`)
    │   ├── StoreError                        a store that cannot be used (`path`)
    │   │   ├── CorruptedPart                 a checksum that does not match
    │   │   ├── StoreTooNew                   written by a later version
    │   │   ├── StoreLocked                   another writer holds the lock
    │   │   └── DiskFull                      no room left while writing; nothing was changed
    │   ├── RunInterrupted                    an earlier run of the same configuration did not finish
    │   ├── EmptyUniverse                     nobody left to trade or estimate on
    │   ├── TooFewAssets                      a date with too few valid names (`date`, `count`)
    │   ├── NoSignal                          every value is missing
    │   ├── PluginError                       an installed plug-in that cannot be imported (`plugin`)
    │   ├── MissingExtra                      an optional library is not installed (`extra`)
    │   └── VendorRefused                     a vendor of data does not let the user in (`vendor`)
    ├── VendorError                           a vendor of data did not deliver (`vendor`, `query`, `reach`)
    ├── AxisMismatch                          two panels do not share their dates or assets
    └── LookAhead                             a fitted object was asked for dates it has seen

Each error keeps its facts as fields, so that a page can show them without reading the message.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Literal


class SuperhetError(Exception):
    """Root of the tree; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class InputError(SuperhetError):
    """What the user gave is wrong."""

    exit_code = 2


class ConfigError(InputError):
    """A key or a value of the configuration is wrong; the message opens with the key's path."""

    def __init__(self, key: str, message: str, **facts: object) -> None:
        super().__init__(f"{key}: {message}" if key else message, key=key, **facts)
        self.key = key


class UnknownName(ConfigError):
    """A name that nothing answers to; the message lists near misses."""

    def __init__(self, kind: str, name: str, known: Iterable[str], key: str = "") -> None:
        names = sorted(known)
        super().__init__(key, f"unknown {kind} {name!r}{did_you_mean(name, names)}", name=name)
        self.name, self.known = name, names


class FormulaError(InputError):
    """A formula that cannot be read; points at the column."""

    def __init__(self, message: str, formula: str, column: int) -> None:
        pointer = " " * column + "^"
        super().__init__(
            f"{message} (column {column + 1})\n  {formula}\n  {pointer}",
            formula=formula,
            column=column,
        )
        self.formula, self.column = formula, column


class LookAheadFormula(FormulaError):
    """A formula that reads the future (a negative lag or window)."""


class DataError(InputError):
    """A file or table that breaks the schema; says which file, row and column."""

    def __init__(
        self, message: str, *, file: str = "", row: int | None = None, column: str = ""
    ) -> None:
        where = ", ".join(
            part
            for part in (
                file,
                f"row {row}" if row is not None else "",
                f"column {column!r}" if column else "",
            )
            if part
        )
        super().__init__(
            f"{where}: {message}" if where else message, file=file, row=row, column=column
        )
        self.file, self.row, self.column = file, row, column


class StoreError(InputError):
    """A store that cannot be used as it is."""

    def __init__(self, path: object, message: str, **facts: object) -> None:
        super().__init__(f"store {path}: {message}", path=str(path), **facts)
        self.path = str(path)


class CorruptedPart(StoreError):
    """A file of the store does not match the checksum in its manifest."""


class StoreTooNew(StoreError):
    """The store was written by a later version of superhet."""


class StoreLocked(StoreError):
    """Another process is writing to the store."""


class DiskFull(StoreError):
    """No room left while writing; the former state is whole."""


class RunInterrupted(InputError):
    """An earlier run of the same configuration stopped half-way."""


class EmptyUniverse(InputError):
    """No asset is left to trade or to estimate on."""


class TooFewAssets(InputError):
    """A date has fewer valid names than statistics need."""

    def __init__(
        self,
        what: str,
        date: object,
        count: int,
        needed: int,
        mend: str = "Widen the universe, start later, or pick signals with better coverage.",
    ) -> None:
        super().__init__(
            f"{what}: {date} has {count} valid names, at least {needed} are needed. {mend}",
            date=str(date),
            count=count,
        )
        self.date, self.count = str(date), count


class NoSignal(InputError):
    """Every value of a signal is missing."""


class PluginError(InputError):
    """An installed plug-in that cannot be imported."""

    def __init__(self, plugin: str, package: str, reason: str) -> None:
        super().__init__(
            f"the plug-in {plugin!r} of the installed package {package} cannot be imported: {reason}. "
            f"Mend or remove it: pip uninstall {package}",
            plugin=plugin,
            package=package,
        )


class MissingExtra(InputError):
    """An optional library is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"this needs {library}, which is not installed: pip install 'superhet[{extra}]'",
            library=library,
            extra=extra,
        )
        self.extra = extra


class VendorRefused(InputError):
    """A vendor does not let the user in: a wrong token, an outdated client, a blocked address."""

    def __init__(self, vendor: str, message: str) -> None:
        super().__init__(f"{vendor}: {message}", vendor=vendor)
        self.vendor = vendor


class VendorError(SuperhetError):
    """A vendor did not deliver; `reach` says for what the error holds.

    Parameters
    ----------
    vendor, query : who was asked, and by which of its functions
    message : what came instead of data, and what to do
    reach : "moment" (asking again later may help), "unit" (this question only) or "query" (every question
        to this function: its columns changed, or the account may not use it)
    wait : seconds to wait before asking again, where the vendor says so
    """

    def __init__(
        self,
        vendor: str,
        query: str,
        message: str,
        *,
        reach: Literal["moment", "unit", "query"] = "unit",
        wait: float = 0.0,
    ) -> None:
        super().__init__(f"{vendor} {query}: {message}", vendor=vendor, query=query, reach=reach)
        self.vendor, self.query, self.reach, self.wait = vendor, query, reach, wait


class AxisMismatch(SuperhetError):
    """Two values do not share their axes."""


class LookAhead(SuperhetError):
    """A fitted object was asked to predict dates it has learned from."""


def did_you_mean(name: str, known: Iterable[str], listed: int = 12) -> str:
    """Suggest near misses of `name`, or list what exists; the tail of an error message.

    Examples
    --------
    >>> did_you_mean("ridg", ["ridge", "equal"])
    "; did you mean 'ridge'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "; did you mean " + " or ".join(repr(c) for c in close) + "?"
    shown = ", ".join(names[:listed]) + (" …" if len(names) > listed else "")
    return f"; known: {shown}" if names else ""
