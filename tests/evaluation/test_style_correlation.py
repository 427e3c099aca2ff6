import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from superhet.errors import AxisMismatch, DataError
from superhet.evaluation import style_correlation
from superhet.panel import Assets, Cube, Dates, Panel

DATES, NAMES = 15, 60


def panel(values, name):
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + len(values))
    assets = Assets([f"A{i:03d}" for i in range(values.shape[1])])
    return Panel(values=values, dates=Dates(days), assets=assets, name=name, unit="exposure")


@pytest.fixture(scope="module")
def market():
    """Three styles, size and nonlinear size correlated, and a signal that is half size."""
    rng = np.random.default_rng(0)
    size, momentum, fresh = rng.standard_normal((3, DATES, NAMES))
    nonlinear = 0.8 * size + 0.6 * rng.standard_normal((DATES, NAMES))
    signal = size + fresh
    signal[rng.random(signal.shape) < 0.1] = np.nan
    momentum[2, :7] = np.nan
    styles = {"size": size, "momentum": momentum, "nonlinear_size": nonlinear}
    return panel(signal, "reversal"), Cube({n: panel(v, n) for n, v in styles.items()})


def known(signal, styles, date):
    rows = np.array([signal.values[date], *(styles[n].values[date] for n in styles.names)])
    return rows[:, ~np.isnan(rows).any(axis=0)]


def test_exposures_are_correlations_of_each_date(market):
    found = style_correlation(*market)
    for date in range(DATES):
        by_hand = np.corrcoef(known(*market, date))[0, 1:]
        assert_allclose(found.daily_exposure[date], by_hand, atol=1e-12)
    assert found.exposure["size"] == pytest.approx(found.daily_exposure[:, 0].mean())
    assert found.exposure["size"] == pytest.approx(np.sqrt(0.5), abs=0.05)
    assert abs(found.exposure["momentum"]) < 0.1


def test_r2_and_vif_are_those_of_regressions_by_hand(market):
    found = style_correlation(*market)
    r2 = np.empty((DATES, 4))
    for date in range(DATES):
        rows = known(*market, date)
        for k in range(4):
            others = np.column_stack([np.ones(rows.shape[1]), np.delete(rows, k, axis=0).T])
            left = rows[k] - others @ np.linalg.lstsq(others, rows[k], rcond=None)[0]
            r2[date, k] = 1.0 - left.var() / rows[k].var()
    assert_allclose(found.daily_r2, r2[:, 0], atol=1e-10)
    assert found.r2 == pytest.approx(r2[:, 0].mean())
    expected = np.median(1.0 / (1.0 - r2), axis=0)
    assert_allclose(list(found.vif.values()), expected)
    assert list(found.vif) == ["reversal", "size", "momentum", "nonlinear_size"]


def test_returns_are_correlated_in_time_over_the_dates_that_both_know(market):
    rng = np.random.default_rng(1)
    own, size = rng.standard_normal((2, 100))
    size += own
    own[:10] = np.nan
    found = style_correlation(
        *market, signal_returns=own, style_returns={"size": size, "momentum": np.zeros(100)}
    )
    assert found.returns["size"] == pytest.approx(np.corrcoef(own[10:], size[10:])[0, 1])
    assert np.isnan(found.returns["momentum"])  # does not move
    assert "nonlinear_size" not in found.returns
    assert style_correlation(*market).returns == {}


def test_a_signal_that_is_a_style_has_no_rest(market):
    _, styles = market
    found = style_correlation(styles["size"].renamed("mine"), styles)
    assert found.exposure["size"] == pytest.approx(1.0)
    assert np.isnan(found.r2)  # collinear: no inverse
    mixed = panel(styles["size"].values - styles["nonlinear_size"].values + 1e-3, "mix")
    assert np.isnan(style_correlation(mixed, styles).vif["mix"])


def test_the_unit_and_the_level_of_a_signal_do_not_matter(market):
    signal, styles = market
    other = style_correlation(signal.with_values(3.0 * signal.values + 7.0), styles)
    assert_allclose(other.daily_r2, style_correlation(*market).daily_r2, atol=1e-10)


def test_dates_with_too_few_names_are_not_known(market):
    signal, styles = market
    values = signal.values.copy()
    values[0, 4:] = np.nan
    values[1] = 1.0
    found = style_correlation(signal.with_values(values), styles)
    assert np.isnan(found.daily_r2[:2]).all()
    assert np.isfinite(found.r2)
    read = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(read) == {"name", "exposure", "returns", "vif", "r2"}


def test_other_axes_and_returns_of_another_length_are_refused(market):
    signal, styles = market
    with pytest.raises(AxisMismatch):
        style_correlation(signal.rows(slice(0, 5)), styles)
    with pytest.raises(DataError, match="9 returns of size and 10 of the signal"):
        style_correlation(
            signal, styles, signal_returns=np.ones(10), style_returns={"size": np.ones(9)}
        )
