"""Everything that a factor model has found out about a market, in arrays: what files are made of.

Exposures of row t are those of the close of t; the factor return and the specific return of row t come of the
returns of t and the exposures of t - 1; covariance and specific risk of row t were known at its close.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError
from superhet.panel import Assets, Dates, RiskSnapshot
from superhet.panel.axes import DateLike

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
ANNUAL = 252
"""Sessions a year, wherever a rate or a risk of one is turned into that of the other."""
REASONS = ("new_listing", "suspended", "limit_locked", "without_cap")
"""Why a name of the estimation universe is not fitted on a date; it may have several reasons."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """How well the regressions of the dates fitted; NaN where a date had none.

    Parameters
    ----------
    t : [dates, factors], factor return over its standard error
    r2, r2_centred : [dates], 1 - sum(v u²) / sum(v r²), as Barra states it; about the weighted mean
    vif : [dates, styles], variance inflation of each style among all columns
    identity_error : [dates], largest relative departure from X'Vu = 0 and from the constraint
    names : [dates], names fitted
    left_out : [dates, REASONS], names of the estimation universe that were not fitted
    clipped, outliers : [dates], returns clipped past the price limit; where there is none, as outliers
    """

    t: Floats
    r2: Floats
    r2_centred: Floats
    vif: Floats
    identity_error: Floats
    names: Integers
    left_out: Integers
    clipped: Integers
    outliers: Integers

    @property
    def counts(self) -> dict[str, int]:
        """Name-dates that were not fitted, by reason, and those that were clipped; all dates together."""
        out = dict(zip(REASONS, self.left_out.sum(axis=0).tolist(), strict=True))
        return out | {"clipped": int(self.clipped.sum()), "outliers": int(self.outliers.sum())}


@dataclass(frozen=True, eq=False, kw_only=True)
class SpecificPairs:
    """Pairs of assets whose specific returns are correlated, of the dates on which factors were found.

    Parameters
    ----------
    dates : [pairs], at whose close the pair was known; it stands until the next such date
    one, other : [pairs], positions of the assets, the smaller first
    covariance : [pairs], annualised
    """

    dates: npt.NDArray[np.datetime64]
    one: Integers
    other: Integers
    covariance: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class RiskEstimates:
    """A fitted factor model.

    Parameters
    ----------
    model : name and settings, ready for JSON
    dates, assets : the axes
    factors : names: country, the industries, the styles and the factors of the user
    blocks : of each: "country", "industry", "style" or "user"
    styles : [styles, dates, assets] exposures to what is neither country nor industry; NaN = not known
    codes : [dates, assets] industry, counted from the first industry; -1 = not known
    caps : [dates, assets]
    estimable : [dates, assets], in the estimation universe, with a cap and an industry
    returns : [dates, assets], total return, as it was on the market
    factor_returns : [dates, factors], fraction a session; NaN = not known
    residual : [dates, assets], specific return
    fit : how well the regressions fitted
    covariance : [dates, factors, factors], annualised; NaN = not known
    unadjusted : the same without the eigenfactor adjustment; None = not computed
    specific : [dates, assets], specific risk (a deviation), annualised; NaN = not known
    pairs : specific returns that are correlated (POET); None = the model has none
    notes : facts about the data, in words
    """

    model: Mapping[str, Any]
    dates: Dates
    assets: Assets
    factors: tuple[str, ...]
    blocks: tuple[str, ...]
    styles: Floats
    codes: Codes
    caps: Floats
    estimable: Flags
    returns: Floats
    factor_returns: Floats
    residual: Floats
    fit: Fit
    covariance: Floats
    specific: Floats
    unadjusted: Floats | None = None
    pairs: SpecificPairs | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def style_names(self) -> tuple[str, ...]:
        """Names of the first axis of `styles`: styles, then factors of the user."""
        return tuple(self.factors[k] for k in range(self.first_style, len(self.factors)))

    @property
    def industry_names(self) -> tuple[str, ...]:
        """Names of the industry codes."""
        return tuple(n for n, b in zip(self.factors, self.blocks, strict=True) if b == "industry")

    @property
    def first_style(self) -> int:
        """Position of the first factor that is neither country nor industry."""
        return sum(b in ("country", "industry") for b in self.blocks)

    def exposures(self, row: int) -> Floats:
        """Give the exposures of one date, [assets, factors]; no industry is all zeros there."""
        return exposure_matrix(self.codes[row], self.styles[:, row], self.blocks)

    def at(self, date: DateLike) -> RiskSnapshot:
        """Give the risk as it was known at the close of a date.

        A factor without a covariance yet is left out. An asset that lacks a style or an industry, or is of an
        industry that has no covariance yet, has no exposures and no specific variance (NaN).

        Raises
        ------
        AxisMismatch
            if the date is no session of the model
        DataError
            if no covariance is known yet on that date
        """
        row = self.dates.index(date)
        return snapshot(self, row, self.covariance[row], self.specific[row])


def snapshot(of: RiskEstimates, row: int, covariance: Floats, specific: Floats) -> RiskSnapshot:
    """Put the parts of one date together; what each leaves unknown stays unknown."""
    known = ~np.isnan(np.diagonal(covariance))
    if not known.any():
        raise DataError(
            f"no factor covariance is known on {of.dates.values[row]}: factors have too few returns by then. "
            f"Ask for a later date; the model begins with {of.dates.describe()}."
        )
    exposed = of.exposures(row)
    if of.industry_names:
        exposed[of.codes[row] < 0] = np.nan
    exposed[homeless(exposed, known, of.blocks)] = np.nan
    exposed = exposed[:, known]
    bare = np.isnan(exposed).any(axis=1)
    exposed[bare] = np.nan
    return RiskSnapshot(
        date=of.dates.values[row],
        assets=of.assets,
        factors=tuple(n for n, k in zip(of.factors, known, strict=True) if k),
        exposures=exposed,
        factor_covariance=covariance[np.ix_(known, known)],
        specific_variance=np.where(bare, np.nan, specific**2),
    )


def exposure_matrix(codes: Codes, styles: Floats, blocks: tuple[str, ...]) -> Floats:
    """Lay country, industries and styles side by side, [assets, factors].

    Parameters
    ----------
    codes : [assets]; styles : [styles, assets]; blocks : of each factor
    """
    out = np.zeros((codes.size, len(blocks)))
    first = len(blocks) - len(styles)
    before = blocks[:first]
    for k, block in enumerate(before):
        if block == "country":
            out[:, k] = 1.0
    industry = before.index("industry") if "industry" in before else first
    there = np.flatnonzero(codes >= 0)
    if industry < first:
        out[there, industry + codes[there]] = 1.0
    out[:, first:] = styles.T
    return out


def homeless(exposed: Floats, known: Flags, blocks: tuple[str, ...]) -> Flags:
    """Say which assets are of an industry whose covariance is not known, [assets].

    Parameters
    ----------
    exposed : [assets, factors]; known : [factors]; blocks : of each factor
    """
    missing = ~known & np.array([b in ("country", "industry") for b in blocks])
    found: Flags = (np.nan_to_num(exposed[:, missing]) != 0.0).any(axis=1)
    return found


def anything(styles: Floats, returns: Floats, caps: Floats) -> Flags:
    """Say where anything is known of an asset, [dates, assets]; its industry alone does not count."""
    found: Flags = ~np.isnan(returns) | ~np.isnan(caps)
    for style in styles:
        found |= ~np.isnan(style)
    return found


def rows_from(of: RiskEstimates, first: np.datetime64) -> RiskEstimates:
    """Keep the dates from `first` on."""
    key = of.dates.between(first, None)
    cut = {
        name: getattr(of, name)[key]
        for name in (
            "codes",
            "caps",
            "estimable",
            "returns",
            "factor_returns",
            "residual",
            "covariance",
            "specific",
        )
    }
    fit = Fit(**{f.name: getattr(of.fit, f.name)[key] for f in fields(Fit)})
    return replace(
        of,
        dates=of.dates[key],
        styles=of.styles[:, key],
        fit=fit,
        unadjusted=None if of.unadjusted is None else of.unadjusted[key],
        pairs=None if of.pairs is None else _pairs_from(of.pairs, first),
        **cut,
    )


def _pairs_from(of: SpecificPairs, first: np.datetime64) -> SpecificPairs:
    """Keep the pairs that stand on `first` or come later; those that stood before it, as they were told."""
    known = np.unique(of.dates[of.dates <= first])
    kept = of.dates >= (known[-1] if known.size else first)
    return SpecificPairs(**{f.name: getattr(of, f.name)[kept] for f in fields(SpecificPairs)})
