"""Random tapes: sensible markets drawn cell by cell, without a `Market`; run as a program, writes one.

python tests/backtest/tapes.py FOLDER [plain|long_short|suspended|full|tight|actions|financing]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from superhet.backtest.tape import AccountTerms, ActionRows, StepTimes, Tape, write_tape
from superhet.kernels.ledger_books import LIMIT_DOWN, LIMIT_UP, NOT_LISTED, SUSPENDED
from superhet.panel import Assets, Dates

QUIET = {"suspended": 0.0, "limits": False, "participation": None, "actions": False,
         "delistings": False}  # fmt: skip
FULL = {**QUIET, "suspended": 0.03, "limits": True, "participation": 0.1}
FINANCING = {"borrow": 0.08, "cash_rate": 0.015, "margin_rate": 0.06, "borrowable": True,
             "recall": True, "buyers_duty": 3e-4}  # fmt: skip
SCENARIOS = {
    "plain": QUIET,
    "long_short": {**QUIET, "long_short": True, "gross": 1.2, "borrow": 0.08},
    "suspended": {**QUIET, "suspended": 0.03},
    "full": FULL,
    "tight": {**FULL, "gross": 1.0},
    "actions": {**FULL, "actions": True, "delistings": True, "recovery": 0.6},
    "financing": {**FULL, **FINANCING, "actions": True, "delistings": True, "long_short": True,
                  "gross": 1.4, "spread": True},
}  # fmt: skip


def random_tape(
    assets=50,
    sessions=300,
    seed=0,
    *,
    long_short=False,
    suspended=0.03,
    limits=True,
    participation=0.1,
    actions=True,
    delistings=True,
    gross=0.9,
    every=1,
    dated_stamp_duty=True,
    buyers_duty=0.0,
    borrow=0.0,
    borrowable=False,
    recall=False,
    cash_rate=0.0,
    margin_rate=0.0,
    spread=False,
    recovery=1.0,
    cash_rule="cut",
    retry=True,
    capital=1e7,
    holes=0.1,
):
    """Draw a tape: prices in cents, lots of 100, every tenth asset 200 + 1; session 0 decides."""
    rng = np.random.default_rng(seed)
    shape = (sessions, assets)
    rows = _actions(rng, shape) if actions else ActionRows.none()
    bars, closed = _bars(rng, shape, rows, suspended)
    gone = np.zeros(shape, dtype=bool)
    if delistings:
        for i in rng.choice(assets, max(1, assets // 15), replace=False):
            gone[rng.integers(sessions // 3, sessions) :, i] = True
    buy = np.where(gone, NOT_LISTED, np.where(closed, SUSPENDED, 0)).astype(np.int8)
    sell = buy.copy()
    if limits:
        at_limit = rng.random(shape)
        buy[(buy == 0) & (at_limit < 0.02)] = LIMIT_UP
        sell[(sell == 0) & (at_limit > 0.98)] = LIMIT_DOWN
    bars = {name: np.where(buy_ok(buy), values, np.nan) for name, values in bars.items()}
    dates = _weekdays(sessions)
    star = np.arange(assets) % 10 == 9
    row_of = np.where(np.arange(sessions) % every == 0, np.arange(sessions) // every, -1)
    return Tape(
        dates=Dates(dates),
        assets=Assets([f"{688000 + i if star[i] else 600000 + i}.SH" for i in range(assets)]),
        boards=tuple("star" if s else "main" for s in star),
        weights=_weights(rng, (row_of.max() + 1, assets), gross, long_short, holes),
        row_of=row_of.astype(np.int64),
        **bars,
        price=bars["open"],
        traded_volume=None if participation is None else bars["volume"],
        participation=np.inf if participation is None else participation,
        buy_block=buy,
        sell_block=sell,
        minimum=np.where(star, 200.0, 100.0),
        step=np.where(star, 1.0, 100.0),
        mark=bars["close"][0],
        rates=_rates(dates, dated_stamp_duty, buyers_duty),
        days=np.diff(dates, prepend=dates[:1]).astype(float),
        cash_rate=np.full(sessions, cash_rate),
        margin_rate=np.full(sessions, margin_rate),
        terms=AccountTerms(
            capital=capital, cash_rule=cash_rule, retry=retry, recall=recall, recovery=recovery
        ),
        actions=rows,
        half_spread=rng.uniform(0, 1e-3, shape) if spread else None,
        impact=rng.uniform(0, 1e-5, shape) if spread else None,
        borrow_rate=borrow * rng.uniform(0.5, 2.0, shape) if borrow else None,
        borrowable=_borrowable(rng, shape) if borrowable else None,
        conventions={"fill": "open of the session after the decision"},
    )


def sliced(tape, slices, style, seed=0):
    """Give the same tape with `slices` fills a session: prices around the open, volumes in parts."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(tape.dates)), slices)
    price = np.round(tape.price[rows] * (1 + 0.003 * rng.standard_normal((rows.size, 1))), 2)
    time = tape.dates.values[rows].astype("datetime64[s]")
    minutes = np.tile(np.arange(slices), len(tape.dates)) * np.timedelta64(300, "s")
    volume = None
    if tape.traded_volume is not None:
        volume = tape.traded_volume[rows] * rng.uniform(0.0, 2.0 / slices, price.shape)
    blocks = {}
    for name, code in (("buy_block", LIMIT_UP), ("sell_block", LIMIT_DOWN)):
        block = getattr(tape, name)[rows].copy()
        block[(block == 0) & (rng.random(block.shape) < 0.1)] = code
        blocks[name] = block
    return replace(
        tape,
        price=price,
        traded_volume=volume,
        steps=StepTimes(
            session=rows, time=time + minutes + np.timedelta64(34500, "s"), style=style
        ),
        **blocks,
    )


