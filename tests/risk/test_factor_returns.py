"""Factor returns of a market: the rules of who is fitted, planted returns, pure portfolios."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError, EmptyUniverse
from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe
from superhet.risk.exposures import Exposures, Industries
from superhet.risk.factor_returns import RegressionSettings, estimate_factor_returns

T, N, J, K = 30, 120, 4, 2


def market_of(fields):
    """A market in which everybody is a member."""
    axes = {
        "dates": Dates(np.busday_offset("2020-01-02", np.arange(T), roll="forward")),
        "assets": Assets([f"{600000 + i}.SH" for i in range(N)]),
    }
    panels = {n: Panel(values=v, name=n, **axes) for n, v in fields.items()}
    everyone = Panel(values=np.ones((T, N), bool), unit="flag", **axes)
    universe = Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={})
    return Market(fields=Cube(panels), universe=universe)


def planted(seed=0):
    """Exposures, factor returns [dates, factors] and the returns of the next session that they make."""
    rng = np.random.default_rng(seed)
    codes = np.tile((np.arange(N) % J).astype(np.int32), (T, 1))
    caps = np.exp(rng.normal(22.0, 1.0, (T, N)))
    made: Any = None
    industries = Industries(
        scheme="four", codes=codes, labels=tuple("abcd"), thin=5,
        names=np.full((T, J), N // J), without=np.zeros(T, np.int64),
    )  # fmt: skip
    exposures = Exposures(
        names=("country", *"abcd", "size", "value"),
        blocks=("country", *["industry"] * J, *["style"] * K),
        styles=rng.standard_normal((K, T, N)),
        industries=industries,
        caps=caps,
        estimable=np.ones((T, N), bool),
        made=made,
    )
    f = 0.01 * rng.standard_normal((T, 1 + J + K))
    share = np.array([np.bincount(c, w, J) / w.sum() for c, w in zip(codes, caps, strict=True)])
    f[1:, 1 : 1 + J] -= (share[:-1] * f[1:, 1 : 1 + J]).sum(axis=1, keepdims=True)
    returns = np.full((T, N), np.nan)
    returns[1:] = f[1:, :1] + np.take_along_axis(f[1:, 1 : 1 + J], codes[:-1], axis=1)
    for k in range(K):
        returns[1:] += exposures.styles[k, :-1] * f[1:, 1 + J + k, None]
    return exposures, f, returns


def test_planted_factor_returns_are_found_from_exposures_of_the_session_before():
    exposures, f, returns = planted()
    found = estimate_factor_returns(market_of({"returns": returns}), exposures)
    assert_allclose(found.values[1:], f[1:], atol=1e-13)
    assert_allclose(found.specific[1:], 0.0, atol=1e-13)
    assert np.isnan(found.values[0]).all()
    assert_allclose(found.fit.r2[1:], 1.0)
    assert found.names == ("country", "a", "b", "c", "d", "size", "value")
    assert found.empty_dates == 0
    assert found.share_above(2.0)["size"] == 1.0


def test_factor_returns_of_a_date_need_nothing_after_it():
    exposures, _, returns = planted(1)
    returns += 0.01 * np.random.default_rng(0).standard_normal(returns.shape)
    whole = estimate_factor_returns(market_of({"returns": returns}), exposures)
    later = returns.copy()
    later[21:] = 0.3
    exposures.styles[:, 20:] = 7.0
    exposures.caps[20:] *= 2.0
    changed = estimate_factor_returns(market_of({"returns": later}), exposures)
    assert_array_equal(whole.values[:21], changed.values[:21])
    assert_array_equal(whole.specific[:21], changed.specific[:21])


def test_young_suspended_and_locked_names_are_not_fitted():
    exposures, _, returns = planted(2)
    returns += 0.01 * np.random.default_rng(1).standard_normal(returns.shape)
    age = np.full((T, N), 500.0)
    age[:, 0] = 119.0
    age[:, 1] = 120.0
    suspended = np.zeros((T, N), bool)
    suspended[:, 2] = True
    low, high = np.full((T, N), 9.8), np.full((T, N), 10.2)
    up, down = np.full((T, N), 11.0), np.full((T, N), 9.0)
    low[:, 3] = high[:, 3] = 11.0  # one price all day, at the limit
    low[:, 4] = high[:, 4] = 9.0
    low[:, 5] = high[:, 5] = 10.0  # one price, but not at a limit
    high[:, 6] = 11.0  # touched it
    fields = {
        "returns": returns, "listing_age": age, "suspended": suspended,
        "low": low, "high": high, "limit_up": up, "limit_down": down,
    }  # fmt: skip
    found = estimate_factor_returns(market_of(fields), exposures)
    out = [j for j in range(N) if not found.fitted[1:, j].any()]
    assert out == [0, 2, 3, 4]
    assert found.excluded == {
        "new_listing": T - 1, "suspended": T - 1, "limit_locked": 2 * (T - 1), "without_cap": 0,
    }  # fmt: skip
    assert (found.fit.names[1:] == N - 4).all()
    # they still have a specific return
    assert not np.isnan(found.specific[1:, [0, 2, 3, 4]]).any()
    everyone = RegressionSettings(least_listed=0, skip_suspended=False, skip_locked=False)
    assert estimate_factor_returns(market_of(fields), exposures, everyone).fitted[1:].all()


@pytest.mark.parametrize(
    ("percent", "bound"), [(0.05, 0.06), (0.10, 0.11), (0.20, 0.21), (0.30, 0.31)]
)
def test_returns_are_clipped_a_little_past_the_limit_of_the_board(percent, bound):
    exposures, _, returns = planted(3)
    wild = returns.copy()
    wild[5, 7], wild[6, 8], wild[7, 9] = 0.6, -0.6, 0.5
    before = np.full((T, N), 10.07)
    limit = np.round(before * (1.0 + percent), 2)  # in fen, so not the percentage exactly
    limit[7, 9] = np.nan  # a day without limit
    fields = {"returns": wild, "limit_up": limit, "previous_close": before}
    found = estimate_factor_returns(market_of(fields), exposures)
    by_hand = np.clip(wild, -bound, bound)
    by_hand[7, 9] = 0.5
    plain = RegressionSettings(outlier=None)
    same = estimate_factor_returns(market_of({"returns": by_hand}), exposures, plain)
    assert_allclose(found.values[1:], same.values[1:], atol=1e-15)
    assert_array_equal(found.clipped[1:], (by_hand[1:] != wild[1:]).sum(axis=1))
    assert found.clipped.sum() >= 2
    assert found.outliers.sum() == 0


def test_a_split_that_the_prices_miss_is_clipped_where_there_are_no_limits():
    """One share of sixty returns nine times its price; the others decide what is possible on that date."""
    exposures, _, returns = planted(3)
    returns += 0.01 * np.random.default_rng(4).standard_normal(returns.shape)
    wild = returns.copy()
    wild[5, 7], wild[6, 8] = 8.77, -0.02
    unbound = RegressionSettings(outlier=None)
    truth, spoilt, found = (
        estimate_factor_returns(market_of({"returns": r}), exposures, settings)
        for r, settings in ((returns, None), (wild, unbound), (wild, None))
    )
    middle = np.median(wild[5])
    bound = 20.0 * 1.4826022 * np.median(np.abs(wild[5] - middle))
    by_hand = wild.copy()
    by_hand[5, 7] = middle + bound
    same = estimate_factor_returns(market_of({"returns": by_hand}), exposures, unbound)
    assert_allclose(found.values[1:], same.values[1:], atol=1e-9)
    assert found.outliers.nonzero()[0].tolist() == [5]
    assert found.clipped.sum() == truth.outliers.sum() == spoilt.outliers.sum() == 0
    error, before = (np.abs(x.values[5] - truth.values[5]).max() for x in (found, spoilt))
    assert error < 0.1 * before


def test_where_any_price_limit_is_known_nothing_is_an_outlier():
    """A newly listed A-share has no limit and may triple; its date has limits, and its return stays."""
    exposures, _, returns = planted(3)
    returns[7, 9] = 2.0
    before = np.full((T, N), 10.0)
    limit = np.full((T, N), 11.0)
    limit[7, 9] = np.nan
    fields = {"returns": returns, "limit_up": limit, "previous_close": before}
    kept = RegressionSettings(clip_margin=None)
    found = estimate_factor_returns(market_of(fields), exposures, kept)
    assert found.outliers.sum() == 0
    assert_allclose(found.specific[7, 9] + found.fit.f[7] @ exposures.matrix(6)[9], 2.0, atol=1e-12)


def test_pure_portfolios_earn_the_factor_returns_and_come_one_date_at_a_time():
    exposures, _, returns = planted(4)
    returns += 0.02 * np.random.default_rng(2).standard_normal(returns.shape)
    for robust in (None, 1.345):
        settings = RegressionSettings(robust=robust)
        market = market_of({"returns": returns})
        found = estimate_factor_returns(market, exposures, settings)
        weights = found.pure_portfolios(market.dates.values[9])
        assert_allclose(weights @ returns[9], found.values[9], atol=1e-13)
        dates = [date for date, _ in found.each_pure_portfolio()]
        assert dates == list(market.dates.values[1:])
    with pytest.raises(EmptyUniverse, match="0 names could be fitted"):
        found.pure_portfolios(market.dates.values[0])


def test_a_date_with_few_names_is_counted_and_a_collinear_factor_named():
    exposures, _, returns = planted(5)
    returns[8, 19:] = np.nan
    exposures.styles[1] = 3.0 * exposures.styles[0]
    found = estimate_factor_returns(market_of({"returns": returns}), exposures)
    assert found.empty_dates == 1
    assert np.isnan(found.values[8]).all()
    assert found.collinear == {"value": T - 2}


def test_a_market_of_twenty_stocks_is_refused_with_a_reason():
    exposures, _, returns = planted(6)
    returns[:, 20:] = np.nan
    with pytest.raises(EmptyUniverse, match="at most 20 have return"):
        estimate_factor_returns(market_of({"returns": returns}), _more_styles(exposures))


def _more_styles(exposures):
    """Twenty styles: as many slopes as names."""
    from dataclasses import replace

    rng = np.random.default_rng(0)
    return replace(exposures, styles=rng.standard_normal((20, T, N)))


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="thin: must be at least 1"):
        RegressionSettings(thin=0)
    with pytest.raises(ConfigError, match="robust: must be above 0"):
        RegressionSettings(robust=0.0)
