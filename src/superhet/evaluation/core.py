"""The numbers of a tear sheet in one go: a signal against all targets, sorted once.

1. blocks of dates are sorted, and judged against each horizon and within each group while they are in
   the cache                                                                        -> _Sheet.judge
2. then what looks back: turnover of the quantiles, autocorrelation of the ranks    -> _Sheet.look_back
3. and the tables that summarize the dates                                          -> _Sheet.tables

Blocks of dates go to threads; each writes to rows of its own, so the bytes are the same on any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation.blocks import by_rows
from superhet.evaluation.factor_returns import FactorReturns, weighed
from superhet.evaluation.groups import GroupInformation, group_labels, grouped
from superhet.evaluation.information import Information, informed
from superhet.evaluation.judged import GroupJudgement, Judgement, Rule
from superhet.evaluation.quantiles import Edges, Quantiles, check_quantiles, cut
from superhet.evaluation.summary import plain
from superhet.evaluation.targets import Targets
from superhet.kernels.pair_ranks import empty_ranked, rank_block, reals, spearman_rows
from superhet.panel import Cube, Panel, require_same_axes

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """What is known of one signal.

    Parameters
    ----------
    name : of the signal
    information : horizon -> correlations with the forward return
    quantiles : horizon -> forward returns by quantile; their turnover compares dates a horizon apart
    groups : name of a classification -> horizon -> rank IC within its groups
    weighted : horizon -> returns of the book weighted by the signal
    autocorrelation : lag in dates -> [dates], rank correlation of the signal with itself so long before
    """

    name: str
    information: Mapping[int, Information]
    quantiles: Mapping[int, Quantiles]
    groups: Mapping[str, Mapping[int, GroupInformation]]
    weighted: Mapping[int, FactorReturns]
    autocorrelation: Mapping[int, Series]

    @property
    def horizons(self) -> tuple[int, ...]:
        """Sessions of the forward returns."""
        return tuple(self.information)

    @property
    def mean_autocorrelation(self) -> dict[int, float]:
        """Mean over the dates on which it is known, by lag."""
        found = {lag: v[~np.isnan(v)] for lag, v in self.autocorrelation.items()}
        return {lag: float(v.mean()) if v.size else float("nan") for lag, v in found.items()}

    def to_dict(self, *, series: bool = False) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON; `series` adds the values of each date."""
        return {
            "name": self.name,
            "horizons": {
                str(h): {
                    "information": self.information[h].to_dict(series=series),
                    "quantiles": self.quantiles[h].to_dict(series=series),
                    "weighted": self.weighted[h].to_dict(series=series),
                    "groups": {by: found[h].to_dict() for by, found in self.groups.items()},
                }
                for h in self.horizons
            },
            "autocorrelation": plain(self.mean_autocorrelation),
        }

    def __str__(self) -> str:
        lines = [str(self.information[h]) for h in self.horizons]
        lines += [str(self.quantiles[h]) for h in self.horizons]
        said = ", ".join(f"{lag}: {v:.3f}" for lag, v in self.mean_autocorrelation.items())
        return "\n".join([*lines, f"Rank autocorrelation by lag: {said}"])


def evaluate(
    signal: Panel,
    targets: Targets,
    *,
    quantiles: int = 5,
    groups: Mapping[str, Panel] | None = None,
    lags: Sequence[int] | None = None,
    edges: Edges = "rank",
    expected_sign: int = 1,
    threads: int | None = None,
) -> Evaluation:
    """Judge one signal by all targets.

    Parameters
    ----------
    signal : [dates, assets], score, on the axes of the targets; float32 is not copied to float64
    targets : made once by `Targets.build`
    quantiles, edges : as in `quantile_returns`
    groups : name -> [dates, assets], group codes, within which ranks are correlated, too
    lags : of the autocorrelation, in dates; None takes 1 and the horizons
    expected_sign : 1 or -1, the sign of the IC that counts as a win
    threads : None takes all cores; the bytes are the same
    """
    plan = _Plan(quantiles, edges, lags, expected_sign)
    return _Sheet(targets, groups or {}, plan, threads).evaluate(signal)


