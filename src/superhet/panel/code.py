"""The code that made a file: what is kept on disk for later must not outlive the rules that it follows."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from superhet.version import __version__

_ROOT = Path(__file__).parents[1]


@cache
def code_digest(*rooms: str) -> str:
    """Hash the version and the source files of some rooms ("kernels", "factors").

    Where there are no source files to read, the version alone tells one code from another.
    """
    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    for room in rooms:
        for path in sorted((_ROOT / room).rglob("*.py")):
            digest.update(path.relative_to(_ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
