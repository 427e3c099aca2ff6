"""`superhet factor report`: what it refuses, in one paragraph that says what, where and how to mend it."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from refused import assert_refused

from superhet.data import Store
from superhet.data.base import MemoryTables
from superhet.errors import ConfigError, InputError
from superhet.pipeline.factor_choice import FactorChoice
from superhet.pipeline.factor_market import MarketChoice
from superhet.pipeline.factor_report import Wanted, factor_report
from superhet.pipeline.factor_report_options import ReportOptions

REFUSED = {
    "nothing": ((), r"give formulas, --library or --factor-file"),
    "both": (
        ("close", "--factor-file", "f.parquet"),
        r"--factor-file: gives values instead of formulas",
    ),
    "constant": (
        ("close * 0",),
        r"close \* 0: is constant: on every date all assets have the same value",
    ),
    "all NaN": (("log(0 - close)",), r"has no value on any date of the period \(all NaN\)"),
    "longer than the data": (
        ("close", "--horizon", "400"),
        r"--horizon: 400 sessions after a delay of 1 need more than \d+ sessions from 20",
    ),
    "a horizon twice": (
        ("close", "--horizon", "5", "--horizon", "5"),
        r"--horizon: 5 is given twice",
    ),
    "no horizon": (("close", "--horizon", "0"), r"--horizon: must be at least 1 session \(got 0\)"),
    "the same formula twice": (
        ("close", "close"),
        r"--name: the column name 'close' is used twice",
    ),
    "the same formula under two names": (
        ("close", "close * 1", "--name", "a", "--name", "a"),
        r"--name: the column name 'a' is used twice",
    ),
    "twins": (
        ("ts_mean(close,5)", "ts_mean(close, 5)"),
        r"'ts_mean\(close,5\)' and 'ts_mean\(close, 5\)' are the same formula",
    ),
    "a name that is none": (("MA55",), r"unknown formula 'MA55'; did you mean"),
    "bars that are not a day": (
        ("bar_delta(close, 1)",),
        r"one value a bar; reduce it to the day with bar_",
    ),
    "look-ahead": (("ts_lag(close, -1)",), r"ts_lag\(close, -1\) reads the future"),
    "same-day open": (("close", "--delay", "0"), r"--delay: must be at least 1 session \(got 0\)"),
    "unknown entry": (
        ("close", "--entry", "opne"),
        r"--entry: unknown entry 'opne'; did you mean 'open'",
    ),
    "window without vwap": (("close", "--window", "09:30-10:00"), r"--window: .* add --entry vwap"),
    "half a window": (
        ("close", "--entry", "vwap", "--window", "09:30"),
        r"--window: must be a part of the day",
    ),
    "unknown universe": (
        ("close", "--universe", "000300.SH"),
        r"--universe: unknown index '000300.SH'",
    ),
    "unknown benchmark": (
        ("close", "--benchmark", "000300.SH"),
        r"--benchmark: unknown benchmark '000300.SH'",
    ),
    "unknown exposure": (
        ("close", "--neutral", "indutsry"),
        r"--neutral: unknown exposure 'indutsry'; did you mean",
    ),
    "cost in basis points": (
        ("close", "--cost", "10"),
        r"--cost: is a fraction of the value traded, 0.001 is 10 bp",
    ),
    "one quantile": (("close", "--quantiles", "1"), r"--quantiles: must be 2 to 20 \(got 1\)"),
    "unknown language": (("close", "--language", "fr"), r"--language: unknown language 'fr'"),
    "no session": (
        ("close", "--start", "2050-01-01"),
        r"--start: no session of the data lies between",
    ),
    "no file": (
        ("--factor-file", "nowhere.parquet"),
        r"--factor-file: nowhere.parquet: no such file",
    ),
    "no library of mine": (
        ("close", "--library-of-mine", "nothing.toml"),
        r"nothing.toml: no such library",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said(command, tiny_store, tmp_path, arguments, message):
    done = command(
        "factor", "report", *arguments, "--store", tiny_store.path, "--out", tmp_path / "r", "-q"
    )
    assert_refused(done, message)
    assert not (tmp_path / "r" / "index.html").exists()


@pytest.fixture(scope="session")
def closes(tiny_store):
    """Rows date, asset, close of the tiny store."""
    return Store.open(tiny_store.path).read("bars_1d", columns=["date", "asset", "close"])


def _next_return():
    later = pl.col("close").shift(-1).over("asset", order_by="date")
    return later / pl.col("close") - 1.0


def _at(hour):
    return pl.col("date").cast(pl.Datetime) + datetime.timedelta(hours=hour)


FILES = {
    "a return of the future": (
        lambda f: f.select("date", "asset", tomorrow=_next_return()),
        r"column 'tomorrow' looks ahead: its mean RankIC with the return from the close of t to that of t\+1 "
        r"is \+(1.000|0.9\d\d) on [\d,]+ dates",
    ),
    "the same, turned": (
        lambda f: f.select("date", "asset", x=-_next_return().rank()),
        r"column 'x' looks ahead",
    ),
    "times of day": (
        lambda f: f.with_columns(date=_at(10)),
        r"row 0, column 'date': .* is a time of day: [\d,]+ rows are not daily.*bar_ function",
    ),
    "rows twice": (
        lambda f: pl.concat([f, f.head(1)]),
        r"stands 2 times \(rows 0, \d+\); 2 rows are not one a day and asset",
    ),
    "an unknown asset": (
        lambda f: f.with_columns(asset=pl.lit("X") + pl.col("asset")),
        r"column 'asset': the store does not know X\d+.* and \d+ others: [\d,]+ rows \(row 0, 1, 2 …\)",
    ),
    "no session": (
        lambda f: pl.concat(
            [f, f.filter(pl.col("date") == f["date"][0]).with_columns(date=pl.lit(_saturday(f)))]
        ),
        r"column 'date': the calendar of the store has no session on 20\d\d-\d\d-\d\d: \d+ rows",
    ),
    "words": (
        lambda f: f.with_columns(close=pl.lit("high")),
        r"column 'close': holds String, not numbers",
    ),
    "no date": (
        lambda f: f.drop("date"),
        r"column 'date': there is no column 'date'; the file has asset, close",
    ),
    "no factor": (lambda f: f.drop("close"), r"there is no factor beside date and asset"),
    "a date that is none": (
        lambda f: f.with_columns(date=pl.lit("31.01.2018")),
        r"row 0, column 'date': '31.01.2018' is no date like 2018-01-31",
    ),
    "another period": (
        lambda f: f.with_columns(date=pl.col("date").dt.offset_by("60y")),
        r"no row lies between 20\d\d-.* the period of the store",
    ),
}


def _saturday(frame):
    days = set(frame["date"].to_list())
    first = min(days)
    return next(d for n in range(1, 20) if (d := first + datetime.timedelta(days=n)) not in days)


@pytest.mark.parametrize(("make", "message"), FILES.values(), ids=FILES)
def test_a_file_is_refused_with_the_rows(command, tiny_store, closes, tmp_path, make, message):
    path = tmp_path / "f.parquet"
    make(closes).write_parquet(path)
    done = command(
        "factor",
        "report",
        "--factor-file",
        path,
        "--store",
        tiny_store.path,
        "--out",
        tmp_path / "r",
        "-q",
    )
    assert_refused(done, message)


def test_a_past_return_in_a_file_is_no_look_ahead(command, tiny_store, closes, tmp_path):
    before = pl.col("close").shift(1).over("asset", order_by="date")
    path = tmp_path / "f.parquet"
    closes.select("date", "asset", yesterday=pl.col("close") / before - 1.0).write_parquet(path)
    done = command(
        "factor",
        "report",
        "--factor-file",
        path,
        "--store",
        tiny_store.path,
        "--out",
        tmp_path / "r",
        "-q",
    )
    assert done.code == 0, done.err


def test_unknown_rules_are_refused_with_what_was_meant(command, tiny_store, tmp_path):
    rules = tmp_path / "rules.yaml"
    for text, message in {
        "net_shrape: 1": r"rules.yaml: unknown rule 'net_shrape'; did you mean 'net_sharpe'",
        "rank_ic: high": r"rules.yaml: rank_ic: must be a number, \[low, high\] or off \(got 'high'\)",
        "turnover: 0.5": r"rules.yaml: turnover: needs \[low, high\]",
        "- rank_ic": r"must be a list of `rule: threshold`",
    }.items():
        rules.write_text(text)
        done = command(
            "factor",
            "report",
            "close",
            "--checks",
            rules,
            "--store",
            tiny_store.path,
            "--out",
            tmp_path / "r",
            "-q",
        )
        assert_refused(done, message)


def _report(tables, out, **options):
    wanted = Wanted(
        choice=FactorChoice(formulas=["close"]),
        file=None,
        market=MarketChoice(benchmark=options.pop("benchmark", None)),
        options=ReportOptions(horizons=(1,), **options),
    )
    return factor_report(tables, wanted, out)


def test_one_asset_is_no_cross_section(tiny_store, tmp_path):
    store = Store.open(tiny_store.path)
    asset = store.read("securities")["asset"][0]
    frames = {n: store.read(n).filter(pl.col("asset") == asset) for n in ("bars_1d", "securities")}
    tables = MemoryTables({**frames, "calendar": store.read("calendar")})
    with pytest.raises(
        ConfigError, match="--universe: 5 quantiles need at least 5 assets a date; on no date"
    ):
        _report(tables, tmp_path)


def test_a_benchmark_must_cover_the_dates_it_is_measured_over(tiny_store, tmp_path):
    store = Store.open(tiny_store.path)
    frames = {n: store.read(n) for n in ("bars_1d", "securities", "calendar", "index_bars")}
    days = frames["index_bars"]["date"].unique().sort()
    frames["index_bars"] = frames["index_bars"].filter(pl.col("date") >= days[50])
    tables = MemoryTables(frames)
    with pytest.raises(
        InputError, match=f"SIM has no return on .* it is known from {days[51]} to {days[-1]}"
    ):
        _report(tables, tmp_path / "a", benchmark="SIM", relative_to="benchmark")
    board = _report(
        tables, tmp_path / "b", benchmark="SIM"
    )  # not measured over it: said, not refused
    assert "benchmark_gaps" in [n["code"] for n in board.studies[0].notes]
