"""Distribution: the shape of a signal, who its outliers are, and what to do about them.

1. each date is measured on its estimable members: moments, tails in robust deviations -> diagnose
2. outliers are counted by industry, by size and by listing age                        -> _who
3. the numbers are turned into one line of advice                                      -> _advise

Tails are measured in robust deviations (from the median, in units of 1.4826 · MAD), because an outlier
widens its own standard deviation and hides behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.kernels.cross_section import MAD_TO_STD, group_medians, rank, zscore
from superhet.panel import Market, Panel, require_same_axes

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OUTLIER = 5.0
"""Robust deviations beyond which a value is an outlier."""
_ROUNDING = 1.0 + 1e-9  # a value clipped to the bound sits on it, not beyond it
_CHI2_95 = 5.991464547107979  # 95 % quantile of chi-squared with 2 degrees of freedom
_AGES = ((0, 60), (60, 250), (250, 750), (750, 10**9))
_EDGES = np.linspace(-5.0, 5.0, 41)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One kind of names and its share of the outliers.

    Parameters
    ----------
    by : "industry", "size" or "listing_age"
    name : of the bucket
    names : its share of all known values
    outliers : its share of the outliers
    """

    by: str
    name: str
    names: float
    outliers: float

    @property
    def lift(self) -> float:
        """How many times more outliers than its share of names; NaN for an empty bucket."""
        return self.outliers / self.names if self.names else math.nan


