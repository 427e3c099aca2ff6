"""Signals of a report: formulas computed over the period some at a time, or values from a file.

1. which ones, under which names                       -> formula_signals, file_signals
2. what is known of each before any data                -> Signal.facts
3. their values, a few panels in memory at a time       -> panels
4. those that cannot be ranked are refused, with why    -> refusal
5. values of a file that are returns of the future      -> require_no_future
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, InputError
from superhet.factors import Formula
from superhet.factors.evaluate import Work
from superhet.factors.expression import carry
from superhet.kernels.information import spearman
from superhet.panel import Market, Panel
from superhet.pipeline.factor_choice import KEYS, Chosen, FactorChoice, choose
from superhet.pipeline.factor_facts import describe, named, shown
from superhet.pipeline.factor_file import factor_panels, read_factor_file
from superhet.pipeline.factor_report_ground import Ground
from superhet.pipeline.factor_table import Resources
from superhet.progress import Progress, silent

LOOK_AHEAD = 0.9
"""Mean RankIC with a return of the future above which a file's column is such a return."""
_SPANS = (1, 2, 5, 10, 20)
_MOST_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One factor before its values.

    Parameters
    ----------
    name : of the factor
    formula : None for values of a file
    facts : formula, meaning, look-back and so on, as plain values
    identity : what its values follow from, beside the data
    """

    name: str
    formula: Formula | None
    facts: Mapping[str, Any]
    identity: str


def read_choice(choice: FactorChoice) -> Chosen:
    """Read what was typed: formulas, names of formulas of libraries, or a whole library.

    Raises
    ------
    ConfigError, UnknownName, FormulaError
        naming the option; a formula that stands twice is named with both names
    """
    if choice.library is not None or choice.syntax is not None or not choice.formulas:
        return _no_twins(choose(choice))
    columns: dict[str, Formula] = {}
    names = list(choice.names)
    if names and len(names) != len(choice.formulas):
        choose(choice)  # says so
    for i, text in enumerate(choice.formulas):
        found = named(text)
        given = names[i : i + 1]
        if found is None:
            one = choose(replace(choice, formulas=[text], names=given)).columns
        else:
            used = choice.convention or found[1].convention
            column = given[0] if given else found[1].name
            one = {column: replace(found[1], convention=used)}
        for column, formula in one.items():
            if column in columns or column in KEYS:
                twice = "is used twice" if column in columns else "is that of a key"
                raise ConfigError("--name", f"the column name {column!r} {twice}; choose another")
            columns[column] = formula
    return _no_twins(Chosen(columns=columns))


def _no_twins(chosen: Chosen) -> Chosen:
    if chosen.optional:
        return chosen
    seen: dict[tuple[str, str], str] = {}
    for column, formula in chosen.columns.items():
        same = (repr(formula.expression), formula.convention)
        if same in seen:
            raise ConfigError(
                "--name",
                f"{seen[same]!r} and {column!r} are the same formula, {same[0]}; give it once",
            )
        seen[same] = column
    return chosen


def formula_signals(chosen: Chosen, library: str | None) -> list[Signal]:
    """Describe formulas."""
    found = []
    for column, formula in chosen.columns.items():
        facts = describe(formula, None if library is None else shown(library))
        plain = asdict(facts)
        kept = {k: plain[k] for k in _FACTS} | {"operators": _operators(plain["operators"])}
        identity = f"{facts.formula}\0{formula.convention}"
        found.append(Signal(name=column, formula=formula, facts=kept, identity=identity))
    return found


_FACTS = (
    "library", "formula", "text", "syntax", "convention", "meaning", "note", "source", "sign", "frequency",
    "clock", "lookback", "quarters", "unit", "fields", "groups",
)  # fmt: skip


def _operators(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": o["name"], "meaning": o["meaning"], "family": o["family"]} for o in found]


def file_signals(path: Path, market: Market) -> tuple[list[Signal], Mapping[str, Panel]]:
    """Read the values of a file, on the axes of a market."""
    panels = factor_panels(read_factor_file(path), market.dates, market.assets, path)
    found = [
        Signal(
            name=name,
            formula=None,
            facts={"file": path.name, "frequency": "daily", "clock": "1d", "meaning": {}},
            identity=panel.fingerprint(),
        )
        for name, panel in panels.items()
    ]
    return found, panels


def panels(
    signals: Sequence[Signal],
    market: Market,
    first: int,
    frequency: str,
    resources: Resources,
    progress: Progress = silent,
) -> Iterator[tuple[Signal, Panel]]:
    """Compute formulas over the sessions from `first` on, as many at a time as the budget allows."""
    settings = resources.settings
    rows, assets = len(market.dates) - first, len(market.assets)
    size = max(rows * assets * np.dtype(settings.dtype).itemsize, 1)
    most = int(min(max(resources.budget // (4 * size), 1), _MOST_AT_ONCE))
    dates = market.dates[first:]
    for start in range(0, len(signals), most):
        some = signals[start : start + most]
        wanted = {
            str(i): (carry(s.formula.expression), s.formula.convention)
            for i, s in enumerate(some)
            if s.formula is not None
        }
        work = Work(wanted, market, frequency, settings, first=first)
        out = np.empty((len(work.daily), rows, assets), dtype=settings.dtype)
        for begin, end in work.pieces(resources.budget, first):
            work.run(out[:, begin - first : end - first], (begin, end), progress)
        for i, values in zip(work.daily, out, strict=True):
            signal = some[int(i)]
            yield (
                signal,
                Panel(
                    values=values, dates=dates, assets=market.assets, name=signal.name, unit="score"
                ),
            )


def inside(panel: Panel, ground: Ground) -> Panel:
    """Keep the finite values of members."""
    values = panel.values.astype(np.float64, copy=False)
    return panel.with_values(np.where(ground.member & np.isfinite(values), values, np.nan))


def refusal(signal: Panel, ground: Ground) -> dict[str, Any]:
    """Say why a signal cannot be judged: no value, all the same, never beside a return; {} if it can."""
    known = ~np.isnan(signal.values)
    if not known.any():
        return {"code": "no_value", "values": {}}
    low = np.where(known, signal.values, np.inf).min(axis=1)
    high = np.where(known, signal.values, -np.inf).max(axis=1)
    several = known.sum(axis=1) > 1
    if not (several & (high > low)).any():
        most = int(known.sum(axis=1).max())
        code = "one_asset" if most < 2 else "constant"
        return {"code": code, "values": {"dates": int(known.any(axis=1).sum())}}
    forward = ground.forward[ground.options.horizon]
    pairs = (known & forward.known()).sum(axis=1)
    if pairs.max(initial=0) < 3:
        return {"code": "no_pairs", "values": {"most": int(pairs.max(initial=0))}}
    return {}


def require_no_future(found: Mapping[str, Panel], ground: Ground, path: Path) -> None:
    """Insist that no column of a file is a return of the future.

    Each is ranked against the returns from the close of its date to that of 1, 2, 5, 10 and 20 sessions
    later, and against the forward returns of the report.

    Raises
    ------
    InputError
        naming the column, the return and how close they are
    """
    close = ground.market["adjusted_close"].values.astype(np.float64)
    for name, panel in found.items():
        for what, forward in _futures(close, ground):
            strength, dates = _alike(panel.values, forward)
            if abs(strength) > LOOK_AHEAD:
                exact = np.isclose(panel.values, forward, rtol=1e-6, atol=1e-9)
                both = ~(np.isnan(panel.values) | np.isnan(forward))
                share = exact[both].mean() if both.any() else 0.0
                same = f"; {share:.0%} of its values equal it" if share > 0.5 else ""
                raise InputError(
                    f"--factor-file: {path}: column {name!r} looks ahead: its mean RankIC with {what} is "
                    f"{strength:+.3f} on {dates:,} dates{same}. A value stamped t may hold only what "
                    "was known at the close of t. Stamp it with the day on which it was "
                    "known, or leave the column out."
                )


def _futures(
    close: npt.NDArray[np.float64], ground: Ground
) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    for span in (s for s in _SPANS if s < len(close)):
        forward = np.full(close.shape, np.nan)
        forward[:-span] = close[span:] / close[:-span] - 1.0
        yield f"the return from the close of t to that of t+{span}", forward
    for horizon, panel in ground.forward.items():
        options = ground.options
        begin = options.delay
        yield (
            f"the forward return from the {options.entry} of t+{begin} to that of t+{begin + horizon}",
            panel.values,
        )


def _alike(values: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> tuple[float, int]:
    found = spearman(values, other)
    known = found[~np.isnan(found)]
    return (float(known.mean()), int(known.size)) if known.size else (0.0, 0)


def digest(*parts: object) -> str:
    """Hash what a result depends on."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(repr(part).encode())
        found.update(b"\0")
    return found.hexdigest()
