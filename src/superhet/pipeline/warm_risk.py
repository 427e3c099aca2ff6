"""Warm-up of the risk model: its kernels are compiled once, so that a first fit does not wait for them.

1. a market of twenty months with statements, estimates and price limits   -> _market
2. fitted, brought up to date, tried and laid beside a signal, as the command line does it    -> warm_risk
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from superhet.panel import Assets, Cube, Dates, Events, Market, Panel, Universe
from superhet.risk.correlation import correlate
from superhet.risk.descriptors import MissingDescriptors
from superhet.risk.factor_covariance import HORIZONS
from superhet.risk.factor_returns import RegressionSettings
from superhet.risk.fundamental import FundamentalModel
from superhet.risk.validation import TrialSettings, validate

_DATES, _ASSETS, _QUARTERS = 420, 60, 24
_LEVELS = ("equity", "total_liabilities", "total_assets", "long_term_debt")
_FLOWS = ("net_profit", "operating_cash_flow", "revenue")


def warm_risk() -> None:
    """Call every kernel that a fit, a validation and a correlation call."""
    market = _market()
    few = replace(HORIZONS["short"], eigen_draws=4)
    model = FundamentalModel(covariance=few)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingDescriptors)
        before = model.fit(market.until(market.dates.values[-3]))
        before.estimates()
        found = before.update(market).estimates()
        # outliers are clipped where no limit is known
        no_limits = Cube({n: market[n] for n in market if not n.startswith("limit")})
        robust = replace(model, regression=RegressionSettings(robust=1.345))
        robust.fit(replace(market, fields=no_limits))
    validate(found, TrialSettings(portfolios=2, names=10))
    correlate(market["turnover"], found)


def _market() -> Market:
    """Make a market whose arrays are of the types that those of a loaded market are."""
    rng = np.random.default_rng(0)
    begin = np.datetime64("2020-01-01")
    dates = Dates(np.arange(begin, begin + _DATES))
    assets, shape = Assets(f"{600000 + i}.SH" for i in range(_ASSETS)), (_DATES, _ASSETS)
    returns = 0.01 * rng.standard_normal((_DATES, 1)) + 0.02 * rng.standard_normal(shape)
    close = 10.0 * np.cumprod(1.0 + returns, axis=0)
    before = np.vstack([np.full(_ASSETS, np.nan), close[:-1]])

    def panel(values: object) -> Panel:
        return Panel(values=np.asarray(values), dates=dates, assets=assets)

    fields = {
        "returns": returns,
        "close": close,
        "previous_close": before,
        "limit_up": np.round(1.1 * before, 2),
        "limit_down": np.round(0.9 * before, 2),
        "high": 1.01 * close,
        "low": 0.99 * close,
        "market_cap": 1e8 * close * np.exp(rng.standard_normal(_ASSETS)),
        "turnover": rng.uniform(0.001, 0.05, shape),
        "listing_age": np.full(shape, 500.0),
        "suspended": rng.random(shape) < 0.01,
    }
    everyone = panel(np.ones(shape, dtype=bool))
    groups = np.tile(np.arange(_ASSETS, dtype=np.int32) % 4, (_DATES, 1))
    industry = Panel(values=groups, dates=dates, assets=assets, unit="group", labels=tuple("abcd"))
    return Market(
        fields=Cube({n: panel(v) for n, v in fields.items()}),
        universe=Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={}),
        group_panels={"industry": industry},
        events={"statements": _statements(dates, rng), "estimates": _estimates(dates, rng)},
    )


def _statements(dates: Dates, rng: np.random.Generator) -> Events:
    """Tell six years of quarters, the last of them while the market runs."""
    months = np.datetime64("2015-01") + 3 * np.arange(1, _QUARTERS + 1)
    ends = months.astype("datetime64[D]") - 1
    told = dates.days[np.maximum(np.arange(_QUARTERS) - _QUARTERS + 5, 0) * 60]
    size = _QUARTERS * _ASSETS
    columns = {
        "asset": np.tile(np.arange(_ASSETS), _QUARTERS),
        "report_date": np.repeat(ends, _ASSETS),
        "revision": np.zeros(size, dtype=np.int64),
        **{n: rng.uniform(1e8, 1e9, size) for n in (*_LEVELS, *_FLOWS)},
    }
    basis = dict.fromkeys(_FLOWS, "ytd")
    known = np.repeat(told.astype("datetime64[D]"), _ASSETS)
    return Events(name="statements", columns=columns, known_at=known, basis=basis)


def _estimates(dates: Dates, rng: np.random.Generator) -> Events:
    """Tell what one broker expects of four years, on the first session."""
    ends = np.array([f"{year}-12-31" for year in range(2020, 2024)], dtype="datetime64[D]")
    size = ends.size * _ASSETS
    columns = {
        "asset": np.tile(np.arange(_ASSETS), ends.size),
        "report_date": np.repeat(ends, _ASSETS),
        "revision": np.zeros(size, dtype=np.int64),
        "broker": np.full(size, "one", dtype=object),
        "net_profit": rng.uniform(1e8, 1e9, size),
    }
    known = np.full(size, dates.days[0].astype("datetime64[D]"))
    return Events(name="estimates", columns=columns, known_at=known)
