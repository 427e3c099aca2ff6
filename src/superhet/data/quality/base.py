"""What a check finds: a rule, how often it holds, where first, how grave it is, and what is done about it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Gt

if TYPE_CHECKING:
    import polars as pl

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
_EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where on something counts as odd.

    Parameters
    ----------
    jump : absolute total return of one bar (fraction); 0.205 is just above the limit of ChiNext and STAR.
        Beijing shares (.BJ), whose limit is 30 %, may move half as much again
    factor : relative change of the adjust factor
    volume : relative difference of the day's volume and the sum of its minute bars
    exact : the same, of volumes that should be equal but for snapshots between ticks
    price : relative difference of a day's price and the one its minute bars give
    late : days from the end of the period to the announcement; no exchange allows more than four months
    holes : times the median share of missing bars that a month may have
    alike : share of one date among the announcement dates of a period that counts as assumed
    balance : relative difference of total assets and liabilities plus equity; statements are in whole units,
        so that only rounding to thousands is allowed for
    vendor : relative difference of two vendors' values
    """

    jump: Annotated[float, Gt(0)] = 0.205
    factor: Annotated[float, Gt(0)] = 0.005
    volume: Annotated[float, Gt(0)] = 0.03
    exact: Annotated[float, Gt(0)] = 0.005
    price: Annotated[float, Gt(0)] = 0.005
    late: Annotated[int, Gt(0)] = 130
    holes: Annotated[float, Gt(1)] = 2.0
    alike: Annotated[float, Gt(0)] = 0.5
    balance: Annotated[float, Gt(0)] = 0.001
    vendor: Annotated[float, Gt(0)] = 0.001


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: in `count` of `total` cases the thing was so.

    Parameters
    ----------
    table, field : where; "" for no field in particular
    rule : name of the rule; `rules.toml` says what it means
    examples : the first cases, in words
    """

    table: str
    rule: str
    count: int
    total: int
    field: str = ""
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Count over total; 0 where there is nothing."""
        return self.count / self.total if self.total else 0.0

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        severity: Severity = rules()[self.rule]["severity"]
        return severity

    @property
    def treatment(self) -> str:
        """What superhet does about it by itself."""
        return str(rules()[self.rule]["treatment"])

    def meaning(self, language: Literal["en", "zh"] = "en") -> str:
        """Say what was so."""
        return str(rules()[self.rule]["text"][language == "zh"])

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as plain values for JSON."""
        return {
            "severity": self.severity,
            "rule": self.rule,
            "table": self.table,
            "field": self.field,
            "count": self.count,
            "total": self.total,
            "share": self.share,
            "examples": list(self.examples),
            "meaning": self.meaning(),
            "treatment": self.treatment,
        }


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """All checks of one snapshot.

    Parameters
    ----------
    snapshot : state of the data that was looked at
    findings : in the order of the tables, those that found nothing included
    rows, assets : of all tables; with a bar, or else named anywhere
    start, end : first and last date of any dated row, ISO; "" if there is none
    coverage : table.field -> month -> share of the month's rows that know it
    universe : month -> assets with a bar
    activity : "suspended", "zero_volume", "stale", "limit_up", "limit_down" -> month -> bars
    restatements : month -> periods announced again
    """

    snapshot: str
    findings: tuple[Finding, ...]
    rows: int = 0
    assets: int = 0
    start: str = ""
    end: str = ""
    coverage: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    universe: Mapping[str, int] = field(default_factory=dict)
    activity: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    restatements: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Finding:
        """Give the finding of `table.rule`, or `table.field.rule`."""
        for found in self.findings:
            if name in (
                f"{found.table}.{found.rule}",
                f"{found.table}.{found.field}.{found.rule}",
            ):
                return found
        raise KeyError(name)

    @property
    def found(self) -> tuple[Finding, ...]:
        """Those that found something, gravest first."""
        grave = {s: i for i, s in enumerate(SEVERITIES)}
        return tuple(sorted((f for f in self.findings if f.count), key=lambda f: grave[f.severity]))

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values for JSON."""
        return {
            "snapshot": self.snapshot,
            "findings": [f.to_dict() for f in self.found],
            "passed": sorted({f"{f.table}.{f.rule}" for f in self.findings if not f.count}),
            "rows": self.rows,
            "assets": self.assets,
            "start": self.start,
            "end": self.end,
            "coverage": {k: dict(v) for k, v in self.coverage.items()},
            "universe": dict(self.universe),
            "activity": {k: dict(v) for k, v in self.activity.items()},
            "restatements": dict(self.restatements),
        }

    def __str__(self) -> str:
        lines = [
            f"{self.rows:,} rows, {self.assets:,} assets, {self.start} .. {self.end}",
            f"{'':<8}{'table':<15}{'rule':<25}{'field':<16}{'count':>10}{'share':>9}  first",
        ]
        for f in self.found:
            first = f.examples[0] if f.examples else ""
            lines.append(
                f"{f.severity:<8}{f.table:<15}{f.rule:<25}{f.field:<16}{f.count:>10,}{f.share:>9.3%}  {first}"
            )
        passed = sum(not f.count for f in self.findings)
        return "\n".join([*lines, f"{passed} checks found nothing; snapshot {self.snapshot}"])


def where(
    frame: pl.DataFrame, table: str, rule: str, wrong: pl.Expr, labels: Sequence[str], of: str = ""
) -> Finding:
    """Count the rows where something holds and name the first three."""
    return count_rules(frame, table, {rule: wrong}, labels, of)[0]


def count_rules(
    frame: pl.DataFrame,
    table: str,
    conditions: Mapping[str, pl.Expr],
    labels: Sequence[str],
    of: str = "",
    largest: str = "",
) -> list[Finding]:
    """Count the rows where each of several conditions holds, in one pass, and name three of each.

    Parameters
    ----------
    conditions : rule -> expression that is true on the rows to be counted
    labels : columns that name a row
    of : the field
    largest : column by whose size the rows are named, largest first; "" = in order
    """
    import polars as pl

    marked = {rule: wrong.fill_null(False) for rule, wrong in conditions.items()}
    marks = frame.lazy().with_columns(**marked).select(list(marked)).collect()
    found = []
    for rule in conditions:
        count = int(marks[rule].sum())
        named: tuple[str, ...] = ()
        if count:
            rows = frame.select(
                *labels, *([pl.col(largest).abs().alias("_size")] if largest else [])
            )
            rows = rows.filter(marks[rule])
            rows = rows.sort("_size", descending=True, maintain_order=True) if largest else rows
            named = examples(rows.select(labels))
        found.append(
            Finding(
                table=table, rule=rule, field=of, count=count, total=frame.height, examples=named
            )
        )
    return found


def examples(rows: pl.DataFrame) -> tuple[str, ...]:
    """Put the first rows into words."""
    return tuple(" ".join(_word(v) for v in row) for row in rows.head(_EXAMPLES).rows())


def _word(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@cache
def rules() -> Mapping[str, Mapping[str, Any]]:
    """Read what the rules mean; the entry "treatments" names the treatments."""
    return tomllib.loads(files(__package__).joinpath("rules.toml").read_text(encoding="utf-8"))
