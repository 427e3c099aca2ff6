"""All risk models by name: importing this registers them."""

from superhet.risk import fundamental, statistical  # noqa: F401 - each adds its models to RISK_MODELS
from superhet.risk.base import RISK_MODELS

__all__ = ["RISK_MODELS"]
