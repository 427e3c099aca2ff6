"""A tear sheet of real A-shares beside that of alphalens-reloaded 0.5.1, run in its own environment.

300 stocks in 2018 and 2019, five-day reversal, horizons 1, 5 and 10 from close to close, five quantiles,
boards as groups. Asked for alphalens' definitions by name, superhet gives its numbers to 1e-10:

- `edges="interpolated"` cuts quantiles as `pandas.qcut` does; `complete=True` drops a stock from all horizons
  where one is not known; `rank_autocorrelation(among="date")` keeps the ranks of each date.
- alphalens' spread holds half of each end (gross 1), ours all of it (gross 2).

Where ours differs unasked, a test says why and shows it:

- alphalens carries prices through suspensions and lets one buy there.
- It drops the last ten dates of the one-day returns because their ten-day returns are not known.
- Its quantile edges lie between values, and where equal values span two edges it drops the date. Ours cut by
  average rank: sizes differ by one at most where no values are equal, and no date is lost.

A weekly factor is compared with its own week before on both sides.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.evaluation import (
    Evaluation,
    Targets,
    evaluate,
    quantile_returns,
    rank_autocorrelation,
)
from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe

ROOT = Path(__file__).parents[2]
PEER, SCRIPT = ROOT / ".peers" / "alphalens", ROOT / "benchmarks" / "peers" / "alphalens_values.py"
BARS = ROOT.parent / "shared" / "data" / "cn" / "bars_daily"
HORIZONS, QUANTILES, NAMES = (1, 5, 10), 5, 300
BOARDS = ("main SH", "main SZ", "small", "growth")
CLOSE = 1e-10

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PEER / ".done").exists(), reason="alphalens is not installed; make peers"
    ),
    pytest.mark.skipif(not BARS.exists(), reason="the real data are not beside the project"),
]


@dataclass(frozen=True)
class Bars:
    """Adjusted closes, NaN on days without trade, [dates, assets]."""

    dates: Any
    assets: list[str]
    closes: Any


@pytest.fixture(scope="module")
def bars() -> Bars:
    years = pl.concat([pl.read_parquet(BARS / f"{year}.parquet") for year in (2018, 2019)])
    years = years.with_columns(price=pl.col("close") * pl.col("adj_factor"))
    wide = years.pivot(on="symbol", index="date", values="price").sort("date")
    assets = sorted(wide.columns[1:])[::4][:NAMES]
    return Bars(wide["date"].to_numpy(), assets, wide.select(assets).to_numpy().astype(float))


def carried(closes: Any) -> Any:
    row = np.maximum.accumulate(np.where(np.isnan(closes), 0, np.arange(len(closes))[:, None]))
    return np.take_along_axis(closes, row, axis=0)


def reversal(closes: Any) -> Any:
    """The last five sessions' return, turned; prices are carried, so it is known while trade is halted."""
    known, out = carried(closes), np.full(closes.shape, np.nan)
    out[5:] = 1.0 - known[5:] / known[:-5]
    return out


def board(asset: str) -> int:
    return 0 if asset[0] == "6" else {"000": 1, "001": 1, "002": 2, "003": 2}.get(asset[:3], 3)


def alphalens(folder: Path, bars: Bars, factor: Any, *how: str) -> dict[str, Any]:
    """What alphalens gives for a factor and the closes; it carries prices itself."""
    dates, assets = factor.shape
    long = {
        "date": np.repeat(bars.dates, assets),
        "asset": bars.assets * dates,
        "factor": factor.ravel(),
    }
    pl.DataFrame(long).filter(pl.col("factor").is_not_nan()).write_parquet(
        folder / "factor.parquet"
    )
    import pandas as pd

    index = pd.DatetimeIndex(bars.dates)
    pd.DataFrame(bars.closes, index=index, columns=bars.assets).to_parquet(
        folder / "prices.parquet"
    )
    (folder / "group.json").write_text(json.dumps({a: board(a) for a in bars.assets}))
    subprocess.run([PEER / "bin" / "python", SCRIPT, folder, *how], check=True, capture_output=True)
    with np.load(folder / "values.npz") as found:
        return dict(found)


def panel(bars: Bars, values: Any, **more: Any) -> Panel:
    return Panel(values=values, dates=Dates(bars.dates), assets=Assets(bars.assets), **more)


