"""The 41 of Kakushadze's alphas whose windows are fractions: 58, 59 and 61 to 99 (see alpha101_pandas.py)."""

from __future__ import annotations

from types import SimpleNamespace

from alpha101_operations import (
    Formula,
    Frame,
    adv,
    claim,
    correlation,
    decay_linear,
    delay,
    delta,
    indneutralize,
    log,
    maximum,
    middle,
    minimum,
    mix,
    power,
    product,
    rank,
    sign,
    signedpower,
    ts_argmax,
    ts_argmin,
    ts_max,
    ts_min,
    ts_rank,
    ts_sum,
)


def alpha058(m: SimpleNamespace) -> Frame:
    x = correlation(indneutralize(m.vwap, m.industry), m.volume, 3.92795)
    return -1 * ts_rank(decay_linear(x, 7.89291), 5.50322)


def alpha059(m: SimpleNamespace) -> Frame:
    x = indneutralize(mix(m.vwap, 0.728317, m.vwap), m.industry)
    return -1 * ts_rank(decay_linear(correlation(x, m.volume, 4.25197), 16.2289), 8.19648)


def alpha061(m: SimpleNamespace) -> Frame:
    left = rank(m.vwap - ts_min(m.vwap, 16.1219))
    return claim(m, left < rank(correlation(m.vwap, adv(m, 180), 17.9282)))


def alpha062(m: SimpleNamespace) -> Frame:
    left = rank(correlation(m.vwap, ts_sum(adv(m, 20), 22.4101), 9.91009))
    x = claim(m, rank(m.open) + rank(m.open) < rank(middle(m)) + rank(m.high))
    return claim(m, left < rank(x)) * -1


def alpha063(m: SimpleNamespace) -> Frame:
    left = decay_linear(delta(indneutralize(m.close, m.industry), 2.25164), 8.22237)
    x = correlation(mix(m.vwap, 0.318108, m.open), ts_sum(adv(m, 180), 37.2467), 13.557)
    return (rank(left) - rank(decay_linear(x, 12.2883))) * -1


def alpha064(m: SimpleNamespace) -> Frame:
    prices = ts_sum(mix(m.open, 0.178404, m.low), 12.7054)
    left = rank(correlation(prices, ts_sum(adv(m, 120), 12.7054), 16.6208))
    return claim(m, left < rank(delta(mix(middle(m), 0.178404, m.vwap), 3.69741))) * -1


def alpha065(m: SimpleNamespace) -> Frame:
    x = mix(m.open, 0.00817205, m.vwap)
    left = rank(correlation(x, ts_sum(adv(m, 60), 8.6911), 6.40374))
    return claim(m, left < rank(m.open - ts_min(m.open, 13.635))) * -1


def alpha066(m: SimpleNamespace) -> Frame:
    x = (mix(m.low, 0.96633, m.low) - m.vwap) / (m.open - middle(m))
    left = rank(decay_linear(delta(m.vwap, 3.51013), 7.23052))
    return (left + ts_rank(decay_linear(x, 11.4157), 6.72611)) * -1


def alpha067(m: SimpleNamespace) -> Frame:
    prices, money = indneutralize(m.vwap, m.industry), indneutralize(adv(m, 20), m.industry)
    exponent = rank(correlation(prices, money, 6.02936))
    return power(rank(m.high - ts_min(m.high, 2.14593)), exponent) * -1


def alpha068(m: SimpleNamespace) -> Frame:
    left = ts_rank(correlation(rank(m.high), rank(adv(m, 15)), 8.91644), 13.9333)
    return claim(m, left < rank(delta(mix(m.close, 0.518371, m.low), 1.06157))) * -1


def alpha069(m: SimpleNamespace) -> Frame:
    base = rank(ts_max(delta(indneutralize(m.vwap, m.industry), 2.72412), 4.79344))
    x = correlation(mix(m.close, 0.490655, m.vwap), adv(m, 20), 4.92416)
    return power(base, ts_rank(x, 9.0615)) * -1


def alpha070(m: SimpleNamespace) -> Frame:
    x = correlation(indneutralize(m.close, m.industry), adv(m, 50), 17.8256)
    return power(rank(delta(m.vwap, 1.29456)), ts_rank(x, 17.9171)) * -1


def alpha071(m: SimpleNamespace) -> Frame:
    x = correlation(ts_rank(m.close, 3.43976), ts_rank(adv(m, 180), 12.0647), 18.0175)
    left = ts_rank(decay_linear(x, 4.20501), 15.6948)
    y = power(rank((m.low + m.open) - (m.vwap + m.vwap)), 2)
    return maximum(left, ts_rank(decay_linear(y, 16.4662), 4.4388))


