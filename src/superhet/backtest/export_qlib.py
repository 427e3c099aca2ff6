"""Export a book to Qlib: a program with its tape, a provider folder, a signal file and a workflow for qrun.

1. the tape, the program that replays it, and a README                        -> `export_qlib`
2. adjusted daily bars as a provider, with an equal-weighted index            -> `_write_provider`
3. the signal, a Parquet file                                                 -> `_write_signal`
4. the workflow: the signal as a model, TopkDropout, IC and risk analysis     -> `_workflow`
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from superhet.backtest.export_folder import (
    adjusted_bars,
    decided_weights,
    flat_costs,
    write_book_folder,
)
from superhet.backtest.tape import RATES, Tape
from superhet.errors import ConfigError
from superhet.kernels.ledger_books import LIMIT_DOWN, LIMIT_UP
from superhet.panel import Panel

Floats: TypeAlias = npt.NDArray[np.float64]

FILES = {
    "qlib.md": "README.md",
    "qlib_book.py": "qlib_book.py",
    "qlib_signal.py": "qlib_signal.py",
    "book_rules.py": "book_rules.py",
    "book_files.py": "book_files.py",
}
REQUIREMENTS = ("pyqlib==0.9.7", "gym==0.26.2", "pyarrow>=14")
INDEX = "SUPERHETEW"
_RECORDS = "qlib.workflow.record_temp"


def export_qlib(tape: Tape, folder: Path, super_factor: Panel | None = None) -> None:
    """Write a folder that Qlib runs alone; its README says how.

    Parameters
    ----------
    tape : a daily tape, with or without bars (open, high, low, volume)
    folder : made here; must be empty or absent
    super_factor : [dates, assets], any dates; the signal of the workflow. None takes the target weights

    Raises
    ------
    ConfigError
        if the folder holds something already
    DataError
        if the tape fills inside the session
    """
    write_book_folder(tape, folder, FILES, REQUIREMENTS)
    _write_provider(tape, folder / "provider")
    days = _write_signal(
        decided_weights(tape) if super_factor is None else super_factor, tape, folder
    )
    text = yaml.safe_dump(_workflow(tape, days), sort_keys=False, allow_unicode=True)
    (folder / "workflow.yaml").write_text(text, encoding="utf-8")


def _write_provider(tape: Tape, folder: Path) -> None:
    table = adjusted_bars(tape)
    table["factor"] = np.where(tape.close > 0.0, table["factor"], np.nan)
    table["change"] = _changes(table["close"])
    days = [str(day)[:10] for day in tape.dates.values]
    # Qlib asks when the last session ends, so the calendar goes one day on
    calendar = [*days, str(np.datetime64(days[-1]) + 1)]
    _write_lines(folder / "calendars" / "day.txt", calendar)
    rows = [f"{name}\t{days[0]}\t{days[-1]}" for name in tape.assets]
    _write_lines(folder / "instruments" / "all.txt", rows)
    for i, name in enumerate(tape.assets):
        _write_bins(folder, name, {what: values[:, i] for what, values in table.items()})
    mean = np.nan_to_num(_mean(table["change"]))
    level = np.cumprod(1.0 + mean)
    flat = {name: level for name in ("open", "high", "low", "close")}
    ones = np.ones_like(level)
    _write_bins(folder, INDEX, flat | {"volume": ones, "factor": ones, "change": mean})


def _changes(adjusted: Floats) -> Floats:
    """Give the return of each session since the last close, NaN without trade."""
    known = np.where(adjusted > 0.0, np.arange(len(adjusted))[:, None], -1)
    last = np.maximum.accumulate(known, axis=0)
    before = np.vstack([np.full((1, adjusted.shape[1]), -1), last[:-1]])
    base = np.take_along_axis(adjusted, np.maximum(before, 0), axis=0)
    return np.where(before >= 0, adjusted / base - 1.0, np.nan)


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(known.sum(axis=1), 1))


def _write_bins(folder: Path, name: str, columns: dict[str, Floats]) -> None:
    home = folder / "features" / name.lower()
    home.mkdir(parents=True)
    for what, values in columns.items():
        np.concatenate([[0.0], values]).astype("<f4").tofile(home / f"{what}.day.bin")


def _write_lines(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_signal(signal: Panel, tape: Tape, folder: Path) -> tuple[str, str]:
    """Write what is known of the signal on the tape's sessions; give its first and last day.

    Raises
    ------
    ConfigError
        if nothing is
    """
    here = signal.between(tape.dates.values[0], tape.dates.values[-1])
    names = np.array(list(here.assets), dtype=object)
    traded = np.isin(names, list(tape.assets))
    row, column = np.nonzero(np.isfinite(here.values) & traded)
    if not row.size:
        raise ConfigError("super_factor", "it has no value on the sessions and assets of the book")
    columns = {
        "datetime": here.dates.values[row].astype("datetime64[us]"),
        "instrument": pa.array(names[column].tolist(), pa.string()),
        "score": np.asarray(here.values[row, column], dtype=np.float64),
    }
    pq.write_table(pa.table(columns), folder / "signal.parquet")
    return str(here.dates.values[row[0]])[:10], str(here.dates.values[row[-1]])[:10]


def _workflow(tape: Tape, days: tuple[str, str]) -> dict[str, object]:
    end = str(tape.dates.values[-1])[:10]
    portfolio = {"strategy": _strategy(tape), "backtest": _backtest(tape, days[0], end)}
    sessions = tape.terms.periods_per_year
    return {
        "sys": {"rel_path": ["."]},
        "qlib_init": {
            "provider_uri": "provider",
            "region": "cn",
            "exp_manager": _of(
                "qlib.workflow.expm.MLflowExpManager",
                uri="sqlite:///experiments.db",
                default_exp_name="superhet",
            ),
        },
        "task": {
            "model": _of("qlib_signal.SignalFile", path="signal.parquet"),
            "dataset": _dataset(days[0], end),
            "record": [
                _of(f"{_RECORDS}.SignalRecord", model="<MODEL>", dataset="<DATASET>"),
                _of(f"{_RECORDS}.SigAnaRecord", ana_long_short=False, ann_scaler=sessions),
                _of(f"{_RECORDS}.PortAnaRecord", config=portfolio),
            ],
        },
    }


def _of(path: str, /, **arguments: object) -> dict[str, object]:
    """Name a class as Qlib's configuration does."""
    module, _, name = path.rpartition(".")
    return {"class": name, "module_path": module, "kwargs": arguments}


