import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge as SklearnRidge

from superhet.errors import AxisMismatch, LookAhead, NoSignal
from superhet.kernels.information import normal_scores, spearman
from superhet.panel import Cube
from superhet.synthesis import (
    SYNTHESIZERS,
    Equal,
    ICIRWeighted,
    ICWeighted,
    LinearMix,
    MaxICIR,
    Ridge,
    statistics,
)
from superhet.synthesis.linear import ic_moments
from superhet.synthesis.max_icir import overlap
from superhet.synthesis.ridge import coefficients
from superhet.testing.checks.synthesizer import check_synthesizer


def cosine(left, right):
    left, right = np.asarray(left, float), np.asarray(right, float)
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def weights(model, signals, target, reach=1):
    return model.fit(signals, target, reach=reach).weights_


@pytest.mark.parametrize("word", sorted(SYNTHESIZERS))
def test_every_synthesizer_passes_the_battery(word, planted):
    signals, target = planted([0.1, -0.05, 0.0], dates=150, assets=60, reach=3, holes=0.1)
    check_synthesizer(SYNTHESIZERS.get(word)(), signals, target, reach=3)


@pytest.mark.parametrize("word", sorted(SYNTHESIZERS))
def test_absolute_weights_sum_to_one(word, planted):
    found = weights(SYNTHESIZERS.get(word)(), *planted([0.1, -0.05, 0.02], dates=100))
    assert np.abs(found).sum() == pytest.approx(1.0)


def test_equal_turns_a_signal_that_points_the_wrong_way(planted):
    signals, target = planted([0.1, -0.1])
    assert_array_equal(weights(Equal(), signals, target), [0.5, -0.5])
    assert_array_equal(weights(Equal(signs="given"), signals, target), [0.5, 0.5])


def test_ic_weights_are_the_mean_rank_ics(planted):
    signals, target = planted([0.1, 0.05, -0.02])
    ics = [np.nanmean(spearman(signals[n].values, target.values)) for n in signals]
    assert_allclose(weights(ICWeighted(), signals, target), ics / np.abs(ics).sum())


def test_a_half_life_trusts_the_recent_past(planted):
    signals, target = planted([0.1, 0.1])
    values = signals["s0"].values.copy()
    values[200:] *= -1.0  # the first signal turns over half-way
    turned = Cube({"s0": signals["s0"].with_values(values), "s1": signals["s1"]})
    plain = weights(ICWeighted(), turned, target)
    recent = weights(ICWeighted(half_life=30.0), turned, target)
    assert abs(plain[0]) < 0.15
    assert_allclose(recent, [-0.5, 0.5], atol=0.1)


def test_icir_prefers_the_steady_one_of_two_signals_with_the_same_ic(planted):
    steady, target = planted([0.06, 0.0])
    rng = np.random.default_rng(5)
    wild = steady["s1"].values + 0.5 * rng.standard_normal((400, 1)) * target.values / 0.02
    wild += 0.06 * target.values / 0.02
    wild[-1] = rng.standard_normal(200)
    signals = Cube({"steady": steady["s0"], "wild": steady["s1"].with_values(wild)})
    by_ic, by_icir = (
        weights(ICWeighted(), signals, target),
        weights(ICIRWeighted(), signals, target),
    )
    assert by_icir[0] > by_ic[0] + 0.1
    fitted = ICIRWeighted().fit(signals, target, reach=1)
    ratio = fitted.ic_mean_ / fitted.ic_std_
    assert_allclose(by_icir, ratio / np.abs(ratio).sum())


@pytest.mark.parametrize(
    "model",
    [
        MaxICIR(shrinkage="none"),
        MaxICIR(),
        MaxICIR(shrinkage="constant_correlation"),
        Ridge(penalty=0.0),
        Ridge(),
    ],
)
def test_the_population_optimal_weights_are_found(model, planted):
    """Correlated signals: the second earns its IC only by its correlation, and deserves no weight."""
    slopes = [0.10, 0.0, 0.05, -0.08]
    signals, target = planted(slopes, correlation=0.5, dates=800, assets=300)
    assert cosine(weights(model, signals, target), slopes) > 0.985
    assert cosine(weights(ICWeighted(), signals, target), slopes) < 0.9


def test_without_shrinkage_max_icir_solves_the_normal_equations(planted):
    signals, target = planted([0.1, 0.05, 0.0], correlation=0.4, dates=200)
    ics = statistics(signals, target).rank_ic[:-1]
    best = np.linalg.solve(np.cov(ics.T), ics.mean(axis=0))
    found = weights(MaxICIR(shrinkage="none"), signals, target)
    assert_allclose(found, best / np.abs(best).sum(), rtol=1e-9)

    def icir(w):
        return (ics @ w).mean() / (ics @ w).std()

    rng = np.random.default_rng(0)
    assert all(icir(found) >= icir(found + 0.05 * rng.standard_normal(3)) for _ in range(50))


