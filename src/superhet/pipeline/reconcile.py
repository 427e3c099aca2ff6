"""Reconcile: the books of several engines beside ours, to the day and the order on which they part.

1. equity is laid over the days that both books have             -> _equity
2. fills are summed by day and asset, and compared in shares     -> _orders
3. the first day on which either differs is looked into          -> _first

A difference below `TOLERANCE` a day is rounding of sums; shares differ where they differ at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.kernels.ledger_books import LEG_COSTS
from superhet.pipeline.artifacts import write_atomic
from superhet.pipeline.backtest_books import Books
from superhet.pipeline.backtest_engines import NATIVE

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
TOLERANCE = 0.01
"""Currency by which two equities may differ before they are said to."""
_SHARES = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class Difference:
    """One engine beside ours.

    Parameters
    ----------
    engine : its name
    dates : days that both books have
    equity : [dates], its equity minus ours
    most : largest absolute difference of a day
    orders : days and assets on which the shares traded differ
    parted : those, one row each: date, asset, native_shares, engine_shares
    first : date, asset, reason and amounts of the first difference; None if there is none
    """

    engine: str
    dates: npt.NDArray[np.datetime64]
    equity: Floats
    most: float
    orders: int
    parted: pl.DataFrame
    first: Mapping[str, Any] | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Reconciliation:
    """All engines beside ours.

    Parameters
    ----------
    engines : engine -> difference; empty where there is nothing to compare
    """

    engines: Mapping[str, Difference] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers that the command line prints."""
        return {
            "max_abs_equity_difference": {n: d.most for n, d in self.engines.items()},
            "first_difference": {
                n: None if d.first is None else dict(d.first) for n, d in self.engines.items()
            },
        }


def reconcile(books: Mapping[str, Books]) -> Reconciliation:
    """Compare the books of every other engine with those of the native one."""
    if NATIVE not in books:
        return Reconciliation()
    ours = books[NATIVE]
    return Reconciliation(
        engines={n: compare(ours, theirs) for n, theirs in books.items() if n != NATIVE}
    )


def write_differences(found: Reconciliation, out: Path) -> None:
    """Write `differences.parquet`, one row a day and engine, and `orders_that_differ.parquet`."""
    import polars as pl

    if not found.engines:
        return
    days, orders = [], []
    for name, one in found.engines.items():
        frame = pl.DataFrame({"date": one.dates, "difference": one.equity})
        days.append(frame.with_columns(engine=pl.lit(name)).select("date", "engine", "difference"))
        orders.append(one.parted.select(pl.lit(name).alias("engine"), pl.all()))
    for name, frames in (("differences", days), ("orders_that_differ", orders)):
        whole = pl.concat(frames)
        write_atomic(out / f"{name}.parquet", partial(_write, whole))


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd")


def compare(ours: Books, theirs: Books) -> Difference:
    """Lay the books of one engine beside ours."""
    dates, left, right = _equity(ours, theirs)
    gap = right - left
    orders = _orders(ours, theirs)
    return Difference(
        engine=theirs.engine,
        dates=dates,
        equity=gap,
        most=float(np.abs(gap).max()) if gap.size else float("nan"),
        orders=orders.height,
        parted=orders.select("date", "asset", native_shares="shares", engine_shares="shares_right"),
        first=_first(ours, theirs, dates, gap, orders),
    )


def _equity(ours: Books, theirs: Books) -> tuple[npt.NDArray[np.datetime64], Floats, Floats]:
    both = (
        ours.table("equity")
        .select("date", ours="equity")
        .join(theirs.table("equity").select("date", theirs="equity"), on="date")
        .sort("date")
    )
    days = both["date"].to_numpy().astype("datetime64[D]")
    return days, both["ours"].to_numpy(), both["theirs"].to_numpy()


def _traded(books: Books) -> pl.DataFrame:
    """Sum fills by day and asset: shares, value, costs."""
    import polars as pl

    trades = books.table("trades")
    costs = [n for n in LEG_COSTS if n in trades.columns]
    return trades.group_by("date", "asset").agg(
        pl.col("shares").sum(),
        pl.col("value").sum(),
        pl.sum_horizontal(pl.col(costs).fill_null(0.0).fill_nan(0.0)).sum().alias("costs"),
    )


def _orders(ours: Books, theirs: Books) -> pl.DataFrame:
    """List the days and assets on which the shares traded differ, in order."""
    import polars as pl

    both = _traded(ours).join(_traded(theirs), on=["date", "asset"], how="full", coalesce=True)
    both = both.with_columns(pl.exclude("date", "asset").fill_null(0.0))
    gap = (pl.col("shares") - pl.col("shares_right")).abs()
    return both.filter(gap > _SHARES).sort("date", "asset")


