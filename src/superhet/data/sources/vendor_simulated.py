"""simulated: a made-up market, pulled as if it came over the net; for trying things out without any."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from superhet.data.base import MemoryTables
from superhet.data.schema import table_spec
from superhet.data.sources.vendor import VENDORS, Access, Answer, Needs, PullRequest, Unit
from superhet.errors import ConfigError

if TYPE_CHECKING:
    from superhet.data.sources.simulated import SimulatedMarket, Simulation

_ASSETS, _SHORTEST = 60, 0.25


@VENDORS.add("simulated")
class Simulated:
    """The vendor; see `superhet.data.sources.vendor.Vendor`."""

    name: ClassVar[str] = "simulated"
    tables: ClassVar[tuple[str, ...]] = (
        "calendar", "securities", "status", "industry", "index_members", "index_weights",
        "index_bars", "bars_1d", "daily", "statements", "macro",
    )  # fmt: skip
    usual: ClassVar[tuple[str, ...]] = tables
    needs: ClassVar[Needs] = Needs()
    rate: ClassVar[float] = 0.0
    sample: ClassVar[str] = "all"

    def open(self, access: Access) -> SimulatedSession:
        """Do nothing yet."""
        return SimulatedSession()


class SimulatedSession:
    """Plans and simulates; see `superhet.data.sources.vendor.Session`."""

    def close(self) -> None:
        """Do nothing."""

    def plan(self, request: PullRequest) -> list[Unit]:
        """List one question for each table that the market has."""
        self._request = request
        universe = request.universe
        listed = set(self._made.tables["securities"]["asset"].to_list())
        unknown = sorted(set(universe.assets) - listed)
        if unknown or universe.index not in ("", "SIM"):
            names = ", ".join(unknown[:5]) or universe.index
            raise ConfigError(
                "--universe",
                f"the simulated market does not know {names}; say all, or names such as {min(listed)}",
            )
        return [
            Unit(
                query="simulate",
                tables=(table,),
                scope=f"{table} {request.universe.label} {request.start} {request.end}",
                start=request.start,
                end=request.end,
                point=True,
                settled=request.start,
            )
            for table in request.tables
            if table in self._made.tables
        ]

    def fetch(self, unit: Unit) -> Answer:
        """Give one table, cut to the days and assets of the request."""
        import polars as pl

        (table,) = unit.tables
        ranged = table_spec(table).range_column is not None
        tables = MemoryTables(self._made.tables)
        rows = tables.read(table, end=unit.end if ranged else None)
        wished = self._request.universe.assets
        if wished and "asset" in rows.columns:
            rows = rows.filter(pl.col("asset").is_in(wished))
        meta = {t: m for t, m in self._made.meta.items() if t == table}
        return Answer(frames={table: rows}, meta=meta)

    @property
    def _made(self) -> Simulation:
        from superhet.data.sources.simulated import SimulatedMarket

        years = max((self._request.end - self._request.start).days / 365.25, _SHORTEST)
        recipe = SimulatedMarket(
            assets=_ASSETS, years=years, start=str(self._request.start), bars=None
        )
        return _simulated(recipe)


@lru_cache(maxsize=1)
def _simulated(recipe: SimulatedMarket) -> Simulation:
    """Simulate once, however many lines ask for the same days."""
    from superhet.data.sources.simulated import simulate

    return simulate(recipe)
