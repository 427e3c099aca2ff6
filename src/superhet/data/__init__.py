"""From the outside world to the store, and from the store to a Market.

Names load when they are first used: who reads a store needs none of what imports files into it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superhet.data.base import SOURCES, MemoryTables, Tables
    from superhet.data.calendar import TradingCalendar
    from superhet.data.import_report import ImportReport
    from superhet.data.ingest import import_files
    from superhet.data.load import MarketRequest, load_market
    from superhet.data.quality import QualityReport, check
    from superhet.data.store import Store
    from superhet.data.universe import UniverseRule

_HOME = {
    "SOURCES": "sources.readers",  # which register themselves
    "ImportReport": "import_report",
    "MarketRequest": "load",
    "MemoryTables": "base",
    "QualityReport": "quality",
    "Store": "store",
    "Tables": "base",
    "TradingCalendar": "calendar",
    "UniverseRule": "universe",
    "check": "quality",
    "import_files": "ingest",
    "load_market": "load",
}

__all__ = [
    "SOURCES",
    "ImportReport",
    "MarketRequest",
    "MemoryTables",
    "QualityReport",
    "Store",
    "Tables",
    "TradingCalendar",
    "UniverseRule",
    "check",
    "import_files",
    "load_market",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'superhet.data' has no attribute {name!r}")
    value = getattr(import_module(f"superhet.data.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
