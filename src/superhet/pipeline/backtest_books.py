"""Books on disk: what an engine wrote down, as a folder of Parquet that can be read without superhet.

`books.json` is written last and names the key of the run: a folder without it is no finished run. Tables are
equity, trades, refused, costs, holdings, exposure and round_trips; `state` is the book at the last close,
where the engine can go on from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.backtest.round_trips import exposure_through_time, held_shares, round_trips
from superhet.errors import CorruptedPart
from superhet.evaluation.summary import plain
from superhet.kernels.marks import carried_marks
from superhet.kernels.performance import summarize
from superhet.panel import Assets, BacktestResult, BookState, Dates, Market, Records
from superhet.panel.frames import records_to_polars
from superhet.pipeline.artifacts import write_atomic, write_json
from superhet.pipeline.backtest_weights import asset_columns
from superhet.version import __version__

if TYPE_CHECKING:
    import polars as pl

FACTS = "books.json"
TABLES = ("equity", "trades", "refused", "costs", "holdings", "exposure")
_INCOMES = ("dividends", "cash_interest")
_STATE = ("shares", "goal", "mark", "weight")


@dataclass(frozen=True, kw_only=True)
class Books:
    """The books of one engine, read back.

    Parameters
    ----------
    engine : its name
    folder : where they are
    facts : summary, conventions, key, version, seconds
    """

    engine: str
    folder: Path
    facts: Mapping[str, Any]

    def table(self, name: str) -> pl.DataFrame:
        """Read one table.

        Raises
        ------
        CorruptedPart
            if the file is gone or cannot be read
        """
        import polars as pl

        path = self.folder / f"{name}.parquet"
        try:
            return pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError):
            raise CorruptedPart(
                path, "a table of these books cannot be read. Run the backtest again with --fresh."
            ) from None

    @property
    def summary(self) -> dict[str, Any]:
        """The numbers that the command line prints."""
        found: dict[str, Any] = self.facts["summary"]
        return found

    def state(self) -> BookState | None:
        """Give the book at the last close; None where the engine cannot go on from one."""
        known = self.facts.get("state")
        if known is None:
            return None
        frame = self.table("state")
        return BookState(
            date=np.datetime64(known["date"]),
            assets=Assets(frame["asset"].to_list()),
            **{name: frame[name].to_numpy() for name in _STATE},
            cash=float.fromhex(known["cash"]),
            equity=float.fromhex(known["equity"]),
            fresh=known["fresh"],
        )


def write_books(
    folder: Path,
    engine: str,
    frames: Mapping[str, pl.DataFrame],
    result: BacktestResult,
    actions: Records | None,
    facts: Mapping[str, Any],
) -> Books:
    """Write the books of one engine; they are finished once `books.json` is there.

    Parameters
    ----------
    folder : of this engine; former tables are replaced, file by file
    engine : its name
    frames : its tables, as `frames_of` gives them
    result : of its last run, for what is no table
    actions : splits and dividends, for round trips
    facts : more to remember (key, seconds)
    """
    (folder / FACTS).unlink(missing_ok=True)
    tables = {**frames, "round_trips": _trips(frames, result.holdings.assets, actions)}
    state = result.final_state
    if state is not None:
        tables["state"] = _state_frame(state)
    for name, frame in tables.items():
        write_atomic(folder / f"{name}.parquet", _writer(frame))
    kept = {
        "engine": engine,
        "version": result.conventions.get("engine", f"superhet {__version__}"),
        "conventions": dict(result.conventions),
        "periods_per_year": result.periods_per_year,
        "benchmark": result.benchmark_name,
        "state": None if state is None else _state_facts(state),
        "summary": plain(summary_of(frames, result.periods_per_year)),
        **plain(facts),
    }
    write_json(folder / FACTS, kept)
    return Books(engine=engine, folder=folder, facts=kept)


def read_books(folder: Path, engine: str) -> Books | None:
    """Read the books of one engine; None if there are no finished ones."""
    file = folder / FACTS
    if not file.is_file():
        return None
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        _ = facts["summary"], facts["key"]
    except (ValueError, KeyError, TypeError):
        return None
    return Books(engine=engine, folder=folder, facts=facts)


def frames_of(
    result: BacktestResult, actions: Records | None, opening: BookState | None = None
) -> dict[str, pl.DataFrame]:
    """Turn a result into tables.

    Parameters
    ----------
    result : of an engine
    actions : splits on the same assets
    opening : the book that it went on from
    """
    import polars as pl

    names = pl.Series(np.array(result.holdings.assets.values, dtype=object), dtype=pl.String)

    def named(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(names.gather(frame["asset"].cast(pl.UInt32)).alias("asset"))

    dates = result.dates.days
    trades = _trades(result.trades)
    return {
        "equity": _equity(result),
        "trades": named(trades),
        "refused": named(records_to_polars(result.orders_refused)),
        "costs": pl.DataFrame(
            {
                "date": dates,
                **{n: np.array(s) for n, s in {**result.costs, **result.income}.items()},
            }
        ),
        "holdings": named(_holdings(result, actions, opening)),
        "exposure": records_to_polars(exposure_through_time(result)),
    }


def _trades(records: Records) -> pl.DataFrame:
    """Name fills; `kind` says what `delisting` says, and tables know no whole seconds."""
    columns = {n: c for n, c in records.items() if n != "delisting"}
    if "time" in columns:
        columns["time"] = columns["time"].astype("datetime64[ms]")
    return records_to_polars(Records(name=records.name, columns=columns))


def _equity(result: BacktestResult) -> pl.DataFrame:
    import polars as pl

    columns = {
        "date": result.dates.days,
        "equity": np.array(result.equity),
        "cash": np.array(result.cash),
        "net_return": np.array(result.returns),
        "gross_return": np.array(result.gross_returns),
        "turnover": np.array(result.turnover),
    }
    if result.benchmark is not None:
        columns["benchmark_return"] = np.array(result.benchmark)
    return pl.DataFrame(columns)


def _holdings(
    result: BacktestResult, actions: Records | None, opening: BookState | None
) -> pl.DataFrame:
    import polars as pl

    held = np.asarray(result.holdings.values)
    before = None if opening is None else opening.shares
    shares = held_shares(result.trades, result.dates, held.shape[1], actions, before)
    row, column = np.nonzero(held)
    return pl.DataFrame(
        {
            "date": result.dates.days[row],
            "asset": column,
            "shares": shares[row, column],
            "weight": held[row, column],
            "target": np.asarray(result.target.values)[row, column],
        }
    )


def _trips(
    frames: Mapping[str, pl.DataFrame], assets: Assets, actions: Records | None
) -> pl.DataFrame:
    """Match entries and exits of all trades, of earlier runs too."""
    import polars as pl

    trades = frames["trades"]
    texts = ("asset", "kind", "time")
    columns = {n: trades[n].to_numpy() for n in trades.columns if n not in texts}
    columns["asset"] = asset_columns(trades["asset"], assets)
    sessions = Dates(frames["equity"]["date"].to_numpy().astype("datetime64[D]"))
    found = records_to_polars(round_trips(Records(columns=columns), sessions, actions))
    names = pl.Series(np.array(assets.values, dtype=object), dtype=pl.String)
    return found.with_columns(names.gather(found["asset"].cast(pl.UInt32)).alias("asset"))


def summary_of(frames: Mapping[str, pl.DataFrame], periods_per_year: int) -> dict[str, Any]:
    """Give the numbers of one engine that the command line prints."""
    equity, costs = frames["equity"], frames["costs"]
    net, gross = (
        summarize(equity[n].to_numpy(), periods_per_year) for n in ("net_return", "gross_return")
    )
    sums = {n: float(costs[n].sum()) for n in costs.columns if n != "date"}
    refused = frames["refused"]["rule"].value_counts().sort("rule")
    return {
        "final_equity": float(equity["equity"][-1]),
        "total_return": net.total_return,
        "annual_return": net.annual_return,
        "annual_volatility": net.annual_volatility,
        "sharpe": net.sharpe,
        "gross_sharpe": gross.sharpe,
        "max_drawdown": net.max_drawdown,
        "turnover": float(equity["turnover"].to_numpy().mean() * periods_per_year),
        "trades": frames["trades"].height,
        "refused": {str(rule): int(n) for rule, n in refused.iter_rows()},
        "costs": {n: v for n, v in sums.items() if n not in _INCOMES},
        "income": {n: v for n, v in sums.items() if n in _INCOMES},
        "first": str(equity["date"][0]),
        "last": str(equity["date"][-1]),
        "sessions": equity.height,
    }


def _state_frame(state: BookState) -> pl.DataFrame:
    import polars as pl

    names = pl.Series("asset", list(state.assets.values), dtype=pl.String)
    return pl.DataFrame([names, *(pl.Series(n, np.array(getattr(state, n))) for n in _STATE)])


def _state_facts(state: BookState) -> dict[str, Any]:
    return {
        "date": str(state.date.astype("datetime64[D]")),
        "cash": float(state.cash).hex(),  # to the bit
        "equity": float(state.equity).hex(),
        "fresh": bool(state.fresh),
    }


def _writer(frame: pl.DataFrame) -> Callable[[Path], None]:
    return lambda path: frame.write_parquet(path, compression="zstd")


def marks(market: Market) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the raw value of a share at each close, the last one where there is no trade, [dates, assets].

    A split or dividend between two trades is taken into account through the adjust factor; what has left the
    exchange has neither price nor factor, and keeps its last value.
    """
    close = np.asarray(market["close"].values, dtype=np.float64)
    if "adjust_factor" not in market:
        return np.asarray(carried_marks(close, np.ones(close.shape)))
    adjust = np.asarray(market["adjust_factor"].values, dtype=np.float64)
    adjust = np.asarray(carried_marks(adjust, np.ones(adjust.shape)))
    return np.asarray(carried_marks(close, adjust) / adjust)