def test_non_negative_weights_never_go_against_a_signals_own_evidence(planted):
    # three strongly correlated signals: unrestrained, the weakest is used as a hedge
    signals, target = planted([0.10, -0.03, -0.04], correlation=0.7, dates=600)
    fitted = MaxICIR(shrinkage="none").fit(signals, target, reach=1)
    assert (fitted.weights_ * np.sign(fitted.ic_mean_)).min() < -0.01
    held = MaxICIR(shrinkage="none", non_negative=True).fit(signals, target, reach=1)
    aligned = held.weights_ * np.sign(held.ic_mean_)
    assert aligned.min() >= 0.0
    assert aligned[0] > 0.5


def test_more_signals_than_dates_are_mixed_all_the_same(planted):
    signals, target = planted([0.1] + [0.0] * 39, dates=31, assets=100)
    for shrinkage in ("none", "ledoit_wolf", "constant_correlation"):
        found = weights(MaxICIR(shrinkage=shrinkage), signals, target)
        assert np.isfinite(found).all()
    assert np.argmax(np.abs(weights(MaxICIR(), signals, target))) == 0


def test_a_late_signal_is_judged_on_the_dates_it_has(planted):
    signals, target = planted([0.1, 0.1], dates=400)
    late = signals["s1"].values.copy()
    late[:200] = np.nan
    signals = Cube({"s0": signals["s0"], "s1": signals["s1"].with_values(late)})
    for model in (ICWeighted(), MaxICIR(), MaxICIR(shrinkage="none")):
        assert_allclose(weights(model, signals, target), 0.5, atol=0.12)


def test_a_signal_with_too_few_dates_takes_no_part(planted):
    signals, target = planted([0.1, 0.1], dates=100)
    late = signals["s1"].values.copy()
    late[:85] = np.nan
    signals = Cube({"s0": signals["s0"], "s1": signals["s1"].with_values(late)})
    for word in SYNTHESIZERS:
        fitted = SYNTHESIZERS.get(word)(min_dates=20).fit(signals, target, reach=1)
        assert_array_equal(fitted.weights_, [1.0, 0.0])


def test_overlapping_horizons_are_fewer_independent_dates():
    rng = np.random.default_rng(0)
    white = rng.standard_normal((4000, 10))
    sums = np.lib.stride_tricks.sliding_window_view(white, 5, axis=0).sum(axis=2)
    expected = 1 + 2 * (0.8**2 + 0.6**2 + 0.4**2 + 0.2**2)
    assert overlap(white, 5) == pytest.approx(1.0, abs=0.01)
    assert overlap(sums, 5) == pytest.approx(expected, rel=0.02)
    assert overlap(sums, 1) == 1.0


def test_ridge_is_that_of_scikit_learn_on_stacked_centred_dates(planted):
    signals, target = planted([0.1, 0.05, -0.02], correlation=0.3, dates=60, assets=80, holes=0.1)
    z = np.nan_to_num(signals.stack())
    y = normal_scores(target.values)
    known = ~np.isnan(y).all(axis=1)
    blocks_x, blocks_y, share = [], [], []
    for t in np.flatnonzero(known):
        inside = ~np.isnan(y[t]) & ~np.isnan(signals.stack()[:, t]).all(axis=0)
        x = z[:, t, inside].T
        blocks_x.append(x - x.mean(axis=0))
        blocks_y.append(y[t, inside] - y[t, inside].mean())
        share.append(np.full(inside.sum(), 1.0 / inside.sum()))
    oracle = SklearnRidge(alpha=0.3 * known.sum(), fit_intercept=False, solver="cholesky")
    oracle.fit(np.concatenate(blocks_x), np.concatenate(blocks_y), np.concatenate(share))
    found = weights(Ridge(penalty=0.3), signals, target)
    assert_allclose(found, oracle.coef_ / np.abs(oracle.coef_).sum(), rtol=1e-9)


def test_a_duplicated_signal_shares_the_weight_and_breaks_nothing():
    gram = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = coefficients(gram, np.array([0.1, 0.1, 0.1]), (0.0, 1.0))
    assert_allclose(found, [[0.05, 0.05, 0.1], [0.1 / 3, 0.1 / 3, 0.05]])


def test_the_penalty_is_large_when_there_is_little_to_learn(planted):
    noisy = planted([0.02] * 30, correlation=0.8, dates=60, assets=40)
    found = statistics(*noisy, moments=True).learnable()
    rich = statistics(
        *planted([0.1, 0.0, -0.1], dates=300, correlation=0.6), moments=True
    ).learnable()
    assert Ridge()._best_penalty(found.moments, 1) > Ridge()._best_penalty(rich.moments, 1)


def test_too_few_dates_to_choose_a_penalty_is_an_error_with_a_way_out(planted):
    signals, target = planted([0.1], dates=24)
    with pytest.raises(NoSignal, match="too few to choose the penalty.*Give `penalty` a number"):
        Ridge().fit(signals, target, reach=23)


