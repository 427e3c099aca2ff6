"""A vendor without a net: three shares, a script of faults, and a record of what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import ClassVar

import polars as pl

from superhet.data.sources.vendor import Access, Answer, Needs, PullRequest, Unit

SHARES = ("000001.SZ", "600000.SH", "600004.SH")
Fault = Callable[[Unit], BaseException | None]


@dataclass
class Script:
    """What goes wrong, and what was asked.

    Parameters
    ----------
    fault : unit -> the error to raise, or None
    asked : units in the order of asking
    latest : last day that has rows
    """

    fault: Fault = lambda unit: None
    asked: list[Unit] = field(default_factory=list)
    latest: date = date(2030, 1, 1)


def vendor(script: Script) -> type:
    """Make the class of a vendor that plays a script."""

    class Session:
        def plan(self, request: PullRequest) -> list[Unit]:
            units = [
                Unit(
                    query="bars", tables=("bars_1d",), scope=a, start=request.start, end=request.end
                )
                for a in request.universe.assets or SHARES
            ]
            if "securities" in request.tables:
                units.insert(
                    0,
                    Unit(
                        query="list",
                        tables=("securities",),
                        start=request.start,
                        end=request.end,
                        point=True,
                        may_be_empty=False,
                    ),
                )
            return units

        def fetch(self, unit: Unit) -> Answer:
            script.asked.append(unit)
            error = script.fault(unit)
            if error is not None:
                raise error
            if unit.query == "list":
                return Answer(frames={"securities": pl.DataFrame({"asset": list(SHARES)})})
            return Answer(frames={"bars_1d": rows(unit, script.latest)})

        def close(self) -> None:
            pass

    class Vendor:
        name: ClassVar[str] = "made_up"
        tables: ClassVar[tuple[str, ...]] = ("bars_1d", "securities")
        usual: ClassVar[tuple[str, ...]] = ("bars_1d",)
        needs: ClassVar[Needs] = Needs()
        rate: ClassVar[float] = 0.0
        sample: ClassVar[str] = "all"

        def open(self, access: Access) -> Session:
            return Session()

    return Vendor


def rows(unit: Unit, latest: date) -> pl.DataFrame:
    """Make a bar of 10 yuan for each weekday of a unit."""
    last = min(unit.end, latest)
    days = [unit.start + timedelta(days=k) for k in range((last - unit.start).days + 1)]
    days = [d for d in days if d.weekday() < 5]
    prices = dict.fromkeys(("open", "high", "low", "close"), [10.0] * len(days))
    return pl.DataFrame(
        {"date": days, "asset": [unit.scope] * len(days), **prices, "volume": [1e4] * len(days)}
    )
