"""`superhet factor report` and `compare`: the contract, the numbers, the same bytes, interruptions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from superhet.data import Store
from superhet.evaluation import forward_returns, information, quantile_portfolios
from superhet.factors import evaluate
from superhet.pipeline import factor_report as pipeline
from superhet.pipeline.factor_market import MarketChoice, market_for

REVERSAL, SIZE = "-ts_return(close, 5)", "log(market_cap)"
CONTRACT = ["name", "rank_ic", "ic", "decay", "half_life", "quantiles", "long_short", "coverage"]


@pytest.fixture(scope="session")
def judge(command, tiny_store):
    """Judge formulas into a folder; gives the JSON printed."""

    def run(out, *arguments, what="report", code=0):
        done = command(
            "factor",
            what,
            *arguments,
            "--store",
            tiny_store.path,
            "--out",
            out,
            "--horizon",
            5,
            "--horizon",
            1,
            "-q",
            "--json",
        )
        assert done.code == code, done.err
        return json.loads(done.out, parse_constant=pytest.fail) if not code else done

    return run


@pytest.fixture(scope="session")
def two(judge, tmp_path_factory):
    """A report of two factors in both languages: folder and JSON."""
    out = tmp_path_factory.mktemp("reports") / "two"
    return out, judge(
        out, REVERSAL, SIZE, "--name", "reversal", "--name", "size", "--language", "both"
    )


@pytest.fixture(scope="session")
def tiny_daily(tiny_store):
    """The market of the tiny store as a report sees it."""
    return market_for([], Store.open(tiny_store.path), MarketChoice(classified=True))[0]


def test_the_json_of_a_factor_keeps_the_contract(two):
    _, found = two
    for factor in found:
        assert list(factor)[: len(CONTRACT) + 1] == [*CONTRACT, "checks"]
        assert {"mean", "std", "icir", "t_nw", "ci95", "by_year"} <= set(factor["rank_ic"])
        assert {"mean", "std", "icir", "t_nw", "ci95", "by_year"} <= set(factor["ic"])
        assert len(factor["decay"]) == 60
        assert {"returns", "turnover", "spread"} <= set(factor["quantiles"])
        assert len(factor["quantiles"]["returns"]) == len(factor["quantiles"]["turnover"]) == 5
        assert all({"rule", "value", "threshold", "pass"} <= set(c) for c in factor["checks"])
    assert [f["name"] for f in found] == ["reversal", "size"]


def test_one_factor_is_an_object_and_several_are_a_list(judge, two, tmp_path):
    alone = judge(tmp_path / "one", SIZE, "--name", "size")
    assert isinstance(alone, dict)
    assert isinstance(two[1], list)
    assert alone["rank_ic"] == two[1][1]["rank_ic"]


def test_the_numbers_are_those_of_the_evaluation_room(two, tiny_daily):
    market = tiny_daily
    signal = evaluate({"size": SIZE}, market)["size"]
    member = market.universe.member.values
    signal = signal.with_values(np.where(member, signal.values, np.nan).astype(np.float64))
    forward = forward_returns(market, horizon=5, delay=1, entry="open")
    forward = forward.with_values(np.where(member, forward.values, np.nan))
    size = two[1][1]
    expected = information(signal, forward, 5)
    assert size["rank_ic"]["mean"] == pytest.approx(expected.rank.mean, abs=1e-12)
    assert size["rank_ic"]["t_nw"] == pytest.approx(expected.rank.t, rel=1e-9)
    assert size["ic"]["mean"] == pytest.approx(expected.linear.mean, abs=1e-12)
    assert size["coverage"] == pytest.approx(expected.mean_coverage, abs=1e-12)
    held = quantile_portfolios(signal, market, quantiles=5, holding=5, delay=1, cost=0.001)
    net = held.performance(held.long_short_net)
    assert size["long_short"]["net"]["sharpe"] == pytest.approx(net.sharpe, rel=1e-9)


def test_decay_begins_with_the_first_session_that_can_be_traded(two, tiny_daily):
    size, market = two[1][1], tiny_daily
    signal = evaluate({"size": SIZE}, market)["size"]
    member = market.universe.member.values
    signal = signal.with_values(np.where(member, signal.values, np.nan).astype(np.float64))
    for lag in (1, 7):
        forward = forward_returns(market, horizon=1, delay=lag, entry="open")
        forward = forward.with_values(np.where(member, forward.values, np.nan))
        expected = information(signal, forward, 1).rank.mean
        at = size["decay_table"]["lags"].index(lag)
        # members of the signal's date there, of the return's date here: a few new listings apart
        assert size["decay"][at] == pytest.approx(expected, abs=2e-3)


def test_a_factor_turned_round_turns_its_numbers_and_nothing_is_flipped_unsaid(
    judge, two, tmp_path
):
    plain = two[1][0]
    turned = judge(tmp_path / "turned", "ts_return(close, 5)", "--name", "turned")
    assert turned["direction"] == -plain["direction"]
    assert turned["rank_ic"]["mean"] == pytest.approx(-plain["rank_ic"]["mean"], abs=1e-9)
    gross, other = plain["long_short"]["gross"], turned["long_short"]["gross"]
    assert other["sharpe"] == pytest.approx(-gross["sharpe"], rel=1e-6)
    for key in ("gross_sharpe", "net_sharpe"):
        assert turned["long_short"]["directed"][key] == pytest.approx(
            plain["long_short"]["directed"][key], rel=1e-6
        )


def test_the_same_input_gives_the_same_bytes_and_resume_computes_nothing_again(
    judge, two, tmp_path, monkeypatch
):
    out, _ = two
    arguments = (REVERSAL, SIZE, "--name", "reversal", "--name", "size", "--language", "both")
    again = tmp_path / "again"
    judge(again, *arguments)
    names = sorted(p.relative_to(out) for p in out.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for name in names:
        assert (out / name).read_bytes() == (again / name).read_bytes(), name
    monkeypatch.setattr(pipeline, "measured", lambda *_: pytest.fail("computed again"))
    judge(again, *arguments, "--resume")
    assert (out / "index.html").read_bytes() == (again / "index.html").read_bytes()


def test_an_interrupted_report_keeps_finished_factors(
    command, judge, tiny_store, tmp_path, monkeypatch
):
    whole, calls = pipeline.measured, []

    def stopped(signal, *rest):
        calls.append(signal.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(signal, *rest)

    monkeypatch.setattr(pipeline, "measured", stopped)
    done = judge(tmp_path / "r", REVERSAL, SIZE, code=130)
    assert "finished factors are kept" in done.err
    assert len(list((tmp_path / "r" / "factors").glob("*.json"))) == 1
    assert not list((tmp_path / "r").glob("*.html"))
    found = judge(tmp_path / "r", REVERSAL, SIZE, "--resume")
    assert calls == [REVERSAL, SIZE, SIZE]
    assert [f["name"] for f in found] == [REVERSAL, SIZE]


def test_the_report_file_holds_every_series_that_is_drawn(two):
    out, _ = two
    report = json.loads((out / "report.json").read_text())
    for factor in report["factors"]:
        dates = len(factor["series"]["date"])
        for name in ("rank_ic", "coverage", "long_short_nav_net", "autocorrelation", "spread"):
            assert len(factor["series"][name]) == dates, name
    assert report["correlation"]["names"]
    assert {"spa_p", "white_p", "overfitting", "best"} <= set(report["significance"])


def test_more_trials_leave_less(judge, two, tmp_path):
    few = two[1][0]
    many = judge(tmp_path / "many", REVERSAL, "--name", "reversal", "--trials", 1000)
    assert few["significance"]["trials"] == 2
    assert many["significance"]["trials"] == 1000
    p = many["significance"]["p_nw"]
    assert many["significance"]["p_bh"] == pytest.approx(min(1.0, 1000 * p))
    assert many["significance"]["deflated_sharpe"] < few["significance"]["deflated_sharpe"]


def test_the_folder_counts_trials_and_the_same_trial_once(judge, tmp_path):
    out = tmp_path / "counted"
    first = judge(out, SIZE)
    again = judge(out, SIZE, "--resume", "--library-of-mine", "close")
    other = judge(out, "log(float_cap)")
    counts = [f["significance"]["trials"] for f in (first, again, other)]
    assert counts == [1, 1, 2]


def test_a_factor_among_ones_own_is_found_and_adds_nothing(judge, tmp_path):
    found = judge(
        tmp_path / "mine",
        SIZE,
        "--name",
        "size",
        "--library-of-mine",
        "market_cap",
        "--library-of-mine",
        "-ts_return(close, 5)",
    )
    library = found["library"]
    assert library["correlation"][0] == {"name": "market_cap", "value": pytest.approx(1.0)}
    assert library["incremental"]["count"] == 0
    check = next(c for c in found["checks"] if c["rule"] == "self_correlation")
    assert check["pass"] is False


def test_styles_explain_a_factor_that_is_one_of_them(judge, tiny_store, tmp_path):
    bars = Store.open(tiny_store.path).read("bars_1d", columns=["date", "asset", "close", "volume"])
    rows = bars.select(
        "date", "asset", size=pl.col("close").log(), noise=pl.col("volume").hash() % 97
    )
    rows.write_parquet(tmp_path / "styles.parquet")
    found = judge(tmp_path / "s", "log(raw_close)", "--styles", tmp_path / "styles.parquet")
    styles = {r["name"]: r for r in found["styles"]["rows"]}
    assert styles["size"]["exposure"] == pytest.approx(1.0, abs=1e-6)
    assert abs(styles["noise"]["exposure"]) < 0.2
    assert found["styles"]["r2"] is None or found["styles"]["r2"] > 0.999


def test_thresholds_of_ones_own_decide(judge, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("rank_ic: 0.9\ncoverage: 0.0\nturnover: [0.0, 9.0]\nbh_p: off\n")
    found = judge(tmp_path / "r", SIZE, "--checks", rules)
    checks = {c["rule"]: c for c in found["checks"]}
    assert checks["rank_ic"]["pass"] is False
    assert checks["rank_ic"]["threshold"] == 0.9
    assert checks["coverage"]["pass"] is True
    assert checks["turnover"]["threshold"] == [0.0, 9.0]
    assert "bh_p" not in checks


def test_values_of_a_file_are_judged_as_the_formula_is(judge, two, command, tiny_store, tmp_path):
    values = tmp_path / "values.parquet"
    done = command(
        "factor", "eval", SIZE, "--name", "size", "--store", tiny_store.path, "--out", values, "-q"
    )
    assert done.code == 0, done.err
    found = judge(tmp_path / "r", "--factor-file", values)
    assert found["rank_ic"]["mean"] == pytest.approx(two[1][1]["rank_ic"]["mean"], abs=1e-9)
    assert found["facts"]["file"] == "values.parquet"


def test_a_factor_that_cannot_be_judged_stands_on_the_board_with_why(
    judge, tmp_path, command, tiny_store
):
    done = command(
        "factor",
        "report",
        "close * 0",
        SIZE,
        "--name",
        "flat",
        "--name",
        "size",
        "--store",
        tiny_store.path,
        "--out",
        tmp_path / "r",
        "-q",
        "--json",
    )
    assert done.code == 0, done.err
    assert "flat: not judged (constant)" in done.err
    flat, size = json.loads(done.out)
    assert flat["refused"]["code"] == "constant"
    assert size["rank_ic"]["count"] > 0
    assert (
        "On every date all assets have the same value" in (tmp_path / "r" / "flat.html").read_text()
    )


def test_two_factors_are_compared_on_the_dates_that_both_know(judge, tmp_path):
    out = tmp_path / "c"
    judge(
        out,
        "close",
        "log(close)",
        REVERSAL,
        "--name",
        "a",
        "--name",
        "b",
        "--name",
        "c",
        what="compare",
    )
    pairs = {
        (p["left"], p["right"]): p for p in json.loads((out / "compare.json").read_text())["pairs"]
    }
    assert len(pairs) == 3
    same = pairs["a", "b"]
    assert same["signals"] == pytest.approx(1.0, abs=1e-6)
    assert same["difference"] == pytest.approx(0.0, abs=1e-6)
    assert same["left_adds"] is None
    assert abs(pairs["a", "c"]["signals"]) < 0.9
    assert Path(out / "compare.html").exists()
