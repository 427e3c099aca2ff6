"""A study with a risk model: that of `risk fit`, its audit, and what it says of signals and portfolio."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose, assert_array_equal
from typer.testing import CliRunner

from superhet.cli.main import app
from superhet.errors import ConfigError, UnknownName
from superhet.panel import Cube, Panel
from superhet.pipeline import risk_reading, risk_stage
from superhet.pipeline.artifacts import Artifacts
from superhet.pipeline.config import load_config, parse_config
from superhet.pipeline.risk import RiskChoice, fit_risk, regression_settings
from superhet.pipeline.risk_stage import fit_model
from superhet.pipeline.run import Run
from superhet.pipeline.style_stage import measure_styles
from superhet.risk.factor_returns import RegressionSettings
from superhet.risk.ingredients import DESCRIPTORS
from superhet.testing.studies import tiny_study, write_study

pytestmark = pytest.mark.filterwarnings("ignore::superhet.risk.MissingDescriptors")
EXAMPLE = Path(__file__).parents[2] / "examples" / "risk_study.yaml"
TWO_STYLES = """
[descriptors.LNCAP]
kind = "log_cap"

[descriptors.NEWS]
kind = "KIND"

[styles.size]
descriptors = {LNCAP = 1.0}

[styles.news]
descriptors = {NEWS = 1.0}
"""


def study(store="stores/tiny", **changes):
    """The tiny study without its minute bars, which take half of the time to load."""
    slow = tiny_study(store)["signals"][1:]
    return tiny_study(store, **{"signals": slow, "audit": None, "risk": "cne5", **changes})


@pytest.fixture(scope="module")
def config(tiny_store):
    return parse_config(study(tiny_store.path))


@pytest.fixture(scope="module")
def model(config, tiny_store):
    """The risk model of the study."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_model(config, tiny_store)["estimates"]


@pytest.fixture(scope="module")
def finished(config, tiny_store, tmp_path_factory):
    """A finished run of the study."""
    return Run(config, tiny_store, tmp_path_factory.mktemp("runs")).execute()


@pytest.fixture(scope="module")
def without(tiny_store, tmp_path_factory):
    """The same without a risk model."""
    plain = parse_config(study(tiny_store.path, risk=None))
    return Run(plain, tiny_store, tmp_path_factory.mktemp("runs")).execute()


# --- the section -------------------------------------------------------------------------------------


def test_a_study_without_the_section_is_the_study_it_was():
    plain = parse_config(study(risk=None))
    assert "risk" not in plain.resolved
    assert parse_config({**study(), "risk": None}).fingerprint == plain.fingerprint
    assert parse_config(study()).fingerprint != plain.fingerprint


def test_a_word_is_short_for_its_table():
    assert parse_config(study()) == parse_config(study(risk={"table": "cne5"}))
    assert parse_config(study(risk="cne6")).resolved["risk"]["table"] == "cne6"


def test_a_table_of_ones_own_is_part_of_the_study(tmp_path):
    (tmp_path / "mine.toml").write_text(TWO_STYLES.replace("KIND", "log_cap"))
    file = write_study(tmp_path / "study.yaml", study(risk="mine.toml"))
    read = load_config(file)
    kept = yaml.safe_load(yaml.safe_dump(read.resolved, allow_unicode=True, sort_keys=False))
    assert parse_config(kept, Path("/elsewhere")) == read, "the run's configuration needs no file"
    (tmp_path / "mine.toml").write_text(TWO_STYLES.replace("KIND", "log_cap") + "# changed\n")
    assert load_config(file).fingerprint != read.fingerprint, "another text is another run"


