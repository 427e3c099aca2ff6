"""The near side of akshare: one function of its thousand, in time, with the columns that we know."""

from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING

from superhet.data.sources.vendor import Access
from superhet.data.sources.vendor.columns import check_columns, from_pandas
from superhet.data.sources.vendor.deadline import within
from superhet.errors import MissingExtra, VendorError

if TYPE_CHECKING:
    import polars as pl

NAME = "akshare"
_NO_DATA = ("NoneType", "factor not available")
"""How its functions fail on a page that has nothing."""

_CHANGED = ("Length mismatch", "not in index", "None of [Index")
"""How they fail on a page that has other columns than they know."""


class Client:
    """Calls functions of akshare, each a web page of somebody else.

    Parameters
    ----------
    access : deadline and pace of a question
    """

    def __init__(self, access: Access) -> None:
        try:
            import akshare
        except ImportError:
            raise MissingExtra("akshare", "cn") from None
        self._module: ModuleType = akshare
        self._access = access

    def ask(self, query: str, wanted: tuple[str, ...], **options: str) -> pl.DataFrame:
        """Call a function; a page without data gives no rows.

        Raises
        ------
        VendorError
            of reach "query" if its columns changed, "moment" if the page does not answer
        """
        import polars as pl

        function = getattr(self._module, query, None)
        if function is None:
            version = getattr(self._module, "__version__", "?")
            raise VendorError(
                NAME, query, f"akshare {version} has no such function any more", reach="query"
            )
        self._access.pace()
        try:
            frame = within(self._access.timeout, NAME, query, lambda: function(**options))
        except VendorError:
            raise
        except json.JSONDecodeError:
            raise VendorError(
                NAME, query, "the page gave no JSON: blocked, most likely; wait", reach="moment"
            ) from None
        except OSError as error:  # all network faults of requests are such
            raise VendorError(NAME, query, f"{error}", reach="moment") from None
        except Exception as error:
            if any(word in str(error) for word in _NO_DATA):
                return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
            raise self._broken(query, error) from None
        if frame is None or not len(frame.columns):
            return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
        check_columns(NAME, query, [str(c) for c in frame.columns], wanted)
        return from_pandas(frame[list(wanted)])

    def _broken(self, query: str, error: Exception) -> VendorError:
        said = f"{type(error).__name__}: {error}"
        changed = any(word in said for word in _CHANGED)
        message = f"it could not read its page ({said})"
        return VendorError(NAME, query, message, reach="query" if changed else "moment")
