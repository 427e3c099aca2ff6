"""A library of the user's own: what a file says, and what is refused, file, entry and column named."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from superhet.errors import FormulaError, InputError, UnknownName
from superhet.factors import evaluate, library, pick
from superhet.factors.cache import ValueCache
from superhet.factors.library.own import read_file
from superhet.testing.markets import random_market

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "factors.md"
ENTRY = '[one]\nformula = "close / open"\n'


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_example_of_the_guide_is_a_library(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text("utf-8"), re.DOTALL | re.M)
    path = written(tmp_path, block)
    overnight, equity = library(path)
    assert (overnight.name, overnight.sign, overnight.convention) == ("overnight", -1, "superhet")
    assert overnight.meaning["zh"] == overnight.meaning["en"]  # given once, it stands for both
    assert equity.meaning["zh"] == "净资产收益率（TTM）"
    assert [f.name for f in pick(path, ["return_on_equity"])] == ["return_on_equity"]
    assert read_file(path)[0] == {"en": "Formulas of my desk", "zh": "Formulas of my desk"}


def test_a_spelling_brings_its_convention(tmp_path: Path) -> None:
    text = 'syntax = "worldquant"\n[a]\nformula = "-1 * correlation(open, volume, 10)"\n'
    (known,) = library(written(tmp_path, text))
    assert (known.syntax, known.convention) == ("worldquant", "pandas")
    (other,) = library(written(tmp_path, 'convention = "qlib"\n' + text))
    assert (other.syntax, other.convention) == ("worldquant", "qlib")


def test_a_formula_that_cannot_be_computed_is_listed_and_not_picked(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY + '[two]\nmissing = "needs order books"\n')
    assert [f.name for f in library(path)] == ["one", "two"]
    assert [f.name for f in pick(path)] == ["one"]


def test_an_error_of_a_formula_names_file_entry_and_column(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY + '[two]\nformula = "close / ts_maen(open, 5)"\n')
    with pytest.raises(
        FormulaError, match=r"mine.toml: \[two\]: unknown function 'ts_maen'"
    ) as found:
        library(path)
    assert found.value.formula == "close / ts_maen(open, 5)"
    assert found.value.column == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[one\n", r"mine.toml: not valid TOML: .*line 1"),
        ("", r"mine.toml: has no formula"),
        ('sintax = "qlib"\n' + ENTRY, r"mine.toml: unknown key 'sintax'; did you mean 'syntax'"),
        ('syntax = "python"\n' + ENTRY, r"mine.toml: unknown syntax 'python'"),
        ('convention = "numpy"\n' + ENTRY, r"mine.toml: unknown convention 'numpy'"),
        ('[one]\nformla = "close"\n', r"mine.toml: \[one\]: unknown key 'formla'; did you mean"),
        ('[one]\nen = "a"\n', r"mine.toml: \[one\].formula: is required"),
        ("[one]\nformula = 5\n", r"mine.toml: \[one\].formula: must be a text \(got 5\)"),
        (ENTRY + "sign = 2\n", r"mine.toml: \[one\].sign: must be 1 or -1 \(got 2\)"),
        (ENTRY + "sign = true\n", r"mine.toml: \[one\].sign: must be 1 or -1 \(got True\)"),
        (ENTRY + 'note = {fr = "non"}\n', r"mine.toml: \[one\].note: must be a text, or en and zh"),
        ('["a b"]\nformula = "close"\n', r"mine.toml: \[a b\]: a name is made of letters"),
        ('[date]\nformula = "close"\n', r"mine.toml: \[date\]: a name is .* is not date"),
    ],
)
def test_a_mistake_is_named_by_file_and_entry(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        library(written(tmp_path, text))


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"other.toml: no such library of formulas"):
        library(str(tmp_path / "other.toml"))
    (tmp_path / "mine.toml").write_bytes(b'title = "\xff"')
    with pytest.raises(InputError, match="not UTF-8"):
        library(str(tmp_path / "mine.toml"))
    with pytest.raises(UnknownName, match=r"formula of library .*mine.toml.* 'on'"):
        pick(written(tmp_path, ENTRY), ["on"])


def test_a_changed_text_is_computed_again(tmp_path: Path) -> None:
    market, cache = random_market(dates=30, assets=5, seed=1), ValueCache(tmp_path / "cache")

    def values(text: str) -> np.ndarray:
        (known,) = library(written(tmp_path, f'[one]\nformula = "{text}"\n'))
        return np.array(evaluate({"one": known}, market, cache=cache)["one"].values)

    first, second = values("close / open"), values("open / close")
    assert np.array_equal(
        first, evaluate({"x": "close / open"}, market)["x"].values, equal_nan=True
    )
    assert np.array_equal(
        second, evaluate({"x": "open / close"}, market)["x"].values, equal_nan=True
    )
