"""baostock: free, without an account; daily and minute bars of A-shares, dated index members, ratios.

Not here: line items of statements, restatements, 1-minute bars, limit prices, index weights.
"""

from __future__ import annotations

from typing import ClassVar

from superhet.data.sources.baostock.session import BaostockSession
from superhet.data.sources.vendor import VENDORS, Access, Needs


@VENDORS.add("baostock")
class Baostock:
    """The vendor; see `superhet.data.sources.vendor.Vendor`."""

    name: ClassVar[str] = "baostock"
    tables: ClassVar[tuple[str, ...]] = (
        "calendar", "securities", "bars_1d", "daily", "adjust_factors", "industry",
        "index_members", "index_bars", "statements", "express_reports", "forecasts",
        "bars_5min", "bars_15min", "bars_30min", "bars_60min",
    )  # fmt: skip
    usual: ClassVar[tuple[str, ...]] = tables[:8]
    needs: ClassVar[Needs] = Needs(package="baostock", extra="cn", token="optional")
    rate: ClassVar[float] = 600.0
    sample: ClassVar[str] = "600000.SH"

    def open(self, access: Access) -> BaostockSession:
        """Start the child process and log in."""
        return BaostockSession(access)
