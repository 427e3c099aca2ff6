"""What statements tell of the styles: descriptors by CNE5's definitions, as known after each statement.

A flow is taken over the trailing year; growth is the slope of up to five whole fiscal years over their
mean without sign. After a statement all earlier ones are known, so each descriptor is [quarters, assets]:
the row of the newest statement is what may be used. Restatements are not looked at.
"""

from __future__ import annotations

import numpy as np

from superhet.data.sources.simulated.recipe import Floats, Integers

_YEARS, _LEAST_YEARS = 5, 3


def told_descriptors(numbers: dict[str, Floats], quarter: Integers) -> dict[str, Floats]:
    """Compute the statement side of the style descriptors.

    Parameters
    ----------
    numbers : item -> [quarters, assets], of one quarter each, yuan
    quarter : [quarters], fiscal quarter, 1 to 4

    Returns
    -------
    `equity`, `earnings` and `cash_earnings` of four quarters (yuan), `earnings_growth` and `sales_growth`
    (a year, as a share of the mean), `debt_to_assets`; [quarters, assets], NaN where not known
    """
    earnings = trailing(numbers["net_profit"])
    return {
        "equity": numbers["equity"],
        "earnings": earnings,
        "cash_earnings": trailing(numbers["operating_cash_flow"]),
        "earnings_growth": growth(earnings, quarter),
        "sales_growth": growth(trailing(numbers["revenue"]), quarter),
        "debt_to_assets": numbers["total_liabilities"] / numbers["total_assets"],
    }


def trailing(flow: Floats) -> Floats:
    """Add up the last four quarters; NaN for the first three, [quarters, assets]."""
    out = np.full_like(flow, np.nan)
    out[3:] = flow[3:] + flow[2:-1] + flow[1:-2] + flow[:-3]
    return out


def growth(trailing_year: Floats, quarter: Integers) -> Floats:
    """Give the slope of the whole fiscal years known by each quarter over their mean, [quarters, assets]."""
    out = np.full_like(trailing_year, np.nan)
    ends = np.flatnonzero((quarter == 4) & np.isfinite(trailing_year).all(axis=1))
    for last in range(_LEAST_YEARS, ends.size + 1):
        annual = trailing_year[ends[max(last - _YEARS, 0) : last]]
        year = np.arange(len(annual)) - 0.5 * (len(annual) - 1)
        slope = (year[:, None] * annual).sum(axis=0) / float((year**2).sum())
        until = ends[last] if last < ends.size else len(out)
        out[ends[last - 1] : until] = slope / np.abs(annual.mean(axis=0))
    return out
