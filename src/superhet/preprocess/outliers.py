"""Winsorize: pull outliers in to a bound, one date at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from superhet.errors import ConfigError
from superhet.kernels.cross_section import clip_mad, clip_std, winsorize_quantile
from superhet.panel import Market, Panel
from superhet.preprocess.base import TRANSFORMERS
from superhet.preprocess.sections import sections

Share = Annotated[float, Ge(0), Le(1)]


@TRANSFORMERS.add("winsorize")
@dataclass(kw_only=True, frozen=True)
class Winsorize:
    """Clip each date at bounds measured on its estimable members.

    Exactly one of the three rules may be given; without any it is ``mad: 5``. In YAML
    ``winsorize: {mad: 5}``, ``{std: 3}``, ``{quantile: 0.01}`` (both tails) or
    ``{quantile: [0.01, 0.99]}``.

    Parameters
    ----------
    mad : clip at median ± mad · 1.4826 · median absolute deviation; a date on which more than half of
        the names share one value has no such scale and is left as it is
    std : clip at mean ± std population deviations
    quantile : clip at the quantiles (q, 1 - q), or at (lower, upper)
    min_names : fewest known estimable names a date may have, unless it has none

    Notes
    -----
    Infinite values are clipped to the bound like any outlier. The MAD rule is the usual one in China
    (中位数去极值, k = 3 to 5) because the outliers do not move their own bound.
    """

    mad: Annotated[float, Gt(0)] | None = None
    std: Annotated[float, Gt(0)] | None = None
    quantile: Annotated[float, Gt(0), Lt(0.5)] | tuple[Share, Share] | None = None
    min_names: Annotated[int, Ge(2)] = 30

    def __post_init__(self) -> None:
        rules = {"mad": self.mad, "std": self.std, "quantile": self.quantile}
        given = [name for name, value in rules.items() if value is not None]
        if len(given) > 1:
            raise ConfigError("", f"give one of mad, std, quantile, not {' and '.join(given)}")
        if not given:
            object.__setattr__(self, "mad", 5.0)
        if self.quantile is not None:
            lower, upper = self._shares()
            if not 0.0 <= lower < upper <= 1.0:
                raise ConfigError(
                    "quantile", f"needs 0 <= lower < upper <= 1 (got {self.quantile})"
                )

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Clip; the unit stays."""
        cut = sections("winsorize", signal, market, self.min_names)
        if self.mad is not None:
            values = clip_mad(cut.values, self.mad, cut.inside)
        elif self.std is not None:
            values = clip_std(cut.values, self.std, cut.inside)
        else:
            values = winsorize_quantile(cut.values, *self._shares(), cut.inside)
        return signal.with_values(values)

    def _shares(self) -> tuple[float, float]:
        if isinstance(self.quantile, int | float):
            return float(self.quantile), 1.0 - float(self.quantile)
        lower, upper = self.quantile or (0.0, 1.0)
        return float(lower), float(upper)
