"""Neutralize: take out of a signal what industries, size or other exposures explain.

1. `design` finds the exposures by name                                     -> exposures.py
2. each date is regressed on them, or demeaned by group                     -> kernels.regression
3. what is left is the signal; what was collinear is reported, never silent -> NeutralizeReport

`neutrality` measures what a panel still carries of industry and size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, MinLen

from superhet.errors import ConfigError
from superhet.kernels.cross_section import demean_groups, group_sums
from superhet.kernels.regression import residual_with_report
from superhet.panel import Cube, Market, Panel, require_same_axes
from superhet.preprocess.base import TRANSFORMERS
from superhet.preprocess.exposures import (
    Design,
    Weighting,
    design,
    regression_weights,
    size_exposure,
)
from superhet.preprocess.sections import Floats, Sections, require_names, sections


@dataclass(frozen=True, eq=False, kw_only=True)
class NeutralizeReport:
    """What the regressions of one signal did.

    Parameters
    ----------
    fitted : [dates], names each regression was fitted on
    alone : [dates], names that are alone in their group: their residual is 0 whatever their signal
    dropped : exposure -> number of dates on which it was collinear and left out
    """

    fitted: npt.NDArray[np.int64]
    alone: npt.NDArray[np.int64]
    dropped: dict[str, int]


@TRANSFORMERS.add("neutralize")
@dataclass(kw_only=True, frozen=True)
class Neutralize:
    """Replace a signal by its residual on groups and exposures, one date at a time.

    Parameters
    ----------
    against : "size", classifications ("industry", "board"), fields of the market, or names of `exposures`
    method : "regression", or "group_demean" (one classification, nothing else)
    weights : of the regression or of the group means: "equal", "sqrt_cap", "cap". The residual is
        neutral in these weights: with other than equal ones it is not dollar-neutral by industry
    exposures : further exposures by name, for example of a risk model; in Python only
    min_names : fewest names a regression may be fitted on, unless there are none

    Notes
    -----
    Fitted on the estimable members, applied to all. Names of an unknown industry form a group of their
    own. A name without an exposure gets NaN. A name alone in its group gets 0. One-hot groups stand in
    for the intercept. An exposure that is constant on a date, or a copy of another, is left out there.
    """

    against: Annotated[Sequence[str], MinLen(1)] = ("industry", "size")
    method: Literal["regression", "group_demean"] = "regression"
    weights: Weighting = "equal"
    exposures: Cube | None = None
    min_names: Annotated[int, Ge(2)] = 30

    # a Cube is no plain value: pydantic is told to take it as it is
    __pydantic_config__: ClassVar[dict[str, Any]] = {"arbitrary_types_allowed": True}

    def __post_init__(self) -> None:
        object.__setattr__(self, "against", tuple(self.against))

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Neutralize; the result is a score."""
        return self.transform_with_report(signal, market)[0]

    def transform_with_report(
        self, signal: Panel, market: Market
    ) -> tuple[Panel, NeutralizeReport]:
        """Neutralize and say what was fitted, left alone and left out."""
        cut = sections("neutralize", signal, market, self.min_names)
        found = design(self.against, market, cut.inside, self.exposures)
        weights = regression_weights(self.weights, market)
        if self.method == "regression":
            values, report = regress(cut, found, weights)
        elif found.groups is None or found.names:
            raise ConfigError(
                "against", f"group_demean takes one classification (got {list(self.against)})"
            )
        else:
            values = demean_groups(cut.values, found.groups, weights, cut.inside)
            counts = group_sums(cut.values, found.groups, inside=cut.inside)[1].astype(np.int64)
            report = NeutralizeReport(
                fitted=counts.sum(axis=1), alone=(counts == 1).sum(axis=1), dropped={}
            )
        what = f"neutralize of {signal.name!r}"
        require_names(what, signal.dates, report.fitted, self.min_names)
        return signal.with_values(values, unit="score"), report


