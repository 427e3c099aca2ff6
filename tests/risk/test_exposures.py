"""Exposures: country, industries with their history, styles, and factors of the user."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from descriptor_markets import full_market, plain_market

from superhet.errors import ConfigError, DataError, UnknownName
from superhet.panel import Cube, Panel
from superhet.risk.exposures import exposures, industries


@pytest.fixture(scope="module")
def market():
    return full_market(dates=330, assets=60, seed=2)


def factor(market, values, name="mine", unit="score"):
    return Panel(values=values, dates=market.dates, assets=market.assets, name=name, unit=unit)


def noise(market, seed=0):
    shape = (len(market.dates), len(market.assets))
    return np.random.default_rng(seed).standard_normal(shape)


def test_industries_are_those_of_each_date_and_thin_ones_are_counted():
    codes = np.array([[0, 0, 0, 1, -1], [0, 0, 1, 1, 1]])
    market = plain_market({"market_cap": np.ones((2, 5))}, industry=codes)
    found = industries(market, thin=3)
    np.testing.assert_array_equal(found.codes, codes)
    np.testing.assert_array_equal(found.names, [[3, 1], [2, 3]])
    np.testing.assert_array_equal(found.without, [1, 0])
    assert found.thin_dates == {"industry 0": 1, "industry 1": 1}


def test_another_scheme_is_found_by_its_name(market):
    with pytest.raises(UnknownName, match="industry"):
        industries(market, "industrie")


def test_a_market_whose_industries_are_never_known_is_refused():
    market = plain_market({"market_cap": np.ones((2, 5))}, industry=np.full((2, 5), -1))
    with pytest.raises(DataError, match="Import the table"):
        industries(market)


def test_all_factors_stand_in_order_with_their_blocks(market):
    found = exposures(market, user=Cube({"mine": factor(market, noise(market))}))
    assert found.names[0] == "country"
    assert found.names[1:6] == tuple(f"industry {i}" for i in range(5))
    assert found.names[6] == "size"
    assert found.names[-1] == "mine"
    assert found.blocks == ("country", *["industry"] * 5, *["style"] * 10, "user")
    assert found.style_names == found.names[6:]
    assert found.styles.shape == (11, 330, 60)
    assert not found.styles.flags.writeable


def test_each_row_of_the_matrix_has_the_country_and_one_industry(market):
    found = exposures(market)
    matrix = found.matrix(320)
    known = found.industries.codes[320] >= 0
    np.testing.assert_array_equal(matrix[:, 0], 1.0)
    np.testing.assert_array_equal(matrix[:, 1:6].sum(axis=1), known.astype(float))
    assert not found.estimable[320, ~known].any(), "without an industry nobody is estimated on"
    np.testing.assert_array_equal(matrix[:, 6:].T, found.styles[:, 320])


def test_exposures_of_a_date_are_those_of_the_market_cut_there(market):
    whole = exposures(market)
    past = exposures(market.until(market.dates.values[300]))
    np.testing.assert_array_equal(past.styles[:, -1], whole.styles[:, 300])
    np.testing.assert_array_equal(past.estimable[-1], whole.estimable[300])
    np.testing.assert_array_equal(past.caps[-1], whole.caps[300])


def test_a_factor_that_is_an_exposure_already_is_taken_as_it_is(market):
    values = noise(market, 1)
    found = exposures(market, user=Cube({"mine": factor(market, values, unit="exposure")}))
    np.testing.assert_array_equal(found.styles[-1], values)


def test_a_factor_that_repeats_the_others_is_named(market):
    size = np.log(market["market_cap"].values)
    with pytest.raises(ConfigError, match="user.again: industries, styles"):
        exposures(
            market,
            user=Cube({"again": factor(market, exposures(market).styles[0] * 2, unit="exposure")}),
        )
    other = Cube(
        {"new": factor(market, noise(market)), "same": factor(market, 3 + 2 * noise(market))}
    )
    with pytest.raises(ConfigError, match="user.same"):
        exposures(market, user=other)
    assert np.isfinite(size).any()


def test_a_factor_that_is_an_industry_is_named(market):
    dummy = (market.groups("industry").values == 2).astype(float)
    with pytest.raises(ConfigError, match="user.dummy"):
        exposures(market, user=Cube({"dummy": factor(market, dummy, unit="exposure")}))


def test_a_factor_with_a_name_of_the_model_is_refused(market):
    with pytest.raises(ConfigError, match="rename"):
        exposures(market, user=Cube({"beta": factor(market, noise(market))}))


def test_a_factor_without_values_is_refused(market):
    with pytest.raises(ConfigError, match="no value"):
        exposures(market, user=Cube({"mine": factor(market, noise(market) * np.nan)}))


def test_names_without_a_cap_are_not_estimated_on(market):
    caps = market["market_cap"].values.copy()
    caps[:, 4], caps[:, 5] = 0.0, np.nan
    poor = market.with_fields({"market_cap": market["market_cap"].with_values(caps)})
    found = exposures(poor)
    assert not found.estimable[:, 4:6].any()
    assert np.isnan(found.styles[0, :, 4:6]).all()
    assert np.isfinite(found.styles[:, 320, 6:20]).all()


def test_twenty_names_are_enough_to_have_exposures():
    market = full_market(dates=320, assets=20, seed=5)
    found = exposures(replace(market))
    there = market["market_cap"].values[-1] > 0
    assert np.isfinite(found.styles[:, -1][:, there]).all()
