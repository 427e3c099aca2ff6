"""Ten style exposures by CNE5's definitions, remade each session from what is public at the close before.

1. descriptors: log market cap; what past prices say of beta, momentum and volatility (module `memory`);
   book, cash earnings and earnings of the newest statement to the market cap, growth of earnings and sales
   over five fiscal years, liabilities to assets (module `told`)                        -> _described
2. winsorised, standardised, added up with their weights (module `cross_section`); nonlinear size is the
   cube of size. Size is taken out of it and of liquidity, size and beta out of residual volatility
                                                                                       -> exposures

So a risk model that measures CNE5's styles measures what moves returns, but for small noise: liquidity is the
lasting usual turnover, which trades show through their noise; restatements move nothing; and what
`memory` says of windows. Where CNE5 asks analysts there are none, and of its leverage statements show one
descriptor of three, having no long-term debt.
"""

from __future__ import annotations

import numpy as np

from superhet.data.sources.simulated.cross_section import mixed, scores, standardized, without
from superhet.data.sources.simulated.memory import PriceMemory
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
STYLE_DEVIATION = 1e-4 * np.array([28, 30, 20, 22, 16, 18, 18, 18, 14, 14])
"""Daily deviation of each style return."""

_MIXED = {
    "volatility": {"deviation": 0.74, "range": 0.16, "residual": 0.10},
    "earnings_yield": {"cash_to_price": 0.21, "earnings_to_price": 0.11},
    "growth": {"earnings_growth": 0.24, "sales_growth": 0.47},
}
"""Styles of several descriptors, with their weights; analysts, whom CNE5 asks as well, there are none."""
_BETA_DEVIATION = 0.2


class StyleModel:
    """Holds what exposures remember: past returns, and the newest statement of each asset.

    Parameters
    ----------
    structure, statements : lasting facts and accounts
    history : sessions of the pre-history; statements known before the sample are taken in at once
    rng : stream of the betas that the past before the sample had
    """

    def __init__(
        self,
        structure: Structure,
        statements: Statements,
        history: int,
        rng: np.random.Generator,
    ) -> None:
        n = structure.count
        self._structure, self._statements = structure, statements
        self._newest, self._columns = np.zeros(n, dtype=np.int64), np.arange(n)
        for quarter in range(statements.known.shape[0]):
            self._newest[statements.known[quarter] < history] = quarter
        beta = 1.0 + _BETA_DEVIATION * rng.standard_normal(n)
        self._prices = PriceMemory(structure.volatility, beta)
        self._weight = np.zeros(n)

    def learn(self, known: list[tuple[int, Integers]], returns: Floats, traded: Flags) -> None:
        """Take in the close of a session.

        Parameters
        ----------
        known : statements that became known, (quarter, assets)
        returns, traded : simple returns, [assets], known where `traded`
        """
        for quarter, assets in known:
            self._newest[assets] = quarter
        market = float((self._weight * np.where(traded, returns, 0.0)).sum())
        self._prices.learn(returns, market, traded)

    def exposures(self, cap: Floats, inside: Flags) -> Floats:
        """Compute exposures, [styles, assets]; 0 outside, and where nothing is known yet.

        Parameters
        ----------
        cap : market cap at the last close
        inside : listed assets
        """
        self._weight = np.where(inside, cap, 0.0) / cap[inside].sum()
        raw = self._described(cap)
        made = dict(zip(raw, scores(np.stack([*raw.values()]), cap, inside), strict=True))
        for name, parts in _MIXED.items():
            scored = np.stack([made[part] for part in parts])
            made[name] = mixed(scored, np.array([*parts.values()]), cap)
        size, pair = made["size"][None, :], np.stack([made["size"], made["beta"]])
        cubed = standardized(size**3, cap)[0]
        made["nonlinear_size"], made["liquidity"] = without(
            np.stack([cubed, made["turnover"]]), size, cap
        )
        made["residual_volatility"] = without(made["volatility"][None, :], pair, cap)[0]
        return np.asarray(np.nan_to_num(np.stack([made[name] for name in STYLES])))

    def _described(self, cap: Floats) -> dict[str, Floats]:
        """Give all descriptors, [assets] each."""
        told = self._statements.descriptors
        newest = {name: rows[self._newest, self._columns] for name, rows in told.items()}
        return {
            "size": np.log(cap),
            **self._prices.described(),
            "turnover": self._structure.turnover,
            "book_to_price": newest["equity"] / cap,
            "cash_to_price": newest["cash_earnings"] / cap,
            "earnings_to_price": newest["earnings"] / cap,
            "earnings_growth": newest["earnings_growth"],
            "sales_growth": newest["sales_growth"],
            "leverage": newest["debt_to_assets"],
        }
