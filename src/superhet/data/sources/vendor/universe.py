"""Whose data are asked for: everybody listed, whoever was in an index meanwhile, or names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from superhet.errors import ConfigError

_INDEX = re.compile(r"^(000\d{3}\.SH|399\d{3}\.SZ|\w+\.CSI|\^[A-Z0-9.]+)$")
_ASSET = re.compile(r"^(\d{6}\.(SH|SZ|BJ)|[A-Z][A-Z0-9]{0,9}([.-][A-Z0-9]{1,4})?)$")


@dataclass(frozen=True, kw_only=True)
class Universe:
    """Whom to ask for: the listed assets, whoever was in an index meanwhile, or named assets.

    Parameters
    ----------
    assets : named ones, sorted; empty for the other two
    index : code of an index, or "" for everybody
    """

    assets: tuple[str, ...] = ()
    index: str = ""

    @property
    def label(self) -> str:
        """A short name that tells universes apart, for the journal."""
        if self.index or not self.assets:
            return self.index or "all"
        digest = blake2b(",".join(self.assets).encode(), digest_size=4).hexdigest()
        return self.assets[0] if len(self.assets) == 1 else f"{len(self.assets)}-assets-{digest}"

    @classmethod
    def parse(cls, text: str, key: str = "--universe") -> Universe:
        """Read `all`, an index code, a list with commas, or the name of a file with one code a line.

        Raises
        ------
        ConfigError
            for a code of another form, or a file that is not there
        """
        if text == "all":
            return cls()
        if _INDEX.match(text):
            return cls(index=text)
        file = Path(text)
        if file.suffix in (".txt", ".csv") or "/" in text or "\\" in text:
            if not file.is_file():
                raise ConfigError(key, f"there is no file {text}; name one with a code a line")
            text = file.read_text(encoding="utf-8-sig")
        codes = [c for c in re.split(r"[\s,;]+", text) if c]
        for code in codes:
            if not _ASSET.match(code):
                hint = "write codes as 600000.SH, 000001.SZ, 430047.BJ or AAPL, with commas between"
                raise ConfigError(key, f"{code!r} is no code of an asset; {hint}")
        if not codes:
            raise ConfigError(key, "no code is named; write all, an index code, or asset codes")
        return cls(assets=tuple(sorted(set(codes))))
