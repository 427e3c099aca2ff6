"""Time skfolio's cross-section regression; runs in the environment `.peers/skfolio`.

Usage: skfolio_returns.py FOLDER, the arrays of `benchmarks.risk`. The design [dates, assets, factors], in
which one industry is substituted so that cap-weighted industry returns add up to zero, is made before.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from clock import arrays, keep, row
from skfolio.linear_model import CSLinearRegression

WORK = "factor returns, country + 31 + 10"


def main(folder):
    given = arrays(folder, "skfolio")
    styles = [given[f"style_{k}"] for k in range(sum(n.startswith("style_") for n in given))]
    x = design(styles, given["codes"][0], given["caps"])
    weights = np.sqrt(given["caps"])
    fit(x[:3], given["returns"][:3], weights[:3])
    told, found = row(lambda: fit(x, given["returns"], weights), WORK)
    numbers = {"styles": found[:, -len(styles) :], "country": found[:, 0]}
    keep(folder, "skfolio", given["returns"].shape, WORK, numbers)
    return [told]


def fit(x, returns, weights):
    return CSLinearRegression().fit(x, returns, cs_weights=weights).coef_


def design(styles, codes, caps):
    """Columns of one, all industries but the last, styles."""
    dates, assets = caps.shape
    count = codes.max() + 1
    dummies = np.eye(count)[codes]
    x = np.empty((dates, assets, count + len(styles)))
    x[:, :, 0] = 1.0
    for t in range(dates):
        share = np.bincount(codes, caps[t], count)
        x[t, :, 1:count] = dummies[:, :-1] - dummies[:, -1:] * (share[:-1] / share[-1])
    x[:, :, count:] = np.stack(styles, axis=2)
    return x


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(Path(sys.argv[1]))))
