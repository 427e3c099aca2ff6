"""Books on disk -> the plain values that the backtest page shows, and the page in the languages asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from superhet.backtest import NativeEngine
from superhet.errors import ConfigError
from superhet.kernels.performance import drawdown
from superhet.pipeline.artifacts import write_atomic
from superhet.pipeline.backtest_books import Books
from superhet.pipeline.backtest_engines import NATIVE, Ran, Task, make_engine
from superhet.pipeline.reconcile import Reconciliation
from superhet.pipeline.reconcile_reasons import reason_table
from superhet.progress import Progress, silent
from superhet.report.reconcile_html import BookStudy, write_book

if TYPE_CHECKING:
    import polars as pl

    from superhet.pipeline.backtest import Book

Floats = npt.NDArray[np.float64]
PageLanguage = Literal["en", "zh"]
_EXPOSURES = ("gross", "net", "long", "short", "cash")
_BINS = 41


def languages(word: str) -> tuple[PageLanguage, ...]:
    """Read which pages are wanted: en, zh, both or none.

    Raises
    ------
    ConfigError
        for another word
    """
    known: dict[str, tuple[PageLanguage, ...]] = {
        "en": ("en",),
        "zh": ("zh",),
        "both": ("en", "zh"),
        "none": (),
    }
    if word not in known:
        raise ConfigError("--language", f"expected en, zh, both or none (got {word!r})")
    return known[word]


def write_pages(
    book: Book,
    task: Task,
    ran: Ran,
    differences: Reconciliation,
    found: Mapping[str, Any],
    wanted: Sequence[str],
    progress: Progress = silent,
) -> list[str]:
    """Write one page a language and give their paths; the first is `report.html`."""
    if not wanted or not ran.books:
        return []
    study = book_study(book, task, ran, differences, found, progress)
    paths = []
    for language in wanted:
        suffix = "" if language == wanted[0] else f".{language}"
        path = task.out / f"report{suffix}.html"
        write_atomic(path, partial(_write, study, language))
        paths.append(str(path))
    return paths


def _write(study: BookStudy, language: Any, path: Path) -> None:
    import dataclasses

    write_book(dataclasses.replace(study, language=language), path)


def book_study(
    book: Book,
    task: Task,
    ran: Ran,
    differences: Reconciliation,
    found: Mapping[str, Any],
    progress: Progress = silent,
) -> BookStudy:
    """Gather what the page shows."""
    reference = NATIVE if NATIVE in ran.books else next(iter(ran.books))
    ours = ran.books[reference]
    frame = ours.table("equity")
    dates = frame["date"].to_numpy().astype("datetime64[D]")
    exposure = ours.table("exposure")
    start = float(frame["equity"][0] / (1.0 + frame["net_return"][0]))
    value = {n: _on(dates, b.table("equity"), "equity") / start for n, b in ran.books.items()}
    reasons = _reasons(task, ran, progress)
    gaps = found["difference_by_reason"]
    return BookStudy(
        name=book.name,
        dates=[str(d) for d in dates],
        assets=len(book.market.assets),
        reference=reference,
        value=value,
        drawdown=drawdown(frame["net_return"].to_numpy()),
        benchmark=_benchmark(frame),
        difference={n: _spread(dates, d.dates, d.equity) for n, d in differences.engines.items()},
        engines=[engine_row(b, differences, gaps.get(b.engine, {})) for b in ran.books.values()],
        first={n: d.first for n, d in differences.engines.items()},
        reasons=reasons,
        gaps=gaps,
        failed=ran.failed,
        contract=ours.facts["conventions"],
        exposure={n: exposure[n].to_numpy() for n in _EXPOSURES},
        names=exposure["names"].to_numpy().astype(np.float64),
        costs=_costs(ours, start),
        refused=ours.summary["refused"],
        facts=ours.summary,
        trips=trip_facts(ours.table("round_trips")),
        sweeps=found["sweeps"],
        strategies=found["strategies"],
        notes=found["notes"],
    )


def _on(dates: npt.NDArray[np.datetime64], frame: pl.DataFrame, column: str) -> Floats:
    days = frame["date"].to_numpy().astype("datetime64[D]")
    return _spread(dates, days, frame[column].to_numpy())


def _spread(
    dates: npt.NDArray[np.datetime64], days: npt.NDArray[np.datetime64], values: Floats
) -> Floats:
    """Lay a series over the dates of the page; NaN where it has none."""
    out = np.full(dates.size, np.nan)
    at = np.searchsorted(dates, days)
    inside = at < dates.size
    inside[inside] = dates[at[inside]] == days[inside]
    out[at[inside]] = values[inside]
    return out


def _benchmark(frame: pl.DataFrame) -> Floats | None:
    if "benchmark_return" not in frame.columns:
        return None
    returns = np.nan_to_num(frame["benchmark_return"].to_numpy())
    return np.asarray(np.cumprod(1.0 + returns))


def _costs(books: Books, start: float) -> dict[str, Floats]:
    frame = books.table("costs")
    kinds = [n for n in frame.columns if n in books.summary["costs"]]
    return {n: np.cumsum(frame[n].to_numpy()) / start for n in kinds}


def engine_row(
    books: Books, differences: Reconciliation, gap_by_reason: Mapping[str, float]
) -> dict[str, Any]:
    """Give the numbers of one engine that stand beside those of the others."""
    found, gap = books.summary, differences.engines.get(books.engine)
    return {
        "name": books.engine,
        "version": books.facts["version"],
        "seconds": books.facts["seconds"],
        "trades": found["trades"],
        "refused": sum(found["refused"].values()),
        "final_equity": found["final_equity"],
        "sharpe": found["sharpe"],
        "most": None if gap is None else gap.most,
        "orders": None if gap is None else gap.orders,
        "unexplained": gap_by_reason.get("residual"),
        "notes": books.facts["conventions"].get("engine notes", ""),
    }


def _reasons(task: Task, ran: Ran, progress: Progress) -> list[dict[str, Any]]:
    """Measure what each rule is worth, where there are engines to compare with ours."""
    others = tuple(n for n in ran.books if n != NATIVE)
    if NATIVE not in ran.books or not others:
        return []
    engine = make_engine(NATIVE, task.settings)
    assert isinstance(engine, NativeEngine)
    base = ran.books[NATIVE].summary["final_equity"]
    rows = reason_table(task.weights, task.market, engine, base, others, progress)
    return [{"rule": r.rule, "worth": r.worth, "said_by": dict(r.said_by)} for r in rows]


def trip_facts(frame: pl.DataFrame) -> dict[str, Any]:
    """Sum up round trips: numbers by side, and the distributions of returns and of sessions held."""
    import polars as pl

    closed = frame.filter(pl.col("exit_date").is_not_null())
    sides = {}
    for name, sign in (("long", 1), ("short", -1)):
        one = closed.filter(pl.col("side") == sign)
        still = frame.filter((pl.col("side") == sign) & pl.col("exit_date").is_null()).height
        if one.height or still:
            sides[name] = {
                "count": one.height,
                "open": still,
                "won": _mean(one["profit"] > 0.0),
                "mean_sessions": _mean(one["sessions"]),
                "median_return": one["return"].median(),
                "profit": float(one["profit"].sum()),
                "costs": float(one["costs"].sum()),
                "dividends": float(one["dividends"].sum()),
            }
    found: dict[str, Any] = {"count": closed.height, "sides": sides}
    if closed.height:
        found["returns"] = _histogram(closed["return"].drop_nans().to_numpy(), symmetric=True)
        found["sessions"] = _histogram(closed["sessions"].to_numpy().astype(np.float64))
    return found


def _mean(column: pl.Series) -> float | None:
    return None if not column.len() else float(column.mean())  # type: ignore[arg-type]  # of numbers


def _histogram(values: Floats, *, symmetric: bool = False) -> dict[str, list[float]] | None:
    """Count shares by bin; the outermost bins hold the tails."""
    if not values.size:
        return None
    if symmetric:
        edge = float(np.quantile(np.abs(values), 0.98)) or 1e-4
        edges = np.linspace(-edge, edge, _BINS + 1)
    else:
        last = max(float(np.ceil(np.quantile(values, 0.98))), 1.0)
        step = max(1.0, np.ceil(last / _BINS))
        edges = np.arange(-0.5, last + step, step)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    middles = (edges[:-1] + edges[1:]) / 2.0
    return {"middles": middles.tolist(), "shares": (counts / values.size).tolist()}
