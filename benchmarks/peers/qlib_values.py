"""Evaluate Qlib's expressions on a bin store; runs in the environment `.peers/qlib`.

Usage: qlib_values.py FOLDER, where FOLDER holds store/ and formulas.json: the names of Qlib's own lists
("Alpha158", "Alpha360") and of single expressions ({"name": "Mean($close, 5)"}). Leaves values.npy
[formulas, dates, assets], float64, NaN where an asset has no row, and columns.json: for each formula its
name, its text and the dtype in which pyqlib computed its last step. What `D.features` hands out is the
same after a cast to float32.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import qlib
from qlib.contrib.data import loader
from qlib.data import D
from qlib.data.cache import H
from qlib.data.data import ExpressionD


def main(folder: Path) -> None:
    qlib.init(
        provider_uri=str(folder / "store"),
        region="cn",
        kernels=1,
        logging_level=50,
        skip_if_reg=False,
    )
    wanted = json.loads((folder / "formulas.json").read_text())
    formulas = [pair for entry in wanted for pair in listed(entry)]
    days = D.calendar(freq="day")
    assets = [line.split("\t")[0] for line in (folder / "store/instruments/all.txt").open()]
    values = np.full((len(formulas), len(days), len(assets)), np.nan)
    dtypes = [""] * len(formulas)
    for j, asset in enumerate(assets):
        H["f"].clear()
        for i, (_, text) in enumerate(formulas):
            series = ExpressionD.get_expression_instance(text).load(asset, 0, len(days) - 1, "day")
            values[i, series.index, j] = series.to_numpy(dtype=np.float64)
            dtypes[i] = str(series.dtype)
    np.save(folder / "values.npy", values)
    columns = [
        {"name": name, "text": text, "dtype": dtype}
        for (name, text), dtype in zip(formulas, dtypes, strict=True)
    ]
    (folder / "columns.json").write_text(json.dumps(columns))


def listed(entry):
    """Give names and texts of one of Qlib's lists, or of the expressions themselves."""
    if isinstance(entry, dict):
        return list(entry.items())
    texts, names = getattr(loader, f"{entry}DL").get_feature_config()
    return list(zip(names, texts, strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
