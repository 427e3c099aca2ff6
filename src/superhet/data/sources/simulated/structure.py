"""Who is on the market: codes, boards, industries, listings, share counts, and lasting traits.

Also the table `securities` and the table `industry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.sources.simulated.recipe import (
    INDUSTRIES,
    Days,
    Floats,
    Integers,
    SimulatedMarket,
)

if TYPE_CHECKING:
    import polars as pl

BOARDS = ("main", "chinext", "star", "bse")
_SHARE_OF_BOARD = (0.33, 0.29, 0.24, 0.10, 0.04)  # Shanghai main, Shenzhen main, chinext, star, bse
_FIRST_CODE = (600001, 1, 300001, 688001, 830001)
_EXCHANGE = ("SH", "SZ", "SZ", "SH", "BJ")
_LATE_SHARE = 0.10
_SESSIONS_OF_FOUR_YEARS = 970
_MOVES_A_YEAR = 0.004
_SESSIONS_A_YEAR = 243


@dataclass(frozen=True, eq=False, kw_only=True)
class Structure:
    """Lasting facts of each asset; all arrays are [assets], in the order of the codes.

    Parameters
    ----------
    assets, names : codes ("600001.SH") and names
    board : position in `BOARDS`
    listed : first session, counted from the start of the sample; 0 = listed before
    listed_before : days between listing and the start of the sample, for those listed before
    industry, next_industry, moves : industry, the one it moves to, and the session of that move
    price : first price; total_shares, float_shares : first share counts
    volatility : daily deviation of specific returns
    turnover : log of the usual daily turnover
    """

    assets: np.ndarray[tuple[int], np.dtype[np.str_]]
    names: np.ndarray[tuple[int], np.dtype[np.str_]]
    board: Integers
    listed: Integers
    listed_before: Integers
    industry: Integers
    next_industry: Integers
    moves: Integers
    price: Floats
    total_shares: Floats
    float_shares: Floats
    volatility: Floats
    turnover: Floats

    @property
    def count(self) -> int:
        """Number of assets."""
        return self.assets.size


def draw_structure(recipe: SimulatedMarket) -> Structure:
    """Draw all lasting facts."""
    rng, n = recipe.stream("structure"), recipe.assets
    place = np.sort(rng.choice(5, size=n, p=_SHARE_OF_BOARD))
    number = np.arange(n) - np.searchsorted(place, place)
    codes = np.array(
        [f"{_FIRST_CODE[p] + k:06d}.{_EXCHANGE[p]}" for p, k in zip(place, number, strict=True)]
    )
    order = np.argsort(codes, kind="stable")
    board = np.array([0, 0, 1, 2, 3])[place[order]]
    late = rng.random(n) < _LATE_SHARE
    price = np.asarray(np.round(np.exp(rng.normal(np.log(16.0), 0.55, n)), 2), dtype=np.float64)
    cap = np.exp(rng.normal(np.log(9e9), 1.05, n))
    total = np.round(cap / price / 1e4) * 1e4
    free = rng.uniform(0.45, 1.0, n)
    free[late] = rng.uniform(0.2, 0.35, int(late.sum()))
    size = (np.log(cap) - np.log(9e9)) / 1.05
    weights = rng.dirichlet(np.full(recipe.industries, 4.0))
    return Structure(
        assets=codes[order],
        names=np.array([f"样本{k + 1:04d}" for k in range(n)]),
        board=board,
        listed=np.where(late, rng.integers(5, _SESSIONS_OF_FOUR_YEARS, n), 0),
        listed_before=rng.integers(400, 7000, n),
        industry=rng.choice(recipe.industries, size=n, p=weights),
        next_industry=rng.integers(0, recipe.industries, n),
        moves=np.ceil(rng.exponential(_SESSIONS_A_YEAR / _MOVES_A_YEAR, n)).astype(np.int64),
        price=price,
        total_shares=total,
        float_shares=np.round(total * free / 1e4) * 1e4,
        volatility=rng.uniform(0.0125, 0.0195, n),
        turnover=np.log(0.013) - 0.25 * size + 0.45 * rng.standard_normal(n),
    )


def securities_table(
    structure: Structure, dates: Days, listed_on: Days, delisted: Integers
) -> pl.DataFrame:
    """Build the table `securities` of the assets that list within the sample.

    Parameters
    ----------
    dates : sessions of the sample
    listed_on : day of listing, [assets]
    delisted : first session without the asset, [assets]; `len(dates)` or more = still listed
    """
    import polars as pl

    gone = np.where(
        delisted < dates.size, dates[np.minimum(delisted, dates.size - 1)], np.datetime64("NaT")
    )
    frame = pl.DataFrame(
        {
            "asset": structure.assets.tolist(),
            "name": structure.names.tolist(),
            "board": [BOARDS[b] for b in structure.board],
            "list_date": listed_on.astype("datetime64[D]"),
            "delist_date": gone.astype("datetime64[D]"),
        }
    )
    return frame.filter(pl.Series(structure.listed < dates.size)).sort("asset")


def listing_days(structure: Structure, dates: Days) -> Days:
    """Give the day of listing of each asset; NaT for those that list after the sample."""
    inside = dates[np.minimum(structure.listed, dates.size - 1)]
    before = dates[0] - structure.listed_before.astype("timedelta64[D]")
    days = np.where(structure.listed == 0, before, inside)
    return np.where(structure.listed < dates.size, days, np.datetime64("NaT"))


def industry_table(structure: Structure, dates: Days, listed_on: Days) -> pl.DataFrame:
    """Build the table `industry` (scheme `sw1`); a few assets move to another industry on the way."""
    import polars as pl

    known = structure.listed < dates.size
    moved = known & (structure.moves > structure.listed) & (structure.moves < dates.size)
    moved &= structure.next_industry != structure.industry
    day = np.where(moved, dates[np.minimum(structure.moves, dates.size - 1)], np.datetime64("NaT"))
    labels = np.array(INDUSTRIES)
    first = pl.DataFrame(
        {
            "asset": structure.assets[known].tolist(),
            "industry": labels[structure.industry[known]].tolist(),
            "start_date": listed_on[known].astype("datetime64[D]"),
            "end_date": day[known].astype("datetime64[D]"),
        }
    )
    second = pl.DataFrame(
        {
            "asset": structure.assets[moved].tolist(),
            "industry": labels[structure.next_industry[moved]].tolist(),
            "start_date": day[moved].astype("datetime64[D]"),
        },
        schema_overrides={"asset": pl.String, "industry": pl.String, "start_date": pl.Date},
    ).with_columns(end_date=pl.lit(None, pl.Date))
    both = pl.concat([first, second]).with_columns(scheme=pl.lit("sw1"))
    return both.select("asset", "scheme", "industry", "start_date", "end_date").sort(
        "start_date", "asset", "scheme"
    )
