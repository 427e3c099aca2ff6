"""From descriptors to styles, date by date, with constants of the estimation universe applied to all.

For each style of the table, in its order:

1. every descriptor is winsorised and standardised: cap-weighted mean 0, equal-weighted deviation 1
2. they are added with the table's weights, divided by the weights of those that are known; standardised
   again
3. what is missing is read off the line of the style on ln(cap) within the industry; standardised again
4. a style that is orthogonal to others: residual of the regression on them weighted by sqrt(cap),
   winsorised, centred, residual again, scaled to deviation 1. Its inner products with them, weighted by
   sqrt(cap), are 0 to rounding, and its cap-weighted mean is 0 and its deviation 1 as well (see
   `kernels.risk_styles` for why all three hold at once)

A descriptor that does not vary on a date is 0 there; one with too few known names is missing there; one
without data in the whole market is left out and named. A style none of whose descriptors has data is left
out and named.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, DataError
from superhet.kernels.ranking import still
from superhet.kernels.risk_styles import (
    CLIPPED,
    CONSTANT,
    DEVIATIONS,
    NONE,
    REMOVED,
    THREE_GROUPS,
    Clip,
    add_descriptor,
    fill_style,
    finish_style,
    orthogonalize_style,
    prepare_inside,
)
from superhet.panel import Cube, Market, Panel
from superhet.panel.axes import require_same_axes
from superhet.risk.descriptors import compute, lacking_of, warn_of_missing
from superhet.risk.ingredients import Ingredients
from superhet.risk.model_table import ModelTable, Style, read_table

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Finder: TypeAlias = "Callable[[str], Panel]"
_RULES = {"none": NONE, "deviations": DEVIATIONS, "three_groups": THREE_GROUPS}


class ConstantCrossSection(UserWarning):
    """A descriptor or style had one and the same value for all: its exposures are 0 there."""


@dataclass(frozen=True, kw_only=True)
class DescriptorReport:
    """What happened to one descriptor.

    Parameters
    ----------
    weight : in its style
    known : share of the cells of the estimation universe where it is known
    removed, clipped : cells, over all dates
    constant : dates on which it did not vary
    """

    weight: float
    known: float
    removed: int
    clipped: int
    constant: int


@dataclass(frozen=True, kw_only=True)
class StyleReport:
    """What happened to one style.

    Parameters
    ----------
    descriptors : those that were used
    missing : those that were not, each with what must be imported for it
    known : share of the cells of the estimation universe known before any was filled
    filled : cells filled, over all dates
    explained : dates on which the styles taken out of it explained all of it
    """

    descriptors: Mapping[str, DescriptorReport] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: float = 0.0
    filled: int = 0
    explained: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class StyleExposures:
    """Styles, and the report of how they were made.

    Parameters
    ----------
    cube : style -> exposures [dates, assets] at the close of each date; NaN = not known
    values : the same in one array, [styles, dates, assets], in the order of the cube
    report : style -> report, in the order of the table
    left_out : style -> what must be imported for it
    """

    cube: Cube
    values: Floats
    report: Mapping[str, StyleReport]
    left_out: Mapping[str, tuple[str, ...]]


def style_exposures(
    market: Market,
    table: str | Path | ModelTable = "cne5",
    *,
    estimable: Panel | None = None,
    caps: Panel | None = None,
    descriptors: Cube | None = None,
    industry: str = "industry",
) -> StyleExposures:
    """Give the styles of a table, standardised on the estimation universe of each date.

    Parameters
    ----------
    market : the market
    table : of the model
    estimable : the estimation universe; None = that of the market
    caps : what weights it; a name without a cap above 0 is not in it; None = the market's size field
    descriptors : raw descriptors to use instead of the market's; those of the table that it lacks are
        missing
    industry : classification within which missing styles are filled; if the market has none, within the
        market

    Warns
    -----
    MissingDescriptors, ConstantCrossSection

    Raises
    ------
    DataError
        if the market has data for no style at all
    """
    model = read_table(table)
    find: Finder
    if descriptors is None:
        of = Ingredients(market, model.items, estimable, caps)
        lacking = lacking_of(model, of)
        find = partial(compute, model, of)  # none is kept: a year of a market takes a gigabyte
    else:
        absent = [n for n in model.descriptors if n not in descriptors]
        lacking = {n: (f"{n} among the descriptors given",) for n in absent}
        find = descriptors.__getitem__
    warn_of_missing(model, lacking)
    caps = market[market.size] if caps is None else caps
    estimable = market.universe.estimable if estimable is None else estimable
    for panel in (caps, estimable):
        require_same_axes(market.universe.member, panel)
    left_out = _left_out(model, lacking)
    if len(left_out) == len(model.styles):
        needs = dict.fromkeys(n for needs in left_out.values() for n in needs)
        raise DataError(
            f"the market has data for no style of {model.name}: import {'; '.join(needs)}"
        )
    maker = _Maker(model, market, (estimable, caps), industry, len(model.styles) - len(left_out))
    for style in model.styles:
        if style.name not in left_out:
            gone = {d: lacking[d] for d in style.descriptors if d in lacking}
            maker.add(style, find, gone)
    maker.warn_of_constants()
    maker.values.setflags(write=False)
    return StyleExposures(
        cube=maker.cube(), values=maker.values, report=maker.reports, left_out=left_out
    )


def _left_out(
    model: ModelTable, lacking: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Find the styles for which there is nothing, each with what must be imported."""
    found: dict[str, tuple[str, ...]] = {}
    for style in model.styles:
        if style.cube_of:
            if style.cube_of in found:
                found[style.name] = found[style.cube_of]
        elif all(d in lacking for d in style.descriptors):
            needs = dict.fromkeys(n for d in style.descriptors for n in lacking[d])
            found[style.name] = tuple(needs)
    return found


