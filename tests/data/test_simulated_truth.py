"""The planted truth is what it says: half-lives, calibration, optimality, neutrality, silence at scale 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata

from superhet.data.sources.simulated import (
    SimulatedMarket,
    Simulation,
    Truth,
    alphas,
    load_truth,
    simulate,
)
from superhet.data.sources.simulated.filter import StateFilter
from superhet.errors import ConfigError, DataError, StoreError, StoreTooNew

COMPONENTS = ("minute", "daily", "quarterly")
RECIPE = SimulatedMarket(assets=150, years=2.0, seed=3, industries=10)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(RECIPE)


@pytest.fixture(scope="module")
def truth(simulation: Simulation) -> Truth:
    return simulation.truth


def spread(simulation: Simulation, column: str | pl.Expr) -> np.ndarray:
    """Lay a column of bars_1d on the axes of the truth."""
    truth, bars = simulation.truth, simulation.tables["bars_1d"]
    out = np.full((truth.dates.size, truth.assets.size), np.nan)
    rows = np.searchsorted(truth.dates, bars["date"].to_numpy().astype("datetime64[D]"))
    columns = np.searchsorted(truth.assets, bars["asset"].to_numpy().astype(str))
    out[rows, columns] = bars.select(column).to_series().to_numpy()
    return out


def forward_return(simulation: Simulation, horizon: int) -> np.ndarray:
    """Return from the next open to the open `horizon` sessions later; NaN where either does not trade."""
    price = spread(simulation, pl.col("open") * pl.col("adjust_factor"))
    out = np.full_like(price, np.nan)
    out[: -horizon - 1] = price[1 + horizon :] / price[1:-horizon] - 1.0
    return out


def rank_ic(signal: np.ndarray, target: np.ndarray) -> np.ndarray:
    found = []
    for left, right in zip(signal, target, strict=True):
        known = np.isfinite(left) & np.isfinite(right)
        if known.sum() > 20:
            ranks = rankdata(left[known]), rankdata(right[known])
            found.append(np.corrcoef(*ranks)[0, 1])
    return np.array(found)


def test_axes_are_those_of_the_tables(simulation: Simulation) -> None:
    truth, tables = simulation.truth, simulation.tables
    assert truth.assets.tolist() == tables["securities"]["asset"].to_list()
    np.testing.assert_array_equal(truth.dates, tables["calendar"]["date"].to_numpy())
    unlisted = np.isnan(truth.state["daily"])
    traded = np.isfinite(spread(simulation, "close"))
    assert not (unlisted & traded).any()


@pytest.mark.parametrize("name", COMPONENTS)
def test_half_lives_are_found_in_the_autocorrelation(truth: Truth, name: str) -> None:
    state = truth.state[name].astype(float)
    known = np.isfinite(state[1:]) & np.isfinite(state[:-1])
    after, before = state[1:][known], state[:-1][known]
    phi = float(after @ before / (before @ before))
    error = np.sqrt((1.0 - phi**2) / before.size)
    assert truth.half_life[name] == {"minute": 2.0, "daily": 8.0, "quarterly": 60.0}[name]
    assert abs(phi - truth.phi[name]) < 4.0 * error + 0.002


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_best_estimate_is_calibrated(truth: Truth, name: str) -> None:
    state, estimate = truth.state[name].astype(float), truth.estimate[name].astype(float)
    known = np.isfinite(state) & (state != 0.0)
    x, e = state[known], estimate[known]
    slope = float(x @ e / (e @ e))
    effective = e.size / (2.9 * truth.half_life[name])  # sessions that say something new
    error = np.sqrt(float(np.var(x - slope * e)) / (effective * float(np.var(e))))
    assert abs(slope - 1.0) < 3.0 * error
    assert 0.6 < np.corrcoef(x, e)[0, 1] < 0.85


def test_planted_drift_has_no_industry_mean(simulation: Simulation) -> None:
    truth, industry = simulation.truth, simulation.tables["industry"]
    steady = industry.filter(pl.len().over("asset") == 1)
    codes = dict(zip(steady["asset"], steady["industry"], strict=True))
    label = np.array([codes.get(a, "") for a in truth.assets])
    moved = set(industry["industry"].filter(industry["end_date"].is_not_null()))
    moved |= set(industry.filter(pl.len().over("asset") > 1)["industry"])
    for name in sorted(set(label) - moved - {""}):
        mean = np.nanmean(truth.state["daily"][:, label == name].astype(float), axis=1)
        np.testing.assert_allclose(mean, 0.0, atol=1e-8)


def test_true_forecast_beats_best_forecast_beats_nothing(simulation: Simulation) -> None:
    target, truth = forward_return(simulation, 5), simulation.truth
    true = rank_ic(truth.true_forecast(5), target).mean()
    best = rank_ic(truth.best_forecast(5), target).mean()
    assert true > best > 0.05
    assert 0.1 < true < 0.22


def test_each_component_forecasts_on_its_own(simulation: Simulation) -> None:
    target, truth = forward_return(simulation, 5), simulation.truth
    for name in COMPONENTS:
        assert rank_ic(truth.best_forecast(5, component=name), target).mean() > 0.02, name


def test_without_alpha_nothing_forecasts() -> None:
    silent = simulate(SimulatedMarket(assets=150, years=2.0, seed=3, industries=10, alpha_scale=0))
    assert np.nanmax(np.abs(silent.truth.true_forecast(5))) == 0.0
    loud = simulate(SimulatedMarket(assets=150, years=0.25, seed=3, industries=10, bars=None))
    assert np.nanmax(np.abs(loud.truth.true_forecast(5))) > 0.0
    ic = rank_ic(plain_combination(silent), forward_return(silent, 5))[70:]
    blocks = ic[: ic.size // 20 * 20].reshape(-1, 20).mean(axis=1)
    assert abs(blocks.mean()) < 2.0 * blocks.std(ddof=1) / np.sqrt(blocks.size) + 0.002


def plain_combination(simulation: Simulation) -> np.ndarray:
    """Add up three plain signals: smoothed imbalance, abnormal turnover, short reversal (z-scored)."""
    truth = simulation.truth
    signed = (pl.col("close") - pl.col("open")).sign() * pl.col("volume")
    days = (
        simulation.tables["bars_15min"]
        .group_by(pl.col("time").dt.date().alias("date"), "asset")
        .agg((signed.sum() / pl.col("volume").sum()).alias("imbalance"))
    )
    bars = simulation.tables["bars_1d"].join(days, on=["date", "asset"], maintain_order="left")
    with_imbalance = Simulation(tables={"bars_1d": bars}, truth=truth)
    imbalance = smooth(spread(with_imbalance, "imbalance"), 1.0)
    turnover = spread(simulation, (pl.col("volume") / pl.col("float_shares")).log())
    turnover = turnover - np.nanmean(turnover, axis=1, keepdims=True)
    abnormal = smooth(turnover, 4.0) - smooth(turnover, 60.0)
    price = spread(simulation, pl.col("close") * pl.col("adjust_factor"))
    change = np.full_like(price, np.nan)
    change[1:] = price[1:] / price[:-1] - 1.0
    reversal = -smooth(np.clip(change, -0.08, 0.08), 5.0)
    return zscore(imbalance) + zscore(abnormal) + 0.5 * zscore(reversal)


def smooth(values: np.ndarray, half_life: float) -> np.ndarray:
    phi, state, out = 2.0 ** (-1.0 / half_life), np.zeros(values.shape[1]), np.empty_like(values)
    for row, value in enumerate(values):
        state = phi * state + (1.0 - phi) * np.nan_to_num(value)
        out[row] = state
    return np.where(np.isfinite(values), out, np.nan)


def zscore(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    centred = np.where(known, values, 0.0)
    centred = np.where(known, centred - centred.sum(axis=1, keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    return np.where(known, centred / np.maximum(deviation, 1e-12), np.nan)


def test_plain_signals_forecast_when_alpha_is_on(simulation: Simulation) -> None:
    ic = rank_ic(plain_combination(simulation), forward_return(simulation, 5))[70:]
    best = rank_ic(simulation.truth.best_forecast(5), forward_return(simulation, 5))[70:]
    assert 0.03 < ic.mean() < best.mean()


def test_daily_bars_do_not_show_the_minute_state(simulation: Simulation) -> None:
    """Only the drift it earned yesterday is in today's return; range, volume and vwap say nothing."""
    state = simulation.truth.state["minute"].astype(float)
    middle = (pl.col("high") + pl.col("low")) / 2
    shown = {
        "vwap": pl.col("amount") / pl.col("volume") / middle,
        "range": pl.col("high") / pl.col("low"),
        "volume": (pl.col("volume") / pl.col("float_shares")).log(),
    }
    for name, column in shown.items():
        values = zscore(spread(simulation, column))
        known = np.isfinite(values) & np.isfinite(state)
        correlation = np.corrcoef(values[known], state[known])[0, 1]
        assert abs(correlation) < 5.0 / np.sqrt(known.sum()) + 0.01, name


