"""Time ArcticDB with one wide frame a field; runs in the environment `.peers/arcticdb`.

Usage: arctic_panels.py FOLDER, where FOLDER holds panels.npz (the fields, [dates, assets]), axes.npz (dates,
assets), day.npz (the fields of one more day, [assets]) and works.json (which work is which). Prints the rows
as JSON and leaves what was read in FOLDER. Writing the frames is not timed, except the day that is appended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import arcticdb
import clock
import numpy as np
import pandas as pd


def main(folder: Path) -> list[dict]:
    works = json.loads((folder / "works.json").read_text())
    axes = np.load(folder / "axes.npz")
    days, assets = pd.DatetimeIndex(axes["dates"].astype("datetime64[ns]")), axes["assets"]
    place = arcticdb.Arctic(f"lmdb://{folder / 'arctic'}?map_size=16GB")
    library = place.create_library("panels")
    with np.load(folder / "panels.npz") as panels:
        fields = panels.files
        for name in fields:
            library.write(name, pd.DataFrame(panels[name], index=days, columns=assets))
    with np.load(folder / "day.npz") as day:
        more = {name: day[name][None, :] for name in fields}
    after = iter(days[-1] + pd.to_timedelta(np.arange(1, 100), "D"))

    def load(names):
        found = {name: library.read(name).data.to_numpy() for name in names}
        for values in found.values():
            values.view(np.uint64).sum()  # every byte is really there
        return found

    def append():
        stamp = pd.DatetimeIndex([next(after)])
        for name, values in more.items():
            library.append(name, pd.DataFrame(values, index=stamp, columns=assets))

    rows = []
    for work, call in (
        (works["all"], lambda: load(fields)),
        (works["one"], lambda: load(["close"])),
        (works["day"], append),
    ):
        told, given = clock.row(call, work)
        rows.append(told)
        if given is not None:
            np.savez(folder / f"arcticdb {work}.npz", **given)
    return rows


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
