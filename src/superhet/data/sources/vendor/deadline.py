"""A deadline for libraries that know none: the question runs in a thread, left behind when time is up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from superhet.errors import VendorError

T = TypeVar("T")


def within(seconds: float, vendor: str, query: str, ask: Callable[[], T]) -> T:
    """Give what `ask` gives, or what it raises, if it ends in time.

    Raises
    ------
    VendorError
        of reach "moment" if it does not; the thread is abandoned, and dies with the process
    """
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["value"] = ask()
        except BaseException as error:
            outcome["error"] = error

    worker = threading.Thread(target=run, name=f"{vendor} {query}", daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        raise VendorError(vendor, query, f"no answer within {seconds:g} s", reach="moment")
    if "error" in outcome:
        raise outcome["error"]
    value: T = outcome["value"]
    return value
