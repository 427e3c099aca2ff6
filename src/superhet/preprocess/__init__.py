"""Preprocess: clean the cross-section, date by date."""

from superhet.preprocess.base import TRANSFORMERS, Transformer
from superhet.preprocess.distribution import Bucket, DistributionDiagnosis, diagnose
from superhet.preprocess.fill import Fill
from superhet.preprocess.neutralize import (
    Insn,
    Neutrality,
    Neutralize,
    NeutralizeReport,
    neutrality,
)
from superhet.preprocess.outliers import Winsorize
from superhet.preprocess.power_rank import PowerRank, effective_share, gross_share
from superhet.preprocess.scale import RankNormalize, Standardize
from superhet.preprocess.smooth import Ema, LinearDecay

__all__ = [
    "TRANSFORMERS",
    "Bucket",
    "DistributionDiagnosis",
    "Ema",
    "Fill",
    "Insn",
    "LinearDecay",
    "Neutrality",
    "Neutralize",
    "NeutralizeReport",
    "PowerRank",
    "RankNormalize",
    "Standardize",
    "Transformer",
    "Winsorize",
    "diagnose",
    "effective_share",
    "gross_share",
    "neutrality",
]
