"""The results cache: what is mapped, what is computed again, and that nobody can tell from the values."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from superhet.factors import OPERATORS, evaluate, parse
from superhet.factors.cache import ValueCache
from superhet.panel import Cube, Market, Panel
from superhet.testing.checks.operator import example_formula
from superhet.testing.markets import random_market

WINDOWS = {
    "mean": "ts_mean(close, 7)",
    "rank": "ts_rank(close, 30)",
    "corr": "ts_corr(close, volume, 7)",
    "std": "ts_std(close, 7)",
    "last": "ts_argmax(close, 7)",
}
OTHERS = {
    "element": "close / open - 1",
    "across": "cs_rank(ts_std(close, 20))",
    "twice": "ts_mean(cs_rank(ts_mean(cs_zscore(close), 5)), 10)",
    "group": "cs_group_zscore(ts_return(close, 5), industry)",
    "neutral": "cs_neutralize(ts_return(close, 5), industry, size)",
    "market_return": "ts_corr(returns, cs_asset(returns, '600003.SH'), 20)",
    "index": "ts_return(benchmark_close, 5)",
    "event": "sue(net_profit)",
    "carried": "cs_rank(ttm(net_profit) / market_cap)",
    "bars": "ts_mean(bar_std(close / bar_lag(close, 1) - 1), 5)",
    "mixed": "bar_sum(volume) / ts_mean(volume, 20) + ttm(revenue) / latest(equity)",
}


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(dates=150, assets=20, seed=11)


def until(market: Market, rows: int) -> Market:
    return market.until(market.dates.values[rows - 1])


def restated(market: Market, field: str, row: int) -> Market:
    values = market[field].values.copy()
    values[row, 3] *= 1.01
    return market.with_fields({field: market[field].with_values(values)})


def same(cached: Cube, market: Market, formulas: Mapping[str, Any], **how: Any) -> None:
    for name, wanted in evaluate(formulas, market, **how).items():
        found = cached[name]
        assert found.values.tobytes() == wanted.values.tobytes(), name
        assert (found.unit, found.frequency) == (wanted.unit, wanted.frequency)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[str]]]:
    """First session and formulas of everything that is computed."""
    calls: list[tuple[int, list[str]]] = []
    values = ValueCache.values

    def counted(self: ValueCache, *what: Any) -> Any:
        *facts, compute = what

        def counting(formulas: Mapping[str, Any], first: int) -> Any:
            calls.append((first, [f.text for f in formulas.values()]))
            return compute(formulas, first)

        return values(self, *facts, counting)

    monkeypatch.setattr(ValueCache, "values", counted)
    return calls


def every_operator(market: Market) -> dict[str, str]:
    """One formula of each operator that reads other rows or other assets."""
    known = [OPERATORS.get(n) for n in OPERATORS]
    return {o.name: example_formula(o, market) for o in known if o.family != "elementwise"}


@pytest.mark.parametrize(("convention", "dtype"), [("superhet", "float32"), ("qlib", "float64")])
def test_a_market_that_grows_gives_the_bytes_of_one_computation(
    market: Market, tmp_path: Path, convention: str, dtype: Any
) -> None:
    how: dict[str, Any] = {"convention": convention, "dtype": dtype, "cache": ValueCache(tmp_path)}
    formulas = every_operator(market) | OTHERS
    for rows in (127, 129):
        evaluate(formulas, until(market, rows), **how)
    cached = evaluate(formulas, market, **how)
    del how["cache"]
    same(cached, market, formulas, **how)


def test_the_same_data_are_mapped_and_nothing_is_computed(
    market: Market, tmp_path: Path, computed: list[Any]
) -> None:
    evaluate(OTHERS, market, cache=ValueCache(tmp_path))
    computed.clear()
    again = evaluate(OTHERS, market, cache=ValueCache(tmp_path))
    assert computed == []
    same(again, market, OTHERS)
    base = again["across"].values
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)


def test_a_day_more_costs_that_day_alone(
    market: Market, tmp_path: Path, computed: list[Any]
) -> None:
    for rows in (149, 150):
        evaluate(WINDOWS, until(market, rows), cache=ValueCache(tmp_path))
    assert [first for first, _ in computed] == [0, 149]
    (folder,) = {len(list(p.glob("values-*"))) for p in tmp_path.iterdir() if p.is_dir()}
    assert folder == 1


def test_a_restated_price_is_computed_again(
    market: Market, tmp_path: Path, computed: list[Any]
) -> None:
    formulas = {"price": "ts_mean(close, 5)", "volume": "ts_mean(volume, 5)"}
    evaluate(formulas, market, cache=ValueCache(tmp_path))
    changed = restated(market, "adjusted_close", 90)
    computed.clear()
    same(evaluate(formulas, changed, cache=ValueCache(tmp_path)), changed, formulas)
    ((first, names),) = computed
    assert first <= 90
    assert names == ["ts_mean(close, 5)"]
    computed.clear()
    evaluate(formulas, changed, cache=ValueCache(tmp_path))
    assert computed == []


def test_another_universe_changes_cross_sections_alone(
    market: Market, tmp_path: Path, computed: list[Any]
) -> None:
    formulas = {"across": "cs_zscore(close)", "down": "ts_mean(close, 5)"}
    evaluate(formulas, market, cache=ValueCache(tmp_path))
    inside = market.universe.estimable.values.copy()
    inside[:, :5] = False
    panel = market.universe.estimable.with_values(inside)
    fewer = replace(market, universe=replace(market.universe, estimable=panel))
    computed.clear()
    same(evaluate(formulas, fewer, cache=ValueCache(tmp_path)), fewer, formulas)
    assert computed == [(0, ["cs_zscore(close)"])]


@pytest.mark.parametrize(
    ("formula", "change"),
    [
        ("cs_group_demean(close, industry)", "group"),
        ("ts_return(benchmark_close, 2)", "benchmark"),
        ("bar_sum(volume)", "bar"),
        ("latest(equity)", "statement"),
        ("cs_rank(latest(equity))", "statement"),
        ("ts_mean(close > open, 5)", "age"),
    ],
)
def test_whatever_a_formula_reads_is_compared(
    market: Market, tmp_path: Path, formula: str, change: str
) -> None:
    how: dict[str, Any] = {"convention": "qlib"}
    evaluate({"x": formula}, market, cache=ValueCache(tmp_path), **how)
    changed = _changed(market, change)
    cached = evaluate({"x": formula}, changed, cache=ValueCache(tmp_path), **how)
    same(cached, changed, {"x": formula}, **how)
    before = evaluate({"x": formula}, market, **how)["x"].values
    assert cached["x"].values.tobytes() != before.tobytes()


def _changed(market: Market, what: str) -> Market:
    if what == "group":
        codes = market.groups("industry").values.copy()
        codes[-1] = codes[-1, ::-1]
        return replace(
            market, group_panels={"industry": market.groups("industry").with_values(codes)}
        )
    if what == "benchmark":
        assert market.benchmark is not None
        returns = market.benchmark.returns + 0.01
        return replace(market, benchmark=replace(market.benchmark, returns=returns))
    if what == "bar":
        cube = market.intraday("15min")
        volume = cube["volume"].with_values(cube["volume"].values * 2)
        bars = Cube({**{n: cube[n] for n in cube}, "volume": volume})
        return replace(market, intraday_cubes={"15min": bars})
    if what == "statement":
        table = market.table("statements")
        columns = {n: table[n] for n in table} | {"equity": table["equity"][::-1]}
        return replace(market, events={"statements": replace(table, columns=columns)})
    age = market["listing_age"].values.copy()
    age[:140, 7] = -1
    return market.with_fields({"listing_age": market["listing_age"].with_values(age)})


def test_a_market_that_ends_earlier_reads_what_it_shares_and_leaves_the_entry(
    market: Market, tmp_path: Path, computed: list[Any]
) -> None:
    evaluate(WINDOWS, market, cache=ValueCache(tmp_path))
    computed.clear()
    for rows, firsts in ((100, [64]), (128, []), (30, [0])):
        computed.clear()
        early = until(market, rows)
        same(evaluate(WINDOWS, early, cache=ValueCache(tmp_path)), early, WINDOWS)
        assert [first for first, _ in computed] == firsts
    computed.clear()
    evaluate(WINDOWS, market, cache=ValueCache(tmp_path))
    assert computed == []


def test_other_assets_have_entries_of_their_own(market: Market, tmp_path: Path) -> None:
    evaluate({"x": "cs_rank(close)"}, market, cache=ValueCache(tmp_path))
    more = random_market(dates=150, assets=25, seed=11)
    same(
        evaluate({"x": "cs_rank(close)"}, more, cache=ValueCache(tmp_path)),
        more,
        {"x": "cs_rank(close)"},
    )


def test_two_names_of_one_formula_share_an_entry(market: Market, tmp_path: Path) -> None:
    formulas = {"a": "ts_mean(close, 5)", "b": parse("ts_mean(close,5)")}
    found = evaluate(formulas, market, cache=ValueCache(tmp_path))
    assert_array_equal(found["a"].values, found["b"].values)
    assert len(list(tmp_path.glob("*/entry.json"))) == 1


def test_targets_that_read_later_sessions_are_not_kept(market: Market, tmp_path: Path) -> None:
    formulas = {"y": "ts_return(ts_lag(close, -5), 5)", "x": "ts_return(close, 5)"}
    found = evaluate(formulas, market, cache=ValueCache(tmp_path), label=True)
    assert list(found) == ["y", "x"]
    same(found, market, formulas, label=True)
    assert len(list(tmp_path.glob("*/entry.json"))) == 1


def _unreadable(market: Market) -> Market:
    def refuse() -> Panel:
        raise AssertionError("a field was read")

    return replace(
        market, fields=Cube(dict.fromkeys(market, refuse), dates=market.dates, assets=market.assets)
    )


def test_a_trusted_snapshot_is_not_read_at_all(market: Market, tmp_path: Path) -> None:
    formulas = {"x": "ts_mean(close, 5)", "y": "cs_rank(volume)"}
    wanted = evaluate(formulas, market, cache=ValueCache(tmp_path))
    trusting = ValueCache(tmp_path, trust=True)
    found = evaluate(formulas, _unreadable(market), cache=trusting)
    assert_array_equal(found["y"].values, wanted["y"].values)
    with pytest.raises(AssertionError, match="a field was read"):
        evaluate(formulas, _unreadable(market), cache=ValueCache(tmp_path))


def test_a_trusted_snapshot_says_nothing_of_the_universe(market: Market, tmp_path: Path) -> None:
    formulas = {"x": "cs_zscore(close)"}
    trusting = ValueCache(tmp_path, trust=True)
    evaluate(formulas, market, cache=trusting)
    fewer = replace(market, universe=replace(market.universe, estimable=market.universe.member))
    same(evaluate(formulas, fewer, cache=trusting), fewer, formulas)


def test_equal_data_of_a_new_snapshot_are_trusted_from_then_on(
    market: Market, tmp_path: Path
) -> None:
    formulas = {"x": "ts_mean(close, 5)"}
    trusting = ValueCache(tmp_path, trust=True)
    evaluate(formulas, market, cache=trusting)
    renamed = replace(market, snapshot="another")
    evaluate(formulas, renamed, cache=trusting)
    evaluate(formulas, _unreadable(renamed), cache=trusting)


def test_what_was_of_no_use_for_longest_goes_first(market: Market, tmp_path: Path) -> None:
    bytes_of_one = market["close"].values.size * 4
    cache = ValueCache(tmp_path, limit=3 * bytes_of_one)
    for formula in ("ts_mean(close, 5)", "ts_mean(close, 6)"):
        evaluate({"x": formula}, market, cache=cache)
        time.sleep(0.02)
    evaluate({"x": "ts_mean(close, 5)"}, market, cache=cache)
    time.sleep(0.02)
    evaluate({"x": "ts_mean(close, 7)"}, market, cache=cache)
    entries = [p.read_text() for p in tmp_path.glob("*/entry.json")]
    assert sorted("mean(close, 5)" in e or "mean(close, 7)" in e for e in entries) == [True, True]
    sizes = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    assert sizes <= 3 * bytes_of_one


def test_a_cache_that_cannot_be_used_costs_time_and_nothing_else(
    market: Market, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    with caplog.at_level(logging.WARNING, logger="superhet"):
        found = evaluate(WINDOWS, market, cache=ValueCache(file))
    assert "cannot be used" in caplog.text
    same(found, market, WINDOWS)


@pytest.mark.parametrize("harm", ["", "{", '{"rows": 3}', "0" * 100])
def test_a_damaged_entry_is_no_entry(market: Market, tmp_path: Path, harm: str) -> None:
    formulas = {"x": "ts_mean(close, 5)"}
    evaluate(formulas, market, cache=ValueCache(tmp_path))
    (entry,) = tmp_path.glob("*/entry.json")
    entry.write_text(harm)
    same(evaluate(formulas, market, cache=ValueCache(tmp_path)), market, formulas)


def test_values_that_were_cut_short_are_computed_again(market: Market, tmp_path: Path) -> None:
    formulas = {"x": "ts_mean(close, 5)"}
    evaluate(formulas, market, cache=ValueCache(tmp_path))
    (values,) = tmp_path.glob("*/values-*")
    os.truncate(values, values.stat().st_size - 1)
    same(evaluate(formulas, market, cache=ValueCache(tmp_path)), market, formulas)


KILLED = WINDOWS | {"across": OTHERS["across"]}


def _grow(market: Market, folder: Path) -> None:
    for rows in range(100, 150):
        evaluate(KILLED, until(market, rows), cache=ValueCache(folder), threads=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_writer_killed_at_any_moment_leaves_whole_entries(market: Market, tmp_path: Path) -> None:
    wanted = evaluate(KILLED, market, threads=1)  # compiled before the fork, too
    rng = np.random.default_rng(5)
    for _ in range(12):
        child = os.fork()
        if child == 0:
            try:
                _grow(market, tmp_path)
            finally:
                os._exit(0)
        time.sleep(float(rng.uniform(0.005, 0.4)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for rows in (100, 140):
            cached = evaluate(KILLED, until(market, rows), cache=ValueCache(tmp_path), threads=1)
            for name, panel in wanted.items():
                assert cached[name].values.tobytes() == panel.values[:rows].tobytes(), name
    evaluate(KILLED, market, cache=ValueCache(tmp_path))
    assert list(tmp_path.glob("writing-*")) == []


def test_two_writers_of_one_entry_never_tear_it(market: Market, tmp_path: Path) -> None:
    other = restated(market, "adjusted_close", 135)
    formulas = {"x": "ts_mean(close, 5)", "y": "ts_std(close, 9)"}
    wanted = {m.snapshot: evaluate(formulas, m) for m in (market, replace(other, snapshot="b"))}
    evaluate(formulas, until(market, 130), cache=ValueCache(tmp_path))
    wrong: list[str] = []

    def work(mine: Market) -> None:
        cache = ValueCache(tmp_path)
        for _ in range(30):
            for name, panel in evaluate(formulas, mine, cache=cache, threads=1).items():
                if panel.values.tobytes() != wanted[mine.snapshot][name].values.tobytes():
                    wrong.append(name)

    threads = [
        threading.Thread(target=work, args=(m,)) for m in (market, replace(other, snapshot="b"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
