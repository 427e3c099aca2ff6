"""The library of intraday factors: values by hand on plain days, and every formula on simulated bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from superhet.factors import Formula, evaluate, pick
from superhet.factors.bars import evaluate_bars
from superhet.factors.lower import leaves_of
from superhet.panel import Cube, Dates, Market
from superhet.testing.markets import random_market

Values = npt.NDArray[np.float64]
LIBRARY = {f.name: f for f in pick("intraday")}
BEFORE = [
    "imbalance",
    "imbalance_ema_3",
    "imbalance_decay_5",
    "realised_volatility_5",
    "realised_skew_5",
    "downside_share_5",
    "last_hour_share_10",
    "morning_share_10",
    "last_half_hour_5",
    "morning_return_5",
    "vwap_deviation_5",
    "bar_price_volume_corr_10",
    "up_volume_share_5",
    "volume_concentration_10",
]
CLOCK_FREE = [n for n, f in LIBRARY.items() if not f.note or "15" not in f.note["en"]]


def uses_places(formula: Formula) -> bool:
    """Say whether a formula takes a slice of the day."""
    for node in formula.expression.walk():
        if node.kind == "call" and node.operator.family == "intraday" and not node.operator.bars:
            roles = [node.operator.parameter(i).role.what for i in range(len(node.arguments))]
            if "place" in roles:
                return True
    return False


def day_market(**fields: Values) -> Market:
    """Make a market of which every day has the same 16 bars; fields are [16]."""
    market = random_market(dates=30, assets=3, seed=1)
    bars = market.intraday("15min")
    plain = {n: np.tile(v[:, None], (30, 3)) for n, v in fields.items()}
    cube = Cube({n: bars[n].with_values(plain[n]) for n in bars})
    return replace(market, intraday_cubes={"15min": cube})


def last_values(market: Market, names: list[str]) -> dict[str, float]:
    found = evaluate({n: LIBRARY[n] for n in names}, market, dtype="float64")
    return {n: float(found[n].values[-1, 1]) for n in names}


def straight_day() -> Mapping[str, Values]:
    """Prices that rise by a tenth each bar, on even volume."""
    close = 10 + 0.1 * np.arange(1, 17)
    opened = close - 0.1
    volume = np.full(16, 500.0)
    return {
        "open": opened,
        "close": close,
        "high": close,
        "low": opened,
        "volume": volume,
        "amount": volume * close,
    }


def test_names_from_before_are_kept() -> None:
    assert list(LIBRARY)[: len(BEFORE)] == BEFORE
    assert len(LIBRARY) >= 40


def test_places_are_told_in_a_note() -> None:
    for name, formula in LIBRARY.items():
        if uses_places(formula):
            assert "15" in formula.note["en"], name
            assert "15" in formula.note["zh"], name


def test_a_straight_even_day_has_the_values_of_the_textbook() -> None:
    wanted = {
        "imbalance": 1.0,
        "up_volume_share_5": 1.0,
        "downside_share_5": 0.0,
        "signed_jump_5": 1.0,
        "jump_share_20": 0.0,
        "last_hour_share_10": 0.25,
        "opening_share_10": 0.125,
        "closing_share_10": 0.125,
        "late_morning_share_10": 0.25,
        "half_hours_ratio_10": 1.0,
        "volume_concentration_10": 1 / 16,
        "volume_entropy_20": 1.0,
        "volume_peaks_20": 0.0,
        "trend_strength_20": 1.0,
        "path_efficiency_20": 1.0,
        "trend_clarity_20": 1.0,
        "deepest_fall_20": 0.0,
        "high_place_20": 1.0,
        "low_place_20": 1 / 16,
        "information_evenness_20": 0.0,
        "down_volatility_20": 0.0,
        "largest_bar_20": np.log(10.1 / 10.0),
        "last_half_hour_5": 11.6 / 11.4 - 1,
        "morning_return_5": 10.4 / 10.0 - 1,
        "vwap_deviation_5": 11.6 / np.mean(10 + 0.1 * np.arange(1, 17)) - 1,
        "improved_reversal_20": 20 * (11.6 / 10.2 - 1),
    }
    found = last_values(day_market(**straight_day()), list(wanted))
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


def test_one_jump_is_nearly_all_variance() -> None:
    move = np.full(16, 1e-3)
    move[1::2] = -1e-3
    move[7] = 0.05
    close = 10 * np.exp(np.cumsum(move))
    day = {**straight_day(), "open": close / np.exp(move), "close": close}
    found = last_values(day_market(**day), ["jump_share_20", "signed_jump_5"])
    assert found["jump_share_20"] > 0.9
    assert found["signed_jump_5"] > 0.95


def test_bursts_of_volume_are_peaks_alone_and_ridges_together() -> None:
    volume = np.full(16, 100.0)
    volume[[3, 9, 10]] = 1000.0
    volume[9] = 900.0
    found = last_values(
        day_market(**{**straight_day(), "volume": volume}), ["volume_peaks_20", "volume_ridges_20"]
    )
    assert found["volume_peaks_20"] == 2.0  # the burst of two bars peaks in its second
    assert found["volume_ridges_20"] == pytest.approx(1000 / volume.sum())


def test_smart_money_below_the_average_price_is_below_one() -> None:
    day = {**straight_day()}
    day["open"] = day["close"].copy()
    day["open"][[0, 1]] -= 0.3  # only the first two, the cheapest, move
    (value,) = last_values(day_market(**day), ["smart_money_10"]).values()
    picked = np.array([10.1, 10.2, 10.3, 10.4])  # 3.2 bars hold a fifth
    wanted = (picked * [1, 1, 1, 0.2]).sum() / 3.2 / day["close"].mean()
    assert value == pytest.approx(wanted)


def test_every_formula_has_values_on_simulated_bars(tiny_loaded: Market) -> None:
    found = evaluate(dict(LIBRARY), tiny_loaded)
    for name in LIBRARY:
        rows = found[name].values[-5:]
        assert not np.isinf(rows).any(), name
        assert np.isfinite(rows).mean() > 0.5, name


def test_formulas_without_places_take_bars_of_five_minutes() -> None:
    rng = np.random.default_rng(3)
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-04"))
    minutes = 34200 + 300 * np.arange(1, 49)
    stamps = Dates(
        (days.astype("datetime64[s]")[:, None] + minutes.astype("timedelta64[s]")).ravel()
    )
    shape = (len(stamps), 3)
    close = 10 * np.exp(np.cumsum(0.001 * rng.standard_normal(shape), axis=0))
    volume = np.exp(rng.normal(8, 1, shape))
    opened = close * np.exp(0.001 * rng.standard_normal(shape))
    plain = {
        "open": opened,
        "close": close,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "volume": volume,
        "amount": volume * close,
    }
    panel = random_market(dates=9, assets=3).intraday("15min")["close"]
    cube = Cube({n: replace(panel, values=v, dates=stamps) for n, v in plain.items()})
    leaves = leaves_of(LIBRARY[n].expression for n in CLOCK_FREE)
    roots = [n for n in leaves if n.bar_fields]
    found = evaluate_bars(roots, cube, Dates(days))
    assert len(roots) > 30
    for root, values in found.items():
        assert np.isfinite(values).all(), root
