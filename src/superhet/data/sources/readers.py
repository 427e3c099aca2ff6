"""All that reads files into a store: whoever asks for `SOURCES` here finds each of them registered."""

from __future__ import annotations

from superhet.data import ingest
from superhet.data.base import SOURCES
from superhet.data.sources import qlib_bin, tdx

READERS = (ingest.import_files, qlib_bin.import_qlib, tdx.import_tdx)

__all__ = ["READERS", "SOURCES"]
