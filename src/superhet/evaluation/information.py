"""Information coefficients: how well a signal ranks what comes after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.evaluation.judged import Judgement, Rule, judge
from superhet.evaluation.summary import SeriesSummary, plain, summarize_series
from superhet.panel import Dates, Panel, require_same_axes

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Information:
    """Information coefficients of one signal, date by date and summarized.

    Parameters
    ----------
    name : of the signal
    horizon : sessions of the forward return
    dates : [dates]
    ic, rank_ic : [dates], Pearson and Spearman correlation with the forward return
    pairs : [dates], names with both a signal and a forward return
    coverage : [dates], pairs / names with a forward return; NaN where nobody has one
    linear : summary of `ic`
    rank : summary of `rank_ic`, the one quoted
    by_year : year -> summary of `rank_ic`
    """

    name: str
    horizon: int
    dates: Dates
    ic: Series
    rank_ic: Series
    pairs: npt.NDArray[np.int64]
    coverage: Series
    linear: SeriesSummary
    rank: SeriesSummary
    by_year: Mapping[int, SeriesSummary] = field(default_factory=dict)

    @property
    def mean_coverage(self) -> float:
        """Mean coverage over the dates on which the rank IC is known; NaN where there is none."""
        used = ~np.isnan(self.rank_ic)
        return float(self.coverage[used].mean()) if used.any() else float("nan")

    def by_month(self) -> tuple[npt.NDArray[np.datetime64], Series]:
        """Give the months and the mean rank IC of each, over the dates on which it is known."""
        known = ~np.isnan(self.rank_ic)
        month = self.dates.values[known].astype("datetime64[M]")
        months, place = np.unique(month, return_inverse=True)
        return months, np.bincount(place, self.rank_ic[known]) / np.bincount(place)

    def to_dict(self, *, series: bool = False) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON; `series` adds the values of each date."""
        found: dict[str, Any] = {
            "name": self.name,
            "horizon": self.horizon,
            "rank_ic": self.rank.to_dict(),
            "ic": self.linear.to_dict(),
            "coverage": plain(self.mean_coverage),
            "by_year": {str(y): s.to_dict() for y, s in self.by_year.items()},
        }
        if series:
            found["series"] = {
                "date": [str(d) for d in self.dates],
                "rank_ic": plain(self.rank_ic),
                "ic": plain(self.ic),
                "coverage": plain(self.coverage),
            }
        return found

    def __str__(self) -> str:
        lines = [
            f"Information of {self.name or 'signal'}, horizon {self.horizon}, "
            f"{self.rank.count} dates, coverage {self.mean_coverage:.1%}",
            f"  {'':<10}{'mean':>9}{'std':>9}{'icir':>9}{'wins':>8}{'t':>8}   95 % interval",
        ]
        rows = {"rank IC": self.rank, "IC": self.linear}
        rows |= {f"  {year}": summary for year, summary in self.by_year.items()}
        for label, s in rows.items():
            lines.append(
                f"  {label:<10}{s.mean:>9.4f}{s.std:>9.4f}{s.icir:>9.3f}{s.win_rate:>8.1%}"
                f"{s.t:>8.2f}   {s.low:+.4f} … {s.high:+.4f}"
            )
        return "\n".join(lines)


def information(
    signal: Panel,
    forward: Panel,
    horizon: int,
    *,
    minimum: int = 3,
    expected_sign: int = 1,
) -> Information:
    """Correlate a signal with its forward return, date by date.

    Parameters
    ----------
    signal : [dates, assets], score
    forward : [dates, assets], return stamped at the signal date, as `forward_returns` gives
    horizon : dates over which neighbouring forward returns overlap; the lags of the t-statistic
    minimum : a date with fewer pairs gives NaN
    expected_sign : 1 or -1, the sign of the IC that counts as a win

    Raises
    ------
    AxisMismatch
        if the two panels have different axes

    References
    ----------
    Grinold & Kahn, *Active Portfolio Management*, 2nd ed., ch. 6.
    """
    require_same_axes(signal, forward)
    found = judge(signal.values, forward.values, 1, rule=Rule(minimum=minimum))
    return informed(signal, horizon, found, expected_sign)


def informed(signal: Panel, horizon: int, found: Judgement, expected_sign: int = 1) -> Information:
    """Make the table of a judgement."""
    ic, rank_ic = found.ic.copy(), found.rank_ic.copy()
    return Information(
        name=signal.name,
        horizon=horizon,
        dates=signal.dates,
        ic=ic,
        rank_ic=rank_ic,
        pairs=found.pairs,
        coverage=found.coverage,
        linear=summarize_series(ic, horizon, expected_sign),
        rank=summarize_series(rank_ic, horizon, expected_sign),
        by_year=_by_year(rank_ic, signal.dates, horizon, expected_sign),
    )


def _by_year(
    series: Series, dates: Dates, horizon: int, expected_sign: int
) -> dict[int, SeriesSummary]:
    years = dates.values.astype("datetime64[Y]").astype(int) + 1970
    known = np.unique(years[~np.isnan(series)])
    return {
        int(year): summarize_series(series[years == year], horizon, expected_sign) for year in known
    }
