"""Summary of a series of one number a date: mean, deviation, and an honest error of the mean.

Information coefficients of overlapping horizons repeat themselves: with a horizon of 20 sessions,
nineteen twentieths of today's forward return are in yesterday's. The naive t-statistic is then several
times too large; the error here is Newey and West's, with at least `horizon` lags.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.kernels.covariance import newey_west_mean_variance

Series = npt.NDArray[np.float64]
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class SeriesSummary:
    """What one number a date says on average.

    Parameters
    ----------
    count : dates on which it is known
    mean : over those dates
    std : sample deviation (ddof 1)
    icir : mean / std, per date, not annualised
    win_rate : share of dates with the expected sign
    t : mean / its Newey-West standard error
    low, high : 95 % interval of the mean from the same error
    """

    count: int
    mean: float
    std: float
    icir: float
    win_rate: float
    t: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean."""
        return self.low, self.high

    def to_dict(self) -> dict[str, float | None]:
        """Give the numbers by name; what is not known is None."""
        return {name: plain(value) for name, value in asdict(self).items()}


def newey_west_lags(count: int, horizon: int) -> int:
    """Choose the lags: the horizon, or 4 (n / 100)^(2/9) where that is more.

    Examples
    --------
    >>> newey_west_lags(1000, 20), newey_west_lags(1000, 1)
    (20, 6)
    """
    return max(horizon, int(4.0 * (count / 100.0) ** (2.0 / 9.0)))


def summarize_series(series: Series, horizon: int, expected_sign: int = 1) -> SeriesSummary:
    """Summarize a series of one number a date.

    Parameters
    ----------
    series : [dates]; NaN dates are left out, but keep their place in time for the autocorrelation
    horizon : dates over which neighbouring values overlap
    expected_sign : 1 or -1, the sign that counts as a win
    """
    known = series[~np.isnan(series)]
    n, nothing = known.size, float("nan")
    if n == 0:
        return SeriesSummary(count=0, **dict.fromkeys(_NUMBERS, nothing))
    mean = float(known.mean())
    std = float(known.std(ddof=1)) if n > 1 else nothing
    error = math.sqrt(newey_west_mean_variance(series, newey_west_lags(n, horizon)))
    moves = std > 1e-15 and error > 1e-15
    return SeriesSummary(
        count=n,
        mean=mean,
        std=std,
        icir=mean / std if moves else nothing,
        win_rate=float(np.mean(known * expected_sign > 0)),
        t=mean / error if moves else nothing,
        low=mean - _NORMAL_95 * error,
        high=mean + _NORMAL_95 * error,
    )


_NUMBERS = ("mean", "std", "icir", "win_rate", "t", "low", "high")


def plain(value: Any) -> Any:
    """Turn numpy numbers, arrays and dates into what JSON knows; NaN becomes None."""
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