@TRANSFORMERS.add("insn")
@dataclass(kw_only=True, frozen=True)
class Insn:
    """Industry- and size-neutralize the tradable pool: filter first, neutralize second.

    The residual of the regression, over the tradable names only, on one-hot industries and the
    standardized logarithm of size. Names outside the pool are NaN: were they removed afterwards, the
    rest would no longer be neutral.

    Parameters
    ----------
    weights : of the regression: "equal" or "sqrt_cap"
    min_names : fewest tradable names a regression may be fitted on, unless there are none

    Notes
    -----
    "INSN" is a house term; the definition is ours. By Frisch-Waugh-Lovell the residual equals demeaning
    signal and size within industries and regressing one on the other. Here alone the statistics come
    from the tradable instead of the estimable names: neutrality must hold over who is traded.
    """

    weights: Literal["equal", "sqrt_cap"] = "equal"
    min_names: Annotated[int, Ge(2)] = 30

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Filter and neutralize; the result is a score."""
        return self.transform_with_report(signal, market)[0]

    def transform_with_report(
        self, signal: Panel, market: Market
    ) -> tuple[Panel, NeutralizeReport]:
        """Do the same and say what was fitted, left alone and left out."""
        pool = market.universe.tradable.values
        cut = sections("insn", signal, market, self.min_names, pool=pool, inside=pool)
        found = design(("industry", "size"), market, cut.inside)
        values, report = regress(cut, found, regression_weights(self.weights, market))
        what = f"insn of {signal.name!r}"
        require_names(what, signal.dates, report.fitted, self.min_names)
        return signal.with_values(values, unit="score"), report


def regress(
    cut: Sections, found: Design, weights: Floats | None
) -> tuple[Floats, NeutralizeReport]:
    """Take the residual of each date, and count what was left alone and left out."""
    values, done = residual_with_report(
        cut.values, found.groups, found.columns, weights, cut.inside
    )
    missing = (~done.kept & (done.fitted > 0)[:, None]).sum(axis=0)
    report = NeutralizeReport(
        fitted=done.fitted,
        alone=done.alone,
        dropped={n: int(m) for n, m in zip(found.names, missing, strict=True) if m},
    )
    return values, report


@dataclass(frozen=True, eq=False, kw_only=True)
class Neutrality:
    """What a panel still carries, each as a fraction of the date's gross (sum of absolute values).

    Parameters
    ----------
    industry_net : [dates], largest absolute sum over one industry; 0 on an empty date
    size_exposure : [dates], absolute sum of value times standardized log size
    """

    industry_net: Floats
    size_exposure: Floats

    @property
    def max_abs_industry_net(self) -> float:
        """The worst date."""
        return float(self.industry_net.max(initial=0.0))

    @property
    def max_abs_size_exposure(self) -> float:
        """The worst date."""
        return float(self.size_exposure.max(initial=0.0))

    def __str__(self) -> str:
        return (
            f"largest industry net {self.max_abs_industry_net:.2e} of gross, "
            f"largest size exposure {self.max_abs_size_exposure:.2e} of gross"
        )


def neutrality(panel: Panel, market: Market) -> Neutrality:
    """Measure the industry and size that a signal or a weight panel carries.

    Size is standardized over the names that have a value; names of an unknown industry count as one
    industry. NaN counts as 0.
    """
    require_same_axes(panel, market.universe.member)
    values = np.nan_to_num(panel.values.astype(np.float64), posinf=0.0, neginf=0.0)
    sums, _ = group_sums(values, market.groups("industry").values)
    size = np.nan_to_num(size_exposure(market, panel.known()))
    gross = np.abs(values).sum(axis=1)
    scale = np.where(gross > 0.0, gross, 1.0)
    return Neutrality(
        industry_net=np.abs(sums).max(axis=1, initial=0.0) / scale,
        size_exposure=np.abs((values * size).sum(axis=1)) / scale,
    )
