import numpy as np
import pytest
from numpy.testing import assert_allclose

from superhet.errors import AxisMismatch
from superhet.evaluation import (
    incremental_information,
    information,
    library_correlation,
    library_residual,
)
from superhet.kernels.information import normal_scores, spearman
from superhet.panel import Assets, Cube, Dates, Panel

DATES, NAMES = 250, 120


def panel(values, name):
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + len(values))
    assets = Assets([f"A{i:03d}" for i in range(values.shape[1])])
    return Panel(values=values, dates=Dates(days), assets=assets, name=name)


@pytest.fixture(scope="module")
def market():
    """A library of two that forecast, a mix of them, and a third that forecasts beside them."""
    rng = np.random.default_rng(0)
    value, size, fresh = rng.standard_normal((3, DATES, NAMES))
    forward = 0.06 * (value + size + fresh) + rng.standard_normal((DATES, NAMES))
    library = Cube({"value": panel(value, "value"), "size": panel(np.exp(3 * size), "size")})
    return library, panel(value + size, "mix"), panel(fresh, "fresh"), panel(forward, "forward")


def test_a_mix_of_the_library_forecasts_but_adds_nothing(market):
    library, mix, _, forward = market
    assert information(mix, forward, 1).rank.p < 1e-6
    left = incremental_information(mix, library, forward, 1).rank
    assert abs(left.mean) < 0.01
    assert left.low < 0.0 < left.high


def test_a_signal_orthogonal_to_the_library_keeps_its_information(market):
    library, _, fresh, forward = market
    alone = information(fresh, forward, 1).rank
    left = incremental_information(fresh, library, forward, 1).rank
    assert alone.mean == pytest.approx(0.058, abs=0.012)
    assert left.mean == pytest.approx(alone.mean, abs=0.005)


def test_half_a_mix_keeps_the_other_half(market):
    library, mix, fresh, forward = market
    both = panel(mix.values + fresh.values, "both")
    alone = information(fresh, forward, 1).rank.mean
    left = incremental_information(both, library, forward, 1).rank.mean
    assert left == pytest.approx(alone, abs=0.01)
    assert information(both, forward, 1).rank.mean > left


def test_the_residual_is_the_regression_of_normal_scores_by_hand(market):
    library, _, fresh, _ = market
    found = library_residual(fresh, library)
    for date in (0, 17):
        scores = [normal_scores(p.values[[date]])[0] for p in (fresh, *library.values())]
        design = np.column_stack([np.ones(NAMES), *scores[1:]])
        by_hand = scores[0] - design @ np.linalg.lstsq(design, scores[0], rcond=None)[0]
        assert_allclose(found.values[date], by_hand, atol=1e-10)


def test_another_unit_of_a_member_leaves_nothing(market):
    library, *_, forward = market
    copy = panel(library["size"].values ** 2, "copy")  # the same order
    assert np.isnan(library_residual(copy, library).values).all()
    assert incremental_information(copy, library, forward, 1).rank.count == 0


def test_a_member_that_is_not_known_explains_nothing_and_costs_no_name(market):
    library, _, fresh, _ = market
    size = library["size"].values.copy()
    size[:, :40] = np.nan
    size[3] = np.nan
    found = library_residual(fresh, Cube({"value": library["value"], "size": panel(size, "size")}))
    assert not np.isnan(found.values).any()
    one = library_residual(fresh, library.select(["value"]))
    assert_allclose(found.values[3], one.values[3], atol=1e-10)


def test_a_missing_value_of_the_signal_stays_missing(market):
    library, _, fresh, _ = market
    values = fresh.values.copy()
    values[:, 5] = np.nan
    found = library_residual(fresh.with_values(values), library)
    assert np.isnan(found.values[:, 5]).all()
    assert not np.isnan(np.delete(found.values, 5, axis=1)).any()


def test_the_correlation_is_the_mean_of_each_date_and_the_strongest_comes_first(market):
    library, mix, *_ = market
    with_mix = Cube({"noise": panel(np.random.default_rng(1).standard_normal((DATES, NAMES)), "noise"),
                     **{n: library[n] for n in library.names}, "mix": mix})  # fmt: skip
    found = library_correlation(mix, with_mix)
    assert set(found) == {"noise", "value", "size"}  # not itself
    assert list(found)[-1] == "noise"
    assert found["value"] == pytest.approx(spearman(mix.values, library["value"].values).mean())
    assert found["value"] == pytest.approx(6 / np.pi * np.arcsin(np.sqrt(0.5) / 2), abs=0.02)


def test_alone_or_against_itself_a_signal_keeps_all(market):
    _, _, fresh, forward = market
    itself = Cube({"fresh": fresh})
    assert library_correlation(fresh, itself) == {}
    assert library_residual(fresh, itself) is fresh
    left = incremental_information(fresh, itself, forward, 1)
    assert left.rank == information(fresh, forward, 1).rank


def test_members_on_other_dates_are_refused(market):
    library, _, fresh, _ = market
    with pytest.raises(AxisMismatch):
        library_residual(fresh.rows(slice(0, 9)), library)