def alpha072(m: SimpleNamespace) -> Frame:
    above = rank(decay_linear(correlation(middle(m), adv(m, 40), 8.93345), 10.1519))
    x = correlation(ts_rank(m.vwap, 3.72469), ts_rank(m.volume, 18.5188), 6.86671)
    return above / rank(decay_linear(x, 2.95011))


def alpha073(m: SimpleNamespace) -> Frame:
    x = mix(m.open, 0.147155, m.low)
    left = rank(decay_linear(delta(m.vwap, 4.72775), 2.91864))
    right = ts_rank(decay_linear(delta(x, 2.03608) / x * -1, 3.33829), 16.7411)
    return maximum(left, right) * -1


def alpha074(m: SimpleNamespace) -> Frame:
    left = rank(correlation(m.close, ts_sum(adv(m, 30), 37.4843), 15.1365))
    x = rank(mix(m.high, 0.0261661, m.vwap))
    return claim(m, left < rank(correlation(x, rank(m.volume), 11.4791))) * -1


def alpha075(m: SimpleNamespace) -> Frame:
    left = rank(correlation(m.vwap, m.volume, 4.24304))
    return claim(m, left < rank(correlation(rank(m.low), rank(adv(m, 50)), 12.4413)))


def alpha076(m: SimpleNamespace) -> Frame:
    left = rank(decay_linear(delta(m.vwap, 1.24383), 11.8259))
    x = ts_rank(correlation(indneutralize(m.low, m.industry), adv(m, 81), 8.14941), 19.569)
    return maximum(left, ts_rank(decay_linear(x, 17.1543), 19.383)) * -1


def alpha077(m: SimpleNamespace) -> Frame:
    left = rank(decay_linear((middle(m) + m.high) - (m.vwap + m.high), 20.0451))
    return minimum(left, rank(decay_linear(correlation(middle(m), adv(m, 40), 3.1614), 5.64125)))


def alpha078(m: SimpleNamespace) -> Frame:
    prices, money = mix(m.low, 0.352233, m.vwap), ts_sum(adv(m, 40), 19.7428)
    base = rank(correlation(ts_sum(prices, 19.7428), money, 6.83313))
    return power(base, rank(correlation(rank(m.vwap), rank(m.volume), 5.77492)))


def alpha079(m: SimpleNamespace) -> Frame:
    x = indneutralize(mix(m.close, 0.60733, m.open), m.industry)
    y = correlation(ts_rank(m.vwap, 3.60973), ts_rank(adv(m, 150), 9.18637), 14.6644)
    return claim(m, rank(delta(x, 1.23438)) < rank(y))


def alpha080(m: SimpleNamespace) -> Frame:
    x = indneutralize(mix(m.open, 0.868128, m.high), m.industry)
    exponent = ts_rank(correlation(m.high, adv(m, 10), 5.11456), 5.53756)
    return power(rank(sign(delta(x, 4.04545))), exponent) * -1


def alpha081(m: SimpleNamespace) -> Frame:
    x = rank(correlation(m.vwap, ts_sum(adv(m, 10), 49.6054), 8.47743))
    left = rank(log(product(rank(power(x, 4)), 14.9655)))
    return claim(m, left < rank(correlation(rank(m.vwap), rank(m.volume), 5.07914))) * -1


def alpha082(m: SimpleNamespace) -> Frame:
    left = rank(decay_linear(delta(m.open, 1.46063), 14.8717))
    volume, prices = indneutralize(m.volume, m.industry), mix(m.open, 0.634196, m.open)
    x = decay_linear(correlation(volume, prices, 17.4842), 6.92131)
    return minimum(left, ts_rank(x, 13.4283)) * -1


def alpha083(m: SimpleNamespace) -> Frame:
    width = (m.high - m.low) / (ts_sum(m.close, 5) / 5)
    return rank(delay(width, 2)) * rank(rank(m.volume)) / (width / (m.vwap - m.close))


def alpha084(m: SimpleNamespace) -> Frame:
    base = ts_rank(m.vwap - ts_max(m.vwap, 15.3217), 20.7127)
    return signedpower(base, delta(m.close, 4.96796))


def alpha085(m: SimpleNamespace) -> Frame:
    base = rank(correlation(mix(m.high, 0.876703, m.close), adv(m, 30), 9.61331))
    x = correlation(ts_rank(middle(m), 3.70596), ts_rank(m.volume, 10.1595), 7.11408)
    return power(base, rank(x))


def alpha086(m: SimpleNamespace) -> Frame:
    x = correlation(m.close, ts_sum(adv(m, 20), 14.7444), 6.00049)
    right = rank((m.open + m.close) - (m.vwap + m.open))
    return claim(m, ts_rank(x, 20.4195) < right) * -1


