"""Pure array maths: arrays in, arrays out; knows no dates and no assets.

The kernels of the cross-section load when they are first named, as `kernels.ranking`: a compiled function
costs half a millisecond to declare, and few formulas need them.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superhet.kernels import (
        clipping,
        cross_section,
        ranking,
        regression_date,
        regression_rows,
    )

__all__ = ["clipping", "cross_section", "ranking", "regression_date", "regression_rows"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'superhet.kernels' has no attribute {name!r}")
    return import_module(f"superhet.kernels.{name}")


def _forget_stale_code(folder: Path) -> None:
    """Delete compiled kernels if any kernel's source has changed since they were compiled.

    numba looks only at the file of the function that it compiled, not at those of the functions that this one
    calls; after an upgrade it would go on running the old ones. Where the folder cannot be written, numba
    keeps its code elsewhere, by the dates of the files, and there is nothing to delete here.
    """
    cache = folder / "__pycache__"
    facts = [(p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(folder.glob("*.py"))]
    stamp = hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
    kept = cache / "sources.stamp"
    if kept.exists() and kept.read_text() == stamp:
        return
    try:
        cache.mkdir(exist_ok=True)
        for compiled in cache.glob("*.nb[ic]"):
            compiled.unlink(missing_ok=True)
        kept.write_text(stamp)
    except OSError:  # a read-only installation: see above
        return


_forget_stale_code(Path(__file__).parent)
