"""Portfolios of the quantiles of a signal, session by session: what they earn, what they trade.

1. each date is cut into quantiles without sorting it: values are counted in bins between two bounds taken
   from a sample, and only the bins that hold an edge are sorted              -> _cut_row, cut
2. capital stands in sleeves, each renewed in its turn: what it holds earns until the price of the trade,
   what it buys earns from there to the close                                  -> _renew, _sleeves
3. between renewals names stay where they were bought and drift with their prices; a name without a price
   keeps its last value                                                        -> _worth

NaN means not known; one thread, so the bytes are the same on any machine with the same instructions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.ranking import still

Reals = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]

MOST_QUANTILES = 100
_BINS = 512
_SAMPLE = 64


class Sleeves(NamedTuple):
    """What the quantile portfolios did; column 0 of the quantiles is the lowest.

    Parameters
    ----------
    returns : [dates, quantiles], gross; NaN while no sleeve is invested, 0 for a quantile that ties have
        left empty, which is cash
    bought, sold : [dates, quantiles], fractions of the value of the portfolio
    universe : [dates], the names of all quantiles, equally weighted at each entry
    weighted : [dates], the portfolio of the given weights, as a fraction of its capital
    weighted_traded : [dates], sum of its absolute weight changes
    contributions : [assets], to the summed returns of top minus bottom
    impact : [dates], sum over both legs of |weight change|^1.5 × friction
    squared : [dates], sum over both legs of (weight change)^2 × thinness
    """

    returns: Floats
    bought: Floats
    sold: Floats
    universe: Floats
    weighted: Floats
    weighted_traded: Floats
    contributions: Floats
    impact: Floats
    squared: Floats


@njit(cache=True, nogil=True, error_model="numpy")
def _cut_row(x, place, quantiles, bucket, bins, undone, inside):  # type: ignore[no-untyped-def]
    """Write 1 … quantiles into bucket[place], by average rank: floor((less + equal / 2) quantiles / n).

    x : [n], finite; n >= quantiles. bins, undone, inside : [names], scratch
    """
    n = x.size
    step = max(n // _SAMPLE, 1)
    sample = np.sort(x[::step])
    low, high = sample[sample.size // 50], sample[sample.size - 1 - sample.size // 50]
    scale = _BINS / (high - low) if high > low else 0.0
    scale = scale if np.isfinite(scale) else 0.0
    for i in range(n):
        at = (x[i] - low) * scale
        at = at if at > 0.0 else 0.0  # not a number where the range overflows: all in one bin
        bins[i] = np.int32(at if at < _BINS - 1.0 else _BINS - 1.0)
    counts = np.zeros(_BINS, np.int64)
    for i in range(n):
        counts[bins[i]] += 1
    whole = np.zeros(_BINS, np.int64)  # the quantile of all in a bin, 0 where an edge lies in it
    base = np.zeros(_BINS, np.int64)  # names below an undecided bin, less those of such bins
    below, undecided = 0, 0
    for b in range(_BINS):
        count = counts[b]
        if count == 0:
            continue
        lowest = int((below + 0.5) * quantiles / n)
        if lowest == int((below + count - 0.5) * quantiles / n):
            whole[b] = lowest + 1
        else:
            base[b] = below - undecided
            undecided += count
        below += count
    late = 0
    for i in range(n):
        q = whole[bins[i]]
        bucket[place[i]] = q
        inside[late] = x[i]
        undone[late] = i
        late += q == 0
    if late == 0:
        return
    ordered = np.sort(inside[:late])
    for k in range(late):
        i = undone[k]
        left = np.searchsorted(ordered, x[i], side="left")
        right = left + 1
        while right < late and ordered[right] == x[i] and right < left + 8:
            right += 1
        if right == left + 8:
            right = np.searchsorted(ordered, x[i], side="right")
        middle = base[bins[i]] + 0.5 * (left + right)
        bucket[place[i]] = int(middle * quantiles / n) + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(signal, prices, locked, delay, quantiles, bucket):  # type: ignore[no-untyped-def]
    rows, names = signal.shape
    x, place = np.empty(names), np.empty(names, np.int32)
    bins, undone, inside = np.empty(names, np.int32), np.empty(names, np.int32), np.empty(names)
    for t in range(rows - delay):
        n = 0
        for i in range(names):
            v = signal[t, i]
            x[n] = v
            place[n] = i
            p = prices[t + delay, i]
            n += (np.abs(v) < np.inf) & (p == p) & (not locked[t + delay, i])
        if n >= quantiles:
            _cut_row(x[:n], place[:n], quantiles, bucket[t], bins, undone, inside)


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(bucket, signal, sizes):  # type: ignore[no-untyped-def]
    """Count the names of each quantile; give their mean signal and 1 / gross."""
    sizes[:] = 0
    total, gross = 0.0, 0.0
    for i in range(bucket.size):
        sizes[bucket[i]] += 1
        total += signal[i] if bucket[i] > 0 else 0.0
    sizes[0] = 0
    mean = total / max(sizes.sum(), 1)
    for i in range(bucket.size):
        gross += np.abs(signal[i] - mean) if bucket[i] > 0 else 0.0
    return mean, (1.0 / gross if gross > 1e-300 else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _worth(shares, bets, owned, price, sums, out):  # type: ignore[no-untyped-def]
    """Write what a sleeve is worth: out[q] of quantile q, one unit of money a name; out[0] of the bets.

    owned : [names], quantile of each, 0 = in none (its shares and bets are 0). sums : [4, quantiles + 1],
    scratch
    """
    sums[:] = 0.0  # four of each, so that one name does not wait for the one before
    a, b, i, stop = 0.0, 0.0, 0, shares.size
    while i + 4 <= stop:
        sums[0, owned[i]] += shares[i] * price[i]
        sums[1, owned[i + 1]] += shares[i + 1] * price[i + 1]
        sums[2, owned[i + 2]] += shares[i + 2] * price[i + 2]
        sums[3, owned[i + 3]] += shares[i + 3] * price[i + 3]
        a += bets[i] * price[i] + bets[i + 1] * price[i + 1]
        b += bets[i + 2] * price[i + 2] + bets[i + 3] * price[i + 3]
        i += 4
    while i < stop:
        sums[0, owned[i]] += shares[i] * price[i]
        a += bets[i] * price[i]
        i += 1
    for q in range(1, out.size):
        out[q] = (sums[0, q] + sums[1, q]) + (sums[2, q] + sums[3, q])
    out[0] = a + b


@njit(cache=True, nogil=True, error_model="numpy")
def _book(shares, owned, price, sizes, part, gains):  # type: ignore[no-untyped-def]
    """Book what each name of the outer quantiles has gained; of every name one unit of money was bought."""
    ends = np.zeros(sizes.size)
    ends[1], ends[-1] = -part / max(sizes[1], 1), part / max(sizes[-1], 1)
    for i in range(shares.size):
        gains[i] += (shares[i] * price[i] - 1.0) * ends[owned[i]]


@njit(cache=True, nogil=True, error_model="numpy")
def _moved(new, each, old, shares, price, to_weight, part, friction, thinness, sums):  # type: ignore[no-untyped-def]
    """Sum what the trades of the outer quantiles cost, as powers of the weight changes."""
    last = each.size - 1
    for i in range(new.size):
        bought, left = new[i] in (1, last), old[i] in (1, last)
        if not (bought or left) or friction[i] != friction[i]:
            continue
        a = each[new[i]] * part if bought else 0.0
        b = shares[i] * price[i] * to_weight[old[i]] * part if left else 0.0
        if new[i] == old[i]:
            a, b = np.abs(a - b), 0.0
        sums[0] += (a * np.sqrt(a) + b * np.sqrt(b)) * friction[i]
        sums[1] += (a * a + b * b) * thinness[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _renew(  # type: ignore[no-untyped-def]
    chosen, owned, signal, mean, scale, each, to_weight, capital, at_trade, level, shares, bets,
    sums, worth,
):  # fmt: skip
    """Trade a sleeve into its new names; write what it is worth at the close, give what its bets have moved.

    sums[1] becomes what each quantile keeps, as a weight. each, to_weight : 1 / names and 1 / worth of the
    quantiles
    """
    sums[:] = 0.0
    moved, bet = 0.0, 0.0
    for i in range(chosen.size):
        q, at = chosen[i], at_trade[i]
        old = shares[i] * at * to_weight[owned[i]]
        side = (signal[i] - mean) * scale if q > 0 else 0.0
        moved += np.abs(side - bets[i] * at * capital)
        share = 1.0 / at if q > 0 else 0.0
        shares[i], bets[i] = share, side * share
        sums[0, q] += share * level[i]
        bet += side * share * level[i]
        stays = old if old < each[q] else each[q]
        sums[1, q] += stays if owned[i] == q else 0.0
    worth[1:] = sums[0, 1:]
    worth[0] = bet
    return moved


@njit(cache=True, nogil=True, error_model="numpy")
def _sleeves(  # type: ignore[no-untyped-def]
    signal, bucket, closes, prices, delay, holding, count, quantiles, friction, thinness
):
    rows, names = signal.shape
    returns = np.zeros((rows, quantiles))
    bought, sold = np.zeros((rows, quantiles)), np.zeros((rows, quantiles))
    universe, weighted, traded = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    costs, gains = np.zeros((rows, 2)), np.zeros(names)
    sizes = np.zeros((count, quantiles + 1), np.int64)
    shares, bets = np.zeros((count, names)), np.zeros((count, names))
    worth, sums = np.zeros((count, quantiles + 1)), np.zeros((4, quantiles + 1))
    before, grown = np.zeros(quantiles + 1), np.ones(quantiles + 1)
    each, to_weight = np.zeros(quantiles + 1), np.zeros(quantiles + 1)
    level, at_trade = np.zeros(names), np.zeros(names)  # 0 until a name is first known
    nobody = np.zeros(names, np.uint8)
    signal_of = np.full(count, -1)  # the date whose signal a sleeve holds
    part = 1.0 / count
    for s in range(rows):
        for i in range(names):
            c, p = closes[s, i], prices[s, i]
            if c == c:
                level[i] = c
            at_trade[i] = p if p == p else level[i]
        active = 0
        for k in range(count):
            renews = s >= delay and (s - delay - (k * holding) // count) % holding == 0
            was = signal_of[k] >= 0
            if not (was or renews):
                continue
            owned = bucket[signal_of[k]] if was else nobody
            all_grown, bet_grown, capital = 1.0, 1.0, 1.0
            grown[:] = 1.0
            to_weight[:] = 0.0
            if was:
                before[:] = worth[k]
                price = at_trade if renews else level
                _worth(shares[k], bets[k], owned, price, sums, worth[k])
                a, b = 0.0, 0.0
                for q in range(1, quantiles + 1):
                    if before[q] > 0.0:  # else equal signals have left the quantile empty: cash
                        grown[q] = worth[k, q] / before[q]
                        to_weight[q] = 1.0 / worth[k, q]
                    a += before[q]
                    b += worth[k, q]
                all_grown = b / a
                capital = 1.0 / (1.0 + worth[k, 0])
                bet_grown = (1.0 + worth[k, 0]) / (1.0 + before[0])
            if renews:
                t = s - delay
                if was:
                    _book(shares[k], owned, at_trade, sizes[k], part, gains)
                mean, scale = _weigh(bucket[t], signal[t], sizes[k])
                new = sizes[k].sum()
                for q in range(1, quantiles + 1):
                    each[q] = 1.0 / sizes[k, q] if sizes[k, q] > 0 else 0.0
                signal_of[k] = t if new > 0 else -1
                if not (was or new > 0):
                    continue
                if friction.shape[0] == rows:
                    _moved(
                        bucket[t], each, owned, shares[k], at_trade, to_weight, part,
                        friction[t], thinness[t], costs[s],
                    )  # fmt: skip
                traded[s] += _renew(
                    bucket[t], owned, signal[t], mean, scale, each, to_weight, capital, at_trade,
                    level, shares[k], bets[k], sums, worth[k],
                )  # fmt: skip
                total = 0.0
                for q in range(1, quantiles + 1):
                    sold[s, q - 1] += 1.0 - sums[1, q] if was and before[q] > 0.0 else 0.0
                    if sizes[k, q] > 0:
                        bought[s, q - 1] += 1.0 - sums[1, q]
                        grown[q] *= worth[k, q] * each[q]
                        total += worth[k, q]
                if new > 0:
                    all_grown *= total / new
                    bet_grown *= 1.0 + worth[k, 0]
            active += 1
            universe[s] += all_grown - 1.0
            weighted[s] += bet_grown - 1.0
            for q in range(quantiles):
                returns[s, q] += grown[q + 1] - 1.0
        for q in range(quantiles):
            returns[s, q] /= active
            bought[s, q] /= active
            sold[s, q] /= active
        universe[s] /= active
        weighted[s] /= active
        traded[s] /= active
    for k in range(count):
        if signal_of[k] >= 0:
            _book(shares[k], bucket[signal_of[k]], level, sizes[k], part, gains)
    return returns, bought, sold, universe, weighted, traded, gains, costs[:, 0], costs[:, 1]


def cut(
    signal: Reals, prices: Reals, locked: npt.NDArray[np.bool_], delay: int, quantiles: int
) -> Codes:
    """Cut each date into quantiles of equal size by average rank, among the names that can be entered.

    Parameters
    ----------
    signal : [dates, assets]; infinite values take no part
    prices, locked : [dates, assets]; who has no price, or a locked one, `delay` dates later takes no part
    delay : dates from the signal to the entry
    quantiles : 2 … MOST_QUANTILES

    Returns
    -------
    [dates, assets], 1 = lowest … quantiles; 0 = in none. A date with fewer names than quantiles has none,
    nor have the last `delay` dates. Equal signals share a quantile

    Examples
    --------
    >>> x = np.array([[0.3, -1.0, 2.0, np.nan, 0.5]])
    >>> cut(x, np.ones((1, 5)), np.zeros((1, 5), bool), 0, 2)
    array([[1, 1, 2, 0, 2]], dtype=uint8)
    """
    out = np.zeros(signal.shape, dtype=np.uint8)
    _cut(_still(signal), _still(prices, np.float64), _still(locked), delay, quantiles, out)
    return out


def sleeves(
    signal: Reals,
    buckets: Codes,
    closes: Reals,
    prices: Reals,
    *,
    quantiles: int,
    delay: int,
    holding: int,
    count: int,
    friction: Floats | None = None,
    thinness: Floats | None = None,
) -> Sleeves:
    """Run the portfolios of all quantiles through the sessions.

    Parameters
    ----------
    signal : [dates, assets]; weighs the names of `weighted`, by signal less mean
    buckets : [dates, assets], as `cut` gives
    closes : [dates, assets], adjusted; NaN where nothing traded
    prices : [dates, assets], adjusted, at which one trades
    quantiles, delay : as in `cut`
    holding : dates between two renewals of a sleeve; the first one is bought at date `delay`
    count : sleeves, at most `holding`
    friction, thinness : [dates, assets], known at the signal date; what trades cost is summed with them
    """
    nothing = np.empty((0, 0))
    some = (nothing if x is None else x for x in (friction, thinness))
    found = _sleeves(
        _still(signal),
        _still(buckets),
        _still(closes, np.float64),
        _still(prices, np.float64),
        delay,
        holding,
        count,
        quantiles,
        *(_still(x, np.float64) for x in some),
    )
    return Sleeves(*found)


def _still(values: npt.NDArray[Any], dtype: npt.DTypeLike | None = None) -> Any:
    return still(np.ascontiguousarray(values, dtype=dtype))
