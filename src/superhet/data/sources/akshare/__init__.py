"""akshare: free web pages of others behind one library; industries of Shenwan with their history.

Its pages block who asks too much, and change without a word: daily bars have three of them and minute bars
two, columns are compared each time, and the pace is slow on purpose. Members and weights of an index are
those of today, and minute bars go back a few months at most.
"""

from __future__ import annotations

from typing import ClassVar

from superhet.data.sources.akshare.session import AkshareSession
from superhet.data.sources.vendor import VENDORS, Access, Needs


@VENDORS.add("akshare")
class Akshare:
    """The vendor; see `superhet.data.sources.vendor.Vendor`."""

    name: ClassVar[str] = "akshare"
    tables: ClassVar[tuple[str, ...]] = (
        "calendar", "securities", "industry", "macro", "index_members", "index_weights",
        "index_bars", "statements", "forecasts", "express_reports", "bars_1d", "daily",
        "adjust_factors", "bars_5min", "bars_15min", "bars_30min", "bars_60min",
    )  # fmt: skip
    usual: ClassVar[tuple[str, ...]] = tables[:13]
    needs: ClassVar[Needs] = Needs(package="akshare", extra="cn")
    rate: ClassVar[float] = 40.0
    sample: ClassVar[str] = "600000.SH"

    def open(self, access: Access) -> AkshareSession:
        """Load the library; nothing is asked yet."""
        return AkshareSession(access)
