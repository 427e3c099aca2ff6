"""Time Qlib's point-in-time expression over all days; runs in the environment `.peers/qlib`.

Usage: qlib_pit.py FOLDER, where FOLDER holds pit/store, a bin store with point-in-time files, and pit.json:
the name of the work, the field, and how many assets the whole work has. Prints the row as JSON, its time for
all of those, and leaves the newest value of each day and asset in FOLDER. Starting Qlib is not timed; reading
is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import clock
import numpy as np
import qlib
from qlib.data import D
from qlib.data.cache import H
from qlib.data.data import ExpressionD


def main(folder: Path) -> list[dict]:
    task = json.loads((folder / "pit.json").read_text())
    qlib.init(
        provider_uri=str(folder / "pit/store"),
        region="cn",
        kernels=1,
        logging_level=50,
        expression_cache=None,
        dataset_cache=None,
    )
    days = D.calendar(freq="day")
    symbols = [line.split("\t")[0] for line in (folder / "pit/store/instruments/all.txt").open()]
    formula = f"P($${task['field']}_q)"

    def ask(symbol, last):
        H["f"].clear()
        found = ExpressionD.get_expression_instance(formula).load(symbol, 0, last, "day")
        return found.reindex(range(last + 1)).to_numpy()

    ask(symbols[0], 5)
    last = len(days) - 1
    told, columns = clock.row(lambda: [ask(s, last) for s in symbols], task["work"])
    values = np.array(columns, dtype=np.float32).T
    dates = np.array(days, dtype="datetime64[D]")
    np.savez(folder / f"qlib {task['work']}.npz", values=values, dates=dates, symbols=symbols)
    scale = task["assets"] / len(symbols)
    note = f" ({len(symbols)} assets, scaled)"
    return [told | {k: told[k] * scale for k in ("seconds", "cpu_seconds")} | {"note": note}]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
