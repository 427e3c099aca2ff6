"""What a vendor of data is: somebody asked over the net, in questions small enough to be asked again.

1. a vendor is opened with what it needs to be reached                    -> Vendor.open
2. the session turns a wish into units, each a question of its own        -> Session.plan
3. each unit is answered with frames of our tables                        -> Session.fetch

A unit is what a pull can lose and ask again: one asset over a stretch of days, one day of all assets, one
quarter. `superhet.data.pulling` drives it and `superhet.data.pulling.journal` remembers which were answered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from superhet.data.base import Tables
from superhet.data.sources.vendor.universe import Universe
from superhet.errors import ConfigError, MissingExtra, UnknownName
from superhet.registry import Registry

if TYPE_CHECKING:
    import polars as pl

VENDORS: Registry[type[Vendor]] = Registry("vendor")
"""Who can be asked over the net, by the name that `superhet data pull` takes."""

_OURS = ("baostock", "akshare", "tushare", "yfinance", "vnpy_db", "vendor_simulated")


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """What is wished for.

    Parameters
    ----------
    universe : whose rows
    start, end : first and last day, both included
    today : the day of asking; what lies on or after it may still be incomplete
    tables : names of our tables
    """

    universe: Universe
    start: date
    end: date
    today: date
    tables: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Access:
    """How a vendor is reached.

    Parameters
    ----------
    timeout : seconds within which one question must be answered
    token : secret of the user; never shown
    server : address in place of the vendor's own (`host:port`, or a URL), for a relay or a test
    path : file of a vendor that is a file
    known : tables that the store holds already, so that a spell can go on; None if there are none
    pace : called before each question; it waits as long as politeness asks
    """

    timeout: float = 60.0
    token: str = field(default="", repr=False)
    server: str = ""
    path: Path | None = None
    known: Tables | None = None
    pace: Callable[[], None] = field(default=lambda: None, repr=False)

    def without_token(self, text: str) -> str:
        """Give a text without the user's secret, whoever put it in."""
        return text.replace(self.token, "***") if self.token else text


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a vendor asks of the user.

    Parameters
    ----------
    package, extra : the library, and the extra of superhet that installs it; "" for none
    token : whether it is "required", "optional" or not used ("")
    path : whether a file must be named
    """

    package: str = ""
    extra: str = ""
    token: Literal["", "optional", "required"] = ""
    path: bool = False

    def version(self) -> str:
        """Give the version of the library that is installed; "" where none is needed.

        Raises
        ------
        MissingExtra
            if it is not installed
        """
        if not self.package:
            return ""
        if self.package in sys.modules:
            return str(getattr(sys.modules[self.package], "__version__", "?"))
        try:
            return version(self.package)
        except PackageNotFoundError:
            raise MissingExtra(self.package, self.extra) from None


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One question that is asked, answered and remembered on its own.

    Parameters
    ----------
    query : the vendor's name of what is asked
    tables : our tables that the answer fills
    scope : the asset, index, day or quarter it is about; "" for all there is
    start, end : days it is about, both included
    point : whether it is asked whole or not at all; otherwise days that were answered before are cut off
    settled : a point asked on this day or later is final; None: it may always change
    filled_is_final : a point that was answered with rows is final
    may_be_empty : whether an answer without rows can be right
    """

    query: str
    tables: tuple[str, ...]
    scope: str = ""
    start: date
    end: date
    point: bool = False
    settled: date | None = None
    filled_is_final: bool = False
    may_be_empty: bool = True

    @property
    def key(self) -> str:
        """The name in the journal; the stretch of days is no part of it, unless it is a point."""
        return "|".join((self.query, "+".join(self.tables), self.scope))

    @classmethod
    def of_day(cls, query: str, tables: tuple[str, ...], day: date, today: date) -> Unit:
        """Ask for all assets of one session: final from the next day on, and never empty by then."""
        return cls(
            query=query,
            tables=tables,
            scope=str(day),
            start=day,
            end=day,
            point=True,
            settled=day + timedelta(days=1),
            may_be_empty=day >= today,
        )

    def __str__(self) -> str:
        """Name it for a person."""
        what = f"{self.query} {self.scope}".strip()
        return what if self.point else f"{what} {self.start} … {self.end}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a vendor gave for one unit.

    Parameters
    ----------
    frames : our table -> rows with its columns, in shares and currency units, not yet checked
    notes : facts that the user should know (rows left out and why)
    meta : our table -> what belongs to it as a whole (statements: `basis`)
    """

    frames: Mapping[str, pl.DataFrame]
    notes: tuple[str, ...] = ()
    meta: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Session(Protocol):
    """An open line to a vendor; one question at a time."""

    def plan(self, request: PullRequest) -> list[Unit]:
        """List the questions that answer a request, in the order of asking."""
        ...

    def fetch(self, unit: Unit) -> Answer:
        """Ask one question.

        Raises
        ------
        VendorError
            if it is not answered, or not in the form that is known
        VendorRefused
            if the vendor does not let the user in
        """
        ...

    def close(self) -> None:
        """Hang up; a second time does nothing."""
        ...


class Vendor(Protocol):
    """Somebody who sells or gives away data."""

    name: ClassVar[str]
    tables: ClassVar[tuple[str, ...]]
    """All tables it can fill."""
    usual: ClassVar[tuple[str, ...]]
    """Those that a pull fills when none are named."""
    needs: ClassVar[Needs]
    rate: ClassVar[float]
    """Questions a minute that it bears, unless the user says otherwise."""
    sample: ClassVar[str]
    """A universe that is quickly asked, for the doctor."""

    def open(self, access: Access) -> Session:
        """Get in touch.

        Raises
        ------
        MissingExtra
            if its library is not installed
        VendorError, VendorRefused
            if it cannot be reached, or does not let the user in
        """
        ...


def find_vendor(name: str, key: str = "") -> type[Vendor]:
    """Give the vendor of that name; ours are loaded first, then plug-ins.

    Raises
    ------
    UnknownName
        with near misses
    """
    for module in _OURS:
        import_module(f"superhet.data.sources.{module}")
    return VENDORS.get(name, key)


def chosen_tables(vendor: type[Vendor], names: tuple[str, ...]) -> tuple[str, ...]:
    """Give the wished tables, or the usual ones if none is named.

    Raises
    ------
    UnknownName
        for a table that the vendor does not have
    """
    for name in names:
        if name not in vendor.tables:
            raise UnknownName(f"table of {vendor.name}", name, vendor.tables, "--tables")
    return tuple(dict.fromkeys(names)) or vendor.usual


def needed(vendor: type[Vendor], access: Access) -> None:
    """Check that the user gave what a vendor needs.

    Raises
    ------
    ConfigError
        naming the option that is missing
    MissingExtra
        if its library is not installed
    """
    if vendor.needs.token == "required" and not access.token:
        raise ConfigError(
            "--token-file",
            f"{vendor.name} needs a token: put it into a file and name that file, "
            f"or set {vendor.name.upper()}_TOKEN in the environment",
        )
    if vendor.needs.path and access.path is None:
        raise ConfigError("--path", f"{vendor.name} reads a file; name it")
    vendor.needs.version()


__all__ = [
    "VENDORS",
    "Access",
    "Answer",
    "Needs",
    "PullRequest",
    "Session",
    "Unit",
    "Universe",
    "Vendor",
    "chosen_tables",
    "find_vendor",
    "needed",
]