@pytest.mark.parametrize(
    ("section", "error", "message"),
    [
        ("cne7", ConfigError, "risk.table: unknown table of a risk model .* 'cne7'; did you mean"),
        ({"tabel": "cne5"}, UnknownName, "risk: unknown key 'tabel'; did you mean 'table'"),
        ({"horizon": "weekly"}, ConfigError, "risk.horizon: must be 'short', 'long' or 'daily'"),
        ("mine.toml", ConfigError, "risk.table: .*mine.toml cannot be read: No such file"),
        ({"text": "x"}, ConfigError, "risk.text: belongs to a .toml file, and table is 'cne5'"),
        (["cne5"], ConfigError, "risk: expected keys and values"),
        (
            {"table": "mine.toml", "text": TWO_STYLES},
            ConfigError,
            "risk.table.descriptors.NEWS.kind: unknown kind of descriptor 'KIND'",
        ),
        ({"table": "mine.toml", "text": "="}, ConfigError, "risk.table: mine.toml is not TOML"),
    ],
)
def test_a_wrong_section_is_named_by_its_path(section, error, message):
    with pytest.raises(error, match=message):
        parse_config(study(risk=section))


def test_returns_are_clipped_for_the_fit_unless_the_study_keeps_outliers():
    clipped, kept = (
        regression_settings(parse_config(study(risk={"keep_outliers": keep})).risk)
        for keep in (False, True)
    )
    assert clipped == RegressionSettings()
    assert (kept.clip_margin, kept.outlier) == (None, None)


def test_industries_that_are_not_there_are_refused_before_anything_is_loaded(tiny_store):
    with pytest.raises(UnknownName, match="risk.industry: unknown industry scheme 'sw2'"):
        fit_model(parse_config(study(tiny_store.path, risk={"industry": "sw2"})), tiny_store)
    bare = study(tiny_store.path, market={"industry": ""})
    with pytest.raises(ConfigError, match=r"risk.industry: the study has no industries .*\(sw1\)"):
        fit_model(parse_config(bare), tiny_store)


# --- the model ---------------------------------------------------------------------------------------


def test_the_model_of_a_study_is_that_of_risk_fit(model, tiny_store, tmp_path):
    fit_risk(tiny_store, tmp_path, RiskChoice())
    files = risk_reading.read_estimates(tmp_path)
    assert model.factors == files.factors
    for name in ("styles", "codes", "caps", "factor_returns", "residual", "covariance", "specific"):
        assert_array_equal(getattr(model, name), getattr(files, name))


def test_a_study_that_begins_later_has_the_same_model_from_there_on(model, tiny_store):
    start = model.dates.days[200]
    later = parse_config(study(tiny_store.path, market={"start": str(start)}))
    found = fit_model(later, tiny_store)["estimates"]
    assert found.dates.days[0] == start
    for name in ("factor_returns", "covariance", "specific"):
        assert_array_equal(getattr(found, name), getattr(model, name)[200:])


def test_a_robust_model_of_boards_is_another(model, tiny_store):
    section = {"industry": "board", "horizon": "long", "robust": True}
    found = fit_model(parse_config(study(tiny_store.path, risk=section)), tiny_store)["estimates"]
    assert found.model["horizon"] == "long"
    assert found.model["regression"]["robust"] == 1.345
    assert not set(found.industry_names) & set(model.industry_names)


# --- the audit ---------------------------------------------------------------------------------------


@dataclass(kw_only=True, frozen=True)
class NextMonth:
    """The usual mistake: the return of the month to come, as if it were news."""

    def items(self):
        return ()

    def lacks(self, of):
        return ()

    def compute(self, of):
        total = np.nancumsum(of.field("returns"), axis=0)
        out = np.full(of.shape, np.nan)
        out[:-21] = total[21:] - total[:-21]
        return np.where(np.isnan(of.field("returns")), np.nan, out)


def audited(tiny_store, tmp_path, **changes):
    """Audit a study by the command line; the verdict, and (stage, name) of what leaks."""
    file = write_study(tmp_path / "study.yaml", study(tiny_store.path, **changes))
    done = CliRunner().invoke(app, ["audit", str(file), "--json", "--quiet"])
    found = json.loads(done.stdout)
    return found["verdict"], {(leak["stage"], leak["name"]) for leak in found["leaks"]}