def test_without_bars_the_minute_state_is_all_but_hidden() -> None:
    dark = simulate(SimulatedMarket(assets=60, years=1.0, seed=3, industries=6, bars=None)).truth
    known = np.isfinite(dark.state["minute"])
    shown = np.corrcoef(dark.state["minute"][known], dark.estimate["minute"][known])[0, 1]
    assert shown < 0.2


def test_forecast_adds_up_the_decaying_drift(truth: Truth) -> None:
    by_hand = sum(
        truth.state[name].astype(float) * sum(truth.phi[name] ** k for k in range(2, 5))
        for name in COMPONENTS
    )
    np.testing.assert_allclose(
        truth.true_forecast(horizon=3, skip=2), by_hand, rtol=1e-9, atol=1e-15
    )
    parts = [truth.best_forecast(5, component=name) for name in COMPONENTS]
    np.testing.assert_allclose(truth.best_forecast(5), sum(parts))
    with pytest.raises(ConfigError, match="horizon >= 1"):
        truth.best_forecast(0)


def test_truth_comes_back_from_its_folder(truth: Truth, tmp_path: Path) -> None:
    folder = tmp_path / "store" / "truth"
    truth.save(folder)
    truth.save(folder)  # replaces itself
    again = load_truth(folder)
    assert [p.name for p in folder.parent.iterdir()] == ["truth"]
    np.testing.assert_array_equal(again.dates, truth.dates)
    assert again.assets.tolist() == truth.assets.tolist()
    assert (again.seed, again.half_life, again.factor_names) == (
        truth.seed,
        truth.half_life,
        truth.factor_names,
    )
    for name in COMPONENTS:
        np.testing.assert_array_equal(again.state[name], truth.state[name])
        np.testing.assert_array_equal(again.estimate[name], truth.estimate[name])
    np.testing.assert_array_equal(again.factor_returns, truth.factor_returns)


