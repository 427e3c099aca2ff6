"""``python -m benchmarks NAME [--small] [--json]``: run one benchmark and print its rows.

Each row is ``{work, system, seconds, cpu_seconds, peak_mb, ratio}``; ratio is that system's CPU seconds
divided by superhet's on the same work (null where there is no peer). Some benchmarks add `limit`: CPU seconds
divided by the time in which a plain copy moves as many bytes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path


def main() -> int:
    """Run the benchmark that is named."""
    names = sorted(
        m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name[0] != "_"
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=names)
    parser.add_argument("--small", action="store_true", help="smaller sizes, for a quick look")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    rows = importlib.import_module(f"benchmarks.{chosen.name}").rows(small=chosen.small)
    if chosen.json:
        print(json.dumps({"benchmark": chosen.name, "rows": rows}, indent=1))
        return 0
    wide = max(72, *(len(row["work"]) + 1 for row in rows))
    heads = f"{'seconds':>9}{'cpu':>9}{'peak MB':>9}{'ratio':>8}{'limit':>9}"
    print(f"{'work':<{wide}}{'system':<12}{heads}")
    for row in rows:
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
        limit = f"{row['limit']:.1f}" if "limit" in row else "-"
        print(
            f"{row['work']:<{wide}}{row['system']:<12}{row['seconds']:>9.2f}{row['cpu_seconds']:>9.2f}"
            f"{row['peak_mb']:>9.0f}{ratio:>8}{limit:>9}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
