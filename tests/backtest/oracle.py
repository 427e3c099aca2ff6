"""The ledger once more, slowly and readably: one stock after the other, one rule a line."""

from __future__ import annotations

import numpy as np


def cost_of(shares, price, rates):
    commission, minimum, _, stamp, transfer, slippage = rates
    value = abs(shares) * price
    duty = stamp if shares < 0 else 0.0
    return max(value * commission, minimum) + value * (transfer + slippage + duty)


def slow_ledger(weights, market, rates, borrow, *, capital, participation, max_gross, retry):
    """Trade at the next open; lots of 100; returns equity, cash, shares at each close and rows."""
    get = {n: market[n].values for n in ("open", "close", "adjust_factor", "volume")}
    opened, close, factor, volume = get.values()
    up, down = market["limit_up"].values, market["limit_down"].values
    suspended, age = market["suspended"].values, market["listing_age"].values
    sessions, assets = close.shape
    cash, shares, mark, goal = capital, np.zeros(assets), np.full(assets, np.nan), None
    equity, books, rows, undone, fresh = capital, [], [], [], False
    for t in range(sessions):
        commission, minimum, _, _, transfer, slippage = rates[t]
        if t:
            both = ~np.isnan(factor[t]) & ~np.isnan(factor[t - 1])
            ratio = np.where(both, factor[t] / factor[t - 1], 1.0)
            shares, mark = shares * ratio, mark / ratio
            goal = None if goal is None else goal * ratio
        value = np.where(shares != 0, shares * mark, 0.0)
        cash -= -value[value < 0].sum() * borrow[t]
        for i in np.flatnonzero((age[t] < 0) & (shares != 0)):
            cash, shares[i], goal[i], value[i] = cash + value[i], 0.0, 0.0, 0.0
        gross, collateral = np.abs(value).sum(), -value[value < 0].sum()

        def fill(i, q, price, t=t, shares=shares):
            paid = cost_of(q, price, rates[t])
            rows.append((t, i, q, price, paid))
            shares[i] += q
            return q * price + paid

        order = np.zeros(assets)
        if goal is not None and (fresh or retry):
            difference = goal - shares
            whole = (goal == 0) | (goal * shares < 0)
            lots = np.sign(difference) * np.floor(np.abs(difference) / 100 + 1e-9) * 100
            order = np.where(whole, difference, lots)
        for side in (-1, 1):
            for i in np.flatnonzero(np.sign(order) == side):
                q, p = abs(order[i]), opened[t, i]
                limit = (p > up[t, i] - 0.005) if side > 0 else (p < down[t, i] + 0.005)
                if age[t, i] < 0 or suspended[t, i] or limit:
                    undone.append((t, i, order[i]))
                    continue
                if q > participation * volume[t, i]:
                    q = np.floor(participation * volume[t, i] / 100 + 1e-9) * 100
                closing = min(q, max(-side * shares[i], 0.0))
                if closing:
                    cash -= fill(i, side * closing, p)
                    gross -= closing * mark[i]
                    collateral -= closing * mark[i] * (side > 0)
                room = max(max_gross * equity - gross, 0.0)
                extra = 1 + transfer + slippage
                free = max(min((cash - collateral) / (extra + commission),
                               (cash - collateral - minimum) / extra), 0.0)  # fmt: skip
                room = min(room, free) if side > 0 else room
                opening = q - closing
                if opening * p > room:
                    opening = np.floor(room / p / 100 + 1e-9) * 100
                if opening:
                    cash -= fill(i, side * opening, p)
                    gross += opening * p
                    collateral += opening * p * (side < 0)
                if closing + opening < abs(order[i]):
                    undone.append((t, i, order[i] - side * (closing + opening)))
        mark = np.where(close[t] > 0, close[t], mark)
        equity = cash + np.where(shares != 0, shares * mark, 0.0).sum()
        books.append((equity, cash, shares.copy()))
        fresh = bool((~np.isnan(weights[t])).any())
        if fresh:
            w = np.nan_to_num(weights[t])
            size = np.where(mark > 0, np.abs(w) * equity / np.where(mark > 0, mark, 1.0), 0.0)
            goal = np.sign(w) * np.floor(size / 100 + 1e-9) * 100
    equity, cash, shares = (np.array(x) for x in zip(*books, strict=True))
    return equity, cash, shares, rows, undone