def market(bars: Bars) -> Market:
    everyone = panel(bars, np.ones(bars.closes.shape, dtype=bool), unit="flag")
    prices = panel(bars, bars.closes, name="adjusted_close", unit="price")
    universe = Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={})
    return Market(fields=Cube({"adjusted_close": prices}), universe=universe)


def boards(bars: Bars) -> Panel:
    codes = np.array([board(a) for a in bars.assets], dtype=np.int32)
    wide = np.broadcast_to(codes, bars.closes.shape)
    return panel(bars, wide, name="board", unit="group", labels=BOARDS)


def ours(bars: Bars, factor: Any, *, complete: bool, edges: Any = "interpolated") -> Evaluation:
    targets = Targets.build(
        market(bars), horizons=HORIZONS, delay=0, entry="close", complete=complete
    )
    signal = panel(bars, factor, name="reversal")
    return evaluate(signal, targets, groups={"board": boards(bars)}, edges=edges, lags=HORIZONS)


@dataclass(frozen=True)
class Both:
    """The same factor on both sides, known on days with trade only."""

    factor: Any
    theirs: dict[str, Any]
    ours: Evaluation


@pytest.fixture(scope="module")
def both(bars: Bars, tmp_path_factory: pytest.TempPathFactory) -> Both:
    factor = np.where(np.isnan(bars.closes), np.nan, reversal(bars.closes))
    theirs = alphalens(tmp_path_factory.mktemp("traded"), bars, factor)
    return Both(factor, theirs, ours(bars, factor, complete=True))


# --- the same numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("horizon", HORIZONS)
def test_rank_ic_is_that_of_alphalens(both: Both, horizon: int) -> None:
    found = both.ours.information[horizon]
    assert found.rank.count > 450
    assert_allclose(found.rank_ic, both.theirs[f"rank ic {horizon}"], atol=CLOSE)
    assert_allclose(found.by_month()[1], both.theirs[f"month {horizon}"], atol=CLOSE)
    within = both.ours.groups["board"][horizon]
    assert_allclose(within.rank_ic, both.theirs[f"group {horizon}"], atol=CLOSE)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_quantile_returns_are_those_of_alphalens(both: Both, horizon: int) -> None:
    found, theirs = both.ours.quantiles[horizon], both.theirs
    assert_allclose(found.returns, theirs[f"quantiles {horizon}"], atol=CLOSE)
    assert_allclose(found.excess_mean, theirs[f"demeaned {horizon}"], atol=CLOSE)
    away = found.returns - found.universe[:, None]
    error = np.nanstd(away, axis=0, ddof=1) / np.sqrt((~np.isnan(away)).sum(axis=0))
    assert_allclose(error, theirs[f"demeaned error {horizon}"], atol=CLOSE)
    assert_allclose(found.spread / 2.0, theirs[f"spread {horizon}"], atol=CLOSE)
    assert_allclose(found.spread_error / 2.0, theirs[f"spread error {horizon}"], atol=CLOSE)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_quantile_returns_by_group_are_those_of_alphalens(both: Both, horizon: int) -> None:
    within = both.ours.groups["board"][horizon].quantile_returns
    away = within - both.ours.quantiles[horizon].universe[:, None, None]
    assert_allclose(
        np.nanmean(away[5:-10], axis=0), both.theirs[f"group quantiles {horizon}"], atol=CLOSE
    )


@pytest.mark.parametrize("horizon", HORIZONS)
def test_turnover_is_that_of_alphalens(both: Both, horizon: int) -> None:
    assert_allclose(
        both.ours.quantiles[horizon].turnover, both.theirs[f"turnover {horizon}"], atol=CLOSE
    )


@pytest.mark.parametrize("horizon", HORIZONS)
def test_factor_weighted_returns_alpha_and_beta_are_those_of_alphalens(
    both: Both, horizon: int
) -> None:
    found = both.ours.weighted[horizon]
    assert_allclose(found.returns, both.theirs[f"weighted {horizon}"], atol=CLOSE)
    line = [found.regression.annual_alpha, found.regression.beta]
    assert_allclose(line, both.theirs[f"alpha beta {horizon}"], atol=CLOSE)