def buy_ok(block):
    """Say where there is a bar at all."""
    return (block != NOT_LISTED) & (block != SUSPENDED)


def _weekdays(sessions):
    start = np.datetime64("2023-01-03")  # the stamp duty was halved on 2023-08-28
    return np.busday_offset(start, np.arange(sessions))


def _actions(rng, shape):
    """About two a hundred assets and sessions: bonus issues, dividends, and both together."""
    session, asset = np.nonzero(rng.random(shape) < 0.01)
    session, asset = session[session > 0], asset[session > 0]
    kind = rng.integers(0, 3, session.size)
    split = np.where(kind == 1, 1.0, rng.choice([1.1, 1.3, 1.5, 2.0, 0.5], session.size))
    gross = np.where(kind == 0, 0.0, np.round(rng.uniform(0.01, 0.4, session.size), 3))
    tax = rng.choice([0.0, 0.1, 0.2], session.size)
    return ActionRows(
        session=session, asset=asset, split=split, dividend=gross * (1 - tax), dividend_gross=gross
    )


def _bars(rng, shape, rows, suspended):
    moves = np.clip(0.02 * rng.standard_normal(shape) - 2e-4, -0.1, 0.1)
    gaps = np.clip(0.008 * rng.standard_normal(shape), -0.05, 0.05)
    split, paid = np.ones(shape), np.zeros(shape)
    split[rows.session, rows.asset], paid[rows.session, rows.asset] = (
        rows.split,
        rows.dividend_gross,
    )
    opened, close = np.empty(shape), np.empty(shape)
    last = np.round(rng.uniform(5.0, 60.0, shape[1]), 2)
    for t in range(shape[0]):
        last = np.maximum((last - paid[t]) / split[t], 0.5)
        opened[t] = np.maximum(np.round(last * (1 + gaps[t]), 2), 0.01)
        close[t] = last = np.maximum(np.round(last * (1 + moves[t]), 2), 0.01)
    closed = rng.random(shape) < suspended
    wider = np.round(0.005 * rng.random(shape) * close, 2)
    return {
        "open": opened,
        "high": np.maximum(opened, close) + wider,
        "low": np.maximum(np.minimum(opened, close) - wider, 0.01),
        "close": close,
        "volume": np.round(rng.lognormal(11.5, 1.0, shape)),
    }, closed


def _weights(rng, shape, gross, long_short, holes):
    score = rng.standard_normal(shape)
    for t in range(1, shape[0]):
        score[t] = 0.9 * score[t - 1] + 0.4 * score[t]
    score = score if long_short else np.abs(score)
    score[rng.random(shape) < holes] = 0.0
    total = np.abs(score).sum(axis=1, keepdims=True)
    return score * gross / np.where(total > 0, total, 1.0)


def _rates(dates, dated, buyers):
    stamp = np.where(dates < np.datetime64("2023-08-28"), 1e-3, 5e-4)
    one = np.ones(len(dates))
    sold = stamp if dated else 5e-4 * one
    return np.column_stack(
        [2.5e-4 * one, 5.0 * one, 0.0 * one, sold, buyers * one, 1e-5 * one, 5e-4 * one]
    )


def _borrowable(rng, shape):
    shares = np.round(rng.lognormal(10.0, 1.5, shape))
    shares[rng.random(shape) < 0.5] = np.inf
    return shares


if __name__ == "__main__":
    chosen = sys.argv[2] if len(sys.argv) > 2 else "full"
    write_tape(random_tape(**SCENARIOS[chosen]), Path(sys.argv[1]))
