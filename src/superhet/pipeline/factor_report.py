"""Factor report: factors over a store -> a page for each, a board of all, and every number as JSON.

1. which factors, and the market they are judged on                      -> _Job
2. what is measured of each, kept in a file of its own as soon as known   -> _Job.measure
3. what needs all of them: trials, adjusted p, the board, the checks      -> factor_report_board
4. JSON and pages                                                          -> factor_report_write

A file of a finished factor is named by a hash of all that its numbers follow from: the formula (or the
values of a file), the snapshot of the store, the period and the options. With `resume` such a file is read
instead of computing again; anything else changed gives another hash. The same input gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from superhet.data.base import Tables
from superhet.errors import InputError
from superhet.panel import Cube, Market, Panel
from superhet.pipeline.artifacts import write_json
from superhet.pipeline.factor_checks import rules_of
from superhet.pipeline.factor_choice import Chosen, FactorChoice, with_fields
from superhet.pipeline.factor_file import read_factor_file
from superhet.pipeline.factor_market import MarketChoice, market_for
from superhet.pipeline.factor_report_board import board_of, finished
from superhet.pipeline.factor_report_ground import Ground
from superhet.pipeline.factor_report_library import Mine, book_returns, mine_of, styles_of
from superhet.pipeline.factor_report_measure import measured
from superhet.pipeline.factor_report_options import ReportOptions, benchmark_gaps, require_fit
from superhet.pipeline.factor_report_signals import (
    Signal,
    digest,
    file_signals,
    formula_signals,
    inside,
    panels,
    read_choice,
    refusal,
    require_no_future,
)
from superhet.pipeline.factor_report_splits import regimes_of
from superhet.pipeline.factor_report_write import file_names, write_report
from superhet.pipeline.factor_table import Resources
from superhet.pipeline.index_panels import index_panels
from superhet.pipeline.trials import Trials
from superhet.progress import Progress, silent
from superhet.report.factor_study import FactorBoard, FactorStudy

VERSION = 1
"""Of the numbers: another one, and no file of an earlier report is taken for a result."""
PARTS = "factors"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is judged on what.

    Parameters
    ----------
    choice : formulas or a library; None with a file
    file : Parquet file of values, None with formulas
    market : which part of the store, seen how
    options : how factors are judged
    """

    choice: FactorChoice | None = None
    file: Path | None = None
    market: MarketChoice = field(default_factory=lambda: MarketChoice(classified=True))
    options: ReportOptions = field(default_factory=ReportOptions)


