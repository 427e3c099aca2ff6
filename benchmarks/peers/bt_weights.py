"""Time bt on target weights; runs in the environment `.peers/bt`.

Usage: bt_weights.py FOLDER, the arrays of `benchmarks.backtest`. It fills at the close that it decides
on, so its books are not ours and are not kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bt
import pandas as pd
from clock import arrays, row
from fees import WORK, capital, fee, invested


def backtest(given):
    """Make the strategy and its data."""
    sessions, assets = given["close"].shape
    axes = {
        "index": pd.bdate_range("2014-01-02", periods=sessions),
        "columns": [f"a{i}" for i in range(assets)],
    }
    weights = pd.DataFrame(invested(given["weights"]), **axes)
    steps = [bt.algos.RunDaily(), bt.algos.WeighTarget(weights), bt.algos.Rebalance()]
    return bt.Backtest(
        bt.Strategy("weights", steps),
        pd.DataFrame(given["close"], **axes),
        initial_capital=capital(assets),
        commissions=fee,
        integer_positions=True,
        progress_bar=False,
    )


def main(folder):
    given = arrays(folder, "bt")
    ready = [backtest(given)]
    return [row(lambda: bt.run(ready.pop() if ready else backtest(given)), WORK)[0]]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
