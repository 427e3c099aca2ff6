import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from superhet.errors import DataError
from superhet.evaluation import panel_regression
from superhet.kernels.covariance import newey_west_mean_variance

ANCHOR = Path(__file__).parents[3] / "shared" / "data" / "anchors" / "petersen_panel"


def panel(firms=30, periods=12, seed=0):
    """A panel in long form whose errors share a part within firms and a part within periods."""
    rng = np.random.default_rng(seed)
    firm = np.repeat(np.arange(firms), periods)
    time = np.tile(np.arange(periods), firms)
    x = rng.standard_normal((firms * periods, 2)) + rng.standard_normal(firms)[firm][:, None]
    noise = rng.standard_normal(firms)[firm] + 0.5 * rng.standard_normal(periods)[time]
    y = 0.5 + x @ [1.0, -2.0] + noise + rng.standard_normal(firms * periods)
    return y, x, firm, time


@pytest.fixture(scope="module")
def petersen():
    if not ANCHOR.exists():
        pytest.skip("Petersen's panel is not beside the project")
    table = pl.read_parquet(ANCHOR / "panel.parquet")
    y, x, firm, year = (table[name].to_numpy() for name in ("y", "x", "firm", "year"))
    return panel_regression(y, x, firm=firm, time=year)


def test_petersens_table_to_its_printed_digits(petersen):
    # Petersen (2009), test data and results on his page: slope 1.0348, Fama-MacBeth 1.0356
    assert round(petersen.coefficients[1], 4) == 1.0348
    printed = {"ols": 0.0286, "white": 0.0284, "firm": 0.0506, "time": 0.0334, "both": 0.0536}
    assert {name: round(float(e[1]), 4) for name, e in petersen.errors.items()} == printed
    assert round(petersen.fama_macbeth.coefficients[1], 4) == 1.0356
    assert round(petersen.fama_macbeth.errors[1], 4) == 0.0333


def test_petersens_panel_to_ten_digits(petersen):
    expected = json.loads((ANCHOR / "expected.json").read_text())
    assert_allclose(petersen.coefficients, expected["ols"]["coef"], atol=1e-10)
    pairs = {"white": "white_hc1", "firm": "cluster_firm", "time": "cluster_year"}
    assert_allclose(petersen.errors["ols"], expected["ols"]["se"], atol=1e-10)
    for ours, theirs in pairs.items():
        assert_allclose(petersen.errors[ours], expected[theirs], atol=1e-10)
    periods = expected["fama_macbeth"]
    assert_allclose(petersen.fama_macbeth.coefficients, periods["coef"], atol=1e-10)
    assert_allclose(petersen.fama_macbeth.errors, periods["se"], atol=1e-10)


@pytest.fixture(scope="module")
def api():
    return pytest.importorskip("statsmodels.api")


def test_all_errors_are_those_of_statsmodels(api):
    y, x, firm, time = panel()
    model = api.OLS(y, api.add_constant(x))
    found = panel_regression(y, x, firm=firm, time=time)
    assert_allclose(found.errors["ols"], model.fit().bse)
    assert_allclose(found.errors["white"], model.fit(cov_type="HC1").bse)
    clusters = {"firm": firm, "time": time, "both": np.column_stack([firm, time])}
    for name, groups in clusters.items():
        oracle = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
        assert_allclose(found.errors[name], oracle.bse)
        assert_allclose(found.t(name), oracle.tvalues)


def test_several_observations_of_a_firm_in_one_period_are_one_cluster_of_both(api):
    y, x, firm, time = panel()
    coarse = time // 3  # three observations for each firm and period
    groups = np.column_stack([firm, coarse])
    oracle = api.OLS(y, api.add_constant(x)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    found = panel_regression(y, x, firm=firm, time=coarse)
    assert_allclose(found.errors["both"], oracle.bse)


def test_fama_macbeth_is_the_mean_of_the_slopes_of_each_period():
    y, x, firm, time = panel()
    slopes = []
    for period in range(12):
        here = time == period
        design = np.column_stack([np.ones(here.sum()), x[here]])
        slopes.append(np.linalg.lstsq(design, y[here], rcond=None)[0])
    slopes = np.array(slopes)
    found = panel_regression(y, x, firm=firm, time=time).fama_macbeth
    assert_allclose(found.slopes, slopes)
    assert_allclose(found.coefficients, slopes.mean(axis=0))
    assert_allclose(found.errors, slopes.std(axis=0, ddof=1) / np.sqrt(12))
    remembering = panel_regression(y, x, firm=firm, time=time, lags=3).fama_macbeth.errors
    expected = [np.sqrt(newey_west_mean_variance(column, 3)) for column in slopes.T]
    assert_allclose(remembering, expected)


def test_a_shared_part_of_the_firm_makes_the_plain_error_too_small():
    y, x, firm, time = panel(firms=100)
    found = panel_regression(y, x, firm=firm, time=time)
    assert np.all(found.errors["firm"] > 1.2 * found.errors["ols"])


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10.0), st.floats(-5.0, 5.0), st.permutations(range(40)))
def test_units_names_and_order_do_not_matter(scale, shift, order):
    y, x, firm, time = panel(firms=8, periods=5)
    plain = panel_regression(y, x, firm=firm, time=time)
    order = np.array(order)
    other = panel_regression(
        y[order] + shift, x[order] * scale, firm=firm[order].astype(str), time=-time[order]
    )
    assert_allclose(other.coefficients[1:] * scale, plain.coefficients[1:], rtol=1e-9)
    assert other.coefficients[0] == pytest.approx(plain.coefficients[0] + shift, abs=1e-9)
    for name, error in plain.errors.items():
        assert_allclose(other.errors[name][1:] * scale, error[1:], rtol=1e-7)


def test_missing_observations_are_left_out():
    y, x, firm, time = panel()
    gone = np.random.default_rng(1).random(len(y)) < 0.2
    kept = panel_regression(y[~gone], x[~gone], firm=firm[~gone], time=time[~gone])
    y[gone] = np.nan
    found = panel_regression(y, x, firm=firm, time=time)
    assert found.count == (~gone).sum()
    assert_allclose(found.errors["both"], kept.errors["both"])
    assert json.loads(json.dumps(found.to_dict()))["count"] == found.count


def test_collinear_columns_and_unequal_lengths_are_refused():
    y, x, firm, time = panel()
    with pytest.raises(DataError, match="3 coefficients, constant included: collinear"):
        panel_regression(y, np.column_stack([x[:, 0], 2 * x[:, 0]]), firm=firm, time=time)
    with pytest.raises(DataError, match="the lengths differ"):
        panel_regression(y[:-1], x, firm=firm, time=time)
