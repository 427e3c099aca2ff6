"""What every refusal must look like, and what it must leave alone."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder with its checksum, without the derived panels, which may come and go."""
    return {
        path.relative_to(folder).as_posix(): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "derived" not in path.relative_to(folder).parts
    }


def assert_refused(ended, message: str) -> None:
    """Exit code 2, one paragraph on standard error that says it, nothing on standard output.

    Lines of progress, which are indented, may stand before the paragraph.
    """
    assert ended.code == 2, ended
    assert ended.out == ""
    assert "superhet: " in ended.err, ended.err
    progress, _, paragraph = ended.err.partition("superhet: ")
    assert all(line.startswith("  ") for line in progress.splitlines()), progress
    assert "Traceback" not in paragraph
    assert "\n\n" not in paragraph.strip(), "more than one paragraph"
    assert re.search(message, paragraph), paragraph
