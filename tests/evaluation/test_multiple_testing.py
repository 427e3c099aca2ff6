import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from superhet.errors import ConfigError, DataError, MissingExtra
from superhet.evaluation import benjamini_hochberg, spa

# Benjamini & Hochberg (1995), section 4.1: a trial of two treatments after a heart attack, fifteen hypotheses
PAPER = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
    0.6528, 0.7590, 1.0000,
]  # fmt: skip
PROBABILITIES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30)


def test_the_four_of_the_paper_are_found_and_bonferroni_finds_three():
    p = np.array(PAPER)
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4
    assert (p * 15 <= 0.05).sum() == 3


@pytest.fixture(scope="module")
def arch():
    return pytest.importorskip("arch.bootstrap")


@pytest.fixture(scope="module")
def multitest():
    return pytest.importorskip("statsmodels.stats.multitest")


@given(p=PROBABILITIES)
def test_the_adjusted_p_are_those_of_statsmodels(multitest, p):
    oracle = multitest.multipletests(p, method="fdr_bh")[1]
    assert_allclose(benjamini_hochberg(np.array(p)), oracle, atol=1e-12)


@given(PROBABILITIES, st.randoms())
def test_adjusting_keeps_the_order_and_never_flatters(p, random):
    values = np.array(p)
    found = benjamini_hochberg(values)
    assert np.all((found >= values - 1e-15) & (found <= 1.0))
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(found[order]) >= 0)
    shuffled = list(range(len(p)))
    random.shuffle(shuffled)
    assert_allclose(benjamini_hochberg(values[shuffled]), found[shuffled])


def test_a_missing_p_is_no_test():
    assert_allclose(benjamini_hochberg(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()
    with pytest.raises(ConfigError, match="between 0 and 1"):
        benjamini_hochberg(np.array([0.5, 1.2]))


def noise(dates=300, factors=10, seed=0):
    return 0.01 * np.random.default_rng(seed).standard_normal((dates, factors))


def reality_check(returns, draws, block, seed):
    """White (2000) by hand: the best mean against the best mean of resamples about their own means."""
    rng, (dates, _) = np.random.default_rng(seed), returns.shape
    best, means = returns.mean(axis=0).max(), returns.mean(axis=0)
    passed = 0
    for _ in range(draws):
        fresh = rng.random(dates) < 1.0 / block
        starts = rng.integers(0, dates, dates)
        place = np.empty(dates, dtype=int)
        for t in range(dates):
            place[t] = starts[t] if t == 0 or fresh[t] else (place[t - 1] + 1) % dates
        passed += (returns[place].mean(axis=0) - means).max() > best
    return passed / draws


@pytest.mark.usefixtures("arch")
def test_the_reality_check_is_the_one_worked_by_hand():
    returns = noise(120, 4, seed=5) + np.array([0.0, 0.0, 0.0, 0.001])
    found = spa(returns, draws=2000)
    by_hand = reality_check(returns, 1000, found.block, seed=1)
    assert 0.05 < by_hand < 0.95
    assert found.white_p == pytest.approx(by_hand, abs=0.05)  # three deviations of 1,000 draws


@pytest.mark.usefixtures("arch")
def test_the_best_of_many_without_skill_is_no_find_and_a_good_one_is():
    returns = noise()
    best = returns.mean(axis=0).max() / returns.std() * np.sqrt(300)
    assert best > 1.0
    luck = spa(returns)
    assert luck.p_consistent > 0.1
    assert luck.p_lower <= luck.p_consistent <= luck.p_upper
    returns[:, 3] += 0.004
    assert spa(returns).p_consistent < 0.01
    assert spa(returns, benchmark=returns[:, 3]).p_consistent > 0.5  # none beats the good one


@pytest.mark.usefixtures("arch")
def test_bad_factors_do_not_help_the_best_one_past_the_test_but_blunt_white():
    good = noise(500, 1, seed=3) + 0.0011
    poor = noise(500, 30, seed=4) * 3.0 - 0.01
    found = spa(np.hstack([good, poor]))
    assert found.p_consistent < 0.05 < found.white_p  # Hansen's reason to studentise and recentre


@pytest.mark.usefixtures("arch")
def test_the_same_seed_gives_the_same_p_and_dates_that_one_lacks_are_left_out():
    returns = noise()
    assert spa(returns, draws=200, seed=4) == spa(returns, draws=200, seed=4)
    returns[:30, 2] = np.nan
    assert spa(returns, draws=50).dates == 270
    assert spa(returns, draws=50, horizon=20).block == 20


def test_factors_that_are_never_known_together_are_refused():
    returns = noise(40, 2)
    returns[:25, 0] = np.nan
    with pytest.raises(DataError, match="known together on 15 dates"):
        spa(returns)


def test_a_benchmark_against_itself_is_refused():
    returns = noise(40, 1)
    with pytest.raises(DataError, match="no factor moves"):
        spa(returns, benchmark=returns[:, 0])


def test_without_arch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "arch.bootstrap", None)
    with pytest.raises(MissingExtra, match=r"superhet\[stats\]"):
        spa(noise())


def test_the_evaluation_room_loads_no_statistics_package():
    script = (
        "import sys, superhet, superhet.evaluation\n"
        "print([m for m in ('arch', 'statsmodels', 'patsy', 'formulaic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
