"""Stores of the real data beside the project, each imported once and looked through once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from superhet.data import Store, import_files
from superhet.data.quality import QualityReport, check

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
EXAMPLES, OWN = ROOT / "examples" / "maps", Path(__file__).parent / "real_maps"
FAMILIES: Mapping[str, Path] = {
    "cn": EXAMPLES / "real_cn.yaml",
    "cn_recent": EXAMPLES / "real_cn_intraday.yaml",
    "cn_annual": OWN / "cn_annual.yaml",
    "cn_quarterly": OWN / "cn_quarterly.yaml",
    "csi500": OWN / "cn_csi500.yaml",
    "cn_macro": OWN / "cn_macro.yaml",
    "cn_industry_returns": OWN / "cn_industry_returns.yaml",
    "us": EXAMPLES / "real_us.yaml",
    "us_raw": OWN / "us_raw.yaml",
    "us_closes": OWN / "us_closes.yaml",
    "us_annual": OWN / "us_annual.yaml",
    "us_macro": EXAMPLES / "real_us_macro.yaml",
}
SLOW = {"cn", "cn_recent", "us", "us_raw", "us_closes", "us_macro", "us_beside"}


class RealStores:
    """Gives the store and the report of a family, made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reports: dict[str, QualityReport] = {}

    def store(self, family: str) -> Store:
        """Give the store of a family."""
        path = self.folder / family
        if not path.exists():
            import_files(DATA, path, FAMILIES[family])
        return Store.open(path)

    def report(self, family: str) -> QualityReport:
        """Give what the check says of it; "us_beside" is the first US vendor beside the second."""
        if family not in self._reports:
            if family == "us_beside":
                made = check(self.store("us_raw"), against=self.store("us_closes"))
            else:
                made = check(self.store(family))
            self._reports[family] = made
        return self._reports[family]
