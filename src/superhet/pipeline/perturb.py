"""Perturb: the same data with another future, for the look-ahead audit.

Every row that became known after *t* is replaced by noise, or taken away. What the store itself says
about the future of an earlier row (the end of an industry membership, a delisting) is taken away too.
Noise keeps the form of the data (prices stay positive, high stays above low, a flag of 0 and 1 stays one), so
that nothing fails for another reason than looking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from superhet.data.base import Tables
from superhet.data.known_at import known_days
from superhet.data.schema import TABLES
from superhet.data.table import Table

if TYPE_CHECKING:
    import polars as pl

_PRICES = ("open", "high", "low", "close", "limit_up", "limit_down", "amount")
_TRADED = ("volume", "amount")
_ENDS = ("end_date", "delist_date")


@dataclass(frozen=True)
class OtherFuture:
    """Tables whose rows after `date` are noise or gone.

    Parameters
    ----------
    tables : the real tables
    date : the last day that stays as it is
    mode : "noise" or "nothing"
    last : in noise mode, the last day kept at all (a shorter future costs less time)
    seed : of the noise
    """

    tables: Tables
    date: np.datetime64
    mode: Literal["noise", "nothing"]
    last: np.datetime64
    seed: int = 0

    @property
    def snapshot(self) -> str:
        """Name the data apart from the real ones."""
        return f"{self.tables.snapshot}/{self.mode}-after-{self.date}"

    def names(self) -> list[str]:
        """List the tables."""
        return self.tables.names()

    def meta(self, table: str) -> Mapping[str, Any]:
        """Give what the manifest says of a table."""
        return self.tables.meta(table)

    def read(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        start: Any = None,
        end: Any = None,
    ) -> pl.DataFrame:
        """Read a table, then replace its future."""
        import polars as pl

        spec = TABLES[table]
        known_at = spec.known_at
        wanted = None if columns is None else list(columns)
        if known_at is None:
            frame = self.tables.read(table, columns=wanted, start=start, end=end)
            return self._forget_ends(frame)
        if wanted is not None:
            extra = self._says_when(spec)
            wanted += [c for c in extra if c not in wanted]
        frame = self.tables.read(table, columns=wanted, start=start, end=end)
        day = frame[known_at].cast(pl.Date)
        limit = self.date.astype("datetime64[D]").item()
        if spec.known == "next_session":  # announced on t, known on t + 1
            known = known_days(table, frame, self.meta(table))
            future = pl.Series(~(known <= np.datetime64(limit)))
        else:
            future = (day > limit).fill_null(True)
        if self.mode == "nothing":
            frame = self._forget_ends(frame.filter(~future))
        else:
            near = (day <= self.last.astype("datetime64[D]").item()).fill_null(False)
            frame = self._noise(frame, table, future.to_numpy()).filter(near)
        return frame if columns is None else frame.select(list(columns))

    def _says_when(self, spec: Table) -> list[str]:
        """Name the columns that say from when on a row is known."""
        names = [n for n in (spec.known_at, "announce_time") if n in spec.columns]
        if spec.known == "next_session":
            names.append("asset")  # markets close at different times
        there = self.tables.read(spec.name, start="1900-01-01", end="1900-01-01").columns
        return [n for n in names if n in there]

    def _forget_ends(self, frame: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        limit = self.date.astype("datetime64[D]").item()
        for name in _ENDS:
            if name in frame.columns:
                known = pl.when(pl.col(name).cast(pl.Date) <= limit).then(pl.col(name))
                frame = frame.with_columns(known.alias(name))
        return frame

    def _noise(self, frame: pl.DataFrame, table: str, future: np.ndarray[Any, Any]) -> pl.DataFrame:
        import polars as pl

        rng = np.random.default_rng([self.seed, sum(table.encode())])
        price = np.where(future, np.exp(0.02 * rng.standard_normal(len(frame))), 1.0)
        traded = np.where(future, np.exp(rng.standard_normal(len(frame))), 1.0)
        changed = []
        for name, dtype in frame.schema.items():
            if name in _PRICES or name in _TRADED:
                factor = np.where(name in _PRICES, price, 1.0) * np.where(
                    name in _TRADED, traded, 1.0
                )
            elif name == "adjust_factor":
                factor = price
            elif dtype.is_float() and _is_flag(frame[name]):
                flag = (rng.random(len(frame)) < 0.5).astype(np.float64)
                other = future & frame[name].is_not_null().to_numpy()
                changed.append(pl.Series(name, np.where(other, flag, frame[name].to_numpy())))
                continue
            elif dtype.is_float():
                factor = np.where(future, np.exp(0.5 * rng.standard_normal(len(frame))), 1.0)
            else:
                continue
            changed.append((frame[name] * pl.Series(factor)).alias(name))
        return self._forget_ends(frame.with_columns(changed))


def _is_flag(column: pl.Series) -> bool:
    """Whether all that is known is 0 or 1."""
    known = column.drop_nulls().drop_nans()
    return bool(len(known)) and bool(known.is_in([0.0, 1.0]).all())
