"""All exposures of a model: country, industries, styles and factors of the user.

Stamped *t*, exposures are those of the close of *t*; the regression of the returns of a date takes those
of the session before. Industries are one code a name, never a matrix of zeros and ones.

1. industries of a scheme, as they were on each date   -> industries
2. styles                                              -> styles.style_exposures
3. factors of the user, standardised as styles are     -> _user_factors
4. factors that say what others say already            -> _insist_on_something_new
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, DataError
from superhet.kernels.ranking import still
from superhet.kernels.risk_styles import prepare_inside
from superhet.panel import Cube, Market, Panel
from superhet.panel.axes import require_same_axes
from superhet.risk.estimates import exposure_matrix
from superhet.risk.model_table import ModelTable, read_table
from superhet.risk.styles import StyleExposures, standardize_factor, style_exposures

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
COUNTRY = "country"
_COLLINEAR = 1e-8
"""Share of its variation that a factor must keep once all others are taken out."""
_LOOKED_AT = 12


@dataclass(frozen=True, eq=False, kw_only=True)
class Industries:
    """Industry codes as they were on each date.

    Parameters
    ----------
    scheme : name of the classification
    codes : [dates, assets] int32, -1 = no industry is known
    labels : code -> name
    thin : fewer estimable names than this make an industry thin
    names : [dates, industries], estimable names in each
    without : [dates], estimable names without an industry: the regression leaves them out
    """

    scheme: str
    codes: Codes
    labels: tuple[str, ...]
    thin: int
    names: npt.NDArray[np.int64]
    without: npt.NDArray[np.int64]

    @cached_property
    def thin_dates(self) -> dict[str, int]:
        """Industries that are thin on some date, with the number of such dates; empty ones do not count."""
        few = ((self.names > 0) & (self.names < self.thin)).sum(axis=0)
        return {label: int(n) for label, n in zip(self.labels, few, strict=True) if n}


@dataclass(frozen=True, eq=False, kw_only=True)
class Exposures:
    """Everything that the cross-section regression needs to know of the assets.

    Parameters
    ----------
    names : of the factors: country, the industries, the styles and the factors of the user
    blocks : of each: "country", "industry", "style" or "user"
    styles : [styles and factors of the user, dates, assets] at the close of each date; NaN = not known
    industries : codes [dates, assets] with labels
    caps : [dates, assets]
    estimable : [dates, assets]: in the estimation universe, with a cap and an industry
    made : how the styles were made
    """

    names: tuple[str, ...]
    blocks: tuple[str, ...]
    styles: Floats
    industries: Industries
    caps: Floats
    estimable: npt.NDArray[np.bool_]
    made: StyleExposures

    @property
    def style_names(self) -> tuple[str, ...]:
        """Names of the first axis of `styles`."""
        return tuple(
            n for n, b in zip(self.names, self.blocks, strict=True) if b in ("style", "user")
        )

    def matrix(self, date: int) -> Floats:
        """Give the whole matrix of one date, [assets, factors]; no industry is all zeros, NaN styles stay."""
        return exposure_matrix(self.industries.codes[date], self.styles[:, date], self.blocks)


def industries(
    market: Market,
    scheme: str = "industry",
    *,
    thin: int = 5,
    estimable: Panel | None = None,
) -> Industries:
    """Give a classification with its history, and say where it is thin.

    A factor return of an industry with few names is their own return; the regression leans it on the
    market's (see `kernels.risk_regression`). Names without an industry are left out of the regression and
    counted.

    Parameters
    ----------
    market : has the classification among its groups
    scheme : name of the classification: "industry" (of the scheme that was loaded), "board", or any other
    thin : fewer estimable names than this make an industry thin
    estimable : the estimation universe; None = that of the market

    Raises
    ------
    UnknownName
        if the market has no such classification
    DataError
        if no asset of the estimation universe has an industry on any date
    """
    panel = market.groups(scheme)
    codes: Codes = still(np.ascontiguousarray(panel.values, dtype=np.int32))
    inside = market.universe.estimable.values if estimable is None else estimable.values
    labels = panel.labels or tuple(str(k) for k in range(int(codes.max(initial=-1)) + 1))
    if inside.any() and not (inside & (codes >= 0)).any():
        raise DataError(
            f"no asset of the estimation universe has an industry of {scheme!r} on any date. Import the "
            "table `industry` for this period, or name another scheme."
        )
    names = np.zeros((len(codes), len(labels)), dtype=np.int64)
    for t in range(len(codes)):
        there = codes[t][inside[t] & (codes[t] >= 0)]
        names[t] = np.bincount(there, minlength=len(labels))
    without = np.asarray((inside & (codes < 0)).sum(axis=1), dtype=np.int64)
    return Industries(
        scheme=scheme, codes=codes, labels=labels, thin=thin, names=names, without=without
    )


def exposures(
    market: Market,
    table: str | Path | ModelTable = "cne5",
    *,
    user: Cube | None = None,
    industry: str = "industry",
    thin: int = 5,
    estimable: Panel | None = None,
    caps: Panel | None = None,
) -> Exposures:
    """Give all exposures of a model.

    Parameters
    ----------
    market, table, estimable, caps : as in `styles.style_exposures`
    user : further factors, winsorised and standardised as descriptors are; a panel of unit "exposure" is
        taken as it is
    industry, thin : as in `industries`

    Raises
    ------
    ConfigError
        if a factor of the user has the name of another factor, or says only what others say; names it
    """
    model = read_table(table)
    estimable = market.universe.estimable if estimable is None else estimable
    caps = market[market.size] if caps is None else caps
    grouped = industries(market, industry, thin=thin, estimable=estimable)
    made = style_exposures(market, model, estimable=estimable, caps=caps, industry=industry)
    weights: Floats = still(np.ascontiguousarray(caps.values, dtype=np.float64))
    flags = still(np.ascontiguousarray(estimable.values, dtype=bool))
    inside = prepare_inside(flags, weights) & (grouped.codes >= 0)
    panels = dict(made.cube.items())
    factors = _user_factors(user, market, model, (estimable, caps)) if user is not None else {}
    taken = {COUNTRY, *grouped.labels, *panels}
    for name in factors:
        if name in taken:
            raise ConfigError(
                f"user.{name}", "the name belongs to a factor of the model; rename it"
            )
    styles = made.values
    if factors:
        styles = np.concatenate([made.values, np.stack([p.values for p in factors.values()])])
        styles.setflags(write=False)
        _insist_on_something_new(tuple(factors), styles, grouped.codes, inside)
    names = (COUNTRY, *grouped.labels, *panels, *factors)
    blocks = (
        COUNTRY,
        *["industry"] * len(grouped.labels),
        *["style"] * len(panels),
        *["user"] * len(factors),
    )
    return Exposures(
        names=names,
        blocks=blocks,
        styles=styles,
        industries=grouped,
        caps=weights,
        estimable=still(inside),
        made=made,
    )


def _user_factors(
    user: Cube, market: Market, model: ModelTable, universe: tuple[Panel, Panel]
) -> Mapping[str, Panel]:
    estimable, caps = universe
    found = {}
    for name in user:
        panel = user[name]
        require_same_axes(market.universe.member, panel)
        if panel.unit != "exposure":
            panel = standardize_factor(
                panel.renamed(name), market, estimable=estimable, caps=caps, table=model
            )
        found[name] = panel
    return found


def _insist_on_something_new(
    names: tuple[str, ...], styles: Floats, codes: Codes, inside: npt.NDArray[np.bool_]
) -> None:
    """Refuse a factor of the user that the other factors explain on every date looked at."""
    first, groups = len(styles) - len(names), int(codes.max(initial=-1)) + 1
    for k, name in enumerate(names, start=first):
        whole = inside & np.isfinite(styles[: k + 1]).all(axis=0)
        rows = np.flatnonzero(whole.sum(axis=1) > k + groups)
        if not rows.size:
            continue  # too little is known of it beside the others; the regression will say so
        kept = 0.0
        for row in rows[np.linspace(0, rows.size - 1, min(_LOOKED_AT, rows.size)).astype(int)]:
            cells = whole[row]
            dummies = codes[row, cells][:, None] == np.arange(groups)[None, :]
            others = np.hstack([dummies.astype(float), styles[:k, row, cells].T])
            factor = styles[k, row, cells]
            left = factor - others @ np.linalg.lstsq(others, factor, rcond=None)[0]
            kept = max(kept, float(left @ left) / max(float(factor @ factor), 1e-300))
        if kept < _COLLINEAR:
            raise ConfigError(
                f"user.{name}",
                "industries, styles and the factors before it explain all of it (1 - R² is "
                f"{kept:.0e} at most); leave it out, or leave out what it repeats",
            )
