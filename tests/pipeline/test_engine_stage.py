"""A study whose books other engines keep too: checked before the work, compared after it, taken up again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from superhet.backtest import ENGINES, NativeEngine
from superhet.backtest.engines.outside import find_interpreter
from superhet.cli.main import app
from superhet.errors import ConfigError, MissingExtra, SuperhetError, UnknownName
from superhet.pipeline import engine_stage
from superhet.pipeline.config import parse_config
from superhet.pipeline.run import Run
from superhet.testing.studies import tiny_study, write_study


def study(store="stores/tiny", **backtest):
    """The tiny study without its minute bars, deciding once a week: half of the time."""
    plain = {"synthesis": {"subsets": False, "compare": []}, "mix": {"clock": "1w"}, "audit": None}
    slow = tiny_study(store)["signals"][1:]
    return tiny_study(store, signals=slow, backtest=backtest, **plain)


@pytest.fixture(scope="module")
def plain(tiny_store, tmp_path_factory):
    """The finished study without other engines."""
    return Run(
        parse_config(study(tiny_store.path)), tiny_store, tmp_path_factory.mktemp("runs")
    ).execute()


@pytest.fixture
def plug_ins(monkeypatch):
    """Two engines as plug-ins bring them: one keeps the same books, one costs a yuan more; and one fails."""
    monkeypatch.setattr(ENGINES, "_known", dict(ENGINES._known))

    @ENGINES.add("twin")
    @dataclass(frozen=True, kw_only=True)
    class Twin(NativeEngine):
        """The same ledger under another name."""

    @ENGINES.add("dearer")
    @dataclass(frozen=True, kw_only=True)
    class Dearer(NativeEngine):
        """It takes a yuan on the last day."""

        def run(self, weights, market):
            found = super().run(weights, market)
            equity = found.equity.copy()
            equity[-1] -= 1.0
            return replace(found, equity=equity)

    @ENGINES.add("broken")
    @dataclass(frozen=True, kw_only=True)
    class Broken(NativeEngine):
        """It fails until it is mended."""

        mended = False

        def run(self, weights, market):
            if not self.mended:
                raise SuperhetError("the wheel came off")
            return super().run(weights, market)

    return {"broken": Broken}


# --- the keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"also": ["backtradr"]}, r"^backtest.also\[0\]: unknown engine 'backtradr'; did you mean"),
        ({"also": "vnpy"}, r"^backtest.also: expected a list of engines, got 'vnpy'"),
        ({"also": ["vnpy", "vnpy"]}, r"^backtest.also\[1\]: vnpy keeps the books already"),
        ({"also": ["native"]}, r"^backtest.also\[0\]: native keeps the books already"),
        ({"engine": "vnpy", "also": ["qlib"]}, r"^backtest.also: books are compared with those of native"),
        ({"fill": {"style": "twap"}, "also": ["vnpy"]}, r"^backtest.also: vnpy fills an order once a"),
        ({"fill": {"style": "twap"}, "engine": "vnpy"}, r"^backtest.engine: vnpy fills an order once"),
        ({"fill": {"bars": "5m"}}, r"^backtest.fill.bars: must be minute bars such as '5min' \(got '5m'\)"),
        ({"fill": {"strat": "09:30"}}, r"^backtest.fill: unknown key 'strat'; did you mean 'start'"),
        ({"fill": "noon"}, r"^backtest.fill: must be 'open', 'vwap' or 'close', or keys and"),
        ({"rules": "asahre"}, r"^backtest.rules: unknown market rules 'asahre'; did you mean 'ashare'"),
        ({"cash_rule": "scael"}, r"^backtest.cash_rule: must be 'cut', 'scale', 'refuse' or 'borrow'"),
        ({"lending": {"avail": "x"}}, r"^backtest.lending: unknown key 'avail'; did you mean 'available'"),
        ({"lending": {"recall": "maybe"}}, r"^backtest.lending.recall: must be true or false"),
        ({"frictions": {"impact": 99}}, r"^backtest.frictions.impact: must be at most 10 \(got 99\)"),
        ({"costs": {"cash_interest": "x"}}, r"^backtest.costs.cash_interest: must be a number, or"),
        ({"corporate_actions": "csh"}, r"^backtest.corporate_actions: must be 'auto', 'cash' or 'reinvest'"),
        ({"dividend_tax": 2}, r"^backtest.dividend_tax: must be at most 1 \(got 2\)"),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_in_the_section_is_named_by_its_key(keys, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(study(**keys))


def test_a_key_with_nothing_behind_it_is_that_of_the_defaults():
    assert parse_config(study(costs=None, lending=None)) == parse_config(study())


def test_other_engines_are_written_out_and_make_another_run():
    plain, both = parse_config(study()), parse_config(study(also=["vnpy"]))
    assert "also" not in plain.resolved["backtest"]
    assert both.resolved["backtest"]["also"] == ["vnpy"]
    assert parse_config(yaml.safe_load(yaml.safe_dump(both.resolved))) == both
    assert both.fingerprint != plain.fingerprint
    assert parse_config(study(also=[])).fingerprint == plain.fingerprint
    with pytest.raises(UnknownName, match="unknown key 'also'"):
        parse_config({**study(), "also": ["vnpy"]})


def test_a_missing_engine_stops_a_study_before_any_work(tiny_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("superhet.backtest.engines.outside._SOURCE", tmp_path)
    monkeypatch.setattr("superhet.pipeline.stages.load", pytest.fail)
    config = parse_config(study(tiny_store.path, also=["vnpy"]))
    with pytest.raises(MissingExtra, match="make engines"):
        Run(config, tiny_store, tmp_path / "runs").execute()
    assert not (tmp_path / "runs").exists()


def test_a_field_that_the_market_lacks_stops_a_study_before_any_signal(tiny_store, tmp_path):
    keys = {"lending": {"fee": "volumee"}}
    job = Run(parse_config(study(tiny_store.path, **keys)), tiny_store, tmp_path)
    with pytest.raises(UnknownName, match=r"^backtest.lending.fee: unknown daily field 'volumee'"):
        job.execute()
    assert not list(tmp_path.glob("*/stages/*"))


# --- the books -------------------------------------------------------------------------------------


def test_other_engines_change_no_stage_and_give_their_difference(
    plug_ins, plain, tiny_store, tmp_path
):
    config = parse_config(study(tiny_store.path, also=["twin", "dearer"]))
    found = Run(config, tiny_store, tmp_path).execute()
    assert {n: h for n, h in found.stages.items() if n != "engines"} == plain.stages
    assert "max_abs_equity_difference" not in plain.metrics
    assert found.metrics["max_abs_equity_difference"] == pytest.approx(1.0, abs=1e-6)
    folder = Path(found.run_dir) / "engines"
    days = pl.read_parquet(folder / "differences.parquet")
    twin = days.filter(pl.col("engine") == "twin")["difference"]
    assert (twin == 0.0).all()
    ours = pl.read_parquet(folder / "native" / "equity.parquet")["equity"].to_numpy()
    studys = pl.read_parquet(Path(found.run_dir) / "tables" / "returns.parquet")[
        "equity"
    ].to_numpy()
    np.testing.assert_array_equal(ours, studys)
    report = Path(found.report).read_text(encoding="utf-8")
    assert 'href="engines/report.html"' in report
    assert (folder / "report.html").is_file()
    assert 'href="engines/' not in Path(plain.report).read_text(encoding="utf-8")


def test_frictions_of_other_names_leave_the_books_those_of_the_study(
    plug_ins, tiny_store, tmp_path
):
    keys = {"frictions": {"spread": "high_low", "impact": 1.0}, "also": ["twin"]}
    found = Run(parse_config(study(tiny_store.path, **keys)), tiny_store, tmp_path).execute()
    folder = Path(found.run_dir)
    ours = pl.read_parquet(folder / "engines" / "native" / "equity.parquet")["equity"]
    studys = pl.read_parquet(folder / "tables" / "returns.parquet")["equity"]
    np.testing.assert_array_equal(ours.to_numpy(), studys.to_numpy())


def test_a_finished_run_does_not_ask_the_engines_again(plug_ins, tiny_store, tmp_path, monkeypatch):
    config = parse_config(study(tiny_store.path, also=["twin"]))
    first = Run(config, tiny_store, tmp_path).execute()
    monkeypatch.setattr(engine_stage, "backtest", pytest.fail)
    again = Run(config, tiny_store, tmp_path).execute()
    assert (again.stages, again.metrics) == (first.stages, first.metrics)


def test_an_engine_that_fails_is_told_and_tried_again(plug_ins, tiny_store, tmp_path):
    config = parse_config(study(tiny_store.path, also=["twin", "broken"]))
    found = Run(config, tiny_store, tmp_path).execute()
    assert found.warnings[-1] == "engine broken: the wheel came off"
    assert "the wheel came off" in Path(found.report).read_text(encoding="utf-8")
    assert found.metrics["max_abs_equity_difference"] == 0.0
    note = Path(found.run_dir) / "engines" / "twin" / "books.json"
    before = note.read_bytes()
    plug_ins["broken"].mended = True
    mended = Run(config, tiny_store, tmp_path).execute()
    assert not [line for line in mended.warnings if "broken" in line]
    assert (Path(found.run_dir) / "engines" / "broken" / "books.json").is_file()
    assert note.read_bytes() == before, "books that were finished stay"


def test_a_run_interrupted_among_its_engines_goes_on_with_those_left(
    plug_ins, tiny_store, tmp_path
):
    config = parse_config(study(tiny_store.path, also=["twin", "dearer"]))

    def interrupting(done, total, label):
        if label.startswith("engines "):  # ours has finished, the others are beginning
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Run(config, tiny_store, tmp_path, interrupting).execute()
    (folder,) = tmp_path.iterdir()
    assert not (folder / "stages" / "engines.json").exists()
    before = (folder / "engines" / "native" / "books.json").read_bytes()
    done = Run(config, tiny_store, tmp_path).execute(resume=True)
    assert done.metrics["max_abs_equity_difference"] == pytest.approx(1.0, abs=1e-6)
    assert (folder / "engines" / "native" / "books.json").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["backtrader", "vnpy"])
def test_real_engines_keep_the_books_of_a_study_to_the_cent(name, tiny_store, tmp_path):
    try:
        find_interpreter(name, ENGINES.get(name).module)
    except MissingExtra as error:
        pytest.skip(error.message)
    file = write_study(tmp_path / "study.yaml", study(tiny_store.path, also=[name]))
    words = ["run", str(file), "--runs", str(tmp_path / "runs"), "--quiet", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["max_abs_equity_difference"] <= 0.01
