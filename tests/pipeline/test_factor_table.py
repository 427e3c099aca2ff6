"""The table of factors: what evaluate() gives, in long rows, whole or not there."""

from __future__ import annotations

import errno

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.errors import ConfigError, DiskFull
from superhet.factors import evaluate, library, parse
from superhet.kernels.point_in_time import carry_forward
from superhet.pipeline import factor_rows
from superhet.pipeline.factor_choice import FactorChoice
from superhet.pipeline.factor_market import MarketChoice
from superhet.pipeline.factor_table import Resources, factor_table
from superhet.pipeline.factor_undefined import undefined

FORMULAS = {
    "trend": "ts_mean(close, 5) / close - 1",
    "rank": "cs_rank(ts_sum(returns, 10))",
    "pressure": "ts_mean(bar_sum(sign(close / open - 1) * volume) / bar_sum(volume), 3)",
    "yield": "ttm(net_profit) / market_cap",
}
LONG_MEMORY = [
    "returns", "market_cap", "turnover", "previous_close", "ts_sum(cs_rank(limit_up), 5)",
    "average_amount_60", "ts_corr(close, benchmark_close, 20)", "listing_age",
    "cs_zscore(sue(net_profit))", "ttm(net_profit) / latest(equity)", "sue(net_profit)",
    "ts_mean(bar_corr(close, volume), 10)", "ts_ema(close, 20)", "cs_neutralize(returns, industry, size)",
]  # fmt: skip


def table(tables, formulas, out=None, **given):
    """Write a table of typed formulas; name -> text, or texts."""
    named = isinstance(formulas, dict)
    choice = FactorChoice(
        formulas=list(formulas.values()) if named else formulas,
        names=list(formulas) if named else (),
    )
    market = {k: v for k, v in given.items() if k in MarketChoice.__dataclass_fields__}
    resources = {k: v for k, v in given.items() if k in Resources.__dataclass_fields__}
    return factor_table(
        tables,
        choice,
        MarketChoice(**market),
        out=out,
        resources=Resources(**resources),
        **({"progress": given["progress"]} if "progress" in given else {}),
    )


@pytest.fixture(scope="module")
def market(tiny_store):
    return load_market(tiny_store, MarketRequest(intraday=("15min",)))


@pytest.fixture(scope="module")
def held(tiny_store):
    """The tiny market, of which two shares are suspended for most of the time."""
    frames = {n: tiny_store.read(n) for n in tiny_store.names()}
    days = frames["bars_1d"]["date"].unique().sort()
    names = frames["securities"]["asset"].sort()
    for asset, first, last in ((3, 40, 220), (7, 100, 290)):
        away = (pl.col("asset") == names[asset]) & pl.col("date").is_between(
            days[first], days[last]
        )
        frames["bars_1d"] = frames["bars_1d"].filter(~away)
    return MemoryTables(frames, meta={n: tiny_store.meta(n) for n in frames})


def test_the_table_holds_the_values_of_evaluate_where_an_asset_is_listed(
    tiny_store, market, tmp_path
):
    table(tiny_store, FORMULAS, tmp_path / "f.parquet")
    frame = pl.read_parquet(tmp_path / "f.parquet")
    listed = market["listing_age"].values >= 0
    row, column = np.nonzero(listed)
    assert frame.columns == ["date", "asset", *FORMULAS]
    assert frame["date"].to_numpy().tolist() == market.dates.values[row].tolist()
    assert frame["asset"].to_list() == [market.assets.values[c] for c in column]
    for name, panel in evaluate(FORMULAS, market).items():
        found = frame[name].to_numpy()
        assert frame[name].dtype == pl.Float32
        np.testing.assert_array_equal(found, panel.values[listed])
        assert frame[name].null_count() == np.isnan(panel.values[listed]).sum()
    assert frame["trend"].null_count() > 0


