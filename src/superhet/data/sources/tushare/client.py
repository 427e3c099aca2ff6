"""The near side of tushare: whole answers, its complaints in clear words, and the token in none of them.

Its client turns an HTTP error into an empty frame without columns, and raises whatever the server says
as a bare exception. Rows are asked for page by page.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from superhet.data.sources.vendor import Access
from superhet.data.sources.vendor.columns import check_columns, from_pandas
from superhet.data.sources.vendor.deadline import within
from superhet.errors import MissingExtra, VendorError, VendorRefused

if TYPE_CHECKING:
    import polars as pl

NAME = "tushare"
_PAGE = 5000
_SHORT_PAGES = {"index_member_all": 2000}
_MOST_PAGES = 400
_A_MINUTE = 61.0


class Client:
    """Asks functions of tushare's data interface.

    Parameters
    ----------
    access : token, deadline of a question, address in place of the usual one
    """

    def __init__(self, access: Access) -> None:
        try:
            from tushare.pro.client import DataApi
        except ImportError:
            raise MissingExtra("tushare", "cn") from None
        self._access = access
        self._api = DataApi(access.token, timeout=access.timeout)
        if access.server:
            self._api._DataApi__http_url = access.server

    def ask(self, query: str, wanted: tuple[str, ...], **params: str) -> pl.DataFrame:
        """Ask one function for some columns and give all its rows.

        Raises
        ------
        VendorError
            of reach "query" if the account may not use it or its columns changed
        VendorRefused
            if the token is wrong
        """
        import polars as pl

        page = _SHORT_PAGES.get(query, _PAGE)
        pages: list[pl.DataFrame] = []
        while len(pages) < _MOST_PAGES:
            part = self._page(query, wanted, limit=page, offset=page * len(pages), **params)
            if pages and part.equals(pages[-1]):  # a function that knows no pages
                break
            pages.append(part)
            if len(part) < page:
                break
        filled = [p for p in pages if len(p)] or pages[:1]
        return pl.concat(filled, how="vertical_relaxed")

    def _page(self, query: str, wanted: tuple[str, ...], **params: Any) -> pl.DataFrame:
        self._access.pace()
        fields = ",".join(wanted)
        try:
            frame = within(
                2 * self._access.timeout,
                NAME,
                query,
                lambda: self._api.query(query, fields=fields, **params),
            )
        except VendorError:
            raise
        except json.JSONDecodeError as error:
            begin = error.doc[:40].replace("\n", " ")
            raise VendorError(
                NAME, query, f"no whole JSON came, but {begin!r} …", reach="moment"
            ) from None
        except OSError as error:  # all network faults of requests are such
            raise VendorError(NAME, query, self._clean(error), reach="moment") from None
        except (KeyError, TypeError, ValueError) as error:
            raise VendorError(
                NAME,
                query,
                f"an answer of another form came ({type(error).__name__}: {self._clean(error)})",
                reach="moment",
            ) from None
        except Exception as error:
            raise self._complaint(query, self._clean(error)) from None
        if not len(frame.columns):
            raise VendorError(
                NAME, query, "an error page of the server came, and no data", reach="moment"
            )
        check_columns(NAME, query, [str(c) for c in frame.columns], wanted)
        return from_pandas(frame).select(wanted)

    def _complaint(self, query: str, said: str) -> VendorError | VendorRefused:
        """Sort what the server says: wait, do not ask this function again, or do not ask at all."""
        if "token" in said.lower():
            return VendorRefused(NAME, f"the token is wrong or expired: {said}")
        if "每分钟" in said:
            return VendorError(
                NAME, query, f"asked too often: {said}", reach="moment", wait=_A_MINUTE
            )
        if any(word in said for word in ("每天", "每小时", "每日")):
            return VendorError(NAME, query, f"used up for now: {said}", reach="query")
        if any(word in said for word in ("权限", "积分")):
            return VendorError(
                NAME, query, f"the account has too few points for it: {said}", reach="query"
            )
        return VendorError(NAME, query, said)

    def _clean(self, error: Exception) -> str:
        text = str(error) or type(error).__name__
        return text.replace(self._access.token, "***") if self._access.token else text
