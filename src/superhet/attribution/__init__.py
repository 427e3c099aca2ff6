"""Where the return came from, in parts that add up."""

from superhet.attribution.base import ATTRIBUTORS, Attributor
from superhet.attribution.contribution import Contribution, contribution
from superhet.attribution.linking import carino, carino_coefficients

__all__ = [
    "ATTRIBUTORS",
    "Attributor",
    "Contribution",
    "carino",
    "carino_coefficients",
    "contribution",
]
