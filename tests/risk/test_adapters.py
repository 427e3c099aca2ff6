"""Risk goes out to Qlib and skfolio and comes back the same, in the units that each of them speaks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_validation import estimates

from superhet.errors import AxisMismatch, MissingExtra
from superhet.panel import Assets
from superhet.risk.adapters import from_qlib, from_skfolio, skfolio_parts, to_qlib, to_skfolio

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".peers" / "skfolio"
SCRIPT = ROOT / "benchmarks" / "peers" / "skfolio_factor_model.py"
BLOCKS = ("country", *["industry"] * 3, *["style"] * 2)


@pytest.fixture(scope="module")
def snapshot():
    made = estimates()
    made.styles[0, -1, 7] = np.nan  # one name has no forecast
    return made.at(made.dates.values[-1])


def test_covariance_of_qlib_is_that_of_a_session(snapshot):
    loading, covariance, variance, names = to_qlib(snapshot)
    assert len(names) == len(snapshot.assets) - 1
    weights = np.random.default_rng(0).standard_normal(len(names))
    daily = weights @ (loading @ covariance @ loading.T + np.diag(variance)) @ weights
    held = np.zeros(len(snapshot.assets))
    held[snapshot.assets.positions(names)] = weights
    assert np.sqrt(252.0 * daily) == pytest.approx(snapshot.volatility(held))


def test_qlib_and_back_is_the_same_risk(snapshot):
    loading, covariance, variance, names = to_qlib(snapshot)
    again = from_qlib(
        (loading, covariance, variance), names, date=snapshot.date, assets=snapshot.assets
    )
    assert_allclose(again.factor_covariance, snapshot.factor_covariance)
    assert_allclose(again.specific_variance, snapshot.specific_variance)
    assert_array_equal(np.isnan(again.exposures), np.isnan(snapshot.exposures))


def test_components_of_principal_components_make_the_sample_covariance():
    """What Qlib's estimator computes: components, covariance of their scores, variance of what is left."""
    x = np.random.default_rng(1).standard_normal((300, 6)) @ np.diag([3, 2, 1, 1, 1, 1])
    x -= x.mean(axis=0)
    _, _, right = np.linalg.svd(x, full_matrices=False)
    loading = right[:2].T
    scores = x @ loading
    parts = (loading, np.cov(scores.T), np.var(x - scores @ loading.T, axis=0))
    found = from_qlib(parts, list("abcdef"), date="2020-01-02")
    byhand = loading @ np.cov(scores.T) @ loading.T + np.diag(parts[2])
    weights = np.ones(6) / 6
    assert found.volatility(weights) == pytest.approx(np.sqrt(252.0 * weights @ byhand @ weights))


@pytest.mark.parametrize("full", [False, True])
def test_factor_model_of_skfolio_becomes_a_snapshot(full):
    own = np.array([1e-4, 2e-4])
    model = SimpleNamespace(
        asset_names=np.array(["a", "b"]),
        factor_names=np.array(["market"]),
        loading_matrix=np.array([[1.0], [0.5]]),
        factor_covariance=np.array([[4e-4]]),
        idio_covariance=np.diag(own) if full else own,
    )
    found = from_skfolio(model, date="2020-01-02", assets=Assets(["x", "b", "a"]))
    assert found.volatility(np.array([0.0, 0.0, 1.0])) == pytest.approx(np.sqrt(252 * 5e-4))
    assert found.volatility(np.array([0.0, 1.0, 0.0])) == pytest.approx(np.sqrt(252 * 3e-4))
    assert np.isnan(found.specific_variance[0])


def test_without_skfolio_it_is_said_what_to_install(snapshot, monkeypatch):
    monkeypatch.setitem(sys.modules, "skfolio.prior", None)
    with pytest.raises(MissingExtra, match="skfolio"):
        to_skfolio(snapshot)


@pytest.fixture(scope="module")
def skfolio(snapshot, tmp_path_factory):
    """What skfolio itself makes of our parts, and the parts of a model that it has fitted."""
    if not (PEER / ".done").exists():
        pytest.skip("skfolio is not installed (.peers/skfolio); make peers")
    folder = tmp_path_factory.mktemp("skfolio")
    parts = {n: v for n, v in skfolio_parts(snapshot, BLOCKS).items() if v is not None}
    weights = np.random.default_rng(3).standard_normal((4, len(parts["asset_names"])))
    np.savez(folder / "to.npz", **parts, portfolios=weights)
    done = subprocess.run(
        [str(PEER / "bin" / "python"), str(SCRIPT), str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return parts, weights, json.loads(done.stdout), np.load(folder / "from.npz")


@pytest.mark.slow
def test_factor_model_of_skfolio_has_the_variances_of_the_snapshot(skfolio, snapshot):
    parts, weights, variances, _ = skfolio
    place = snapshot.assets.positions(list(parts["asset_names"]))
    for row, daily in zip(weights, variances, strict=True):
        held = np.zeros(len(snapshot.assets))
        held[place] = row
        assert np.sqrt(252.0 * daily) == pytest.approx(snapshot.volatility(held), rel=1e-10)


@pytest.mark.slow
def test_snapshot_of_a_model_that_skfolio_fitted_has_its_variances(skfolio):
    *_, theirs = skfolio
    model = SimpleNamespace(**{n: theirs[n] for n in theirs.files})
    found = from_skfolio(model, date="2020-01-02")
    assert found.factors[0] == "market"
    assert {"size", "value"} < set(found.factors)
    unknown = np.isnan(found.specific_variance)  # left the exchange before the last date
    assert 0 < unknown.sum() < 0.3 * unknown.size
    assert_array_equal(np.isnan(found.exposures).all(axis=1), unknown)
    for row, daily in zip(theirs["portfolios"], theirs["variances"], strict=True):
        assert found.volatility(row) == pytest.approx(np.sqrt(252.0 * daily), rel=1e-9)


def test_names_that_are_not_on_the_axis_are_refused():
    parts = (np.ones((2, 1)), np.ones((1, 1)), np.ones(2))
    with pytest.raises(AxisMismatch, match="1 names are not on the axis"):
        from_qlib(parts, ["a", "z"], date="2020-01-02", assets=Assets(["a", "b"]))
    with pytest.raises(AxisMismatch, match="do not fit"):
        from_qlib(parts, ["a", "b", "c"], date="2020-01-02")
