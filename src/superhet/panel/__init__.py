"""The values that travel between rooms, and every change of their axes."""

from superhet.panel.align import as_of, reindex
from superhet.panel.attribution import Attribution
from superhet.panel.axes import Assets, Dates, require_same_axes
from superhet.panel.book_state import BookState
from superhet.panel.cube import Cube
from superhet.panel.folds import Fold, WalkForward, sessions
from superhet.panel.market import Benchmark, Market
from superhet.panel.panel import Panel
from superhet.panel.records import Events, Records
from superhet.panel.result import BacktestResult
from superhet.panel.snapshot import RiskSnapshot
from superhet.panel.universe import Universe

__all__ = [
    "Assets",
    "Attribution",
    "BacktestResult",
    "Benchmark",
    "BookState",
    "Cube",
    "Dates",
    "Events",
    "Fold",
    "Market",
    "Panel",
    "Records",
    "RiskSnapshot",
    "Universe",
    "WalkForward",
    "as_of",
    "reindex",
    "require_same_axes",
    "sessions",
]
