"""The audit finds nothing on the honest road, and names every leak that is planted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from superhet.cli.main import app
from superhet.data.base import MemoryTables
from superhet.errors import LookAheadFormula
from superhet.factors import OPERATORS, operator, parse
from superhet.factors.base import Lag, Values
from superhet.panel import Market, Panel
from superhet.pipeline.audit import audit, audit_dates, first_difference
from superhet.preprocess import TRANSFORMERS
from superhet.testing.studies import tiny_study, write_study

SIGNALS = {"reversal", "surprise", "profitability"}
PEEK = {"name": "peek", "formula": "ts_peek(returns, 2)"}


@pytest.fixture
def registries(monkeypatch):
    """Let a test register what it likes; afterwards the registries are as before."""
    for registry in (OPERATORS, TRANSFORMERS):
        monkeypatch.setattr(registry, "_known", dict(registry._known))


@pytest.fixture
def peeking_operator(registries):
    """An operator that reads rows after its own, as a plug-in could bring it."""

    @operator("ts_peek", "time_series")
    def ts_peek(x: Values, lag: Lag) -> Values:
        """Give the value of `lag` sessions later."""
        out = np.full(x.shape, np.nan)
        out[:-lag] = x[lag:]
        return out


@pytest.fixture
def full_sample_transformer(registries):
    """The usual mistake: mean and deviation of the whole sample."""

    @TRANSFORMERS.add("full_sample_zscore")
    @dataclass(kw_only=True, frozen=True)
    class FullSampleZscore:
        def transform(self, signal: Panel, market: Market) -> Panel:
            values = signal.values
            return signal.with_values((values - np.nanmean(values)) / np.nanstd(values))


def leaks_of(found: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(leak["stage"], leak["name"]) for leak in found["leaks"]}


def study(tiny_store, **changes: Any) -> dict[str, Any]:
    """The tiny study without its minute bars, which take half of the time to load."""
    slow = tiny_study(tiny_store.path)["signals"][1:]
    return tiny_study(tiny_store.path, **{"signals": slow, **changes})


@pytest.fixture
def audited(tmp_path):
    """Audit a study by the command line; exit code and what it printed."""

    def run(changed: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        file = write_study(tmp_path / "study.yaml", changed)
        done = CliRunner().invoke(app, ["audit", str(file), "--json", "--quiet"])
        assert not done.stderr
        assert [p.name for p in tmp_path.iterdir()] == ["study.yaml"], "an audit leaves no run"
        found = json.loads(done.stdout)
        assert set(found) == {"verdict", "leaks", "dates_checked"}
        for leak in found["leaks"]:
            assert set(leak) == {"stage", "name", "first_date", "cut", "future"}
            assert leak["cut"] in found["dates_checked"]
        return done.exit_code, found

    return run


def test_the_tiny_study_passes(audited, tiny_store, tiny_road):
    (cut,) = audit_dates(tiny_road["synthesis"]["super_factor"], 1)
    passed = {"verdict": "pass", "leaks": [], "dates_checked": [str(cut)]}
    assert audited(tiny_study(tiny_store.path)) == (0, passed)


def test_audit_dates_lie_inside_the_out_of_sample_range(tiny_road):
    super_factor = tiny_road["synthesis"]["super_factor"]
    rows = np.flatnonzero(super_factor.known().any(axis=1))
    for count in (1, 2, 5):
        cuts = audit_dates(super_factor, count)
        assert len(set(cuts)) == count
        assert cuts == sorted(cuts)
        assert super_factor.dates.values[rows[0]] < cuts[0]
        assert cuts[-1] < super_factor.dates.values[rows[-1]]


def test_an_operator_that_reads_later_rows_is_named(
    peeking_operator, audited, tiny_store, tiny_loaded
):
    code, found = audited(study(tiny_store, signals=[*study(tiny_store)["signals"], PEEK]))
    assert (code, found["verdict"]) == (1, "leak")
    assert leaks_of(found) == {("signals", "peek")}
    (leak,) = found["leaks"]
    days = tiny_loaded.dates.days
    cut = int(np.searchsorted(days, np.datetime64(leak["cut"])))
    assert leak["first_date"] == str(days[cut - 1]), "two rows ahead reaches from the last but one"


@pytest.mark.parametrize(
    "text",
    ["ts_lag(close, -1)", "ts_return(close, -5)", "ts_mean(close, -2)", "ts_lag(close, -(1))"],
)
def test_a_formula_cannot_even_say_it(text):
    with pytest.raises(LookAheadFormula, match="reads the future"):
        parse(text)


def test_a_full_sample_zscore_is_named(full_sample_transformer, audited, tiny_store, tiny_road):
    code, found = audited(study(tiny_store, preprocess=["full_sample_zscore"]))
    assert (code, found["verdict"]) == (1, "leak")
    assert leaks_of(found) == {("clean", name) for name in SIGNALS}
    honest = tiny_road["clean"]["signals"]
    for leak in found["leaks"]:
        first = np.flatnonzero(honest[leak["name"]].known().any(axis=1))[0]
        assert leak["first_date"] == str(honest.dates.days[first]), "all of the past changes"


def test_statements_known_at_the_end_of_their_period_are_named(audited, tiny_store):
    code, found = audited(study(tiny_store, market={"statements_known_at": "report_date"}))
    assert (code, found["verdict"]) == (1, "leak")
    named = leaks_of(found)
    assert ("data", "statements") in named
    assert {stage for stage, _ in named} == {"data", "signals"}
    assert {name for stage, name in named if stage == "data"} == {"statements"}
    signals = {name.partition(" ")[0] for stage, name in named if stage == "signals"}
    assert signals == {"surprise", "profitability"}, "and the signals that read statements"
    cut = np.datetime64(found["dates_checked"][0])
    for leak in found["leaks"]:
        first = np.datetime64(leak["first_date"][:10])
        assert cut - 365 < first <= cut, "of the last periods before the cut, told (again) after it"


def test_for_a_person_a_leak_is_a_sentence(peeking_operator, tiny_store, tmp_path):
    file = write_study(tmp_path / "study.yaml", study(tiny_store, signals=[PEEK]))
    done = CliRunner().invoke(app, ["audit", str(file), "--quiet"])
    assert done.exit_code == 1
    assert "look-ahead audit: leak (dates: " in done.stdout
    assert "leak in signals: peek on 20" in done.stdout


def test_a_run_with_a_leak_finishes_and_says_so(full_sample_transformer, tiny_store, tmp_path):
    changed = study(tiny_store, preprocess=["full_sample_zscore"])
    file = write_study(tmp_path / "study.yaml", changed)
    done = CliRunner().invoke(
        app, ["run", str(file), "--runs", str(tmp_path / "r"), "-q", "--json"]
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout)["audit"] == "leak"


DAYS = np.arange("2020-01-01", "2020-01-06", dtype="datetime64[D]")


def difference(left, right, exact=True, cut="2020-01-04", days=DAYS):
    return first_difference(
        DAYS[: len(left)], np.array(left), days[: len(right)], np.array(right),
        np.datetime64(cut), 0.0 if exact else 1e-12,
    )  # fmt: skip


def test_only_what_comes_until_the_cut_is_compared():
    assert difference([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 9.0]) is None
    assert difference([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 9.0, 9.0, 9.0]) == "2020-01-03"
    assert difference([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0]) is None, "nothing follows"


def test_a_value_that_becomes_unknown_is_a_difference_and_nan_equals_nan():
    assert difference([np.nan, 2.0], [np.nan, 2.0]) is None
    assert difference([1.0, 2.0], [1.0, np.nan]) == "2020-01-02"


def test_rounding_is_forgiven_only_after_linear_algebra():
    left, right = [1.0, 2.0], [1.0, 2.0 * (1 + 1e-13)]
    assert difference(left, right, exact=False) is None
    assert difference(left, right, exact=True) == "2020-01-02"
    assert difference(left, [1.0, 2.0 * (1 + 1e-9)], exact=False) == "2020-01-02"


def test_a_date_that_moves_is_a_difference():
    assert difference([1.0, 2.0, 3.0], [1.0, 2.0]) == "2020-01-03"
    later = DAYS + np.timedelta64(1, "D")
    assert difference([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], days=later) == "2020-01-01"


def test_without_a_list_of_securities_fewer_bars_are_fewer_assets_and_no_leak(
    tiny_config, tiny_store
):
    frames = {n: tiny_store.read(n) for n in tiny_store.names() if n != "securities"}
    meta = {name: tiny_store.meta(name) for name in frames}
    assert audit(tiny_config, MemoryTables(frames, "no-list", meta))["leaks"] == []
