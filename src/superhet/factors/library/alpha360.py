"""Alpha360, Qlib's raw daily features: 60 days of six fields, each over the newest close or volume.

Names, order and texts are those of Qlib 0.9.7 in its own spelling: CLOSE59 is the oldest, CLOSE0 the newest.

Source: the Alpha360 feature set of Microsoft Qlib (Yang et al. 2020, arXiv:2009.11189).
"""

from __future__ import annotations

from typing import TypeAlias

Meaning: TypeAlias = tuple[str, str, str]

DAYS = 60

_PRICE, _VOLUME = "$close", "($volume+1e-12)"  # a halted day has no volume to divide by
_FIELDS = (
    ("close", _PRICE, "close", "收盘价"),
    ("open", _PRICE, "open", "开盘价"),
    ("high", _PRICE, "high", "最高价"),
    ("low", _PRICE, "low", "最低价"),
    ("vwap", _PRICE, "vwap", "成交均价"),
    ("volume", _VOLUME, "volume", "成交量"),
)


def formulas() -> dict[str, Meaning]:
    """Give all 360: name -> text in Qlib's spelling, meaning in English and in Chinese.

    Examples
    --------
    >>> formulas()["OPEN2"]
    ('Ref($open, 2)/$close', "open 2 days ago over today's close", '2 日前开盘价与当日收盘价之比')
    """
    found: dict[str, Meaning] = {}
    for field, unit, en, zh in _FIELDS:
        base_en, base_zh = ("volume", "成交量") if unit is _VOLUME else ("close", "收盘价")
        for lag in range(DAYS - 1, -1, -1):
            text = f"Ref(${field}, {lag})/{unit}" if lag else f"${field}/{unit}"
            when_en, when_zh = _when(lag)
            found[f"{field.upper()}{lag}"] = (
                text,
                f"{en} {when_en} over today's {base_en}",
                f"{when_zh}{zh}与当日{base_zh}之比",
            )
    return found


def _when(lag: int) -> tuple[str, str]:
    if lag == 0:
        return "today", "当日"
    return f"{lag} day{'s' if lag > 1 else ''} ago", f"{lag} 日前"