def test_rows_are_sorted_by_date_and_then_by_asset(tiny_store, tmp_path):
    table(tiny_store, FORMULAS, tmp_path / "f.parquet")
    frame = pl.read_parquet(tmp_path / "f.parquet").select("date", "asset")
    assert frame.equals(frame.sort("date", "asset"))


def test_pandas_reads_dates_names_and_numbers(tiny_store, tmp_path):
    table(tiny_store, FORMULAS, tmp_path / "f.parquet", dtype="float64")
    frame = pd.read_parquet(tmp_path / "f.parquet")
    assert isinstance(frame["asset"].iloc[0], str)
    assert not isinstance(frame["asset"].dtype, pd.CategoricalDtype)
    assert str(frame["date"].iloc[0]) == "2018-01-02"
    assert frame["trend"].dtype == np.float64
    assert frame["trend"].isna().sum() > 0


def test_the_file_says_of_what_it_is_made(tiny_store, tmp_path):
    import json

    table(tiny_store, {"x": "close"}, tmp_path / "f.parquet")
    facts = json.loads(pq.read_schema(tmp_path / "f.parquet").metadata[b"superhet"])
    assert facts["snapshot"] == tiny_store.snapshot
    assert facts["factors"]["x"] == {
        "formula": "close", "syntax": "superhet", "convention": "superhet",
    }  # fmt: skip


def test_announcements_are_carried_to_the_next_while_an_asset_is_listed(
    tiny_store, market, tmp_path
):
    table(tiny_store, {"surprise": "sue(net_profit)"}, tmp_path / "f.parquet", dtype="float64")
    events = evaluate({"x": "sue(net_profit)"}, market, dtype="float64")["x"].values
    listed = market["listing_age"].values >= 0
    found = pl.read_parquet(tmp_path / "f.parquet")["surprise"].to_numpy()
    np.testing.assert_array_equal(found, carry_forward(events)[listed])
    assert np.isnan(events[listed]).mean() > 0.9


@pytest.mark.parametrize("formula", LONG_MEMORY)
def test_a_later_start_changes_no_bit(formula, held, tmp_path):
    """Whatever a value remembers: years of suspension, running sums, earlier statements."""
    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    table(held, {"x": formula}, whole, dtype="float64")
    frame = pl.read_parquet(whole)
    days = frame["date"].unique().sort()
    for first, last in ((1, 20), (130, 303), (230, 231), (295, 303)):
        table(
            held, {"x": formula}, part, dtype="float64", start=str(days[first]), end=str(days[last])
        )
        wanted = frame.filter(pl.col("date").is_between(days[first], days[last]))
        found = pl.read_parquet(part)
        assert found.select("date", "asset").equals(wanted.select("date", "asset"))
        assert found["x"].to_numpy().tobytes() == wanted["x"].to_numpy().tobytes(), days[first]


def test_neither_memory_nor_threads_change_a_bit(tiny_store, tmp_path, monkeypatch):
    table(tiny_store, FORMULAS, tmp_path / "a.parquet")
    monkeypatch.setattr(factor_rows, "_ROWS", 500)
    table(tiny_store, FORMULAS, tmp_path / "b.parquet", budget=1, threads=2)
    assert pl.read_parquet(tmp_path / "a.parquet").equals(pl.read_parquet(tmp_path / "b.parquet"))
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 1
    assert pq.ParquetFile(tmp_path / "b.parquet").num_row_groups > 30


@pytest.mark.parametrize("before", [None, b"an earlier table"])
def test_an_interrupted_table_leaves_everything_as_it_was(before, tiny_store, tmp_path):
    out = tmp_path / "f.parquet"
    if before:
        out.write_bytes(before)

    def interrupted(done: int, total: int, label: str) -> None:
        if label == "computing" and done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        table(tiny_store, FORMULAS, out, budget=1, progress=interrupted)
    assert [p.name for p in tmp_path.iterdir()] == (["f.parquet"] if before else [])
    assert not before or out.read_bytes() == before


