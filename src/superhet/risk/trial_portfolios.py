"""Portfolios on which a risk forecast is tried: weights at the close of one date, never of a later one.

random : long, weighted by capitalisation, of names drawn once for all dates
random_active : the same less the cap-weighted market
tilted : the fifth of names with the highest, and the lowest, exposure to a style, less the market
optimised : least forecast variance for a given expected return, which factors alone carry (drawn once)

An expected return of a portfolio that comes from factors, X b, is held at least risk by
h = V⁻¹ X b, with V = X F X' + D. Woodbury's identity makes that D⁻¹ X (1 + F X' D⁻¹ X)⁻¹ b, so that V is
neither made nor inverted. With D small the factor exposures of h are F⁻¹ b: the optimiser buys what F thinks
is safe.

References
----------
Menchero, Wang, Orr (2011), *Eigen-adjusted covariance matrices*, MSCI Research Insight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from superhet.panel import Assets

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
FIFTH = 0.2


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossSection:
    """What is known at the close of one date of the names that can be held.

    Parameters
    ----------
    held : [assets] who can be held: estimable, with all exposures and a specific risk
    exposures : [held names, factors]
    specific : [held names], deviation, annualised
    caps : [held names]
    """

    held: Flags
    exposures: Floats
    specific: Floats
    caps: Floats

    @cached_property
    def market(self) -> Floats:
        """Cap weights, [held names]."""
        found: Floats = self.caps / self.caps.sum()
        return found


class Draws:
    """What is drawn once and kept for all dates, so that a portfolio stays the same one.

    Parameters
    ----------
    assets : an asset's draws depend on its place among all names sorted, not on the order of the axis
    blocks : of the factors
    count : random portfolios, and directions of expected return
    names : of each random portfolio; fewer where half the cross-section is fewer
    seed : of the draws
    """

    def __init__(
        self, assets: Assets, blocks: Sequence[str], *, count: int, names: int, seed: int
    ) -> None:
        order = np.argsort(np.argsort(np.array(assets.values)))
        rng = np.random.default_rng([seed, 1])
        self.lots: Floats = rng.random((count, len(assets)))[:, order]
        self.names = names
        directions = np.random.default_rng([seed, 2]).standard_normal((count, len(blocks)))
        directions[:, [b == "country" for b in blocks]] = 0.0
        self.directions: Floats = directions


def random_weights(section: CrossSection, draws: Draws) -> Floats:
    """Give long cap-weighted portfolios of the names with the lowest lots, [portfolios, held names]."""
    lots = draws.lots[:, section.held]
    count = max(min(draws.names, lots.shape[1] // 2), 1)
    last = np.partition(lots, count - 1, axis=1)[:, count - 1 : count]
    weights = np.where(lots <= last, section.caps, 0.0)
    found: Floats = weights / weights.sum(axis=1, keepdims=True)
    return found


def tilted_weights(section: CrossSection, first_style: int) -> Floats:
    """Give cap-weighted top and bottom fifths by each style less the market, [2 × styles, held names].

    Order: top of each style, then bottom of each.
    """
    styles = section.exposures[:, first_style:].T
    count = max(round(FIFTH * styles.shape[1]), 1)
    out = []
    for sign in (1.0, -1.0):
        chosen = np.argsort(-sign * styles, axis=1, kind="stable")[:, :count]
        weights = np.zeros(styles.shape)
        np.put_along_axis(weights, chosen, section.caps[chosen], axis=1)
        out.append(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300))
    return np.concatenate(out) - section.market


def optimised_weights(section: CrossSection, covariance: Floats, directions: Floats) -> Floats:
    """Give the portfolios of least variance with an expected return of 1, [directions, held names].

    Parameters
    ----------
    covariance : [factors, factors]
    directions : [directions, factors], what factors are expected to return
    """
    scaled = section.exposures / (section.specific**2)[:, None]
    inner = np.eye(len(covariance)) + covariance @ (section.exposures.T @ scaled)
    held = scaled @ np.linalg.solve(inner, directions.T)
    expected = np.einsum("nk,nk->k", section.exposures @ directions.T, held)
    found: Floats = (held / expected).T
    return found


def variances(section: CrossSection, covariance: Floats, weights: Floats) -> Floats:
    """Forecast the variance of portfolios, [portfolios], annualised."""
    loading = weights @ section.exposures
    factor = np.einsum("pj,jk,pk->p", loading, covariance, loading)
    found: Floats = factor + (weights**2) @ section.specific**2
    return found
