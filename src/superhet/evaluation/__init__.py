"""Is the factor any good? Forward returns, information coefficients, quantiles, decay, groups."""

from superhet.evaluation.bootstrap import BootstrapInterval, bootstrap_mean
from superhet.evaluation.capacity import Capacity, capacity
from superhet.evaluation.core import Evaluation, evaluate, evaluate_many
from superhet.evaluation.date_groups import (
    DateGroups,
    DateInformation,
    Regimes,
    calendar_months,
    calendar_years,
    information_by_dates,
    market_regimes,
    monthly_table,
)
from superhet.evaluation.decay import Decay, ic_decay, rank_autocorrelation
from superhet.evaluation.factor_returns import (
    AlphaBeta,
    FactorReturns,
    alpha_beta,
    factor_returns,
)
from superhet.evaluation.forward_returns import (
    ForwardReturnReport,
    forward_return_report,
    forward_returns,
)
from superhet.evaluation.groups import GroupInformation, information_by_group, size_groups
from superhet.evaluation.information import Information, information
from superhet.evaluation.library import (
    incremental_information,
    library_correlation,
    library_residual,
)
from superhet.evaluation.multiple_testing import SpaResult, benjamini_hochberg, spa
from superhet.evaluation.overfitting import (
    Overfitting,
    deflated_sharpe,
    expected_maximum_sharpe,
    probability_of_backtest_overfitting,
)
from superhet.evaluation.panel_errors import FamaMacBeth, PanelRegression, panel_regression
from superhet.evaluation.quantile_portfolios import (
    HoldingRow,
    QuantilePortfolios,
    holding_sweep,
    quantile_portfolios,
)
from superhet.evaluation.quantiles import Quantiles, quantile_returns
from superhet.evaluation.style_correlation import StyleCorrelation, style_correlation
from superhet.evaluation.sub_universes import (
    SubUniverse,
    information_by_sub_universe,
    sub_universes,
)
from superhet.evaluation.summary import SeriesSummary, summarize_many, summarize_series
from superhet.evaluation.targets import Targets
from superhet.evaluation.trade_prices import ASHARE_COST, TradePrices, TradingCost

__all__ = [
    "ASHARE_COST",
    "AlphaBeta",
    "BootstrapInterval",
    "Capacity",
    "DateGroups",
    "DateInformation",
    "Decay",
    "Evaluation",
    "FactorReturns",
    "FamaMacBeth",
    "ForwardReturnReport",
    "GroupInformation",
    "HoldingRow",
    "Information",
    "Overfitting",
    "PanelRegression",
    "QuantilePortfolios",
    "Quantiles",
    "Regimes",
    "SeriesSummary",
    "SpaResult",
    "StyleCorrelation",
    "SubUniverse",
    "Targets",
    "TradePrices",
    "TradingCost",
    "alpha_beta",
    "benjamini_hochberg",
    "bootstrap_mean",
    "calendar_months",
    "calendar_years",
    "capacity",
    "deflated_sharpe",
    "evaluate",
    "evaluate_many",
    "expected_maximum_sharpe",
    "factor_returns",
    "forward_return_report",
    "forward_returns",
    "holding_sweep",
    "ic_decay",
    "incremental_information",
    "information",
    "information_by_dates",
    "information_by_group",
    "information_by_sub_universe",
    "library_correlation",
    "library_residual",
    "market_regimes",
    "monthly_table",
    "panel_regression",
    "probability_of_backtest_overfitting",
    "quantile_portfolios",
    "quantile_returns",
    "rank_autocorrelation",
    "size_groups",
    "spa",
    "style_correlation",
    "sub_universes",
    "summarize_many",
    "summarize_series",
]
