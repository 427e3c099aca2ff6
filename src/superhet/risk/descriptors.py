"""All descriptors of a table on a market, each computed when first asked for.

What the market has no data for is left out and named: `missing_descriptors` says which, and what to import.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

from superhet.panel import Cube, Market, Panel
from superhet.risk.ingredients import Ingredients
from superhet.risk.model_table import ModelTable, read_table


class MissingDescriptors(UserWarning):
    """A style lacks descriptors, or all of them, because the market lacks the fields."""


def descriptors(
    market: Market,
    table: str | Path | ModelTable = "cne5",
    *,
    estimable: Panel | None = None,
    caps: Panel | None = None,
) -> Cube:
    """Give the descriptors that the market has data for, by name, computed when asked for.

    Parameters
    ----------
    market : the market; a value of date *t* is the same, bit for bit, from `market.until(t)`
    table : of the model
    estimable : the estimation universe whose cap-weighted return is the market's; None = that of the market
    caps : its weights; None = the market's size field

    Returns
    -------
    Cube of raw descriptors, `[dates, assets]` each, in the blocks of their styles; NaN = not known
    """
    model = read_table(table)
    of = Ingredients(market, model.items, estimable, caps)
    lacking = lacking_of(model, of)
    blocks = {d: style.name for style in reversed(model.styles) for d in style.descriptors}
    wanted = [n for n in model.descriptors if n not in lacking]
    return Cube(
        {name: partial(compute, model, of, name) for name in wanted},
        blocks={n: blocks.get(n, "") for n in wanted},
        dates=market.dates,
        assets=market.assets,
    )


def missing_descriptors(
    market: Market, table: str | Path | ModelTable = "cne5"
) -> dict[str, tuple[str, ...]]:
    """Give the descriptors that cannot be computed, each with what must be imported for it."""
    model = read_table(table)
    return lacking_of(model, Ingredients(market, model.items))


def warn_of_missing(model: ModelTable, lacking: dict[str, tuple[str, ...]]) -> None:
    """Warn once, style by style, of what is missing and how it is made up for."""
    lines = []
    for style in model.styles:
        gone = [d for d in style.descriptors if d in lacking]
        if gone:
            whole = len(gone) == len(style.descriptors)
            what = "is left out" if whole else "makes do with the others, weights divided anew"
            needs = "; ".join(dict.fromkeys(need for d in gone for need in lacking[d]))
            lines.append(f"{style.name} {what}, without {', '.join(gone)} (import {needs})")
    if lines:
        warnings.warn(f"{model.name}: " + ". ".join(lines) + ".", MissingDescriptors, stacklevel=3)


def lacking_of(model: ModelTable, of: Ingredients) -> dict[str, tuple[str, ...]]:
    """Give the descriptors that cannot be computed of some ingredients, each with what must be imported."""
    found = {name: descriptor.lacks(of) for name, descriptor in model.descriptors.items()}
    return {name: needs for name, needs in found.items() if needs}


def compute(model: ModelTable, of: Ingredients, name: str) -> Panel:
    """Compute one descriptor."""
    return Panel(
        values=model.descriptors[name].compute(of),
        dates=of.market.dates,
        assets=of.market.assets,
        name=name,
        unit="score",
    )
