"""What Qlib's operators give on twelve sessions: pyqlib 0.9.7 (pandas 2.3.3) printed these values.

One stock whose file begins on the third session, with a session without trade and three equal closes; "-" is
NaN, as is what is infinite in Qlib. Qlib keeps fields in float32 and computes windows in float64: lines with
a quotient or a logarithm have seven good digits, the others all eight that are written.
"""

from __future__ import annotations

import numpy as np
import pytest
from qlib_store import store_market

from superhet.factors import evaluate, parse

NAN = float("nan")
DAYS = np.busday_offset("2024-01-02", np.arange(12), roll="forward")
CLOSE = [NAN, NAN, 10, 11, 10.5, 12, NAN, 11.5, 11.5, 11.5, 13, 9.75]
VOLUME = [NAN, NAN, 100, 120, 90, 150, NAN, 80, 110, 95, 160, 70]
OTHER_CLOSE = [20, 21, 20.5, 22, 21, 23, 24, 23.5, 25, 24, 26, 25.5]
OTHER_VOLUME = [50, 60, 55, 65, 40, 80, 75, 70, 90, 85, 95, 100]
PRINTED = """
Ref($close, 2)
    - - 10 11 10.5 12 - 11.5 11.5 11.5
Delta($close, 2)
    - - 0.5 1 - -0.5 - 0 1.5 -1.75
Mean($close, 3)
    10 10.5 10.5 11.166667 11.25 11.75 11.5 11.5 12 11.416667
Sum($close, 3)
    10 21 31.5 33.5 22.5 23.5 23 34.5 36 34.25
Std($close, 3)
    - 0.70710678 0.5 0.76376262 1.0606602 0.35355339 0 0 0.8660254 1.6266018
Var($close, 3)
    - 0.5 0.25 0.58333333 1.125 0.125 0 0 0.75 2.6458333
Skew($close, 4)
    - - 0 0.7528372 0.93521953 -0.93521953 1.7320508 0 2 -0.28138376
Kurt($close, 5)
    - - - 0.34285714 0.34285714 -1.2 2.2271468 4 4 2.0563368
Max($close, 3)
    10 11 11 12 12 12 11.5 11.5 13 13
Min($close, 3)
    10 10 10 10.5 10.5 11.5 11.5 11.5 11.5 9.75
IdxMax($close, 4)
    1 2 2 4 4 3 2 1 4 3
IdxMin($close, 4)
    1 1 1 1 4 3 2 1 1 4
Quantile($close, 4, 0.8)
    10 10.8 10.8 11.4 11.6 11.8 11.8 11.5 12.1 12.1
Med($close, 4)
    10 10.5 10.5 10.75 11 11.5 11.5 11.5 11.5 11.5
Mad($close, 4)
    0 0.5 0.33333333 0.625 0.55555556 0.55555556 0.22222222 0 0.5625 0.84375
Rank($close, 4)
    1 1 0.66666667 1 - 0.66666667 0.5 0.66666667 1 0.25
Count($close, 4)
    1 2 3 4 3 3 3 3 4 4
Slope($close, 4)
    - 1 0.25 0.55 0.5 0.25 -0.17857143 0 0.45 -0.375
Rsquare($close, 3)
    - 1 0.25 0.42857143 1 1 - - 0.75 0.28937008
Resi($close, 4)
    - 0 -0.25 0.3 - -0.25 0.071428571 0 0.45 -1.125
WMA($close, 4)
    10 5.3333333 3.5277778 2.7875 2.2666667 2.6833333 3.0833333 3.45 3.025 2.8125
EMA($close, 3)
    10 10.666667 10.571429 11.333333 11.333333 11.446809 11.477477 11.48954 12.270707 10.989076
EMA($close, 0.3)
    10 10.588235 10.547945 11.1212 11.1212 11.290219 11.371883 11.417669 11.952471 11.235312
Corr($close, $volume, 3)
    - 1 0.65465367 0.98198051 1 1 - - 0.97541727 0.95663824
Corr($close, $volume, 5)
    - 1 0.65465367 0.92213889 0.92213889 0.57154761 0.66318695 0.91350028 0.93576048 0.88174301
Cov($close, $volume, 4)
    - 10 5 20.833333 22.5 19.166667 9.1666667 0 24.375 48.229167
Mean($close > Ref($close, 1), 3)
    0 0.5 0.33333333 0.66666667 0.33333333 0.33333333 0 0 0.33333333 0.33333333
Sum($close > 11, 3)
    0 0 0 1 1 2 2 3 3 2
Std(Not($close > 11), 3)
    - 0 0 0.57735027 0.57735027 0.57735027 0.57735027 0 0 0.57735027
Abs($close - 11)
    1 0 0.5 1 - 0.5 0.5 0.5 2 1.25
Sign($close - 11.5)
    -1 -1 -1 1 - 0 0 0 1 -1
Log($volume)
    4.6051702 4.7874918 4.4998097 5.0106354 - 4.3820267 4.7004805 4.5538769 5.0751739 4.2484951
Power($close, 2)
    100 121 110.25 144 - 132.25 132.25 132.25 169 95.0625
Greater($close, 11)
    11 11 11 12 - 11.5 11.5 11.5 13 11
Less($close, 11)
    10 11 10.5 11 - 11 11 11 11 9.75
$close > Ref($close, 1)
    0 1 0 1 0 0 0 0 1 0
Ne($close, 11.5)
    1 1 1 1 1 0 0 0 1 1
Not($close > 11)
    1 1 1 0 1 0 0 0 0 1
And($close > 11, $volume > 100)
    0 0 0 1 0 0 1 0 1 0
Or($close > 11, $volume > 100)
    0 1 0 1 0 1 1 1 1 0
If($close > 11, $volume, $close)
    10 11 10.5 150 - 80 110 95 160 9.75
Mask($close, 'AA') - $close
    10.5 11 10.5 11 - 12 13.5 12.5 13 15.75
$close / ($close - 11.5)
    -6.6666665 -22 -10.5 24 - - - - 8.666667 -5.5714288
Log($close - 11)
    - - - 0 - -0.69314718 -0.69314718 -0.69314718 0.69314718 -
Mean($close / ($close - 11.5), 3)
    -6.6666665 -14.333333 -13.055556 -2.8333333 6.75 24 - - 8.666667 1.5476191
Max($close / ($close - 11.5), 3)
    -6.6666665 -6.6666665 -6.6666665 24 24 24 - - 8.666667 8.666667
IdxMax($close / ($close - 11.5), 3)
    1 1 1 3 3 2 - - 1 1
Rank($close / ($close - 11.5), 3)
    1 0.5 0.66666667 1 - - - - 1 0.5
EMA($close / ($close - 11.5), 3)
    -6.6666665 -16.888889 -13.238095 6.6222222 6.6222222 6.6222222 6.6222222 6.6222222 8.5535058 -0.68272216
Corr($close / ($close - 11.5), $volume, 4)
    - -1 -0.83862786 0.70082556 0.72057669 1 - - - 1
"""
LINES = PRINTED.strip().splitlines()
FACTS = dict(zip(LINES[::2], LINES[1::2], strict=True))


@pytest.fixture(scope="module")
def found():
    """All formulas at once: formula -> values from the stock's first session on."""
    fields = {
        "close": np.array([OTHER_CLOSE, CLOSE], dtype=np.float32).T,
        "volume": np.array([OTHER_VOLUME, VOLUME], dtype=np.float32).T,
    }
    market = store_market(DAYS, ["AA", "BB"], fields)
    formulas = {text: parse(text, "qlib") for text in FACTS}
    signals = evaluate(formulas, market, convention="qlib", dtype="float64")
    return {text: signals[text].values[:, 1] for text in FACTS}


@pytest.mark.parametrize("text", FACTS)
def test_an_operator_gives_what_qlib_prints(text, found):
    printed = [NAN if word == "-" else float(word) for word in FACTS[text].split()]
    digits = 3e-7 if "/" in text or "Log" in text else 6e-8
    np.testing.assert_allclose(found[text][2:], printed, rtol=digits, atol=digits)


@pytest.mark.parametrize("text", [t for t in FACTS if "Mask" not in t])
def test_a_stock_has_no_value_before_its_file_begins(text, found):
    assert np.isnan(found[text][:2]).all()
