"""Walk-forward synthesis: fit on the past, predict the next fold, never look back.

1. folds cut the date axis, purging training dates whose target overlaps the test      -> panel.folds
2. what linear models learn from is computed once a date, for all folds                -> statistics
3. an unfitted copy of the model learns from each training slice; a model of any other
   kind receives signals and targets as they were on the day its last target was known -> _fit
4. it predicts the test slice, which it may not have seen                              -> _fold
5. the slices are joined in date order; other dates stay NaN                           -> _join
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import NoSignal
from superhet.panel import Cube, Dates, Fold, Panel, WalkForward
from superhet.synthesis.base import FittedSynthesizer, Synthesizer
from superhet.synthesis.linear import LinearSynthesizer
from superhet.synthesis.statistics import Map, SynthesisStatistics, statistics

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class WalkForwardResult:
    """One super-factor, out of sample on every date it has.

    Parameters
    ----------
    super_factor : [dates, assets], score; NaN outside the test slices
    weights : [folds, signals]; NaN for a fold that could not learn, or a model without weights
    names : of the signals
    folds : train and test slices, by position
    fold_dates : first and last test date of each fold
    models : the fitted model of each fold; None where no signal could be learned from
    """

    super_factor: Panel
    weights: Floats
    names: tuple[str, ...]
    folds: tuple[Fold, ...]
    fold_dates: tuple[tuple[np.datetime64, np.datetime64], ...]
    models: tuple[FittedSynthesizer | None, ...]

    @property
    def empty_folds(self) -> tuple[int, ...]:
        """The folds in which no signal could be learned from; their test dates have no score."""
        return tuple(k for k, model in enumerate(self.models) if model is None)

    def to_dict(self) -> dict[str, Any]:
        """Give weights by fold, ready for JSON."""
        rows = [[None if np.isnan(w) else w for w in row] for row in self.weights.tolist()]
        return {
            "names": list(self.names),
            "folds": [
                {"first": str(first), "last": str(last), "weights": row}
                for (first, last), row in zip(self.fold_dates, rows, strict=True)
            ],
        }

    def __str__(self) -> str:
        first, last = self.fold_dates[0][0], self.fold_dates[-1][1]
        lines = [f"Walk-forward over {len(self.folds)} folds, {first} … {last}"]
        fitted = self.weights[~np.isnan(self.weights).any(axis=1)]
        if len(fitted):
            lines.append(f"  {'signal':<28}{'mean weight':>12}{'std':>9}{'last':>9}")
            stats = zip(self.names, fitted.mean(0), fitted.std(0), fitted[-1], strict=True)
            lines += [f"  {n:<28}{m:>12.4f}{s:>9.4f}{w:>9.4f}" for n, m, s, w in stats]
        if self.empty_folds:
            lines.append(f"  {len(self.empty_folds)} folds had nothing to learn from")
        return "\n".join(lines)


def walk_forward(
    model: Synthesizer,
    signals: Cube,
    target: Panel,
    folds: WalkForward,
    *,
    reach: int,
    map: Map = map,
    found: SynthesisStatistics | None = None,
) -> WalkForwardResult:
    """Mix signals into one super-factor, each test slice by a model that learned before it.

    Values after *t*, of signals or targets, never change a score at or before *t*.

    Parameters
    ----------
    model : an unfitted synthesizer
    signals : standardized scores, on the decision dates
    target : forward return stamped at the signal date, on the same axes
    folds : how to cut the dates
    reach : sessions from a signal to the end of its target (delay + horizon); `folds.step` turns
        sessions into rows
    map : spreads signals and folds over workers
    found : `statistics(signals, target)`, where they are known already

    Raises
    ------
    NoSignal
        if no fold has a signal to learn from
    AxisMismatch
        if signals and target stand on different axes
    """
    cut = tuple(folds.split(target.dates, reach))
    rows = -(-reach // folds.step)
    if isinstance(model, LinearSynthesizer) and found is None:
        found = statistics(signals, target, moments=model.needs_moments, map=map)
    done = list(map(partial(_fold, model, signals, target, found, rows), cut))
    fitted = tuple(model for model, _ in done)
    if all(m is None for m in fitted):
        raise NoSignal(
            f"no fold of {target.dates.describe()} has a signal with enough known dates to learn "
            "from. Start later, shorten the horizon, or pick signals with more history."
        )
    return _join(signals, cut, fitted, [values for _, values in done])


def _fold(
    model: Synthesizer,
    signals: Cube,
    target: Panel,
    found: SynthesisStatistics | None,
    reach: int,
    fold: Fold,
) -> tuple[FittedSynthesizer | None, Floats]:
    try:
        fitted = _fit(model, signals, target, found, reach, fold.train)
    except NoSignal:  # recorded as None: a fold before the signals begin is no fault of the others
        count = fold.test.stop - fold.test.start
        return None, np.full((count, len(signals.assets)), np.nan)
    return fitted, np.asarray(fitted.predict(_rows(signals, fold.test)).values)


def _fit(
    model: Synthesizer,
    signals: Cube,
    target: Panel,
    found: SynthesisStatistics | None,
    reach: int,
    train: slice,
) -> FittedSynthesizer:
    if isinstance(model, LinearSynthesizer) and found is not None:
        until = target.dates.values[train.stop - 1 + reach]
        return model.learn(found.rows(train), reach=reach, fitted_until=until)
    seen = slice(train.start, train.stop + reach)
    values = target.values[seen].copy()
    values[train.stop - train.start :] = np.nan
    wanted = replace(target, values=values, dates=target.dates[seen])
    return model.fit(_rows(signals, seen), wanted, reach=reach)


def _join(
    signals: Cube,
    folds: tuple[Fold, ...],
    models: tuple[FittedSynthesizer | None, ...],
    predicted: list[Floats],
) -> WalkForwardResult:
    scores = np.full((len(signals.dates), len(signals.assets)), np.nan)
    weights = np.full((len(folds), len(signals)), np.nan)
    for k, (fold, model, values) in enumerate(zip(folds, models, predicted, strict=True)):
        scores[fold.test] = values
        weights[k] = getattr(model, "weights_", np.nan)
    stamps = signals.dates.values
    return WalkForwardResult(
        super_factor=Panel(
            values=scores,
            dates=signals.dates,
            assets=signals.assets,
            name="super_factor",
            unit="score",
        ),
        weights=weights,
        names=signals.names,
        folds=folds,
        fold_dates=tuple((stamps[f.test.start], stamps[f.test.stop - 1]) for f in folds),
        models=models,
    )


def _rows(signals: Cube, key: slice) -> Cube:
    dates: Dates = signals.dates[key]
    panels = {n: replace(p, values=p.values[key], dates=dates) for n, p in signals.items()}
    return Cube(panels, blocks=signals.blocks, dates=dates, assets=signals.assets)
