"""Statements and what else is published of a period; macro releases: dates, revisions, units, identities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from superhet.data.quality.bars import power_of_ten
from superhet.data.quality.base import Finding, Limits, examples, where

if TYPE_CHECKING:
    import polars as pl

_TOTALS = ("total_assets", "assets")
_DEBTS = ("total_liabilities", "liabilities")
_EQUITIES = ("total_equity", "equity")
_LABELS = ["asset", "report_date", "announce_date"]


def check_announced(frame: pl.DataFrame, table: str, limits: Limits) -> Iterator[Finding]:
    """Look through a table of announcements.

    Parameters
    ----------
    frame : its rows
    table : statements, forecasts, express_reports or estimates
    """
    import polars as pl

    order = ["asset", *(k for k in ("broker",) if k in frame.columns)]
    frame = frame.sort(*order, "announce_date", "report_date", *_revision(frame))
    lag = (pl.col("announce_date") - pl.col("report_date")).dt.total_days()
    earlier = pl.col("report_date").cum_max().shift(1).over(order)
    conditions = {"older_period": pl.col("report_date") < earlier}
    if table in ("statements", "express_reports"):
        conditions |= {
            "announced_before_period": lag < 0,
            "announced_on_period_end": lag == 0,
            "announced_late": lag > limits.late,
        }
    for rule, wrong in conditions.items():
        yield where(frame, table, rule, wrong, _LABELS)
    yield from _revisions(frame, table, [*order, "report_date"])
    yield _alike(frame, table, limits)
    if table == "statements":
        yield from _balance(frame, limits)
        yield from _unit_slips(frame)
        yield _missing_periods(frame)


def _revision(frame: pl.DataFrame) -> list[str]:
    return ["revision"] if "revision" in frame.columns else []


def _values(frame: pl.DataFrame) -> list[str]:
    return [n for n, t in frame.schema.items() if t.is_float()]


def _revisions(frame: pl.DataFrame, table: str, key: Sequence[str]) -> Iterator[Finding]:
    """Count periods announced again with other figures, and revisions dated before their original."""
    import polars as pl

    chain = frame.sort(*key, *(_revision(frame) or ["announce_date"]))
    values = pl.struct(_values(frame)) if _values(frame) else pl.lit(0)
    first = pl.struct(list(key)).is_first_distinct()
    changed = ~first & (values != values.shift(1))
    yield where(chain, table, "restatements", changed, _LABELS)
    back = ~first & (pl.col("announce_date") < pl.col("announce_date").shift(1))
    yield where(chain, table, "revised_before_original", back, _LABELS)


def _alike(frame: pl.DataFrame, table: str, limits: Limits) -> Finding:
    """Count rows of periods whose announcement date most assets share."""
    import polars as pl

    days = frame.group_by("report_date", "announce_date").agg(rows=pl.len())
    whole = pl.col("rows").sum().over("report_date")
    usual = days.filter((pl.col("rows") > limits.alike * whole) & (whole >= 20))
    usual = usual.sort("rows", "report_date", descending=[True, False])
    return Finding(
        table=table,
        rule="dates_alike",
        count=int(usual["rows"].sum()),
        total=frame.height,
        field="announce_date",
        examples=examples(usual.select("report_date", "announce_date", "rows")),
    )


def _balance(frame: pl.DataFrame, limits: Limits) -> Iterator[Finding]:
    import polars as pl

    def found(names: Sequence[str]) -> str | None:
        return next((n for n in names if n in frame.columns), None)

    assets, debts, equity = found(_TOTALS), found(_DEBTS), found(_EQUITIES)
    if not (assets and debts and equity):
        return
    minority = pl.lit(0.0)
    if "minority_interest" in frame.columns:
        minority = pl.col("minority_interest").fill_null(0.0)
    whole = pl.col(debts) + pl.col(equity) + minority
    broken = (whole / pl.col(assets) - 1).abs() > limits.balance
    yield where(frame, "statements", "balance_broken", broken, _LABELS, assets)


def _unit_slips(frame: pl.DataFrame) -> Iterator[Finding]:
    import polars as pl

    frame = frame.sort("asset", "report_date", *_revision(frame))
    before = pl.col("report_date").shift(1).over("asset")
    near = (pl.col("report_date") - before).dt.total_days() < 400
    for name in _values(frame):
        ratio = pl.col(name) / pl.col(name).shift(1).over("asset")
        level = ratio > 0 if name in (*_TOTALS, "total_shares", "revenue") else pl.lit(False)
        slipped = near & level & power_of_ten(ratio, tolerance=0.1)
        found = where(frame, "statements", "statement_unit_slips", slipped, _LABELS, name)
        if found.count or name in _TOTALS:
            yield found


def _missing_periods(frame: pl.DataFrame) -> Finding:
    """Count the quarters (or years) without a statement inside each asset's history."""
    import polars as pl

    periods = frame.select("asset", "report_date").unique().sort("asset", "report_date")
    months = pl.col("report_date").dt.year() * 12 + pl.col("report_date").dt.month()
    step = (months - months.shift(1).over("asset")).alias("step")
    steps = periods.with_columns(step)
    usual = steps["step"].drop_nulls().mode().min() if steps["step"].drop_nulls().len() else None
    regular = isinstance(usual, int) and usual in (3, 12)
    bound = usual if regular and isinstance(usual, int) else 10_000
    holes = steps.filter(pl.col("step") > bound * 1.5)
    missing = int((holes["step"] / bound).round().sum()) - holes.height if holes.height else 0
    return Finding(
        table="statements",
        rule="periods_missing",
        count=missing,
        total=periods.height + missing,
        field="report_date",
        examples=tuple(
            f"{a} before {d}" for a, d in holes.select("asset", "report_date").head(3).rows()
        ),
    )


