"""Operators by family; importing this package fills the registry."""

from superhet.factors.operators import (
    cross_section,
    elementwise,
    intraday,
    statements,
    time_series,
    time_statistics,
)

__all__ = [
    "cross_section",
    "elementwise",
    "intraday",
    "statements",
    "time_series",
    "time_statistics",
]
