"""What a fit says of its data, for the page in Chinese: no English word is left, and no number is lost."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from superhet.report.catalogue import Text
from superhet.risk import notes
from superhet.risk.estimates import REASONS
from superhet.risk.model_table import read_table

STYLES = {"size": "市值"}
CODES = r"\b[A-Z][A-Z_0-9]+\b|cne6"  # descriptors and tables keep their names


def sentences():
    """Give the sentences that the module yields; a style, a number or a reason stands in their braces."""
    tree = ast.parse(inspect.getsource(notes))
    for node in ast.walk(tree):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.JoinedStr):
            yield from spelt(node.value)


def spelt(node):
    made = [""]
    for part in node.values:
        if isinstance(part, ast.Constant):
            words = [part.value]
        else:
            source = ast.unparse(part.value)
            words = (
                [reason.replace("_", " ") for reason in REASONS] if "reason.replace" in source
                else ["size"] if source == "name"
                else ["EPFWD"] if "missing" in source
                else ["1,234"]
            )  # fmt: skip
        made = [before + word for before in made for word in words]
    return made


@pytest.mark.parametrize("note", sorted(set(sentences())))
def test_every_note_of_a_fit_has_its_chinese(note):
    (said,) = Text("zh").noted([note], STYLES)
    assert not re.findall("[A-Za-z]{2,}", re.sub(CODES, "", said))
    assert set(re.findall(r"\d[\d,]*", note)) <= set(re.findall(r"\d[\d,]*", said))
    assert Text("en").noted([note]) == [note]


def test_what_cne6_lacks_has_its_chinese():
    table = read_table("cne6")
    for what in table.missing:
        (said,) = Text("zh").noted([f"Table {table.name} is {table.marked} and lacks {what}."])
        assert not re.findall("[A-Za-z]{2,}", re.sub(CODES, "", said)), said


def test_the_styles_of_a_note_have_their_names():
    note = "Style size makes do without LNCAP, EPFWD; weights divided anew."
    assert Text("zh").noted([note], STYLES) == ["风格“市值”缺少 LNCAP、EPFWD，其余权重重新分配。"]