class _Maker:
    """Makes the styles of a table one after another."""

    def __init__(
        self,
        model: ModelTable,
        market: Market,
        universe: tuple[Panel, Panel],
        industry: str,
        styles: int,
    ) -> None:
        self.model, self.market = model, market
        estimable, caps = universe
        self.caps: Floats = still(np.ascontiguousarray(caps.values, dtype=np.float64))
        flags = still(np.ascontiguousarray(estimable.values, dtype=bool))
        self.inside: Flags = still(prepare_inside(flags, self.caps))
        self.log_caps: Floats = still(np.log(np.where(self.caps > 0, self.caps, np.nan)))
        codes = np.full(self.caps.shape, -1, dtype=np.int32)
        if industry in market.group_panels:
            codes = np.ascontiguousarray(market.groups(industry).values, dtype=np.int32)
        self.codes = still(codes)
        self.groups = int(codes.max(initial=-1)) + 1
        rule = model.winsorize
        self.clip = Clip(_RULES[rule.rule], float(rule.limit), float(rule.remove))
        # what is left of a style once others are taken out holds no data errors: they are gone
        self.again = Clip(min(self.clip.rule, DEVIATIONS), self.clip.limit, self.clip.remove)
        self.values = np.empty((styles, *self.caps.shape))
        self.made: dict[str, Floats] = {}
        self.reports: dict[str, StyleReport] = {}

    def add(self, style: Style, find: Finder, missing: Mapping[str, tuple[str, ...]]) -> None:
        """Make a style."""
        values = self.values[len(self.made)]
        used: dict[str, DescriptorReport] = {}
        if style.cube_of:
            np.power(self.made[style.cube_of], 3, out=values)
        else:
            used = self.combine(style, find, missing, values)
        known = self._share_known(values)
        filled = self._fill(values)
        against = [o for o in style.orthogonal_to if o in self.made]
        explained = self._orthogonalize(values, against) if against else 0
        self.made[style.name] = values
        self.reports[style.name] = StyleReport(
            descriptors=used, missing=missing, known=known, filled=filled, explained=explained
        )

    def cube(self) -> Cube:
        """Give what was made as panels."""
        dates, assets = self.market.dates, self.market.assets
        return Cube(
            {
                name: Panel(values=v, dates=dates, assets=assets, name=name, unit="exposure")
                for name, v in self.made.items()
            },
            blocks=dict.fromkeys(self.made, "style"),
        )

    def warn_of_constants(self) -> None:
        """Warn once of everything that did not vary on some date."""
        found = {
            descriptor: facts.constant
            for report in self.reports.values()
            for descriptor, facts in report.descriptors.items()
            if facts.constant
        }
        found |= {name: r.explained for name, r in self.reports.items() if r.explained}
        if found:
            listed = ", ".join(f"{name} on {count} dates" for name, count in found.items())
            warnings.warn(
                f"{self.model.name}: no variation in the estimation universe, so exposures of 0: {listed}.",
                ConstantCrossSection,
                stacklevel=3,
            )

    def combine(
        self, style: Style, find: Finder, missing: Mapping[str, tuple[str, ...]], out: Floats
    ) -> dict[str, DescriptorReport]:
        """Add up the descriptors of a style, and standardise."""
        total, mass = np.zeros(self.caps.shape), np.zeros(self.caps.shape)
        used = {}
        for name, weight in style.descriptors.items():
            if name in missing:
                continue
            tallies = np.zeros((len(self.caps), 3), dtype=np.int64)
            x = still(np.ascontiguousarray(find(name).values, dtype=np.float64))
            add_descriptor(
                x, self.inside, self.caps, float(weight), self.clip, self.model.least, total, mass, tallies
            )  # fmt: skip
            sums = tallies.sum(axis=0)
            used[name] = DescriptorReport(
                weight=float(weight),
                known=self._share_known(x),
                removed=int(sums[REMOVED]),
                clipped=int(sums[CLIPPED]),
                constant=int(sums[CONSTANT]),
            )
        finish_style(total, mass, self.inside, self.caps, self.model.least, out)
        return used

    def _share_known(self, values: Floats) -> float:
        inside = int(np.count_nonzero(self.inside))
        return float(np.count_nonzero(np.isfinite(values) & self.inside)) / max(inside, 1)

    def _fill(self, values: Floats) -> int:
        rule = self.model.fill
        if not rule.least:
            return 0
        tallies = np.zeros(len(values), dtype=np.int64)
        fill_style(
            values, self.log_caps, self.codes, self.groups, self.inside, self.caps, rule.least,
            float(rule.limit), tallies,
        )  # fmt: skip
        return int(tallies.sum())

    def _orthogonalize(self, values: Floats, against: list[str]) -> int:
        tallies = np.zeros(len(values), dtype=np.int64)
        first = self.made[against[0]]
        columns = np.stack([self.made[o] for o in against]) if against[1:] else first[None]
        room = np.empty(values.shape[1], dtype=bool)
        orthogonalize_style(
            values, columns, self.inside, self.caps, self.again, self.model.least, (room, tallies)
        )
        return int(tallies.sum())


def standardize_factor(
    factor: Panel,
    market: Market,
    *,
    estimable: Panel | None = None,
    caps: Panel | None = None,
    table: str | Path | ModelTable = "cne5",
) -> Panel:
    """Winsorise and standardise a user's factor as a descriptor is, so that it can stand among styles."""
    model = read_table(table)
    caps = market[market.size] if caps is None else caps
    estimable = market.universe.estimable if estimable is None else estimable
    require_same_axes(factor, caps)
    if not factor.known().any():
        raise ConfigError(factor.name, "the factor has no value at all")
    maker = _Maker(model, market, (estimable, caps), "", 1)
    style = Style(name=factor.name, descriptors={factor.name: 1.0})
    maker.combine(style, lambda _: factor, {}, maker.values[0])
    return factor.with_values(maker.values[0], unit="exposure")
