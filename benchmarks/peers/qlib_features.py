"""Time `D.features` of Qlib without its caches; runs in the environment `.peers/qlib`.

Usage: qlib_features.py FOLDER, where FOLDER holds store/, a bin store, and formulas.json: the name of the
work, the expressions (or "Alpha158") and the rows to keep. Prints the rows as JSON and leaves the numbers
in FOLDER. Starting Qlib and reading its calendar are not timed; reading the store is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import clock
import numpy as np
import qlib
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import D
from qlib.data.cache import H


def main(folder: Path) -> list[dict]:
    task = json.loads((folder / "formulas.json").read_text())
    formulas = task["formulas"]
    if formulas == "Alpha158":
        texts, names = Alpha158DL.get_feature_config()
        formulas = dict(zip(names, texts, strict=True))
    qlib.init(
        provider_uri=str(folder / "store"),
        region="cn",
        kernels=1,
        logging_level=50,
        expression_cache=None,
        dataset_cache=None,
    )
    days = D.calendar(freq="day")
    assets = [line.split("\t")[0] for line in (folder / "store/instruments/all.txt").open()]

    def work():
        H["f"].clear()
        texts = list(formulas.values())
        return D.features(assets, texts, days[0], days[-1], freq="day", disk_cache=0)

    D.features(assets[:2], list(formulas.values()), days[0], days[39], freq="day", disk_cache=0)
    told, frame = clock.row(work, task["work"])
    cube = frame.to_numpy().reshape(len(assets), len(days), len(formulas))
    rows = np.array(task["rows"])
    numbers = {name: cube[:, rows, i].T for i, name in enumerate(formulas)}
    clock.keep(folder, "qlib", (len(days), len(assets)), task["work"], numbers)
    return [told]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
