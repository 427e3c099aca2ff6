"""The diagnosis finds what was planted, and matches scipy where scipy has the number."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.stats

from superhet.panel import Panel
from superhet.preprocess import Winsorize, diagnose
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def wide():
    return random_market(dates=12, assets=800, seed=4)


def panel(values, market):
    return Panel(values=values, dates=market.dates, assets=market.assets, name="planted")


@pytest.fixture
def bell(wide):
    return np.random.default_rng(3).standard_normal((12, 800))


def test_a_normal_signal_needs_no_cleaning(wide, bell):
    found = diagnose(panel(bell, wide), wide)
    assert found.dates == 12
    assert found.coverage == pytest.approx(1.0)
    assert abs(found.skew) < 0.1
    assert abs(found.excess_kurtosis) < 0.2
    assert found.beyond_3 == pytest.approx(0.0027, abs=0.002)
    assert found.not_normal < 0.3
    assert found.advice == "none"
    assert "Nothing to clip" in found.reason


def test_moments_are_those_of_scipy(wide, bell):
    values = np.exp(0.3 * bell)
    values[np.random.default_rng(0).random(values.shape) < 0.1] = np.nan
    found = diagnose(panel(values, wide), wide)
    own = np.where(wide.universe.estimable.values, values, np.nan)
    assert found.skew == pytest.approx(
        float(np.mean(scipy.stats.skew(own, axis=1, nan_policy="omit")))
    )
    assert found.excess_kurtosis == pytest.approx(
        float(np.mean(scipy.stats.kurtosis(own, axis=1, nan_policy="omit")))
    )
    assert found.coverage == pytest.approx(0.9, abs=0.01)


def test_outliers_planted_in_one_industry_among_small_names_are_found_there(wide, bell):
    codes = wide.groups("industry").values
    cap = wide["market_cap"].values
    small = cap < np.nanquantile(cap, 0.2, axis=1, keepdims=True)
    planted = (codes == 2) & small
    found = diagnose(panel(np.where(planted, 30.0, bell), wide), wide)
    lift = {(b.by, b.name): b.lift for b in found.buckets}
    assert lift["industry", "industry 2"] == pytest.approx(1.0 / (codes == 2).mean(), rel=0.2)
    assert lift["industry", "industry 0"] == 0.0
    assert lift["size", "1 (smallest)"] > 4.0
    assert lift["size", "5 (largest)"] == 0.0
    assert "in industry industry 2" in str(found)


def test_shares_of_names_and_of_outliers_each_add_up(wide, bell):
    found = diagnose(panel(bell**3, wide), wide)
    for by in ("industry", "size", "listing_age"):
        assert sum(b.names for b in found.buckets if b.by == by) == pytest.approx(1.0)
        assert sum(b.outliers for b in found.buckets if b.by == by) == pytest.approx(1.0)


def test_the_histogram_holds_every_value(wide, bell):
    found = diagnose(panel(10.0 * bell**3, wide), wide)
    assert found.histogram.sum() == pytest.approx(1.0)
    assert found.edges.size == found.histogram.size + 1


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (lambda z: z, "none"),
        (lambda z: z + 0.4 * z * np.abs(z), "winsorize: {mad: 5}"),
        (lambda z: np.exp(3.0 * z), "rank_normalize"),
        (lambda z: np.where(z > 1.0, z, 0.0), "winsorize: {quantile: 0.01}"),
    ],
)
def test_advice_follows_the_shape(change, advice, wide, bell):
    found = diagnose(panel(change(bell), wide), wide)
    assert found.advice == advice
    assert len(found.reason) > 20


def test_following_the_advice_removes_the_outliers(wide, bell):
    wild = panel(bell + 0.4 * bell * np.abs(bell), wide)
    clean = Winsorize(mad=5.0).transform(wild, wide)
    assert diagnose(wild, wide).beyond_5 > 0.0005
    assert diagnose(clean, wide).beyond_5 == 0.0
    assert diagnose(clean, wide).advice == "none"


def test_infinite_values_are_outliers_that_spoil_no_moment(wide, bell):
    values = bell.copy()
    values[:, 5] = np.inf
    found = diagnose(panel(values, wide), wide)
    assert np.isfinite(found.excess_kurtosis)
    assert found.beyond_5 == pytest.approx(1 / 800, rel=0.2)


def test_a_long_history_is_measured_on_evenly_spaced_dates(wide, bell):
    signal = panel(bell, wide)
    found = diagnose(signal, wide, max_dates=3)
    rows = np.array([0, 6, 11])
    wanted = diagnose(signal.rows(rows), wide.on_rows(rows))
    assert found.dates == 3
    assert found.to_dict() == wanted.to_dict()


def test_everything_survives_json_also_for_an_empty_signal(wide, bell):
    for values in (bell, np.full(bell.shape, np.nan)):
        found = diagnose(panel(values, wide), wide)
        again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert again["name"] == "planted"
        assert again["advice"] == "none"
        assert str(found)
    assert again["skew"] is None
    assert again["buckets"] == []
