"""tushare: with a token and points; the only one here that keeps every revision of a statement."""

from __future__ import annotations

from typing import ClassVar

from superhet.data.sources.tushare.session import TushareSession
from superhet.data.sources.vendor import VENDORS, Access, Needs


@VENDORS.add("tushare")
class Tushare:
    """The vendor; see `superhet.data.sources.vendor.Vendor`."""

    name: ClassVar[str] = "tushare"
    tables: ClassVar[tuple[str, ...]] = (
        "calendar", "securities", "status", "industry", "index_bars", "index_weights",
        "index_members", "bars_1d", "daily", "adjust_factors", "statements", "forecasts",
        "express_reports", "macro",
    )  # fmt: skip
    usual: ClassVar[tuple[str, ...]] = tables
    needs: ClassVar[Needs] = Needs(package="tushare", extra="cn", token="required")
    rate: ClassVar[float] = 150.0
    sample: ClassVar[str] = "600000.SH"

    def open(self, access: Access) -> TushareSession:
        """Get ready; the first question shows whether the token is right."""
        return TushareSession(access)