def test_moments_of_a_linear_mix_know_its_ic(planted):
    """The IC that ridge judges penalties by is the Pearson IC of the mix with the target's scores."""
    signals, target = planted([0.1, 0.05], dates=30)
    found = statistics(signals, target, moments=True)
    w = np.array([0.7, 0.3])
    score, y = np.tensordot(w, signals.stack(), axes=1), normal_scores(target.values)
    expected = [np.corrcoef(score[t], y[t])[0, 1] for t in range(29)]
    variance = np.einsum("k,tkl,l->t", w, found.moments.gram, w)
    assert_allclose((found.moments.cross @ w / np.sqrt(variance))[:29], expected, atol=1e-12)


@pytest.mark.parametrize("word", sorted(SYNTHESIZERS))
def test_nothing_to_learn_from_is_an_error(word, planted):
    signals, target = planted([0.1], dates=60)
    blind = signals.map(lambda p: p.with_values(np.full_like(p.values, np.nan)))
    with pytest.raises(NoSignal, match=f"{word}: no signal has 20 dates"):
        SYNTHESIZERS.get(word)().fit(blind, target, reach=1)
    unknown = target.with_values(np.full_like(target.values, np.nan))
    with pytest.raises(NoSignal, match="has a known target to learn from"):
        SYNTHESIZERS.get(word)().fit(signals, unknown, reach=1)


def test_other_axes_are_refused(planted, rows):
    signals, target = planted([0.1], dates=60)
    with pytest.raises(AxisMismatch, match="different dates"):
        Equal().fit(rows(signals, slice(0, 50)), target, reach=1)


def test_ic_moments_are_mean_and_sample_deviation_and_skip_gaps():
    x = np.array([[0.1, np.nan], [0.3, np.nan], [np.nan, 0.2]])
    mean, std = ic_moments(x, None)
    assert_allclose(mean, [0.2, 0.2])
    assert_allclose(std, [np.std([0.1, 0.3], ddof=1), np.nan])


def mix_of(signals, weights, min_coverage=0.5):
    count = len(weights)
    return LinearMix(
        model="given",
        names=signals.names,
        weights_=np.array(weights),
        ic_mean_=np.zeros(count),
        ic_std_=np.ones(count),
        fitted_until_=np.datetime64("2000-01-01"),
        min_coverage=min_coverage,
    )


def test_a_missing_signal_counts_as_zero_while_the_known_ones_carry_enough(planted):
    signals, _ = planted([0.0, 0.0, 0.0], dates=2, assets=4)
    values = signals.stack()
    values[0, :, 1] = np.nan  # half of the weight is missing
    values[:2, :, 2] = np.nan  # four fifths
    values[:, :, 3] = np.nan
    cube = Cube({n: signals[n].with_values(v) for n, v in zip(signals, values, strict=True)})
    score = mix_of(cube, [0.5, -0.3, 0.2]).predict(cube).values
    z = signals.stack()
    assert_allclose(score[:, 0], 0.5 * z[0, :, 0] - 0.3 * z[1, :, 0] + 0.2 * z[2, :, 0])
    assert_allclose(score[:, 1], -0.3 * z[1, :, 1] + 0.2 * z[2, :, 1])
    assert np.isnan(score[:, 2:]).all()
    eager = mix_of(cube, [0.5, -0.3, 0.2], min_coverage=0.0).predict(cube).values
    assert_allclose(eager[:, 2], 0.2 * z[2, :, 2])
    assert np.isnan(eager[:, 3]).all()


def test_seen_dates_are_refused_unless_asked_for(planted, rows):
    signals, target = planted([0.1], dates=100, reach=5)
    fitted = Equal().fit(signals, target, reach=5)
    assert fitted.fitted_until_ == signals.dates.values[99]
    with pytest.raises(LookAhead, match="equal was fitted on data until .* asked to predict"):
        fitted.predict(rows(signals, slice(99, None)))
    assert fitted.predict(signals, in_sample=True).known().all()


def test_a_target_that_reaches_past_the_axis_is_known_only_there(planted, rows):
    signals, target = planted([0.1], dates=100, reach=5)
    fitted = Equal().fit(rows(signals, slice(0, 60)), target.rows(slice(0, 60)), reach=5)
    # date 59 has a target, and it is known five sessions later
    assert fitted.fitted_until_ == signals.dates.values[64]
    with pytest.raises(LookAhead):
        fitted.predict(rows(signals, slice(64, None)))
    assert fitted.predict(rows(signals, slice(65, None))).known().all()


def test_a_fitted_mix_prints_its_weights(planted):
    text = str(ICWeighted().fit(*planted([0.1, -0.1], dates=60), reach=1))
    assert text.startswith("ic_weighted, fitted until 2018-")
    assert "s1" in text
