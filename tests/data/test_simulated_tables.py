"""The tables of the simulated market look like a market, and repeat themselves to the byte."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from superhet.data.checking import check_frame
from superhet.data.schema import TABLES
from superhet.data.sources.simulated import SimulatedMarket, Simulation, simulate
from superhet.data.sources.simulated.recipe import INDUSTRIES
from superhet.data.sources.simulated.regimes import MACRO
from superhet.errors import ConfigError

RECIPE = SimulatedMarket(assets=60, years=1.0, seed=11, industries=6)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(RECIPE)


@pytest.fixture(scope="module")
def tables(simulation: Simulation) -> dict[str, pl.DataFrame]:
    return simulation.tables


@pytest.fixture(scope="module")
def daily() -> Simulation:
    """More assets and years, daily bars alone."""
    return simulate(SimulatedMarket(assets=250, years=3.0, seed=5, bars=None))


def test_same_recipe_gives_identical_tables(tables: dict[str, pl.DataFrame]) -> None:
    again = simulate(RECIPE).tables
    assert set(again) == set(tables)
    for name, frame in tables.items():
        assert frame.equals(again[name]), name


def test_another_seed_gives_another_market(tables: dict[str, pl.DataFrame]) -> None:
    other = simulate(SimulatedMarket(assets=60, years=1.0, seed=12, industries=6, bars=None))
    assert not other.tables["bars_1d"].equals(tables["bars_1d"])


def test_a_longer_sample_begins_with_the_shorter_one(simulation: Simulation) -> None:
    longer = simulate(SimulatedMarket(assets=60, years=1.4, seed=11, industries=6))
    last = simulation.truth.dates[-1].item()
    for name, frame in simulation.tables.items():
        date = TABLES[name].date
        if date is None or name == "statements":
            continue
        stays = [c for c in frame.columns if c != "end_date"]  # open spells may end later
        head = longer.tables[name].filter(pl.col(date).cast(pl.Date) <= last)
        assert frame.select(stays).equals(head.select(stays)), name
    listed = simulation.tables["securities"]["asset"].to_list()
    head = longer.tables["statements"].filter(
        (pl.col("announce_date") <= last) & pl.col("asset").is_in(listed)
    )
    assert simulation.tables["statements"].equals(head)
    columns = np.searchsorted(longer.truth.assets, simulation.truth.assets)
    for name, values in simulation.truth.estimate.items():
        np.testing.assert_array_equal(
            values, longer.truth.estimate[name][: len(values), columns], err_msg=name
        )


def test_every_table_is_in_canonical_form(tables: dict[str, pl.DataFrame]) -> None:
    expected = (
        "bars_15min bars_1d calendar index_bars index_members index_weights industry macro "
        "securities statements status"
    )
    assert sorted(tables) == expected.split()
    calendar = tables["calendar"]["date"]
    for name, frame in tables.items():
        assert check_frame(name, frame, name, calendar=calendar).equals(frame), name


def test_sessions_are_those_of_shanghai(tables: dict[str, pl.DataFrame]) -> None:
    days = tables["calendar"]["date"].to_numpy().astype("datetime64[D]")
    assert days[0] == np.datetime64("2018-01-02")
    assert np.is_busday(days).all()
    spring_festival = np.arange("2018-02-15", "2018-02-22", dtype="datetime64[D]")
    assert not np.isin(spring_festival, days).any()
    assert days.size == 244


def test_default_recipe_spans_about_970_sessions() -> None:
    assert SimulatedMarket().timeline.dates.size == 973


def test_sessions_beyond_the_known_calendar_are_weekdays_without_fixed_holidays() -> None:
    days = SimulatedMarket(start="2040-01-02", years=1.0).timeline.dates
    assert np.is_busday(days).all()
    assert not np.isin(np.array(["2040-05-01", "2040-10-03"], dtype="datetime64[D]"), days).any()
    assert 240 < days.size < 260


def test_prices_lie_between_low_and_high_and_within_the_limits(
    tables: dict[str, pl.DataFrame],
) -> None:
    bars = tables["bars_1d"]
    top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    assert bars.select((pl.col("high") >= top).all(), (pl.col("low") <= bottom).all()).row(0) == (
        True,
        True,
    )
    bound = bars.drop_nulls("limit_up")
    assert bound.select((pl.col("high") <= pl.col("limit_up")).all()).item()
    assert bound.select((pl.col("low") >= pl.col("limit_down")).all()).item()
    for name in ("open", "high", "low", "close"):
        fen = bars[name].to_numpy() * 100
        np.testing.assert_allclose(fen, np.round(fen), atol=1e-7)


def test_vwap_lies_within_the_range(tables: dict[str, pl.DataFrame], daily: Simulation) -> None:
    for frame in (tables["bars_1d"], tables["bars_15min"], daily.tables["bars_1d"]):
        vwap = pl.col("amount") / pl.col("volume")
        low, high = pl.col("low") - 1e-9, pl.col("high") + 1e-9
        assert frame.select(((vwap >= low) & (vwap <= high)).all()).item()
        assert frame.select((pl.col("volume") > 0).all()).item()


def test_bars_of_a_day_add_up_to_the_day(tables: dict[str, pl.DataFrame]) -> None:
    summed = (
        tables["bars_15min"]
        .group_by(pl.col("time").dt.date().alias("date"), "asset", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            pl.col("amount").sum(),
        )
        .sort("date", "asset")
    )
    assert summed.equals(tables["bars_1d"].select(summed.columns))


def test_bars_are_stamped_at_their_end(tables: dict[str, pl.DataFrame]) -> None:
    clock = tables["bars_15min"]["time"].dt.strftime("%H:%M").unique().sort().to_list()
    assert (len(clock), clock[0], clock[7], clock[8], clock[-1]) == (
        16,
        "09:45",
        "11:30",
        "13:15",
        "15:00",
    )


def test_intraday_volume_is_u_shaped(tables: dict[str, pl.DataFrame]) -> None:
    bars = tables["bars_15min"].with_columns(clock=pl.col("time").dt.time())
    share = bars.group_by("clock").agg(pl.col("volume").sum()).sort("clock")["volume"].to_numpy()
    assert share[0] > 1.5 * share[7]
    assert share[-1] > 1.5 * share[8]


def test_daily_prices_are_the_same_with_and_without_bars(tables: dict[str, pl.DataFrame]) -> None:
    alone = simulate(SimulatedMarket(assets=60, years=1.0, seed=11, industries=6, bars=None))
    assert "bars_15min" not in alone.tables
    drop = "amount"
    assert alone.tables["bars_1d"].drop(drop).equals(tables["bars_1d"].drop(drop))


def test_limits_are_the_rounded_share_of_the_ex_right_close(daily: Simulation) -> None:
    boards = daily.tables["securities"].select("asset", "board")
    special = daily.tables["status"]["asset"].unique()
    bars = (
        daily.tables["bars_1d"]
        .join(boards, on="asset")
        .filter(~pl.col("asset").is_in(special.implode()))
        .sort("asset", "date")
        .with_columns(
            reference=pl.col("close").shift().over("asset")
            * pl.col("adjust_factor").shift().over("asset")
            / pl.col("adjust_factor")
        )
        .drop_nulls("reference")
        .drop_nulls("limit_up")
    )
    percent = bars["board"].replace_strict({"main": 10, "chinext": 20, "star": 20, "bse": 30})
    fen = np.floor(np.round(bars["reference"].to_numpy() * 100, 6) + 0.5)
    up = np.floor(fen * (100 + percent.to_numpy()) / 100 + 0.5) / 100
    down = np.floor(fen * (100 - percent.to_numpy()) / 100 + 0.5) / 100
    np.testing.assert_allclose(bars["limit_up"], np.maximum(up, (fen + 1) / 100), atol=1e-9)
    np.testing.assert_allclose(bars["limit_down"], np.minimum(down, (fen - 1) / 100), atol=1e-9)


def test_special_treatment_on_the_main_board_means_five_percent(daily: Simulation) -> None:
    spells = daily.tables["status"].join(
        daily.tables["securities"].filter(pl.col("board") == "main"), on="asset", how="semi"
    )
    bars = daily.tables["bars_1d"].join(spells.drop("name"), on="asset").drop_nulls("limit_up")
    end = pl.col("end_date").fill_null(pl.date(2100, 1, 1))
    bars = bars.filter((pl.col("date") >= pl.col("start_date")) & (pl.col("date") < end))
    middle = (bars["limit_up"] + bars["limit_down"]).to_numpy() / 2
    width = (bars["limit_up"] - bars["limit_down"]).to_numpy() / 2 / middle
    assert bars.height > 100
    np.testing.assert_allclose(np.median(width), 0.05, atol=0.002)


def test_registration_boards_have_no_limit_on_their_first_five_sessions(daily: Simulation) -> None:
    first = daily.tables["calendar"]["date"][0]
    young = daily.tables["securities"].filter(
        (pl.col("list_date") > first) & pl.col("board").is_in(["chinext", "star"])
    )
    bars = daily.tables["bars_1d"].join(young, on="asset", how="semi").sort("asset", "date")
    calendar = daily.tables["calendar"].with_row_index("session")
    bars = bars.join(calendar, on="date").with_columns(
        age=pl.col("session").cast(pl.Int64) - pl.col("session").cast(pl.Int64).min().over("asset")
    )
    free = bars.filter(pl.col("limit_up").is_null())
    assert young.height > 3
    assert free.select((pl.col("age") < 5).all()).item()
    assert bars.filter(pl.col("age") < 5)["limit_up"].null_count() == free.height


def test_locked_sessions_trade_little_at_the_limit(daily: Simulation) -> None:
    bars = daily.tables["bars_1d"].with_columns(
        turnover=pl.col("volume") / pl.col("float_shares"),
        locked=(pl.col("high") == pl.col("low")),
    )
    locked = bars.filter("locked")
    at_limit = (pl.col("close") == pl.col("limit_up")) | (pl.col("close") == pl.col("limit_down"))
    assert 10 < locked.height < 0.002 * bars.height
    assert locked.select(at_limit.mean()).item() > 0.95
    usual = bars.filter(~pl.col("locked"))["turnover"].median()
    assert locked["turnover"].median() < 0.1 * usual


def test_some_assets_are_suspended_list_late_or_leave(daily: Simulation) -> None:
    securities, sessions = daily.tables["securities"], daily.tables["calendar"]["date"]
    late = securities.filter(pl.col("list_date") > sessions[0])
    gone = securities.drop_nulls("delist_date")
    assert 0.04 < late.height / securities.height < 0.16
    assert 0.005 < gone.height / securities.height < 0.06
    spans = (
        daily.tables["bars_1d"]
        .group_by("asset")
        .agg(pl.len(), pl.col("date").min().alias("first"), pl.col("date").max().alias("last"))
    )
    first = np.searchsorted(sessions.to_numpy(), spans["first"].to_numpy())
    last = np.searchsorted(sessions.to_numpy(), spans["last"].to_numpy())
    share = 1.0 - spans["len"].to_numpy().sum() / (last - first + 1).sum()
    assert 0.004 < share < 0.02
    beyond = daily.tables["bars_1d"].join(gone, on="asset")
    assert beyond.select((pl.col("date") < pl.col("delist_date")).all()).item()
    told = daily.tables["status"].filter(pl.col("name").str.starts_with("退市"))
    assert set(gone["asset"]) <= set(told["asset"])


def test_adjust_factors_start_at_one_and_keep_total_returns_smooth(daily: Simulation) -> None:
    bars = daily.tables["bars_1d"].sort("asset", "date")
    first = bars.group_by("asset").agg(pl.col("adjust_factor").first())
    assert first["adjust_factor"].unique().to_list() == [1.0]
    lag = [
        pl.col(c).shift().over("asset").alias(f"{c}_before")
        for c in ("close", "adjust_factor", "total_shares")
    ]
    ex = bars.with_columns(lag).filter(pl.col("adjust_factor") > pl.col("adjust_factor_before"))
    split = ex.filter(pl.col("total_shares") > pl.col("total_shares_before"))
    total = (
        split["close"]
        * split["adjust_factor"]
        / (split["close_before"] * split["adjust_factor_before"])
    )
    raw = split["close"] / split["close_before"]
    assert ex.height > 200
    assert split.height > 20
    assert raw.mean() < 0.85
    assert abs(total.mean() - 1.0) < 0.02


def test_statements_come_before_their_deadlines_and_in_order(
    tables: dict[str, pl.DataFrame],
) -> None:
    first = tables["statements"].filter(pl.col("revision") == 0)
    report, announce = first["report_date"], first["announce_date"]
    month = report.dt.month()
    ends = {3: (4, 30), 6: (8, 31), 9: (10, 31), 12: (4, 30)}
    deadline = [
        np.datetime64(f"{r.year + (r.month == 12)}-{ends[r.month][0]:02d}-{ends[r.month][1]}")
        for r in report
    ]
    assert (announce.to_numpy() <= np.array(deadline)).all()
    assert (announce > report).all()
    assert set(month.unique()) == {3, 6, 9, 12}
    ordered = first.sort("asset", "report_date").with_columns(
        gap=pl.col("announce_date").diff().over("asset").dt.total_days()
    )
    assert ordered["gap"].drop_nulls().min() >= 0


def test_four_years_of_statements_are_known_before_the_first_session(
    tables: dict[str, pl.DataFrame],
) -> None:
    start = tables["calendar"]["date"][0]
    before = tables["statements"].filter(
        (pl.col("announce_date") < start) & (pl.col("revision") == 0)
    )
    counts = before.group_by("asset").len()["len"]
    assert counts.min() >= 16
    assert counts.len() == tables["securities"].height


def test_books_balance_and_flows_add_up_within_the_year(tables: dict[str, pl.DataFrame]) -> None:
    first = tables["statements"].filter(pl.col("revision") == 0).sort("asset", "report_date")
    gap = first["total_assets"] - first["total_liabilities"] - first["equity"]
    assert gap.abs().max() <= 0.02
    same_year = pl.col("report_date").dt.year() == pl.col("report_date").dt.year().shift()
    grown = first.with_columns(
        step=pl.col("revenue").diff().over("asset"), inside=same_year.over("asset")
    ).filter("inside")
    assert grown["step"].min() > 0


def test_about_five_percent_of_statements_are_restated_later(daily: Simulation) -> None:
    statements = daily.tables["statements"]
    first, again = (statements.filter(pl.col("revision") == k) for k in (0, 1))
    assert 0.035 < again.height / first.height < 0.06
    both = again.join(first, on=["asset", "report_date"], suffix="_first")
    assert both.height == again.height
    assert (both["announce_date"] > both["announce_date_first"]).all()
    assert (both["net_profit"] != both["net_profit_first"]).all()


def test_macro_is_released_with_the_lag_of_each_series(tables: dict[str, pl.DataFrame]) -> None:
    macro = tables["macro"]
    assert set(macro["series"].unique()) == set(MACRO)
    for name, series in MACRO.items():
        rows = macro.filter(pl.col("series") == name)
        lag = (rows["release_date"] - rows["period"]).dt.total_days()
        assert (lag.min(), lag.max()) >= (series.release[0], series.release[0])
        assert lag.max() <= series.release[1]
        assert rows["period"].is_sorted()
    assert macro["release_date"].max() <= tables["calendar"]["date"][-1]


def test_index_is_the_cap_weighted_return_of_its_members(tables: dict[str, pl.DataFrame]) -> None:
    bars = tables["bars_1d"].with_columns(
        adjusted=pl.col("close") * pl.col("adjust_factor"),
        cap=pl.col("close") * pl.col("float_shares"),
    )
    price = bars.pivot(on="asset", index="date", values="adjusted").sort("date")
    cap = bars.pivot(on="asset", index="date", values="cap").sort("date").drop("date")
    members = tables["index_members"]
    assert members["end_date"].null_count() == members.height  # nobody left in this small sample
    columns = members["asset"].to_list()
    joined = np.searchsorted(price["date"].to_numpy(), members["start_date"].to_numpy())
    price, cap = (f.select(columns).fill_null(strategy="forward").to_numpy() for f in (price, cap))
    inside = np.arange(len(price) - 1)[:, None] >= joined
    weight = np.where(inside, cap[:-1], 0.0)
    returns = np.where(inside, price[1:] / price[:-1] - 1.0, 0.0)
    expected = (weight * returns).sum(axis=1) / weight.sum(axis=1)
    close = tables["index_bars"]["close"].to_numpy()
    np.testing.assert_allclose(close[1:] / close[:-1] - 1.0, expected, atol=2e-6)


def test_index_weights_sum_to_one(tables: dict[str, pl.DataFrame]) -> None:
    total = tables["index_weights"].group_by("date").agg(pl.col("weight").sum())
    np.testing.assert_allclose(total["weight"], 1.0)
    assert total.height >= 11


def test_industries_are_the_shenwan_names(daily: Simulation) -> None:
    names = set(daily.tables["industry"]["industry"].unique())
    assert names <= set(INDUSTRIES)
    assert len(INDUSTRIES) == len(set(INDUSTRIES)) == 31
    assert len(names) == 31


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"assets": 3}, "assets: must be at least 10"),
        ({"years": 99.0}, "years: must be at most 30"),
        ({"alpha_scale": -1.0}, "alpha_scale: must be at least 0"),
        ({"industries": 32}, "industries: must be at most 31"),
        ({"bars": "7min"}, "bars: must be '15min' or null"),
        ({"start": "soon"}, "start: must be an ISO date"),
        ({"start": "1980-01-01"}, "start: must lie between"),
    ],
)
def test_a_recipe_out_of_bounds_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SimulatedMarket(**wrong)


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    simulate(
        SimulatedMarket(assets=12, years=0.25, industries=2),
        progress=lambda done, total, step: told.append((done, total, step)),
    )
    assert told[-1] == (100, 100, "tables")
    assert (100, 100, "bars") in told
