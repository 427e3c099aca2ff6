"""Study: everything one report shows, filled by the pipeline and read by nobody else's rules.

The report computes no result of its own that another room already gave; what it derives (information
coefficients, decay, quantiles) it takes from `superhet.evaluation` through `report.measures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch
from superhet.panel import (
    Attribution,
    BacktestResult,
    Cube,
    Dates,
    Market,
    Panel,
    require_same_axes,
)
from superhet.report.style_facts import StyleFacts

Language: TypeAlias = Literal["en", "zh"]
Series: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]


class Diagnosis(Protocol):
    """What the report asks of a portfolio's diagnosis; `portfolio.diagnose` gives it.

    Series are [decisions].
    """

    @property
    def dates(self) -> Dates:
        """The decisions."""
        ...

    @property
    def net(self) -> Series:
        """Sum of signed weights."""
        ...

    @property
    def names_long(self) -> Counts:
        """Names held long."""
        ...

    @property
    def names_short(self) -> Counts:
        """Names held short."""
        ...

    @property
    def max_abs_industry_net(self) -> Series:
        """Largest absolute net weight of one industry."""
        ...

    @property
    def size_exposure(self) -> Series:
        """Exposure to standardized log size."""
        ...

    @property
    def turnover(self) -> Series:
        """One-way, against the drifted weights of the decision before; NaN on the first."""
        ...

    @property
    def pool(self) -> Counts:
        """Names in the pool."""
        ...

    @property
    def invalid(self) -> Mapping[str, Counts]:
        """Members that each reason excludes."""
        ...

    @property
    def relative_to(self) -> str:
        """What industry and size are measured against: "zero" or "benchmark"."""
        ...


@dataclass(frozen=True)
class FoldDates:
    """One walk-forward fold by its first and last dates, all included."""

    train_start: np.datetime64
    train_end: np.datetime64
    test_start: np.datetime64
    test_end: np.datetime64


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """All that a report shows.

    Parameters
    ----------
    name, run_id : how the run is called, and the hash that names its folder
    language : "en" or "zh"
    config : the resolved YAML
    snapshot, seed : what the run read and drew from
    conventions : what was assumed, name -> plain words
    market : the evaluation period
    signals : cleaned member signals on the decision clock; blocks "minute", "daily", "quarterly"
    ages : sessions since each member value became known, same names as `signals`
    formulas, lookbacks, coverage : by member name; text, sessions, share of member-dates known (0-1)
    super_factor : [dates, assets], NaN outside the test slices
    forward : [dates, assets], forward return at the target horizon, stamped at the signal's date
    horizon, delay : sessions held; sessions between signal and trade
    entry : the price traded at ("open", "vwap", "close")
    fold_dates : one a fold, as `FoldDates` or four dates
    weights : [folds, signals], in the order of `signals`
    subsets : super-factors from the signals of one frequency alone, by block
    models : super-factors of other synthesis models (ablation)
    leave_one_out : super-factors made without one member, by that member's name
    oracle : "oracle_share", "best_ic", "absolute_ic"; None where no truth exists
    distributions : diagnosis of a signal before and after cleaning, name -> {"before", "after"}
    portfolio : [dates, assets], target weights, fractions
    diagnosis : of the portfolio
    backtest : its books
    attributions : parts of the backtest's return
    audit : {"verdict", "leaks", "dates_checked"}, or None if no audit was run
    metrics : the numbers of the command line's contract
    warnings : one paragraph each
    stages, seconds : stage -> hash, stage -> wall seconds
    styles : signals, super-factor and portfolio beside the styles of a risk model; None without one
    trips : numbers of the round trips, and their distributions; empty where they were not matched
    engines : of engines that kept the same books: "engines" (rows), "first", "failed", "pages" (language ->
        file beside the report); None where the study names none
    """

    name: str
    run_id: str
    market: Market
    signals: Cube
    ages: Cube
    super_factor: Panel
    forward: Panel
    horizon: int
    delay: int
    entry: str
    fold_dates: Sequence[FoldDates | tuple[Any, Any, Any, Any]]
    weights: Series
    portfolio: Panel
    diagnosis: Diagnosis
    backtest: BacktestResult
    language: Language = "en"
    config: Mapping[str, object] = field(default_factory=dict)
    snapshot: str = ""
    seed: int = 0
    conventions: Mapping[str, str] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)
    lookbacks: Mapping[str, int] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)
    subsets: Mapping[str, Panel] = field(default_factory=dict)
    models: Mapping[str, Panel] = field(default_factory=dict)
    leave_one_out: Mapping[str, Panel] = field(default_factory=dict)
    oracle: Mapping[str, float] | None = None
    distributions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    attributions: Sequence[Attribution] = ()
    audit: Mapping[str, Any] | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    stages: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    styles: StyleFacts | None = None
    trips: Mapping[str, Any] = field(default_factory=dict)
    engines: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        signal = next(iter(self.signals.values()), self.forward)
        others = (*self.subsets.values(), *self.models.values(), *self.leave_one_out.values())
        for panel in (self.forward, signal, *others):
            require_same_axes(self.super_factor, panel)
        folds = [
            f if isinstance(f, FoldDates) else FoldDates(*map(_day, f)) for f in self.fold_dates
        ]
        object.__setattr__(self, "fold_dates", folds)
        if self.weights.shape != (len(folds), len(self.signals)):
            raise AxisMismatch(
                f"weights of the synthesis have shape {self.weights.shape}, but there are "
                f"{len(folds)} folds and {len(self.signals)} signals"
            )

    @property
    def folds(self) -> list[FoldDates]:
        """The folds, in order."""
        return [f for f in self.fold_dates if isinstance(f, FoldDates)]


def _day(date: object) -> np.datetime64:
    return np.datetime64(date).astype("datetime64[D]")  # type: ignore[call-overload, no-any-return]  # any date-like
