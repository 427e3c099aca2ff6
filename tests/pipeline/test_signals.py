"""Section `signals`: a library of the user's own, from the study's file to the values; the type of them."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from superhet.errors import ConfigError, FormulaError, InputError
from superhet.pipeline.config import load_config, parse_config
from superhet.pipeline.schema import config_schema
from superhet.pipeline.stages import compute_signals, members
from superhet.testing.studies import tiny_study, write_study

MINE = """
syntax = "qlib"
[gap]
formula = "$open/Ref($close, 1)-1"
[trend]
formula = "Mean($close, 5)/$close"
[depth]
missing = "needs order books"
"""


@pytest.fixture
def study_with(tmp_path, tiny_store):
    """Write a study with these signals beside a library, and read it."""

    def read(signals, library=MINE, **changes):
        (tmp_path / "factors").mkdir(exist_ok=True)
        (tmp_path / "factors" / "mine.toml").write_text(library, encoding="utf-8")
        study = tiny_study(tiny_store.path, signals=signals, **changes)
        return load_config(write_study(tmp_path / "study.yaml", study))

    return read


def test_a_library_is_found_beside_the_study_and_unfolded(study_with, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)  # the working folder does not matter
    config = study_with(
        [{"library": "factors/mine.toml", "half_life": 20}, {"name": "own", "formula": "close"}]
    )
    assert [m.name for m in members(config)] == ["gap", "trend", "own"]
    gap = members(config)[0]
    assert repr(gap.expression) == "open / ts_lag(close, 1) - 1"
    assert (gap.formula.convention, gap.section.half_life) == ("qlib", 20)


def test_what_is_written_out_needs_the_file_no_more(study_with):
    config = study_with([{"library": "factors/mine.toml", "pick": ["trend"]}])
    text = yaml.safe_dump(config.resolved, allow_unicode=True, sort_keys=False)
    assert "mine.toml" not in text
    assert parse_config(yaml.safe_load(text)) == config


def test_another_text_makes_another_run(study_with):
    signals = [{"library": "factors/mine.toml", "pick": ["gap"]}]
    first = study_with(signals)
    assert study_with(signals, MINE + "# a remark\n").fingerprint == first.fingerprint
    changed = study_with(signals, MINE.replace("Ref($close, 1)", "Ref($close, 2)"))
    assert changed.fingerprint != first.fingerprint


def test_a_named_convention_takes_the_place_of_the_files(study_with):
    config = study_with([{"library": "factors/mine.toml", "convention": "pandas"}])
    assert {m.formula.convention for m in members(config)} == {"pandas"}


def test_a_mistake_in_the_file_or_the_pick_is_named(study_with):
    with pytest.raises(InputError, match="other.toml: no such library of formulas"):
        study_with([{"library": "factors/other.toml"}])
    with pytest.raises(InputError, match=r"signals\[0\].pick: unknown formula of library .*'gapp'"):
        study_with([{"library": "factors/mine.toml", "pick": ["gapp"]}])
    with pytest.raises(
        ConfigError, match=r"signals\[0\].pick: depth cannot be computed: needs order"
    ):
        study_with([{"library": "factors/mine.toml", "pick": ["depth"]}])
    with pytest.raises(FormulaError, match=r"mine.toml: \[gap\]: ") as found:
        study_with([{"library": "factors/mine.toml"}], MINE.replace("Ref(", "Rfe("))
    assert found.value.column == 6


def test_signals_are_of_the_type_that_the_study_names(study_with, tiny_loaded):
    signals = [{"name": "trend", "formula": "ts_mean(close, 5) / close"}]
    plain = study_with(signals)
    assert plain.dtype == "float32"
    values = compute_signals(plain, tiny_loaded)["signals"]["trend"].values
    finer = compute_signals(study_with(signals, dtype="float64"), tiny_loaded)["signals"]["trend"]
    assert (values.dtype, finer.values.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(values, finer.values, rtol=1e-6)
    assert not np.array_equal(values, finer.values, equal_nan=True)


@pytest.mark.parametrize("wrong", ["float16", 64])
def test_another_type_is_refused(wrong, study_with):
    with pytest.raises(ConfigError, match="dtype: must be one of float32, float64 "):
        study_with([{"name": "x", "formula": "close"}], dtype=wrong)


def test_the_schema_offers_both_types():
    assert config_schema()["properties"]["dtype"]["enum"] == ["float32", "float64"]
