"""From the outside world to the store, and from the store to a Market."""

from superhet.data.base import SOURCES, MemoryTables, Tables
from superhet.data.calendar import TradingCalendar
from superhet.data.import_report import ImportReport
from superhet.data.ingest import import_files
from superhet.data.load import MarketRequest, load_market
from superhet.data.quality import QualityReport, check
from superhet.data.store import Store
from superhet.data.universe import UniverseRule

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
