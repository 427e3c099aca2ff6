"""`superhet factor`: what it prints, writes and leaves out; refusals are in `test_factor_refused`."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest
from refused import assert_refused, contents

from superhet.data.store import Store
from superhet.factors import LIBRARIES, library
from superhet.pipeline import factor_table


@pytest.fixture
def evaluated(command, tiny_store, tmp_path):
    """Evaluate with these arguments, and give the summary and the rows."""

    def run(*arguments):
        out = tmp_path / "f.parquet"
        done = command(
            "factor", "eval", *arguments, "--store", tiny_store.path, "--out", out, "--json", "-q"
        )
        assert done.code == 0, done.err
        return json.loads(done.out, parse_constant=pytest.fail), pl.read_parquet(out)

    return run


@pytest.fixture(scope="session")
def facts(command):
    """Say as JSON what `factor list` or `factor show` knows."""

    def run(*arguments):
        done = command("factor", *arguments, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    return run


@pytest.fixture(scope="session")
def bare_store(tiny_store, tmp_path_factory):
    """A store of daily bars alone."""
    store = Store.create(tmp_path_factory.mktemp("bare") / "store")
    names = ("bars_1d", "calendar", "securities")
    store.write({n: tiny_store.read(n) for n in names})
    return store


def test_the_libraries_are_listed_in_both_languages(command, facts):
    for language, head, title in (("en", "library", "Classics"), ("zh", "因子库", "因子")):
        done = command("factor", "list", "--lang", language)
        assert done.code == 0, done.err
        assert done.out.startswith(head)
        assert title in done.out
        lines = [line.split()[0] for line in done.out.splitlines()[1:]]
        assert lines == sorted(LIBRARIES)
    rows = facts("list")
    counts = {r["name"]: r["formulas"] for r in rows}
    assert (counts["alpha101"], counts["alpha158"], counts["gtja191"]) == (101, 158, 191)
    assert all(set(r["title"]) == {"en", "zh"} and r["sources"] for r in rows)


@pytest.mark.parametrize(("language", "word"), [("en", "meaning"), ("zh", "含义")])
def test_a_library_lists_name_meaning_and_formula(language, word, command):
    done = command("factor", "list", "gtja191", "--lang", language)
    assert word in done.out.splitlines()[0]
    assert len(done.out.splitlines()) == 1 + 191
    (missing,) = [line for line in done.out.splitlines() if line.startswith("gtja143")]
    assert {"en": "not computed: Printed", "zh": "无法计算: 原文"}[language] in missing


def test_a_library_as_json_has_all_facts(facts):
    rows = facts("list", "gtja191")
    assert [r["name"] for r in rows] == [f.name for f in library("gtja191")]
    assert rows[0]["formula"].startswith("-1 * ts_corr(cs_rank(ts_delta(log(volume), 1))")
    assert rows[0]["lookback"] == 6
    (without,) = [r for r in rows if r["name"] == "gtja143"]
    assert without["formula"] is None
    assert without["missing"]["en"].startswith("Printed")


@pytest.mark.parametrize("name", ["MA5", "alpha158.MA5"])
def test_a_formula_is_found_by_its_name(name, facts):
    shown = facts("show", name)
    assert shown["library"] == "alpha158"
    assert shown["text"] == "Mean($close, 5)/$close"
    assert shown["formula"] == "ts_mean(close, 5) / close"
    assert (shown["lookback"], shown["convention"], shown["unit"]) == (4, "qlib", "ratio")
    assert shown["fields"] == ["adjusted_close"]
    mean, divide = shown["operators"]
    assert (mean["window"], mean["minimum_rows"]) == (5, 1)
    assert divide["window"] is None


def test_a_typed_formula_is_described(command):
    done = command("factor", "show", "ts_zscore(ts_mean(close, 5), 20)")
    assert "23 sessions" in done.out
    assert "3 of 5 rows" in done.out
    assert "10 of 20 rows" in done.out
    chinese = command("factor", "show", "ts_zscore(ts_mean(close, 5), 20)", "--lang", "zh").out
    assert "回看期    23 个交易日" in chinese
    assert "5 行中 3 行" in chinese
    assert "时间序列" in chinese
    under = command(
        "factor", "show", "Mean($close, 5)", "--syntax", "qlib", "--convention", "pandas"
    )
    assert "5 of 5 rows" in under.out


def test_formulas_of_statements_say_their_quarters_and_clock(facts):
    shown = facts("show", "ttm(net_profit) / latest(equity)")
    assert (shown["quarters"], shown["clock"], shown["frequency"]) == (4, "event", "quarterly")
    assert shown["statement_columns"] == ["equity", "net_profit"]


def test_what_reads_the_open_of_an_index_needs_an_index(command, evaluated, tiny_store, tmp_path):
    library = ("--library", "gtja191", "--pick", "gtja182")
    summary, frame = evaluated(*library, "--benchmark", "SIM")
    assert summary["factors"][0]["coverage"] > 0.8
    assert frame["gtja182"].drop_nulls().is_between(0, 1).all()
    done = command("factor", "eval", *library, "--store", tiny_store.path, "-q")
    assert_refused(done, "'benchmark_open' is read from the table index_bars")
    mine = tmp_path / "mine.toml"
    mine.write_text('[gap]\nformula = "benchmark_open"\n[move]\nformula = "returns"\n', "utf-8")
    left_out = evaluated("--library", mine)[0]["left_out"]
    assert {n: why["en"] for n, why in left_out.items()} == {
        "gap": "needs benchmark_open (column open of index_bars)"
    }


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[gap]\nformula = "open / ts_lag(close, 1) - 1"\nen = "move over night"\n'
        '[spread]\nformula = "high / low - 1"\nzh = "振幅"\n',
        encoding="utf-8",
    )
    return path


def test_a_library_of_ones_own_is_listed_shown_and_computed(mine, command, facts, evaluated):
    for arguments in ((mine,), ("--library", mine)):
        done = command("factor", "list", *arguments)
        assert done.code == 0, done.err
        assert [line.split()[0] for line in done.out.splitlines()[1:]] == ["gap", "spread"]
    rows = facts("list", mine)
    assert [(r["library"], r["name"]) for r in rows] == [("mine", "gap"), ("mine", "spread")]
    shown = command("factor", "show", "gap", "--library", mine)
    assert shown.out.splitlines()[0] == "mine.gap"
    assert "move over night" in shown.out
    _, frame = evaluated("--library", mine)
    assert frame.columns == ["date", "asset", "gap", "spread"]
    _, picked = evaluated("--library", mine, "--pick", "spread")
    _, typed = evaluated("high / low - 1", "--name", "spread")
    assert picked.equals(typed)


def test_a_mistake_in_a_library_of_ones_own_shows_the_formula_and_its_column(mine, command):
    mine.write_text('[gap]\nformula = "open / ts_lga(close, 1)"\n', encoding="utf-8")
    done = command("factor", "list", mine)
    assert_refused(done, r"mine.toml: \[gap\]: unknown function 'ts_lga'(.|\n)* {4,}\^")
    assert_refused(
        command("factor", "show", "gapp", "--library", "daily"), "formula of library 'daily'"
    )
    assert_refused(
        command("factor", "show", "MA5", "--library", "alpha158", "--syntax", "qlib"), "--syntax"
    )


def test_a_field_is_a_formula(facts):
    assert facts("show", "returns")["fields"] == ["returns"]


@pytest.mark.parametrize("name", [f"{n}.{f.name}" for n in LIBRARIES for f in library(n)[::25]])
def test_every_library_formula_can_be_shown(name, command):
    for language in ("en", "zh"):
        done = command("factor", "show", name, "--lang", language)
        assert done.code == 0, done.err
        assert done.out.splitlines()[0] == name


def test_columns_have_the_names_of_the_formulas_as_typed(evaluated):
    summary, frame = evaluated("ts_mean(close,5)/close", "-returns")
    assert frame.columns == ["date", "asset", "ts_mean(close,5)/close", "-returns"]
    assert [f["lookback"] for f in summary["factors"]] == [4, 0]
    assert summary["rows"] == frame.height


def test_a_formula_may_begin_with_a_minus(command, facts, evaluated):
    _, frame = evaluated("-(close - open)", "close", "-ts_quantile(close, 5, 0.5)")
    assert frame.columns[2:] == ["-(close - open)", "close", "-ts_quantile(close, 5, 0.5)"]
    assert facts("show", "-returns")["formula"] == "-returns"
    assert "No such option: --returns" in command("factor", "show", "--returns").err
    assert "Usage" in command("factor", "eval", "-h").out


def test_names_take_the_place_of_formulas(evaluated):
    _, frame = evaluated("close", "open", "--name", "a", "--name", "b", "--dtype", "float64")
    assert frame.schema["a"] == frame.schema["b"] == pl.Float64


def test_qlibs_spelling_brings_qlibs_convention(evaluated):
    summary, frame = evaluated("Mean($close, 5)", "--syntax", "qlib", "--name", "m")
    assert summary["factors"][0]["convention"] == "qlib"
    other, strict = evaluated(
        "Mean($close, 5)", "--syntax", "qlib", "--name", "m", "--convention", "pandas"
    )
    assert other["factors"][0]["convention"] == "pandas"
    assert strict["m"].null_count() > frame["m"].null_count()


def test_picks_of_a_library_are_the_columns(evaluated):
    summary, frame = evaluated("--library", "alpha158", "--pick", "MA5,STD10", "--pick", "KMID")
    assert frame.columns == ["date", "asset", "MA5", "STD10", "KMID"]
    assert summary["left_out"] == {}


def test_dates_cut_the_table(evaluated):
    summary, frame = evaluated("ts_mean(close, 60)", "--start", "2018-10-01", "--end", "2018-10-31")
    assert frame["date"].min().isoformat() == "2018-10-08", "the first session after the holidays"
    assert frame["date"].max().isoformat() == summary["last_date"] == "2018-10-31"
    assert summary["factors"][0]["first_date"] == "2018-10-08"


def test_without_a_file_there_is_a_summary(command, tiny_store):
    done = command("factor", "eval", "log(volume - volume)", "--store", tiny_store.path)
    assert done.code == 0
    assert "logarithms of what is not positive; these are not known" in done.out
    assert "not written; name a file with --out" in done.out
    assert "superhet: warning: log(volume - volume): has no value on any date" in done.err


def test_a_whole_library_leaves_out_what_the_store_cannot_answer(command, bare_store):
    words = ("factor", "eval", "--library", "alpha101", "--store", bare_store.path)
    done = command(*words, "--start", "2019-03-01", "--json", "-q")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["left_out"]["alpha048"] == {"en": "needs industry", "zh": "缺少 industry"}
    assert len(found["factors"]) + len(found["left_out"]) == 101
    warning = f"superhet: warning: left out {len(found['left_out'])} formulas of the library: "
    assert warning in done.err
    assert "alpha048 (needs industry); alpha058 (needs industry)" in done.err


def test_of_several_industry_schemes_one_must_be_named(command, tiny_store, bare_store, tmp_path):
    frames = {n: bare_store.read(n) for n in bare_store.names()}
    schemes = tiny_store.read("industry")
    formula = ("factor", "eval", "cs_group_demean(close, industry)", "--json", "-q", "--store")
    coverage = []
    for names in (("ours",), ("ours", "theirs")):
        rows = pl.concat([schemes.with_columns(pl.lit(n).alias("scheme")) for n in names])
        store = Store.create(tmp_path / str(len(names)))
        store.write({**frames, "industry": rows})
        done = command(*formula, store.path)
        if len(names) > 1:
            assert_refused(done, r"--industry: .* has several schemes: ours, theirs. Name one")
            done = command(*formula, store.path, "--industry", "theirs")
        coverage.append(json.loads(done.out)["factors"][0]["coverage"])
    assert coverage[0] == coverage[1] > 0.9


def test_what_has_no_formula_is_left_out_with_its_reason(evaluated):
    summary, frame = evaluated("--library", "gtja191", "--start", "2019-04-01")
    left_out = summary["left_out"]
    assert frame.width == 2 + 191 - len(left_out)
    assert {n for n, f in left_out.items() if not f["en"].startswith("needs")} == {
        "gtja030", "gtja143",
    }  # fmt: skip
    assert "SELF" in left_out["gtja143"]["en"]


def test_a_picked_formula_whose_fields_are_missing_is_refused(command, bare_store):
    words = ("factor", "eval", "--store", bare_store.path, "-q", "--library")
    picked = command(*words, "alpha101", "--pick", "alpha048")
    assert_refused(picked, r"alpha048: unknown classification 'industry'; known: board")
    picked = command(*words, "fundamental", "--pick", "ep")
    assert_refused(picked, r"ep: the market has no statements to read 'net_profit' from")


def test_a_library_of_which_nothing_can_be_computed_is_refused(command, bare_store):
    done = command("factor", "eval", "--store", bare_store.path, "--library", "fundamental")
    assert_refused(
        done, r"--library: no formula of it can be computed from this store; missing are"
    )


def test_ctrl_c_leaves_nothing_behind(command, tiny_store, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(factor_table._Job, "_count", interrupted)
    out = tmp_path / "f.parquet"
    done = command("factor", "eval", "close", "--store", tiny_store.path, "--out", out, "-q")
    assert done.code == 130
    assert done.err == "superhet: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_leaves_the_store_as_it_was(command, tiny_store, tmp_path):
    copy = shutil.copytree(tiny_store.path, tmp_path / "store")
    before = contents(copy)
    assert command("factor", "eval", "close", "--store", copy, "-q").code == 0
    assert contents(copy) == before
