"""Names that the examples in docstrings may use without importing them."""

from __future__ import annotations

import numpy as np
import pytest

# programs of engines that live in environments of their own; tests run them there
collect_ignore_glob = [
    f"src/superhet/backtest/programs/{name}.py"
    for name in ("*_book", "*_strategy", "*_lab", "qlib_signal")
]


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace):
    from superhet.factors import compute

    doctest_namespace.update(np=np, compute=compute)
