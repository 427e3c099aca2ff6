"""The natural logarithm in a form that vectorises inside compiled loops.

The logarithm of the system's library is called number by number; this one is arithmetic only. The
argument is split into 2^k m with m in [√½, √2], and log(m) = f - f²/2 + s (f²/2 + R(s²)) with f = m - 1,
s = f / (2 + f): the method and the coefficients of FreeBSD's msun (Sun Microsystems, 1993). Within one
unit in the last place in float32 and float64, and the same bits on every machine.

Of zero, of what is below it or subnormal, of NaN and of infinity the logarithm is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

_ROOT_HALF, _ROOT_HALF_SINGLE = np.int64(0x3FE6A09E667F3BCD), np.int32(0x3F3504F3)
_HIGH, _LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_HIGH_SINGLE, _LOW_SINGLE = np.float32(6.9313812256e-01), np.float32(9.0580006145e-06)
_LEAST, _LEAST_SINGLE = np.finfo(np.float64).tiny, np.finfo(np.float32).tiny
_ONE, _TWO, _HALF = np.float32(1.0), np.float32(2.0), np.float32(0.5)
_INF, _NAN = np.float32(np.inf), np.float32(np.nan)
_S1, _S2 = np.float32(0.66666662693), np.float32(0.40000972152)
_S3, _S4 = np.float32(0.28498786688), np.float32(0.24279078841)


def log(x: Any) -> Any:
    """Give the natural logarithm of a float32 or float64; compiled code takes `_chosen` in its place."""
    return _single(x) if isinstance(x, np.float32) else _double(np.float64(x))


def _double(x: Any) -> Any:
    bits = np.float64(x).view(np.int64)
    exponent = (bits - _ROOT_HALF) >> np.int64(52)
    f = np.int64(bits - (exponent << np.int64(52))).view(np.float64) - 1.0
    k = np.float64(np.int32(exponent))
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332))
    even = 0.1818357216161805012 + w * 0.1479819860511658591
    even = z * (0.6666666666666735130 + w * (0.2857142874366239149 + w * even))
    half = 0.5 * f * f
    result = k * _HIGH - ((half - (s * (half + (odd + even)) + k * _LOW)) - f)
    return result if (x >= _LEAST) & (x < np.inf) else np.nan


def _single(x: Any) -> Any:
    bits = np.float32(x).view(np.int32)
    exponent = (bits - _ROOT_HALF_SINGLE) >> np.int32(23)
    f = np.int32(bits - (exponent << np.int32(23))).view(np.float32) - _ONE
    k = np.float32(exponent)
    s = f / (_TWO + f)
    z = s * s
    w = z * z
    rest = w * (_S2 + w * _S4) + z * (_S1 + w * _S3)
    half = _HALF * f * f
    result = k * _HIGH_SINGLE - ((half - (s * (half + rest) + k * _LOW_SINGLE)) - f)
    return result if (x >= _LEAST_SINGLE) & (x < _INF) else _NAN


@overload(log)
def _chosen(x: Any) -> Any:
    return _single if x == types.float32 else _double
