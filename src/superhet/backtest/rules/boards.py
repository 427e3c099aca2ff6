"""Boards of listing: which one an asset trades on, and the order sizes of each.

Sources: trading rules of the Shanghai, Shenzhen and Beijing exchanges as in force since 2021: lots of 100
on the main boards and ChiNext; at least 200 shares and then any number on STAR; at least 100 and then
any number in Beijing.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt

from superhet.panel import Assets, Market

# board -> (smallest order, step), shares
ORDER_SIZES = {
    "main": (100.0, 100.0),
    "chinext": (100.0, 100.0),
    "star": (200.0, 1.0),
    "bse": (100.0, 1.0),
    "us": (1.0, 1.0),
}
_PATTERNS = (
    ("star", re.compile(r"^68[89]\d{3}")),
    ("chinext", re.compile(r"^30\d{4}")),
    ("bse", re.compile(r"^([48]\d{5}|92\d{4})|\.BJ$")),
)


@cache
def board_of(asset: str) -> str:
    """Read the board off the code of an A-share.

    Examples
    --------
    >>> [board_of(code) for code in ("600000.SH", "688001.SH", "300750.SZ", "830799.BJ")]
    ['main', 'star', 'chinext', 'bse']
    """
    return next((board for board, pattern in _PATTERNS if pattern.search(asset)), "main")


def boards(market: Market) -> list[str]:
    """Give the board of each asset: the market's own classification, else the code's.

    A board does not change in an asset's life, so the first known code of the column is taken.
    """
    read = [board_of(asset) for asset in market.assets]
    if "board" not in market.group_panels:
        return read
    panel = market.groups("board")
    codes = panel.values[0].astype(np.int64)
    for column in np.flatnonzero(codes < 0):  # whose board was not known on the first session
        known = np.flatnonzero(panel.values[:, column] >= 0)
        codes[column] = panel.values[known[0], column] if known.size else -1
    return [
        panel.labels[code] if code >= 0 else guess for code, guess in zip(codes, read, strict=True)
    ]


def order_sizes(
    names: list[str], assets: Assets
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give the smallest order and the step of each asset; an unknown board trades like "main"."""
    sizes = np.array([ORDER_SIZES.get(board, ORDER_SIZES["main"]) for board in names])
    sizes = sizes.reshape(len(assets), 2)
    return sizes[:, 0].copy(), sizes[:, 1].copy()
