"""Names that the examples in docstrings may use without importing them."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace):
    from superhet.factors import compute

    doctest_namespace.update(np=np, compute=compute)
