"""When macro figures come out, where a vendor gives the month alone: our assumption, never the vendor's word.

The lags are the latest of the usual release calendar of the National Bureau of Statistics and the
People's Bank, so that no figure is used early. The first prints are not kept by these vendors: what
they give for an old month is the figure as revised.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

LAG_DAYS: Mapping[str, int] = {
    "pmi": 1,
    "pmi_services": 1,
    "cpi_yoy": 16,
    "ppi_yoy": 16,
    "m0_yoy": 16,
    "m1_yoy": 16,
    "m2": 16,
    "m2_yoy": 16,
}
"""Series -> days from the end of its month to its release, assumed."""

ASSUMED = "release dates are assumed (end of the month and {} days), not recorded"


def released(series: str, values: Mapping[date, float | None]) -> pl.DataFrame:
    """Make rows of macro.

    Parameters
    ----------
    series : a name of `LAG_DAYS`
    values : last day of the month -> value; None is left out
    """
    import polars as pl

    known = {period: value for period, value in values.items() if value is not None}
    lag = timedelta(days=LAG_DAYS[series])
    return pl.DataFrame(
        {
            "series": [series] * len(known),
            "period": list(known),
            "release_date": [period + lag for period in known],
            "value": [float(v) for v in known.values()],
        },
        schema={
            "series": pl.String,
            "period": pl.Date,
            "release_date": pl.Date,
            "value": pl.Float64,
        },
    )


def month_end(year: int, month: int) -> date:
    """Give the last day of a month.

    Examples
    --------
    >>> str(month_end(2020, 2))
    '2020-02-29'
    """
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)