def test_truth_never_replaces_something_else(truth: Truth, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="something else"):
        truth.save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_without_truth_or_of_a_later_version_is_refused(
    truth: Truth, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="holds no truth"):
        load_truth(tmp_path)
    folder = truth.save(tmp_path / "truth")
    facts = (folder / "truth.json").read_text().replace('"format": 1', '"format": 9')
    (folder / "truth.json").write_text(facts)
    with pytest.raises(StoreTooNew, match="format 9"):
        load_truth(folder)


def test_the_filter_is_the_conditional_mean_of_the_joint_normal() -> None:
    """Oracle: write every state and observation in independent normals, and condition by matrices."""
    rng, sessions, told = np.random.default_rng(0), 9, {3: True, 6: True}
    drifts = np.array([0.4, 0.3, 0.2, 0.25])
    noise = 0.5
    phi = np.array([alphas.PHI[s] for s in alphas.STATES])
    added = np.array([alphas.innovation_variance(s) for s in alphas.STATES])
    basis = 4 + sessions * 16
    free = iter(range(basis))
    x = np.zeros((4, basis))
    for state in (0, 1, 3):
        x[state, next(free)] = 1.0
    rows: list[np.ndarray] = []

    def seen(row: np.ndarray, variance: float) -> None:
        row = row.copy()
        row[next(free)] += np.sqrt(variance)
        rows.append(row)

    model, values = StateFilter(1), iter(rng.standard_normal(200))
    said: list[float] = []
    for t in range(sessions):
        shock = np.zeros((4, basis))
        for state in (0, 1, 3):
            shock[state, next(free)] = np.sqrt(added[state])
        seen(drifts @ x - alphas.REVERSAL * shock[1], noise)
        x = phi[:, None] * x + shock
        said.append(next(values))
        unexpected = np.array([said[-1]]) - drifts @ model.mean
        model.correct_by_return(unexpected, np.array([noise]), np.array([True]), drifts)
        for state, variance in ((0, alphas.MINUTE_NOISE), (1, alphas.VOLUME_NOISE)):
            if t != 4:  # suspended: nothing to see
                seen(x[state], variance)
                said.append(next(values))
                model.see(state, np.array([said[-1]]), variance, np.array([True]))
        if told.get(t):
            x[2, next(free)] += 1.0
            seen(x[2], alphas.SURPRISE_NOISE)
            seen(x[3], alphas.QUALITY_NOISE)
            pair = [next(values), next(values)]
            said += pair
            model.see_statement(np.array([0]), np.array(pair[:1]), np.array(pair[1:]))
    seen_rows = np.array(rows)
    gain = np.linalg.solve(seen_rows @ seen_rows.T, seen_rows @ x.T).T
    np.testing.assert_allclose(model.mean[:, 0], gain @ np.array(said), atol=1e-10)
    left = x @ x.T - gain @ seen_rows @ x.T
    np.testing.assert_allclose(model.covariance[:, :, 0], left, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_regression_on_many_lags_does_not_beat_the_filter(seed: int) -> None:
    """In-sample least squares on 25 lags of all that daily and minute data show, factor noise included."""
    simulation = simulate(SimulatedMarket(assets=300, years=3.0, seed=seed, industries=10))
    truth = simulation.truth
    bars = simulation.tables["bars_15min"]
    signed = (pl.col("close") - pl.col("open")).sign() * pl.col("volume")
    days = bars.group_by(pl.col("time").dt.date().alias("date"), "asset").agg(
        (signed.sum() / pl.col("volume").sum()).alias("imbalance")
    )
    joined = simulation.tables["bars_1d"].join(days, on=["date", "asset"], maintain_order="left")
    shown = Simulation(tables={"bars_1d": joined}, truth=truth)
    turnover = zscore(spread(simulation, (pl.col("volume") / pl.col("float_shares")).log()))
    price = spread(simulation, pl.col("close") * pl.col("adjust_factor"))
    change = np.full_like(price, np.nan)
    change[1:] = price[1:] / price[:-1] - 1.0
    series = (
        zscore(np.arctanh(np.clip(spread(shown, "imbalance"), -0.94, 0.94))),
        turnover - smooth(turnover, 250.0),
        zscore(np.clip(change, -0.1, 0.1)),
    )
    lags = [np.nan_to_num(s[300 - k : -k or None]) for s in series for k in range(25)]
    columns = np.stack(lags, axis=-1)
    for name in ("minute", "daily"):
        state, estimate = truth.state[name][300:], truth.estimate[name][300:]
        known = np.isfinite(state)
        x, y = columns[known], state[known].astype(float)
        fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
        best = np.corrcoef(estimate[known].astype(float), y)[0, 1]
        assert np.corrcoef(fitted, y)[0, 1] < best + 0.005, name