def test_the_audit_covers_the_model_and_finds_nothing(tiny_store, tmp_path):
    assert audited(tiny_store, tmp_path, audit={"dates": 1}) == ("pass", set())


def test_a_descriptor_that_looks_ahead_is_named_by_stage_and_factor(
    tiny_store, tmp_path, monkeypatch
):
    monkeypatch.setattr(DESCRIPTORS, "_known", {**DESCRIPTORS._known, "next_month": NextMonth})
    table = {"table": "mine.toml", "text": TWO_STYLES.replace("KIND", "next_month")}
    found = audited(tiny_store, tmp_path, risk=table)
    assert found == ("leak", {("risk", "news")}), "size is honest, returns and risks only inherit"


@pytest.mark.slow
def test_a_covariance_of_the_whole_sample_is_named(tiny_store, tmp_path, monkeypatch):
    honest = risk_stage.covariance_path

    def whole_sample(f, rows, **settings):
        made = honest(f, rows, **settings)
        total = np.ma.cov(np.ma.masked_invalid(f), rowvar=False).filled(np.nan)
        return replace(made, values=np.broadcast_to(252 * total, made.values.shape))

    monkeypatch.setattr(risk_stage, "covariance_path", whole_sample)
    verdict, named = audited(tiny_store, tmp_path)
    assert verdict == "leak"
    assert {stage for stage, _ in named} == {"risk"}
    assert ("risk", "covariance of size") in named
    assert {name.partition(" of ")[0] for _, name in named} == {"covariance"}


# --- what it says ------------------------------------------------------------------------------------


def road_of(model):
    """A road whose one signal is the exposure to size, and whose books hold its weights."""
    size = model.styles[0]
    panel = Panel(values=size, dates=model.dates, assets=model.assets, name="large", unit="score")
    held = np.nan_to_num(size)
    held /= np.abs(held).sum(axis=1, keepdims=True)
    weights = panel.with_values(held, name="weights", unit="weight")
    return panel, weights


class Books:
    """What the stage reads of a backtest."""

    def __init__(self, holdings):
        self.holdings, self.dates = holdings, holdings.dates


@pytest.fixture(scope="module")
def measured(model):
    panel, weights = road_of(model)
    values = {
        "risk": {"estimates": model},
        "clean": {"signals": Cube({"large": panel})},
        "synthesis": {"super_factor": panel},
        "portfolio": {"weights": weights},
        "backtest": {"result": Books(weights)},
    }
    return weights, measure_styles(values)


def test_a_signal_that_is_a_style_is_found_out(measured):
    _, found = measured
    by_name = {one["name"]: one for one in found["overlaps"]}
    assert list(by_name) == ["super_factor", "portfolio", "large"]
    assert by_name["large"]["correlation"]["size"] == pytest.approx(1.0, abs=1e-9)
    assert np.isnan(by_name["large"]["r2"]) or by_name["large"]["r2"] > 1 - 1e-9
    assert by_name["large"]["return_correlation"]["size"] > 0.5


def test_a_style_that_nobody_has_yet_is_left_out_and_said(model):
    panel, weights = road_of(model)
    early = replace(model, styles=np.where(np.arange(10)[:, None, None] == 2, np.nan, model.styles))
    values = {
        "risk": {"estimates": early},
        "clean": {"signals": Cube({"large": panel})},
        "synthesis": {"super_factor": panel},
        "portfolio": {"weights": weights},
        "backtest": {"result": Books(weights)},
    }
    found = measure_styles(values)
    assert found["left_out"] == {"momentum": "nobody has this style on any date of the study"}
    large = found["overlaps"][2]
    assert large["correlation"]["size"] == pytest.approx(1.0, abs=1e-9)
    assert set(large["correlation"]) == set(model.style_names) - {"momentum"}
    assert np.isnan(found["exposure"][:, 2]).all()


