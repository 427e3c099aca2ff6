"""What is odd about a fit, one sentence each: what table, styles and regressions had to do without.

1. what the table itself lacks of the model it is named after       -> notes
2. styles left out, styles that make do, styles not known anywhere  -> _of_styles
3. who was not fitted, what was clipped, dates without a fit        -> _of_regressions
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from superhet.risk.estimates import REASONS
from superhet.risk.model_table import ModelTable
from superhet.risk.regressions import Regressions

_NAMED = 5
"""Thin industries told by name."""


def notes(of: Regressions, table: ModelTable) -> tuple[str, ...]:
    """Say what is odd about a fit, in words that tell what to import or to look at."""
    lacks = (f"Table {table.name} is {table.marked} and lacks {what}." for what in table.missing)
    return (*lacks, *_of_styles(of), *_of_regressions(of))


def _of_styles(of: Regressions) -> Iterator[str]:
    made = of.exposures.made
    for name, needs in made.left_out.items():
        yield f"Style {name} is left out: import {'; '.join(needs)}."
    for name, report in made.report.items():
        if report.missing:
            yield f"Style {name} makes do without {', '.join(report.missing)}; weights divided anew."
    for name, values in zip(of.exposures.style_names, of.exposures.styles, strict=True):
        if np.isnan(values).all():
            yield (
                f"{name} is known of no asset on any date: its descriptors ask for more history than "
                f"{len(of.dates):,} sessions, or its fields are empty. The fit does without it."
            )


def _of_regressions(of: Regressions) -> Iterator[str]:
    industries, counts = of.exposures.industries, of.fit.counts
    thin = sorted(industries.thin_dates.items(), key=lambda item: -item[1])
    if thin:
        worst = ", ".join(f"{n} ({d})" for n, d in thin[:_NAMED])
        yield (
            f"{len(thin)} industries have fewer than {industries.thin} names on some dates and lean on "
            f"the market there: {worst}{' …' if len(thin) > _NAMED else ''}."
        )
    without = int(industries.without.sum())
    if without:
        yield f"{without:,} name-dates of the estimation universe have no industry and are not fitted."
    for reason in REASONS:
        if counts[reason]:
            yield f"{counts[reason]:,} name-dates are not fitted: {reason.replace('_', ' ')}."
    if counts["clipped"]:
        yield f"{counts['clipped']:,} returns beyond the price limit were clipped for the fit."
    if counts["outliers"]:
        yield (
            f"{counts['outliers']:,} returns far outside their date's cross-section were clipped for the "
            "fit, on dates without price limits: look for splits that the prices miss."
        )
    empty = int(np.isnan(of.fit.r2[1:]).sum())
    if empty:
        yield f"{empty:,} dates have too few names to be fitted."
    collinear = np.isinf(of.fit.vif).sum(axis=0).tolist()
    for name, count in zip(of.exposures.style_names, collinear, strict=True):
        if count:
            yield f"{name} is explained by the other factors on {count:,} dates and left out there."
