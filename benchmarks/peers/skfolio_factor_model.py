"""Hold `superhet.risk.adapters` against skfolio itself; runs in the environment `.peers/skfolio`.

Usage: skfolio_factor_model.py FOLDER. `to.npz` has the parts that a `FactorModel` is made of, and portfolios
[portfolios, assets]: prints their variances as skfolio's square root of the covariance has them. And a
characteristics model is fitted on skfolio's own synthetic panel: its parts go into `from.npz`, with
portfolios of its names and their variances by the covariance that it hands to optimisers.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from skfolio import descriptor as own
from skfolio.datasets import make_synthetic_characteristics
from skfolio.factor_exposure import FixedWeightedFactor, GlobalFactor, OneHotCategoricalFactors
from skfolio.prior import CharacteristicsFactorModel, FactorModel

PARTS = ("asset_names", "factor_names", "loading_matrix", "factor_covariance", "idio_covariance")
ABSENT = ("exposures", "factor_returns", "idio_mu", "idio_returns", "idio_variances")


def main(folder):
    given = dict(np.load(folder / "to.npz"))
    portfolios = given.pop("portfolios")
    made = FactorModel(**given, **dict.fromkeys(ABSENT))
    root = made.covariance_sqrt
    parts = [p for p in (*root.components,) if p is not None]
    variances = sum(((portfolios @ part) ** 2).sum(axis=1) for part in parts)
    if root.diagonal is not None:
        variances = variances + ((portfolios * root.diagonal) ** 2).sum(axis=1)
    fit(folder)
    return variances.tolist()


def fit(folder):
    """Fit skfolio's model on its own panel and leave its parts."""
    factors = [
        ("market", GlobalFactor()),
        ("industry", OneHotCategoricalFactors(category="industry", family="industry")),
        ("size", FixedWeightedFactor(descriptors=[("size", own.LogMarketCap())], family="style")),
        ("value", FixedWeightedFactor(descriptors=[("value", own.BookToPrice())], family="style")),
    ]
    model = CharacteristicsFactorModel(factors=factors, constrained_families=[("industry", None)])
    model.fit(characteristics=make_synthetic_characteristics(120, 300, random_state=0))
    told = model.return_distribution_
    found = {name: getattr(told.factor_model, name) for name in PARTS}
    known = ~np.isnan(
        np.diagonal(told.covariance)
    )  # the others left the exchange before the last date
    weights = np.random.default_rng(0).standard_normal((5, known.size)) * known
    held = weights[:, known]
    variances = np.einsum("pi,ij,pj->p", held, told.covariance[np.ix_(known, known)], held)
    np.savez(folder / "from.npz", **found, portfolios=weights, variances=variances)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(Path(sys.argv[1]))))