def _first(
    ours: Books,
    theirs: Books,
    dates: npt.NDArray[np.datetime64],
    gap: Floats,
    orders: pl.DataFrame,
) -> dict[str, Any] | None:
    parted = np.flatnonzero(np.abs(gap) > TOLERANCE)
    day_of_equity = None if not parted.size else dates[parted[0]].item()
    day_of_orders = None if not orders.height else orders["date"][0]
    days = [d for d in (day_of_equity, day_of_orders) if d is not None]
    if not days:
        return None
    day = min(days)
    at = np.flatnonzero(dates == np.datetime64(day))
    amount = float(gap[at[0]]) if at.size else float("nan")
    if day_of_orders == day:
        found = _of_order(ours, theirs, orders.row(0, named=True))
    else:
        found = _of_money(ours, theirs, day)
    return {"date": str(day), **found, "equity_difference": amount}


def _of_order(ours: Books, theirs: Books, row: Mapping[str, Any]) -> dict[str, Any]:
    """Say why an order was done differently, from what each book says of it."""
    day, asset = row["date"], row["asset"]
    mine, its = row["shares"], row["shares_right"]
    refused = {b.engine: _refused(b, day, asset) for b in (ours, theirs)}
    name = theirs.engine
    if refused[NATIVE] != refused[name]:
        rule = refused[NATIVE] or refused[name]
        who, other = (NATIVE, name) if refused[NATIVE] else (name, NATIVE)
        also = f", {other} for {refused[other]}" if refused[other] else f", {other} does not"
        reason = f"{rule}: {who} refuses the order or part of it{also}"
    elif abs(its - round(its)) > _SHARES and abs(mine - round(mine)) <= _SHARES:
        reason = "fractional shares: the engine knows no whole lots"
    elif its == 0.0 or mine == 0.0:
        reason = "an order that only one of them sends"
    else:
        reason = "order size: equity, price or lot at the decision differ"
    return {"asset": asset, "reason": reason, "native_shares": mine, "engine_shares": its}


def _refused(books: Books, day: Any, asset: str) -> str:
    import polars as pl

    rows = books.table("refused").filter((pl.col("date") == day) & (pl.col("asset") == asset))
    return ", ".join(sorted(set(rows["rule"].to_list())))


def _of_money(ours: Books, theirs: Books, day: Any) -> dict[str, Any]:
    """Say where the money differs on a day of equal orders: a price, a cost of a fill, or of the book."""
    import polars as pl

    both = _traded(ours).filter(pl.col("date") == day)
    both = both.join(_traded(theirs).filter(pl.col("date") == day), on=["date", "asset"])
    for what, reason in (("value", "value of the fill"), ("costs", "costs of the fill")):
        gap = (pl.col(what) - pl.col(f"{what}_right")).abs()
        found = both.filter(gap > TOLERANCE / 2).sort("asset")
        if found.height:
            row = found.row(0, named=True)
            kind = "" if what == "value" else _kind(ours, theirs, day, row["asset"])
            said = f"{kind or reason}: {row[what]:,.4f} and {row[f'{what}_right']:,.4f}"
            return {"asset": row["asset"], "reason": said}
    left, right = (b.table("costs").filter(pl.col("date") == day) for b in (ours, theirs))
    parts = {
        n: float(right[n][0] - left[n][0])
        for n in left.columns
        if n != "date" and n in right.columns and left.height and right.height
    }
    worst = max(parts, key=lambda n: abs(parts[n]), default=None)
    if worst is not None and abs(parts[worst]) > TOLERANCE / 2:
        return {"asset": None, "reason": f"{worst}: {parts[worst]:+,.4f} on this day"}
    held = _held(ours, theirs, day)
    if held is not None:
        return held
    return {"asset": None, "reason": "value of what is held, or rounding of sums"}


def _kind(ours: Books, theirs: Books, day: Any, asset: str) -> str:
    """Name the cost of a fill that differs most."""
    import polars as pl

    sums = []
    for books in (ours, theirs):
        trades = books.table("trades")
        rows = trades.filter((pl.col("date") == day) & (pl.col("asset") == asset))
        sums.append({n: float(rows[n].sum()) for n in LEG_COSTS if n in rows.columns})
    shared = [n for n in sums[0] if n in sums[1]]
    return max(shared, key=lambda n: abs(sums[0][n] - sums[1][n]), default="")


def _held(ours: Books, theirs: Books, day: Any) -> dict[str, Any] | None:
    """Find the first asset of which another number of shares is held."""
    import polars as pl

    left, right = (b.table("holdings").filter(pl.col("date") == day) for b in (ours, theirs))
    both = left.select("asset", "shares").join(
        right.select("asset", "shares"), on="asset", how="full", coalesce=True
    )
    both = both.with_columns(pl.exclude("asset").fill_null(0.0))
    gap = both.filter((pl.col("shares") - pl.col("shares_right")).abs() > 1e-3).sort("asset")
    if not gap.height:
        return None
    row = gap.row(0, named=True)
    said = f"shares held: {row['shares']:,.4f} and {row['shares_right']:,.4f}"
    return {"asset": row["asset"], "reason": f"{said} (a corporate action, or an order before)"}
