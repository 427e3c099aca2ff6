"""The fees of `benchmarks.backtest`, for the scripts of the peers; needs nothing."""

from __future__ import annotations

COMMISSION, MINIMUM, STAMP, TRANSFER = 2.5e-4, 5.0, 5e-4, 1e-5
LOT = 100
WORK = "daily rebalance"


def fee(shares, price):
    """Give the fee of one fill of `shares` (signed)."""
    value = abs(shares) * price
    duty = value * STAMP if shares < 0 else 0.0
    return max(value * COMMISSION, MINIMUM) + value * TRANSFER + duty


def capital(assets):
    """Give the capital at the start."""
    return 5e4 * assets


def invested(weights):
    """Scale the weights of each session to 0.9 of equity, so that a slice of the names is as busy as all."""
    return 0.9 * weights / weights.sum(axis=1, keepdims=True)


def target(weight, equity, price):
    """Give the shares of a target weight, in whole lots."""
    return int(weight * equity / price / LOT + 1e-9) * LOT
