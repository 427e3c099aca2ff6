"""How sure the numbers are: of one factor by itself, of one among the trials, and of the best of all.

1. naive and honest errors of the mean RankIC, and its bootstrap                   -> significance_facts
2. adjusted p and deflated Sharpe, once the number of trials is known               -> among_trials
3. tests over all factors together, each in both directions: which one is chosen
   after looking                                                                     -> snooping_facts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from superhet.errors import DataError, MissingExtra
from superhet.evaluation import Information
from superhet.evaluation.bootstrap import bootstrap_mean
from superhet.evaluation.multiple_testing import benjamini_hochberg, spa
from superhet.evaluation.overfitting import deflated_sharpe, probability_of_backtest_overfitting
from superhet.pipeline.factor_report_ground import Ground, plain
from superhet.report.factor_study import FactorStudy, numbers

Series = npt.NDArray[np.float64]
DRAWS = 1000
SPLITS = 16
ENOUGH_TRIALS = 5
"""Factors whose Sharpe ratios say how trials vary; with fewer, they vary as those of books without skill."""


def significance_facts(
    found: Information, money: Mapping[str, Any], ground: Ground, direction: int
) -> dict[str, Any]:
    """Give naive and honest errors side by side; what needs other factors comes later."""
    rank = found.rank
    boot = bootstrap_mean(found.rank_ic, horizon=ground.options.horizon, draws=DRAWS)
    book = numbers(money["series"]["long_short"]) * (direction or 1)
    returns = book[~np.isnan(book)]
    moves = returns.size > 3 and returns.std() > 1e-15
    return {
        "t_naive": plain(rank.naive_t),
        "t_nw": plain(rank.t),
        "p_nw": plain(rank.p),
        "ci_nw": [plain(rank.low), plain(rank.high)],
        "p_boot": plain(boot.p),
        "ci_boot": [plain(boot.low), plain(boot.high)],
        "block": plain(boot.block),
        "sharpe": money["long_short"]["directed"]["gross_sharpe"],
        "returns": {
            "count": int(returns.size),
            "sharpe": plain(returns.mean() / returns.std(ddof=1)) if moves else None,
            "skew": plain(stats.skew(returns)) if moves else None,
            "kurtosis": plain(stats.kurtosis(returns, fisher=False)) if moves else None,
        },
    }


def among_trials(studies: Sequence[FactorStudy], trials: int) -> list[dict[str, Any]]:
    """Give what the number of trials leaves of each factor; trials that are not shown count as p = 1."""
    p = np.ones(max(trials, len(studies)))
    p[: len(studies)] = [_number(s.significance.get("p_nw")) for s in studies]
    adjusted = benjamini_hochberg(p)
    variance = variance_of_trials(studies)
    rows = []
    for study, one in zip(studies, adjusted, strict=False):
        book = study.significance["returns"]
        spread = variance if variance is not None else 1.0 / max(book["count"], 1)
        deflated = None
        if book["sharpe"] is not None:
            deflated = deflated_sharpe(
                book["sharpe"], book["count"], book["skew"], book["kurtosis"], trials, spread
            )
        rows.append({"trials": trials, "p_bh": plain(one), "deflated_sharpe": plain(deflated)})
    return rows


def variance_of_trials(studies: Sequence[FactorStudy]) -> float | None:
    """Give the variance of the factors' Sharpe ratios, a session; None where they are too few."""
    found = [
        s.significance["returns"]["sharpe"] * (s.direction or 1)
        for s in studies
        if s.significance["returns"]["sharpe"] is not None
    ]
    return float(np.var(found, ddof=1)) if len(found) >= ENOUGH_TRIALS else None


def snooping_facts(studies: Sequence[FactorStudy], horizon: int) -> dict[str, Any]:
    """Test all factors together, each in both directions; {} for a single one."""
    if len(studies) < 2:
        return {}
    returns = np.array([s.array("long_short") for s in studies]).T
    both = np.concatenate([returns, -returns], axis=1)
    known = [s for s in studies if s.significance.get("sharpe") is not None]
    best = max(known, key=lambda s: float(s.significance["sharpe"]), default=None)
    made: dict[str, Any] = {}
    if best is not None:
        deflated = best.significance.get("deflated_sharpe")
        made = {"best": best.name, "best_deflated": deflated}
    try:
        made["overfitting"] = plain(probability_of_backtest_overfitting(both, SPLITS).probability)
    except DataError:  # too few dates
        made["overfitting"] = None
    try:
        found = spa(both, horizon=horizon, draws=DRAWS)
        made |= {"spa_p": plain(found.p_consistent), "white_p": plain(found.white_p)}
    except (DataError, MissingExtra):
        made |= {"spa_p": None, "white_p": None}
    return made


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