@pytest.mark.parametrize("lag", HORIZONS)
def test_autocorrelation_is_that_of_alphalens_with_the_ranks_of_each_date(
    both: Both, bars: Bars, lag: int
) -> None:
    known = np.where(np.isnan(both.theirs["forward 10"]), np.nan, both.factor)
    signal, theirs = panel(bars, known), both.theirs[f"autocorrelation {lag}"]
    assert_allclose(rank_autocorrelation(signal, lag, among="date"), theirs, atol=CLOSE)
    among_pairs = rank_autocorrelation(signal, lag)
    gap = np.abs(among_pairs - theirs)
    assert 1e-6 < np.nanmax(gap) < 0.02  # names come and go, and shift the ranks of the others


# --- other numbers, and why -----------------------------------------------------------------------


def test_alphalens_buys_suspended_stocks_at_a_price_nobody_trades_at(
    bars: Bars, tmp_path: Path
) -> None:
    factor = reversal(bars.closes)
    theirs = alphalens(tmp_path, bars, factor, "brief")
    found = Targets.build(market(bars), horizons=HORIZONS, delay=0, entry="close", complete=True)
    bought, mine = ~np.isnan(theirs["forward 1"]), ~np.isnan(found.forward[1].values)
    mine &= ~np.isnan(factor)
    assert (bought & ~mine).sum() > 500
    assert_array_equal(bought & ~mine, bought & np.isnan(bars.closes))
    assert_allclose(found.forward[1].values[mine], theirs["forward 1"][mine], atol=CLOSE)


def test_alphalens_loses_dates_of_short_horizons_to_the_longest(both: Both, bars: Bars) -> None:
    apart = ours(bars, both.factor, complete=False)
    lost = ~np.isnan(apart.information[1].rank_ic) & np.isnan(both.theirs["rank ic 1"])
    assert_array_equal(np.flatnonzero(lost), len(bars.dates) - 1 - np.arange(9, 0, -1))
    kept = ~np.isnan(both.theirs["rank ic 1"])
    assert_allclose(apart.information[1].rank_ic[kept], both.theirs["rank ic 1"][kept], atol=CLOSE)


def test_a_weekly_factor_is_compared_with_its_own_week_before(
    both: Both, bars: Bars, tmp_path: Path
) -> None:
    weekly = np.full_like(both.factor, np.nan)
    weekly[::5] = both.factor[::5]
    theirs = alphalens(tmp_path, bars, weekly, "brief")["turnover 1"][::5]
    targets = Targets.build(
        market(bars), horizons=HORIZONS, delay=0, entry="close", complete=True
    ).rows(slice(None, None, 5))
    signal = panel(bars, both.factor).rows(slice(None, None, 5))
    found = quantile_returns(signal, targets.forward[5], 1, edges="interpolated")
    assert (~np.isnan(theirs)).sum() > 400
    assert_allclose(found.turnover, theirs, atol=CLOSE)


def test_alphalens_drops_dates_on_which_equal_values_span_an_edge(
    both: Both, bars: Bars, tmp_path: Path
) -> None:
    factor = both.factor.copy()
    factor[::2] = np.sign(factor[::2])  # up or down, no more
    theirs = alphalens(tmp_path, bars, factor, "brief")["bucket"]
    found = ours(bars, factor, complete=True, edges="rank").quantiles[1].sizes
    kept = np.isfinite(theirs).any(axis=1)
    assert not kept[10:-10:2].any()
    assert kept[11:-10:2].all()
    assert (found[10:-10:2].sum(axis=1) > 200).all()


def test_quantiles_by_average_rank_differ_by_one_in_size(both: Both, bars: Bars) -> None:
    by_rank = ours(bars, both.factor, complete=True, edges="rank").quantiles[1].sizes
    between = both.ours.quantiles[1].sizes
    bucket = np.nan_to_num(both.theirs["bucket"]).astype(int)
    counted = np.array([np.bincount(row, minlength=QUANTILES + 1)[1:] for row in bucket])
    assert_array_equal(between, counted)
    names = (bucket > 0).sum(axis=1)
    values = [np.unique(row[b > 0]) for row, b in zip(both.factor, bucket, strict=True)]
    distinct = np.array([v.size for v in values]) == names
    assert distinct.sum() > 50
    assert np.ptp(by_rank[distinct], axis=1).max() == 1
    assert np.abs(by_rank - between)[distinct].max() == 1
