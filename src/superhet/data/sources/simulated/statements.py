"""Quarterly statements: when they are announced, and the numbers in which the planted states hide.

1. announcement dates crowd before 30 April (annual and first quarter), 31 August and 31 October;
   the annual report never comes after the first quarter's                     -> announcement_days
2. single-quarter profit is a seasonal random walk: NP_q = NP_{q−4} + E_{q−1} (g_i + σ_i z), so
   that z is the standardised unexpected earnings (which, as in life, are autocorrelated);
   equity grows by retained profit, assets follow from a slow leverage          -> _accounts
3. operating cash flow of the quarter = assets × (0.012 + 0.012 × (quality + noise)), with the quality
   of the session on which the statement becomes known                          -> draw_statements
4. flows are told cumulatively from January; 5 % of statements come again later with other numbers,
   which mean nothing                                                           -> statements_table
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.sources.simulated.alphas import PHI, QUALITY_NOISE, SURPRISE_NOISE
from superhet.data.sources.simulated.recipe import (
    Days,
    Flags,
    Floats,
    Integers,
    SimulatedMarket,
    Singles,
)
from superhet.data.sources.simulated.structure import Structure
from superhet.data.sources.simulated.told import told_descriptors

if TYPE_CHECKING:
    import polars as pl

FLOWS = ("revenue", "gross_profit", "operating_cash_flow", "net_profit")
LEVELS = ("total_assets", "total_liabilities", "equity")
BASIS = {**dict.fromkeys(FLOWS, "ytd"), **dict.fromkeys(LEVELS, "level")}

_DEADLINE = {1: "04-30", 2: "08-31", 3: "10-31", 4: "04-30"}
_WINDOW = {1: 22, 2: 47, 3: 21, 4: 98}
_CROWDING = {1: 2.2, 2: 2.2, 3: 2.2, 4: 1.1}
_RESTATED = 0.05
_YEARS_OF_GROWTH = 4.75


@dataclass(frozen=True, eq=False, kw_only=True)
class Statements:
    """All statements, [quarters, assets]; numbers of one quarter, not cumulative.

    Parameters
    ----------
    report_date : [quarters], last day of each quarter
    announce_date : [quarters, assets]
    known : session after the announcement, counted from the start of the pre-history; may lie beyond
    surprise, surprise_seen : true s, and z = S + noise, with S the decayed sum of s up to then
    quality_seen : quality + noise
    numbers : item -> [quarters, assets], yuan
    descriptors : what each statement tells of the styles, of `told_descriptors`
    """

    report_date: Days
    announce_date: Days
    known: Integers
    surprise: Floats
    surprise_seen: Floats
    quality_seen: Floats
    numbers: dict[str, Floats]
    descriptors: dict[str, Floats]

    def by_session(self) -> dict[int, list[tuple[int, Integers]]]:
        """Group by the session on which they are known: session -> [(quarter, assets)], oldest first."""
        found: dict[int, list[tuple[int, Integers]]] = {}
        for quarter, row in enumerate(self.known):
            order = np.argsort(row, kind="stable")
            sessions, first = np.unique(row[order], return_index=True)
            for session, assets in zip(sessions, np.split(order, first[1:]), strict=True):
                found.setdefault(int(session), []).append((quarter, assets))
        return found


def report_days(first: np.datetime64, last: np.datetime64) -> Days:
    """List the quarter ends from `first` to `last`, from the first quarter of a year on."""
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1)
    months = months[(months.astype(int) + 1) % 3 == 0]
    ends = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    inside = np.asarray(ends[(ends >= first) & (ends <= last)])
    return inside[int(np.argmax(quarter_of(inside) == 1)) :]


def quarter_of(report_date: Days) -> Integers:
    """Give the fiscal quarter, 1 to 4, of each report date."""
    quarter: Integers = ((report_date.astype("datetime64[M]").astype(int) % 12) // 3 + 1).astype(
        np.int64
    )
    return quarter


def announcement_days(rng: np.random.Generator, report_date: Days, assets: int) -> Days:
    """Draw announcement dates, [quarters, assets]."""
    out = np.empty((report_date.size, assets), dtype="datetime64[D]")
    for row, quarter in enumerate(quarter_of(report_date)):
        early = np.floor(_WINDOW[int(quarter)] * rng.random(assets) ** _CROWDING[int(quarter)])
        year = int(report_date[row].astype("datetime64[Y]").astype(int)) + 1970 + (quarter == 4)
        deadline = np.datetime64(f"{year}-{_DEADLINE[int(quarter)]}")
        out[row] = deadline - early.astype("timedelta64[D]")
        if quarter == 1 and row:
            out[row - 1] = np.minimum(out[row - 1], out[row])
    return out


def _accounts(
    recipe: SimulatedMarket, structure: Structure, quarters: int, z: Floats
) -> dict[str, Floats]:
    """Let the books run: profit, equity, assets, revenue, [quarters, assets]."""
    rng, n = recipe.stream("accounts"), structure.count
    cap = structure.price * structure.total_shares
    equity = cap * np.exp(rng.normal(-0.8, 0.45, n) - 0.08 * _YEARS_OF_GROWTH)
    floor = 0.2 * equity
    sigma = 0.0035 * np.exp(0.25 * rng.standard_normal(n))
    base = rng.normal(0.022, 0.010, n)
    leverage = rng.normal(0.0, 0.5, n)
    turn = np.exp(rng.normal(-1.4, 0.5, n))
    growth = rng.normal(0.0004, 0.0003, n)
    out = {k: np.empty((quarters, n)) for k in ("net_profit", "equity", "total_assets", "revenue")}
    for q in range(quarters):
        noise = rng.standard_normal((3, n))
        if q < 4:
            out["net_profit"][q] = equity * (base + sigma * noise[0])
        else:
            out["net_profit"][q] = out["net_profit"][q - 4] + equity * (growth + sigma * z[q])
        profit = out["net_profit"][q]
        equity = np.maximum(equity + 0.6 * np.maximum(profit, 0) + np.minimum(profit, 0), floor)
        leverage = 0.97 * leverage + np.sqrt(1 - 0.97**2) * 0.5 * noise[1]
        share = 1.0 / (1.0 + np.exp(-(leverage - 0.2)))
        out["equity"][q] = equity
        out["total_assets"][q] = equity / (1.0 - np.clip(share, 0.05, 0.92))
        out["revenue"][q] = out["total_assets"][q] * turn * 0.5 * np.exp(0.08 * noise[2])
    return out


def draw_statements(recipe: SimulatedMarket, structure: Structure, quality: Singles) -> Statements:
    """Draw all statements whose quarter ends between the pre-history and the end of the sample.

    Parameters
    ----------
    quality : [history + dates, assets], the true state
    """
    line, n = recipe.timeline, structure.count
    report = report_days(line.sessions[0] + np.timedelta64(20, "D"), line.sessions[-1])
    announce = announcement_days(recipe.stream("announcements"), report, n)
    known = line.known_from(announce)
    rng = recipe.stream("surprises")
    draws = rng.standard_normal((report.size, 4, n))
    surprise = draws[:, 0]
    seen = _accumulated(surprise, known) + np.sqrt(SURPRISE_NOISE) * draws[:, 1]
    true_quality = np.take_along_axis(quality, np.minimum(known, quality.shape[0] - 1), axis=0)
    quality_seen = true_quality + np.sqrt(QUALITY_NOISE) * draws[:, 2]
    numbers = _accounts(recipe, structure, report.size, seen)
    numbers["operating_cash_flow"] = numbers["total_assets"] * (0.012 + 0.012 * quality_seen)
    margin = 0.15 + 0.25 * recipe.stream("margins").random(n)
    numbers["gross_profit"] = numbers["revenue"] * margin * np.exp(0.05 * draws[:, 3])
    numbers["total_liabilities"] = numbers["total_assets"] - numbers["equity"]
    return Statements(
        report_date=report,
        announce_date=announce,
        known=known,
        surprise=surprise,
        surprise_seen=seen,
        quality_seen=quality_seen,
        numbers=numbers,
        descriptors=told_descriptors(numbers, quarter_of(report)),
    )


def _accumulated(surprise: Floats, known: Integers) -> Floats:
    """Give the surprise state of each asset on the session each statement becomes known."""
    out = surprise.copy()
    for quarter in range(1, surprise.shape[0]):
        gap = known[quarter] - known[quarter - 1]
        out[quarter] += PHI["surprise"] ** gap * out[quarter - 1]
    return out


def statements_table(
    recipe: SimulatedMarket, structure: Structure, statements: Statements, delisted: Integers
) -> pl.DataFrame:
    """Build the table `statements`: year-to-date flows, levels, and later restatements."""
    import polars as pl

    line, shape = recipe.timeline, statements.known.shape
    rng = recipe.stream("restatements")
    told = _year_to_date(statements)
    again = np.empty(shape, dtype=bool)
    delay = np.empty(shape, dtype="timedelta64[D]")
    noise = np.empty((shape[0], 4, shape[1]))
    for q in range(shape[0]):
        again[q] = rng.random(shape[1]) < _RESTATED
        delay[q] = rng.integers(30, 200, shape[1]).astype("timedelta64[D]")
        noise[q] = rng.standard_normal((4, shape[1]))
    restated = dict(told)
    step = 0.004 * statements.numbers["equity"]
    for k, item in enumerate(("net_profit", "operating_cash_flow", "revenue", "gross_profit")):
        restated[item] = told[item] + noise[:, k] * (
            step if k < 2 else 0.02 * statements.numbers[item]
        )
    gone = np.append(line.dates, line.dates[-1] + 1)[np.minimum(delisted, line.dates.size)]
    listed = structure.listed < line.dates.size
    parts = [
        _rows(structure, statements.report_date, day, numbers, mask & (day < gone) & listed, k)
        for k, (day, numbers, mask) in enumerate(
            (
                (statements.announce_date, told, np.ones(shape, dtype=bool)),
                (statements.announce_date + delay, restated, again),
            )
        )
    ]
    return pl.concat(parts).sort("announce_date", "asset", "report_date", "revision")


def _rows(
    structure: Structure,
    report_date: Days,
    day: Days,
    numbers: dict[str, Floats],
    keep: Flags,
    revision: int,
) -> pl.DataFrame:
    import polars as pl

    quarter, asset = np.nonzero(keep)
    return pl.DataFrame(
        {
            "asset": pl.Series(structure.assets.tolist()).gather(asset),
            "report_date": report_date[quarter].astype("datetime64[D]"),
            "announce_date": day[quarter, asset].astype("datetime64[D]"),
            "revision": np.full(asset.size, revision, dtype=np.int64),
            **{k: np.round(numbers[k][quarter, asset], 2) for k in (*FLOWS, *LEVELS)},
        }
    )


def _year_to_date(statements: Statements) -> dict[str, Floats]:
    told = {k: v.copy() for k, v in statements.numbers.items()}
    for row, quarter in enumerate(quarter_of(statements.report_date)):
        if quarter > 1 and row:
            for item in FLOWS:
                told[item][row] += told[item][row - 1]
    return told
