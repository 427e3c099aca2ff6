"""What every export has: a new folder with the tape, the programs that replay it and what they need.

1. the folder                                                  -> `write_book_folder`
2. the decided weights as a panel                              -> `decided_weights`
3. bars of which a return over an ex-date is what a holder had -> `adjusted_bars`
4. costs for tools that know one rate a side                   -> `flat_costs`
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.tape import RATES, Tape, write_tape
from superhet.backtest.tape_marks import tape_marks
from superhet.errors import ConfigError
from superhet.panel import Panel

Floats: TypeAlias = npt.NDArray[np.float64]


def write_book_folder(
    tape: Tape, folder: Path, programs: Mapping[str, str], requirements: Sequence[str]
) -> None:
    """Make a folder with a tape, programs and their list of requirements.

    Parameters
    ----------
    tape : a daily tape
    folder : made here; must be empty or absent
    programs : file of `superhet.backtest.programs` -> its name in the folder
    requirements : lines of requirements.txt

    Raises
    ------
    ConfigError
        if the folder holds something already
    DataError
        if the tape fills inside the session
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError("folder", f"{folder} is not empty. Name a new folder, or empty it.")
    write_tape(tape, folder / "tape")
    shelf = files("superhet.backtest.programs")
    for name, target in programs.items():
        with as_file(shelf / name) as source:
            shutil.copyfile(source, folder / target)
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")


def decided_weights(tape: Tape) -> Panel:
    """Give the target weights on the sessions at whose close they were decided."""
    decided = tape.row_of >= 0
    return Panel(
        values=tape.weights[tape.row_of[decided]],
        dates=tape.dates[decided],
        assets=tape.assets,
        name="weight",
        unit="weight",
    )


def flat_costs(tape: Tape) -> tuple[float, float]:
    """Give the costs of buying and of selling on the last session, fractions of value.

    They are for tools that know one rate a side for all dates; the minimum commission, a commission a
    share, half-spreads and impact are not in them.
    """
    last = dict(zip(RATES, tape.rates[-1].tolist(), strict=True))
    both = last["commission"] + last["transfer_fee"] + last["slippage"]
    return both + last["stamp_duty_buyers"], both + last["stamp_duty"]


def adjusted_bars(tape: Tape) -> dict[str, Floats]:
    """Give open, high, low, close, volume and factor, adjusted; the first session's prices stay raw.

    A bar without open, high or low is one price. Volume is divided by the factor, so that price times
    volume stays what was traded.

    Returns
    -------
    name -> [sessions, assets], prices NaN without trade, volume 0
    """
    factor = adjust_factors(tape)
    close = np.asarray(tape.close, dtype=np.float64)
    bars = {
        name: (close if values is None else np.where(values > 0.0, values, close)) * factor
        for name, values in (("open", tape.open), ("high", tape.high), ("low", tape.low))
    }
    volume = np.zeros(tape.shape) if tape.volume is None else np.nan_to_num(tape.volume)
    return bars | {"close": close * factor, "volume": volume / factor, "factor": factor}


def adjust_factors(tape: Tape) -> Floats:
    """Give the cumulative adjust factor of each cell, 1 at the first session.

    An ex-date multiplies it by the close before over what is left of it: less the dividend, by the split.

    Returns
    -------
    [sessions, assets]
    """
    factors = np.ones(tape.shape)
    opened, closed = tape_marks(tape)
    for t, i in zip(tape.actions.session, tape.actions.asset, strict=True):
        if t > 0 and closed[t - 1, i] > 0.0 and opened[t, i] > 0.0:
            factors[t:, i] *= closed[t - 1, i] / opened[t, i]
    return factors
