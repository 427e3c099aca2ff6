"""superhet.json: what an exported folder cannot say in its own format, and a later import wants to know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from superhet.errors import DataError

OURS = "superhet.json"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What only we know of an exported folder.

    Parameters
    ----------
    meta : table -> what belongs to the table as a whole
    indices : symbols of Qlib that are indices, as we spell them
    fields : names of Qlib's files, which are in small letters -> our columns that are not
    """

    indices: Sequence[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Give it as text."""
        content = {"indices": list(self.indices), "fields": self.fields, "meta": self.meta}
        return json.dumps(content, ensure_ascii=False)

    @classmethod
    def read(cls, folder: Path) -> Known | None:
        """Read it; None in a folder that we did not write."""
        path = folder / OURS
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{key: content[key] for key in ("indices", "fields", "meta")})
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DataError(
                "is damaged; take the file away to read the folder as anybody's", file=OURS
            ) from error
