"""Kakushadze's 101 formulaic alphas in plain pandas, the other side of the parity test.

Written from the formulas printed in appendix A of Z. Kakushadze, "101 Formulaic Alphas", Wilmott 84
(2016), arXiv:1601.00991; see alpha101_operations.py for the operations and their readings.

Readings, where the formulas leave a choice:

- `adv{d}` is the mean of the money traded, as the paper defines it, although alphas 7, 17, 21, 39, 43, 47
  and 100 then compare it with a number of shares;
- one classification stands for IndClass.sector, .industry and .subindustry;
- min(x, 5) of alpha 29 has a number on the right and is ts_min; the other min and max join two series;
- a mix (vwap * 0.728317) + (vwap * (1 - 0.728317)) of a series with itself is computed as printed;
- an alpha that is a comparison is 1 or 0, and 0 where something is not known; so is the `-1` product of it;
- before its first close an asset does not exist, and not even a comparison has a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace

import numpy as np
from alpha101_fractional import FRACTIONAL
from alpha101_operations import (
    Formula,
    Frame,
    adv,
    claim,
    correlation,
    covariance,
    decay_linear,
    delay,
    delta,
    indneutralize,
    log,
    middle,
    place,
    power,
    product,
    rank,
    scale,
    sign,
    signedpower,
    stddev,
    ts_argmax,
    ts_argmin,
    ts_max,
    ts_min,
    ts_rank,
    ts_sum,
    where,
)


def turn(m: SimpleNamespace) -> Frame:
    # the bend of the price path of alphas 46, 49 and 51
    before, after = delay(m.close, 20) - delay(m.close, 10), delay(m.close, 10) - m.close
    return before / 10 - after / 10


def alpha001(m: SimpleNamespace) -> Frame:
    x = where(claim(m, m.returns < 0), stddev(m.returns, 20), m.close)
    return rank(ts_argmax(signedpower(x, 2.0), 5)) - 0.5


def alpha007(m: SimpleNamespace) -> Frame:
    move = delta(m.close, 7)
    return where(claim(m, adv(m, 20) < m.volume), -1 * ts_rank(move.abs(), 60) * sign(move), -1)


def alpha008(m: SimpleNamespace) -> Frame:
    x = ts_sum(m.open, 5) * ts_sum(m.returns, 5)
    return -1 * rank(x - delay(x, 10))


def alpha009(m: SimpleNamespace) -> Frame:
    d = delta(m.close, 1)
    falls = claim(m, ts_max(d, 5) < 0)
    return where(claim(m, ts_min(d, 5) > 0), d, where(falls, d, -1 * d))


def alpha010(m: SimpleNamespace) -> Frame:
    d = delta(m.close, 1)
    falls = claim(m, ts_max(d, 4) < 0)
    return rank(where(claim(m, ts_min(d, 4) > 0), d, where(falls, d, -1 * d)))


def alpha011(m: SimpleNamespace) -> Frame:
    x = m.vwap - m.close
    return (rank(ts_max(x, 3)) + rank(ts_min(x, 3))) * rank(delta(m.volume, 3))


def alpha017(m: SimpleNamespace) -> Frame:
    bend = rank(delta(delta(m.close, 1), 1))
    return -1 * rank(ts_rank(m.close, 10)) * bend * rank(ts_rank(m.volume / adv(m, 20), 5))


def alpha018(m: SimpleNamespace) -> Frame:
    x = m.close - m.open
    return -1 * rank(stddev(x.abs(), 5) + x + correlation(m.close, m.open, 10))


def alpha019(m: SimpleNamespace) -> Frame:
    move = (m.close - delay(m.close, 7)) + delta(m.close, 7)
    return -1 * sign(move) * (1 + rank(1 + ts_sum(m.returns, 250)))


def alpha020(m: SimpleNamespace) -> Frame:
    gaps = [rank(m.open - delay(x, 1)) for x in (m.high, m.close, m.low)]
    return -1 * gaps[0] * gaps[1] * gaps[2]


def alpha021(m: SimpleNamespace) -> Frame:
    slow, fast, width = ts_sum(m.close, 8) / 8, ts_sum(m.close, 2) / 2, stddev(m.close, 8)
    busy = m.volume / adv(m, 20)
    inner = where(claim(m, (busy > 1) | (busy == 1)), 1, -1)
    below = where(claim(m, fast < slow - width), 1, inner)
    return where(claim(m, slow + width < fast), -1, below)


def alpha022(m: SimpleNamespace) -> Frame:
    return -1 * delta(correlation(m.high, m.volume, 5), 5) * rank(stddev(m.close, 20))


def alpha023(m: SimpleNamespace) -> Frame:
    return where(claim(m, ts_sum(m.high, 20) / 20 < m.high), -1 * delta(m.high, 2), 0)


def alpha024(m: SimpleNamespace) -> Frame:
    slope = delta(ts_sum(m.close, 100) / 100, 100) / delay(m.close, 100)
    above = -1 * (m.close - ts_min(m.close, 100))
    flat = claim(m, (slope < 0.05) | (slope == 0.05))
    return where(flat, above, -1 * delta(m.close, 3))


def alpha027(m: SimpleNamespace) -> Frame:
    x = ts_sum(correlation(rank(m.volume), rank(m.vwap), 6), 2) / 2.0
    return where(claim(m, rank(x) > 0.5), -1, 1)


def alpha028(m: SimpleNamespace) -> Frame:
    return scale(correlation(adv(m, 20), m.low, 5) + middle(m) - m.close)


def alpha029(m: SimpleNamespace) -> Frame:
    x = rank(rank(-1 * rank(delta(m.close - 1, 5))))
    x = rank(rank(scale(log(ts_sum(ts_min(x, 2), 1)))))
    return ts_min(product(x, 1), 5) + ts_rank(delay(-1 * m.returns, 6), 5)


def alpha030(m: SimpleNamespace) -> Frame:
    c = [delay(m.close, k) for k in range(4)]
    steps = sign(c[0] - c[1]) + sign(c[1] - c[2]) + sign(c[2] - c[3])
    return (1.0 - rank(steps)) * ts_sum(m.volume, 5) / ts_sum(m.volume, 20)


def alpha031(m: SimpleNamespace) -> Frame:
    slow = rank(rank(rank(decay_linear(-1 * rank(rank(delta(m.close, 10))), 10))))
    return slow + rank(-1 * delta(m.close, 3)) + sign(scale(correlation(adv(m, 20), m.low, 12)))


def alpha032(m: SimpleNamespace) -> Frame:
    near = scale(ts_sum(m.close, 7) / 7 - m.close)
    return near + 20 * scale(correlation(m.vwap, delay(m.close, 5), 230))


def alpha034(m: SimpleNamespace) -> Frame:
    calm = 1 - rank(stddev(m.returns, 2) / stddev(m.returns, 5))
    return rank(calm + (1 - rank(delta(m.close, 1))))


def alpha035(m: SimpleNamespace) -> Frame:
    top = 1 - ts_rank((m.close + m.high) - m.low, 16)
    return ts_rank(m.volume, 32) * top * (1 - ts_rank(m.returns, 32))


def alpha036(m: SimpleNamespace) -> Frame:
    body = m.close - m.open
    return (
        2.21 * rank(correlation(body, delay(m.volume, 1), 15))
        + 0.7 * rank(m.open - m.close)
        + 0.73 * rank(ts_rank(delay(-1 * m.returns, 6), 5))
        + rank(correlation(m.vwap, adv(m, 20), 6).abs())
        + 0.6 * rank((ts_sum(m.close, 200) / 200 - m.open) * body)
    )


def alpha037(m: SimpleNamespace) -> Frame:
    x = m.open - m.close
    return rank(correlation(delay(x, 1), m.close, 200)) + rank(x)


def alpha039(m: SimpleNamespace) -> Frame:
    quiet = 1 - rank(decay_linear(m.volume / adv(m, 20), 9))
    return -1 * rank(delta(m.close, 7) * quiet) * (1 + rank(ts_sum(m.returns, 250)))


def alpha043(m: SimpleNamespace) -> Frame:
    return ts_rank(m.volume / adv(m, 20), 20) * ts_rank(-1 * delta(m.close, 7), 8)


def alpha045(m: SimpleNamespace) -> Frame:
    level = rank(ts_sum(delay(m.close, 5), 20) / 20)
    sums = rank(correlation(ts_sum(m.close, 5), ts_sum(m.close, 20), 2))
    return -1 * (level * correlation(m.close, m.volume, 2) * sums)


def alpha046(m: SimpleNamespace) -> Frame:
    x = turn(m)
    below = where(claim(m, x < 0), 1, -1 * delta(m.close, 1))
    return where(claim(m, x > 0.25), -1, below)


def alpha047(m: SimpleNamespace) -> Frame:
    busy = rank(1 / m.close) * m.volume / adv(m, 20)
    top = m.high * rank(m.high - m.close) / (ts_sum(m.high, 5) / 5)
    return busy * top - rank(m.vwap - delay(m.vwap, 5))


def alpha048(m: SimpleNamespace) -> Frame:
    d = delta(m.close, 1)
    x = correlation(d, delta(delay(m.close, 1), 1), 250) * d / m.close
    return indneutralize(x, m.industry) / ts_sum(power(d / delay(m.close, 1), 2), 250)


def alpha049(m: SimpleNamespace) -> Frame:
    return where(claim(m, turn(m) < -0.1), 1, -1 * delta(m.close, 1))


def alpha050(m: SimpleNamespace) -> Frame:
    return -1 * ts_max(rank(correlation(rank(m.volume), rank(m.vwap), 5)), 5)


def alpha051(m: SimpleNamespace) -> Frame:
    return where(claim(m, turn(m) < -0.05), 1, -1 * delta(m.close, 1))


def alpha052(m: SimpleNamespace) -> Frame:
    floor = ts_min(m.low, 5)
    momentum = rank((ts_sum(m.returns, 240) - ts_sum(m.returns, 20)) / 220)
    return (-1 * floor + delay(floor, 5)) * momentum * ts_rank(m.volume, 5)


def alpha053(m: SimpleNamespace) -> Frame:
    return -1 * delta(place(m) / (m.close - m.low), 9)


def alpha054(m: SimpleNamespace) -> Frame:
    above = -1 * ((m.low - m.close) * power(m.open, 5))
    return above / ((m.low - m.high) * power(m.close, 5))


def alpha055(m: SimpleNamespace) -> Frame:
    floor, top = ts_min(m.low, 12), ts_max(m.high, 12)
    return -1 * correlation(rank((m.close - floor) / (top - floor)), rank(m.volume), 6)


def alpha056(m: SimpleNamespace) -> Frame:
    x = ts_sum(m.returns, 10) / ts_sum(ts_sum(m.returns, 2), 3)
    return 0 - rank(x) * rank(m.returns * m.cap)


def alpha057(m: SimpleNamespace) -> Frame:
    return 0 - (m.close - m.vwap) / decay_linear(rank(ts_argmax(m.close, 30)), 2)


def alpha060(m: SimpleNamespace) -> Frame:
    flow = scale(rank(place(m) / (m.high - m.low) * m.volume))
    return 0 - (2 * flow - scale(rank(ts_argmax(m.close, 10))))


def alpha100(m: SimpleNamespace) -> Frame:
    flow = rank(place(m) / (m.high - m.low) * m.volume)
    flow = scale(indneutralize(indneutralize(flow, m.industry), m.industry))
    x = correlation(m.close, rank(adv(m, 20)), 5) - rank(ts_argmin(m.close, 30))
    return 0 - (1.5 * flow - scale(indneutralize(x, m.industry))) * (m.volume / adv(m, 20))


SHORT: dict[str, Formula] = {
    "alpha002": lambda m: (
        -1 * correlation(rank(delta(log(m.volume), 2)), rank((m.close - m.open) / m.open), 6)
    ),
    "alpha003": lambda m: -1 * correlation(rank(m.open), rank(m.volume), 10),
    "alpha004": lambda m: -1 * ts_rank(rank(m.low), 9),
    "alpha005": lambda m: (
        rank(m.open - ts_sum(m.vwap, 10) / 10) * (-1 * rank(m.close - m.vwap).abs())
    ),
    "alpha006": lambda m: -1 * correlation(m.open, m.volume, 10),
    "alpha012": lambda m: sign(delta(m.volume, 1)) * (-1 * delta(m.close, 1)),
    "alpha013": lambda m: -1 * rank(covariance(rank(m.close), rank(m.volume), 5)),
    "alpha014": lambda m: -1 * rank(delta(m.returns, 3)) * correlation(m.open, m.volume, 10),
    "alpha015": lambda m: -1 * ts_sum(rank(correlation(rank(m.high), rank(m.volume), 3)), 3),
    "alpha016": lambda m: -1 * rank(covariance(rank(m.high), rank(m.volume), 5)),
    "alpha025": lambda m: rank(-1 * m.returns * adv(m, 20) * m.vwap * (m.high - m.close)),
    "alpha026": lambda m: -1 * ts_max(correlation(ts_rank(m.volume, 5), ts_rank(m.high, 5), 5), 3),
    "alpha033": lambda m: rank(-1 * power(1 - m.open / m.close, 1)),
    "alpha038": lambda m: -1 * rank(ts_rank(m.close, 10)) * rank(m.close / m.open),
    "alpha040": lambda m: -1 * rank(stddev(m.high, 10)) * correlation(m.high, m.volume, 10),
    "alpha041": lambda m: power(m.high * m.low, 0.5) - m.vwap,
    "alpha042": lambda m: rank(m.vwap - m.close) / rank(m.vwap + m.close),
    "alpha044": lambda m: -1 * correlation(m.high, rank(m.volume), 5),
    "alpha101": lambda m: (m.close - m.open) / ((m.high - m.low) + 0.001),
}
LONG: dict[str, Formula] = {n: f for n, f in list(globals().items()) if n.startswith("alpha")}


def finished(formula: Formula, frames: Mapping[str, Frame]) -> Frame:
    """Compute one alpha as float64; what is not finite is not known."""
    exists = frames["close"].notna().cummax()
    with np.errstate(all="ignore"):
        values = formula(SimpleNamespace(**frames, exists=exists)).astype(float)
    return values.where(np.isfinite(values))


ALPHAS: dict[str, Callable[[Mapping[str, Frame]], Frame]] = {
    name: partial(finished, formula)
    for name, formula in sorted({**LONG, **SHORT, **FRACTIONAL}.items())
}
