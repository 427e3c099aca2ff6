"""Codes of vendors against ours: 600000.SH here is sh.600000, sh600000, 600000 or 600000.SS elsewhere."""

from __future__ import annotations

from superhet.errors import ConfigError

_MARKETS = ("SH", "SZ", "BJ")


def dotted(asset: str, vendor: str = "vendor") -> str:
    """Give baostock's form of one of our codes.

    Examples
    --------
    >>> dotted("600000.SH")
    'sh.600000'
    """
    digits, market = _parts(asset, vendor)
    return f"{market.lower()}.{digits}"


def prefixed(asset: str, vendor: str = "vendor") -> str:
    """Give Sina's and Tencent's form of one of our codes.

    Examples
    --------
    >>> prefixed("000001.SZ")
    'sz000001'
    """
    return dotted(asset, vendor).replace(".", "")


def from_dotted(code: str) -> str:
    """Give our form of `sh.600000` or `sh600000`.

    Examples
    --------
    >>> from_dotted("sh.600000")
    '600000.SH'
    """
    market, digits = code[:2].upper(), code[2:].lstrip(".")
    return f"{digits}.{market}"


def from_digits(code: str) -> str:
    """Give our form of six digits of a share: the first ones tell the exchange.

    Examples
    --------
    >>> [from_digits(c) for c in ("600000", "000001", "300750", "688981", "430047", "920819")]
    ['600000.SH', '000001.SZ', '300750.SZ', '688981.SH', '430047.BJ', '920819.BJ']
    """
    digits = code.strip().zfill(6)
    if digits.startswith(("4", "8", "92")):
        return f"{digits}.BJ"
    return f"{digits}.SH" if digits.startswith(("6", "9")) else f"{digits}.SZ"


def _parts(asset: str, vendor: str) -> tuple[str, str]:
    digits, _, market = asset.partition(".")
    if market not in _MARKETS or not digits.isdigit():
        raise ConfigError(
            "--universe", f"{vendor} has shares of mainland China only; {asset!r} is none"
        )
    return digits, market
