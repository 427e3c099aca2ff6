"""Our descriptors beside those that a practitioner computed from Wind for two month ends of 2012.

The data lie beside the project and are no part of it. What is known of the practitioner's conventions,
and what follows: LNCAP is of the float cap, so the market is loaded with `size="float_cap"`; DASTD is the
root of a *sum* of weighted squares, and days of suspension count otherwise, so names that were suspended
for long are left aside there; BETA and RSTR have other lags and weights, and only their direction is
compared.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from superhet.data import MarketRequest, UniverseRule, load_market
from superhet.data.base import MemoryTables
from superhet.risk.descriptors import descriptors

DATA = Path(__file__).parents[3] / "shared" / "data"
ANCHORS = DATA / "anchors" / "barra_descriptors_2012"
DAYS = ("2012-01-31", "2012-02-29")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not ANCHORS.exists(), reason="no real data beside the project (../shared/data)"
    ),
]


@pytest.fixture(scope="module")
def market():
    files = [DATA / "cn" / "bars_daily" / f"{year}.parquet" for year in (2010, 2011, 2012)]
    rows = pl.concat([pl.read_parquet(file) for file in files])
    rows = rows.with_columns(pl.col("date").cast(pl.Date)).filter(
        pl.col("date") <= pl.date(2012, 2, 29)
    )
    rows = rows.rename({"symbol": "asset", "adj_factor": "adjust_factor"})
    request = MarketRequest(industry="", universe=UniverseRule(new_listing=0), size="float_cap")
    return load_market(MemoryTables({"bars_1d": rows}), request)


@pytest.fixture(scope="module")
def ours(market):
    return descriptors(market)


def pairs(market, day, values, column):
    """Their and our numbers of the names that both know."""
    anchor = pl.read_parquet(ANCHORS / f"{day}.parquet")
    place = market.assets.positions(anchor["symbol"].to_list())
    shared = place >= 0
    theirs = anchor[column].cast(pl.Float64).to_numpy()[shared]
    mine = values[market.dates.index(day)][place[shared]]
    known = np.isfinite(theirs) & np.isfinite(mine)
    return mine[known], theirs[known]


def correlation(market, day, values, column):
    mine, theirs = pairs(market, day, values, column)
    assert mine.size > 600
    return float(np.corrcoef(mine, theirs)[0, 1])


@pytest.mark.parametrize("day", DAYS)
def test_float_cap_and_its_logarithm_are_the_published_ones(market, ours, day):
    assert correlation(market, day, market["float_cap"].values, "MKT_CAP_FLOAT") >= 0.9999
    assert correlation(market, day, ours["LNCAP"].values, "LNCAP_barra") >= 0.99


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", ["STOM", "STOQ"])
def test_share_turnover_is_the_published_one(market, ours, day, name):
    assert correlation(market, day, ours[name].values, f"{name}_barra") >= 0.985


@pytest.mark.parametrize("day", DAYS)
def test_the_deviation_of_names_that_traded_all_year_is_the_published_one(market, ours, day):
    traded = ~market["suspended"].values & np.isfinite(market["returns"].values)
    row = market.dates.index(day)
    whole = traded[row - 251 : row + 1].sum(axis=0) >= 240
    values = np.where(whole[None, :], ours["DASTD"].values, np.nan)
    assert correlation(market, day, values, "DASTD_barra") >= 0.99


def test_the_return_of_twenty_sessions_is_the_published_one(market):
    returns = market["returns"].values
    row = market.dates.index("2012-02-29")
    logs = np.log1p(returns)
    values = np.full(returns.shape, np.nan)
    values[row] = np.expm1(logs[row - 19 : row + 1].sum(axis=0))  # NaN for what was listed since
    assert correlation(market, "2012-02-29", values, "return_1m") >= 0.9999


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize(("name", "least"), [("CMRA", 0.9), ("BETA", 0.7), ("RSTR", 0.6)])
def test_range_beta_and_momentum_point_the_same_way(market, ours, day, name, least):
    assert correlation(market, day, ours[name].values, f"{name}_barra") > least
