import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import InputError, NoSignal
from superhet.kernels.information import spearman
from superhet.panel import Cube, WalkForward
from superhet.synthesis import (
    SYNTHESIZERS,
    Equal,
    ICWeighted,
    MaxICIR,
    Ridge,
    compare,
    contributions,
    statistics,
    walk_forward,
)

FOLDS = WalkForward(train=100, test=40, purge=0, embargo=1)


def run(model, signals, target, reach=3, folds=FOLDS, **more):
    return walk_forward(model, signals, target, folds, reach=reach, **more)


class Wrapped:
    """A model of a stranger: fit and predict, and nothing else."""

    def __init__(self, model):
        self.model = model

    def fit(self, signals, target, *, reach):
        fitted = self.model.fit(signals, target, reach=reach)

        class Fitted:
            fitted_until_ = fitted.fitted_until_

            def predict(self, signals, *, in_sample=False):
                return fitted.predict(signals, in_sample=in_sample)

        return Fitted()


def test_only_test_slices_have_a_score(planted):
    signals, target = planted([0.1, 0.05], dates=260, reach=3)
    found = run(ICWeighted(), signals, target)
    inside = FOLDS.test_mask(signals.dates, 3)
    assert_array_equal(found.super_factor.known().all(axis=1), inside)
    assert_array_equal(found.super_factor.known().any(axis=1), inside)
    assert len(found.folds) == len(found.models) == len(found.weights) == 4
    assert found.fold_dates[0][0] == signals.dates.values[104]
    assert found.fold_dates[-1][1] == signals.dates.values[-1]


@pytest.mark.parametrize("word", sorted(SYNTHESIZERS))
def test_a_fold_holds_the_very_weights_of_a_fit_on_its_dates_alone(word, planted, rows):
    signals, target = planted([0.1, 0.05, -0.03], dates=260, reach=3, holes=0.05)
    model = SYNTHESIZERS.get(word)()
    found = run(model, signals, target)
    for fold, weights, fitted in zip(found.folds, found.weights, found.models, strict=True):
        alone = model.fit(rows(signals, fold.train), target.rows(fold.train), reach=3)
        assert_array_equal(alone.weights_, weights)
        assert fitted.fitted_until_ == signals.dates.values[fold.train.stop - 1 + 3]
        assert fitted.fitted_until_ < signals.dates.values[fold.test.start]


@pytest.mark.parametrize("word", sorted(SYNTHESIZERS))
def test_noise_after_a_date_changes_no_score_up_to_it(word, planted):
    signals, target = planted([0.1, 0.05], dates=300, reach=5)
    before = run(SYNTHESIZERS.get(word)(), signals, target, reach=5).super_factor.values
    rng = np.random.default_rng(9)
    for t in (150, 151, 189, 220):
        values = {n: p.values.copy() for n, p in signals.items()}
        for v in values.values():
            v[t + 1 :] = rng.standard_normal(v[t + 1 :].shape)
        noisy = Cube({n: signals[n].with_values(v) for n, v in values.items()})
        answer = target.values.copy()
        answer[t + 1 - 5 :] = rng.standard_normal(answer[t + 1 - 5 :].shape)
        after = run(SYNTHESIZERS.get(word)(), noisy, target.with_values(answer), reach=5)
        assert_array_equal(after.super_factor.values[: t + 1], before[: t + 1])


def test_cutting_the_data_changes_no_score_that_remains(planted):
    signals, target = planted([0.1, 0.05], dates=300, reach=5)
    whole = run(MaxICIR(), signals, target, reach=5).super_factor
    for t in (150, 210):
        date = signals.dates.values[t]
        known = target.values[: t + 1].copy()
        known[t + 1 - 5 :] = np.nan
        cut = target.until(date).with_values(known)
        early = run(MaxICIR(), signals.until(date), cut, reach=5).super_factor
        assert_array_equal(early.values, whole.until(date).values)


def test_a_strangers_model_walks_the_same_way(planted):
    signals, target = planted([0.1, 0.05], dates=260, reach=3)
    ours, theirs = run(MaxICIR(), signals, target), run(Wrapped(MaxICIR()), signals, target)
    assert_array_equal(theirs.super_factor.values, ours.super_factor.values)
    assert np.isnan(theirs.weights).all()
    with pytest.raises(InputError, match="contributions need a linear model"):
        contributions(theirs, signals, target)


def test_the_map_does_not_matter(planted):
    def backwards(function, items):
        return [function(item) for item in list(items)[::-1]][::-1]

    signals, target = planted([0.1, 0.05], dates=260, reach=3)
    for model in (MaxICIR(), Ridge()):
        plain = run(model, signals, target)
        mapped = run(model, signals, target, map=backwards)
        assert_array_equal(mapped.super_factor.values, plain.super_factor.values)


