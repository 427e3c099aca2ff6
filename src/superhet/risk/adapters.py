"""Risk of a date to and from other programs: Qlib's structured covariance, skfolio's factor model.

Both speak of the variance of one session, ours is annual: what goes out is divided by 252, what comes in is
multiplied by it. Names that ours gives no forecast (NaN) do not go out; those that did not come in, or came
in with a part that is NaN, are NaN.
skfolio is imported where it is asked for; Qlib's parts are plain arrays, and need no import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, MissingExtra
from superhet.panel import Assets, RiskSnapshot
from superhet.panel.axes import DateLike
from superhet.risk.estimates import ANNUAL

Floats = npt.NDArray[np.float64]


def known_names(snapshot: RiskSnapshot) -> npt.NDArray[np.int64]:
    """Give the positions of the assets that have a forecast."""
    known = ~np.isnan(snapshot.specific_variance) & ~np.isnan(snapshot.exposures).any(axis=1)
    return np.flatnonzero(known).astype(np.int64)


def to_qlib(snapshot: RiskSnapshot) -> tuple[Floats, Floats, Floats, list[str]]:
    """Give what `StructuredCovEstimator.predict(..., return_decomposed_components=True)` would.

    Returns
    -------
    F [names, factors], cov_b [factors, factors] and var_u [names], a session each; and the names
    """
    rows = known_names(snapshot)
    return (
        snapshot.exposures[rows],
        snapshot.factor_covariance / ANNUAL,
        snapshot.specific_variance[rows] / ANNUAL,
        [snapshot.assets.values[k] for k in rows],
    )


def from_qlib(
    components: tuple[Floats, Floats, Floats],
    names: Sequence[str],
    *,
    date: DateLike,
    assets: Assets | None = None,
) -> RiskSnapshot:
    """Take up what `StructuredCovEstimator` gives as decomposed components.

    Parameters
    ----------
    components : F [names, factors], cov_b [factors, factors], var_u [names], a session each
    names : of the rows of F
    date : at whose close it is known
    assets : the axis to put them on; None = the names themselves
    """
    exposures, covariance, variance = (np.asarray(c, dtype=np.float64) for c in components)
    covariance = np.atleast_2d(covariance)
    factors = tuple(f"factor_{k + 1}" for k in range(len(covariance)))
    return _snapshot(exposures, covariance, variance, factors, names, date, assets)


def to_skfolio(snapshot: RiskSnapshot, blocks: Sequence[str] | None = None) -> Any:
    """Give a `skfolio.prior.FactorModel` of the date; expected returns are 0.

    Parameters
    ----------
    blocks : family of each factor; None = none is told

    Raises
    ------
    MissingExtra
        if skfolio is not installed
    """
    try:
        from skfolio.prior import FactorModel  # type: ignore[import-not-found]
    except ImportError:
        raise MissingExtra("skfolio", "skfolio") from None
    return FactorModel(**skfolio_parts(snapshot, blocks))


def skfolio_parts(snapshot: RiskSnapshot, blocks: Sequence[str] | None = None) -> dict[str, Any]:
    """Give what `skfolio.prior.FactorModel` is made of, by name; None = not known of one date."""
    exposures, covariance, variance, names = to_qlib(snapshot)
    return {
        "observations": np.array([snapshot.date]),
        "asset_names": np.array(names),
        "factor_names": np.array(snapshot.factors),
        "factor_families": None if blocks is None else np.array(list(blocks)),
        "loading_matrix": exposures,
        "exposures": None,
        "factor_covariance": covariance,
        "factor_mu": np.zeros(len(covariance)),
        "factor_returns": None,
        "idio_covariance": variance,
        "idio_mu": None,
        "idio_returns": None,
        "idio_variances": None,
    }


def from_skfolio(model: Any, *, date: DateLike, assets: Assets | None = None) -> RiskSnapshot:
    """Take up the factor model that a fitted skfolio prior holds.

    Correlated specific returns are given up: a snapshot keeps the diagonal. skfolio leaves NaN where a name
    is no longer there on the last date.

    Parameters
    ----------
    model : has `loading_matrix`, `factor_covariance`, `idio_covariance`, `asset_names`, `factor_names`
    date : at whose close it is known
    assets : the axis to put them on; None = the model's own names
    """
    own = np.asarray(model.idio_covariance, dtype=np.float64)
    return _snapshot(
        np.asarray(model.loading_matrix, dtype=np.float64),
        np.asarray(model.factor_covariance, dtype=np.float64),
        own if own.ndim == 1 else np.diagonal(own),
        tuple(str(n) for n in model.factor_names),
        [str(n) for n in model.asset_names],
        date,
        assets,
    )


def _snapshot(
    exposures: Floats,
    covariance: Floats,
    variance: Floats,
    factors: tuple[str, ...],
    names: Sequence[str],
    date: DateLike,
    assets: Assets | None,
) -> RiskSnapshot:
    axis = Assets(names) if assets is None else assets
    place = axis.positions(list(names))
    if (place < 0).any():
        missing = [n for n, p in zip(names, place, strict=True) if p < 0]
        raise AxisMismatch(
            f"{len(missing)} names are not on the axis {axis.describe()}: {', '.join(missing[:3])}. "
            "Leave them out, or give an axis that has them."
        )
    if exposures.shape != (len(names), len(factors)) or variance.shape != (len(names),):
        raise AxisMismatch(
            f"{len(names)} names and {len(factors)} factors do not fit exposures of shape {exposures.shape} "
            f"and specific variances of shape {variance.shape}"
        )
    known = ~np.isnan(exposures).any(axis=1) & ~np.isnan(variance)
    place = place[known]
    whole = np.full((len(axis), len(factors)), np.nan)
    whole[place] = exposures[known]
    own = np.full(len(axis), np.nan)
    own[place] = variance[known] * ANNUAL
    return RiskSnapshot(
        date=np.datetime64(date).astype("datetime64[D]"),
        assets=axis,
        factors=factors,
        exposures=whole,
        factor_covariance=covariance * ANNUAL,
        specific_variance=own,
    )
