"""The store: immutable Parquet parts, a manifest that names them, and the states it has been in."""

from superhet.data.store.store import Mode, Store

__all__ = ["Mode", "Store"]