def _dataset(start: str, end: str) -> dict[str, object]:
    """Give the close as the only feature, and as label what a buyer at the next open earns in a day."""
    loader = _of(
        "qlib.data.dataset.loader.QlibDataLoader",
        config={
            "feature": [["$close"], ["CLOSE"]],
            "label": [["Ref($open, -2) / Ref($open, -1) - 1"], ["LABEL0"]],
        },
    )
    handler = _of(
        "qlib.data.dataset.handler.DataHandlerLP",
        instruments="all",
        start_time=start,
        end_time=end,
        data_loader=loader,
    )
    return _of("qlib.data.dataset.DatasetH", handler=handler, segments={"test": [start, end]})


def _strategy(tape: Tape) -> dict[str, object]:
    names = max(1, len(tape.assets) // 10)
    return _of(
        "qlib.contrib.strategy.TopkDropoutStrategy",
        signal="<PRED>",
        topk=names,
        n_drop=max(1, names // 5),
    )


def _backtest(tape: Tape, start: str, end: str) -> dict[str, object]:
    buying, selling = flat_costs(tape)
    lots, counts = np.unique(tape.step, return_counts=True)
    limits = bool(np.isin(tape.buy_block, (LIMIT_UP, LIMIT_DOWN)).any())
    return {
        "start_time": start,
        "end_time": end,
        "account": tape.terms.capital,
        "benchmark": INDEX,
        "exchange_kwargs": {
            "limit_threshold": 0.095 if limits else None,
            "deal_price": "open",
            "open_cost": buying,
            "close_cost": selling,
            "min_cost": float(tape.rates[-1, RATES.index("commission_minimum")]),
            "trade_unit": int(lots[counts.argmax()]),
        },
    }
