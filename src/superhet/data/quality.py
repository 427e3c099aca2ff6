"""What is odd in the data, counted and with examples. Nothing is changed; a count is no verdict.

1. daily bars: holes, repeats, jumps, factors, turnover against price       -> _daily_bars
2. the calendar against the days that have bars                             -> _calendar
3. minute bars against the daily bars of the same day                       -> _minutes_against_days
4. statements and macro releases: dates that cannot be, or are too good     -> _statements, _macro
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt

from superhet.data.base import Tables
from superhet.data.schema import MINUTES, table_spec

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where on something counts as odd.

    Parameters
    ----------
    jump : absolute total return of one bar (fraction); 0.205 is just above the limit of ChiNext and STAR
    factor : relative change of the adjust factor
    volume : relative difference of the day's volume and the sum of its minute bars
    price : relative difference of a day's price and the one its minute bars give
    late : days from the end of the period to the announcement
    """

    jump: Annotated[float, Gt(0)] = 0.205
    factor: Annotated[float, Gt(0)] = 0.005
    volume: Annotated[float, Gt(0)] = 0.03
    price: Annotated[float, Gt(0)] = 0.005
    late: Annotated[int, Gt(0)] = 200


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: in `count` of `total` cases the thing was so; `examples` name the first of them."""

    table: str
    check: str
    count: int
    total: int
    meaning: str
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Count over total; 0 where there is nothing."""
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """All findings of one snapshot.

    Parameters
    ----------
    snapshot : state of the data that was looked at
    findings : in the order of the tables
    """

    snapshot: str
    findings: tuple[Finding, ...]

    def __getitem__(self, name: str) -> Finding:
        """Give the finding of `table.check`."""
        for finding in self.findings:
            if f"{finding.table}.{finding.check}" == name:
                return finding
        raise KeyError(name)

    def rows(self) -> list[dict[str, Any]]:
        """Give one plain row a finding."""
        return [
            {**asdict(f), "share": f.share, "examples": list(f.examples)} for f in self.findings
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values for JSON."""
        return {"snapshot": self.snapshot, "findings": self.rows()}

    def __str__(self) -> str:
        lines = [f"{'table':<14}{'check':<26}{'count':>10}{'of':>12}{'share':>9}  first"]
        for f in self.findings:
            first = f.examples[0] if f.examples else ""
            lines.append(
                f"{f.table:<14}{f.check:<26}{f.count:>10,}{f.total:>12,}{f.share:>9.3%}  {first}"
            )
        return "\n".join([*lines, f"snapshot {self.snapshot}"])


def check(tables: Tables, limits: Limits | None = None) -> QualityReport:
    """Look through all tables that are there.

    Parameters
    ----------
    tables : a store, or tables in memory
    limits : from where on something counts
    """
    bounds, names = limits or Limits(), tables.names()
    findings: list[Finding] = []
    for name in names:
        findings.append(_duplicates(tables, name))
    sessions = _sessions(tables)
    if "bars_1d" in names:
        bars = tables.read("bars_1d").sort("asset", "date")
        findings += _daily_bars(bars, sessions, bounds)
        if "calendar" in names:
            findings += _calendar(bars, sessions)
        for minutes in MINUTES:
            if f"bars_{minutes}min" in names:
                findings += _minutes_against_days(tables, f"bars_{minutes}min", bars, bounds)
    if "statements" in names:
        findings += _statements(tables, bounds)
    if "macro" in names:
        findings += _macro(tables)
    return QualityReport(snapshot=tables.snapshot, findings=tuple(findings))


def _found(
    frame: pl.DataFrame,
    table: str,
    conditions: Mapping[str, tuple[pl.Expr, str]],
    labels: Sequence[str],
) -> Iterator[Finding]:
    """Count the rows where each condition holds and name the first three."""
    for name, (wrong, meaning) in conditions.items():
        bad = frame.filter(wrong.fill_null(False))
        examples = [" ".join(str(v) for v in row) for row in bad.select(labels).head(3).rows()]
        yield Finding(
            table=table,
            check=name,
            count=bad.height,
            total=frame.height,
            meaning=meaning,
            examples=tuple(examples),
        )


def _duplicates(tables: Tables, name: str) -> Finding:
    import polars as pl

    stored = tables.read(name)
    key = [k for k in table_spec(name).key if k in stored.columns]
    twice = stored.group_by(key).len().filter(pl.col("len") > 1).sort(key)
    return Finding(
        table=name,
        check="duplicate_keys",
        count=int((twice["len"] - 1).sum()),
        total=stored.height,
        meaning="rows whose key is there already",
        examples=tuple(" ".join(str(v) for v in row) for row in twice.select(key).head(3).rows()),
    )


def _sessions(tables: Tables) -> pl.Series | None:
    source = "calendar" if "calendar" in tables.names() else "bars_1d"
    if source not in tables.names():
        return None
    return tables.read(source, columns=["date"])["date"].unique().sort()


def _daily_bars(
    bars: pl.DataFrame, sessions: pl.Series | None, limits: Limits
) -> Iterator[Finding]:
    import polars as pl

    if sessions is None:
        return
    number = pl.DataFrame({"date": sessions}).with_row_index("_session")
    factor = pl.col("adjust_factor") if "adjust_factor" in bars.columns else pl.lit(1.0)
    frame = bars.join(number, on="date", how="left", maintain_order="left").with_columns(
        _factor=factor, _adjusted=pl.col("close") * factor
    )
    before = {
        c: pl.col(c).shift(1).over("asset") for c in ("close", "_factor", "_adjusted", "volume")
    }
    frame = frame.with_columns(
        _gap=pl.col("_session").cast(pl.Int64)
        - pl.col("_session").cast(pl.Int64).shift(1).over("asset")
        - 1,
        _raw=pl.col("close") / before["close"] - 1,
        _return=pl.col("_adjusted") / before["_adjusted"] - 1,
        _change=pl.col("_factor") / before["_factor"] - 1,
        _same=(pl.col("close") == before["close"]) & (pl.col("volume") == before["volume"]),
    )
    jump = pl.col("_return").abs() > limits.jump
    moved = pl.col("_change").abs() > limits.factor
    conditions = {
        "stale_bars": (
            pl.col("_same") & (pl.col("volume") > 0),
            "close and volume of the bar before",
        ),
        "zero_volume": (pl.col("volume") == 0, "a bar on which nothing was traded"),
        "jumps": (jump, f"total return beyond {limits.jump:.1%}"),
        "factor_discontinuities": (
            moved & jump & (pl.col("_return").abs() > pl.col("_raw").abs()),
            "the adjust factor moves and makes the jump larger, not smaller",
        ),
        "factor_falls": (
            pl.col("_change") < -limits.factor,
            "the cumulative adjust factor goes down (rights, reverse splits, or a mistake)",
        ),
        "close_missing": (pl.col("close").is_null(), "a bar without a close"),
    }
    if "amount" in bars.columns:
        vwap = pl.col("amount") / pl.col("volume")
        outside = (vwap < pl.col("low") * 0.998) | (vwap > pl.col("high") * 1.002)
        conditions["vwap_outside_bar"] = (
            (pl.col("volume") > 0) & outside,
            "amount / volume outside low to high: units or a mistake",
        )
        conditions["amount_missing"] = (pl.col("amount").is_null(), "a bar without an amount")
    yield _missing_sessions(frame)
    yield from _found(frame, "bars_1d", conditions, ["asset", "date"])


def _missing_sessions(frame: pl.DataFrame) -> Finding:
    import polars as pl

    holes = frame.filter(pl.col("_gap") > 0)
    longest = holes.sort("_gap", descending=True).head(3)
    missing = int(holes["_gap"].sum())
    return Finding(
        table="bars_1d",
        check="missing_sessions",
        count=missing,
        total=frame.height + missing,
        meaning="sessions without a bar between an asset's first and last (suspensions, or lost rows)",
        examples=tuple(
            f"{asset} {gap} sessions before {date}"
            for asset, date, gap in longest.select("asset", "date", "_gap").rows()
        ),
    )


def _calendar(bars: pl.DataFrame, sessions: pl.Series | None) -> Iterator[Finding]:
    import polars as pl

    if sessions is None or bars.is_empty():
        return
    days = bars.select(pl.col("date").unique().sort())
    inside = pl.DataFrame({"date": sessions}).filter(
        pl.col("date").is_between(days["date"].min(), days["date"].max())
    )
    empty = {
        "gaps": (
            ~pl.col("date").is_in(days["date"].implode()),
            "a session on which no asset has a bar",
        )
    }
    yield from _found(inside, "calendar", empty, ["date"])
    off = {
        "bars_off_calendar": (
            ~pl.col("date").is_in(sessions.implode()),
            "bars on a day that is no session",
        )
    }
    yield from _found(days, "calendar", off, ["date"])


def _minutes_against_days(
    tables: Tables, name: str, bars: pl.DataFrame, limits: Limits
) -> Iterator[Finding]:
    import polars as pl

    minutes = tables.read(name).with_columns(date=pl.col("time").dt.date())
    days = (
        minutes.filter(pl.col("volume") > 0)
        .sort("asset", "time")
        .group_by("asset", "date", maintain_order=True)
        .agg(
            _high=pl.col("high").max(),
            _low=pl.col("low").min(),
            _close=pl.col("close").last(),
            _volume=pl.col("volume").sum(),
        )
    )
    counts = minutes.group_by("asset", "date").len().sort("asset", "date")
    usual = counts["len"].mode().max()
    short = {"incomplete_days": (pl.col("len") != usual, f"days that have not {usual!s} bars")}
    yield from _found(counts, name, short, ["asset", "date", "len"])
    span = bars.filter(
        pl.col("date").is_between(days["date"].min(), days["date"].max())
        & pl.col("asset").is_in(days["asset"].unique().implode())
    )
    both = span.join(days, on=["asset", "date"], how="full", coalesce=True).sort("asset", "date")
    traded = pl.col("volume") > 0
    conditions = {
        "days_without_minutes": (
            traded & pl.col("_volume").is_null(),
            "a daily bar, no minute bars",
        ),
        "minutes_without_day": (pl.col("volume").is_null(), "minute bars, no daily bar"),
        "volume_differs": (
            (pl.col("_volume") / pl.col("volume") - 1).abs() > limits.volume,
            f"sum of minutes differs from the day by more than {limits.volume:.1%}",
        ),
        "close_differs": (
            (pl.col("_close") / pl.col("close") - 1).abs() > limits.price,
            f"last minute close differs from the day's by more than {limits.price:.1%}",
        ),
        "beyond_high_or_low": (
            (pl.col("_high") > pl.col("high") * (1 + 1e-6))
            | (pl.col("_low") < pl.col("low") * (1 - 1e-6)),
            "a minute bar goes beyond the day's high or low",
        ),
    }
    yield from _found(both, name, conditions, ["asset", "date"])


def _statements(tables: Tables, limits: Limits) -> Iterator[Finding]:
    import polars as pl

    frame = tables.read("statements").sort("asset", "announce_date", "report_date")
    lag = (pl.col("announce_date") - pl.col("report_date")).dt.total_days()
    earlier = pl.col("report_date").cum_max().shift(1).over("asset")
    conditions = {
        "announced_before_period": (lag < 0, "known before its period ended: a wrong date"),
        "announced_on_period_end": (
            lag == 0,
            "announced on the last day of the period: no announcement dates, or dates of effect",
        ),
        "announced_late": (lag > limits.late, f"more than {limits.late} days after the period"),
        "older_period": (
            pl.col("report_date") < earlier,
            "a period older than one already known (restatement or late filing)",
        ),
    }
    yield from _found(frame, "statements", conditions, ["asset", "report_date", "announce_date"])


def _macro(tables: Tables) -> Iterator[Finding]:
    import polars as pl

    frame = tables.read("macro")
    lag = (pl.col("release_date") - pl.col("period")).dt.total_days()
    conditions = {
        "released_before_period": (lag < 0, "known before its period ended: a wrong date"),
        "released_on_period_end": (
            lag == 0,
            "released on the last day of the period (market prices are)",
        ),
    }
    yield from _found(frame, "macro", conditions, ["series", "period", "release_date"])


__all__ = ["Finding", "Limits", "QualityReport", "check"]