def check_macro(frame: pl.DataFrame) -> Iterator[Finding]:
    """Look through macro releases."""
    import polars as pl

    lag = (pl.col("release_date") - pl.col("period")).dt.total_days()
    labels = ["series", "period", "release_date"]
    yield where(frame, "macro", "released_before_period", lag < 0, labels)
    yield where(frame, "macro", "released_on_period_end", lag == 0, labels)
    vintages = frame.group_by("series", "period").agg(n=pl.len(), values=pl.col("value").n_unique())
    yield where(vintages, "macro", "revised_values", pl.col("values") > 1, ["series", "period"])
    steps = frame.select("series", "period").unique().sort("series", "period")
    months = pl.col("period").dt.year() * 12 + pl.col("period").dt.month()
    steps = steps.with_columns(step=months - months.shift(1).over("series"))
    usual = steps.group_by("series").agg(usual=pl.col("step").median())
    monthly = steps.join(usual.filter(pl.col("usual") == 1), on="series")
    missed = monthly.filter(pl.col("step") > 1).sort("series", "period")
    yield Finding(
        table="macro",
        rule="months_missing",
        count=int((missed["step"] - 1).sum()),
        total=monthly.height,
        field="period",
        examples=tuple(
            f"{s} before {p}" for s, p in missed.select("series", "period").head(3).rows()
        ),
    )
    yield from _series(frame, lag)


def _series(frame: pl.DataFrame, lag: pl.Expr) -> Iterator[Finding]:
    """Look at each series as a whole: lags that are assumed, no revision, an early end."""
    import polars as pl

    series = (
        frame.with_columns(_lag=lag)
        .group_by("series")
        .agg(
            rows=pl.len(),
            periods=pl.col("period").n_unique(),
            last=pl.col("period").max(),
            lags=(pl.col("_lag") - pl.col("_lag").median()).abs().quantile(0.9),
            lag=pl.col("_lag").median(),
        )
        .sort("series")
    )
    late = (pl.col("lag") > 1) & (pl.col("rows") >= 12)
    steady = late & (pl.col("lags") <= 1)
    yield where(series, "macro", "release_lag_constant", steady, ["series", "lag"], "release_date")
    once = late & (pl.col("rows") == pl.col("periods"))
    yield where(series, "macro", "single_vintage", once, ["series"], "value")
    early = (pl.lit(series["last"].max()) - pl.col("last")).dt.total_days() > 92
    yield where(series, "macro", "series_end_early", early, ["series", "last"], "period")
