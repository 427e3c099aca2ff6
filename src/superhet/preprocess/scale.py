"""Scale: make the values of different dates, and of different signals, comparable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from superhet.kernels.cross_section import rank_normalize, zscore
from superhet.panel import Market, Panel
from superhet.preprocess.base import TRANSFORMERS
from superhet.preprocess.sections import sections


@TRANSFORMERS.add("standardize")
@dataclass(kw_only=True, frozen=True)
class Standardize:
    """Give every date mean 0 and deviation 1, as measured on the estimable members.

    Parameters
    ----------
    mean : "equal", or "cap" so that the cap-weighted market has exposure 0 (Barra's convention); the
        deviation is equally weighted, with divisor n, either way
    min_names : fewest known estimable names a date may have, unless it has none

    Notes
    -----
    A date on which all names have one value gives 0. Infinite values become NaN: clip them first.
    """

    mean: Literal["equal", "cap"] = "equal"
    min_names: Annotated[int, Ge(2)] = 30

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Standardize; the result is a score."""
        cut = sections("standardize", signal, market, self.min_names)
        caps = market[market.size].values if self.mean == "cap" else None
        return signal.with_values(zscore(cut.values, cut.inside, caps), unit="score")


@TRANSFORMERS.add("rank_normalize")
@dataclass(kw_only=True, frozen=True)
class RankNormalize:
    """Map the ranks of every date to normal scores: any shape becomes the bell.

    The score is the normal quantile of (rank - 0.5)/n among the estimable members; another member gets
    the score of the place it would take among them.

    Parameters
    ----------
    min_names : fewest known estimable names a date may have, unless it has none
    """

    min_names: Annotated[int, Ge(2)] = 30

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Rank-normalize; the result is a score."""
        cut = sections("rank_normalize", signal, market, self.min_names)
        return signal.with_values(rank_normalize(cut.values, cut.inside), unit="score")
