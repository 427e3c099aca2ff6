"""One tape, three engines, one set of books: ours, Backtrader's and vn.py's, each in its own process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from real_tapes import DATA, OLDER, RECENT, real_market, real_tape
from tapes import SCENARIOS, random_tape

from superhet.backtest.bookkeeping import keep_books
from superhet.backtest.engines.outside import outside_books
from superhet.errors import MissingExtra
from superhet.kernels.ledger_books import REFUSALS

CENT = 0.01
OTHERS = {"backtrader": "backtrader", "vnpy": "vnpy_portfoliostrategy"}
real = pytest.mark.skipif(
    not DATA.exists(), reason="no real data beside the project (../shared/data)"
)


def reconciled(tape):
    """Let all three keep the books; give ours, once the others are the same to the cent on every day."""
    ours = keep_books(tape)
    with ThreadPoolExecutor() as pool:
        others = {
            name: pool.submit(outside_books, name, module, tape) for name, module in OTHERS.items()
        }
    for name, running in others.items():
        try:
            books, facts = running.result()
        except MissingExtra as missing:
            pytest.skip(str(missing))
        apart = np.abs(books.daily.equity - ours.daily.equity)
        first = int(np.argmax(apart > CENT))
        print(f"{name}: {apart.max():.2e} CNY apart, {facts['seconds']:.1f} s")
        assert apart.max() <= CENT, (
            f"{name} from {tape.dates.values[first]} on: {apart.max():.2f} CNY"
        )
        np.testing.assert_array_equal(books.fills, ours.fills, err_msg=name)
        np.testing.assert_array_equal(books.refusals, ours.refusals, err_msg=name)
        np.testing.assert_allclose(books.money, ours.money, rtol=0, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(
            books.daily.costs, ours.daily.costs, rtol=0, atol=CENT, err_msg=name
        )
    return ours


def reasons(books):
    return {REFUSALS[code] for code in np.unique(books.refusals[2])}


def test_fifty_stocks_with_all_that_can_happen_are_the_same_book_in_three_engines():
    tape = random_tape(50, 60, seed=11, **SCENARIOS["financing"])
    books = reconciled(tape)
    assert books.fills.shape[1] > 1000
    assert {"suspended", "limit_up", "limit_down", "volume_cap", "no_borrow"} <= reasons(books)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_three_years_of_fifty_drawn_stocks_are_the_same_book(scenario):
    reconciled(random_tape(50, 750, seed=12, **SCENARIOS[scenario]))


market = cache(real_market)


@real
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("long_short", [False, True], ids=["long_only", "long_short"])
def test_three_years_of_fifty_real_stocks_are_the_same_book(long_short):
    """2022 to 2024, over the halving of the stamp duty."""
    tape = real_tape(market(50, *RECENT), long_short=long_short)
    assert tape.shape[0] > 720
    assert np.unique(tape.rates[:, 3]).tolist() == [5e-4, 1e-3]
    books = reconciled(tape)
    assert books.fills.shape[1] > 15_000
    assert {"suspended", "limit_up", "limit_down", "volume_cap"} <= reasons(books)


@real
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("long_short", [False, True], ids=["long_only", "long_short"])
def test_three_years_of_five_hundred_real_stocks_are_the_same_book(long_short):
    """2017 to 2019: three boards, special treatment, long suspensions, delistings."""
    tape = real_tape(market(500, *OLDER), long_short=long_short)
    books = reconciled(tape)
    assert books.fills.shape[1] > 100_000
    assert {"suspended", "limit_up", "limit_down", "volume_cap"} <= reasons(books)
