"""superhet: signals of many frequencies, mixed into one super-factor.

The public face. Names load when they are first used, so that `import superhet` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superhet.attribution import contribution
    from superhet.backtest import NativeEngine
    from superhet.data import (
        MarketRequest,
        MemoryTables,
        Store,
        TradingCalendar,
        UniverseRule,
        import_files,
        load_market,
    )
    from superhet.data.sources.simulated import SimulatedMarket, simulate
    from superhet.evaluation import (
        forward_returns,
        ic_decay,
        information,
        quantile_returns,
        rank_autocorrelation,
    )
    from superhet.factors.evaluate import evaluate, known_since
    from superhet.factors.library import library
    from superhet.factors.parse import parse
    from superhet.frequency import decision_clock, mix
    from superhet.panel import (
        Assets,
        Attribution,
        BacktestResult,
        Benchmark,
        Cube,
        Dates,
        Events,
        Market,
        Panel,
        Records,
        RiskSnapshot,
        Universe,
        WalkForward,
        as_of,
        reindex,
    )
    from superhet.pipeline.audit import audit
    from superhet.pipeline.config import load_config
    from superhet.pipeline.run import Run
    from superhet.pipeline.simulate import simulated_store
    from superhet.portfolio import RankLongOnly, RankLongShort
    from superhet.preprocess import (
        Insn,
        Neutralize,
        PowerRank,
        RankNormalize,
        Standardize,
        Winsorize,
    )
    from superhet.synthesis import Equal, ICIRWeighted, ICWeighted, MaxICIR, Ridge, walk_forward
    from superhet.version import __version__

_HOME = {
    "Assets": "superhet.panel",
    "Attribution": "superhet.panel",
    "BacktestResult": "superhet.panel",
    "Benchmark": "superhet.panel",
    "Cube": "superhet.panel",
    "Dates": "superhet.panel",
    "Equal": "superhet.synthesis",
    "Events": "superhet.panel",
    "ICIRWeighted": "superhet.synthesis",
    "ICWeighted": "superhet.synthesis",
    "Insn": "superhet.preprocess",
    "Market": "superhet.panel",
    "MarketRequest": "superhet.data",
    "MaxICIR": "superhet.synthesis",
    "MemoryTables": "superhet.data",
    "NativeEngine": "superhet.backtest",
    "Neutralize": "superhet.preprocess",
    "Panel": "superhet.panel",
    "PowerRank": "superhet.preprocess",
    "RankLongOnly": "superhet.portfolio",
    "RankLongShort": "superhet.portfolio",
    "RankNormalize": "superhet.preprocess",
    "Records": "superhet.panel",
    "Ridge": "superhet.synthesis",
    "RiskSnapshot": "superhet.panel",
    "Run": "superhet.pipeline.run",
    "SimulatedMarket": "superhet.data.sources.simulated",
    "Standardize": "superhet.preprocess",
    "Store": "superhet.data",
    "TradingCalendar": "superhet.data",
    "Universe": "superhet.panel",
    "UniverseRule": "superhet.data",
    "WalkForward": "superhet.panel",
    "Winsorize": "superhet.preprocess",
    "__version__": "superhet.version",
    "as_of": "superhet.panel",
    "audit": "superhet.pipeline.audit",
    "contribution": "superhet.attribution",
    "decision_clock": "superhet.frequency",
    "evaluate": "superhet.factors",
    "forward_returns": "superhet.evaluation",
    "ic_decay": "superhet.evaluation",
    "import_files": "superhet.data",
    "information": "superhet.evaluation",
    "known_since": "superhet.factors",
    "library": "superhet.factors",
    "load_config": "superhet.pipeline.config",
    "load_market": "superhet.data",
    "mix": "superhet.frequency",
    "parse": "superhet.factors",
    "quantile_returns": "superhet.evaluation",
    "rank_autocorrelation": "superhet.evaluation",
    "reindex": "superhet.panel",
    "simulate": "superhet.data.sources.simulated",
    "simulated_store": "superhet.pipeline.simulate",
    "walk_forward": "superhet.synthesis",
}

__all__ = [
    "Assets",
    "Attribution",
    "BacktestResult",
    "Benchmark",
    "Cube",
    "Dates",
    "Equal",
    "Events",
    "ICIRWeighted",
    "ICWeighted",
    "Insn",
    "Market",
    "MarketRequest",
    "MaxICIR",
    "MemoryTables",
    "NativeEngine",
    "Neutralize",
    "Panel",
    "PowerRank",
    "RankLongOnly",
    "RankLongShort",
    "RankNormalize",
    "Records",
    "Ridge",
    "RiskSnapshot",
    "Run",
    "SimulatedMarket",
    "Standardize",
    "Store",
    "TradingCalendar",
    "Universe",
    "UniverseRule",
    "WalkForward",
    "Winsorize",
    "__version__",
    "as_of",
    "audit",
    "contribution",
    "decision_clock",
    "evaluate",
    "forward_returns",
    "ic_decay",
    "import_files",
    "information",
    "known_since",
    "library",
    "load_config",
    "load_market",
    "mix",
    "parse",
    "quantile_returns",
    "rank_autocorrelation",
    "reindex",
    "simulate",
    "simulated_store",
    "walk_forward",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'superhet' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
