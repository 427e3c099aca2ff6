"""The battery of synthesizers: what every implementation must do, ours or a stranger's.

1. it keeps the axes and gives no score where no signal is known        -> _keeps_axes
2. the same data give the same bits                                    -> _is_deterministic
3. the order of the assets does not matter                             -> _ignores_asset_order
4. it refuses dates it has seen                                        -> _refuses_seen_dates
5. the unit of the target (fractions or percent) does not matter       -> _ignores_target_scale
6. noise after *t*, in signals and targets, changes no score up to *t* -> _does_not_look_ahead
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import LookAhead
from superhet.panel import Assets, Cube, Panel, WalkForward
from superhet.synthesis import Synthesizer, walk_forward

_TOLERANCE = 1e-9


def check_synthesizer(model: Synthesizer, signals: Cube, target: Panel, *, reach: int) -> None:
    """Run the whole battery; raises AssertionError with the reason at the first failure.

    Parameters
    ----------
    model : unfitted
    signals : standardized scores on at least 60 + 4 · reach dates
    target : forward return stamped at the signal date, same axes
    reach : dates from a signal to the end of its target
    """
    cut = (len(signals.dates) * 2) // 3
    train, wanted = _rows(signals, slice(0, cut)), target.rows(slice(0, cut))
    values = wanted.values.copy()
    values[cut - reach :] = np.nan
    wanted = wanted.with_values(values)
    later = _rows(signals, slice(cut, None))
    score = model.fit(train, wanted, reach=reach).predict(later).values
    assert np.isfinite(score).any(), "no score is known on any later date"
    _keeps_axes(model, train, wanted, later, reach)
    _is_deterministic(model, train, wanted, later, reach, score)
    _ignores_asset_order(model, train, wanted, later, reach, score)
    _refuses_seen_dates(model, train, wanted, reach)
    _ignores_target_scale(model, train, wanted, later, reach, score)
    _does_not_look_ahead(model, signals, target, reach)


def _keeps_axes(model: Synthesizer, train: Cube, target: Panel, later: Cube, reach: int) -> None:
    blind = later.map(lambda p: p.with_values(_with_nan(p.values, column=0)))
    found = model.fit(train, target, reach=reach).predict(blind)
    assert found.dates == later.dates, "the prediction stands on other dates than its signals"
    assert found.assets == later.assets, "the prediction stands on other assets than its signals"
    assert np.isnan(found.values[:, 0]).all(), "an asset without any signal was given a score"


def _is_deterministic(
    model: Synthesizer,
    train: Cube,
    target: Panel,
    later: Cube,
    reach: int,
    score: npt.NDArray[Any],
) -> None:
    again = model.fit(train, target, reach=reach).predict(later).values
    assert np.array_equal(again, score, equal_nan=True), "the same data gave another score"


def _ignores_asset_order(
    model: Synthesizer,
    train: Cube,
    target: Panel,
    later: Cube,
    reach: int,
    score: npt.NDArray[Any],
) -> None:
    turned = slice(None, None, -1)
    fitted = model.fit(_columns(train, turned), _column_panel(target, turned), reach=reach)
    found = fitted.predict(_columns(later, turned)).values[:, turned]
    np.testing.assert_allclose(
        found, score, rtol=0, atol=_TOLERANCE, err_msg="the order of the assets matters"
    )


def _refuses_seen_dates(model: Synthesizer, train: Cube, target: Panel, reach: int) -> None:
    fitted = model.fit(train, target, reach=reach)
    last_known = int(np.flatnonzero(~np.isnan(target.values).all(axis=1))[-1])
    seen = train.dates.values[last_known + reach]
    assert fitted.fitted_until_ >= seen, (
        f"fitted_until_ is {fitted.fitted_until_}, but the last target is known only on {seen}"
    )
    try:
        fitted.predict(train)
    except LookAhead:
        pass
    else:
        raise AssertionError("dates of the training were predicted without in_sample=True")
    fitted.predict(train, in_sample=True)


def _ignores_target_scale(
    model: Synthesizer,
    train: Cube,
    target: Panel,
    later: Cube,
    reach: int,
    score: npt.NDArray[Any],
) -> None:
    percent = target.with_values(target.values * 128.0)  # a power of two: no rounding
    found = model.fit(train, percent, reach=reach).predict(later).values
    left, right = (np.argsort(np.nan_to_num(s), axis=1, kind="stable") for s in (found, score))
    assert np.array_equal(left, right), "the unit of the target changed the order of the assets"


def _does_not_look_ahead(model: Synthesizer, signals: Cube, target: Panel, reach: int) -> None:
    dates = len(signals.dates)
    folds = WalkForward(train=dates // 3, test=dates // 6, purge=0, embargo=0)
    before = walk_forward(model, signals, target, folds, reach=reach).super_factor.values
    cut = (dates * 3) // 4  # the first date that is replaced
    rng = np.random.default_rng(0)
    noisy = signals.map(lambda p: p.with_values(_noise_from(p.values, cut, rng)))
    # the target of a date is known `reach` dates later, so its last part is in the future as well
    answer = target.with_values(_noise_from(target.values, cut - reach, rng))
    after = walk_forward(model, noisy, answer, folds, reach=reach).super_factor.values
    assert np.isfinite(before[:cut]).any(), "no score is known before the cut"
    np.testing.assert_allclose(
        after[:cut],
        before[:cut],
        rtol=0,
        atol=1e-12,
        err_msg="values of the future changed a score of the past",
    )


def _with_nan(values: npt.NDArray[Any], column: int) -> npt.NDArray[Any]:
    out = values.copy()
    out[:, column] = np.nan
    return out


def _noise_from(values: npt.NDArray[Any], row: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    out = values.copy()
    out[row:] = rng.standard_normal(out[row:].shape)
    return out


def _rows(cube: Cube, key: slice) -> Cube:
    return cube.map(lambda panel: panel.rows(key))


def _columns(cube: Cube, key: slice) -> Cube:
    return cube.map(lambda panel: _column_panel(panel, key))


def _column_panel(panel: Panel, key: slice) -> Panel:
    return replace(panel, values=panel.values[:, key], assets=Assets(panel.assets.values[key]))
