"""Honest size and coverage, on simulated data: the thresholds are those of the promise made to the user.

Two extremes of a horizon of h sessions: a signal that stands still (its IC is a moving sum of h steps) and
one that is new every day (its IC does not remember).
"""

import numpy as np
import pytest
from scipy.special import ndtr

from superhet.evaluation import (
    benjamini_hochberg,
    bootstrap_mean,
    summarize_many,
)
from superhet.kernels.information import spearman

TRIALS = 2000


def standing_still(dates, horizon, trials=TRIALS):
    steps = np.random.default_rng([dates, horizon, 7]).standard_normal(
        (trials, dates + horizon - 1)
    )
    total = np.concatenate([np.zeros((trials, 1)), steps.cumsum(axis=1)], axis=1)
    return (total[:, horizon:] - total[:, :-horizon]).T


def new_every_day(dates, horizon, trials=TRIALS):
    rng = np.random.default_rng([dates, horizon, 7])
    return rng.standard_normal((trials, dates + horizon - 1))[:, :dates].T


def rejections(found):
    return np.mean([s.p < 0.05 for s in found])


def naive_rejections(found):
    return np.mean([abs(s.naive_t) > 1.96 for s in found])


def bootstrapped(series, horizon, draws):
    each = enumerate(series.T)
    return [bootstrap_mean(x, horizon=horizon, draws=draws, seed=i) for i, x in each]


def covered(found, truth):
    return np.mean([s.low <= truth <= s.high for s in found])


@pytest.mark.parametrize("horizon", [1, 5, 10, 20])
@pytest.mark.parametrize("dates", [250, 500, 1250])
@pytest.mark.parametrize("series", [standing_still, new_every_day])
def test_the_five_percent_test_rejects_four_to_six_percent_of_nothing(series, dates, horizon):
    found = summarize_many(series(dates, horizon), horizon)
    assert 0.04 <= rejections(found) <= 0.06
    if series is standing_still and horizon > 1:
        assert naive_rejections(found) > 0.3  # six times as often as it says


@pytest.mark.parametrize("horizon", [1, 5, 20])
def test_the_interval_covers_a_planted_ic(horizon):
    planted = 0.03 + 0.1 * standing_still(500, horizon) / np.sqrt(horizon)
    assert 0.93 <= covered(summarize_many(planted, horizon), 0.03) <= 0.97


@pytest.mark.parametrize(
    "missing", ["a third of the dates", "all but one month", "every other quarter"]
)
def test_missing_dates_keep_their_place(missing):
    at = np.arange(1250)
    out = {
        "a third of the dates": np.random.default_rng(3).random(1250) < 0.33,
        "all but one month": at // 20 % 12 != 0,
        "every other quarter": at // 60 % 2 == 1,
    }[missing]
    series = standing_still(1250, 20)
    series[out] = np.nan
    assert 0.04 <= rejections(summarize_many(series, 20)) <= 0.065


def test_the_bootstrap_covers_a_planted_ic():
    planted = 0.03 + 0.1 * standing_still(250, 5, trials=400) / np.sqrt(5)
    assert 0.93 <= covered(bootstrapped(planted, 5, 199), 0.03) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 5, 10, 20])
@pytest.mark.parametrize("dates", [250, 500])
@pytest.mark.parametrize("series", [standing_still, new_every_day])
def test_the_bootstrap_covers_in_all_cases(series, dates, horizon):
    noise = 0.1 * series(dates, horizon)
    assert 0.93 <= covered(bootstrapped(0.03 + noise, horizon, 399), 0.03) <= 0.97
    assert 0.04 <= np.mean([b.p <= 0.05 for b in bootstrapped(noise, horizon, 399)]) <= 0.06


def ics_of_a_simulated_market(horizon, memory, ic, trials, dates=250, names=40):
    """Rank ICs, [dates, trials], of a signal with memory and forward returns of `horizon` sessions."""
    rng = np.random.default_rng([horizon, int(100 * memory), trials])
    out = np.empty((dates, trials))
    signal, rows = np.empty((dates, names)), dates + horizon
    for trial in range(trials):
        fresh = rng.standard_normal((dates, names))
        signal[0] = fresh[0]
        for t in range(1, dates):
            signal[t] = memory * signal[t - 1] + np.sqrt(1.0 - memory**2) * fresh[t]
        daily = rng.standard_normal((rows, names))
        daily[1 : dates + 1] += ic * signal
        total = np.vstack([np.zeros(names), daily.cumsum(axis=0)])
        forward = total[1 + horizon : 1 + horizon + dates] - total[1 : 1 + dates]
        out[:, trial] = spearman(signal, forward)
    return out


def test_rank_ics_of_a_market_without_effect_are_rejected_as_promised():
    found = summarize_many(ics_of_a_simulated_market(10, 0.95, 0.0, 150), 10)
    assert rejections(found) <= 0.09  # of 150: two deviations above 5 %
    assert naive_rejections(found) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 5, 10, 20])
@pytest.mark.parametrize("memory", [0.0, 0.95, 0.99])
def test_two_thousand_markets_without_effect_are_rejected_as_promised(horizon, memory):
    found = summarize_many(ics_of_a_simulated_market(horizon, memory, 0.0, TRIALS), horizon)
    assert 0.04 <= rejections(found) <= 0.06


@pytest.mark.slow
def test_the_interval_covers_the_ic_planted_in_two_thousand_markets():
    ics = ics_of_a_simulated_market(5, 0.95, 0.05, TRIALS)
    found = summarize_many(ics, 5)
    assert 0.93 <= covered(found, ics.mean()) <= 0.97  # the mean of 500,000 dates is the truth


@pytest.mark.parametrize("common", [0.0, 0.5], ids=["independent", "positively dependent"])
@pytest.mark.parametrize("real", [0, 10, 30])
def test_false_finds_stay_within_the_rate_asked_for(common, real):
    rng = np.random.default_rng(8)
    tests, trials, shares = 50, 2000, []
    shared = np.sqrt(common) * rng.standard_normal((trials, 1))
    z = shared + np.sqrt(1.0 - common) * rng.standard_normal((trials, tests))
    z[:, :real] += 3.0
    p = ndtr(-z)
    for row in p:
        found = benjamini_hochberg(row) <= 0.1
        shares.append(found[real:].sum() / max(found.sum(), 1))
    assert (
        np.mean(shares) <= 0.1 * (tests - real) / tests + 0.012
    )  # two deviations of the simulation
    if common == 0.0:
        assert np.mean(shares) == pytest.approx(0.1 * (tests - real) / tests, abs=0.015)  # exact


def test_unadjusted_tests_find_what_is_not_there():
    ics = new_every_day(250, 1)[:, :50]
    p = np.array([s.p for s in summarize_many(ics, 1)])
    assert (p < 0.05).sum() > 0  # some of fifty always look good
    assert (benjamini_hochberg(p) < 0.05).sum() == 0