def alpha087(m: SimpleNamespace) -> Frame:
    left = rank(decay_linear(delta(mix(m.close, 0.369701, m.vwap), 1.91233), 2.65461))
    x = correlation(indneutralize(adv(m, 81), m.industry), m.close, 13.4132).abs()
    return maximum(left, ts_rank(decay_linear(x, 4.89768), 14.4535)) * -1


def alpha088(m: SimpleNamespace) -> Frame:
    x = (rank(m.open) + rank(m.low)) - (rank(m.high) + rank(m.close))
    y = correlation(ts_rank(m.close, 8.44728), ts_rank(adv(m, 60), 20.6966), 8.01266)
    left = rank(decay_linear(x, 8.06882))
    return minimum(left, ts_rank(decay_linear(y, 6.65053), 2.61957))


def alpha089(m: SimpleNamespace) -> Frame:
    x = correlation(mix(m.low, 0.967285, m.low), adv(m, 10), 6.94279)
    y = delta(indneutralize(m.vwap, m.industry), 3.48158)
    left = ts_rank(decay_linear(x, 5.51607), 3.79744)
    return left - ts_rank(decay_linear(y, 10.1466), 15.3012)


def alpha090(m: SimpleNamespace) -> Frame:
    x = correlation(indneutralize(adv(m, 40), m.industry), m.low, 5.38375)
    return power(rank(m.close - ts_max(m.close, 4.66719)), ts_rank(x, 3.21856)) * -1


def alpha091(m: SimpleNamespace) -> Frame:
    x = correlation(indneutralize(m.close, m.industry), m.volume, 9.74928)
    left = ts_rank(decay_linear(decay_linear(x, 16.398), 3.83219), 4.8667)
    return (left - rank(decay_linear(correlation(m.vwap, adv(m, 30), 4.01303), 2.6809))) * -1


def alpha092(m: SimpleNamespace) -> Frame:
    x = claim(m, middle(m) + m.close < m.low + m.open)
    y = correlation(rank(m.low), rank(adv(m, 30)), 7.58555)
    left = ts_rank(decay_linear(x, 14.7221), 18.8683)
    return minimum(left, ts_rank(decay_linear(y, 6.94024), 6.80584))


def alpha093(m: SimpleNamespace) -> Frame:
    x = correlation(indneutralize(m.vwap, m.industry), adv(m, 81), 17.4193)
    y = delta(mix(m.close, 0.524434, m.vwap), 2.77377)
    return ts_rank(decay_linear(x, 19.848), 7.54455) / rank(decay_linear(y, 16.2664))


def alpha094(m: SimpleNamespace) -> Frame:
    x = correlation(ts_rank(m.vwap, 19.6462), ts_rank(adv(m, 60), 4.02992), 18.0926)
    return power(rank(m.vwap - ts_min(m.vwap, 11.5783)), ts_rank(x, 2.70756)) * -1


def alpha095(m: SimpleNamespace) -> Frame:
    x = correlation(ts_sum(middle(m), 19.1351), ts_sum(adv(m, 40), 19.1351), 12.8742)
    right = ts_rank(power(rank(x), 5), 11.7584)
    return claim(m, rank(m.open - ts_min(m.open, 12.4105)) < right)


def alpha096(m: SimpleNamespace) -> Frame:
    x = decay_linear(correlation(rank(m.vwap), rank(m.volume), 3.83878), 4.16783)
    y = correlation(ts_rank(m.close, 7.45404), ts_rank(adv(m, 60), 4.13242), 3.65459)
    right = ts_rank(decay_linear(ts_argmax(y, 12.6556), 14.0365), 13.4143)
    return maximum(ts_rank(x, 8.38151), right) * -1


def alpha097(m: SimpleNamespace) -> Frame:
    x = delta(indneutralize(mix(m.low, 0.721001, m.vwap), m.industry), 3.3705)
    y = correlation(ts_rank(m.low, 7.87871), ts_rank(adv(m, 60), 17.255), 4.97547)
    right = ts_rank(decay_linear(ts_rank(y, 18.5925), 15.7152), 6.71659)
    return (rank(decay_linear(x, 20.4523)) - right) * -1


def alpha098(m: SimpleNamespace) -> Frame:
    x = decay_linear(correlation(m.vwap, ts_sum(adv(m, 5), 26.4719), 4.58418), 7.18088)
    y = ts_argmin(correlation(rank(m.open), rank(adv(m, 15)), 20.8187), 8.62571)
    return rank(x) - rank(decay_linear(ts_rank(y, 6.95668), 8.07206))


def alpha099(m: SimpleNamespace) -> Frame:
    left = correlation(ts_sum(middle(m), 19.8975), ts_sum(adv(m, 60), 19.8975), 8.8136)
    return claim(m, rank(left) < rank(correlation(m.low, m.volume, 6.28259))) * -1


FRACTIONAL: dict[str, Formula] = {
    name: formula for name, formula in list(globals().items()) if name.startswith("alpha")
}
