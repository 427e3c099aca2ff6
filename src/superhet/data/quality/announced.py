"""Statements and what else is published of a period: dates, revisions, units, identities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from superhet.data.quality.bars import power_of_ten
from superhet.data.quality.base import Finding, Limits, count_rules, examples, where
from superhet.data.quality.daily import before

if TYPE_CHECKING:
    import polars as pl

_TOTALS = ("total_assets", "assets")
_DEBTS = ("total_liabilities", "liabilities")
_EQUITIES = ("total_equity", "equity", "parent_equity")
_PARENTS = ("equity", "parent_equity")
"""Equity that may be the owners' of the parent alone: minority interests may stand between."""
_MOST_MINORITY = 0.5  # share of total assets
_LEVELS = (*_TOTALS, *_EQUITIES, "total_shares", "revenue")
_NEAR_DAYS = 400
_FEW_ROWS = 100  # rows of a quarter of the year below which nothing is said
_SEASONAL = 0.3  # difference of the shares known in two quarters of the year
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
            "announced_late": (lag > limits.late) & _first(),
        }
    yield from count_rules(frame, table, conditions, _LABELS)
    yield from _revisions(frame, table, [*order, "report_date"])
    yield _alike(frame, table, limits)
    if table == "statements":
        yield from _balance(frame, limits)
        yield from _unit_slips(frame)
        yield from _seasonal_holes(frame)
        yield _missing_periods(frame)


def _first() -> pl.Expr:
    """Tell the first announcement of each period; what comes later is a restatement."""
    import polars as pl

    return pl.struct("asset", "report_date").is_first_distinct()


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

    after = frame.filter(pl.col("announce_date") != pl.col("report_date"))
    days = after.group_by("report_date", "announce_date").agg(rows=pl.len())
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
    rest = 1 - (pl.col(debts) + pl.col(equity)) / pl.col(assets)
    if equity in _PARENTS and "minority_interest" not in frame.columns:
        broken = (rest < -limits.balance) | (rest > _MOST_MINORITY)
    else:
        broken = rest.abs() > limits.balance
    if "minority_interest" in frame.columns:  # equity may hold it already, or not
        minority = pl.col("minority_interest").fill_null(0.0) / pl.col(assets)
        broken &= (rest - minority).abs() > limits.balance
    yield where(frame, "statements", "balance_broken", broken, _LABELS, assets)


def _unit_slips(frame: pl.DataFrame) -> Iterator[Finding]:
    """Count levels a power of ten off the period before that come back, or slip together.

    Figures that change by about a hundred and stay there are those of a company that took over a shell.
    """
    import polars as pl

    levels = [n for n in _LEVELS if n in frame.columns]
    if not levels:
        return
    frame = frame.select(*_LABELS, *levels, *_revision(frame))
    frame = frame.sort("asset", "report_date", *_revision(frame))
    ratios = {n: pl.col(n) / before(n) for n in levels}
    frame = frame.with_columns(**{f"_{n}": r for n, r in ratios.items()})
    near = (pl.col("report_date") - before("report_date")).dt.total_days() < _NEAR_DAYS
    slipped = {
        n: near & (pl.col(f"_{n}") > 0) & power_of_ten(pl.col(f"_{n}"), tolerance=0.2)
        for n in levels
    }
    thousands = [s & (pl.col(f"_{n}").log(10).abs() > 2.5) for n, s in slipped.items()]
    together = pl.sum_horizontal(s.fill_null(False) for s in thousands) > 1
    for name, slip in slipped.items():
        undone = pl.col(f"_{name}") * pl.col(f"_{name}").shift(-1)
        undone = undone.log(10).abs() < 0.3
        back = undone & (pl.col("asset") == pl.col("asset").shift(-1))
        undoes = undone.shift(1) & before(f"_{name}").is_not_null()
        wrong = slip & (back | together) & ~undoes.fill_null(False)
        yield where(frame, "statements", "statement_unit_slips", wrong, _LABELS, name)


def _seasonal_holes(frame: pl.DataFrame) -> Iterator[Finding]:
    """Count the rows without a field that is known far less in some quarters of the year."""
    import polars as pl

    values = _values(frame)
    quarter = pl.col("report_date").dt.quarter()
    shares = frame.group_by(quarter).agg(pl.len(), pl.col(values).is_not_null().mean())
    shares = shares.filter(pl.col("len") >= _FEW_ROWS).sort("report_date")
    for name in values:
        if shares.height < 4:
            return
        low, high = float(shares[name].min()), float(shares[name].max())  # type: ignore[arg-type] # shares
        scarce = shares.filter(pl.col(name) < high - _SEASONAL)["report_date"].to_list()
        hole = pl.col(name).is_null() & quarter.is_in(scarce) & pl.lit(high - low > _SEASONAL)
        found = where(frame, "statements", "quarters_missing", hole, _LABELS, name)
        if found.count or name == values[0]:
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
