import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError
from superhet.evaluation import forward_return_report, forward_returns
from superhet.panel import Assets, Benchmark, Cube, Dates, Market, Panel, Universe
from superhet.testing.markets import random_market


def small_market(opens, closes, *, factor=None, up=None, down=None, industry=None, benchmark=None):
    """Make a market of one to three assets from lists by asset."""
    opens, closes = np.array(opens, float).T, np.array(closes, float).T
    shape = opens.shape
    dates = Dates(np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + shape[0]))
    assets = Assets([f"A{i}" for i in range(shape[1])])
    factor = np.ones(shape) if factor is None else np.array(factor, float).T

    def panel(values, unit="price", **more):
        return Panel(values=np.asarray(values), dates=dates, assets=assets, unit=unit, **more)

    def filled(values):
        return np.full(shape, np.nan) if values is None else np.array(values, float).T

    everybody = panel(np.ones(shape, bool), "flag")
    groups = {}
    if industry is not None:
        codes = np.tile(np.array(industry, np.int32), (shape[0], 1))
        groups["industry"] = panel(codes, "group", labels=("a", "b"))
    return Market(
        fields=Cube(
            {
                "open": panel(opens),
                "close": panel(closes),
                "low": panel(np.fmin(opens, closes)),
                "high": panel(np.fmax(opens, closes)),
                "vwap": panel((opens + closes) / 2),
                "adjusted_open": panel(opens * factor),
                "adjusted_close": panel(closes * factor),
                "adjusted_vwap": panel((opens + closes) / 2 * factor),
                "limit_up": panel(filled(up)),
                "limit_down": panel(filled(down)),
            }
        ),
        universe=Universe(member=everybody, tradable=everybody, estimable=everybody, reasons={}),
        group_panels=groups,
        benchmark=None
        if benchmark is None
        else Benchmark(name="b", returns=np.array(benchmark, float)),
    )


NAN = float("nan")


def test_a_signal_is_traded_at_the_next_open_and_sold_at_the_open_after_the_horizon():
    market = small_market([[10, 11, 12, 15, 16]], [[10, 12, 12, 15, 16]])
    found = forward_returns(market, horizon=2, delay=1)
    assert_allclose(found.values[:, 0], [15 / 11 - 1, 16 / 12 - 1, NAN, NAN, NAN])
    assert found.unit == "return"


def test_a_signal_may_be_traded_at_the_close_or_the_vwap():
    market = small_market([[10, 11, 12, 14]], [[10, 13, 14, 18]])
    close = forward_returns(market, horizon=1, delay=1, entry="close")
    vwap = forward_returns(market, horizon=1, delay=1, entry="vwap")
    assert_allclose(close.values[:2, 0], [14 / 13 - 1, 18 / 14 - 1])
    assert_allclose(vwap.values[:2, 0], [13 / 12 - 1, 16 / 13 - 1])


def test_a_split_is_no_loss():
    # two for one on the third day: the raw price halves, the factor doubles
    market = small_market([[10, 10, 5, 5]], [[10, 10, 5, 5]], factor=[[1, 1, 2, 2]])
    assert_allclose(forward_returns(market, horizon=1).values[:2, 0], 0.0)


def test_who_does_not_trade_at_entry_has_no_forward_return():
    market = small_market([[10, NAN, 12, 13, 14]], [[10, NAN, 12, 13, 14]])
    found = forward_returns(market, horizon=1).values[:, 0]
    assert_allclose(found, [NAN, 13 / 12 - 1, 14 / 13 - 1, NAN, NAN])


@pytest.mark.parametrize(("up", "down"), [([[11, 11, 12, 13]], None), (None, [[9, 11, 10, 11]])])
def test_who_opens_at_the_limit_cannot_be_entered(up, down):
    market = small_market([[10, 11, 11.5, 12]], [[10, 11, 11.5, 12]], up=up, down=down)
    found = forward_returns(market, horizon=1).values[:, 0]
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(12 / 11.5 - 1)


