"""The market of a table of factors: what its formulas read, up to the last session wanted.

Daily fields reach back to the first session of the data, whatever the first one wanted: years of suspension
are carried, and running sums forget nothing, so that only then does a value not depend on where it was asked
for. They are read when a formula asks, a store keeps them as mapped panels, and formulas are computed from
their look-back on; bars, which are many, are loaded from there on, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from superhet.data.axes import market_axes
from superhet.data.base import Tables
from superhet.data.intraday import intraday_cube
from superhet.data.load import MarketRequest, load_market
from superhet.data.universe import UniverseRule
from superhet.errors import ConfigError, UnknownName
from superhet.factors import Expression
from superhet.panel import Dates, Market, Universe
from superhet.progress import Progress, silent

_NO_RULES = UniverseRule(
    suspended=False, st=False, new_listing=0, limit_locked=False, delisting=False
)
"""Rules that exclude from trading; who is estimable does not depend on them."""
_CAPS = {"total_shares", "float_shares", "market_cap"}
_INDUSTRY = "sw1"


@dataclass(frozen=True, kw_only=True)
class MarketChoice:
    """Which part of a store, seen how.

    Parameters
    ----------
    start, end : first and last date wanted; None = all
    industry : scheme of the industry classification; None = where a formula asks, "sw1" or the only one
    benchmark : index code of `benchmark_close` and its kin; None = all listed assets, weighted by
        capitalisation
    frequency : the bars that `bar_` functions read
    everyone : whether cross-sections are measured on all listed assets, instead of the estimable ones
    universe : "all" for every listed asset, or the code of an index in `index_members`
    classified : whether industries are loaded even where no formula asks; none is, if the store has several
        schemes and none is named
    barred : whether bars of `frequency` are loaded even where no formula asks
    """

    start: str | None = None
    end: str | None = None
    industry: str | None = None
    benchmark: str | None = None
    frequency: str = "15min"
    everyone: bool = False
    universe: str = "all"
    classified: bool = False
    barred: bool = False


def market_for(
    expressions: Sequence[Expression],
    tables: Tables,
    choice: MarketChoice,
    progress: Progress = silent,
) -> tuple[Market, int]:
    """Load what some formulas need.

    Returns
    -------
    the market, and the row of its first session wanted

    Raises
    ------
    ConfigError
        if no session of the data lies between the dates; if several industry schemes are there to choose from
    UnknownName
        for an industry scheme or bars that the store does not have
    """
    start, end = _dates(choice)
    sessions = market_axes(tables, None, None)[1].dates
    wanted = sessions.between(start, end)
    if wanted.start >= wanted.stop:
        raise ConfigError(
            "--start" if start else "--end",
            f"no session of the data lies between {start or 'the beginning'} and {end or 'the end'}; "
            f"the store holds {sessions.values[0]} to {sessions.values[-1]}.",
        )
    first, last = wanted.start, wanted.stop - 1
    _require_index(tables, choice.universe)
    bars = _bars(expressions, tables, choice.frequency, choice.barred)
    request = MarketRequest(
        universe=replace(_NO_RULES, index=choice.universe),
        industry=_industry(expressions, tables, choice.industry, choice.classified),
        benchmark=_benchmark(tables, choice.benchmark),
        size=None if _CAPS & _columns(tables) else "amount_60",
    )
    market = load_market(tables, request, progress).until(sessions.values[last])
    if bars:
        lookback = max((e.lookback for e in expressions), default=0)
        days = Dates(market.dates.values[max(first - lookback, 0) :])
        cube = intraday_cube(tables, bars, days, market.assets)
        market = replace(market, intraday_cubes={bars: cube})
    return (_everyone(market) if choice.everyone else market), first


def _dates(choice: MarketChoice) -> tuple[str | None, str | None]:
    read = []
    for option, text in (("--start", choice.start), ("--end", choice.end)):
        try:
            read.append(None if text is None else date.fromisoformat(text).isoformat())
        except ValueError:
            raise ConfigError(option, f"must be a date like 2018-01-31 (got {text!r})") from None
    start, end = read
    if start and end and start > end:
        raise ConfigError("--start", f"lies after --end ({start} > {end})")
    return start, end


def _bars(
    expressions: Sequence[Expression], tables: Tables, frequency: str, barred: bool = False
) -> str:
    """Give the bars to load, "" for none; the formulas that miss them say so themselves."""
    there = [n.removeprefix("bars_") for n in tables.names() if n.endswith("min")]
    if not (barred or any(e.bar_fields for e in expressions)) or not there:
        return ""
    if frequency not in there:
        raise UnknownName("bar frequency", frequency, there, "--frequency")
    return frequency


def _industry(
    expressions: Sequence[Expression], tables: Tables, wanted: str | None, classified: bool
) -> str:
    asked = any("industry" in e.groups for e in expressions)
    if wanted is None and not asked and not classified:
        return ""
    schemes: set[str] = set()
    if "industry" in tables.names():
        schemes = set(tables.read("industry", columns=["scheme"])["scheme"].unique().to_list())
    if wanted is None and _INDUSTRY not in schemes and len(schemes) > 1:
        if not asked:
            return ""
        raise ConfigError(
            "--industry",
            f"a formula asks for industries, and the store has several schemes: "
            f"{', '.join(sorted(schemes))}. Name one.",
        )
    if wanted is None:
        return _INDUSTRY if _INDUSTRY in schemes else "".join(schemes)
    if wanted and wanted not in schemes:
        raise UnknownName("industry scheme", wanted, schemes, "--industry")
    return wanted


def _require_index(tables: Tables, wanted: str) -> None:
    if wanted == "all":
        return
    known = {"all"}
    if "index_members" in tables.names():
        known |= set(tables.read("index_members", columns=["index"])["index"].unique().to_list())
    if wanted not in known:
        raise UnknownName("index", wanted, known, "--universe")


def _benchmark(tables: Tables, wanted: str | None) -> str | None:
    if wanted is None or wanted in ("cap_weighted", "equal_weighted"):
        return wanted
    known: set[str] = {"cap_weighted", "equal_weighted"}
    for table in ("index_bars", "index_weights", "index_members"):
        if table in tables.names():
            known |= set(tables.read(table, columns=["index"])["index"].unique().to_list())
    if wanted not in known:
        raise UnknownName("benchmark", wanted, known, "--benchmark")
    return wanted


def _columns(tables: Tables) -> set[str]:
    """List the columns of bars and daily tables."""
    day = "1900-01-01"
    there = [t for t in ("bars_1d", "daily") if t in tables.names()]
    return {c for t in there for c in tables.read(t, start=day, end=day).columns}


def _everyone(market: Market) -> Market:
    """Let every listed asset be estimable."""
    listed = market.universe.member.with_values(market["listing_age"].values >= 0)
    everyone = Universe(
        member=listed,
        tradable=listed.with_values(listed.values, name="tradable"),
        estimable=listed.with_values(listed.values, name="estimable"),
        reasons={},
    )
    return replace(market, universe=everyone)
