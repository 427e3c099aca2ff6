"""Numbers are rounded once, and written the same way everywhere."""

import json
import math

import pytest

from superhet.report.numbers import compact, show, to_json


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.03124, "p1", "3.1%"),
        (-0.5, "p0", "−50%"),
        (-0.0001, "p1", "0.0%"),
        (1234567.0, "int", "1,234,567"),
        (0.00125, "bp", "12.5"),
        (3.2e-13, "e", "3.2e-13"),
        (0.0, "e", "0"),
        (20_058_200.0, "money_zh", "2,005.82 万"),
        (20_058_200.0, "money_en", "20.06 m"),
        (36.83, "x", "36.8×"),
        (math.nan, "n2", "–"),
        (None, "n2", "–"),
        ("already text", "n2", "already text"),
    ],
)
def test_a_number_is_written_as_its_kind_says(value, kind, text):
    assert show(value, kind) == text


def test_json_rounds_to_five_digits_and_knows_no_nan():
    assert compact([0.1234567, math.nan, math.inf, -1e-9, 7.0]) == [0.12346, None, None, -1e-9, 7]


def test_json_cannot_close_the_script_that_holds_it():
    text = to_json({"name": "</script><script>alert(1)</script>"})
    assert "</" not in text
    assert json.loads(text)["name"].startswith("</script>")
