"""The program: equal steps once, lags without steps, passes only where the axes demand them."""

from __future__ import annotations

import numpy as np
import pytest

from superhet.factors import compute, parse
from superhet.factors.lower import Lowering
from superhet.factors.plan import plan
from superhet.factors.program import Program
from superhet.kernels.windows import parts, split


def program(*formulas: str, convention: str = "superhet") -> Program:
    lowering = Lowering()
    return plan([lowering.output(parse(f), convention) for f in formulas])


def ops(made: Program) -> list[str]:
    return [node.op for p in made.passes for step in p.steps for node in step.nodes]


def test_equal_parts_of_formulas_are_computed_once() -> None:
    made = program("ts_mean(close, 5) / close", "close - ts_mean(close, 5)")
    assert ops(made).count("mean") == 1
    assert ops(made).count("leaf") == 1


def test_a_lag_is_no_step_and_moves_out_of_what_shares_it() -> None:
    made = program("ts_lag(high, 3) / ts_lag(low, 3)", "ts_lag(high / low, 3)", "high / low")
    assert [op for op in ops(made) if op.startswith("divide")] == ["divide_known"]
    assert made.lookback == 3


def test_windows_of_one_signal_are_one_step() -> None:
    made = program(*(f"ts_std(close, {w})" for w in (5, 10, 20)), "ts_std(open, 5)")
    windows = [s for p in made.passes for s in p.steps if s.kind == "window"]
    assert sorted(len(s.nodes) for s in windows) == [1, 3]


def test_a_pass_across_assets_stands_between_passes_down_time() -> None:
    made = program("ts_corr(cs_rank(ts_mean(close, 5)), cs_rank(volume), 10)")
    assert [p.axis for p in made.passes] == ["time", "cross", "time"]
    assert made.passes[0].reach == made.passes[1].reach == 9
    assert made.lookback == 13


def test_a_lagged_ranking_is_the_ranking_of_an_earlier_date() -> None:
    x = np.random.default_rng(0).standard_normal((8, 5))
    found, ranks = compute("ts_lag(cs_rank(x), 3)", x=x), compute("cs_rank(x)", x=x)
    assert np.isnan(found[:3]).all()
    np.testing.assert_array_equal(found[3:], ranks[:-3])


def test_cheap_steps_are_computed_again_rather_than_kept() -> None:
    made = program("cs_rank(close / open - 1)")
    assert [p.axis for p in made.passes] == ["cross"]
    assert made.kept == 0


def test_signals_neutralized_alike_share_one_step_but_not_when_nested() -> None:
    apart = program("cs_neutralize(close, industry, size)", "cs_neutralize(open, industry, size)")
    nested = program(
        "cs_neutralize(cs_neutralize(close, industry, size) ^ 3, industry, size)",
    )
    assert [len(s.nodes) for p in apart.passes for s in p.steps if s.kind == "cross"] == [2]
    assert [len(s.nodes) for p in nested.passes for s in p.steps if s.kind == "cross"] == [1, 1]


def test_a_slot_is_used_again_when_its_value_is_done() -> None:
    formula = "close"
    for window in range(2, 40):
        formula = f"ts_mean({formula}, 2) + {window}"
    assert program(formula).passes[0].slots <= 3


def test_windows_share_their_parts() -> None:
    assert sorted(parts([5, 10, 20, 30, 60]).places) == [1, 2, 3, 5, 10, 15, 20, 30, 60]


@pytest.mark.parametrize("window", [2, 3, 7, 25, 49, 250, 9999])
def test_a_window_is_its_two_parts(window: int) -> None:
    newer, older = split(window)
    assert newer + older == window
    assert newer >= older >= 1


def test_ten_thousand_terms_are_summed() -> None:
    x = np.arange(4.0)
    formula = " + ".join(["x"] * 5000)
    assert compute(formula, x=x) == pytest.approx(5000 * x)


def test_a_look_back_longer_than_the_data_gives_nothing_and_does_no_harm() -> None:
    assert np.isnan(compute("ts_mean(x, 9999)", x=np.ones(50))).all()
    assert np.isnan(compute("ts_lag(x, 5000)", x=np.ones(50))).all()