def factor_report(
    tables: Tables,
    wanted: Wanted,
    out: Path,
    *,
    resources: Resources | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> FactorBoard:
    """Judge factors and write their pages.

    Parameters
    ----------
    tables : a store, or frames in memory
    wanted : what is judged on what
    out : folder of the report; made if it is not there
    resources : type, threads and memory of the formulas
    resume : whether finished factors of an earlier call are taken as they are
    progress : called as (done, total, what)

    Raises
    ------
    InputError
        for whatever the user gave wrong, and if no factor at all can be judged
    """
    rules = rules_of(wanted.options.checks)
    job = Job(tables, wanted, resources or Resources(), progress)
    out.mkdir(parents=True, exist_ok=True)
    found = job.measure(out / PARTS, resume)
    require_some(found)
    trials = Trials(out)
    trials.add(job.trial(s) for s in job.signals)
    count = trials.count(wanted.options.trials, len(found))
    studies = finished(found, rules, count)
    board = board_of(studies, job.facts(count), job.chosen.left_out)
    progress(1, 1, "writing pages")
    return write_report(board, out, wanted.options.language)


def require_some(found: Sequence[FactorStudy]) -> None:
    """Insist that some factor could be judged."""
    if any(not s.refused for s in found):
        return
    shown = "; ".join(f"{s.name}: {_SAID[s.refused['code']]}" for s in found[:5])
    raise InputError(
        f"no factor can be judged. {shown}. See `superhet factor eval` for its values."
    )


_SAID: Mapping[str, str] = {
    "no_value": "has no value on any date of the period (all NaN)",
    "constant": "is constant: on every date all assets have the same value, so nothing is ranked",
    "one_asset": "is known for one asset a date only; a cross-section needs several",
    "no_pairs": "never has three assets with a value and a forward return on one date",
}


class Job:
    """The factors of one report and what they are measured against."""

    def __init__(
        self, tables: Tables, wanted: Wanted, resources: Resources, progress: Progress
    ) -> None:
        self._wanted, self._resources, self._progress = wanted, resources, progress
        _ = resources.settings  # an error is due here
        options = wanted.options
        self.chosen = Chosen(columns={})
        if wanted.choice is not None:
            self.chosen = read_choice(wanted.choice)
        elif wanted.file is not None:
            read_factor_file(wanted.file)
        mine = mine_of(options.mine)
        progress(0, 1, "loading")
        expressions = [
            f.expression for f in (*self.chosen.columns.values(), *mine.formulas.values())
        ]
        market, self._first = market_for(expressions, tables, wanted.market, progress)
        self.chosen = with_fields(self.chosen, market, wanted.market.frequency)
        self.market = market
        within = market.between(market.dates.values[self._first], None)
        require_fit(options, within)
        self.ground = Ground(
            market=within,
            options=options,
            threads=resources.threads,
            members=index_panels(tables, within),
            regimes=regimes_of(market, self._first),
        )
        self._gaps()
        self._files: Mapping[str, Panel] = {}
        if wanted.file is None:
            library = wanted.choice.library if wanted.choice is not None else None
            self.signals = formula_signals(self.chosen, library)
        else:
            self.signals, self._files = file_signals(wanted.file, self.ground.market)
            require_no_future(self._files, self.ground, wanted.file)
        self._mine = mine
        self._context: Mine | None = None

    def _gaps(self) -> None:
        gaps = benchmark_gaps(self.ground.market)
        benchmark = self.ground.market.benchmark
        if gaps and benchmark is not None:
            self.ground.notes.append(
                {
                    "code": "benchmark_gaps",
                    "values": {
                        "name": benchmark.name,
                        "count": len(gaps),
                        "first": gaps[0],
                        "last": gaps[-1],
                    },
                }
            )

    def key(self, signal: Signal) -> str:
        """Hash all that the numbers of a factor follow from."""
        wanted = self._wanted
        return digest(
            VERSION,
            signal.name,
            signal.identity,
            self.market.snapshot,
            sorted(asdict(wanted.market).items()),
            sorted((k, str(v)) for k, v in wanted.options.measured.items()),
            self._mine.identity,
            "" if wanted.options.styles is None else wanted.options.styles.read_bytes(),
            self._resources.dtype,
        )

    def trial(self, signal: Signal) -> str:
        """Hash what makes a trial: the factor, and where and how it was judged; not the state of the data."""
        wanted = self._wanted
        identity = signal.identity if signal.formula is not None else signal.name
        return digest(
            identity,
            sorted(asdict(wanted.market).items()),
            sorted((k, str(v)) for k, v in wanted.options.measured.items()),
        )

    def values(self) -> Iterator[tuple[str, Panel]]:
        """Compute the factors once more: name and values of members."""
        for signal, panel in self._values(self.signals):
            yield signal.name, inside(panel, self.ground)

    def measure(self, folder: Path, resume: bool) -> list[FactorStudy]:
        """Measure each factor, and keep it in a file as soon as it is known."""
        folder.mkdir(parents=True, exist_ok=True)
        keys = {s.name: self.key(s) for s in self.signals}
        paths = {s.name: folder / f"{keys[s.name]}.json" for s in self.signals}
        done = {n: s for n, p in paths.items() if resume and (s := _kept(p)) is not None}
        rest = [s for s in self.signals if s.name not in done]
        for number, (signal, panel) in enumerate(self._values(rest), start=len(done)):
            self._progress(number, len(self.signals), f"judging {signal.name}")
            study = self._study(signal, panel, keys[signal.name])
            write_json(paths[signal.name], study.to_dict())
            done[signal.name] = (
                _kept(paths[signal.name]) or study
            )  # the same, computed now or before
        return [done[s.name] for s in self.signals]

    def _values(self, signals: Sequence[Signal]) -> Iterator[tuple[Signal, Panel]]:
        if self._files:
            yield from ((s, self._files[s.name]) for s in signals)
            return
        frequency = self._wanted.market.frequency
        yield from panels(signals, self.market, self._first, frequency, self._resources)

    def _study(self, signal: Signal, panel: Panel, key: str) -> FactorStudy:
        panel = inside(panel, self.ground)
        facts = {**signal.facts, **self._period(panel)}
        why = refusal(panel, self.ground)
        if why:
            return FactorStudy(name=signal.name, key=key, facts=facts, refused=why)
        found = measured(panel, self.ground, self.beside)
        study = FactorStudy(name=signal.name, key=key, facts=facts, **found)
        return replace(study, notes=[*study.notes, *self.ground.notes])

    @property
    def beside(self) -> Mine:
        """The user's own factors and the styles, with their values."""
        if self._context is None:
            styles = self._wanted.options.styles
            values = dict(
                panels_of(
                    self._mine.formulas, self.market, self._first, self._wanted, self._resources
                )
            )
            files = {
                n: inside(p, self.ground)
                for path in self._mine.files
                for n, p in file_signals(path, self.ground.market)[1].items()
            }
            cube = {n: inside(p, self.ground) for n, p in values.items()} | files
            exposures = None if styles is None else styles_of(styles, self.ground.market)
            returns = (
                {}
                if exposures is None
                else {n: book_returns(p, self.ground) for n, p in exposures.items()}
            )
            self._context = replace(
                self._mine,
                cube=Cube(cube) if cube else None,
                styles=exposures,
                style_returns=returns,
            )
        return self._context

    def _period(self, panel: Panel) -> dict[str, Any]:
        """Say when the values are known."""
        known = panel.known().any(axis=1)
        on = panel.dates.values[known]
        days = {
            "first_value": str(on[0]) if on.size else None,
            "last_value": str(on[-1]) if on.size else None,
        }
        return days | self.shared

    @property
    def shared(self) -> dict[str, Any]:
        """What all factors of the report share."""
        market, options = self.ground.market, self._wanted.options
        member = market.universe.member.values
        benchmark = market.benchmark
        return {
            "universe": self._wanted.market.universe,
            "industry": self._wanted.market.industry if "industry" in market.group_panels else None,
            "benchmark": None if benchmark is None else benchmark.name,
            "start": str(market.dates.values[0]),
            "end": str(market.dates.values[-1]),
            "sessions": len(market.dates),
            "assets": int(member.any(axis=0).sum()),
            "mean_assets": round(float(member.sum(axis=1).mean()), 1),
            "snapshot": market.snapshot,
            "horizon": options.horizon,
            "horizons": list(options.horizons),
            "delay": options.delay,
            "entry": options.entry,
            "window": None if options.window is None else list(options.window),
            "locked": options.locked,
            "relative_to": options.relative_to,
            "count": options.quantiles,
            "neutral": list(self.ground.against),
            "cost": options.cost,
            "periods_per_year": options.periods_per_year,
            "dtype": self._resources.dtype,
        }

    def facts(self, trials: int) -> dict[str, Any]:
        """Say what the board shows of its making."""
        return {**self.shared, "trials": trials, "factors": len(self.signals)}


def panels_of(
    formulas: Mapping[str, Any],
    market: Market,
    first: int,
    wanted: Wanted,
    resources: Resources,
) -> Iterator[tuple[str, Panel]]:
    """Compute formulas beside those that are judged."""
    signals = formula_signals(Chosen(columns=formulas), None)
    for signal, panel in panels(signals, market, first, wanted.market.frequency, resources):
        yield signal.name, panel


def _kept(path: Path) -> FactorStudy | None:
    """Read a finished factor; what cannot be read is computed again."""
    try:
        return FactorStudy.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


__all__ = ["FactorBoard", "Wanted", "factor_report", "file_names"]