@dataclass(frozen=True, eq=False, kw_only=True)
class DistributionDiagnosis:
    """The shape of a signal over the dates on which it is known; moments are means over dates.

    Parameters
    ----------
    name : of the signal
    dates : number of measured dates with at least 3 known estimable names
    coverage : known share of the estimable cells, from the first known date on
    skew, excess_kurtosis : 0 for the normal law
    beyond_3, beyond_5 : share of values farther out than 3 and 5 robust deviations (normal: 0.0027, 6e-7)
    not_normal : share of dates whose Jarque-Bera statistic exceeds its 95 % quantile
    at_median : share of values equal to the median of their date; large where a signal is mostly zeros
    edges, histogram : [bins + 1], [bins], share of robustly scaled values; the ends hold all beyond
    buckets : who the outliers (beyond 5) are; empty where there are none
    advice : transformer to use: "none", "winsorize: {mad: 5}", "winsorize: {quantile: 0.01}",
        "rank_normalize"
    reason : one sentence with the numbers behind the advice
    """

    name: str
    dates: int
    coverage: float
    skew: float
    excess_kurtosis: float
    beyond_3: float
    beyond_5: float
    not_normal: float
    at_median: float
    edges: Floats
    histogram: Floats
    buckets: tuple[Bucket, ...]
    advice: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON; what is not known is None."""
        plain = {
            name: _plain(getattr(self, name))
            for name in self.__dataclass_fields__
            if name not in {"edges", "histogram", "buckets"}
        }
        buckets = [
            {**{k: _plain(v) for k, v in vars(b).items()}, "lift": _plain(b.lift)}
            for b in self.buckets
        ]
        return {
            **plain,
            "edges": self.edges.tolist(),
            "histogram": [_plain(v) for v in self.histogram.tolist()],
            "buckets": buckets,
        }

    def __str__(self) -> str:
        lines = [
            f"Distribution of {self.name or 'signal'} over {self.dates} dates, "
            f"{self.coverage:.1%} of estimable cells known",
            f"  skew {self.skew:+.2f}  excess kurtosis {self.excess_kurtosis:+.2f}  "
            f"beyond 3 {self.beyond_3:.2%}  beyond 5 {self.beyond_5:.3%}  "
            f"dates not normal {self.not_normal:.0%}",
        ]
        worst = sorted(self.buckets, key=lambda b: (-b.lift if b.names else 0.0, b.by, b.name))
        lines += [
            f"  outliers x{b.lift:.1f} in {b.by} {b.name} ({b.outliers:.0%} of them, "
            f"{b.names:.0%} of names)"
            for b in worst[:3]
            if b.names and b.lift > 1.0
        ]
        return "\n".join([*lines, f"  {self.reason}"])


def diagnose(
    signal: Panel, market: Market, *, max_dates: int | None = 250
) -> DistributionDiagnosis:
    """Measure the shape of a signal on the estimable members of each date.

    Infinite values count as outliers and do not enter the moments.

    Parameters
    ----------
    signal, market : on the same axes
    max_dates : measure at most so many dates, evenly spaced, since shapes move slowly; None for all

    Raises
    ------
    AxisMismatch
        if signal and market do not share their axes
    """
    require_same_axes(signal, market.universe.member)
    if max_dates is not None and len(signal.dates) > max_dates:
        rows = np.linspace(0, len(signal.dates) - 1, max_dates).round().astype(np.int64)
        signal, market = signal.rows(rows), market.on_rows(rows)
    inside = market.universe.estimable.values & market.universe.member.values
    x = np.where(inside, signal.values, np.nan).astype(np.float64, copy=False)
    finite = np.isfinite(x)
    used = finite.sum(axis=1) >= 3
    x = np.where(used[:, None], x, np.nan)
    known, finite = ~np.isnan(x), finite & used[:, None]
    skew, kurtosis, not_normal = _moments(x, finite)
    robust, at_median = _robust(x, finite)
    cells = max(int(known.sum()), 1)
    away = np.abs(robust)
    beyond = {k: float((away > k * _ROUNDING).sum() / cells) for k in (3.0, OUTLIER)}
    first = int(np.argmax(used)) if used.any() else len(used)
    possible = int(inside[first:].sum())

    def mean(values: Floats) -> float:
        return float(values[used].mean()) if used.any() else math.nan

    shape = {
        "skew": mean(skew),
        "excess_kurtosis": mean(kurtosis),
        "beyond_3": beyond[3.0],
        "beyond_5": beyond[OUTLIER],
        "at_median": float(at_median.sum() / cells),
    }
    advice, reason = _advise(int(used.sum()), **shape)
    return DistributionDiagnosis(
        name=signal.name,
        dates=int(used.sum()),
        coverage=float(known[first:].sum() / possible) if possible else 0.0,
        not_normal=mean(not_normal),
        edges=_EDGES,
        histogram=_histogram(robust[known]),
        buckets=_who(away > OUTLIER * _ROUNDING, known, market),
        advice=advice,
        reason=reason,
        **shape,
    )


def _moments(x: Floats, finite: Flags) -> tuple[Floats, Floats, Floats]:
    """Skew, excess kurtosis, and 1 where Jarque and Bera reject the normal law at 95 %, [dates]."""
    counts = np.maximum(finite.sum(axis=1), 1)
    z = np.nan_to_num(zscore(x))
    cubes = z * z * z
    skew, kurtosis = cubes.sum(axis=1) / counts, (cubes * z).sum(axis=1) / counts - 3.0
    bera = counts / 6.0 * (skew**2 + kurtosis**2 / 4.0)
    return skew, kurtosis, (bera > _CHI2_95).astype(np.float64)


def _robust(x: Floats, finite: Flags) -> tuple[Floats, Flags]:
    """Scale by median and MAD, or by the deviation where the MAD is 0; say who sits at the median."""
    everyone = np.zeros(x.shape, dtype=np.int32)
    middle = group_medians(x, everyone, 1)[:, :1]
    away = x - middle
    mad = MAD_TO_STD * group_medians(np.abs(away), everyone, 1)[:, :1]
    square = np.where(finite, away, 0.0) ** 2
    std = np.sqrt(square.sum(axis=1, keepdims=True) / np.maximum(finite.sum(axis=1), 1)[:, None])
    scale = np.where(mad > 0.0, mad, std)
    return away / np.where(scale > 0.0, scale, 1.0), away == 0.0


def _histogram(robust: Floats) -> Floats:
    bins = _EDGES.size - 1
    width = _EDGES[1] - _EDGES[0]
    place = np.floor((np.clip(robust, _EDGES[0], _EDGES[-1]) - _EDGES[0]) / width)
    counts = np.bincount(np.minimum(place.astype(np.int64), bins - 1), minlength=bins)
    return np.asarray(counts / max(robust.size, 1), dtype=np.float64)


def _who(outlier: Flags, known: Flags, market: Market) -> tuple[Bucket, ...]:
    """Count names and outliers by industry, size quintile and listing age."""
    total = int(outlier.sum())
    if total == 0:
        return ()
    kinds: list[tuple[str, list[str], npt.NDArray[Any]]] = []
    if "industry" in market.group_panels:
        industry = market.groups("industry")
        kinds.append(("industry", [*industry.labels, "unknown"], industry.values))
    if market.size in market:
        order = rank(np.where(known, market[market.size].values, np.nan))
        share = (order - 0.5) / np.maximum((~np.isnan(order)).sum(axis=1, keepdims=True), 1)
        fifth = np.where(np.isnan(share), -1, np.floor(np.nan_to_num(share) * 5))
        labels = ["1 (smallest)", "2", "3", "4", "5 (largest)", "unknown"]
        kinds.append(("size", labels, fifth.astype(np.int64)))
    if "listing_age" in market:
        ages = np.nan_to_num(market["listing_age"].values, nan=-1.0)
        code = np.searchsorted([low for low, _ in _AGES], ages, side="right") - 1
        labels = [f"{a}-{b} sessions" for a, b in _AGES[:-1]] + [f"{_AGES[-1][0]}+ sessions"]
        kinds.append(("listing_age", [*labels, "unknown"], code))
    found = []
    for by, labels, codes in kinds:
        size = len(labels)
        slot = np.where(codes < 0, size - 1, codes)
        names = np.bincount(slot[known], minlength=size)
        outliers = np.bincount(slot[outlier], minlength=size)
        found += [
            Bucket(
                by=by,
                name=label,
                names=float(names[k] / names.sum()),
                outliers=float(outliers[k] / total),
            )
            for k, label in enumerate(labels)
            if names[k]
        ]
    return tuple(found)


def _advise(
    dates: int,
    *,
    skew: float,
    excess_kurtosis: float,
    beyond_3: float,
    beyond_5: float,
    at_median: float,
) -> tuple[str, str]:
    """Choose a transformer by the numbers, and say why."""
    if dates == 0:
        return "none", "No date has 3 known names: there is nothing to clean."
    tails = f"{beyond_5:.2%} of values lie beyond 5 robust deviations"
    if at_median > 0.5:
        return (
            "winsorize: {quantile: 0.01}",
            f"{at_median:.0%} of values equal the median, so the MAD says nothing about scale: "
            "clip at quantiles.",
        )
    if beyond_5 < 0.0005 and abs(skew) < 1.0:
        return (
            "none",
            f"Nothing to clip: {tails} (skew {skew:+.2f}, excess kurtosis {excess_kurtosis:+.2f}, "
            f"{beyond_3:.2%} beyond 3).",
        )
    if beyond_5 > 0.03 or abs(skew) > 3.0:
        return (
            "rank_normalize",
            f"{tails} and skew is {skew:+.2f}: a clip would pile up too many names at the bounds, "
            "use ranks.",
        )
    return (
        "winsorize: {mad: 5}",
        f"{tails}, skew {skew:+.2f}, excess kurtosis {excess_kurtosis:+.2f}: clipping them is enough.",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
