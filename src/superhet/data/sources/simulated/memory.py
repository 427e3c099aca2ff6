"""What the closes so far say of beta, momentum and volatility, by CNE5's definitions.

Beta and residual deviation are those of the regression on the cap-weighted market (half-life 63
sessions), the deviation is that of returns (42), the range that of the cumulative log returns of the last
1 to 12 months of 21 sessions, momentum the mean log return (126) without the last 21 sessions.

Two things differ from the published descriptors. Windows have no sharp end: a return fades, and is not
dropped after one or two years. And before the first own returns there is a past: sums begin as if returns
had had the usual deviation of the asset and a beta of its own for ever, and fade as others do. A session
without trade is not known, and adds nothing.
"""

from __future__ import annotations

import numpy as np

from superhet.data.sources.simulated.recipe import Flags, Floats

_LAG, _MONTH, _MONTHS = 21, 21, 12
_LINE = 2.0 ** (-1.0 / 63.0)
_SPREAD = 2.0 ** (-1.0 / 42.0)
_MOMENTUM = 2.0 ** (-1.0 / 126.0)
_MOMENTUM_LEAST = 252
_RANGE_LEAST = 126
_MARKET_DEVIATION = 0.012
_OTHER_DEVIATION = 0.018


class PriceMemory:
    """Sums of past returns of each asset, from which descriptors are read.

    Parameters
    ----------
    deviation : [assets], usual daily deviation of specific returns, of the past before the first return
    beta : [assets], slope on the market of that past
    """

    def __init__(self, deviation: Floats, beta: Floats) -> None:
        n, market = beta.size, _MARKET_DEVIATION**2
        other = deviation**2 + _OTHER_DEVIATION**2
        # sums of 1, x, y, xx, xy, yy, with x the market's return and y the asset's
        one, none, total = np.ones(n), np.zeros(n), beta**2 * market + other
        line = np.stack([one, none, none, one * market, beta * market, total])
        self._line = line / (1.0 - _LINE)
        self._spread = np.stack([one, none, total]) / (1.0 - _SPREAD)
        self._momentum = np.zeros((2, n))  # sums of 1 and of log returns
        self._recent = np.zeros((_LAG, 2, n))
        self._sums = np.zeros(
            (_MONTH * _MONTHS + 1, n)
        )  # log returns up to each of the last closes
        self._known = np.zeros(
            (2, n), dtype=np.int64
        )  # sessions with trade, and those of them in momentum
        self._began = np.zeros(n, dtype=bool)
        self._session = 0

    def learn(self, returns: Floats, market: float, traded: Flags) -> None:
        """Take in the simple returns of a session, known where `traded`, and that of the market."""
        one = traded.astype(np.float64)
        y, x = np.where(traded, returns, 0.0), market * one
        log = np.log1p(y)
        self._began |= traded
        self._line *= np.where(self._began, _LINE, 1.0)
        self._line += np.stack([one, x, y, x * x, x * y, y * y])
        self._spread *= np.where(self._began, _SPREAD, 1.0)
        self._spread += np.stack([one, y, y * y])
        old = self._recent[self._session % _LAG]
        self._momentum *= _MOMENTUM
        self._momentum += old
        self._known += np.stack([traded, old[0] > 0.0])
        self._recent[self._session % _LAG] = np.stack([one, log])
        ring = len(self._sums)
        before = self._sums[self._session % ring]
        self._session += 1
        self._sums[self._session % ring] = before + log

    def described(self) -> dict[str, Floats]:
        """Give `beta`, `momentum`, `deviation`, `range` and `residual`, [assets]; NaN where not known yet."""
        slope, residual = self._fitted()
        weight, total, square = self._spread
        least = min(_MOMENTUM_LEAST, max(self._session - _LAG, 2) // 2)
        mass = np.where(self._known[1] >= least, self._momentum[0], np.nan)
        return {
            "beta": slope,
            "momentum": self._momentum[1] / np.where(mass > 0.0, mass, np.nan),
            "deviation": np.sqrt(square / weight - (total / weight) ** 2),
            "range": self._range(),
            "residual": residual,
        }

    def _fitted(self) -> tuple[Floats, Floats]:
        """Give slope and residual deviation of the line on the market."""
        weight, x, y, xx, xy, yy = self._line
        spread = xx / weight - (x / weight) ** 2
        together = xy / weight - x * y / weight**2
        slope = together / spread
        left = yy / weight - (y / weight) ** 2 - slope * together
        return slope, np.sqrt(np.maximum(left, 0.0))

    def _range(self) -> Floats:
        ring = len(self._sums)
        begins = np.maximum(self._session - _MONTH * np.arange(1, _MONTHS + 1), 0) % ring
        past = self._sums[begins]
        known = self._known[0] >= _RANGE_LEAST
        return np.where(known, past.max(axis=0) - past.min(axis=0), np.nan)
