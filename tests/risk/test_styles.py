"""Styles: the identities that the rules promise, on every date, and each rule by hand."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from descriptor_markets import full_market, plain_market

from superhet.errors import DataError
from superhet.kernels.risk_styles import (
    DEVIATIONS,
    NONE,
    THREE_GROUPS,
    Clip,
    fill_style,
    orthogonalize_style,
    standardize_row,
    winsorize_row,
)
from superhet.panel import Cube, Panel
from superhet.risk.descriptors import MissingDescriptors, descriptors
from superhet.risk.model_table import parse_table, read_table
from superhet.risk.styles import ConstantCrossSection, standardize_factor, style_exposures


@pytest.fixture(scope="module")
def market():
    return full_market(dates=340, assets=60, seed=2)


@pytest.fixture(scope="module")
def made(market):
    return style_exposures(market)


def inside_of(market):
    return market.universe.estimable.values & (market["market_cap"].values > 0)


def simple_table(rule="none", **styles):
    """A table of descriptors A and B that a test hands in, and styles made of them."""
    return parse_table("simple", {
        "winsorize": {"rule": rule},
        "standardize": {"least": 2},
        "fill": {"least": 0},
        "descriptors": {"A": {"kind": "log_cap"}, "B": {"kind": "log_cap"}},
        "styles": styles or {"a": {"descriptors": {"A": 1.0}}},
    })  # fmt: skip


def handed(market, **arrays):
    panels = {
        n: Panel(values=v, dates=market.dates, assets=market.assets, name=n)
        for n, v in arrays.items()
    }
    return Cube(panels)


def cap_market(caps, **more):
    return plain_market({"market_cap": np.atleast_2d(caps).astype(float)}, **more)


# --- identities ------------------------------------------------------------------------------------


def test_every_style_has_cap_weighted_mean_0_and_deviation_1_on_every_date(market, made):
    inside, caps = inside_of(market), market["market_cap"].values
    assert len(made.cube) == 10
    seen = 0
    for name, panel in made.cube.items():
        for t in range(len(market.dates)):
            x = panel.values[t]
            ok = inside[t] & np.isfinite(x)
            if not ok.any():
                continue
            seen += 1
            mean = np.average(x[ok], weights=caps[t, ok])
            assert abs(mean) <= 1e-12, f"{name} {t}"
            assert abs(x[ok].std() - 1.0) <= 1e-12, f"{name} {t}"
    assert seen > 2000


@pytest.mark.parametrize(
    ("style", "others"),
    [
        ("residual_volatility", ("beta", "size")),
        ("liquidity", ("size",)),
        ("nonlinear_size", ("size",)),
    ],
)
def test_what_is_orthogonalised_has_no_weighted_inner_product(market, made, style, others):
    inside, weights = inside_of(market), np.sqrt(market["market_cap"].values)
    x = made.cube[style].values
    seen = 0
    for other in others:
        y = made.cube[other].values
        for t in range(len(market.dates)):
            ok = inside[t] & np.isfinite(x[t]) & np.isfinite(y[t])
            if ok.any():
                seen += 1
                product = np.average(x[t, ok] * y[t, ok], weights=weights[t, ok])
                assert abs(product) <= 1e-12
    assert seen > 200


def test_all_names_with_a_cap_have_all_styles_once_a_style_is_known(market, made):
    capped = market["market_cap"].values > 0
    for name, panel in made.cube.items():
        known = np.isfinite(panel.values)
        there = known.any(axis=1)
        assert known[there][capped[there]].all(), name
    assert np.isfinite(made.cube["momentum"].values[-1]).any()


def test_styles_of_a_date_are_those_of_the_market_cut_there(market, made):
    day = market.dates.values[310]
    past = style_exposures(market.until(day))
    for name in made.cube:
        np.testing.assert_array_equal(past.cube[name].values[-1], made.cube[name].values[310])


def test_styles_do_not_change_under_a_positive_affine_map_of_a_descriptor(market):
    raw = descriptors(market)
    moved = Cube(
        {n: raw[n].with_values(3.0 * raw[n].values + 2.0) if n == "DASTD" else raw[n] for n in raw}
    )
    table = read_table("cne5")
    only = replace(table, styles=tuple(s for s in table.styles if s.name in (
        "size", "beta", "residual_volatility")))  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingDescriptors)
        a = style_exposures(market, only, descriptors=raw).cube["residual_volatility"]
        b = style_exposures(market, only, descriptors=moved).cube["residual_volatility"]
    np.testing.assert_allclose(b.values, a.values, atol=1e-9)


def test_the_order_of_the_assets_does_not_matter():
    rng = np.random.default_rng(0)
    caps, x = np.exp(rng.normal(0, 1, (3, 30))), rng.standard_normal((3, 30))
    order = rng.permutation(30)
    found = []
    for take in (np.arange(30), order):
        market = cap_market(caps[:, take])
        cube = handed(market, A=x[:, take], B=x[:, take])
        found.append(style_exposures(market, simple_table("three_groups"), descriptors=cube))
    a, b = (f.cube["a"].values for f in found)
    np.testing.assert_allclose(b, a[:, order], atol=1e-13)


# --- rules by hand ---------------------------------------------------------------------------------


def test_names_outside_get_the_constants_of_those_inside():
    caps = np.array([1.0, 1.0, 2.0, 5.0])
    inside = np.array([[True, True, True, False]])
    market = cap_market(caps, estimable=inside)
    x = np.array([[1.0, 3.0, 4.0, 100.0]])
    found = style_exposures(market, simple_table(), descriptors=handed(market, A=x, B=x))
    mean, std = (1 + 3 + 8) / 4, np.std([1.0, 3.0, 4.0])
    np.testing.assert_allclose(found.cube["a"].values, (x - mean) / std)


def test_weights_are_divided_by_those_of_the_descriptors_that_are_known():
    market = cap_market(np.ones(4))
    a = np.array([[1.0, -1.0, 1.0, -1.0]])
    b = np.array([[2.0, np.nan, -2.0, np.nan]])
    table = simple_table(a={"descriptors": {"A": 0.7, "B": 0.3}})
    found = style_exposures(market, table, descriptors=handed(market, A=a, B=b))
    mixed = np.array([0.7 + 0.3, -1.0, 0.7 - 0.3, -1.0])
    np.testing.assert_allclose(found.cube["a"].values[0], (mixed - mixed.mean()) / mixed.std())


def test_what_is_not_known_stays_so_where_nothing_is_filled():
    market = cap_market(np.array([1.0, 2.0, 3.0, 0.0, np.nan]))
    x = np.array([[1.0, np.nan, 2.0, 5.0, np.inf]])
    found = style_exposures(market, simple_table(), descriptors=handed(market, A=x, B=x))
    np.testing.assert_array_equal(
        np.isnan(found.cube["a"].values[0]), [False, True, False, False, True]
    )


def test_three_groups_drop_errors_pull_in_outliers_and_leave_the_rest():
    rng = np.random.default_rng(1)
    x = rng.standard_normal(2000)
    x[:3] = [5000.0, -300.0, 6.0]
    inside, out = np.ones(2000, dtype=bool), np.empty(2000)
    removed, clipped = winsorize_row(x, inside, x, Clip(THREE_GROUPS, 3.0, 10.0), out)
    assert removed == 2
    assert np.isnan(out[:2]).all()
    rest = x[2:]
    mean, std = rest.mean(), rest.std()
    np.testing.assert_allclose(out[2:], np.clip(rest, mean - 3 * std, mean + 3 * std))
    assert clipped == (np.abs(rest - mean) > 3 * std).sum()


def test_deviations_clip_at_the_limit_and_none_leaves_all():
    x = np.append(np.tile([-1.0, 1.0], 500), 50.0)
    inside, out = np.ones(1001, dtype=bool), np.empty(1001)
    assert winsorize_row(x, inside, x, Clip(DEVIATIONS, 2.5, 10.0), out) == (0, 1)
    assert out[-1] == pytest.approx(x.mean() + 2.5 * x.std())
    winsorize_row(x, inside, x, Clip(NONE, 2.5, 10.0), out)
    np.testing.assert_array_equal(out, x)


def test_a_descriptor_that_does_not_vary_is_zero_and_said():
    market = cap_market(np.ones((2, 4)))
    x = np.array([[7.0, 7.0, 7.0, np.nan], [1.0, 2.0, 3.0, 4.0]])
    with pytest.warns(ConstantCrossSection, match="A on 1 dates"):
        found = style_exposures(market, simple_table(), descriptors=handed(market, A=x, B=x))
    np.testing.assert_array_equal(found.cube["a"].values[0], [0.0, 0.0, 0.0, np.nan])
    assert found.report["a"].descriptors["A"].constant == 1


def test_one_name_is_no_cross_section():
    out = np.empty(3)
    x = np.array([1.0, np.nan, np.nan])
    assert not standardize_row(x, np.ones(3, dtype=bool), np.ones(3), 2, out)
    assert np.isnan(out).all()


def test_a_missing_style_is_read_off_the_line_of_its_industry():
    rng = np.random.default_rng(3)
    log_cap = rng.normal(0, 1, (1, 40))
    codes = np.repeat([0, 1], 20)[None, :].astype(np.int32)
    truth = np.where(codes == 0, 0.2 + 0.5 * log_cap, -0.4 - 0.3 * log_cap)
    style = truth.copy()
    style[0, [3, 25, 26]] = np.nan
    inside, caps, tallies = np.ones((1, 40), dtype=bool), np.exp(log_cap), np.zeros(1, np.int64)
    fill_style(style, log_cap, codes, 2, inside, caps, 5, 3.0, tallies)
    assert tallies[0] == 3
    expected = (truth - np.average(truth, weights=caps)) / truth.std()
    np.testing.assert_allclose(style, expected, atol=1e-12)


def test_without_an_industry_or_with_a_small_one_the_line_is_that_of_the_market():
    rng = np.random.default_rng(4)
    log_cap = rng.normal(0, 1, (1, 40))
    codes = np.zeros((1, 40), dtype=np.int32)
    codes[0, :3], codes[0, 3] = 1, -1
    truth = 0.2 + 0.5 * log_cap
    style = truth.copy()
    style[0, [0, 3]] = np.nan
    inside, caps = np.ones((1, 40), dtype=bool), np.exp(log_cap)
    fill_style(style, log_cap, codes, 2, inside, caps, 5, 3.0, np.zeros(1, np.int64))
    expected = (truth - np.average(truth, weights=caps)) / truth.std()
    np.testing.assert_allclose(style, expected, atol=1e-12)


def test_a_style_that_others_explain_is_zero():
    rng = np.random.default_rng(5)
    caps = np.exp(rng.normal(0, 1, (1, 50)))
    inside = np.ones((1, 50), dtype=bool)
    x = rng.standard_normal((1, 50))
    x = (x - np.average(x, weights=caps)) / x.std()
    style, tallies = -2.0 * x, np.zeros(1, np.int64)
    cells = (np.empty(50, dtype=bool), tallies)
    orthogonalize_style(style, x[None], inside, caps, Clip(DEVIATIONS, 3.0, 10.0), 2, cells)
    assert tallies[0] == 1
    np.testing.assert_array_equal(style, 0.0)


def test_a_style_taken_out_twice_is_taken_out_once():
    rng = np.random.default_rng(6)
    caps = np.exp(rng.normal(0, 1, (1, 50)))
    inside = np.ones((1, 50), dtype=bool)
    x = rng.standard_normal((1, 50))
    x = (x - np.average(x, weights=caps)) / x.std()
    start, found = rng.standard_normal((1, 50)), []
    for columns in (x[None], np.stack([x, x])):
        style = start.copy()
        cells = (np.empty(50, dtype=bool), np.zeros(1, np.int64))
        orthogonalize_style(style, columns, inside, caps, Clip(NONE, 3.0, 10.0), 2, cells)
        found.append(style)
    np.testing.assert_allclose(found[1], found[0], atol=1e-13)


# --- what is missing -------------------------------------------------------------------------------


def test_styles_without_data_are_left_out_and_named(market):
    bare = replace(market, events={})
    with pytest.warns(MissingDescriptors, match="growth is left out, without EGRLF"):
        found = style_exposures(bare)
    assert set(found.left_out) == {"book_to_price", "earnings_yield", "growth", "leverage"}
    assert "statements: equity" in found.left_out["book_to_price"]
    assert "nonlinear_size" in found.cube


def test_without_analysts_the_earnings_yield_is_that_of_the_other_two(market, made):
    assert not made.report["earnings_yield"].missing
    known = {k: v for k, v in market.events.items() if k != "estimates"}
    with pytest.warns(MissingDescriptors, match="earnings_yield makes do with the others"):
        found = style_exposures(replace(market, events=known))
    report = found.report["earnings_yield"]
    assert set(report.missing) == {"EPFWD"}
    weights = {n: d.weight for n, d in report.descriptors.items()}
    assert weights["CETOP"] / sum(weights.values()) == pytest.approx(0.656, abs=1e-3)
    growth = {n: d.weight for n, d in found.report["growth"].descriptors.items()}
    assert growth["SGRO"] / sum(growth.values()) == pytest.approx(0.662, abs=1e-3)


def test_a_market_without_data_for_any_style_is_refused(market):
    table = replace(read_table("cne5"), styles=(read_table("cne5").style("leverage"),))
    with (
        pytest.warns(MissingDescriptors),
        pytest.raises(DataError, match="import statements: long_term_debt"),
    ):
        style_exposures(replace(market, events={}), table)


def test_a_factor_of_the_user_is_standardised_as_descriptors_are(market):
    rng = np.random.default_rng(9)
    shape = (len(market.dates), len(market.assets))
    mine = Panel(
        values=5.0 + 3.0 * rng.standard_normal(shape),
        dates=market.dates,
        assets=market.assets,
        name="mine",
    )
    found = standardize_factor(mine, market)
    inside, caps = inside_of(market), market["market_cap"].values
    x = found.values[200]
    assert found.unit == "exposure"
    assert abs(np.average(x[inside[200]], weights=caps[200, inside[200]])) < 1e-12
    assert x[inside[200]].std() == pytest.approx(1.0, abs=1e-12)


def test_a_second_model_is_a_second_table(market):
    table = read_table("cne6")
    assert table.marked == "partial"
    assert any("seasonality" in line for line in table.missing)
    assert len({style.group for style in table.styles}) == 8
    with pytest.warns(MissingDescriptors, match="dividend_yield is left out"):
        found = style_exposures(market, table)
    assert {"mid_cap", "short_term_reversal", "profitability", "earnings_variability"} <= set(
        found.cube
    )
    assert set(found.left_out) == {"dividend_yield"}
    np.testing.assert_allclose(
        found.cube["mid_cap"].values, style_exposures(market).cube["nonlinear_size"].values
    )