def test_a_slower_clock_counts_its_reach_in_rows(planted):
    signals, target = planted([0.1], dates=120, reach=2)
    folds = WalkForward(train=300, test=100, purge=0, embargo=0, step=5)
    found = walk_forward(Equal(), signals, target, folds, reach=6)
    # 6 sessions are two rows of a weekly clock
    fold, fitted = found.folds[0], found.models[0]
    assert fold.train.stop == fold.test.start - 2
    assert fitted.fitted_until_ == signals.dates.values[fold.train.stop + 1]


def test_folds_before_the_signals_begin_stay_empty_and_are_named(planted):
    signals, target = planted([0.1], dates=300, reach=3)
    values = signals["s0"].values.copy()
    values[:110] = np.nan
    late = Cube({"s0": signals["s0"].with_values(values)})
    found = run(Equal(), late, target)
    assert found.empty_folds == (0,)
    assert found.models[0] is None
    assert np.isnan(found.weights[0]).all()
    assert not found.super_factor.known()[104:144].any()
    assert found.super_factor.known()[144:].all()
    assert "1 folds had nothing to learn from" in str(found)
    assert found.to_dict()["folds"][0]["weights"] == [None]


def test_no_signal_in_any_fold_is_an_error(planted):
    signals, target = planted([0.1], dates=300)
    blind = signals.map(lambda p: p.with_values(np.full_like(p.values, np.nan)))
    with pytest.raises(NoSignal, match="no fold of .* has a signal"):
        run(Equal(), blind, target)


def test_out_of_sample_the_mix_comes_close_to_the_best_one(planted):
    slopes = [0.10, 0.0, 0.05, -0.08]
    signals, target = planted(slopes, correlation=0.5, dates=700, assets=300)
    folds = WalkForward(train=300, test=100, purge=0, embargo=0)
    models = {"max_icir": MaxICIR(), "ridge": Ridge(), "equal": Equal()}
    found = compare(models, signals, target, folds, reach=1)
    best = np.tensordot(slopes, signals.stack(), axes=1)
    tested = folds.test_mask(signals.dates, 1)[:-1]

    def mean_ic(values):
        return spearman(values[:-1][tested], target.values[:-1][tested]).mean()

    share = {n: mean_ic(r.super_factor.values) / mean_ic(best) for n, r in found.items()}
    assert share["max_icir"] > 0.96
    assert share["ridge"] > 0.96
    assert share["equal"] < 0.92


def test_with_nothing_planted_the_out_of_sample_ic_is_zero_within_its_error(planted):
    signals, target = planted([0.0] * 8, dates=600, assets=100)
    for model in (ICWeighted(), MaxICIR(), Ridge()):
        found = run(model, signals, target, reach=1).super_factor.values
        ics = spearman(found, target.values)
        known = ics[~np.isnan(ics)]
        assert abs(known.mean()) < 3.0 * known.std() / np.sqrt(known.size)


def test_statistics_known_already_change_nothing(planted):
    signals, target = planted([0.1, 0.05, -0.1], dates=260, reach=3)
    found = statistics(signals, target, moments=True)
    for model in (ICWeighted(), Ridge()):
        shared = run(model, signals, target, found=found)
        assert_array_equal(shared.weights, run(model, signals, target).weights)
    part = run(MaxICIR(), signals.select(["s2", "s0"]), target, found=found.select(["s2", "s0"]))
    assert_array_equal(part.weights, run(MaxICIR(), signals.select(["s2", "s0"]), target).weights)


def test_the_signal_that_carries_the_mix_is_missed_most(planted):
    signals, target = planted([0.02, 0.10, 0.0], dates=400)
    result = run(ICWeighted(), signals, target, reach=1)
    found = contributions(result, signals, target)
    whole = spearman(result.super_factor.values, target.values)
    assert found.rank_ic == pytest.approx(np.nanmean(whole))
    assert np.argmax(found.drop) == 1
    assert found.drop[1] > 0.05
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert str(found).splitlines()[1].strip().startswith("s1")


def test_leaving_out_is_mixing_with_that_weight_at_zero(planted):
    signals, target = planted([0.05, 0.10, 0.03], dates=200)
    result = run(ICWeighted(), signals, target, reach=1)
    z = signals.stack()
    for k in range(3):
        held = result.weights.copy()
        held[:, k] = 0.0
        score = np.full(target.values.shape, np.nan)
        for fold, w in zip(result.folds, held, strict=True):
            score[fold.test] = np.tensordot(w, z[:, fold.test], axes=1)
        without = np.nanmean(spearman(score, target.values))
        assert_allclose(contributions(result, signals, target).without[k], without, atol=1e-12)


def test_a_result_prints_its_weights(planted):
    signals, target = planted([0.1, 0.05], dates=260, reach=3)
    text = str(run(ICWeighted(), signals, target))
    assert text.startswith("Walk-forward over 4 folds, 2018-")
    assert "s1" in text
