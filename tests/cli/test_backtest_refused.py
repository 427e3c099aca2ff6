"""`superhet backtest`: what cannot be traded is said in one paragraph, with what would mend it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from books import book_of
from refused import assert_refused

from superhet.pipeline.backtest_market import whole_market

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def market(tiny_store):
    return whole_market(tiny_store)


@pytest.fixture(scope="module")
def frame(market):
    return book_of(market)


@pytest.fixture
def refused(command, tiny_store, tmp_path, frame):
    """Run the command on changed weights and look at its refusal."""

    def run(message, *more, weights=None, store=None):
        path = tmp_path / "w.parquet"
        (frame if weights is None else weights).write_parquet(path)
        out = tmp_path / "out"
        done = command(
            "backtest", "--weights", path, "--store", store or tiny_store.path, "--out", out, "--quiet",
            "--language", "none", *more,
        )  # fmt: skip
        assert_refused(done, message)
        assert not (out / "native").exists()

    return run


def test_unknown_assets_are_named_with_near_misses(refused, frame):
    first = frame["asset"][0]
    bare = frame.with_columns(pl.col("asset").str.replace(first, first.split(".")[0], literal=True))
    refused(
        rf"an asset that the store does not know: {first.split('.')[0]} \(did you mean {first}\?\)",
        weights=bare,
    )
    gone = frame.with_columns(asset=pl.lit("999999.XX") + pl.col("asset"))
    refused("12 assets that the store does not know: .* and 9 others", weights=gone)


def test_weights_on_no_session_name_the_nearest(refused, frame, market):
    day = frame["date"][0]
    moved = frame.with_columns(
        pl.when(pl.col("date") == day).then(pl.lit("2018-04-07").str.to_date()).otherwise("date")
        .alias("date")
    )  # fmt: skip
    sessions = market.dates.days[market.dates.days > np.datetime64("2018-04-07")]
    refused(rf"2018-04-07 \(nearest: 2018-04-0\d and {sessions[0]}\)", weights=moved)


def test_gross_above_the_margin_names_the_worst_date(refused, frame):
    day = frame["date"].unique().sort()[2]
    doubled = frame.with_columns(
        pl.when(pl.col("date") == day)
        .then(3.0 * pl.col("weight"))
        .otherwise("weight")
        .alias("weight")
    )
    refused(
        rf"--max-gross: the weights of {day} have gross 2.700, more than 2.1; 1 of 16 decisions",
        weights=doubled,
    )


def test_infinite_weights_are_refused(refused, frame):
    refused(
        "row 0, column 'weight': the weight of .* is infinite",
        weights=frame.with_columns(
            pl.when(pl.int_range(pl.len()) == 0).then(float("inf")).otherwise("weight")
            .alias("weight")
        ),
    )  # fmt: skip


def test_nothing_but_nan_is_refused(refused, frame):
    refused("every weight is NaN", weights=frame.with_columns(weight=pl.lit(float("nan"))))


def test_nothing_but_zero_is_refused(refused, frame):
    refused("every weight is 0", weights=frame.with_columns(weight=pl.lit(0.0)))


def test_a_row_that_stands_twice_is_refused_and_strategies_are_offered(refused, frame):
    refused(
        "stands more than once; 2 rows .* several strategies needs a column 'strategy'",
        weights=pl.concat([frame, frame[:1]]),
    )


def test_a_missing_column_is_named_with_what_is_there(refused, frame):
    refused(
        "no column 'weight'; the file has date, asset, w", weights=frame.rename({"weight": "w"})
    )
    refused("no column 'date'", weights=frame.rename({"date": "day"}))


def test_times_of_day_and_words_are_no_dates(refused, frame):
    noon = frame.with_columns(pl.col("date").cast(pl.Datetime) + pl.duration(hours=12))
    refused("is a time of day", weights=noon)
    words = frame.with_columns(date=pl.lit("yesterday"))
    refused("'yesterday' is no date like 2018-01-31", weights=words)


def test_capital_too_small_for_one_lot_says_how_much_is_needed(refused):
    refused(
        "--capital: 100 is too small for one lot of any asset: .* and 9 others.* "
        r"the cheapest lot needs a capital of [\d,]+, one lot of each of them [\d,]+",
        "--capital",
        "100",
    )


def test_capital_too_small_for_some_is_a_fact(command, tiny_store, tmp_path, frame):
    frame.write_parquet(tmp_path / "w.parquet")
    done = command(
        "backtest", "--weights", tmp_path / "w.parquet", "--store", tiny_store.path, "--out",
        tmp_path / "out", "--capital", "20000", "--quiet", "--language", "none",
    )  # fmt: skip
    assert done.code == 0, done
    assert "is too small for one lot of" in done.out
    assert "would reach them all" in done.out


REFUSED = {
    "engine": (("--engine", "nativ"), "--engine: unknown engine 'nativ'; did you mean 'native'"),
    "no engine": (("--engine", ","), "--engine: name one of"),
    "rules": (("--rules", "asher"), "--rules: unknown market rules 'asher'; did you mean 'ashare'"),
    "fill": (("--fill", "noon"), "--fill: expected open, close, vwap, or a window"),
    "participation": (("--participation", "much"), "--participation: expected a number"),
    "too much": (("--participation", "2"), "--participation: must be at most 1"),
    "cash": (("--cash", "beg"), "--cash: must be 'cut', 'scale', 'refuse' or 'borrow'"),
    "capital": (("--capital", "-1"), "--capital: must be above 0"),
    "cost": (("--cost", "slip=1"), "--cost: unknown key 'slip'"),
    "cost form": (("--cost", "slippage"), "--cost: write NAME=VALUE"),
    "part": (("--set", "frictions.impct=1"), "--set frictions: unknown key 'impct'"),
    "no part": (("--set", "retry.x=1"), "--set retry: "),
    "one value": (("--set", "a=1", "--set", "a.b=1"), "--set: a.b=1: a is one value"),
    "setting": (("--set", "retri=1"), "--set: unknown setting of an engine 'retri'; did you mean 'retry'"),
    "sweep": (("--sweep", "size"), "--sweep: unknown sweep 'size'"),
    "language": (("--language", "fr"), "--language: expected en, zh, both or none"),
    "start": (("--start", "soon"), "--start: must be a date like"),
    "order": (("--start", "2019-01-01", "--end", "2018-01-01"), "--start: lies after --end"),
    "late": (("--start", "2019-03-01"), "decides from .*; nothing is left between 2019-03-01"),
    "benchmark": (("--benchmark", "SIN"), "--benchmark: unknown benchmark 'SIN'; did you mean 'SIM'"),
    "minutes": (("--fill", "vwap 09:35-10:30 7min"), "--frequency: unknown bar frequency '7min'"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_wrong_option_is_named(case, refused):
    more, message = REFUSED[case]
    refused(message, *more)


def test_files_that_are_not_there_or_no_parquet(command, tiny_store, tmp_path, refused):
    rest = ("--store", tiny_store.path, "--out", tmp_path / "o", "--quiet")
    missing = command("backtest", "--weights", tmp_path / "none.parquet", *rest)
    assert_refused(missing, "--weights: .*none.parquet: no such file")
    (tmp_path / "text.parquet").write_text("date,asset,weight\n")
    broken = command("backtest", "--weights", tmp_path / "text.parquet", *rest)
    assert_refused(broken, "cannot be read as Parquet")
    refused("there is no store here", store=tmp_path / "nowhere")


def test_a_run_or_weights_must_be_named(command, tmp_path, tiny_store):
    out = ("--out", tmp_path / "o")
    assert_refused(command("backtest", *out), "give either a run folder, or --weights")
    assert_refused(command("backtest", tmp_path, *out), "no run of a study")
    assert_refused(command("backtest", tmp_path / "gone", *out), "there is no such folder")
    assert_refused(command("backtest", "--weights", "w.parquet", *out), "--store: is required")
    bare = command("backtest", "--weights", "w.parquet", "--store", tiny_store.path)
    assert_refused(bare, "--out: is required")


def test_going_on_with_other_decisions_or_settings_is_refused(command, tiny_store, tmp_path, frame):
    dates = frame["date"].unique().sort()
    path = tmp_path / "w.parquet"
    rest = (
        "--store", tiny_store.path, "--out", tmp_path / "o", "--quiet", "--language", "none",
    )  # fmt: skip
    frame.filter(pl.col("date") <= dates[5]).write_parquet(path)
    assert command("backtest", "--weights", path, *rest, "--end", dates[5]).code == 0
    frame.with_columns(pl.col("weight") * 0.9).write_parquet(path)
    other = command("backtest", "--weights", path, *rest, "--resume")
    assert_refused(other, "--resume: the decisions until .* are not those")
    frame.write_parquet(path)
    changed = command("backtest", "--weights", path, *rest, "--resume", "--capital", "3e7")
    assert_refused(changed, "--resume: .* with other settings")
    fewer = frame.filter(pl.col("asset") != frame["asset"][0])
    fewer.write_parquet(path)
    assert_refused(command("backtest", "--weights", path, *rest, "--resume"), "--resume: ")