def evaluate_many(
    signals: Cube | Iterable[Panel],
    targets: Targets,
    *,
    quantiles: int = 5,
    groups: Mapping[str, Panel] | None = None,
    lags: Sequence[int] | None = None,
    edges: Edges = "rank",
    expected_sign: int = 1,
    threads: int | None = None,
) -> Iterator[Evaluation]:
    """Judge many signals, one after the other; each is loaded when its turn comes, and then let go.

    Parameters
    ----------
    signals : named panels, or panels in any order
    targets, quantiles, groups, lags, edges, expected_sign, threads : as in `evaluate`
    """
    plan = _Plan(quantiles, edges, lags, expected_sign)
    sheet = _Sheet(targets, groups or {}, plan, threads)
    panels = (signals[name] for name in signals) if isinstance(signals, Cube) else signals
    for panel in panels:
        yield sheet.evaluate(panel)


@dataclass(frozen=True)
class _Plan:
    quantiles: int
    edges: Edges
    lags: Sequence[int] | None
    expected_sign: int
    minimum: int = 3


class _Sheet:
    """Room and targets shared by all signals."""

    def __init__(
        self,
        targets: Targets,
        groups: Mapping[str, Panel],
        plan: _Plan,
        threads: int | None,
    ) -> None:
        check_quantiles(plan.quantiles, plan.edges)
        lags = plan.lags if plan.lags is not None else sorted({1, *targets.horizons})
        if any(lag < 1 for lag in lags):
            raise ConfigError("lags", f"must be at least 1 date (got {list(lags)})")
        self.targets, self.groups, self.plan, self.threads = targets, groups, plan, threads
        self.lags = tuple(lags)
        self.labels = {name: group_labels(panel) for name, panel in groups.items()}
        self.values = {h: reals(panel.values) for h, panel in targets.forward.items()}
        shape = (len(targets.dates), len(targets.assets))
        self.own = empty_ranked(shape)
        self.buckets = {h: np.empty(shape, dtype=np.int16) for h in targets.horizons}
        self.rule = Rule(minimum=plan.minimum, interpolated=plan.edges == "interpolated")

    def evaluate(self, signal: Panel) -> Evaluation:
        for panel in (next(iter(self.targets.forward.values())), *self.groups.values()):
            require_same_axes(signal, panel)
        shape, count = signal.values.shape, self.plan.quantiles
        horizons = self.targets.horizons
        known = {h: self.targets.ranks[h].known for h in horizons}
        self.found = {h: Judgement.empty(self.buckets[h], count, known[h]) for h in horizons}
        self.within = {
            (name, h): GroupJudgement.empty(panel.values, len(self.labels[name]), count)
            for name, panel in self.groups.items()
            for h in horizons
        }
        self.repeated = {lag: np.full(shape[0], np.nan) for lag in self.lags}
        x = reals(signal.values)
        by_rows(shape[0], lambda rows: self.judge(rows, x), self.threads)
        by_rows(shape[0], self.look_back, self.threads)
        return self.tables(signal)

    def judge(self, rows: slice, x: npt.NDArray[Any]) -> None:
        rank_block(x, self.own, rows)
        for h, found in self.found.items():
            found.judge(rows, x, self.own, self.values[h], self.targets.ranks[h], self.rule)
        for (_, h), within in self.within.items():
            within.judge(rows, self.own, self.targets.ranks[h], self.plan.minimum)
            within.earn(rows, self.found[h].buckets, self.values[h])

    def look_back(self, rows: slice) -> None:
        for h, found in self.found.items():
            late = slice(max(rows.start, h), rows.stop)
            if late.start < late.stop:
                found.turn(late, h)
        for lag, out in self.repeated.items():
            late = slice(max(rows.start, lag), rows.stop)
            if late.start < late.stop:
                now, before = late, slice(late.start - lag, late.stop - lag)
                spearman_rows(
                    self.own.rows(now), self.own.rows(before), self.plan.minimum, out[now]
                )

    def tables(self, signal: Panel) -> Evaluation:
        sign = self.plan.expected_sign
        return Evaluation(
            name=signal.name,
            information={h: informed(signal, h, f, sign) for h, f in self.found.items()},
            quantiles={h: cut(signal, h, f, h) for h, f in self.found.items()},
            groups={
                name: {
                    h: grouped(signal, panel, h, self.labels[name], self.within[name, h])
                    for h in self.found
                }
                for name, panel in self.groups.items()
            },
            weighted={h: weighed(signal, h, f) for h, f in self.found.items()},
            autocorrelation=dict(self.repeated),
        )
