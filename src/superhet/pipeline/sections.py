"""Sections: the parts of a study, in the order of the research process; their fields are the YAML's keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from superhet.data.load import MarketRequest
from superhet.data.sources.simulated import SimulatedMarket
from superhet.data.universe import UniverseRule
from superhet.errors import ConfigError
from superhet.frequency import decision_clock
from superhet.panel import Dates, WalkForward
from superhet.synthesis import Synthesizer


@dataclass(frozen=True, kw_only=True)
class MarketSection:
    """Which data, which assets, which dates.

    Parameters
    ----------
    store : folder of the store, relative to the configuration's working folder
    simulate : make a simulated store there if there is none
    universe : who takes part; a word ("all" or an index code) or the keys of the universe rule
    start, end : first and last decision date; the planner loads the look-back before `start`
    industry : name of the classification, or "" for none
    benchmark : index code; left out, the cap-weighted universe
    decision : when the super-factor is decided; values of the same session's close are known
    size : the field whose logarithm is "size"; left out, market capitalisation
    statements_known_at : `report_date` looks ahead on purpose, to measure by how much; audits fail it
    """

    store: str
    simulate: SimulatedMarket | None = None
    universe: UniverseRule = field(default_factory=UniverseRule)
    start: str | None = None
    end: str | None = None
    industry: str = "sw1"
    benchmark: str | None = None
    decision: Literal["close"] = "close"
    size: str | None = None
    statements_known_at: Literal["announce_date", "report_date"] = "announce_date"

    def request(self, intraday: tuple[str, ...], start: str | None) -> MarketRequest:
        """Say what to load: the section's dates, from `start` (look-back included) on."""
        return MarketRequest(
            start=start,
            end=self.end,
            universe=self.universe,
            industry=self.industry,
            benchmark=self.benchmark,
            intraday=intraday,
            statements_known_at=self.statements_known_at,
            size=self.size,
        )


@dataclass(frozen=True, kw_only=True)
class SignalSection:
    """One formula, or formulas picked from a library.

    Parameters
    ----------
    name, formula : a signal of the user's own
    library, pick : a library and the names wanted from it; no `pick` takes them all. A file of your own is
        named by its path from the study, such as `mine.toml`
    syntax : spelling of the formula: superhet, qlib, worldquant
    convention : superhet, qlib or pandas; left out, that of the library or of the spelling
    frequency : bar length that `bar_` operators read
    half_life : sessions in which an aging value loses half of its weight in the mixer
    max_age : sessions after which a value is no longer known
    """

    name: str | None = None
    formula: str | None = None
    library: str | None = None
    pick: tuple[str, ...] = ()
    syntax: Literal["superhet", "qlib", "worldquant"] = "superhet"
    convention: Literal["superhet", "qlib", "pandas"] | None = None
    frequency: str = "15min"
    half_life: Annotated[float, Gt(0)] | None = None
    max_age: Annotated[int, Ge(0)] | None = None

    def __post_init__(self) -> None:
        if (self.formula is None) == (self.library is None):
            raise ConfigError("", "give either `formula` (with `name`) or `library` (with `pick`)")
        if self.formula is not None and not self.name:
            raise ConfigError("name", "a formula needs a name")


@dataclass(frozen=True, kw_only=True)
class MixSection:
    """The decision clock: "1d", "1w", "1m", or every n-th session."""

    clock: str | int = "1d"

    def __post_init__(self) -> None:
        decision_clock(
            Dates(np.empty(0, dtype="datetime64[D]")), self.clock
        )  # refuses what it cannot read


@dataclass(frozen=True, kw_only=True)
class TargetSection:
    """What the super-factor is trained to forecast.

    Parameters
    ----------
    horizon : sessions held
    delay : sessions between signal and entry (1 = next session)
    entry : price of entry and exit
    relative_to : subtract the benchmark's or the industry's return
    """

    horizon: Annotated[int, Ge(1), Le(250)] = 5
    delay: Annotated[int, Ge(1), Le(20)] = 1
    entry: Literal["open", "vwap", "close"] = "open"
    relative_to: Literal["benchmark", "industry"] | None = None

    @property
    def reach(self) -> int:
        """Sessions from a signal to the end of its target."""
        return self.delay + self.horizon


@dataclass(frozen=True, kw_only=True)
class SynthesisSection:
    """How many signals become one.

    Parameters
    ----------
    model : the synthesizer that gives the super-factor
    target, folds : what it learns, and on which slices of the past
    compare : other synthesizers shown beside it in the report
    subsets : also build a super-factor from the signals of each frequency alone
    """

    model: Synthesizer
    target: TargetSection = TargetSection()
    folds: WalkForward = field(default_factory=WalkForward)
    compare: tuple[Synthesizer, ...] = ()
    subsets: bool = True


@dataclass(frozen=True, kw_only=True)
class RiskSection:
    """The risk model by whose styles signals and portfolio are measured.

    Parameters
    ----------
    table : of its styles: cne5, cne6, or a TOML file of your own, named from the folder of the study
    industry : scheme of its industries, or "board" for boards instead; left out, that of the market
    horizon : what it forecasts: "short" and "long" look a month ahead, "daily" one session
    robust : weigh outliers less, after Huber
    keep_outliers : whether no return is clipped for the fit, however wild it is
    text : of a table of your own; it is filled in when the study is read
    """

    table: str = "cne5"
    industry: str | None = None
    horizon: Literal["short", "long", "daily"] = "short"
    robust: bool = False
    keep_outliers: bool = False
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """Language of the report: one or both."""

    language: Literal["en", "zh", "both"] = "en"


@dataclass(frozen=True, kw_only=True)
class AuditSection:
    """How many dates the look-ahead audit cuts at, and how far beyond it puts noise (sessions)."""

    dates: Annotated[int, Ge(1), Le(50)] = 2
    beyond: Annotated[int, Ge(1)] = 60
