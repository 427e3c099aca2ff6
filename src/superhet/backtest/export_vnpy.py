"""Export a book to vn.py: a program with its tape, and an AlphaLab folder with the signal.

1. the tape, the programs that replay it, and a README               -> `export_vnpy`
2. adjusted daily bars in AlphaLab's layout, a file for each asset   -> `_write_daily`
3. signals                                                           -> `_write_signal`
4. flat rates, and who was listed                                    -> `_contracts`, `_listed`

AlphaLab knows no adjust factor: its bars are adjusted here, and volume is divided by the same factor, so
that a return over an ex-date is what a holder had.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from superhet.backtest.export_folder import (
    adjusted_bars,
    decided_weights,
    flat_costs,
    write_book_folder,
)
from superhet.backtest.programs.vnpy_names import vt_symbol
from superhet.backtest.tape import Tape
from superhet.backtest.tape_marks import tape_marks
from superhet.kernels.ledger_books import NOT_LISTED
from superhet.panel import Panel

FILES = {
    "vnpy.md": "README.md",
    "vnpy_book.py": "vnpy_book.py",
    "vnpy_strategy.py": "vnpy_strategy.py",
    "vnpy_lab.py": "vnpy_lab.py",
    "vnpy_names.py": "vnpy_names.py",
    "book_rules.py": "book_rules.py",
    "book_files.py": "book_files.py",
}
REQUIREMENTS = (
    "vnpy>=4.0",
    "vnpy_sqlite>=1.1",
    "vnpy_portfoliostrategy>=1.2",
    "numpy>=1.26",
    "pyarrow>=14",
)
_PRICE_TICK = 0.01


def export_vnpy(tape: Tape, folder: Path, super_factor: Panel | None = None) -> None:
    """Write a folder that vn.py runs alone; its README says how.

    Parameters
    ----------
    tape : a daily tape, with or without bars (open, high, low, volume)
    folder : made here; must be empty or absent
    super_factor : [dates, assets], any dates; becomes the lab's signal `super_factor`

    Raises
    ------
    ConfigError
        if the folder holds something already
    DataError
        if the tape fills inside the session
    """
    write_book_folder(tape, folder, FILES, REQUIREMENTS)
    lab = folder / "lab"
    for room in ("daily", "signal"):
        (lab / room).mkdir(parents=True)
    _write_daily(tape, lab / "daily")
    _write_signal(decided_weights(tape), lab / "signal" / "target_weight.parquet")
    if super_factor is not None:
        _write_signal(super_factor, lab / "signal" / "super_factor.parquet")
    _write_json(_contracts(tape), lab / "contract.json")
    _write_json(_listed(tape), lab / "listed.json")


def _write_daily(tape: Tape, folder: Path) -> None:
    bars = adjusted_bars(tape)
    names = ("open", "high", "low", "close", "volume")
    mean = sum((bars[name] for name in names[:4]), np.zeros(tape.shape)) / 4
    dates = np.asarray(tape.dates.values).astype("datetime64[D]").astype("datetime64[us]")
    for i, asset in enumerate(tape.assets):
        rows = tape.close[:, i] > 0.0
        columns: dict[str, Any] = {"datetime": dates[rows]}
        columns |= {name: bars[name][rows, i] for name in names}
        columns["turnover"] = columns["volume"] * mean[rows, i]
        columns["open_interest"] = np.zeros(int(rows.sum()))
        pq.write_table(pa.table(columns), folder / f"{vt_symbol(asset)}.parquet")


def _write_signal(signal: Panel, path: Path) -> None:
    """Write the known values of a signal, by date and name, as `AlphaLab.save_signal` does."""
    row, column = np.nonzero(np.isfinite(signal.values))
    dates = np.asarray(signal.dates.values).astype("datetime64[us]")
    names = np.array([vt_symbol(asset) for asset in signal.assets], dtype=object)
    columns = {
        "datetime": dates[row],
        "vt_symbol": pa.array(names[column].tolist(), pa.large_string()),
        "signal": np.asarray(signal.values[row, column], dtype=np.float64),
    }
    pq.write_table(pa.table(columns), path)


def _contracts(tape: Tape) -> dict[str, dict[str, float]]:
    """Give flat rates: vnpy.alpha knows one rate for buying and one for selling, without a date."""
    buying, selling = flat_costs(tape)
    terms = {
        "long_rate": buying,
        "short_rate": selling,
        "size": 1.0,
        "pricetick": _PRICE_TICK,
    }
    return {vt_symbol(asset): terms for asset in tape.assets}


def _listed(tape: Tape) -> dict[str, list[str]]:
    names = np.array([vt_symbol(asset) for asset in tape.assets], dtype=object)
    here = (np.asarray(tape.sell_block) != NOT_LISTED) & ~np.isnan(tape_marks(tape)[1])
    return {
        str(datetime.fromisoformat(str(day)[:10]).date()): names[inside].tolist()
        for day, inside in zip(tape.dates.values, here, strict=True)
    }


def _write_json(content: Any, path: Path) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