def test_a_full_disk_leaves_everything_as_it_was(tiny_store, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(factor_rows._ParquetRows, "put", full)
    with pytest.raises(DiskFull, match="no room left to write f.parquet; nothing was written"):
        table(tiny_store, FORMULAS, tmp_path / "f.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file(tiny_store, tmp_path):
    with pytest.raises(ConfigError, match="--out: .* is a folder; name a file in it"):
        table(tiny_store, FORMULAS, tmp_path)


def test_a_summary_counts_what_the_table_holds(tiny_store, tmp_path):
    found = table(tiny_store, FORMULAS, tmp_path / "f.parquet", start="2018-06-01")
    frame = pl.read_parquet(tmp_path / "f.parquet")
    assert (found.rows, found.dates) == (frame.height, frame["date"].n_unique())
    assert found.assets == frame["asset"].n_unique()
    assert (found.first_date, found.last_date) == ("2018-06-01", str(frame["date"].max()))
    for factor in found.factors:
        column = frame.drop_nulls(factor.name)
        assert factor.coverage == pytest.approx(column.height / frame.height)
        assert factor.first_date == str(column["date"].min())
        assert factor.last_date == str(column["date"].max())
    assert [f.lookback for f in found.factors] == [4, 9, 2, 0]
    assert found.last is None


def test_values_of_the_last_date_stand_in_the_summary_of_a_single_formula(tiny_store, market):
    found = table(tiny_store, ["close"])
    wanted = evaluate({"x": "close"}, market)["x"].values[-1]
    listed = market["listing_age"].values[-1] >= 0
    assert list(found.last) == [a for a, k in zip(market.assets.values, listed, strict=True) if k]
    np.testing.assert_array_equal(list(found.last.values()), wanted[listed])


@pytest.mark.parametrize(
    ("formula", "kind", "known"),
    [
        ("1 / (volume - volume)", "division_by_zero", "volume"),
        ("close / (volume - volume)", "division_by_zero", "volume"),
        ("ts_return(volume - volume, 1)", "division_by_zero", "ts_lag(volume, 1) * volume"),
        ("(close - close) ^ -1", "division_by_zero", "close"),
        ("log(close - close)", "log_of_non_positive", "close"),
        ("ts_mean(sqrt(-close), 3)", "root_of_negative", "close"),
        ("(-close) ^ 0.5", "root_of_negative", "close"),
    ],
)
@pytest.mark.parametrize("convention", ["superhet", "qlib", "pandas"])
def test_operations_without_an_answer_are_counted(formula, kind, known, convention, tiny_store):
    choice = FactorChoice(formulas=[formula, known], convention=convention)
    doubtful, fine = factor_table(tiny_store, choice, MarketChoice()).factors
    rows = factor_table(tiny_store, choice, MarketChoice()).rows
    assert doubtful.undefined == {kind: round(fine.coverage * rows)}
    assert doubtful.undefined[kind] > 0
    assert fine.undefined == {}


def test_sound_operations_are_counted_as_sound(tiny_store):
    (factor,) = table(tiny_store, ["log(returns + 2) / (high - low + 1)"]).factors
    assert factor.undefined == {"division_by_zero": 0, "log_of_non_positive": 0}


@pytest.mark.parametrize(
    "formula",
    [
        "log(close) / ts_mean(close, 5) + sqrt(volume) / (volume + 1e-12)",
        "returns / ts_sum(abs(ts_delta(close, 1)) + 0.01, 5) + close ^ -0.5",
        "sqrt(ts_std(returns, 5)) / exp(returns) + log(maximum(returns, 0.1))",
        "1 / (ts_lag(close, 1) * (high + low) / 2)",
    ],
)
def test_operations_that_cannot_fail_are_not_looked_at(formula):
    assert undefined(parse(formula)) == {}


@pytest.mark.parametrize(
    "formula",
    [
        "1 / volume", "log(volume)", "sqrt(returns)", "log(close - 1)", "1 / (high - low)",
        "1 / ts_std(close, 5)", "1 / (returns + 1e-12)", "log(minimum(returns, 1))", "1 / -close",
        "log(volume * 2)", "1 / (volume / close)", "returns ^ 0.5", "1 / cs_rank(close)",
    ],
)  # fmt: skip
def test_operations_that_may_fail_are_looked_at(formula):
    assert sum(map(len, undefined(parse(formula)).values())) == 1


def test_a_library_is_written_under_its_own_convention(tiny_store, market, tmp_path):
    picked = ["MA5", "CORD20", "IMAX10"]
    choice = FactorChoice(library="alpha158", pick=picked)
    found = factor_table(tiny_store, choice, MarketChoice(), out=tmp_path / "f.parquet")
    assert [(f.name, f.convention) for f in found.factors] == [(n, "qlib") for n in picked]
    formulas = {f.name: f for f in library("alpha158") if f.name in picked}
    frame, listed = pl.read_parquet(tmp_path / "f.parquet"), market["listing_age"].values >= 0
    for name, panel in evaluate(formulas, market).items():
        np.testing.assert_array_equal(frame[name].to_numpy(), panel.values[listed])


def test_a_named_convention_takes_the_place_of_the_librarys(tiny_store):
    choice = FactorChoice(library="alpha158", pick=["MA5"], convention="pandas")
    (factor,) = factor_table(tiny_store, choice, MarketChoice()).factors
    own = FactorChoice(library="alpha158", pick=["MA5"])
    (before,) = factor_table(tiny_store, own, MarketChoice()).factors
    assert factor.convention == "pandas"
    assert factor.coverage < before.coverage, "all rows of a window are needed, instead of one"


def test_cross_sections_of_everyone_count_the_young_and_the_suspended(tiny_store, tmp_path):
    """An asset listed yesterday is ranked either way, but takes part in the ranking only here."""
    table(tiny_store, {"x": "cs_mean(market_cap)"}, tmp_path / "a.parquet", dtype="float64")
    table(
        tiny_store, {"x": "cs_mean(market_cap)"}, tmp_path / "b.parquet", dtype="float64",
        everyone=True,
    )  # fmt: skip
    market = load_market(tiny_store)
    cap, listed = market["market_cap"].values, market["listing_age"].values >= 0
    means = np.nanmean(np.where(listed, cap, np.nan), axis=1)
    frames = [pl.read_parquet(tmp_path / f"{n}.parquet").unique("date").sort("date") for n in "ab"]
    np.testing.assert_allclose(frames[1]["x"].to_numpy(), means, rtol=1e-12)
    inside = market.universe.estimable.values
    with np.errstate(invalid="ignore"):
        wanted = np.where(inside, np.nan_to_num(cap), 0).sum(axis=1) / inside.sum(axis=1)
    np.testing.assert_allclose(frames[0]["x"].to_numpy(), wanted, rtol=1e-12)


def test_data_without_share_counts_or_industries_can_be_evaluated(tiny_store):
    frames = {n: tiny_store.read(n) for n in ("bars_1d", "securities", "calendar")}
    frames["bars_1d"] = frames["bars_1d"].drop("float_shares", "total_shares", strict=False)
    found = table(MemoryTables(frames), ["cs_rank(returns)", "size"])
    assert [f.coverage > 0.8 for f in found.factors] == [True, True]


def test_a_look_back_longer_than_the_data_is_said(tiny_store):
    found = table(tiny_store, {"long": "ts_lag(close, 400)", "half": "ts_mean(close, 400)"})
    assert found.warnings == [
        "long: looks back 400 sessions, and there are 304; it has no value on any date",
        "half: looks back 399 sessions, and there are 304; "
        f"its first value is on {found.factors[1].first_date}",
    ]
    assert found.factors[1].first_date > "2018-10"
