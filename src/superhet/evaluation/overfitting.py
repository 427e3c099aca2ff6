"""How much of a good backtest is choice: deflated Sharpe ratio, probability of backtest overfitting."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from superhet.errors import ConfigError, DataError

Floats = npt.NDArray[np.float64]
_CHUNK = 1 << 20  # numbers held at once


@dataclass(frozen=True, eq=False, kw_only=True)
class Overfitting:
    """How the best of one half of the time does in the other half, over all ways to halve it.

    Parameters
    ----------
    probability : share of ways in which the best lands in the lower half of the trials
    logits : [ways], log(w / (1 - w)) of the best one's relative rank w out of sample; 0 = the middle
    in_sample, out_of_sample : [ways], Sharpe ratio of the chosen trial, per period
    loss : share of ways in which the chosen trial's mean return out of sample is below 0
    splits : blocks of time
    """

    probability: float
    logits: Floats = field(repr=False)
    in_sample: Floats = field(repr=False)
    out_of_sample: Floats = field(repr=False)
    loss: float
    splits: int


def expected_maximum_sharpe(trials: float, variance_of_trials: float) -> float:
    """Give the Sharpe ratio that the best of some trials without skill is expected to show.

    Parameters
    ----------
    trials : independent trials, at least 1
    variance_of_trials : of their Sharpe ratios, per period squared

    Notes
    -----
    √V ((1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e))), γ = 0.5772 (Euler and Mascheroni); 0 for one trial.

    References
    ----------
    Bailey & López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio Management 40(5).
    """
    if trials < 1:
        raise ConfigError("trials", f"must be at least 1 (got {trials})")
    if trials == 1:
        return 0.0
    first = ndtri(1.0 - 1.0 / trials)
    second = ndtri(1.0 - 1.0 / (trials * math.e))
    scale = math.sqrt(max(variance_of_trials, 0.0))
    return float(scale * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second))


def deflated_sharpe(
    sharpe: float,
    count: int,
    skew: float,
    kurtosis: float,
    trials: float,
    variance_of_trials: float,
) -> float:
    """Give the probability that a Sharpe ratio is more than the luck of so many trials.

    Parameters
    ----------
    sharpe : of the chosen one, per period, not annualised
    count : periods
    skew, kurtosis : of its returns; the kurtosis of a normal law is 3
    trials : independent trials among which it was chosen
    variance_of_trials : of the trials' Sharpe ratios, per period squared

    Returns
    -------
    in [0, 1]; NaN where something is not known, or the moments fit no law

    References
    ----------
    Bailey & López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio Management 40(5).
    """
    threshold = expected_maximum_sharpe(trials, variance_of_trials)
    error = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if count < 2 or not error > 0.0:
        return float("nan")
    return float(ndtr((sharpe - threshold) * math.sqrt(count - 1.0) / math.sqrt(error)))


def probability_of_backtest_overfitting(returns: Floats, splits: int = 16) -> Overfitting:
    """Choose the best trial on every half of the time and see where it lands on the other half.

    Parameters
    ----------
    returns : [dates, trials], per period; NaN dates of a trial are left out
    splits : blocks of time, even, at least 2; there are splits! / (splits/2)!² ways to halve them

    Raises
    ------
    DataError
        with fewer than two trials, or fewer than two dates a block

    Notes
    -----
    Combinatorially symmetric cross-validation with the Sharpe ratio (ddof 1) as measure. The relative rank
    is rank / (trials + 1), average for ties; a trial that does not move or is not known has the lowest.

    References
    ----------
    Bailey, Borwein, López de Prado & Zhu (2017), "The probability of backtest overfitting", Journal of
    Computational Finance 20(4).
    """
    values = np.asarray(returns, dtype=np.float64)
    if splits < 2 or splits % 2:
        raise ConfigError("splits", f"must be even and at least 2 (got {splits})")
    dates, trials = values.shape
    if trials < 2 or dates < 2 * splits:
        raise DataError(
            f"{trials} trials on {dates} dates: at least 2 trials and {2 * splits} dates are needed"
        )
    blocks = _block_sums(values, splits)
    whole = blocks.sum(axis=1)
    found: dict[str, list[Floats]] = {"logits": [], "inside": [], "outside": [], "mean": []}
    for chosen in _halves(splits, trials):
        inside = np.einsum("ws,ksn->kwn", chosen, blocks)
        outside = whole[:, None, :] - inside
        here, there = _sharpe(inside), _sharpe(outside)
        best = here.argmax(axis=1)
        way = np.arange(len(best))
        chosen_there = there[way, best][:, None]
        above = (there < chosen_there).sum(axis=1) + 0.5 * (there == chosen_there).sum(axis=1)
        rank = (above + 0.5) / (trials + 1.0)  # its average rank
        found["logits"].append(np.log(rank / (1.0 - rank)))
        found["inside"].append(here[way, best])
        found["outside"].append(there[way, best])
        found["mean"].append(outside[1, way, best])
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    return Overfitting(
        probability=float(np.mean(joined["logits"] <= 0.0)),
        logits=joined["logits"],
        in_sample=_unknown(joined["inside"]),
        out_of_sample=_unknown(joined["outside"]),
        loss=float(np.mean(joined["mean"] < 0.0)),
        splits=splits,
    )


def _block_sums(values: Floats, splits: int) -> Floats:
    """Count, add and square the returns of each block, [3, splits, trials]."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    starts = np.linspace(0, len(values), splits + 1).astype(int)[:-1]
    parts = (known.astype(np.float64), filled, filled**2)
    return np.stack([np.add.reduceat(part, starts, axis=0) for part in parts])


def _halves(splits: int, trials: int) -> Iterator[Floats]:
    """Give every way to take half of the blocks, some at a time, [ways, splits] of 0 and 1."""
    taken = np.array(list(combinations(range(splits), splits // 2)))
    step = max(1, _CHUNK // trials)
    for begin in range(0, len(taken), step):
        some = taken[begin : begin + step]
        chosen = np.zeros((len(some), splits))
        np.put_along_axis(chosen, some, 1.0, axis=1)
        yield chosen


def _sharpe(sums: Floats) -> Floats:
    """Give mean / deviation from count, sum and squares, [ways, trials]; -inf where it does not exist."""
    count, total, squares = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = (squares - count * mean**2) / (count - 1.0)
        exists = (count > 1.0) & (variance > 1e-15 * np.maximum(squares, 1e-300))
        return np.where(exists, mean / np.sqrt(np.where(exists, variance, 1.0)), -np.inf)


def _unknown(values: Floats) -> Floats:
    return np.where(np.isinf(values), np.nan, values)
