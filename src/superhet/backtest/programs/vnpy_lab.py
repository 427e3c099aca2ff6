"""Look at an exported lab in vnpy.alpha.

    python vnpy_lab.py LAB_FOLDER

1. who was listed goes into the lab as the components of `UNIVERSE`, by vnpy.alpha's own writer
2. contracts, bars and signals are read through AlphaLab, and counted

vnpy.alpha keeps components in a format of Python's own; that is why this program writes them, not the export.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

INDEX = "UNIVERSE"


def look(folder: Path) -> dict[str, Any]:
    """Store the components and count what AlphaLab reads."""
    from vnpy.alpha import AlphaLab
    from vnpy.trader.constant import Interval

    lab = AlphaLab(str(folder))
    listed = json.loads((folder / "listed.json").read_text(encoding="utf-8"))
    lab.save_component_data(INDEX, listed)
    days = sorted(listed)
    found = lab.load_component_symbols(INDEX, days[0], days[-1])
    contracts = lab.load_contract_setttings()  # the name is vn.py's
    bars = {
        name: lab.load_bar_data(name, Interval.DAILY, days[0], days[-1])
        for name in sorted(contracts)
    }
    signals = {name: lab.load_signal(name) for name in sorted(lab.list_all_signals())}
    return {
        "sessions": len(days),
        "contracts": len(contracts),
        "components": len(found),
        "bars": sum(map(len, bars.values())),
        "signals": {name: len(signal) for name, signal in signals.items()},
    }


def main(arguments: list[str]) -> int:
    """Print what AlphaLab reads, as JSON."""
    if len(arguments) != 1:
        print("usage: python vnpy_lab.py LAB_FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).absolute()
    with tempfile.TemporaryDirectory() as scratch:
        # vn.py keeps its settings in the working directory if there is such a folder, else in the home
        (Path(scratch) / ".vntrader").mkdir()
        home = Path.cwd()
        os.chdir(scratch)
        try:
            print(json.dumps(look(folder), indent=1))
        finally:
            os.chdir(home)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
