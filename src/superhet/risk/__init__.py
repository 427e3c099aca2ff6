"""Risk: what moves returns together, and how much risk that makes.

Names load when they are first used: who reads a model from its files needs none of what fits one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superhet.risk.base import RISK_MODELS, RiskModel
    from superhet.risk.correlation import StyleOverlap, correlate
    from superhet.risk.descriptors import MissingDescriptors, missing_descriptors
    from superhet.risk.estimates import RiskEstimates
    from superhet.risk.exposures import Exposures, Industries, industries
    from superhet.risk.factor_covariance import CovarianceSettings, covariance_path
    from superhet.risk.factor_returns import (
        FactorReturns,
        RegressionSettings,
        estimate_factor_returns,
    )
    from superhet.risk.forecast_bias import bias, bias_band, q_statistic, rolling_deviation
    from superhet.risk.fundamental import FundamentalModel
    from superhet.risk.model_table import ModelTable, read_table
    from superhet.risk.specific import SpecificSettings, specific_risk, specific_risk_path
    from superhet.risk.statistical import StatisticalModel
    from superhet.risk.styles import StyleExposures, style_exposures
    from superhet.risk.validation import TrialSettings, Validation, validate

_HOME = {
    "RISK_MODELS": "models",  # which import all that register themselves
    "CovarianceSettings": "factor_covariance",
    "Exposures": "exposures",
    "FactorReturns": "factor_returns",
    "FundamentalModel": "fundamental",
    "Industries": "exposures",
    "MissingDescriptors": "descriptors",
    "ModelTable": "model_table",
    "RegressionSettings": "factor_returns",
    "RiskEstimates": "estimates",
    "RiskModel": "base",
    "SpecificSettings": "specific",
    "StatisticalModel": "statistical",
    "StyleExposures": "styles",
    "StyleOverlap": "correlation",
    "TrialSettings": "validation",
    "Validation": "validation",
    "bias": "forecast_bias",
    "bias_band": "forecast_bias",
    "correlate": "correlation",
    "covariance_path": "factor_covariance",
    "estimate_factor_returns": "factor_returns",
    "industries": "exposures",
    "missing_descriptors": "descriptors",
    "q_statistic": "forecast_bias",
    "read_table": "model_table",
    "rolling_deviation": "forecast_bias",
    "specific_risk": "specific",
    "specific_risk_path": "specific",
    "style_exposures": "styles",
    "validate": "validation",
}

__all__ = [
    "RISK_MODELS",
    "CovarianceSettings",
    "Exposures",
    "FactorReturns",
    "FundamentalModel",
    "Industries",
    "MissingDescriptors",
    "ModelTable",
    "RegressionSettings",
    "RiskEstimates",
    "RiskModel",
    "SpecificSettings",
    "StatisticalModel",
    "StyleExposures",
    "StyleOverlap",
    "TrialSettings",
    "Validation",
    "bias",
    "bias_band",
    "correlate",
    "covariance_path",
    "estimate_factor_returns",
    "industries",
    "missing_descriptors",
    "q_statistic",
    "read_table",
    "rolling_deviation",
    "specific_risk",
    "specific_risk_path",
    "style_exposures",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'superhet.risk' has no attribute {name!r}")
    value = getattr(import_module(f"superhet.risk.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
