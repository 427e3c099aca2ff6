"""A tiny study: the whole road on a simulated market, walked in seconds.

One signal of each clock and a second of statements, six industries, about seventy names, fifteen months:
enough for five folds, statements of five quarters, suspensions, new listings and a delisting, and small
enough to run many times in a test. The numbers it gives mean nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from superhet.data.sources.simulated import SimulatedMarket

TINY_MARKET: Mapping[str, Any] = {"assets": 70, "years": 1.25, "seed": 7, "industries": 6}
"""The recipe of the market, as it stands under `market.simulate`."""

_IMBALANCE = "ts_mean(bar_sum(sign(close / open - 1) * volume) / bar_sum(volume), 3)"
_STUDY: Mapping[str, Any] = {
    "name": "tiny",
    "market": {
        "universe": {"index": "all", "new_listing": 20},
        "industry": "sw1",
        "benchmark": "SIM",
    },
    "signals": [
        {"name": "imbalance", "formula": _IMBALANCE, "frequency": "15min"},
        {"name": "reversal", "formula": "-ts_sum(returns, 5)"},
        {"name": "surprise", "formula": "sue(net_profit)", "half_life": 60.0},
        {"name": "profitability", "formula": "ttm(net_profit) / latest(equity)"},
    ],
    "preprocess": [
        {"winsorize": {"mad": 5}},
        {"neutralize": {"against": ["industry", "size"]}},
        "standardize",
    ],
    "synthesis": {
        "model": {"ridge": {"penalty": "auto"}},
        "target": {"horizon": 5, "delay": 1, "entry": "open"},
        "folds": {"train": "6m", "test": "2m"},
        "compare": ["equal"],
    },
    "portfolio": {
        "rank_long_short": {"neutralize": ["industry", "size"], "power": 1.5, "max_turnover": 0.2}
    },
    "backtest": {"engine": "native", "rules": "ashare", "fill": "open", "capital": 1.0e8},
    "attribution": ["industry", "side", "size", "cost"],
    "report": {"language": "en"},
    "audit": {"dates": 1},
}


def tiny_market(**changes: Any) -> SimulatedMarket:
    """Give the recipe of the tiny market, with changes (`seed=8`, `alpha_scale=0.0`)."""
    return SimulatedMarket(**{**TINY_MARKET, **changes})


def tiny_study(store: str | Path, **changes: Any) -> dict[str, Any]:
    """Write a study as the mapping that its YAML would hold.

    Parameters
    ----------
    store : folder of its store; `superhet run` simulates it where it is not there yet
    changes : ``section=value``; a mapping changes keys of the section, anything else replaces it, None
        takes it out

    Examples
    --------
    >>> study = tiny_study("stores/tiny", mix={"clock": "1w"}, audit=None)
    >>> study["mix"], "audit" in study, study["market"]["store"]
    ({'clock': '1w'}, False, 'stores/tiny')
    """
    study: dict[str, Any] = copy.deepcopy(dict(_STUDY))
    study["market"].update(store=str(store), simulate=dict(TINY_MARKET))
    for section, change in changes.items():
        here = study.get(section)
        if change is None:
            study.pop(section, None)
        elif isinstance(change, Mapping) and isinstance(here, dict):
            study[section] = {**here, **change}
        else:
            study[section] = change
    return study


def write_study(path: str | Path, study: Mapping[str, Any]) -> Path:
    """Write a study as YAML and give the file, making its folder."""
    import yaml

    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(study), allow_unicode=True, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return file
