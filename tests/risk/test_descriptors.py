"""Descriptors against plain loops, examples worked by hand, and their own past."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from descriptor_markets import full_market, plain_market, told

from superhet.errors import ConfigError, UnknownName
from superhet.kernels.risk_windows import (
    cumulative_range,
    log_monthly_sums,
    market_line,
    portfolio_returns,
    weighted_deviation,
    weighted_mean,
)
from superhet.panel import Events
from superhet.risk.descriptors import descriptors, missing_descriptors
from superhet.risk.ingredients import Ingredients
from superhet.risk.model_table import parse_table, read_table


@pytest.fixture(scope="module")
def market():
    return full_market()


@pytest.fixture(scope="module")
def holes():
    """Daily returns with holes, one asset listed late, one that never trades."""
    rng = np.random.default_rng(4)
    y = 0.02 * rng.standard_normal((90, 7))
    y[rng.random(y.shape) < 0.1] = np.nan
    y[:40, 5] = np.nan
    y[:, 6] = np.nan
    return y


def window_of(y, t, window, lag=0):
    last = t - lag + 1
    first = max(last - window, 0)
    return y[first : max(last, 0)], np.arange(first, max(last, 0))


# --- windows against plain loops -------------------------------------------------------------------


def test_the_line_is_the_weighted_least_squares_line_of_each_window(holes):
    rng = np.random.default_rng(5)
    x = 0.01 * rng.standard_normal(90)
    x[[3, 50]] = np.nan
    alpha, beta, rest = market_line(holes, x, 30, 8.0, 12)
    for t in range(90):
        rows, at = window_of(holes, t, 30)
        for j in range(7):
            ok = np.isfinite(rows[:, j]) & np.isfinite(x[at])
            if ok.sum() < 12:
                assert np.isnan(beta[t, j])
                continue
            w = 0.5 ** ((t - at[ok]) / 8.0)
            design = np.column_stack([np.ones(ok.sum()), x[at[ok]]])
            root = np.sqrt(w)
            fit = np.linalg.lstsq(design * root[:, None], rows[ok, j] * root, rcond=None)[0]
            left = rows[ok, j] - design @ fit
            np.testing.assert_allclose([alpha[t, j], beta[t, j]], fit, rtol=1e-9, atol=1e-12)
            expected = np.sqrt((w * left**2).sum() / w.sum())
            assert rest[t, j] == pytest.approx(expected, rel=1e-9)


def test_an_asset_that_is_twice_the_market_has_beta_two_and_no_residual():
    rng = np.random.default_rng(6)
    x = 0.01 * rng.standard_normal(300)
    y = np.column_stack([2.0 * x + 0.001, -0.5 * x])
    alpha, beta, rest = market_line(y, x, 252, 63.0, 63)
    np.testing.assert_allclose(beta[-1], [2.0, -0.5], rtol=1e-12)
    np.testing.assert_allclose(alpha[-1], [0.001, 0.0], atol=1e-15)
    assert rest[-1].max() < 1e-9


def test_deviation_and_mean_are_those_of_plain_loops(holes):
    deviation = weighted_deviation(holes, 30, 8.0, 12)
    mean = weighted_mean(holes, 25, 8.0, 6, 10)
    for t in range(90):
        for j in range(7):
            rows, at = window_of(holes[:, j], t, 30)
            ok = np.isfinite(rows)
            if ok.sum() < 12:
                assert np.isnan(deviation[t, j])
            else:
                w = 0.5 ** ((t - at[ok]) / 8.0)
                centre = np.average(rows[ok], weights=w)
                expected = np.sqrt(np.average((rows[ok] - centre) ** 2, weights=w))
                assert deviation[t, j] == pytest.approx(expected, rel=1e-10)
            rows, at = window_of(holes[:, j], t, 25, lag=6)
            ok = np.isfinite(rows)
            if ok.sum() < 10:
                assert np.isnan(mean[t, j])
            else:
                expected = np.average(rows[ok], weights=0.5 ** ((t - at[ok]) / 8.0))
                assert mean[t, j] == pytest.approx(expected, rel=1e-9)


def test_range_and_monthly_sums_are_those_of_plain_loops(holes):
    spread = cumulative_range(holes, 5, 4, 12)
    volume = np.abs(holes)
    sums = log_monthly_sums(volume, 5, 3, 3, 2, 10)
    for t in range(90):
        for j in range(7):
            rows, _ = window_of(holes[:, j], t, 20)
            totals = [np.nansum(window_of(holes[:, j], t, 5 * k)[0]) for k in (1, 2, 3, 4)]
            if np.isfinite(rows).sum() < 12:
                assert np.isnan(spread[t, j])
            else:
                assert spread[t, j] == pytest.approx(max(totals) - min(totals), abs=1e-14)
            months = [window_of(volume[:, j], t - 5 * k, 5)[0] for k in range(3)]
            valid = [m.sum(where=np.isfinite(m)) for m in months if np.isfinite(m).sum() >= 3]
            if len(valid) < 2 or np.isfinite(volume[: t + 1, j]).sum() < 10:
                assert np.isnan(sums[t, j])
            else:
                assert sums[t, j] == pytest.approx(np.log(np.mean(valid)), rel=1e-12)


def test_a_jump_leaves_no_trace_once_it_has_left_the_window():
    rng = np.random.default_rng(7)
    calm = 0.01 * rng.standard_normal((200, 1))
    jump = calm.copy()
    jump[20] = 5.0  # 500 percent
    a, b = weighted_deviation(calm, 60, 15.0, 20), weighted_deviation(jump, 60, 15.0, 20)
    assert b[79] > 2 * a[79], "still in the window"
    np.testing.assert_allclose(b[80:], a[80:], rtol=1e-9)


def test_the_market_is_weighted_with_the_caps_and_the_members_of_the_day_before():
    returns = np.array([[0.0, 0.0, 0.0], [0.10, 0.02, 0.50], [0.01, 0.01, np.nan]])
    caps = np.array([[1.0, 3.0, 9.0], [2.0, 2.0, 1.0], [1.0, 1.0, 1.0]])
    inside = np.array([[True, True, False], [True, True, True], [True, True, True]])
    found = portfolio_returns(returns, caps, inside)
    np.testing.assert_allclose(found, [np.nan, 0.04, 0.01], rtol=1e-14)


# --- prices: what a reader can check by hand -------------------------------------------------------


def test_a_fall_of_seventy_percent_gives_a_finite_cmra():
    returns = np.zeros((260, 2))
    returns[0] = np.nan
    returns[150, 0] = -0.7
    cube = descriptors(plain_market({"returns": returns, "market_cap": np.ones((260, 2))}))
    cmra = cube["CMRA"].values[-1]
    # Z is 0 for months that begin after the fall and ln(0.3) for longer ones; ln(1 + ln 0.3) would not exist
    np.testing.assert_allclose(cmra, [-np.log(0.3), 0.0], atol=1e-12)


def test_momentum_leaves_out_the_last_month():
    returns = np.zeros((600, 2))
    returns[0] = np.nan
    returns[-21:, 0] = 0.05
    cube = descriptors(plain_market({"returns": returns, "market_cap": np.ones((600, 2))}))
    assert cube["RSTR"].values[-1, 0] == 0.0
    returns[-22, 0] = 0.05
    cube = descriptors(plain_market({"returns": returns, "market_cap": np.ones((600, 2))}))
    weights = 0.5 ** (np.arange(504) / 126)
    expected = np.log(1.05) / weights.sum()
    assert cube["RSTR"].values[-1, 0] == pytest.approx(expected, rel=1e-10)


def test_the_risk_free_rate_is_that_known_by_then_over_252_sessions():
    returns = np.full((4, 1), 0.01)
    rates = Events(
        name="risk_free",
        columns={"rate": np.array([0.0252, 0.0504])},
        known_at=np.array(["2020-01-02", "2020-01-04"], dtype="datetime64[D]"),
    )
    market = plain_market({"returns": returns}, events={"risk_free": rates})
    of = Ingredients(market, {})
    np.testing.assert_allclose(of.risk_free, [0.0, 1e-4, 1e-4, 2e-4])
    np.testing.assert_allclose(of.excess[:, 0], 0.01 - of.risk_free)


def test_suspended_days_have_no_weight():
    rng = np.random.default_rng(8)
    returns = 0.02 * rng.standard_normal((200, 3))
    suspended = np.zeros(returns.shape)
    suspended[100:120, 0] = 1
    returns[100:120, 0] = 0.0
    fields = {"returns": returns, "market_cap": np.ones(returns.shape)}
    plain = descriptors(plain_market(fields))["DASTD"].values[-1]
    aware = descriptors(plain_market({**fields, "suspended": suspended}))["DASTD"].values[-1]
    assert aware[0] > plain[0]
    np.testing.assert_array_equal(aware[1:], plain[1:])


def test_turnover_of_a_month_without_trade_is_not_minus_infinity():
    turnover = np.full((100, 2), 0.02)
    turnover[79:, 1] = np.nan  # 21 sessions: the whole last month
    market = plain_market({"turnover": turnover, "market_cap": np.ones((100, 2))})
    cube = descriptors(market)
    assert cube["STOM"].values[-1, 0] == pytest.approx(np.log(21 * 0.02))
    assert np.isnan(cube["STOM"].values[-1, 1])
    assert cube["STOQ"].values[-1, 1] == pytest.approx(np.log(21 * 0.02)), "two months are valid"


# --- statements and estimates ----------------------------------------------------------------------


def statement_market(rows, cap=1000.0, days=400, first="2020-01-01", **basis):
    shape = (days, 1)
    fields = {"market_cap": np.full(shape, cap), "returns": np.zeros(shape)}
    return plain_market(fields, first=first, events={"statements": told(rows, **basis)})


def test_trailing_earnings_are_annual_plus_interim_minus_last_interim_once_announced():
    rows = [
        (0, "2019-06-30", "2019-08-20", {"net_profit": 40.0}),
        (0, "2019-12-31", "2020-03-20", {"net_profit": 100.0}),
        (0, "2020-06-30", "2020-08-20", {"net_profit": 55.0}),
    ]
    market = statement_market(rows, net_profit="ytd")
    etop = descriptors(market)["ETOP"]
    assert np.isnan(etop.of("a0")[market.dates.index("2020-03-19")]), "no annual report yet"
    assert etop.at("2020-03-20")[0] == pytest.approx(0.100)
    assert etop.at("2020-08-19")[0] == pytest.approx(0.100)
    assert etop.at("2020-08-20")[0] == pytest.approx((100 + 55 - 40) / 1000)


def test_leverage_descriptors_are_those_of_the_balance_sheet():
    numbers = {"equity": 400.0, "total_assets": 1000.0, "total_liabilities": 600.0}
    rows = [(0, "2019-12-31", "2020-03-20", {**numbers, "long_term_debt": 200.0})]
    cube = descriptors(statement_market(rows, cap=800.0))
    last = {n: cube[n].values[-1, 0] for n in ("MLEV", "DTOA", "BLEV", "BTOP")}
    assert last == pytest.approx({"MLEV": 1.25, "DTOA": 0.6, "BLEV": 1.5, "BTOP": 0.5})


def test_growth_is_the_slope_over_the_mean_of_five_years():
    rows = [
        (0, f"{y}-12-31", f"{y + 1}-03-20", {"net_profit": 10.0 * k, "revenue": -5.0 + k})
        for k, y in enumerate(range(2015, 2020), start=1)
    ]
    market = statement_market(rows, net_profit="ytd", revenue="ytd")
    cube = descriptors(market)
    assert cube["EGRO"].values[-1, 0] == pytest.approx(10.0 / 30.0)
    # 2016 to 2019 only before the report of 2019, 2015 to 2018
    assert cube["EGRO"].at("2020-03-19")[0] == pytest.approx(10.0 / 25.0)
    assert cube["SGRO"].values[-1, 0] == pytest.approx(1.0 / 2.0), "losses that shrink are growth"
    signed = parse_table("x", {
        "items": {"sales": {"columns": [["revenue"]], "flow": True}},
        "descriptors": {"SGRO": {"kind": "growth", "item": "sales", "absolute": False}},
    })  # fmt: skip
    assert descriptors(market, signed)["SGRO"].values[-1, 0] == pytest.approx(-1.0 / 2.0)


def test_an_interim_report_does_not_end_the_growth_of_whole_years():
    rows = [
        (0, f"{y}-12-31", f"{y + 1}-03-20", {"net_profit": 10.0 * k})
        for k, y in enumerate(range(2015, 2020), start=1)
    ]
    rows.append((0, "2020-03-31", "2020-04-28", {"net_profit": 1.0}))
    cube = descriptors(statement_market(rows, net_profit="ytd"))
    assert cube["EGRO"].at("2020-04-28")[0] == pytest.approx(10.0 / 30.0)


def consensus_market(rows, profit=100.0):
    """Estimates of (broker, year, known at, profit); the report of 2019 comes on 2020-03-20."""
    rows = sorted(rows, key=lambda row: row[2])
    estimates = Events(
        name="estimates",
        columns={
            "asset": np.zeros(len(rows), dtype=np.int64),
            "broker": np.array([r[0] for r in rows], dtype=object),
            "report_date": np.array([f"{r[1]}-12-31" for r in rows], dtype="datetime64[D]"),
            "net_profit": np.array([r[3] for r in rows]),
        },
        known_at=np.array([r[2] for r in rows], dtype="datetime64[D]"),
    )
    statement = [(0, "2019-12-31", "2020-03-20", {"net_profit": profit})]
    market = statement_market(statement, net_profit="ytd")
    return replace(market, events={**market.events, "estimates": estimates})


def test_forward_earnings_weigh_the_two_years_by_what_is_left_of_the_first():
    market = consensus_market([("b", 2020, "2020-04-01", 120.0), ("b", 2021, "2020-04-01", 150.0)])
    found = descriptors(market)["EPFWD"]
    left = 184 / 365  # from 30 June to 31 December
    expected = (left * 120 + (1 - left) * 150) / 1000
    assert found.at("2020-06-30")[0] == pytest.approx(expected, rel=1e-3)
    assert np.isnan(found.at("2020-03-31")[0])
    assert np.isnan(found.at("2020-09-29")[0]), "older than 180 days"


def test_the_newest_word_of_each_broker_counts_once():
    rows = [
        ("one", 2020, "2020-04-01", 100.0),
        ("two", 2020, "2020-04-05", 140.0),
        ("one", 2020, "2020-04-10", 120.0),
    ]
    growth = descriptors(consensus_market(rows))["EGRSF"]
    assert growth.at("2020-04-01")[0] == pytest.approx(0.0)
    assert growth.at("2020-04-05")[0] == pytest.approx(0.2)
    assert growth.at("2020-04-10")[0] == pytest.approx(0.3)


def test_growth_from_a_loss_keeps_the_sign_of_the_change():
    rows = [("b", 2020, "2020-04-01", -50.0), ("b", 2022, "2020-04-01", 200.0)]
    cube = descriptors(consensus_market(rows, profit=-100.0))
    assert cube["EGRSF"].at("2020-04-01")[0] == pytest.approx(0.5)
    assert cube["EGRLF"].at("2020-04-01")[0] == pytest.approx(1.0)


def test_before_the_annual_report_the_first_year_is_the_one_not_told_of():
    market = consensus_market([("b", 2020, "2020-03-01", 120.0)])
    growth = descriptors(market)["EGRSF"]
    assert np.isnan(growth.at("2020-03-19")[0])
    assert growth.at("2020-03-20")[0] == pytest.approx(0.2)


# --- the whole table -------------------------------------------------------------------------------


def test_the_table_has_ten_styles_of_twenty_one_descriptors_with_weights_that_sum_to_one():
    table = read_table("cne5")
    assert len(table.styles) == 10
    used = [d for style in table.styles for d in style.descriptors]
    assert len(used) == len(set(used)) == 20, "and the cube of size"
    for style in table.styles:
        if style.descriptors:
            assert sum(style.descriptors.values()) == pytest.approx(1.0)
    assert table.resolve("EPIBS") == "EPFWD"
    assert table.resolve("EGIB_S") == "EGRSF"


def test_every_descriptor_at_a_date_is_that_of_the_market_cut_there(market):
    whole = descriptors(market)
    assert len(whole) == 20
    for row in (80, 200, 300):
        day = market.dates.values[row]
        past = descriptors(market.until(day))
        for name in whole:
            np.testing.assert_array_equal(
                past[name].values[-1], whole[name].values[row], err_msg=name
            )


def test_every_descriptor_but_momentum_has_values_on_the_full_market(market):
    for name, panel in descriptors(market).items():
        share = np.isfinite(panel.values[-1]).mean()
        assert share > 0.4, f"{name}: {share}"


def test_what_is_missing_is_named_with_what_to_import(market):
    bare = replace(market, events={})
    lacking = missing_descriptors(bare)
    assert set(lacking) == {
        "BTOP", "EPFWD", "CETOP", "ETOP", "EGRLF", "EGRSF", "EGRO", "SGRO", "MLEV", "DTOA", "BLEV",
    }  # fmt: skip
    assert lacking["BTOP"] == ("statements: equity",)
    assert "total_debt or total_liabilities" in lacking["DTOA"][0]
    cube = descriptors(bare)
    assert "BTOP" not in cube
    assert cube.blocks["STOA"] == "liquidity"


def test_a_flow_without_a_basis_is_not_guessed():
    rows = [(0, "2019-12-31", "2020-03-20", {"net_profit": 100.0})]
    lacking = missing_descriptors(statement_market(rows))
    assert "state its basis" in lacking["ETOP"][0]


def test_descriptors_do_not_warn(market):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for panel in descriptors(market).values():
            assert panel.values.dtype == np.float64


@pytest.mark.parametrize(
    ("content", "error", "match"),
    [
        ({"descriptors": {"X": {"kind": "markt_line"}}}, UnknownName, "market_line"),
        ({"descriptors": {"X": {"kind": "market_line", "halflife": 3}}}, UnknownName, "half_life"),
        ({"descriptors": {"X": {"kind": "market_line", "gives": "r"}}}, ConfigError, "gives"),
        ({"descriptors": {"X": {"kind": "ratio", "above": ["equity"]}}}, UnknownName, "equity"),
        ({"styles": {"a": {"descriptors": {"Y": 1.0}}}}, UnknownName, "Y"),
        ({"styles": {"a": {"cube_of": "b"}}}, ConfigError, "before"),
        ({"styles": {"a": {}}}, ConfigError, "descriptors"),
        ({"winsorize": {"rule": "three"}}, UnknownName, "three_groups"),
        ({"style": {}}, UnknownName, "styles"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused_by_its_key(content, error, match):
    with pytest.raises(error, match=match):
        parse_table("mine", content)


def test_a_table_may_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[descriptors.S]\nkind = "log_cap"\n[styles.size]\ndescriptors = {S = 1.0}\n')
    assert read_table(path).style_names == ("size",)
    path.write_text("[descriptors")
    with pytest.raises(ConfigError, match="not TOML"):
        read_table(str(path))
    with pytest.raises(UnknownName, match="cne5"):
        read_table("cne4")
