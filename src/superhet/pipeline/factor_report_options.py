"""Options of a factor report: how factors are judged; what is wrong is named with its option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from superhet.errors import ConfigError, UnknownName
from superhet.panel import Market

LANGUAGES = ("en", "zh", "both")
ENTRIES = ("open", "close", "vwap")
LOCKED = ("exclude", "shift")
RELATIVE = ("benchmark", "industry")
NEUTRAL = ("industry", "size")
HORIZONS = (1, 5, 10, 20)


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How factors are judged.

    Parameters
    ----------
    horizons : sessions held, each at least 1; the first is the main one
    delay : sessions from the signal to the trade
    entry, window : price paid: "open", "close", "vwap"; of a VWAP, the part of the day ("09:30", "10:00")
    locked : what happens to entries at a price limit: "exclude" them or "shift" them to the first session
        that could trade
    relative_to : None for plain returns, "benchmark" or "industry" for excess ones
    quantiles : number of groups
    neutral : what the neutral column takes out
    cost : one-way, as a fraction of the value traded (0.001 = 10 bp)
    periods_per_year : sessions a year
    trials : how many factors were tried in all; None = as many as this folder has seen
    language : "en", "zh" or "both"
    checks : YAML file of thresholds; None = those that come with superhet
    mine : names or formulas of the user's own library, or its TOML files
    styles : Parquet file of style exposures; None = none
    """

    horizons: Sequence[int] = HORIZONS
    delay: int = 1
    entry: Literal["open", "close", "vwap"] = "open"
    window: tuple[str, str] | None = None
    locked: Literal["exclude", "shift"] = "exclude"
    relative_to: Literal["benchmark", "industry"] | None = None
    quantiles: int = 5
    neutral: Sequence[str] = NEUTRAL
    cost: float = 0.001
    periods_per_year: int = 244
    trials: int | None = None
    language: str = "en"
    checks: Path | None = None
    mine: Sequence[str] = ()
    styles: Path | None = None

    def __post_init__(self) -> None:
        _one_of("entry", self.entry, ENTRIES)
        _one_of("locked", self.locked, LOCKED)
        _one_of("language", self.language, LANGUAGES)
        if self.relative_to is not None:
            _one_of("relative-to", self.relative_to, RELATIVE)
        for horizon in self.horizons:
            if horizon < 1:
                raise ConfigError("--horizon", f"must be at least 1 session (got {horizon})")
        twice = next((h for h in self.horizons if list(self.horizons).count(h) > 1), None)
        if twice is not None:
            raise ConfigError("--horizon", f"{twice} is given twice; give each horizon once")
        if not self.horizons:
            raise ConfigError("--horizon", "give at least one")
        if self.delay < 1 and not (self.delay == 0 and self.entry == "close"):
            raise ConfigError(
                "--delay",
                f"must be at least 1 session (got {self.delay}): a signal known at the close cannot be "
                f"traded at the {self.entry} of that day. Use --delay 1, or --entry close with --delay 0.",
            )
        if not 2 <= self.quantiles <= 20:
            raise ConfigError("--quantiles", f"must be 2 to 20 (got {self.quantiles})")
        if not 0.0 <= self.cost < 0.1:
            raise ConfigError(
                "--cost", f"is a fraction of the value traded, 0.001 is 10 bp (got {self.cost:g})"
            )
        if self.window is not None and self.entry != "vwap":
            raise ConfigError("--window", "is the part of the day of a VWAP; add --entry vwap")
        if self.trials is not None and self.trials < 1:
            raise ConfigError("--trials", f"must be at least 1 (got {self.trials})")

    @property
    def horizon(self) -> int:
        """The main horizon."""
        return self.horizons[0]

    @property
    def measured(self) -> Mapping[str, Any]:
        """What the measured numbers of a factor depend on; the rest is how they are shown and checked."""
        shown = {"trials", "language", "checks", "mine", "styles"}
        return {k: v for k, v in asdict(self).items() if k not in shown}


def require_fit(options: ReportOptions, market: Market) -> None:
    """Insist that a market is long and wide enough, and that its benchmark covers it.

    Raises
    ------
    ConfigError
        naming the option, and what to do
    """
    dates, names = market.dates, market.universe.member.values.sum(axis=1)
    for horizon in options.horizons:
        if options.delay + horizon >= len(dates):
            raise ConfigError(
                "--horizon",
                f"{horizon} sessions after a delay of {options.delay} need more than {len(dates)} sessions "
                f"from {dates.values[0]} to {dates.values[-1]}. Name shorter horizons, or a longer period.",
            )
    if names.max(initial=0) < max(3, options.quantiles):
        raise ConfigError(
            "--universe",
            f"{options.quantiles} quantiles need at least {max(3, options.quantiles)} assets a date; "
            f"on no date from {dates.values[0]} to {dates.values[-1]} are there more than "
            f"{names.max(initial=0)}. "
            "Widen the universe, or import more assets.",
        )
    for name in options.neutral:
        if name not in {"industry", "size", *market.group_panels, *market}:
            raise UnknownName(
                "exposure", name, {"size", "industry", *market.group_panels, *market}, "--neutral"
            )
    if options.relative_to == "industry" and "industry" not in market.group_panels:
        raise ConfigError(
            "--relative-to",
            "the market has no industries; name a scheme of the store with --industry",
        )
    if options.relative_to == "benchmark":
        _require_benchmark(market)


def _require_benchmark(market: Market) -> None:
    import numpy as np

    if market.benchmark is None:
        raise ConfigError("--relative-to", "the market has no benchmark; name one with --benchmark")
    gaps = benchmark_gaps(market)
    if gaps:
        known = np.flatnonzero(~np.isnan(market.benchmark.returns))
        days = market.dates.values
        span = (
            f"it is known from {days[known[0]]} to {days[known[-1]]}"
            if known.size
            else "it is never known"
        )
        raise ConfigError(
            "--benchmark",
            f"{market.benchmark.name} has no return on {len(gaps)} sessions: {spans(gaps)}; {span}. "
            "Choose another benchmark, or a period that it covers (--start, --end).",
        )


def benchmark_gaps(market: Market) -> list[str]:
    """List the sessions on which the benchmark has no return, after the first."""
    import numpy as np

    if market.benchmark is None:
        return []
    missing = np.isnan(market.benchmark.returns)
    missing[:1] = False
    return [str(d) for d in market.dates.values[missing]]


def spans(days: Sequence[str], most: int = 3) -> str:
    """Say which days, the first few by name.

    Examples
    --------
    >>> spans(["2020-01-02", "2020-01-03"]), spans(list("abcde"))
    ('2020-01-02, 2020-01-03', 'a, b, c … e')
    """
    return ", ".join(days[:most]) + (f" … {days[-1]}" if len(days) > most else "")


def _one_of(option: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise UnknownName(option, word, known, f"--{option}")
