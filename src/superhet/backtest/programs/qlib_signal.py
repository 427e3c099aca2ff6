"""A signal in a file, as a Qlib model: it learns nothing and predicts what the file says.

`workflow.yaml` names it; qrun finds it because its `sys` section puts this folder on the path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from qlib.model.base import Model


class SignalFile(Model):
    """Read a signal from a Parquet file with the columns datetime, instrument, score.

    Parameters
    ----------
    path : the file; a relative path counts from the folder of this module
    """

    def __init__(self, path: str) -> None:
        self.path = str(Path(__file__).parent / path)

    def fit(self, dataset: Any, reweighter: Any = None) -> None:
        """Learn nothing."""

    def predict(self, dataset: Any, segment: str = "test") -> Any:
        """Give the scores, indexed by (datetime, instrument)."""
        frame = pd.read_parquet(self.path)
        frame["datetime"] = pd.to_datetime(frame["datetime"])
        return frame.set_index(["datetime", "instrument"])["score"].sort_index()
