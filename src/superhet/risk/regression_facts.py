"""What the regressions of a factor model say: R², |t|, inflation, identities, stability of the styles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.risk.estimates import ANNUAL, RiskEstimates
from superhet.risk.stability import style_correlations, style_stability

Floats = npt.NDArray[np.float64]


def regression_facts(of: RiskEstimates) -> dict[str, Any]:
    """Give what the regressions say by name."""
    fit = of.fit
    styles = of.style_names
    stability = style_stability(of)
    return {
        "dates": int((~np.isnan(fit.r2)).sum()),
        "mean_r2": _mean(fit.r2),
        "mean_r2_centred": _mean(fit.r2_centred),
        "max_identity_error": float(np.nanmax(fit.identity_error, initial=0.0)),
        "mean_names": _mean(np.where(fit.names > 0, fit.names, np.nan)),
        "share_t_above_2": {
            n: _mean(np.where(np.isnan(fit.t[:, k]), np.nan, np.abs(fit.t[:, k]) > 2.0))
            for k, n in enumerate(of.factors)
        },
        "vif": {n: _mean(_finite(fit.vif[:, k])) for k, n in enumerate(styles)},
        "max_vif": {
            n: float(np.nanmax(_finite(fit.vif[:, k]), initial=1.0)) for k, n in enumerate(styles)
        },
        "annual_volatility": {
            n: float(np.nanstd(of.factor_returns[:, k]) * np.sqrt(ANNUAL))
            if (~np.isnan(of.factor_returns[:, k])).sum() > 1
            else float("nan")
            for k, n in enumerate(of.factors)
        },
        "stability": dict(zip(styles, stability, strict=True)),
        "style_correlation": {
            n: dict(zip(styles, row, strict=True))
            for n, row in zip(styles, style_correlations(of).tolist(), strict=True)
        },
        "collinear_dates": {
            n: int(np.isinf(fit.vif[:, k]).sum())
            for k, n in enumerate(styles)
            if np.isinf(fit.vif[:, k]).any()
        },
    }


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _mean(values: Floats) -> float:
    """Average what is known; NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
