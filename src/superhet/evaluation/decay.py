"""Decay: how long a signal stays true, and how long it stays itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation.entry_prices import Entry
from superhet.evaluation.forward_returns import Relative, forward_returns
from superhet.evaluation.summary import SeriesSummary, plain, summarize_series
from superhet.evaluation.targets import rank_panel
from superhet.kernels.information import pearson
from superhet.kernels.pair_ranks import spearman_ranked
from superhet.panel import Market, Panel, require_same_axes

Series = npt.NDArray[np.float64]
Among: TypeAlias = Literal["pairs", "date"]
DEFAULT_LAGS = (1, 2, 3, 4, 5, 10, 15, 20)


def half_life(means: Series, lags: Sequence[int]) -> float:
    """Give the sessions after the first lag until the mean RankIC has halved; NaN if it never does.

    Examples
    --------
    >>> half_life(np.array([0.04, 0.03, 0.01]), [1, 2, 3])
    1.5
    """
    if not means.size or not abs(means[0]) > 0.0:
        return float("nan")
    share = means / means[0]
    below = np.flatnonzero(share <= 0.5)
    if not below.size:
        return float("nan")
    k = int(below[0])
    part = (share[k - 1] - 0.5) / (share[k - 1] - share[k])
    return float(lags[k - 1] + part * (lags[k] - lags[k - 1]) - lags[0])


@dataclass(frozen=True, eq=False, kw_only=True)
class Decay:
    """Rank IC of one signal against returns that begin later and later.

    Parameters
    ----------
    name : of the signal
    horizon : sessions of each forward return
    lags : [lags], sessions from the signal to the entry
    summaries : one for each lag, of the rank IC
    """

    name: str
    horizon: int
    lags: tuple[int, ...]
    summaries: tuple[SeriesSummary, ...]

    @property
    def rank_ic(self) -> Series:
        """Mean rank IC at each lag, [lags]."""
        return np.array([s.mean for s in self.summaries])

    @property
    def half_life(self) -> float:
        """See `half_life`."""
        return half_life(self.rank_ic, self.lags)

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON."""
        return {
            "name": self.name,
            "horizon": self.horizon,
            "lags": list(self.lags),
            "rank_ic": plain(self.rank_ic),
            "t": plain([s.t for s in self.summaries]),
            "half_life": plain(self.half_life),
        }

    def __str__(self) -> str:
        lines = [f"Decay of {self.name or 'signal'}, horizon {self.horizon}"]
        for lag, s in zip(self.lags, self.summaries, strict=True):
            lines.append(f"  lag {lag:>4}  rank IC {s.mean:+.4f}  t {s.t:6.2f}")
        lines.append(f"  half-life {self.half_life:.1f} sessions")
        return "\n".join(lines)


def ic_decay(
    signal: Panel,
    market: Market,
    lags: Sequence[int] = DEFAULT_LAGS,
    *,
    horizon: int = 1,
    entry: Entry = "open",
    relative_to: Relative | None = None,
) -> Decay:
    """Measure the rank IC against forward returns that begin `lag` sessions after the signal.

    Parameters
    ----------
    signal : [dates, assets], score, on the dates of the market or some of them
    market : as `forward_returns` needs
    lags : increasing, each a `delay` of `forward_returns`
    horizon : sessions of each forward return; 1 shows the decay day by day
    entry, relative_to : as in `forward_returns`
    """
    if not lags or any(b <= a for a, b in itertools.pairwise(lags)):
        raise ConfigError("lags", f"must be increasing and not empty (got {list(lags)})")
    rows = np.array([market.dates.index(d) for d in signal.dates], dtype=np.int64)
    own = rank_panel(signal)
    found = []
    for lag in lags:
        forward = forward_returns(
            market, horizon=horizon, delay=lag, entry=entry, relative_to=relative_to
        )
        wanted = forward if len(rows) == len(forward.dates) else forward.rows(rows)
        require_same_axes(signal, wanted)
        series = spearman_ranked(own, rank_panel(wanted))
        found.append(summarize_series(series, horizon))
    return Decay(name=signal.name, horizon=horizon, lags=tuple(lags), summaries=tuple(found))


def rank_autocorrelation(
    signal: Panel, lag: int = 1, *, minimum: int = 3, among: Among = "pairs"
) -> Series:
    """Correlate the ranks of a signal with its own ranks `lag` dates before.

    Parameters
    ----------
    signal : [dates, assets], score
    lag : dates, at least 1
    minimum : a date with fewer names known on both gives NaN
    among : "pairs" ranks among the names known on both dates; "date" correlates ranks made among all names
        of each date, as alphalens does: names that come or go then move the ranks of those that stay

    Returns
    -------
    [dates]; NaN on the first `lag` dates
    """
    if lag < 1:
        raise ConfigError("lag", f"must be at least 1 date (got {lag})")
    if among not in {"pairs", "date"}:
        raise ConfigError("among", f"must be pairs or date (got {among!r})")
    out = np.full(len(signal.dates), np.nan)
    if lag >= len(out):
        return out
    own = rank_panel(signal)
    if among == "pairs":
        out[lag:] = spearman_ranked(own.rows(slice(lag, None)), own.rows(slice(0, -lag)), minimum)
    else:
        ranks = np.where(own.ranks > 0, own.ranks, np.nan).astype(np.float32)
        out[lag:] = pearson(ranks[lag:], ranks[:-lag], minimum=minimum)
    return out
