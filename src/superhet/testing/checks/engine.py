"""The battery of engines: what every implementation must do, ours or a stranger's.

1. the result stands on the sessions after the first decision, and its parts agree  -> _is_consistent
2. the same orders give the same books                                              -> _is_deterministic
3. weights of zero leave the capital as it was, interest apart                      -> _holds_nothing
4. a sparse panel of decision dates says the same as a dense one with unknown rows  -> _reads_sparse
5. noise after *t*, in weights and market, changes no book up to *t*                -> _does_not_look_ahead
6. weights that cannot be traded are refused                                        -> _refuses_nonsense
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from superhet.backtest import Engine
from superhet.errors import AxisMismatch, DataError, NoSignal
from superhet.kernels.ledger_books import REFUSALS
from superhet.panel import Assets, BacktestResult, Market, Panel

_CENT = 1e-2
_KNOWN_TRADES = ("date", "asset", "shares", "price", "value")
Floats = npt.NDArray[np.float64]


def check_engine(engine: Engine, weights: Panel, market: Market) -> None:
    """Run the whole battery; raises AssertionError with the reason at the first failure.

    Parameters
    ----------
    weights : decisions on some sessions of the market, NaN rows elsewhere, at least 10 in all
    market : daily fields as the design page lists them
    """
    result = engine.run(weights, market)
    _is_consistent(result, weights, market)
    _is_deterministic(engine, weights, market, result)
    _holds_nothing(engine, weights, market)
    _reads_sparse(engine, weights, market, result)
    _does_not_look_ahead(engine, weights, market)
    _refuses_nonsense(engine, weights, market)


def same_books(left: BacktestResult, right: BacktestResult, sessions: int | None = None) -> bool:
    """Say whether two results agree to a cent on their first sessions."""
    count = min(len(left.dates), len(right.dates)) if sessions is None else sessions
    return bool(
        np.allclose(left.equity[:count], right.equity[:count], rtol=0.0, atol=_CENT)
        and np.allclose(left.cash[:count], right.cash[:count], rtol=0.0, atol=_CENT)
        and np.allclose(left.holdings.values[:count], right.holdings.values[:count], atol=1e-9)
    )


def _is_consistent(result: BacktestResult, weights: Panel, market: Market) -> None:
    decided = weights.dates.values[np.flatnonzero(weights.known().any(axis=1))[0]]
    later = market.dates.values[market.dates.index(decided) + 1 :]
    assert np.array_equal(result.dates.values, later), "the result misses sessions"
    assert result.holdings.assets == market.assets, "the holdings stand on other assets"
    held = 1.0 - result.holdings.values.sum(axis=1)
    assert np.allclose(held * result.equity, result.cash, atol=_CENT), "cash + holdings != equity"
    grown = result.equity[1:] / result.equity[:-1] - 1.0
    assert np.allclose(result.returns[1:], grown, atol=1e-12), "returns are not those of equity"
    paid = np.sum(list(result.costs.values()), axis=0)
    for name, series in result.costs.items():
        assert (series >= -1e-6).all(), f"the cost {name} is negative"
    before = np.concatenate([[result.equity[0] / (1.0 + result.returns[0])], result.equity[:-1]])
    gross = result.returns + paid / before
    assert np.allclose(result.gross_returns, gross, atol=1e-9), "gross - costs != net"
    assert set(_KNOWN_TRADES) <= set(result.trades), "the trades lack a column"
    for name in set(result.costs) & set(result.trades):
        legs = float(np.sum(result.trades[name]))
        days = float(np.sum(result.costs[name]))
        assert np.isclose(legs, days, atol=_CENT), f"{name} of the trades is not that of the days"
    rules = set(result.orders_refused["rule"].tolist())
    assert rules <= set(REFUSALS[1:]), f"unknown rules: {sorted(rules)}"
    assert result.conventions, "the conventions are not stated"


def _is_deterministic(
    engine: Engine, weights: Panel, market: Market, result: BacktestResult
) -> None:
    again = engine.run(weights, market)
    assert np.array_equal(again.equity, result.equity), "the same orders gave other books"
    assert again.trades.fingerprint() == result.trades.fingerprint(), "other trades came back"


def _holds_nothing(engine: Engine, weights: Panel, market: Market) -> None:
    zero = weights.with_values(np.where(weights.known(), 0.0, np.nan))
    result = engine.run(zero, market)
    assert result.trades.rows == 0, "weights of zero traded"
    earned = np.zeros(len(result.dates)) + sum(result.income.values())
    assert np.ptp(result.equity - earned.cumsum()) < _CENT, "weights of zero changed the capital"


def _reads_sparse(engine: Engine, weights: Panel, market: Market, result: BacktestResult) -> None:
    sparse = weights.rows(np.flatnonzero(weights.known().any(axis=1)))
    assert same_books(engine.run(sparse, market), result), "decision dates alone gave other books"


def _does_not_look_ahead(engine: Engine, weights: Panel, market: Market) -> None:
    cut = (2 * len(market.dates)) // 3
    noisy = _noise_after(market, cut, seed=11)
    values = weights.values.copy()
    values[cut + 1 :] = -0.5 * values[cut + 1 :]
    changed = engine.run(weights.with_values(values), noisy)
    short = engine.run(
        weights.until(market.dates.values[cut]), market.until(market.dates.values[cut])
    )
    result = engine.run(weights, market)
    count = len(short.dates)
    assert same_books(result, short, count), "books change when later sessions are taken away"
    assert same_books(result, changed, count), "books change when later sessions are noise"


def _noise_after(market: Market, cut: int, seed: int) -> Market:
    """Multiply every positive field after session `cut` by noise."""
    rng = np.random.default_rng(seed)
    fields = {}
    for name in market:
        panel = market[name]
        if panel.values.dtype.kind == "f" and name != "listing_age":
            values = panel.values.copy()
            values[cut + 1 :] *= np.exp(0.1 * rng.standard_normal(values[cut + 1 :].shape))
            fields[name] = panel.with_values(values)
    return market.with_fields(fields)


def _refuses_nonsense(engine: Engine, weights: Panel, market: Market) -> None:
    values = weights.values.copy()
    values[np.isfinite(values)] = np.inf
    strange = Panel(
        values=weights.values,
        dates=weights.dates,
        assets=Assets(f"x{name}" for name in weights.assets),
        name="strange",
        unit="weight",
    )
    nothing = weights.with_values(np.full(weights.values.shape, np.nan))
    for what, error in (
        (weights.with_values(values), DataError),
        (strange, AxisMismatch),
        (nothing, NoSignal),
    ):
        try:
            engine.run(what, market)
        except error:
            continue
        raise AssertionError(f"{what.name!r} should have been refused with {error.__name__}")
