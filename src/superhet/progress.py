"""Progress: what long work calls now and then; columns receive it and know nothing of terminals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int, str], None]


def silent(done: int, total: int, label: str) -> None:
    """Show nothing."""
