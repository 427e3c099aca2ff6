"""Formulas of bars: values by hand, days of any length, and what must not matter to a value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from superhet.factors import OPERATORS, parse
from superhet.factors.bars import daily_inputs, evaluate_bars, session_rows
from superhet.factors.expression import call, name, number
from superhet.factors.lower import leaves_of
from superhet.panel import Assets, Cube, Dates, Panel

Values = npt.NDArray[np.float64]
LENGTHS = (16, 8, 0, 16, 241, 3)  # bars of each day: a half day, no bars at all, a long one
ASSETS = 70  # more than one tile
SHARES = (
    "bar_sum(volume, 1, 4) / bar_sum(volume)",
    "bar_sum(close > open ? volume : 0) / bar_sum(volume)",
    "bar_sum(volume ^ 2) / bar_sum(volume) ^ 2",
    "bar_entropy(volume)",
    "bar_corr(close, volume)",
    "bar_skew(volume)",
    "bar_top_mean(close, volume, abs(close / open - 1) / sqrt(volume), 0.2) / bar_last(close)",
)
FORMULAS = (
    *SHARES,
    "sqrt(bar_sum(log(close / open) ^ 2))",
    "bar_kurt(close / bar_lag(close, 1) - 1)",
    "bar_sum(abs(bar_return(close, 1)) * abs(bar_lag(bar_return(close, 1), 1)))",
    "bar_min(low / bar_cummax(high) - 1)",
    "bar_corr(bar_rank(close), bar_rank(volume), 2, -2)",
    "bar_argmax(high)",
    "bar_rsquare(bar_cumsum(log(close / open)))",
    "bar_quantile(volume, 0.9) / bar_median(volume)",
    "bar_mean(close / bar_first(open) - bar_sum(amount) / bar_sum(volume))",
)


def make_cube(seed: int = 0, dtype: type = np.float64) -> tuple[Cube, Dates]:
    """Make bars of six sessions, and of one Saturday that is none."""
    rng = np.random.default_rng(seed)
    sessions = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"])
    sessions = np.append(sessions, "2024-01-09").astype("datetime64[D]")
    days = np.insert(sessions, 4, np.datetime64("2024-01-06"))
    lengths = np.insert(LENGTHS, 4, 5)
    opens = days.astype("datetime64[s]") + 36000
    ends = [o + 60 * np.arange(n) for o, n in zip(opens, lengths, strict=True)]
    shape = (int(lengths.sum()), ASSETS)
    close = 10 * np.exp(np.cumsum(0.002 * rng.standard_normal(shape), axis=0))
    opened = close * np.exp(0.002 * rng.standard_normal(shape))
    volume = np.round(np.exp(rng.normal(8, 1, shape)))
    fields = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.001,
        "low": np.minimum(opened, close) * 0.999,
        "close": close,
        "volume": volume,
        "amount": volume * (opened + close) / 2,
    }
    missing = rng.random(shape) < 0.05
    stamps, assets = Dates(np.concatenate(ends)), Assets([f"{i:03d}" for i in range(ASSETS)])
    panels = {
        n: Panel(
            values=np.where(missing, np.nan, v).astype(dtype), dates=stamps, assets=assets, name=n
        )
        for n, v in fields.items()
    }
    return Cube(panels), Dates(sessions)


@pytest.fixture(scope="module")
def cube() -> Cube:
    return make_cube()[0]


@pytest.fixture(scope="module")
def sessions() -> Dates:
    return make_cube()[1]


def changed(cube: Cube, **fields: Values) -> Cube:
    return Cube({n: cube[n].with_values(fields.get(n, cube[n].values)) for n in cube})


def values(formula: str, cube: Cube, sessions: Dates, **how: object) -> Values:
    root = parse(formula)
    return evaluate_bars([root], cube, sessions, **how)[root]


def by_day(cube: Cube, sessions: Dates, *names: str) -> list[tuple[Values, ...]]:
    starts, stops = session_rows(cube.dates, sessions)
    return [
        tuple(np.array(cube[n].values[a:z]) for n in names)
        for a, z in zip(starts, stops, strict=True)
    ]


def test_volume_shares_are_those_of_a_plain_loop(cube: Cube, sessions: Dates) -> None:
    found = values("bar_sum(volume, -4, -1) / bar_sum(volume)", cube, sessions)
    for d, (volume,) in enumerate(by_day(cube, sessions, "volume")):
        for j in range(ASSETS):
            day, last = volume[:, j], volume[-4:, j]
            wanted = np.nansum(last) / np.nansum(day) if len(day) else np.nan
            if 2 * np.isfinite(day).sum() < len(day) or 2 * np.isfinite(last).sum() < len(last):
                wanted = np.nan
            assert found[d, j] == pytest.approx(wanted, nan_ok=True, rel=1e-12)


def test_a_session_without_bars_is_not_known_and_other_days_do_not_count(
    cube: Cube, sessions: Dates
) -> None:
    for formula in FORMULAS:
        assert np.isnan(values(formula, cube, sessions)[2]).all(), formula
    count = values("bar_sum(is_nan(close) + 1 > 0)", cube, sessions)
    assert_array_equal(count[:, 0], [16, 8, np.nan, 16, 241, 3])


def test_the_deepest_fall_of_a_day_is_measured_from_the_high_before_it() -> None:
    cube, sessions = make_cube()
    high = np.array(cube["high"].values)
    low = np.array(cube["low"].values)
    high[:3, 0], low[:3, 0] = [10, 12, 11], [9, 11, 8]
    high[3:16, 0] = low[3:16, 0] = 8.5
    found = values(
        "bar_min(low / bar_cummax(high) - 1)", changed(cube, high=high, low=low), sessions
    )
    assert found[0, 0] == pytest.approx(8 / 12 - 1)


def test_the_smart_price_is_that_of_the_volume_that_moves_prices_most(
    cube: Cube, sessions: Dates
) -> None:
    found = values(
        "bar_top_mean(close, volume, abs(close / open - 1) / sqrt(volume), 0.2)", cube, sessions
    )
    for d in (0, 4):
        close, opened, volume = by_day(cube, sessions, "close", "open", "volume")[d]
        key = np.abs(close / opened - 1) / np.sqrt(volume)
        for j in (0, 69):
            kept = np.flatnonzero(np.isfinite(key[:, j]))
            order = kept[np.argsort(-key[kept, j], kind="stable")]
            left = 0.2 * volume[kept, j].sum()
            total, paid = left, 0.0
            for i in order:
                part = min(volume[i, j], left)
                paid, left = paid + part * close[i, j], left - part
            assert found[d, j] == pytest.approx(paid / total, rel=1e-12)


def test_a_reduction_inside_another_is_the_same_for_all_bars(cube: Cube, sessions: Dates) -> None:
    found = values("bar_mean(close / bar_first(open) - 1)", cube, sessions)
    close, opened = by_day(cube, sessions, "close", "open")[3]
    first = np.array([column[np.isfinite(column)][0] for column in opened.T])
    assert_allclose(found[3], np.nanmean(close / first - 1, axis=0), rtol=1e-10)


def test_a_daily_field_is_the_same_for_all_bars(cube: Cube, sessions: Dates) -> None:
    inside, volume = name("float_shares", "daily"), name("volume", "bar")
    twice = call("multiply", (number(2), inside))
    large = call("where", (call("greater", (volume, twice)), volume, number(0)))
    root = call("bar_sum", (large,))
    assert daily_inputs([root]) == (inside,)
    handed = np.full((len(sessions), ASSETS), 1500.0)
    handed[0, 1] = np.nan
    found = evaluate_bars([root], cube, sessions, daily={inside: handed})[root]
    (traded,) = by_day(cube, sessions, "volume")[0]
    assert_allclose(found[0, 2], np.nansum(traded[traded[:, 2] > 3000, 2]))
    assert np.isnan(found[0, 1])


def test_roots_are_the_outermost_reductions_each_once() -> None:
    formulas = [parse("ts_mean(bar_std(close / bar_first(open)), 5) + bar_sum(volume)")]
    formulas.append(parse("bar_sum(volume) / float_shares"))
    roots = [n for n in leaves_of(formulas) if n.bar_fields]
    assert sorted(map(repr, roots)) == ["bar_std(close / bar_first(open))", "bar_sum(volume)"]
    assert daily_inputs(roots) == ()
    assert evaluate_bars([], *make_cube()) == {}


@pytest.mark.parametrize("word", [n for n in OPERATORS if OPERATORS.get(n).family == "elementwise"])
def test_every_element_wise_operator_works_on_bars_and_on_numbers(
    word: str, cube: Cube, sessions: Dates
) -> None:
    fields = [name(n, "bar") for n in ("close", "open", "high")]
    for numbers in range(len(OPERATORS.get(word).arguments)):
        operands = (*fields, *[number(2)] * numbers)[numbers : numbers + 3]
        operands = operands[: len(OPERATORS.get(word).arguments)]
        if all(o.kind == "number" for o in operands):
            continue
        root = call("bar_mean", (call(word, operands),))
        found = evaluate_bars([root], cube, sessions)[root]
        assert np.isfinite(found[[0, 1, 3, 4]]).mean() > 0.9, root


def test_numbers_among_themselves_are_numbers(cube: Cube, sessions: Dates) -> None:
    six = call("multiply", (number(2), number(3)))
    root = call("bar_sum", (call("multiply", (name("volume", "bar"), six)),))
    found = evaluate_bars([root], cube, sessions)[root]
    assert_array_equal(found, 6 * values("bar_sum(volume)", cube, sessions))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_neighbours_and_the_cut_do_not_change_a_bit(dtype: str) -> None:
    cube, sessions = make_cube()
    roots = [parse(f) for f in FORMULAS]
    together = evaluate_bars(roots, cube, sessions, dtype=dtype)
    threaded = evaluate_bars(roots, cube, sessions, dtype=dtype, threads=2)
    some = Cube({n: cube[n].rows(slice(24, None)) for n in cube})
    later = evaluate_bars(roots, some, sessions[2:], dtype=dtype)
    for root in roots:
        wanted = together[root]
        assert threaded[root].tobytes() == wanted.tobytes(), root
        assert later[root].tobytes() == wanted[2:].tobytes(), root
        alone = evaluate_bars([root], cube, sessions, dtype=dtype)
        assert alone[root].tobytes() == wanted.tobytes(), root


def test_the_order_of_assets_does_not_matter(cube: Cube, sessions: Dates) -> None:
    order = np.random.default_rng(1).permutation(ASSETS)
    turned = changed(cube, **{n: cube[n].values[:, order] for n in cube})
    for formula in FORMULAS:
        wanted = values(formula, cube, sessions)[:, order]
        assert values(formula, turned, sessions).tobytes() == wanted.tobytes(), formula


@settings(deadline=None, max_examples=10)
@given(last=st.integers(0, 4), seed=st.integers(0, 99))
def test_noise_after_a_day_leaves_earlier_days_as_they_are(last: int, seed: int) -> None:
    cube, sessions = make_cube()
    other, _ = make_cube(seed + 1)
    kept = int(cube.dates.count_until(sessions.values[last]))
    noisy = changed(
        cube, **{n: np.vstack([cube[n].values[:kept], other[n].values[kept:]]) for n in cube}
    )
    roots = [parse(f) for f in FORMULAS]
    before, after = (evaluate_bars(roots, c, sessions) for c in (cube, noisy))
    for root in roots:
        assert after[root][: last + 1].tobytes() == before[root][: last + 1].tobytes(), root


@settings(deadline=None, max_examples=10)
@given(scale=st.floats(1e-3, 1e3))
def test_the_unit_of_volume_does_not_change_shares(scale: float) -> None:
    cube, sessions = make_cube()
    scaled = changed(cube, volume=cube["volume"].values * scale)
    for formula in SHARES:
        wanted = values(formula, cube, sessions)
        assert_allclose(values(formula, scaled, sessions), wanted, rtol=1e-9, err_msg=formula)


@settings(deadline=None, max_examples=10)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-5, 5))
def test_shape_does_not_depend_on_scale_and_level(scale: float, shift: float) -> None:
    cube, sessions = make_cube()
    moved = changed(cube, volume=scale * (cube["volume"].values + 1000 * shift))
    for formula in ("bar_skew(volume)", "bar_kurt(volume)", "bar_corr(volume, close)"):
        wanted = values(formula, cube, sessions)
        assert_allclose(values(formula, moved, sessions), wanted, rtol=1e-7, atol=1e-9)


def test_single_precision_is_close_to_double() -> None:
    cube, sessions = make_cube(dtype=np.float32)
    for formula in FORMULAS:
        double = values(formula, cube, sessions)
        single = values(formula, cube, sessions, dtype="float32")
        assert single.dtype == np.float32
        assert_array_equal(np.isnan(single), np.isnan(double))
        assert_allclose(single, double, rtol=2e-4, atol=2e-4, err_msg=formula)


def test_fields_of_mixed_precision_are_read(cube: Cube, sessions: Dates) -> None:
    mixed = changed(cube, close=cube["close"].values.astype(np.float32))
    wanted = values("bar_corr(close, volume)", cube, sessions)
    assert_allclose(values("bar_corr(close, volume)", mixed, sessions), wanted, atol=1e-4)
