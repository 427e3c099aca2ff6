"""Lots or shares: a volume says which by the price that amount and volume make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from superhet.errors import VendorError

if TYPE_CHECKING:
    import polars as pl

_LOT = 100.0


def in_shares(
    frame: pl.DataFrame, vendor: str, query: str, *, expected: float
) -> tuple[pl.DataFrame, str]:
    """Bring `volume` to shares, and say so where the data contradict what the vendor is known for.

    Parameters
    ----------
    frame : with close, volume and amount, in yuan; rows without trade say nothing
    expected : 100 if the vendor gives lots, 1 if shares

    Returns
    -------
    The frame in shares, and a note; "" if all is as expected.

    Raises
    ------
    VendorError
        if amount and volume make no price that fits, by either
    """
    import polars as pl

    traded = frame.filter((pl.col("volume") > 0) & (pl.col("amount") > 0) & (pl.col("close") > 0))
    if traded.is_empty():
        return frame.with_columns(pl.col("volume") * expected), ""
    ratios = traded.select(pl.col("amount") / (pl.col("volume") * pl.col("close")))
    ratio = float(ratios.to_series().median())  # type: ignore[arg-type] # numbers
    for factor in (expected, _LOT if expected == 1.0 else 1.0):
        if 0.5 < ratio / factor < 2.0:
            unit = "lots of 100" if factor == _LOT else "shares"
            note = "" if factor == expected else f"{query} gave volumes in {unit}; taken as such"
            return frame.with_columns(pl.col("volume") * factor), note
    raise VendorError(
        vendor,
        query,
        f"amount / (volume × close) is {ratio:.4g}: neither shares (1) nor lots (100) and yuan",
    )
