"""`superhet factor`: what it refuses, in one paragraph that says how to mend it."""

from __future__ import annotations

import pytest
from refused import assert_refused

from superhet.factors import LIBRARIES, library

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
    several = {w for w in words if words.count(w) > 1}
    assert several
    for word in several:
        done = command("factor", "show", word)
        assert_refused(done, rf"unknown formula '{word}'")
        for full in (f"{n}.{w}" for n, w in names if w == word):
            assert full in done.err
