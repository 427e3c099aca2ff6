"""Ten style exposures, remade each session from what is public at the close before.

size is log market cap; nonlinear size the cube of it, with size taken out; momentum the decayed log
returns of the past (half-life 126 sessions) without the last 21; residual volatility and liquidity the
logs of usual specific deviation and usual turnover; book-to-price, earnings yield, growth and leverage
come from the newest statement and the market cap; beta is a latent trait that moves slowly (half-life
250 sessions). Each is clipped at three deviations, then given cap-weighted mean 0 and deviation 1.
"""

from __future__ import annotations

import numpy as np

from superhet.data.sources.simulated.recipe import Flags, Floats, Integers
from superhet.data.sources.simulated.statements import Statements
from superhet.data.sources.simulated.structure import Structure

STYLES = (
    "size",
    "beta",
    "momentum",
    "residual_volatility",
    "nonlinear_size",
    "book_to_price",
    "liquidity",
    "earnings_yield",
    "growth",
    "leverage",
)
STYLE_DEVIATION = 1e-4 * np.array([28, 30, 20, 22, 12, 16, 18, 12, 10, 10])
"""Daily deviation of each style return."""

_MOMENTUM_LAG = 21
_MOMENTUM_DECAY = 2.0 ** (-1.0 / 126.0)
_BETA_DECAY = 2.0 ** (-1.0 / 250.0)


class StyleModel:
    """Holds what exposures remember: momentum, beta, and the newest statement of each asset.

    Parameters
    ----------
    structure, statements : lasting facts and accounts
    history : sessions of the pre-history; statements known before the sample are taken in at once
    rng : stream of the betas
    """

    def __init__(
        self,
        structure: Structure,
        statements: Statements,
        history: int,
        rng: np.random.Generator,
    ) -> None:
        n = structure.count
        self._structure, self._statements, self._rng = structure, statements, rng
        self._newest = np.zeros(n, dtype=np.int64)
        for quarter in range(statements.known.shape[0]):
            self._newest[statements.known[quarter] < history] = quarter
        self._recent = np.zeros((_MOMENTUM_LAG, n))
        self._momentum = np.zeros(n)
        self._beta = rng.standard_normal(n)

    def learn(self, session: int, known: list[tuple[int, Integers]], log_return: Floats) -> None:
        """Take in the close of a session: statements that became known, and the log returns."""
        for quarter, assets in known:
            self._newest[assets] = quarter
        slot = session % _MOMENTUM_LAG
        self._momentum = _MOMENTUM_DECAY * self._momentum + self._recent[slot]
        self._recent[slot] = log_return
        shock = self._rng.standard_normal(self._beta.size)
        self._beta = _BETA_DECAY * self._beta + np.sqrt(1.0 - _BETA_DECAY**2) * shock

    def exposures(self, cap: Floats, inside: Flags) -> Floats:
        """Compute exposures, [styles, assets]; 0 outside.

        Parameters
        ----------
        cap : market cap at the last close
        inside : listed assets
        """
        told, newest = self._statements.descriptors, self._newest
        columns = np.arange(newest.size)
        accounts = {name: told[name][newest, columns] for name in told}
        size = _standard(np.log(cap)[None, :], cap, inside)[0]
        cubed = size**3
        slope = cubed[inside] @ size[inside] / max(float(size[inside] @ size[inside]), 1e-12)
        rows = np.stack(
            [
                size,
                self._beta,
                self._momentum,
                np.log(self._structure.volatility),
                cubed - slope * size,
                np.log(accounts["equity"] / cap),
                self._structure.turnover,
                accounts["profit"] / cap,
                accounts["growth"],
                accounts["leverage"],
            ]
        )
        return _standard(rows, cap, inside)


def _standard(rows: Floats, cap: Floats, inside: Flags) -> Floats:
    """Clip at three deviations, then give cap-weighted mean 0 and deviation 1, row by row."""
    count = max(int(inside.sum()), 1)
    weight = np.where(inside, cap, 0.0)
    weight = weight / weight.sum()
    centred = np.where(inside, rows, 0.0)
    centred = np.where(inside, rows - centred.sum(axis=1, keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    z = np.clip(centred / np.maximum(deviation, 1e-12), -3.0, 3.0)
    z = np.where(inside, z - z @ weight[:, None], 0.0)
    mean = z.sum(axis=1, keepdims=True) / count
    spread = np.sqrt(np.maximum((z**2).sum(axis=1, keepdims=True) / count - mean**2, 0.0))
    return np.asarray(z / np.maximum(spread, 1e-12))
