"""Export a book to Backtrader: a folder that a user runs with Backtrader alone."""

from __future__ import annotations

from pathlib import Path

from superhet.backtest.export_folder import write_book_folder
from superhet.backtest.tape import Tape

FILES = {
    "backtrader.md": "README.md",
    "backtrader_book.py": "backtrader_book.py",
    "backtrader_strategy.py": "strategy.py",
    "book_rules.py": "book_rules.py",
    "book_files.py": "book_files.py",
}
REQUIREMENTS = ("backtrader==1.9.78.123", "numpy>=1.26", "pyarrow>=14")


def export_backtrader(tape: Tape, folder: Path) -> None:
    """Write a folder that Backtrader runs alone; its README says how.

    Parameters
    ----------
    tape : a daily tape, with or without bars (open, high, low, volume)
    folder : made here; must be empty or absent

    Raises
    ------
    ConfigError
        if the folder holds something already
    DataError
        if the tape fills inside the session
    """
    write_book_folder(tape, folder, FILES, REQUIREMENTS)
