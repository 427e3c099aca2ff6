"""`superhet factor` and `superhet doctor --warm`: what they print, what they write, what they refuse."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest
from refused import assert_refused

from superhet.data.store import Store
from superhet.factors import LIBRARIES, OPERATORS, library
from superhet.factors.crossings import CROSSINGS, NEUTRALIZE
from superhet.factors.lower import Lowering
from superhet.factors.windows import NAMES as WINDOWS
from superhet.kernels.elementwise import ELEMENTWISE
from superhet.pipeline import factor_table, warm


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
def bare_store(tiny_store, tmp_path_factory):
    """A store of daily bars alone."""
    store = Store.create(tmp_path_factory.mktemp("bare") / "store")
    names = ("bars_1d", "calendar", "securities")
    store.write({n: tiny_store.read(n) for n in names})
    return store


def test_the_libraries_are_listed_in_both_languages(command):
    for language, head, title in (("en", "library", "Classics"), ("zh", "因子库", "因子")):
        done = command("factor", "list", "--lang", language)
        assert done.code == 0, done.err
        assert done.out.startswith(head)
        assert title in done.out
        lines = [line.split()[0] for line in done.out.splitlines()[1:]]
        assert lines == sorted(LIBRARIES)
    rows = json.loads(command("factor", "list", "--json").out)
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


def test_a_library_as_json_has_all_facts(command):
    rows = json.loads(command("factor", "list", "gtja191", "--json").out)
    assert [r["name"] for r in rows] == [f.name for f in library("gtja191")]
    assert rows[0]["formula"].startswith("-1 * ts_corr(cs_rank(ts_delta(log(volume), 1))")
    assert rows[0]["lookback"] == 6
    (without,) = [r for r in rows if r["name"] == "gtja143"]
    assert without["formula"] is None
    assert without["missing"]["en"].startswith("Printed")


@pytest.mark.parametrize("name", ["MA5", "alpha158.MA5"])
def test_a_formula_is_found_by_its_name(name, command):
    facts = json.loads(command("factor", "show", name, "--json").out)
    assert facts["library"] == "alpha158"
    assert facts["text"] == "Mean($close, 5)/$close"
    assert facts["formula"] == "ts_mean(close, 5) / close"
    assert (facts["lookback"], facts["convention"], facts["unit"]) == (4, "qlib", "ratio")
    assert facts["fields"] == ["adjusted_close"]
    mean, divide = facts["operators"]
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


def test_formulas_of_statements_say_their_quarters_and_clock(command):
    facts = json.loads(command("factor", "show", "ttm(net_profit) / latest(equity)", "--json").out)
    assert (facts["quarters"], facts["clock"], facts["frequency"]) == (4, "event", "quarterly")
    assert facts["statement_columns"] == ["equity", "net_profit"]


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


def test_a_library_of_ones_own_is_listed_shown_and_computed(mine, command, evaluated):
    for arguments in ((mine,), ("--library", mine)):
        done = command("factor", "list", *arguments)
        assert done.code == 0, done.err
        assert [line.split()[0] for line in done.out.splitlines()[1:]] == ["gap", "spread"]
    facts = json.loads(command("factor", "list", mine, "--json").out)
    assert [(f["library"], f["name"]) for f in facts] == [("mine", "gap"), ("mine", "spread")]
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


def test_a_field_is_a_formula(command):
    assert json.loads(command("factor", "show", "returns", "--json").out)["fields"] == ["returns"]


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


def test_a_formula_may_begin_with_a_minus(command, evaluated):
    _, frame = evaluated("-(close - open)", "close", "-ts_quantile(close, 5, 0.5)")
    assert frame.columns[2:] == ["-(close - open)", "close", "-ts_quantile(close, 5, 0.5)"]
    assert json.loads(command("factor", "show", "-returns", "--json").out)["formula"] == "-returns"
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


REFUSED = {
    "nothing": ((), r"give either formulas or --library, and not both"),
    "both": (("close", "--library", "daily"), r"give either formulas or --library, and not both"),
    "unknown operator": (
        ("ts_maen(close, 5)",),
        r"formula: unknown function 'ts_maen'; did you mean 'ts_mean'.*\(column 1\)",
    ),
    "unknown field": (
        ("close", "ts_mean(clsoe, 5)"),
        r"formula 2: unknown field 'clsoe'; did you mean 'close'\? \(column 9\)",
    ),
    "unknown field of a named formula": (
        ("clsoe", "--name", "trend"),
        r"trend: unknown field 'clsoe'",
    ),
    "unknown column of the statements": (
        ("ttm(net_proft)",),
        r"formula: unknown statement column 'net_proft'; did you mean 'net_profit'\?",
    ),
    "look-ahead": (("ts_lag(close, -1)",), r"formula: ts_lag\(close, -1\) reads the future"),
    "unknown library": (
        ("--library", "alpha159"),
        r"--library: unknown library 'alpha159'; did you mean 'alpha158'",
    ),
    "unknown pick": (
        ("--library", "alpha158", "--pick", "MA55"),
        r"--pick: unknown formula of library 'alpha158' 'MA55'; did you mean 'MA5'",
    ),
    "a pick without a formula": (
        ("--library", "gtja191", "--pick", "gtja143"),
        r"--pick: gtja143 cannot be computed: Printed",
    ),
    "a pick without a library": (("close", "--pick", "MA5"), r"--pick: picks from a library"),
    "unknown syntax": (
        ("close", "--syntax", "qlb"),
        r"--syntax: unknown syntax 'qlb'; did you mean 'qlib'\?",
    ),
    "syntax of a library": (
        ("--library", "daily", "--syntax", "qlib"),
        r"--syntax: is for typed formulas; a library has a spelling of its own",
    ),
    "unknown convention": (
        ("close", "--convention", "panda"),
        r"--convention: unknown convention 'panda'; did you mean 'pandas'\?",
    ),
    "unknown type": (
        ("close", "--dtype", "float16"),
        r"--dtype: unknown type 'float16'; did you mean 'float",
    ),
    "too few names": (
        ("close", "open", "--name", "x"),
        r"--name: 1 names for 2 formulas; give one for each, or none",
    ),
    "a name twice": (
        ("close", "open", "--name", "x", "--name", "x"),
        r"--name: the column name 'x' is used twice",
    ),
    "a formula twice": (("close", "close"), r"--name: the column name 'close' is used twice"),
    "the name of a key": (
        ("close", "--name", "date"),
        r"--name: the column name 'date' is that of a key",
    ),
    "names of a library": (
        ("--library", "daily", "--name", "x"),
        r"--name: names typed formulas",
    ),
    "start after end": (
        ("close", "--start", "2019-01-01", "--end", "2018-12-31"),
        r"--start: lies after --end \(2019-01-01 > 2018-12-31\)",
    ),
    "dates beyond the data": (
        ("close", "--start", "2030-01-01"),
        r"--start: no session of the data lies between 2030-01-01 and the end; the store holds "
        r"2018-01-02 to 2019-04-03",
    ),
    "dates before the data": (
        ("close", "--end", "2000-01-01"),
        r"--end: no session of the data lies between the beginning and 2000-01-01",
    ),
    "no date": (("close", "--end", "soon"), r"--end: must be a date like 2018-01-31 \(got 'soon'"),
    "no size": (("close", "--budget", "much"), r"--budget: must be a size like 500MB or 4GB"),
    "no memory": (("close", "--budget", "0"), r"--budget: must be a size like 500MB or 4GB"),
    "unknown industry scheme": (
        ("close", "--industry", "sw"),
        r"--industry: unknown industry scheme 'sw'; did you mean 'sw1'\?",
    ),
    "unknown benchmark": (
        ("close", "--benchmark", "SIN"),
        r"--benchmark: unknown benchmark 'SIN'; did you mean 'SIM'\?",
    ),
    "unknown bars": (
        ("bar_sum(volume)", "--frequency", "5min"),
        r"--frequency: unknown bar frequency '5min'; did you mean '15min'\?",
    ),
    "a folder for a file": (("close", "--out", "."), r"--out: \. is a folder; name a file in it"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_evaluation_is_refused_in_one_paragraph(case, command, tiny_store):
    arguments, message = REFUSED[case]
    done = command("factor", "eval", *arguments, "--store", tiny_store.path, "-q", "--json")
    assert_refused(done, message)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "alpha159"), r"unknown library 'alpha159'; did you mean 'alpha158'"),
        (("list", "--lang", "de"), r"--lang: unknown language 'de'; known: en, zh"),
        (("show", "MA55"), r"unknown formula 'MA55'; did you mean 'MA5'"),
        (("show", "alpha158.MA55"), r"unknown formula of library 'alpha158' 'MA55'; did you mean"),
        (("show", "alpha1.MA5"), r"unknown library 'alpha1'"),
        (("show", "Mean($close, 5)"), r"read with the syntax 'qlib' \(column 6\)"),
        (("show", "close", "--syntax", "qlb"), r"unknown syntax 'qlb'; did you mean 'qlib'\?"),
        (("show", "close", "--convention", "x"), r"unknown convention 'x'; known"),
    ],
)
def test_a_wrong_question_is_refused_in_one_paragraph(arguments, message, command):
    assert_refused(command("factor", *arguments), message)


def test_a_name_of_several_libraries_lists_them(command):
    names = [(n, f.name) for n in sorted(LIBRARIES) for f in library(n)]
    words = [w for _, w in names]
    for word in {w for w in words if words.count(w) > 1}:
        done = command("factor", "show", word)
        assert_refused(done, rf"unknown formula '{word}'")
        for full in (f"{n}.{w}" for n, w in names if w == word):
            assert full in done.err


def test_ctrl_c_leaves_nothing_behind(command, tiny_store, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(factor_table._Job, "_count", interrupted)
    out = tmp_path / "f.parquet"
    done = command("factor", "eval", "close", "--store", tiny_store.path, "--out", out, "-q")
    assert done.code == 130
    assert done.err == "superhet: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_written_to_can_be_read(command, tiny_store, tmp_path):
    copy = shutil.copytree(tiny_store.path, tmp_path / "store")
    before = sorted(p for p in copy.rglob("*") if p.is_file() and "derived" not in p.parts)
    assert command("factor", "eval", "close", "--store", copy, "-q").code == 0
    after = sorted(p for p in copy.rglob("*") if p.is_file() and "derived" not in p.parts)
    assert before == after


def test_the_warm_up_touches_every_kernel():
    lowering = Lowering()
    for family in warm.FAMILIES:
        for formula in warm.calls(family):
            for convention in ("superhet", "qlib", "pandas"):
                lowering.output(formula, convention)
    steps = {(n.kind, n.op) for n in lowering.graph.nodes}
    assert {("window", n) for n in WINDOWS} <= steps
    assert {("cross", n) for n in (*CROSSINGS, NEUTRALIZE)} <= steps
    assert {("element", n) for n in ELEMENTWISE} <= steps
    called = {n.word for f in warm.FAMILIES for c in warm.calls(f) for n in c.walk()}
    assert set(OPERATORS) <= called


def test_the_doctor_warms_up_family_by_family(command, monkeypatch):
    monkeypatch.setattr(warm, "FAMILIES", ("elementwise", "statements"))
    done = command("doctor", "--warm", "--json")
    assert done.code == 0, done.err
    kernels = json.loads(done.out)["kernels"]
    assert [k["family"] for k in kernels] == ["elementwise", "statements", "mining"]
    assert all(k["dtype"] == "float32" and k["seconds"] >= 0 for k in kernels)
    assert "  compiling elementwise, float32" in done.err.splitlines()
    plain = command("doctor", "--warm", "--all", "-q")
    assert "kernels:\n  elementwise   float32" in plain.out
    assert "  mining        float64" in plain.out
    assert plain.err == ""
