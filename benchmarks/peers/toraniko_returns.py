"""Time toraniko's factor returns; runs in the environment `.peers/toraniko`.

Usage: toraniko_returns.py FOLDER, the arrays of `benchmarks.risk`; or toraniko_returns.py --check FOLDER,
where given.npz holds returns [dates, assets], styles [K, dates, assets], codes [assets] and caps
[dates, assets]: prints its factor returns (market, sectors, styles) of each date. Nothing is winsorised. The
frames are made before.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
from clock import arrays, keep, row
from toraniko.model import estimate_factor_returns

WORK = "factor returns, country + 31 + 10"


def main(folder):
    given = arrays(folder, "toraniko")
    styles = [given[f"style_{k}"] for k in range(sum(n.startswith("style_") for n in given))]
    tables = frames(given["returns"], styles, given["codes"][0], given["caps"])
    work = estimator(*tables)
    estimator(*(table.filter(pl.col("date") < 2) for table in tables))()
    told, found = row(work, WORK)
    part = given["returns"].shape
    keep(folder, "toraniko", part, WORK, {"styles": found[:, -len(styles) :]})
    return [told]


def check(folder):
    given = np.load(folder / "given.npz")
    tables = frames(given["returns"], list(given["styles"]), given["codes"], given["caps"])
    return estimator(*tables)().tolist()


def frames(returns, styles, codes, caps):
    """Make the long frames that it starts from."""
    dates, assets = returns.shape
    base = pl.DataFrame(
        {
            "date": np.repeat(np.arange(dates), assets),
            "symbol": np.tile(np.array([f"s{i:05d}" for i in range(assets)]), dates),
        }
    )
    dummies = np.eye(codes.max() + 1)[codes]
    sectors = {f"sector{j:02d}": np.tile(d, dates) for j, d in enumerate(dummies.T)}
    scores = {f"style{k:02d}": style.ravel() for k, style in enumerate(styles)}
    return (
        base.with_columns(asset_returns=pl.Series(returns.ravel())),
        base.with_columns(market_cap=pl.Series(caps.ravel())),
        base.with_columns(**{n: pl.Series(v) for n, v in sectors.items()}),
        base.with_columns(**{n: pl.Series(v) for n, v in scores.items()}),
    )


def estimator(returns, caps, sectors, styles):
    """Give the work: all factor returns, [dates, factors]."""

    def work():
        found, _ = estimate_factor_returns(returns, caps, sectors, styles, winsor_factor=None)
        return found.sort("date").drop("date").to_numpy()

    return work


if __name__ == "__main__":
    asked = check(Path(sys.argv[2])) if sys.argv[1] == "--check" else main(Path(sys.argv[1]))
    print(json.dumps(asked))
