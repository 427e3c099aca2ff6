"""Names of assets in vn.py."""

from __future__ import annotations

_EXCHANGES = {"SH": "SSE", "SZ": "SZSE", "BJ": "BSE"}


def vt_symbol(asset: str) -> str:
    """Give vn.py's name of an asset; what is not listed in China is at SMART.

    Examples
    --------
    >>> vt_symbol("600000.SH"), vt_symbol("AAPL")
    ('600000.SSE', 'AAPL.SMART')
    """
    name, _, suffix = asset.rpartition(".")
    return f"{name}.{_EXCHANGES[suffix]}" if suffix in _EXCHANGES and name else f"{asset}.SMART"
