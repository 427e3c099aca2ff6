"""Performance numbers against empyrical-reloaded 0.7 and quantstats 0.0.86; both work with pandas 3.

Conventions. Ours: simple returns; annual = compounded, 244 sessions unless said; deviation with ddof 1;
Sharpe and Sortino over a risk-free return per period; Sortino divides by the root of the mean square of what
lies below it, over all periods; drawdown <= 0. empyrical: the same, 252 sessions. quantstats: the same
deviation and Sortino, 252 sessions, but its risk-free rate is a year's, compounded down to a period; its
skew and kurtosis are corrected for the size of the sample, its win rate leaves out periods without a return,
and its value at risk is that of a normal law (ours and empyrical's: the quantile).
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from superhet.evaluation.factor_returns import alpha_beta
from superhet.kernels.performance import drawdown, shape, summarize, summarize_risk

YEARS = [242, 244, 252]


def peer(name):
    """Import a peer when a test asks for it: it brings plotting libraries along."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"no {name.split('.')[0]}: pip install .[test]")


@pytest.fixture(scope="module")
def empyrical():
    return peer("empyrical")


@pytest.fixture(scope="module")
def stats():
    return peer("quantstats.stats")


@pytest.fixture(params=range(3))
def returns(request):
    """Three years of fat-tailed daily returns, on business days, as pandas and peers want them."""
    rng = np.random.default_rng(request.param)
    values = 0.0004 + 0.011 * rng.standard_t(4, 756)
    return pd.Series(values, index=pd.bdate_range("2019-01-01", periods=756))


@pytest.mark.parametrize("year", YEARS)
def test_return_volatility_and_ratios_are_those_of_empyrical(returns, year, empyrical):
    ours = summarize(returns.to_numpy(), year, risk_free=1e-4)
    assert ours.total_return == pytest.approx(empyrical.cum_returns_final(returns), rel=1e-12)
    assert ours.annual_return == pytest.approx(
        empyrical.annual_return(returns, annualization=year), rel=1e-12
    )
    assert ours.annual_volatility == pytest.approx(
        empyrical.annual_volatility(returns, annualization=year), rel=1e-12
    )
    assert ours.sharpe == pytest.approx(
        empyrical.sharpe_ratio(returns, risk_free=1e-4, annualization=year), rel=1e-12
    )
    assert ours.sortino == pytest.approx(
        empyrical.sortino_ratio(returns, required_return=1e-4, annualization=year), rel=1e-12
    )
    assert ours.calmar == pytest.approx(
        empyrical.calmar_ratio(returns, annualization=year), rel=1e-12
    )
    assert ours.max_drawdown == pytest.approx(empyrical.max_drawdown(returns), rel=1e-12)


def test_tails_are_those_of_empyrical(returns, empyrical):
    values = returns.to_numpy()
    ours = summarize_risk(values, 252)
    assert ours.value_at_risk == pytest.approx(empyrical.value_at_risk(values, 0.05), rel=1e-12)
    assert ours.tail_ratio == pytest.approx(empyrical.tail_ratio(values), rel=1e-12)
    assert ours.omega == pytest.approx(empyrical.omega_ratio(returns), rel=1e-12)
    assert ours.downside_deviation == pytest.approx(
        empyrical.downside_risk(returns, annualization=252), rel=1e-12
    )


@pytest.mark.parametrize("count", [801, 756, 37])
def test_expected_shortfall_is_the_mean_of_the_worst_as_in_empyrical(count, empyrical):
    values = np.random.default_rng(5).standard_t(4, count)
    ours = summarize_risk(values).expected_shortfall
    assert ours == pytest.approx(empyrical.conditional_value_at_risk(values, 0.05), rel=1e-12)


def test_value_at_risk_of_quantstats_is_that_of_a_normal_law(returns, stats):
    theirs = stats.value_at_risk(returns, confidence=0.95)
    normal = returns.mean() + returns.std(ddof=1) * -1.6448536269514722
    assert theirs == pytest.approx(normal, rel=1e-9)
    assert summarize_risk(returns.to_numpy()).value_at_risk != pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("year", YEARS)
def test_alpha_and_beta_are_those_of_empyrical(returns, year, empyrical):
    rng = np.random.default_rng(9)
    factor = returns * 0.6 + 0.01 * rng.standard_normal(len(returns))
    ours = alpha_beta(returns.to_numpy(), factor.to_numpy(), 1)
    alpha, beta = empyrical.alpha_beta(returns, factor, annualization=year)
    assert ours.beta == pytest.approx(beta, rel=1e-12)
    assert (1 + ours.alpha) ** year - 1 == pytest.approx(alpha, rel=1e-9)


def test_ratios_are_those_of_quantstats(returns, stats):
    ours, risk = summarize(returns.to_numpy(), 252), summarize_risk(returns.to_numpy(), 252)
    assert ours.sharpe == pytest.approx(stats.sharpe(returns, periods=252), rel=1e-12)
    assert ours.sortino == pytest.approx(stats.sortino(returns, periods=252), rel=1e-12)
    assert ours.annual_volatility == pytest.approx(
        stats.volatility(returns, periods=252), rel=1e-12
    )
    assert ours.total_return == pytest.approx(stats.comp(returns), rel=1e-12)
    assert ours.max_drawdown == pytest.approx(stats.max_drawdown(returns), rel=1e-12)
    assert risk.tail_ratio == pytest.approx(stats.tail_ratio(returns), rel=1e-12)
    assert risk.omega == pytest.approx(stats.omega(returns), rel=1e-9)


def test_a_yearly_risk_free_rate_of_quantstats_is_compounded_down_to_a_period(returns, stats):
    rate = 0.03
    ours = summarize(returns.to_numpy(), 252, risk_free=1.03 ** (1 / 252) - 1)
    assert ours.sharpe == pytest.approx(stats.sharpe(returns, rf=rate, periods=252), rel=1e-12)


def test_quantstats_corrects_skew_and_kurtosis_for_the_size_of_the_sample(returns, stats):
    skew, kurtosis = shape(returns.to_numpy())
    n = len(returns)
    corrected = np.sqrt(n * (n - 1)) / (n - 2)
    assert skew * corrected == pytest.approx(stats.skew(returns), rel=1e-9)
    bigger = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * kurtosis + 6)
    assert bigger == pytest.approx(stats.kurtosis(returns), rel=1e-9)


def test_the_days_that_quantstats_leaves_out_of_the_win_rate_are_those_without_a_return(
    returns, stats
):
    flat = returns.copy()
    flat.iloc[::10] = 0.0
    ours = summarize(flat.to_numpy(), 252).win_rate
    assert stats.win_rate(flat) == pytest.approx(ours * len(flat) / (flat != 0).sum(), rel=1e-12)


def test_drawdowns_follow_those_of_quantstats_day_by_day(returns, stats):
    theirs = stats.to_drawdown_series(returns).to_numpy()
    np.testing.assert_allclose(drawdown(returns.to_numpy()), theirs, atol=1e-12)
