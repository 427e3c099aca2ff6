"""Round trips by hand: first in, first out, through splits and dividends, long and short."""

from __future__ import annotations

import numpy as np
import pytest

from superhet.backtest.round_trips import held_shares, round_trips
from superhet.panel import Dates, Records

DAYS = Dates(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"])


def fills(*rows):
    """Rows (session, asset, shares, price, commission)."""
    at, asset, shares, price, cost = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    return Records(
        columns={
            "date": DAYS.values[at.astype(int)],
            "asset": asset.astype(int),
            "shares": shares,
            "price": price,
            "commission": cost,
        }
    )


def acts(*rows):
    """Rows (session, asset, split, dividend of a holder); a short pays a tenth more."""
    at, asset, split, dividend = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    return Records(
        columns={
            "date": DAYS.values[at.astype(int)],
            "asset": asset.astype(int),
            "split": split,
            "dividend": dividend,
            "dividend_gross": 1.1 * dividend,
        }
    )


def row(found, k):
    return {n: found[n][k] for n in found}


def test_the_oldest_shares_leave_first():
    found = round_trips(
        fills((0, 0, 200, 10.0, 4.0), (1, 0, 100, 11.0, 5.0), (3, 0, -250, 12.0, 10.0)), DAYS
    )
    assert found.rows == 3
    first, second, rest = (row(found, k) for k in range(3))
    # 200 bought at 10 with 4 of commission; the sale's 10 are split over its 250 shares
    assert (first["shares"], first["entry_price"], first["exit_price"]) == (200, 10.0, 12.0)
    assert first["profit"] == pytest.approx(200 * 2.0 - 4.0 - 200 * 10.0 / 250)
    assert first["sessions"] == 3
    assert second["profit"] == pytest.approx(50 * 1.0 - 2.5 - 50 * 10.0 / 250)
    assert rest["shares"] == 50
    assert np.isnat(rest["exit_date"])
    assert np.isnan(rest["profit"])


def test_a_short_gains_when_the_price_falls_and_pays_the_dividend():
    found = round_trips(
        fills((0, 0, -100, 10.0, 5.0), (3, 0, 100, 8.0, 5.0)), DAYS, acts((2, 0, 1.0, 0.5))
    )
    trip = row(found, 0)
    assert trip["side"] == -1
    assert trip["dividends"] == pytest.approx(-55.0)
    assert trip["profit"] == pytest.approx(100 * 2.0 - 10.0 - 55.0)
    assert trip["return"] == pytest.approx(trip["profit"] / 1000.0)


def test_a_split_divides_the_entry_price_and_keeps_its_money():
    found = round_trips(
        fills((0, 0, 100, 10.0, 5.0), (3, 0, -200, 6.0, 5.0)), DAYS, acts((2, 0, 2.0, 0.1))
    )
    trip = row(found, 0)
    assert (trip["shares"], trip["entry_price"]) == (200, 5.0)
    assert trip["dividends"] == pytest.approx(10.0)
    assert trip["profit"] == pytest.approx(200 * 6.0 - 1000.0 - 10.0 + 10.0)


def test_the_fraction_of_a_split_leaves_no_dust_behind():
    found = round_trips(
        fills((0, 0, 105, 10.0, 0.0), (3, 0, -136, 8.0, 0.0)), DAYS, acts((2, 0, 1.3, 0.0))
    )
    assert found.rows == 1  # 105 x 1.3 = 136.5: 136 whole shares, the half is paid in cash
    assert found["shares"][0] == pytest.approx(136.0)


def test_a_trade_through_zero_closes_one_trip_and_opens_another():
    found = round_trips(fills((0, 0, 100, 10.0, 5.0), (2, 0, -300, 11.0, 9.0)), DAYS)
    assert list(found["side"]) == [1, -1]
    assert found["profit"][0] == pytest.approx(100.0 - 5.0 - 3.0)
    assert found["shares"][1] == 200


def test_assets_do_not_meet_each_other():
    found = round_trips(fills((0, 0, 100, 10.0, 0.0), (1, 1, -100, 10.0, 0.0)), DAYS)
    assert np.isnat(found["exit_date"]).all()


def test_profit_of_all_trips_is_the_money_that_came_back():
    rng = np.random.default_rng(0)
    rows, held = [], np.zeros(3)
    for t in range(4):
        for a in range(3):
            size = float(rng.integers(-5, 6) * 100)
            if size:
                rows.append((t, a, size, float(rng.uniform(5, 15)), 3.0))
                held[a] += size
    rows += [(4, a, -held[a], 10.0, 3.0) for a in range(3) if held[a]]
    book = fills(*rows)
    found = round_trips(book, DAYS)
    money = -(book["shares"] * book["price"]).sum() - 3.0 * book.rows
    assert found["profit"].sum() == pytest.approx(money)
    assert_flat = held_shares(book, DAYS, 3)[-1]
    assert (assert_flat == 0.0).all()


def test_shares_held_are_fills_and_splits_added_up():
    book = fills((0, 0, 105, 10.0, 0.0), (3, 0, -36, 8.0, 0.0))
    held = held_shares(book, DAYS, 1, acts((2, 0, 1.3, 0.0)))
    assert held[:, 0].tolist() == [105, 105, 136, 100, 100]
    large = held_shares(fills((0, 0, 1e8, 1.0, 0.0)), DAYS, 1, acts((2, 0, 1.15, 0.0)))
    assert large[-1, 0] == 115_000_000  # 1e8 x 1.15 is 114999999.99999999 in floats
    later = held_shares(book.take(slice(1, 2)), DAYS[2:], 1, None, np.array([136.0]))
    assert later[:, 0].tolist() == [136, 100, 100]


def test_no_trade_gives_no_trip():
    empty = Records(
        columns={n: np.zeros(0) for n in ("shares", "price")}
        | {"date": DAYS.values[:0], "asset": np.zeros(0, dtype=int)}
    )
    assert round_trips(empty, DAYS).rows == 0
