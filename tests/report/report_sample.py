"""A whole study on a random market: nine noisy members of three frequencies, two of them true."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from superhet.attribution import contribution
from superhet.backtest.engines.native import NativeEngine
from superhet.evaluation import forward_returns
from superhet.panel import Cube, Panel
from superhet.portfolio import diagnose
from superhet.portfolio.rank_long_short import RankLongShort
from superhet.preprocess import diagnose as diagnose_distribution
from superhet.report import Study
from superhet.testing.markets import random_market

MEMBERS = {
    "order_flow": "minute",
    "late_volume": "minute",
    "intraday_skew": "minute",
    "reversal_5": "daily",
    "turnover_20": "daily",
    "volatility_60": "daily",
    "earnings_surprise": "quarterly",
    "return_on_equity": "quarterly",
    "sales_growth": "quarterly",
}
FORMULA = "ts_mean(bar_sum(volume * sign(close - open)) / bar_sum(volume), 5)"
AGE = {"minute": 0, "daily": 0, "quarterly": 45}


@cache
def study_parts(dates: int = 160, assets: int = 60) -> dict[str, Any]:
    """Make everything a Study needs but its language."""
    market = random_market(dates=dates, assets=assets, seed=3)
    rng = np.random.default_rng(11)
    forward = forward_returns(market, horizon=5, delay=1, entry="open")
    signals = _signals(market, forward, rng)
    folds, weights = _folds(dates, rng)
    super_factor = _mixed(signals, folds, weights, list(MEMBERS))
    rule = RankLongShort(power=1.5, max_turnover=0.3, drop_unknown_industry=True)
    on_clock = market.between(super_factor.dates.values[folds[0][2]], None)
    alpha = super_factor.rows(slice(folds[0][2], None))
    target = rule.weights(alpha, on_clock)
    result = NativeEngine(capital=1e8).run(target, on_clock)
    raw = {n: signals[n].with_values(_heavy(signals[n].values)) for n in list(MEMBERS)[:4]}
    days = market.dates.values
    return {
        "name": "sample",
        "run_id": "3f9c2a7d",
        "config": {
            "name": "sample",
            "portfolio": {
                "rank_long_short": {"neutralize": ["industry", "size"], "max_turnover": 0.3}
            },
            "seed": 7,
        },
        "snapshot": "random-3",
        "seed": 7,
        "conventions": result.conventions,
        "market": market,
        "signals": signals,
        "ages": _ages(signals, rng),
        "formulas": dict.fromkeys(MEMBERS, FORMULA),
        "lookbacks": dict.fromkeys(MEMBERS, 20),
        "coverage": {n: float(signals[n].known().mean()) for n in MEMBERS},
        "super_factor": super_factor,
        "forward": forward,
        "horizon": 5,
        "delay": 1,
        "entry": "open",
        "fold_dates": [tuple(days[i] for i in fold) for fold in folds],
        "weights": weights,
        "subsets": {
            block: _mixed(signals, folds, weights, [n for n, b in MEMBERS.items() if b == block])
            for block in ("minute", "daily", "quarterly")
        },
        "models": {"equal": _mixed(signals, folds, np.ones_like(weights), list(MEMBERS))},
        "oracle": {"oracle_share": 0.91, "best_ic": 0.08, "absolute_ic": 0.12},
        "distributions": {
            n: {
                "before": diagnose_distribution(raw[n], market).to_dict(),
                "after": diagnose_distribution(signals[n], market).to_dict(),
            }
            for n in raw
        },
        "portfolio": target,
        "diagnosis": diagnose(target, alpha, on_clock),
        "backtest": result,
        "attributions": [contribution(result, on_clock, by=by) for by in ("industry", "side")],
        "audit": {"verdict": "pass", "leaks": [], "dates_checked": ["2019-05-06", "2019-07-01"]},
        "stages": {"data": "a1", "signals": "b2", "synthesis": "c3"},
        "seconds": {"data": 1.25, "signals": 3.5, "synthesis": 0.75},
    }


def sample_study(**changes: Any) -> Study:
    """Make the study, with some parts changed."""
    return Study(**{**study_parts(), **changes})


def _signals(market: Any, forward: Panel, rng: np.random.Generator) -> Cube:
    truth = np.nan_to_num(forward.values / np.nanstd(forward.values))
    listed = market.universe.member.values
    panels = {}
    for k, (name, block) in enumerate(MEMBERS.items()):
        noise = rng.standard_normal(truth.shape)
        if block == "quarterly":
            noise = np.repeat(noise[::40], 40, axis=0)[: len(noise)]
        share = {0: 0.10, 3: 0.08}.get(k, 0.02)
        values = np.where(listed & (rng.random(truth.shape) > 0.03), share * truth + noise, np.nan)
        panels[name] = forward.with_values(values, name=name, unit="score")
    return Cube(panels, blocks=MEMBERS)


def _ages(signals: Cube, rng: np.random.Generator) -> Cube:
    def age(name: str) -> Panel:
        panel = signals[name]
        top = AGE[MEMBERS[name]]
        base = (np.arange(len(panel.dates))[:, None] + rng.integers(0, 60, len(panel.assets))) % 60
        values = np.where(panel.known(), np.minimum(base, top) * 1.0, np.nan)
        return panel.with_values(values, unit="count")

    return Cube({n: age(n) for n in signals}, blocks=MEMBERS)


def _folds(dates: int, rng: np.random.Generator) -> tuple[list[tuple[int, int, int, int]], Any]:
    train, gap, test = dates // 4, 7, dates // 8
    starts = range(0, dates - train - gap, test)
    folds = [
        (s, s + train - 1, s + train + gap, min(s + train + gap + test, dates) - 1) for s in starts
    ]
    weights = rng.normal(0.1, 0.05, (len(folds), len(MEMBERS)))
    return folds, weights / np.abs(weights).sum(axis=1, keepdims=True)


def _mixed(signals: Cube, folds: Any, weights: Any, names: list[str]) -> Panel:
    first = signals[names[0]]
    values = np.full(first.values.shape, np.nan)
    for fold, weight in zip(folds, weights, strict=True):
        rows = slice(fold[2], fold[3] + 1)
        parts = [
            w * signals[n].values[rows] for n, w in zip(signals, weight, strict=True) if n in names
        ]
        known = np.isfinite(parts).any(axis=0)
        values[rows] = np.where(known, np.nansum(parts, axis=0), np.nan)
    return first.with_values(values, name="super_factor")


def _heavy(values: Any) -> Any:
    return np.sign(values) * np.abs(values) ** 1.8
