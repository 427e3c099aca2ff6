"""Alpha to target weights, and what those weights are."""

from superhet.portfolio.base import PORTFOLIO_RULES, PortfolioRule
from superhet.portfolio.diagnosis import PortfolioDiagnosis, diagnose
from superhet.portfolio.long_only import RankLongOnly
from superhet.portfolio.rank_long_short import RankLongShort

__all__ = [
    "PORTFOLIO_RULES",
    "PortfolioDiagnosis",
    "PortfolioRule",
    "RankLongOnly",
    "RankLongShort",
    "diagnose",
]