def test_a_vwap_entry_is_locked_only_on_a_day_with_one_price():
    opened = small_market([[10, 10, 11]], [[10, 11, 11]], up=[[11, 11, 12]])
    locked = small_market([[10, 11, 11]], [[10, 11, 11]], up=[[11, 11, 12]])
    assert np.isfinite(forward_returns(opened, horizon=1, entry="vwap").values[0, 0])
    assert np.isnan(forward_returns(locked, horizon=1, entry="vwap").values[0, 0])


def test_who_cannot_be_left_is_valued_at_the_last_close():
    # trade ends after the third day; the last close is 9
    market = small_market([[10, 10, 10, NAN, NAN]], [[10, 10, 9, NAN, NAN]])
    found = forward_returns(market, horizon=2).values[:, 0]
    assert_allclose(found, [9 / 10 - 1, 9 / 10 - 1, NAN, NAN, NAN])


def test_the_report_counts_every_member_date_once():
    market = small_market(
        [[10, NAN, 12, NAN, 14], [10, 11, 12, 12, 12]],
        [[10, NAN, 12, NAN, 14], [10, 11, 12, 12, 12]],
        up=[[NAN] * 5, [11, 11, NAN, NAN, NAN]],
    )
    report = forward_return_report(market, horizon=1)
    assert report.to_dict() == {
        "known": 3,
        "no_trade_at_entry": 2,
        "locked_at_entry": 1,
        "after_the_end": 4,
        "valued_at_last_close": 1,
        "shifted": 0,
        "total": 10,
    }
    assert "locked at entry" in str(report)


def test_the_benchmark_is_compounded_over_the_sessions_held():
    daily = [0.5, 0.01, 0.02, -0.03, 0.04]
    market = small_market([[10] * 5], [[10] * 5], benchmark=daily)
    opened = forward_returns(market, horizon=2, relative_to="benchmark").values[:, 0]
    assert_allclose(opened[0], -(1.01 * 1.02 - 1))
    closed = forward_returns(market, horizon=2, entry="close", relative_to="benchmark")
    assert_allclose(closed.values[:2, 0], [-(1.02 * 0.97 - 1), -(0.97 * 1.04 - 1)])


def test_a_gap_in_the_benchmark_leaves_the_excess_unknown():
    market = small_market([[10] * 5], [[10] * 5], benchmark=[0, 0, NAN, 0, 0])
    found = forward_returns(market, horizon=1, entry="close", relative_to="benchmark")
    assert_array_equal(np.isnan(found.values[:3, 0]), [True, False, False])


def test_industry_relative_returns_have_no_industry_mean():
    market = random_market(60, 40)
    found = forward_returns(market, horizon=5, relative_to="industry").values
    codes = market.groups("industry").values
    for t in (0, 20, 50):
        for g in range(5):
            inside = found[t, codes[t] == g]
            assert np.nanmean(inside) == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(found[:, 0]).all()  # its industry is not known


def test_a_forward_return_uses_nothing_after_its_horizon():
    market = random_market(60, 20)
    whole = forward_returns(market, horizon=5).values
    early = forward_returns(market.until(market.dates.values[40]), horizon=5).values
    assert_array_equal(early[:35], whole[:35])
    assert np.isnan(early[35:]).all()


def test_a_horizon_longer_than_the_data_gives_nothing():
    market = random_market(10, 5)
    assert not forward_returns(market, horizon=20).known().any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"horizon": 0}, "horizon: must be at least 1 session"),
        ({"horizon": 1, "delay": 0}, "delay: must be at least 1 session .got 0.: a signal known"),
        ({"horizon": 1, "delay": -1, "entry": "close"}, "delay: must be at least 1"),
        ({"horizon": 1, "entry": "high"}, "entry: must be open, close or vwap .got 'high'."),
        ({"horizon": 1, "relative_to": "benchmark"}, "the market has no benchmark"),
    ],
)
def test_wrong_questions_are_refused(wrong, message):
    market = small_market([[10, 11, 12]], [[10, 11, 12]])
    with pytest.raises(ConfigError, match=message):
        forward_returns(market, **wrong)
