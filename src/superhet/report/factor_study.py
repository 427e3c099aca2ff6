"""FactorStudy: everything that the page of one factor shows, as plain values that JSON can hold.

The pipeline computes it, a file keeps it, a page shows it; a number that is not known is None. Series are
rounded to six significant digits, so that a page made from a file equals one made from memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Facts: TypeAlias = Mapping[str, Any]
Series: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class FactorStudy:
    """One factor, judged.

    Parameters
    ----------
    name : of the factor
    key : hash of what its numbers depend on: formula or values, data, options
    facts : formula, meaning, frequency, universe, dates and every convention
    refused : {} or {"code", ...}: why the factor could not be judged; then all else is empty
    rank_ic, ic : at the main horizon: mean, std, icir, annual_icir, t_nw, t_naive, p, ci95, win_rate, count,
        skew, kurtosis, by_year
    direction : sign of the mean RankIC; 1 = high values, high returns; nothing is flipped by it
    coverage : mean share of those with a forward return that have a value
    horizons : horizon -> {"raw", "neutral"} -> rank_ic, ic, spread
    neutral : against, note, rank_ic, ic at the main horizon
    decay : RankIC at each lag; half_life : sessions; decay_table : lags, low, high, t
    autocorrelation : lag -> mean rank autocorrelation
    quantiles : returns, relative, turnover, [quantiles], spread, monotonicity; books : portfolios of them
    long_short : top minus bottom, gross and net
    legs, holding, capacity, concentration, weighted : the money view
    splits : kind of group -> rows of name, mean, low, high, t, icir, count
    sub_universes : rows; sub_universe : the worst of them against what is due
    distribution : raw shape; cleaning : raw, winsorized, rank-normal, power rank: rows
    library : correlation with the user's own factors, incremental information
    styles : correlation with risk styles; {} = no file was given
    significance : naive and Newey-West t, bootstrap, adjusted p, deflated Sharpe, trials
    last_two_years : RankIC of the last two years; {} where there are no more
    forward : how many member-dates have a forward return, and why the others have none
    checks : rows of rule, value, threshold, pass
    notes : rows of code and values: what the reader should know of the data
    series : name -> values on `series["date"]`, and other drawn numbers
    """

    name: str
    key: str = ""
    facts: Facts = field(default_factory=dict)
    refused: Facts = field(default_factory=dict)
    rank_ic: Facts = field(default_factory=dict)
    ic: Facts = field(default_factory=dict)
    direction: int = 0
    coverage: float | None = None
    horizons: Mapping[str, Facts] = field(default_factory=dict)
    neutral: Facts = field(default_factory=dict)
    decay: Sequence[float | None] = ()
    half_life: float | None = None
    decay_table: Facts = field(default_factory=dict)
    autocorrelation: Mapping[str, float | None] = field(default_factory=dict)
    quantiles: Facts = field(default_factory=dict)
    books: Sequence[Facts] = ()
    long_short: Facts = field(default_factory=dict)
    legs: Facts = field(default_factory=dict)
    holding: Sequence[Facts] = ()
    capacity: Facts = field(default_factory=dict)
    concentration: Facts = field(default_factory=dict)
    weighted: Facts = field(default_factory=dict)
    splits: Mapping[str, Sequence[Facts]] = field(default_factory=dict)
    sub_universes: Sequence[Facts] = ()
    sub_universe: Facts = field(default_factory=dict)
    distribution: Facts = field(default_factory=dict)
    cleaning: Sequence[Facts] = ()
    library: Facts = field(default_factory=dict)
    styles: Facts = field(default_factory=dict)
    significance: Facts = field(default_factory=dict)
    last_two_years: Facts = field(default_factory=dict)
    forward: Facts = field(default_factory=dict)
    checks: Sequence[Facts] = ()
    notes: Sequence[Facts] = ()
    series: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self, *, series: bool = True) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON, the contract's first; `series` adds each date's."""
        first = (
            "name",
            "rank_ic",
            "ic",
            "decay",
            "half_life",
            "quantiles",
            "long_short",
            "coverage",
        )
        names = [*first, "checks", *(f.name for f in fields(self))]
        kept = dict.fromkeys(n for n in names if series or n != "series")
        return {name: getattr(self, name) for name in kept}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FactorStudy:
        """Take back what `to_dict` gave; keys of later versions are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in values.items() if k in known})

    def array(self, name: str) -> Series:
        """Give a series as numbers; NaN where it is not known."""
        return numbers(self.series.get(name, ()))


def numbers(values: Any) -> Series:
    """Turn a list that may hold None into an array.

    Examples
    --------
    >>> numbers([1.0, None])
    array([ 1., nan])
    """
    return np.array(values, dtype=np.float64)


@dataclass(frozen=True, eq=False, kw_only=True)
class FactorBoard:
    """Several factors side by side.

    Parameters
    ----------
    name : of the board
    facts : what they share: universe, dates, horizon, costs, snapshot, trials
    studies : the factors, in the order asked for
    links : name of a factor -> file of its page in the language shown
    correlation : of the long-short returns between factors, [names, names], and its order
    significance : data-snooping test over all, probability of backtest overfitting
    pairs : of a comparison: rows of two factors, their correlations and the difference of their RankIC
    left_out : formula of a library -> why it was not judged, in each language
    """

    name: str
    facts: Facts = field(default_factory=dict)
    studies: Sequence[FactorStudy] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    correlation: Facts = field(default_factory=dict)
    significance: Facts = field(default_factory=dict)
    pairs: Sequence[Facts] = ()
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
