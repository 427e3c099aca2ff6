"""RiskSnapshot: the risk of one date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch
from superhet.panel.axes import Assets

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class RiskSnapshot:
    """Exposures, factor covariance and specific variance of one date, annualised.

    Parameters
    ----------
    date : the date at whose close the snapshot is known
    assets : [assets]
    factors : names, [factors]
    exposures : [assets, factors]
    factor_covariance : [factors, factors], annualised
    specific_variance : [assets], annualised
    """

    date: np.datetime64
    assets: Assets
    factors: tuple[str, ...]
    exposures: Vector
    factor_covariance: Vector
    specific_variance: Vector

    def __post_init__(self) -> None:
        n, k = len(self.assets), len(self.factors)
        shapes = (
            self.exposures.shape,
            self.factor_covariance.shape,
            self.specific_variance.shape,
        )
        if shapes != ((n, k), (k, k), (n,)):
            raise AxisMismatch(f"risk snapshot of {n} assets and {k} factors has shapes {shapes}")

    def volatility(self, weights: Vector) -> float:
        """Forecast the annualised volatility of a portfolio, weights [assets] as fractions."""
        held = np.nan_to_num(weights)
        loading = held @ np.nan_to_num(self.exposures)
        variance = loading @ self.factor_covariance @ loading
        variance += float(np.sum(held**2 * np.nan_to_num(self.specific_variance)))
        return float(np.sqrt(max(float(variance), 0.0)))
