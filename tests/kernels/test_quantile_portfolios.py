"""Quantile portfolios against plain bookkeeping of shares and money; quantiles against those of ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels.information import quantile_buckets
from superhet.kernels.quantile_portfolios import cut, sleeves

NAN = float("nan")


def tradable(shape):
    return np.ones(shape), np.zeros(shape, dtype=bool)


@given(
    arrays(
        np.float64, (3, 40), elements=st.sampled_from([NAN, -1e9, -1.0, 0.0, 0.5, 0.5, 2.0, 3.0])
    ),
    st.integers(2, 12),
)
@settings(max_examples=60, deadline=None)
def test_quantiles_with_ties_are_those_of_average_ranks(x, quantiles):
    assert_array_equal(cut(x, *tradable(x.shape), 0, quantiles), quantile_buckets(x, quantiles))


@pytest.mark.parametrize(
    "bend",
    [
        lambda x: x,
        lambda x: np.round(x, 1),
        lambda x: np.exp(6 * x),
        np.sign,
        lambda x: np.round(x) + 1e6,
        lambda x: x * 1e-310,
        lambda x: x * 1e300,
        lambda x: np.where(x > 2.5, 1e12, 1.0),
    ],
)
def test_quantiles_do_not_depend_on_the_shape_of_the_signal(bend):
    x = np.random.default_rng(0).standard_normal((20, 3000))
    x[:, ::50] = NAN
    x = bend(x)
    assert_array_equal(cut(x, *tradable(x.shape), 0, 7), quantile_buckets(x, 7))
    with np.errstate(over="ignore"):
        small = x.astype(np.float32)
    small[np.isinf(small)] = NAN
    assert_array_equal(cut(small, *tradable(x.shape), 0, 7), quantile_buckets(small, 7))


def test_who_cannot_be_entered_is_in_no_quantile():
    x = np.array([[1.0, 2.0, 3.0, 4.0, np.inf], [0.0] * 5])
    prices = np.array([[1.0] * 5, [1.0, NAN, 1.0, 1.0, 1.0]])
    locked = np.array([[False] * 5, [False, False, True, False, False]])
    assert_array_equal(cut(x, prices, locked, 1, 2), [[1, 0, 0, 2, 0], [0] * 5])


def one_sleeve(x, closes, prices, quantiles=2, holding=2, count=1):
    buckets = cut(x, prices, np.zeros(x.shape, bool), 1, quantiles)
    return sleeves(
        x, buckets, closes, prices, quantiles=quantiles, delay=1, holding=holding, count=count
    )


def test_a_sleeve_earns_from_its_price_to_the_close_and_at_its_end_from_the_close_to_the_price():
    # bought at the open of the second day, sold at the open of the fourth, one name in each quantile
    x = np.tile([0.0, 1.0], (5, 1))
    opens = np.array([[9, 9], [10, 20], [11, 22], [12, 20], [12, 20.0]])
    closes = np.array([[9, 9], [11, 21], [11, 24], [12, 22], [12, 20.0]])
    found = one_sleeve(x, closes, opens)
    top = [NAN, 21 / 20 - 1, 24 / 21 - 1, 22 / 24 - 1, 20 / 22 - 1]
    assert_allclose(found.returns[:, 1], top)
    assert_allclose(found.bought[1:, 1], [1, 0, 0, 0])  # the same name stays: nothing is traded
    assert_allclose(found.sold[1:, 1], [0, 0, 0, 0])


def test_names_that_change_quantile_are_sold_and_bought_whole():
    x = np.array([[0.0, 1.0], [0, 1], [1, 0], [1, 0], [1, 0]])
    flat = np.ones((5, 2))
    found = one_sleeve(x, flat, flat)
    assert_allclose(found.bought[:, 0], [NAN, 1, 0, 1, 0])
    assert_allclose(found.sold[:, 0], [NAN, 0, 0, 1, 0])
    # the weighted portfolio turns from -1/2, +1/2 to +1/2, -1/2
    assert_allclose(found.weighted_traded, [NAN, 1, 0, 2, 0])


def test_a_name_without_a_price_keeps_its_last_value():
    x = np.tile([0.0, 1.0], (5, 1))
    closes = np.array([[1, 1], [1, 1], [1, NAN], [1, 3], [1, 3.0]])
    found = one_sleeve(x, closes, closes, holding=10)
    assert_allclose(found.returns[:, 1], [NAN, 0, 0, 2, 0])


def test_a_quantile_that_ties_leave_empty_is_cash():
    tied, apart = (
        [0.0, 0, 1, 1],
        [0.0, 1, 2, 3],
    )  # in quarters, two ties fill the second and the fourth
    x = np.array([tied, apart, apart, tied, tied])
    closes = np.ones((5, 4))
    closes[3:, 0] = 2.0  # the lowest name doubles once the first quantile holds it
    found = one_sleeve(x, closes, closes, quantiles=4, holding=1)
    assert_allclose(found.returns[:, 0], [NAN, 0, 0, 1, 0])
    assert_allclose(found.bought[:, 0], [NAN, 0, 1, 0, 0])
    assert_allclose(found.sold[:, 0], [NAN, 0, 0, 0, 1])


class PlainSleeve:
    """Shares of one sleeve by name: row 0 the bets, rows 1 … the quantiles, the last one everybody."""

    def __init__(self, bucket, x, price, quantiles):
        held = bucket > 0
        self.paid = np.zeros((quantiles + 2, x.size))
        away = np.where(held, x - x[held].mean(), 0.0)
        self.paid[0] = away / np.abs(away).sum() if np.abs(away).sum() > 0 else 0.0
        for q in range(1, quantiles + 1):
            self.paid[q] = (bucket == q) / (bucket == q).sum()
        self.paid[-1] = held / held.sum()
        self.shares = self.paid / np.where(held, price, 1.0)

    def worth(self, price):
        total = (self.shares * price).sum(axis=1)
        total[0] += 1.0  # the bets stand beside money
        return total


def bookkeeping(x, closes, prices, locked, quantiles, delay, holding, count):
    """Keep shares and money of every sleeve by name, the slow way."""
    days, names = x.shape
    buckets = quantile_buckets(
        np.where(np.isinf(x), NAN, x)[: days - delay],
        quantiles,
        among=np.where(locked, NAN, prices)[delay:],
    )
    returns = np.full((count, days, quantiles + 2), NAN)
    bought, sold = np.full(returns.shape, NAN), np.full(returns.shape, NAN)
    gains = np.zeros(names)
    carried = closes.copy()
    for s in range(1, days):
        carried[s] = np.where(np.isnan(closes[s]), carried[s - 1], closes[s])
    at = np.where(np.isnan(prices), carried, prices)

    def book(sleeve, price):
        gained = (sleeve.shares * price - sleeve.paid)[[1, quantiles]] / count
        return gained[1] - gained[0]

    for k in range(count):
        sleeve = None
        for s in range(days):
            renews = s >= delay and (s - delay - k * holding // count) % holding == 0
            before, ratio, old = sleeve, np.ones(quantiles + 2), np.zeros((quantiles + 2, names))
            if before is not None:
                price = at[s] if renews else carried[s]
                ratio = before.worth(price) / before.worth(carried[s - 1])
                old = before.shares * price / before.worth(price)[:, None]
                bought[k, s] = sold[k, s] = 0.0
            if renews:
                gains += 0.0 if before is None else book(before, at[s])
                bucket = buckets[s - delay]
                chosen = (bucket > 0).any()
                sleeve = PlainSleeve(bucket, x[s - delay], at[s], quantiles) if chosen else None
                new = sleeve.paid if chosen else 0.0 * old
                ratio = ratio * (sleeve.worth(carried[s]) if chosen else 1.0)
                bought[k, s] = np.maximum(new - old, 0).sum(axis=1)
                sold[k, s] = np.maximum(old - new, 0).sum(axis=1)
            if sleeve is not None or before is not None:
                returns[k, s] = ratio - 1.0
            else:
                bought[k, s] = sold[k, s] = NAN
        gains += 0.0 if sleeve is None else book(sleeve, carried[-1])
    ends = (returns[..., 1:-1], bought[..., 1:-1], sold[..., 1:-1])
    return *ends, returns[..., 0], returns[..., -1], (bought + sold)[..., 0], gains


@pytest.mark.parametrize(
    ("quantiles", "delay", "holding", "count"),
    [(2, 1, 1, 1), (5, 1, 5, 5), (3, 2, 7, 3), (4, 0, 2, 1)],
)
def test_books_are_those_of_plain_bookkeeping(quantiles, delay, holding, count):
    rng = np.random.default_rng(3)
    shape = (40, 30)
    closes = np.exp(0.03 * rng.standard_normal(shape).cumsum(axis=0))
    prices = closes * np.exp(0.01 * rng.standard_normal(shape)) if delay else closes.copy()
    hole = rng.random(shape) < 0.1
    hole[10, 5:] = True  # a date on which too few trade
    hole[0] = False
    closes[hole], prices[hole] = NAN, NAN
    locked = rng.random(shape) < 0.05
    x = rng.standard_normal(shape).round(1)
    x[rng.random(shape) < 0.1] = NAN
    x[20] = NAN  # a date without a signal
    x[21, 3] = np.inf
    expected = bookkeeping(x, closes, prices, locked, quantiles, delay, holding, count)
    found = sleeves(
        x, cut(x, prices, locked, delay, quantiles), closes, prices,
        quantiles=quantiles, delay=delay, holding=holding, count=count,
    )  # fmt: skip
    ours = (found.returns, found.bought, found.sold, found.weighted, found.universe)
    for mine, theirs in zip((*ours, found.weighted_traded), expected[:6], strict=True):
        known = ~np.isnan(theirs)
        some = known.sum(axis=0)
        mean = np.where(known, theirs, 0).sum(axis=0) / np.where(some > 0, some, NAN)
        assert_allclose(mine, mean, atol=1e-13)
    assert_allclose(found.contributions, expected[6], atol=1e-13)


def test_what_trades_cost_is_summed_over_both_ends():
    rng = np.random.default_rng(4)
    shape = (6, 12)
    flat, x = np.ones(shape), rng.standard_normal(shape)
    friction, thinness = rng.uniform(1, 2, shape), rng.uniform(1, 2, shape)
    friction[:, 3] = NAN
    buckets = cut(x, flat, np.zeros(shape, bool), 1, 3)
    found = sleeves(
        x, buckets, flat, flat, quantiles=3, delay=1, holding=1, count=1,
        friction=friction, thinness=thinness,
    )  # fmt: skip
    for s in range(1, 6):
        impact = squared = 0.0
        for q in (1, 3):
            before = (buckets[s - 2] == q) / 4 if s > 1 else np.zeros(12)
            change = np.abs((buckets[s - 1] == q) / 4 - before)
            impact += np.nansum(change**1.5 * friction[s - 1])
            squared += np.sum((change**2 * thinness[s - 1])[~np.isnan(friction[s - 1])])
        assert found.impact[s] == pytest.approx(impact)
        assert found.squared[s] == pytest.approx(squared)


def test_later_sessions_change_nothing_that_came_before():
    rng = np.random.default_rng(6)
    closes = np.exp(0.02 * rng.standard_normal((60, 50)).cumsum(axis=0))
    x = rng.standard_normal((60, 50))
    whole, part = (one_sleeve(x[:n], closes[:n], closes[:n], 5, 5, 5) for n in (60, 41))
    assert_array_equal(whole.returns[:41], part.returns)
    assert_array_equal(whole.bought[:41], part.bought)
