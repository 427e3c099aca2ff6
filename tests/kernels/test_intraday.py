"""The bar machine against plain loops over the bars of a day, and its rules for what is missing."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels.bar_machine import run
from superhet.kernels.bar_program import Program, Writer
from superhet.kernels.intraday import along, reduced
from superhet.kernels.logarithm import log as vector_log

Values = npt.NDArray[np.float64]
NAN = float("nan")


@pytest.fixture(scope="module")
def bars() -> Values:
    rng = np.random.default_rng(0)
    out = rng.standard_normal((45, 70)) + 3.0  # two tiles, five blocks and a rest
    out[rng.random(out.shape) < 0.1] = np.nan
    out[:, 3] = np.nan
    out[5:35, 4] = np.nan  # a third is known
    out[0, 5] = np.inf
    return out


def known(column: Values) -> Values:
    return column[np.isfinite(column)]


def shannon(x: Values) -> float:
    p = x / x.sum()
    return -sum(v * math.log(v) for v in p if v > 0) / math.log(x.size)


PLAIN: dict[str, tuple[int, Callable[[Values], float]]] = {
    "sum": (1, math.fsum),
    "mean": (1, lambda x: math.fsum(x) / x.size),
    "count": (1, lambda x: float((x != 0).sum())),
    "min": (1, min),
    "max": (1, max),
    "std": (2, lambda x: x.std(ddof=1)),
    "skew": (3, lambda x: pd.Series(x).skew()),
    "kurt": (4, lambda x: pd.Series(x).kurt()),
    "median": (1, np.median),
    "entropy": (2, shannon),
}


@pytest.mark.parametrize("word", sorted(PLAIN))
@pytest.mark.parametrize("places", [(1, -1), (1, 9), (-30, -3), (7, 7)])
def test_statistics_are_those_of_the_known_bars(
    word: str, places: tuple[int, int], bars: Values
) -> None:
    least, plain = PLAIN[word]
    sizes = np.abs(bars)
    if word == "count":
        sizes[np.isinf(sizes)] = NAN  # an infinite condition holds, as any number other than 0
    found = reduced(word, [sizes], *places)
    rows = sizes[slice(*place_slice(places, len(bars)))]
    for j in range(bars.shape[1]):
        x = known(rows[:, j])
        wanted = plain(x) if x.size >= max(least, 0.5 * len(rows)) else NAN
        assert found[j] == pytest.approx(wanted, rel=1e-10, abs=1e-12, nan_ok=True), (word, j)


def place_slice(places: tuple[int, int], bars: int) -> tuple[int, int]:
    first, last = places
    return (first - 1 if first > 0 else bars + first), (last if last > 0 else bars + last + 1)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 0.99, 1.0])
def test_quantiles_are_linear_between_neighbours(level: float, bars: Values) -> None:
    found = reduced("quantile", [bars], 1, -1, level)
    for j in (0, 1, 69):
        assert found[j] == pytest.approx(np.quantile(known(bars[:, j]), level))


@pytest.mark.parametrize("word", ["corr", "beta"])
def test_pairs_are_those_of_pandas(word: str, bars: Values) -> None:
    other = np.roll(bars, 1, axis=1) + 0.5 * bars
    found = reduced(word, [bars, other])
    for j in range(bars.shape[1]):
        both = pd.DataFrame({"y": bars[:, j], "x": other[:, j]})
        both = both.replace(np.inf, np.nan).dropna()
        wanted = NAN
        if 2 * len(both) >= len(bars):
            cov = both.cov()
            wanted = cov.loc["y", "x"] / cov.loc["x", "x"]
            wanted = both["y"].corr(both["x"]) if word == "corr" else wanted
        assert found[j] == pytest.approx(wanted, nan_ok=True, rel=1e-10)


def test_the_trend_is_that_of_polyfit(bars: Values) -> None:
    slope, share = reduced("slope", [bars], 3, -2), reduced("rsquare", [bars], 3, -2)
    for j in (0, 1, 6, 69):
        y, t = bars[2:-1, j], np.arange(42.0)
        kept = np.isfinite(y)
        b = np.polyfit(t[kept], y[kept], 1)
        assert slope[j] == pytest.approx(b[0])
        rest = (y - np.polyval(b, t))[kept]
        assert share[j] == pytest.approx(1 - rest.var() / y[kept].var())


def test_extremes_know_their_place(bars: Values) -> None:
    found = reduced("argmax", [bars], 11, -1), reduced("argmin", [bars], 11, -1)
    for j in (0, 1, 69):
        assert found[0][j] == 11 + np.nanargmax(bars[10:, j])
        assert found[1][j] == 11 + np.nanargmin(bars[10:, j])
    assert reduced("argmax", [np.array([[5.0], [7.0], [7.0]])])[0] == 2.0


def test_first_and_last_need_one_known_bar() -> None:
    day = np.full((9, 1), NAN)
    day[4] = 5.0
    assert reduced("first", [day])[0] == reduced("last", [day])[0] == 5.0
    day[6] = 7.0
    assert (reduced("first", [day])[0], reduced("last", [day])[0]) == (5.0, 7.0)
    assert np.isnan(reduced("first", [day], 6, 6)).all()


def test_half_of_the_slice_must_be_known() -> None:
    day = np.array([[1.0], [NAN], [NAN], [2.0], [NAN]])
    assert np.isnan(reduced("sum", [day])).all()
    assert reduced("sum", [day], 1, 4)[0] == 3.0


def test_places_outside_the_day_hold_no_bars() -> None:
    day = np.arange(1.0, 5.0)[:, None]
    assert reduced("sum", [day], 3, 9)[0] == 7.0
    assert reduced("sum", [day], -9, 2)[0] == 3.0
    assert np.isnan(reduced("sum", [day], 5, 9)).all()
    assert np.isnan(reduced("mean", [day], 3, 2)).all()


@pytest.mark.parametrize("value", [0.1, 1e-9, 123456.7])
def test_a_constant_day_has_deviation_exactly_zero_and_no_shape(value: float) -> None:
    day, moving = np.full((16, 1), value), np.arange(16.0)[:, None]
    day[[2, 7]] = NAN
    assert reduced("std", [day])[0] == 0.0
    for word in ("skew", "kurt"):
        assert np.isnan(reduced(word, [day])).all()
    assert np.isnan(reduced("corr", [day, moving])).all()
    assert np.isnan(reduced("beta", [moving, day])).all()
    assert reduced("beta", [day, moving])[0] == 0.0


def test_moments_survive_a_far_first_bar_and_a_large_level() -> None:
    rng = np.random.default_rng(1)
    day = 1e8 + rng.standard_normal((240, 1))
    day[0] += 15.0
    for word, plain in (("std", pd.Series.std), ("skew", pd.Series.skew), ("kurt", pd.Series.kurt)):
        wanted = plain(pd.Series(day[:, 0] - 1e8))
        assert reduced(word, [day])[0] == pytest.approx(wanted, rel=1e-6)


def test_along_the_day_a_missing_bar_stays_missing_and_counts_for_nothing(bars: Values) -> None:
    frame = pd.DataFrame(np.where(np.isfinite(bars), bars, NAN))
    assert_allclose(along("cumsum", bars), frame.cumsum(), rtol=1e-12)
    assert_array_equal(along("cummax", bars), frame.cummax())
    assert_array_equal(along("cummin", bars), frame.cummin())
    assert_allclose(along("rank", bars), frame.rank(pct=True), rtol=1e-12)
    place = np.arange(1.0, 46.0)[:, None]
    assert_array_equal(along("place", bars), np.where(np.isnan(bars), NAN, place))


def test_a_lag_does_not_reach_before_the_open(bars: Values) -> None:
    frame = pd.DataFrame(np.where(np.isfinite(bars), bars, NAN))
    assert_array_equal(along("lag", bars, 2), frame.shift(2))
    assert_array_equal(along("delta", bars, 3), frame.diff(3))
    assert_allclose(along("return", bars, 1), frame / frame.shift(1) - 1, rtol=1e-12, atol=1e-15)
    assert np.isnan(along("lag", bars, 100)).all()


def test_the_top_mean_takes_the_weight_of_the_greatest_keys() -> None:
    price = np.array([[10.0], [11.0], [12.0], [13.0], [NAN]])
    volume = np.array([[4.0], [3.0], [2.0], [1.0], [9.0]])
    key = np.array([[1.0], [9.0], [5.0], [7.0], [8.0]])

    def top(share: float) -> float:
        return float(reduced("top_mean", [price, volume, key], 1, -1, share)[0])

    assert top(0.3) == 11.0
    assert top(0.4) == pytest.approx((3 * 11 + 1 * 13) / 4)
    assert top(0.5) == pytest.approx((3 * 11 + 1 * 13 + 1 * 12) / 5)
    assert top(1.0) == pytest.approx((price * volume)[:4].sum() / 10)


def test_the_logarithm_is_within_one_unit_in_the_last_place() -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.random(2000) * 3, 1 + 1e-3 * rng.standard_normal(2000), [1.0]])
    x = np.concatenate([x, np.exp(40 * rng.standard_normal(2000))])
    for day in (x[:, None], np.array([[0.0], [-1.0], [np.inf], [NAN], [1e-310]])):
        found = bar_by_bar("log", day)
        with np.errstate(all="ignore"):
            wanted = np.log(day)
        wanted = np.where(np.isfinite(wanted) & (day > 1e-300), wanted, NAN)
        assert_allclose(found, wanted, rtol=2.3e-16)
    assert vector_log(2.0) == pytest.approx(np.log(2.0), rel=2.3e-16)


WORDS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "power": np.power,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "both": np.logical_and,
    "either": np.logical_or,
}


@pytest.mark.parametrize("word", sorted(WORDS))
@pytest.mark.parametrize("number", [None, 2.0, 0.0, 3.0])
def test_pairs_of_bars_and_numbers_are_those_of_numpy(word: str, number: float | None) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(-3, 4, (2, 30, 5)).astype(np.float64)
    x[rng.random(x.shape) < 0.2] = NAN
    y[rng.random(y.shape) < 0.2] = NAN
    with np.errstate(all="ignore"):
        for sides in ((x, y), (y, x)):
            a, b = (sides[0], number) if number is not None else sides
            for left, right in ((a, b), (b, a)):
                wanted = WORDS[word](left, right).astype(np.float64)
                wanted[np.isnan(left + right) | np.isinf(wanted)] = NAN
                assert_allclose(bar_by_bar(word, left, right), wanted, rtol=1e-14, err_msg=word)


def bar_by_bar(word: str, *operands: Values | float) -> Values:
    """Compute an element-wise word on every bar of one day."""
    writer, arrays = Writer(), []
    values = []
    for operand in operands:
        if isinstance(operand, np.ndarray):
            values.append(writer.field(len(arrays)))
            arrays.append(operand)
        else:
            values.append(writer.number(operand))
    result = writer.element(word, *values)
    bars = len(arrays[0])
    outputs = [writer.reduce("first", [result], r, r) for r in range(1, bars + 1)]
    return on_day(writer.program(outputs), arrays)


def on_day(program: Program, arrays: list[Values]) -> Values:
    bars, assets = arrays[0].shape
    fields = [*arrays, *[np.empty((0, assets))] * (6 - len(arrays))]
    day = (np.array([0]), np.array([bars]))
    return run(program, fields, np.empty((0, 1, assets)), day, np.dtype(np.float64))[:, 0]


def test_the_rest_of_the_words() -> None:
    x = np.array([[-2.0], [0.0], [NAN], [4.0]])
    for word, wanted in {
        "negate": [2.0, 0.0, NAN, -4.0],
        "abs": [2.0, 0.0, NAN, 4.0],
        "sign": [-1.0, 0.0, NAN, 1.0],
        "sqrt": [NAN, 0.0, NAN, 2.0],
        "exp": [math.exp(-2), 1.0, NAN, math.exp(4)],
        "is_nan": [0.0, 0.0, 1.0, 0.0],
    }.items():
        assert_allclose(bar_by_bar(word, x).ravel(), wanted, rtol=1e-15, err_msg=word)
    y = np.array([[1.0], [2.0], [3.0], [NAN]])
    assert_array_equal(bar_by_bar("coalesce", x, y).ravel(), [-2, 0, 3, 4])
    assert_array_equal(bar_by_bar("coalesce", x, 9.0).ravel(), [-2, 0, 9, 4])
    assert_array_equal(bar_by_bar("coalesce", 9.0, x).ravel(), [9, 9, 9, 9])
    assert_array_equal(bar_by_bar("where", x, y, 7.0).ravel(), [1, 7, NAN, NAN])
    assert_array_equal(bar_by_bar("where", x, 7.0, y).ravel(), [7, 2, NAN, 7])
    assert_array_equal(bar_by_bar("clip", x, -1.0, 1.0).ravel(), [-1, 0, NAN, 1])
    assert_array_equal(bar_by_bar("signed_power", x, 2.0).ravel(), [-4, 0, NAN, 16])
    assert_array_equal(bar_by_bar("power", x, 0.5).ravel(), [NAN, 0, NAN, 2])
    assert np.isnan(bar_by_bar("less", x, NAN)).all()
    assert np.isnan(bar_by_bar("greater", x, NAN)).all()
    with pytest.raises(KeyError):
        bar_by_bar("sine", x, x)


def test_a_step_written_twice_is_done_once_and_a_summed_product_takes_no_register() -> None:
    writer = Writer()
    x, y = writer.field(0), writer.field(1)
    once = writer.reduce("sum", [writer.element("multiply", x, y)])
    again = writer.reduce("mean", [writer.element("multiply", x, y)])
    program = writer.program([once, again])
    assert program.bars == 2  # the fields
    assert len(program.code) == 7  # two loads, one sum, total and mean, two outputs
