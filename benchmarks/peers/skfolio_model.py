"""Time skfolio's characteristics model; runs in the environment `.peers/skfolio`.

Usage: skfolio_model.py FOLDER, the arrays of `benchmarks._risk.whole`. Country, industries and ten styles of
its own descriptors that stand nearest to CNE5's. Statements are laid on the dates, and the panel is made,
before.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from clock import arrays, keep, row
from skfolio import descriptor as own
from skfolio.containers import AssetPanel, FieldCategorical
from skfolio.factor_exposure import (
    DerivedFactor,
    FixedWeightedFactor,
    GlobalFactor,
    OneHotCategoricalFactors,
)
from skfolio.prior import CharacteristicsFactorModel

WORK = "whole model, risk of the last date"
WARM, COMPARED = (400, 200), 100
QUARTER, BEFORE, LATE = 63, 24, 30
FIELDS = {
    "book_equity": ("equity", False),
    "total_debt": ("total_liabilities", False),
    "total_assets": ("total_assets", False),
    "net_income_ttm": ("net_profit", True),
    "operating_cash_flow_ttm": ("operating_cash_flow", True),
    "sales_ttm": ("revenue", True),
}


def main(folder):
    given = arrays(folder, "skfolio")
    corner = {n: a[: WARM[0], : WARM[1]] for n, a in given.items()}
    model().fit(characteristics=panel(corner))
    part, whole = given["returns"].shape, panel(given)
    given.clear()
    told, found = row(lambda: model().fit(characteristics=whole), WORK)
    returns = found.return_distribution_.factor_model.factor_returns
    keep(folder, "skfolio", part, WORK, {"country": returns[-COMPARED:, 0]})
    return [told]


def panel(given):
    """Lay everything on dates and assets."""
    dates, assets = given["returns"].shape
    told = (np.arange(len(given["equity"])) - BEFORE) * QUARTER + LATE
    newest = np.searchsorted(told, np.arange(dates), side="right") - 1
    price = np.cumprod(1.0 + given["returns"], axis=0)
    shares = given["caps"] / price
    fields = {
        "returns": given["returns"],
        "market_cap": given["caps"],
        "adj_close": price,
        "adj_shares_outstanding": shares,
        "adj_volume": given["turnover"] * shares,
    }
    for name, (item, flow) in FIELDS.items():
        values = given[item]
        fields[name] = (
            sum(values[newest - k] for k in range(4)) if flow else values[newest]
        ).copy()
    count = int(given["codes"].max()) + 1
    fields["industry"] = FieldCategorical(
        given["codes"], levels=[f"industry {k}" for k in range(count)]
    )
    return AssetPanel(
        fields=fields,
        observations=np.datetime64("2014-01-02") + np.arange(dates),
        asset_names=np.array([f"s{i:05d}" for i in range(assets)]),
    )


def model():
    """Give the model: shares of the style as CNE5 has them where it has several descriptors."""
    factors = [
        ("country", GlobalFactor()),
        ("industry", OneHotCategoricalFactors(category="industry", family="industry")),
        ("size", style(own.LogMarketCap())),
        ("beta", style(own.EWMarketBeta(half_life=63))),
        ("momentum", style(own.EWMomentum(half_life=126, skip=21))),
        (
            "residual_volatility",
            style(
                own.EWVolatility(half_life=42),
                own.EWResidualVolatility(half_life=63),
                weights=[0.88, 0.12],
            ),
        ),
        ("nonlinear_size", DerivedFactor(source="size", func=lambda x: x**3)),
        ("book_to_price", style(own.BookToPrice())),
        ("liquidity", style(own.EWShareTurnover())),
        (
            "earnings_yield",
            style(own.CashFlowToPrice(), own.EarningsToPrice(), weights=[0.656, 0.344]),
        ),
        ("growth", style(own.SalesGrowthRate())),
        (
            "leverage",
            style(
                own.MarketLeverage(),
                own.DebtToAssets(),
                own.BookLeverage(),
                weights=[0.38, 0.35, 0.27],
            ),
        ),
    ]
    return CharacteristicsFactorModel(
        factors=factors,
        neutralize_against={
            "nonlinear_size": ["size"],
            "residual_volatility": ["beta", "size"],
            "liquidity": ["size"],
        },
        constrained_families=[("industry", None)],
    )


def style(*descriptors, weights=None):
    named = [(type(d).__name__.lower(), d) for d in descriptors]
    more = {} if weights is None else {"weights": weights}
    return FixedWeightedFactor(descriptors=named, family="style", **more)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(Path(sys.argv[1]))))
