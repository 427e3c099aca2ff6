"""Statements in formulas: worked by hand, on the days on which they became known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import FormulaError
from superhet.factors import evaluate, evaluate_chunks, known_since
from superhet.frequency import mix
from superhet.panel import Events, Market
from superhet.testing.markets import RandomMarket

NAN = float("nan")
BASIS = {"net_profit": "ytd", "revenue": "quarter", "eps_ttm": "ttm", "equity": "level"}


def market_with(*rows: tuple[object, ...], revision: bool = False) -> Market:
    """Make sixty sessions from 2019-01-01 and two assets; rows are (asset, report, known, profit, …)."""
    market = RandomMarket(dates=60, assets=2, bars=0, holes=0.0, seed=1).build()
    rows = tuple(sorted(rows, key=lambda r: str(r[2])))
    names = ("asset", "report_date", "known_at", "net_profit", "revenue", "eps_ttm", "equity")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    known = np.array(columns.pop("known_at"), dtype="datetime64[D]")
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "asset": np.array(columns.pop("asset"), dtype=np.int64),
        "report_date": np.array(columns.pop("report_date"), dtype="datetime64[D]"),
    }
    arrays |= {n: np.array(v, dtype=float) for n, v in columns.items()}
    if revision:
        arrays["revision"] = np.arange(len(rows))
    events = Events(name="statements", columns=arrays, known_at=known, basis=BASIS)
    return replace(market, events={"statements": events})


def row(
    report: str, known: str, profit: float, equity: float = NAN, asset: int = 0
) -> tuple[object, ...]:
    return (asset, report, known, profit, profit, profit, equity)


def events(formula: str, market: Market, asset: int = 0) -> dict[str, float]:
    """Give the sessions on which a formula has a value, with the value."""
    panel = evaluate({"x": formula}, market)["x"]
    column = panel.values[:, asset]
    return {str(panel.dates.values[t]): float(column[t]) for t in np.flatnonzero(~np.isnan(column))}


@pytest.fixture(scope="module")
def company() -> Market:
    """Nine months before the sample; annual and first quarter on one day; a restated annual report."""
    return market_with(
        row("2017-03-31", "2017-04-28", 20.0, 500.0),
        row("2017-12-31", "2018-04-27", 80.0, 520.0),
        row("2018-03-31", "2018-04-27", 22.0, 530.0),
        row("2018-06-30", "2018-08-30", 45.0, 540.0),
        row("2018-09-30", "2018-10-30", 70.0, 550.0),
        row("2018-12-31", "2019-02-01", 100.0, 560.0),
        row("2019-03-31", "2019-02-01", 30.0, 570.0),
        row("2018-12-31", "2019-03-01", 90.0, 555.0),
    )


def test_the_newest_statement_stands_on_the_day_it_became_known(company: Market) -> None:
    assert events("latest(equity)", company) == {
        "2019-01-01": 550.0,
        "2019-02-01": 570.0,
        "2019-03-01": 570.0,
    }


def test_cumulative_flows_are_taken_apart(company: Market) -> None:
    assert events("quarterly(net_profit)", company)["2019-01-01"] == 25.0  # 70 - 45
    assert events("quarterly(net_profit)", company)["2019-02-01"] == 30.0  # a first quarter


def test_the_trailing_year_uses_the_restated_annual_report_from_its_day_on(company: Market) -> None:
    assert events("ttm(net_profit)", company) == {
        # of August and October there is none, for their year before is not known; that of April has passed
        "2019-02-01": 30.0 + 100.0 - 22.0,
        "2019-03-01": 30.0 + 90.0 - 22.0,
    }


def test_growth_compares_with_the_quarter_a_year_before(company: Market) -> None:
    found = events("yoy(net_profit)", company)
    assert found["2019-02-01"] == pytest.approx(30.0 / 22.0 - 1.0)
    assert events("yoy(equity)", company)["2019-02-01"] == pytest.approx(570.0 / 530.0 - 1.0)


def test_growth_out_of_a_loss_is_positive() -> None:
    market = market_with(
        row("2018-03-31", "2018-04-27", -20.0), row("2019-03-31", "2019-02-01", 30.0)
    )
    assert events("yoy(net_profit)", market) == {"2019-02-01": pytest.approx(2.5)}


def test_changes_nest_quarter_by_quarter(company: Market) -> None:
    found = events("change(net_profit / equity, 4)", company)
    assert found["2019-02-01"] == pytest.approx(30.0 / 570.0 - 22.0 / 530.0)


def newest_of(formula: str, market: Market, day: str) -> float:
    return events(formula, market)[day]


def test_a_mean_of_quarters_takes_levels_as_they_are_and_flows_one_by_one(company: Market) -> None:
    found = events("average(equity, 2)", company)
    assert found == {"2019-01-01": 545.0, "2019-02-01": 565.0, "2019-03-01": 562.5}
    assert newest_of("average(net_profit, 2)", company, "2019-02-01") == 30.0  # 30 and 100 - 70
    assert newest_of("average(net_profit, 2)", company, "2019-03-01") == 25.0  # 30 and 90 - 70


def test_a_mean_needs_half_of_its_quarters(company: Market) -> None:
    mean = (30.0 + 30.0 + 25.0 + 23.0 + 22.0 + 20.0) / 6  # three quarters of 2017 are not known
    assert newest_of("average(net_profit, 12)", company, "2019-02-01") == mean
    assert "2019-02-01" not in events("average(net_profit, 13)", company)


def test_the_flow_of_a_year_over_the_mean_stock(company: Market) -> None:
    found = newest_of("ttm(net_profit) / average(equity, 5)", company, "2019-02-01")
    assert found == pytest.approx(108.0 / 550.0)  # 570 560 550 540 530


def test_deviation_and_trend_of_quarters(company: Market) -> None:
    assert newest_of("deviation(equity, 3)", company, "2019-02-01") == pytest.approx(10.0)
    assert newest_of("trend(equity, 3)", company, "2019-02-01") == pytest.approx(10.0)
    ratios = np.array([570.0, 555.0, 550.0])
    found = newest_of("deviation(equity / 10, 3)", company, "2019-03-01")
    assert found == pytest.approx(ratios.std(ddof=1) / 10)


def test_growth_over_the_quarter_before(company: Market) -> None:
    assert newest_of("qoq(equity)", company, "2019-02-01") == pytest.approx(570.0 / 560.0 - 1.0)
    assert newest_of("qoq(equity)", company, "2019-03-01") == pytest.approx(570.0 / 555.0 - 1.0)
    assert newest_of("lagged(equity, 1)", company, "2019-03-01") == 555.0


def test_compound_growth_is_a_rate_a_year(company: Market) -> None:
    two_quarters = newest_of("growth(equity, 2)", company, "2019-02-01")
    assert two_quarters == pytest.approx((570.0 / 550.0) ** 2 - 1.0)


@pytest.mark.parametrize(("before", "now"), [(-20.0, 30.0), (20.0, -30.0), (-20.0, -30.0), (0, 1)])
def test_compound_growth_from_or_to_a_loss_has_no_rate(before: float, now: float) -> None:
    market = market_with(
        row("2018-03-31", "2018-04-27", before), row("2019-03-31", "2019-02-01", now)
    )
    assert not events("growth(net_profit, 4)", market)


def test_a_streak_counts_increases_in_a_row(company: Market) -> None:
    # single quarters, newest first: 30 30 25 23 22, and before them none is known
    assert newest_of("streak(change(net_profit, 1), 8)", company, "2019-02-01") == 0.0
    assert newest_of("streak(change(net_profit, 1) + 1, 8)", company, "2019-02-01") == 4.0
    assert newest_of("streak(change(net_profit, 1) + 1, 3)", company, "2019-02-01") == 3.0


def test_a_restatement_is_measured_against_what_was_first_stated_for_its_report(
    company: Market,
) -> None:
    annual = events("lagged(restated(latest(net_profit)), 1)", company)
    assert annual == {"2019-01-01": 0.0, "2019-02-01": 0.0, "2019-03-01": -10.0}
    assert newest_of("lagged(first_stated(latest(net_profit)), 1)", company, "2019-03-01") == 100.0
    mean = events("average(restated(latest(net_profit)), 2)", company)
    assert (mean["2019-02-01"], mean["2019-03-01"]) == (0.0, -5.0)


def test_a_restated_annual_report_moves_the_single_quarter_and_the_trailing_year(
    company: Market,
) -> None:
    quarter = newest_of("lagged(restated(net_profit), 1)", company, "2019-03-01")
    assert quarter == 20.0 - 30.0
    assert newest_of("restated(ttm(net_profit))", company, "2019-03-01") == 98.0 - 108.0
    assert newest_of("restated(latest(net_profit))", company, "2019-03-01") == 0.0  # of the quarter


def test_the_newest_revision_is_one_step_and_restated_the_whole_way() -> None:
    market = market_with(
        row("2018-12-31", "2019-02-01", 100.0),
        row("2018-12-31", "2019-02-20", 90.0),
        row("2018-12-31", "2019-03-05", 97.0),
    )
    assert events("restated(latest(net_profit))", market) == {
        "2019-02-01": 0.0,
        "2019-02-20": -10.0,
        "2019-03-05": -3.0,
    }
    assert events("revised(latest(net_profit))", market) == {
        "2019-02-01": 0.0,
        "2019-02-20": -10.0,
        "2019-03-05": 7.0,
    }


EVERYWHERE = "average(net_profit, 4) deviation(equity, 3) trend(net_profit, 4) qoq(equity)"
EVERYWHERE += " growth(equity, 4) streak(net_profit, 4) first_stated(equity) restated(net_profit)"
EVERYWHERE += " revised(net_profit) announced(equity) lagged(equity, 1)"


@pytest.mark.parametrize("formula", EVERYWHERE.replace(") ", ")|").split("|"))
def test_a_restatement_changes_nothing_before_its_day(formula: str, company: Market) -> None:
    table = company.table("statements")
    kept = table.take(table.known_at < np.datetime64("2019-03-01"))
    without = evaluate({"x": formula}, replace(company, events={"statements": kept}))["x"].values
    whole = evaluate({"x": formula}, company)["x"].values
    at = company.dates.index("2019-03-01")
    assert whole[:at].tobytes() == without[:at].tobytes()


def test_a_quarter_keeps_its_announcement_whatever_is_restated(company: Market) -> None:
    assert events("announced(latest(net_profit))", company) == {
        "2019-01-01": float(np.datetime64("2018-10-30").astype(int)),
        "2019-02-01": float(np.datetime64("2019-02-01").astype(int)),
        "2019-03-01": float(np.datetime64("2019-02-01").astype(int)),
    }
    news = evaluate({"x": "ts_delta(announced(latest(net_profit)), 1) > 0"}, company)["x"].values
    assert np.flatnonzero(news[:, 0] == 1).tolist() == [company.dates.index("2019-02-01")]


def test_the_delay_of_a_report_is_counted_from_the_end_of_its_quarter() -> None:
    market = market_with(
        row("2017-12-31", "2018-03-01", 80.0),
        row("2018-12-31", "2019-02-01", 100.0),
        row("2018-12-31", "2019-03-01", 90.0),
    )
    assert events("reporting_delay(latest(net_profit))", market) == {
        "2019-01-01": 60.0,
        "2019-02-01": 32.0,
        "2019-03-01": 32.0,
    }
    later = events("change(reporting_delay(latest(net_profit)), 4)", market)
    assert later["2019-02-01"] == -28.0


def test_a_report_before_the_end_of_its_quarter_has_no_delay(company: Market) -> None:
    """The first quarter of 2019 is known in February: its date cannot be the end of a quarter."""
    assert set(events("reporting_delay(latest(net_profit))", company)) == {"2019-01-01"}


def test_a_report_without_a_column_keeps_the_older_figure_of_the_other_side() -> None:
    """An express report gives the profit only; equity stands as last known."""
    market = market_with(
        row("2018-09-30", "2018-10-30", 70.0, 500.0),
        row("2018-12-31", "2019-02-01", 100.0),
    )
    found = events("latest(net_profit) / latest(equity)", market)
    assert found == pytest.approx({"2019-01-01": 70.0 / 500.0, "2019-02-01": 100.0 / 500.0})


RETURN_ON_EQUITY = "latest(net_profit) / maximum(latest(equity), 0)"


@pytest.fixture(scope="module")
def insolvent() -> Market:
    """Equity of 500, then of -50 in the annual report, then of 40; another column in between and after."""
    return market_with(
        row("2018-09-30", "2018-10-30", 70.0, 500.0),
        (0, "2018-12-31", "2019-01-15", NAN, 900.0, NAN, NAN),
        row("2018-12-31", "2019-02-01", -480.0, -50.0),
        (0, "2018-12-31", "2019-02-15", NAN, 880.0, NAN, NAN),
        row("2019-03-31", "2019-03-01", 10.0, 40.0),
    )


def test_equity_that_is_gone_ends_the_return_on_last_years_equity(insolvent: Market) -> None:
    """70 / 500 is a fact of October; from the annual report on there is no equity to earn a return on."""
    days = insolvent.dates.values.astype(str)
    wanted = np.where(days < "2019-02-01", 0.14, np.where(days < "2019-03-01", NAN, 0.25))
    for formula in (f"{RETURN_ON_EQUITY} + 0 * listing_age", f"ts_max({RETURN_ON_EQUITY}, 1)"):
        found = evaluate({"x": formula}, insolvent, dtype="float64")["x"].values[:, 0]
        assert_allclose(found, wanted, rtol=1e-12, err_msg=formula)


def test_a_row_of_other_columns_neither_ends_nor_revives_a_value(insolvent: Market) -> None:
    assert set(events(RETURN_ON_EQUITY, insolvent)) == {"2019-01-01", "2019-03-01"}
    ended = known_since({"x": RETURN_ON_EQUITY}, insolvent)["x"].values[1:, 0]
    rows = np.flatnonzero(~np.isnan(ended))
    days = insolvent.dates.values[1:][rows].astype(str).tolist()
    assert days[0] == "2019-02-01"
    assert set(days) <= {"2019-02-01", "2019-02-15"}  # said once more: no news, and no harm


def test_the_mixer_ends_a_value_as_a_formula_with_daily_fields_does(insolvent: Market) -> None:
    formulas = {"x": RETURN_ON_EQUITY}
    signals = evaluate(formulas, insolvent)
    mixed = mix(signals, insolvent.dates, known_since=known_since(formulas, insolvent))
    daily = evaluate({"x": f"{RETURN_ON_EQUITY} + 0 * listing_age"}, insolvent)["x"].values
    assert_array_equal(mixed.signals["x"].values, daily)
    ages = mixed.ages["x"].values[:, 0]
    assert_array_equal(np.isnan(ages), np.isnan(daily[:, 0]))
    assert ages[insolvent.dates.index("2019-03-01")] == 0.0


def test_a_quarter_whose_year_before_was_never_stated_ends_the_growth_of_the_last() -> None:
    """The growth of the third quarter is none of the fourth, whose year before nobody knows."""
    market = market_with(
        row("2017-09-30", "2017-10-30", 50.0),
        row("2018-09-30", "2018-10-30", 60.0),
        row("2018-12-31", "2019-02-01", 100.0),
    )
    found = evaluate({"x": "yoy(revenue) + 0 * listing_age"}, market)["x"].values[:, 0]
    days = market.dates.values.astype(str)
    assert_allclose(found, np.where(days < "2019-02-01", 0.2, NAN), rtol=1e-6)


def test_what_ended_before_the_sample_does_not_stand_on_its_first_session() -> None:
    market = market_with(
        row("2018-06-30", "2018-08-30", 45.0, 500.0), row("2018-09-30", "2018-10-30", 1.0, -50.0)
    )
    assert events(RETURN_ON_EQUITY, market) == {}
    assert events("latest(equity)", market) == {"2019-01-01": -50.0}


@pytest.mark.parametrize("budget", [1, 10_000_000])
def test_statements_are_the_same_in_chunks(budget: int, insolvent: Market) -> None:
    formulas = {"event": RETURN_ON_EQUITY, "daily": f"cs_rank({RETURN_ON_EQUITY}) + returns"}
    whole = evaluate(formulas, insolvent)
    for chunk in evaluate_chunks(formulas, insolvent, budget=budget, first=7):
        for name, values in chunk.values.items():
            rows = whole[name].values[chunk.first : chunk.first + len(values)]
            assert values.tobytes() == rows.tobytes()


def test_a_surprise_is_the_seasonal_difference_in_its_own_deviations() -> None:
    quarters = np.random.default_rng(0).normal(10.0, 2.0, 13)
    ends = np.arange("2016-01", "2019-04", 3, dtype="datetime64[M]") + 2
    rows = []
    for q, month in enumerate(ends[:13]):
        year_so_far = quarters[q - q % 4 : q + 1].sum()
        end = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        known = end + np.timedelta64(30, "D") if q < 12 else np.datetime64("2019-02-01")
        rows.append((0, str(end), str(known), year_so_far, quarters[q], NAN, NAN))
    market = market_with(*rows)
    seasonal = quarters[4:] - quarters[:-4]
    wanted = seasonal[-1] / np.std(seasonal[-9:-1], ddof=1)
    for column in ("net_profit", "revenue"):  # cumulative and single quarters tell the same
        assert events(f"sue({column})", market)["2019-02-01"] == pytest.approx(wanted)


def test_one_quarters_difference_of_a_trailing_figure_is_its_seasonal_difference() -> None:
    rng = np.random.default_rng(1)
    quarters = rng.normal(10.0, 2.0, 16)
    ends = np.arange("2015-06", "2019-04", 3, dtype="datetime64[M]")
    rows = []
    for q, month in enumerate(ends[:16]):
        end = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        known = end + np.timedelta64(30, "D") if q < 15 else np.datetime64("2019-02-01")
        trailing = quarters[q - 3 : q + 1].sum() if q >= 3 else NAN
        rows.append((0, str(end), str(known), NAN, quarters[q], trailing, NAN))
    market = market_with(*rows)
    found = events("sue(eps_ttm)", market)["2019-02-01"]
    assert found == pytest.approx(events("sue(revenue)", market)["2019-02-01"])
    assert events("ttm(eps_ttm)", market)["2019-02-01"] == pytest.approx(quarters[-4:].sum())
    assert events("ttm(revenue)", market)["2019-02-01"] == pytest.approx(quarters[-4:].sum())
    with pytest.raises(FormulaError, match="stated over twelve months"):
        evaluate({"x": "quarterly(eps_ttm)"}, market)


def test_a_statement_meets_daily_fields_as_last_known(company: Market) -> None:
    found = evaluate({"x": "latest(equity) + 0 * listing_age"}, company)["x"].values[:, 0]
    days = company.dates.values.astype(str)
    assert_array_equal(found[days < "2019-02-01"], 550.0)
    assert_array_equal(found[days >= "2019-02-01"], 570.0)


def test_a_window_over_statements_sees_them_carried_forward(company: Market) -> None:
    found = evaluate({"x": "ts_delta(latest(equity), 1)"}, company)["x"].values[:, 0]
    at = company.dates.index("2019-02-01")
    assert found[at] == 20.0
    assert (np.delete(found, [0, at]) == 0.0).all()


def test_nothing_is_carried_beyond_an_assets_life(company: Market) -> None:
    age = np.array(company["listing_age"].values)
    age[40:, 0] = -1.0
    market = company.with_fields({"listing_age": company["listing_age"].with_values(age)})
    found = evaluate({"x": "cs_rank(latest(equity))"}, market)["x"].values[:, 0]
    assert np.isnan(found[40:]).all()
    assert not np.isnan(found[:40]).all()


def test_revisions_of_one_day_are_ordered_by_their_number() -> None:
    first, second = row("2018-12-31", "2019-02-01", 100.0), row("2018-12-31", "2019-02-01", 90.0)
    assert events("latest(net_profit)", market_with(first, second, revision=True)) == {
        "2019-02-01": 90.0
    }


def test_the_age_of_what_was_known_before_is_kept(company: Market) -> None:
    found = known_since(
        {"equity": "latest(equity)", "rank": "cs_rank(latest(equity))", "daily": "latest(equity) / close"},
        company,
    )  # fmt: skip
    assert set(found) == {"equity", "rank"}
    october = int(np.datetime64("2018-10-30").astype(int))
    february = int(np.datetime64("2019-02-01").astype(int))
    assert found["equity"].values[0, 0] == october
    assert np.isnan(found["equity"].values[1:]).all()
    at = company.dates.index("2019-02-01")
    assert_array_equal(found["rank"].values[:at, 0], october)
    assert found["rank"].values[at, 0] == february


def test_the_start_of_the_sample_does_not_change_what_is_known(company: Market) -> None:
    formulas = {"x": "cs_rank(ttm(net_profit)) + latest(equity) * 0 + returns * 0"}
    whole = evaluate(formulas, company)["x"].values
    late = evaluate(formulas, company.between("2019-02-20", None))["x"].values
    assert_allclose(late, whole[-len(late) :], rtol=1e-12)


def test_a_level_beside_a_flow_is_not_divided_into_quarters(company: Market) -> None:
    with pytest.raises(
        FormulaError, match=r"'equity' is a level, not a flow; write latest\(equity\)"
    ):
        evaluate({"x": "quarterly(equity)"}, company)