def test_the_exposure_of_the_weights_is_weights_times_exposures(measured, model):
    weights, found = measured
    by_hand = (weights.values * np.nan_to_num(model.styles[0])).sum(axis=1)
    known = ~np.isnan(model.styles[0]).all(axis=1)
    assert_allclose(found["exposure"][known, 0], by_hand[known], rtol=1e-12)
    assert found["styles"][0] == "size"


def test_industry_nets_are_against_the_market_and_add_up_to_nothing(measured):
    _, found = measured
    assert_allclose(np.nansum(found["industry_net"], axis=1), 0.0, atol=1e-12)
    assert np.nanmax(np.abs(found["industry_net"])) > 0.01


def test_the_forecast_is_that_of_the_snapshot_and_splits_into_factors_and_names(measured, model):
    weights, found = measured
    row = len(model.dates) - 1
    snapshot = model.at(model.dates.values[row])
    held = np.where(np.isnan(snapshot.specific_variance), 0.0, weights.values[row])
    assert found["volatility"][row] == pytest.approx(snapshot.volatility(held), rel=1e-9)
    total = found["factor_volatility"] ** 2 + found["specific_volatility"] ** 2
    assert_allclose(total, found["volatility"] ** 2, rtol=1e-9)
    shares = found["variance_share"]
    assert sum(v for v in shares.values() if not np.isnan(v)) == pytest.approx(1.0)
    assert np.isnan(shares["momentum"]), "it has too few returns for a covariance"


def test_a_perfect_forecast_would_have_a_bias_near_1(measured):
    _, found = measured
    assert found["tests"] > 100
    assert 0.7 < found["bias"] < 1.4


# --- a whole run -------------------------------------------------------------------------------------


def test_the_model_adds_stages_and_numbers_and_changes_no_other(finished, without):
    assert set(finished.stages) - set(without.stages) == {"risk", "styles"}
    assert {n: finished.stages[n] for n in without.stages} == without.stages
    assert set(finished.metrics) - set(without.metrics) == {"max_abs_style_exposure", "style_r2"}
    assert {n: finished.metrics[n] for n in without.metrics} == without.metrics
    assert 0.0 <= finished.metrics["style_r2"] <= 1.0


def test_the_worst_exposure_is_that_of_the_stage(finished):
    found = Artifacts(Path(finished.run_dir)).load("styles")
    assert finished.metrics["max_abs_style_exposure"] == np.nanmax(np.abs(found["exposure"]))


def test_a_run_that_is_taken_up_again_reads_the_model_and_gives_the_same_bytes(
    config, tiny_store, finished, monkeypatch
):
    folder = Path(finished.run_dir)
    before = {n: (folder / n).read_bytes() for n in ("report.html", "metrics.json")}
    (folder / "stages" / "styles.json").unlink()
    monkeypatch.setattr(risk_stage, "fit_model", pytest.fail)
    again = Run(config, tiny_store, folder.parent).execute()
    assert again.stages == finished.stages
    assert {n: (folder / n).read_bytes() for n in before} == before


def test_the_report_has_a_page_of_styles_only_where_there_is_a_model(finished, without):
    pages = [Path(one.report).read_text(encoding="utf-8") for one in (finished, without)]
    assert ['href="#styles"' in page for page in pages] == [True, False]
    for card in ("style_correlation", "style_returns", "style_paths", "risk_split", "risk_tried"):
        assert [f'id="card-{card}"' in page for page in pages] == [True, False]


@pytest.mark.slow
def test_the_example_runs_and_its_audit_passes(tmp_path):
    store = f"market.store={tmp_path / 'store'}"
    words = ["run", str(EXAMPLE), store, "--runs", str(tmp_path / "runs"), "--quiet"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "worst style exposure" in done.stdout
    assert "look-ahead audit       pass" in done.stdout
    (chinese,) = (tmp_path / "runs").glob("*/report.zh.html")
    assert "风格" in chinese.read_text(encoding="utf-8")
