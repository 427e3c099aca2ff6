"""Factor cleaning: one factor raw, clipped and ranked, side by side: its tails, its weights, its results.

A clip or a rank never changes who is above whom (but for names that a clip makes equal), so the rank IC and
the quantiles hardly move. What moves is how much of a portfolio in proportion to the signal sits in a few
names.

1. the usual ways to clean a cross-section                            -> variants
2. shape and tails of each                                            -> preprocess.diagnose, tail_index
3. the weights that it would give                                     -> concentration
4. its IC, and what the portfolio in proportion to it earns           -> evaluation
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.evaluation import TradePrices, information, quantile_portfolios
from superhet.evaluation.summary import plain
from superhet.panel import Market, Panel
from superhet.preprocess import PowerRank, RankNormalize, Transformer, Winsorize, diagnose

Floats = npt.NDArray[np.float64]

TAIL = 0.05
"""Share of the names whose distances from the median make the tail index."""
LARGEST = 10
_FEWEST = 5
_MEASURED = 250  # dates, evenly spaced: shapes move slowly


@dataclass(frozen=True, kw_only=True)
class CleaningRow:
    """A factor after one way of cleaning; weights are signal less mean, gross 1.

    Parameters
    ----------
    name : "raw", "winsorized", "mad_clipped", "rank_normal", "power_rank"
    skew, excess_kurtosis : means over dates
    tail_index : Hill's, of the distances from the median; below 2 the variance is not finite
    largest_share : of the gross in the ten largest weights
    effective_names : (sum |w|)^2 / sum w^2, a mean over dates
    ic, rank_ic : means
    sharpe, sharpe_net : of the portfolio with these weights, annual
    annual_turnover : one-way, over its gross of 1
    """

    name: str
    skew: float
    excess_kurtosis: float
    tail_index: float
    largest_share: float
    effective_names: float
    ic: float
    rank_ic: float
    sharpe: float
    sharpe_net: float
    annual_turnover: float

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON."""
        return {name: plain(value) for name, value in asdict(self).items()}


def variants(power: float = 1.5) -> dict[str, Transformer]:
    """Give the usual ways to clean: clipped at 1 and 99 %, at 5 MAD, ranks to normal scores, bent ranks."""
    return {
        "winsorized": Winsorize(quantile=0.01, min_names=2),
        "mad_clipped": Winsorize(mad=5.0, min_names=2),
        "rank_normal": RankNormalize(min_names=2),
        "power_rank": PowerRank(power=power, min_names=2),
    }


def factor_cleaning(
    signal: Panel,
    market: Market,
    forward: Panel,
    horizon: int,
    *,
    prices: TradePrices | None = None,
    delay: int = 1,
    ways: Mapping[str, Transformer] | None = None,
) -> tuple[CleaningRow, ...]:
    """Show what cleaning does to one factor.

    Parameters
    ----------
    signal : [dates, assets], raw; only members take part
    market : on the same axes
    forward : [dates, assets], return stamped at the signal date
    horizon : sessions of `forward`; the portfolios are held as long
    prices : of the market, where they are known already
    delay : sessions from the signal to the trade
    ways : name -> transformer; None = `variants`

    Returns
    -------
    a row for the raw signal and one for each way
    """
    inside = market.universe.estimable.values & market.universe.member.values
    few = (inside & np.isfinite(signal.values)).sum(axis=1) < 2
    kept = market.universe.member.values & ~few[:, None]
    raw = signal.with_values(np.where(kept, signal.values, np.nan))
    prices = prices or TradePrices.of(market, liquidity=False)
    made = {n: way.transform(raw, market) for n, way in (ways or variants()).items()}
    return tuple(
        _row(name, values, market, forward, horizon, prices, delay)
        for name, values in {"raw": raw, **made}.items()
    )


def tail_index(values: Floats, share: float = TAIL) -> float:
    """Estimate Hill's tail index from the largest distances from the median, a mean over dates.

    Parameters
    ----------
    values : [dates, assets]
    share : of the names that count as the tail; a date with fewer than 5 of them is left out

    Notes
    -----
    1 / mean log(x_i / x_k) over the k largest distances, x_k the next one. A Student t with n degrees of
    freedom has index n; the normal law has none, and shows about 6 at 5 %.

    References
    ----------
    Hill 1975, "A simple general approach to inference about the tail of a distribution", Annals of
    Statistics 3.
    """
    found = []
    for row in values:
        known = row[np.isfinite(row)]
        count = int(share * known.size)
        if count < _FEWEST:
            continue
        far = np.sort(np.abs(known - np.median(known)))[-count - 1 :]
        if far[0] > 0.0:
            spread = float(np.log(far[1:] / far[0]).mean())
            found.append(1.0 / spread if spread > 0.0 else np.inf)
    finite = [f for f in found if np.isfinite(f)]
    return float(np.mean(finite)) if finite else float("nan")


def concentration(values: Floats, largest: int = LARGEST) -> tuple[float, float]:
    """Give the share of the gross in the largest weights, and the effective number of names; date means.

    Parameters
    ----------
    values : [dates, assets], of a signal; weights are its distances from the mean of the date

    Examples
    --------
    >>> share, names = concentration(np.array([[-1.0, -1.0, 1.0, 1.0]]), largest=1)
    >>> share, names
    (0.25, 4.0)
    """
    shares, names = [], []
    for row in values:
        known = row[np.isfinite(row)]
        if known.size < 2:
            continue
        away = np.abs(known - known.mean())
        gross = float(away.sum())
        if gross > 0.0:
            shares.append(float(np.sort(away)[-largest:].sum()) / gross)
            names.append(gross**2 / float((away**2).sum()))
    nothing = float("nan")
    return (float(np.mean(shares)), float(np.mean(names))) if shares else (nothing, nothing)


def _row(
    name: str,
    signal: Panel,
    market: Market,
    forward: Panel,
    horizon: int,
    prices: TradePrices,
    delay: int,
) -> CleaningRow:
    rows = np.arange(len(signal.dates))
    if rows.size > _MEASURED:
        rows = np.linspace(0, rows.size - 1, _MEASURED).round().astype(np.int64)
    some = np.asarray(signal.values[rows], dtype=np.float64)
    shape = diagnose(signal, market, max_dates=_MEASURED)
    share, names = concentration(some)
    found = information(signal, forward, horizon)
    books = quantile_portfolios(signal, prices, quantiles=2, holding=horizon, delay=delay)
    traded = books.books.weighted_traded
    known = ~np.isnan(traded)
    return CleaningRow(
        name=name,
        skew=shape.skew,
        excess_kurtosis=shape.excess_kurtosis,
        tail_index=tail_index(some),
        largest_share=share,
        effective_names=names,
        ic=found.linear.mean,
        rank_ic=found.rank.mean,
        sharpe=books.performance(books.weighted).sharpe,
        sharpe_net=books.performance(books.weighted_net).sharpe,
        annual_turnover=0.5 * float(traded[known].mean()) * books.periods_per_year
        if known.any()
        else float("nan"),
    )
