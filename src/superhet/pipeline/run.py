"""Run: one configuration on one data snapshot -> one run folder, resumable at every stage.

A run folder is ``<runs>/<name>-<hash>``, where the hash is that of the resolved configuration, the data
snapshot and the version. It holds ``run.json`` (what was asked, on which data, how far it got),
``config.yaml`` (resolved), ``stages/`` and ``arrays/`` (values by content), ``metrics.json``, the
exported tables, ``report.html`` and ``log.txt``. A stage that is there is not computed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from superhet.data.base import Tables
from superhet.errors import RunInterrupted, SuperhetError
from superhet.panel import Market
from superhet.pipeline import stages
from superhet.pipeline.artifacts import Artifacts, write_atomic, write_json
from superhet.pipeline.audit import audit_values
from superhet.pipeline.config import Config
from superhet.pipeline.engine_section import require_engines
from superhet.pipeline.export import export_tables
from superhet.pipeline.metrics import measure
from superhet.pipeline.present import About, write_reports
from superhet.pipeline.stages import Values
from superhet.progress import Progress, silent
from superhet.version import __version__

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What `superhet run --json` prints."""

    run_id: str
    run_dir: str
    report: str
    stages: dict[str, str]
    metrics: dict[str, float | None]
    audit: str | None
    seconds: float
    stage_seconds: dict[str, float]
    warnings: list[str]


@dataclass
class Run:
    """A configuration, its data and its folder; `execute` does the work.

    Parameters
    ----------
    config : the study
    tables : the data; its `snapshot` becomes part of the run's name
    runs : folder that holds run folders
    progress : called with (done, total, label)
    """

    config: Config
    tables: Tables
    runs: Path
    progress: Progress = silent
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _market: Market | None = None
    _lines: list[str] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """Name and hash of configuration, snapshot and version."""
        parts = f"{self.config.fingerprint}/{self.tables.snapshot}/{__version__}"
        digest = hashlib.blake2b(parts.encode(), digest_size=5).hexdigest()
        return f"{self.config.name}-{digest}"

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.runs / self.run_id

    def execute(self, *, resume: bool = False, fresh: bool = False) -> RunSummary:
        """Compute what is missing and give the summary.

        Parameters
        ----------
        resume : go on where an interrupted run of the same configuration stopped
        fresh : forget an earlier run of the same configuration

        Raises
        ------
        RunInterrupted
            if an earlier run did not finish and neither `resume` nor `fresh` was asked for
        """
        begin = time.perf_counter()
        self._require_engines(fresh)
        self._open(resume=resume, fresh=fresh)
        try:
            hashes, values = self._compute()
        except SuperhetError as error:
            self._say(f"failed: {error.message}")
            self._note(status="failed", error=error.message)
            raise
        with self._warnings_kept():
            metrics = measure(self.config, self.market, values, self.tables)
        if "engines" in values:
            self._tell_engines(values["engines"], metrics)
        write_json(self.folder / "metrics.json", metrics)
        self._timed("export", lambda: export_tables(self.folder, values))
        about = About(
            run_id=self.run_id,
            snapshot=self.tables.snapshot,
            stages=hashes,
            warnings=self.warnings,
        )
        reports = self._timed(
            "report",
            lambda: write_reports(self.config, self.market, values, metrics, about, self.folder),
        )
        self._note(
            status="done",
            stages=hashes,
            metrics=metrics,
            report=str(reports[0].name),
            warnings=self.warnings,
        )
        return RunSummary(
            run_id=self.run_id,
            run_dir=str(self.folder),
            report=str(reports[0]),
            stages=hashes,
            metrics=metrics,
            audit=None if "audit" not in values else str(values["audit"]["verdict"]),
            seconds=round(time.perf_counter() - begin, 3),
            stage_seconds={k: round(v, 3) for k, v in self.seconds.items()},
            warnings=self.warnings,
        )

    @property
    def market(self) -> Market:
        """The market, loaded when first needed."""
        if self._market is None:
            self._market = self._timed(
                "data", lambda: stages.load(self.config, self.tables, self.progress)
            )
        return self._market

    def _compute(self) -> tuple[dict[str, str], dict[str, Values]]:
        """Go through the stages; the order is that of the table of contents in `stages`."""
        config, progress = self.config, self.progress
        done: dict[str, Values] = {}
        hashes: dict[str, str] = {"data": self.tables.snapshot}
        contents: list[tuple[str, Callable[[], Values]]] = [
            *self._risk_model(),
            ("signals", lambda: stages.compute_signals(config, self.market, progress)),
            (
                "clean",
                lambda: stages.mix_and_clean(config, self.market, done["signals"], progress),
            ),
            ("synthesis", lambda: stages.synthesize(config, self.market, done["clean"], progress)),
            ("portfolio", lambda: stages.build_portfolio(config, self.market, done["synthesis"])),
            ("backtest", lambda: stages.run_backtest(config, self.market, done["portfolio"])),
            *self._other_engines(done),
            ("attribution", lambda: stages.attribute(config, self.market, done["backtest"])),
        ]
        if config.risk is not None:
            contents.append(("styles", lambda: self._styles(done)))
        if config.audit is not None:
            contents.append(
                ("audit", lambda: audit_values(config, self.tables, self.market, done, progress))
            )
        for name, compute in contents:
            done[name], hashes[name] = self._stage(name, compute)
            if name == "signals":
                stages.require_values(done[name])
        return hashes, done

    def _risk_model(self) -> list[tuple[str, Callable[[], Values]]]:
        """Give the stage of the risk model, which depends on the data alone, where the study has one."""
        if self.config.risk is None:
            return []
        from superhet.pipeline.risk_stage import fit_model

        return [("risk", lambda: fit_model(self.config, self.tables, self.progress))]

    def _require_engines(self, fresh: bool) -> None:
        """Insist on the engines that the study names, unless their books are kept already."""
        last = "engines" if self.config.also else "backtest"
        if fresh or not Artifacts(self.folder).has(last):
            require_engines(self.config.backtest, self.config.also)

    def _other_engines(self, done: dict[str, Values]) -> list[tuple[str, Callable[[], Values]]]:
        """Give the stage in which other engines keep the books, where the study names some."""
        if not self.config.also:
            return []
        from superhet.pipeline.engine_stage import keep_beside

        def work() -> Values:
            weights = done["portfolio"]["weights"]
            return keep_beside(self.config, self.market, weights, self.folder, self.progress)

        return [("engines", work)]

    def _tell_engines(self, found: Values, metrics: dict[str, float | None]) -> None:
        """Add the largest difference to the metrics, and engines that failed to the warnings."""
        from superhet.pipeline.engine_stage import difference, failures

        metrics.update(difference(found))
        for line in failures(found):
            self._say(f"warning: {line}")
            self.warnings = [*self.warnings, line]
        if found["failed"]:  # they are tried again when the run is started again
            Artifacts(self.folder).forget("engines")

    def _styles(self, done: dict[str, Values]) -> Values:
        from superhet.pipeline.style_stage import measure_styles

        return measure_styles(done, self.progress)

    def _stage(self, name: str, compute: Callable[[], Values]) -> tuple[Values, str]:
        artifacts = Artifacts(self.folder)
        if artifacts.has(name):
            self._say(f"{name}: already done")
            values: Values = artifacts.load(name)
            return values, artifacts.hash_of(name)
        with self._warnings_kept():
            values = self._timed(name, compute)
        digest = artifacts.save(name, values)
        self._say(f"{name}: computed in {self.seconds[name]:.1f} s, hash {digest}")
        return values, digest

    def _timed(self, name: str, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        value = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin
        return value

    @contextmanager
    def _warnings_kept(self) -> Iterator[None]:
        """Keep what is warned about inside, sorted and beside the stages.

        Fields are read when first asked for, so the stage that meets a fact about the data depends on
        where a run was taken up again; the union of all does not.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        file = self.folder / "warnings.json"
        known = set(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else set()
        found = {str(w.message) for w in caught if issubclass(w.category, UserWarning)}
        for message in sorted(found - known):
            self._say(f"warning: {message}")
        self.warnings = sorted(known | found)
        write_json(file, self.warnings)

    def _say(self, line: str) -> None:
        """Add a line to the log of the run; the file is replaced whole, so a full disk harms nothing."""
        log.info("%s", line)
        self._lines.append(line)
        text = "\n".join(self._lines) + "\n"
        write_atomic(self.folder / "log.txt", lambda aside: _write_text(aside, text))

    def _open(self, *, resume: bool, fresh: bool) -> None:
        note = self.folder / "run.json"
        if note.exists():
            known = json.loads(note.read_text(encoding="utf-8"))
            if known["status"] == "running" and _alive(known["pid"]):
                raise RunInterrupted(
                    f"{self.folder}: process {known['pid']} is working on this run now. Wait for it; "
                    "if that number belongs to another program by now, delete the folder."
                )
            if known["status"] == "running" and not (resume or fresh):
                raise RunInterrupted(
                    f"{self.folder}: an earlier run of this configuration was interrupted. "
                    "Go on with --resume, or start over with --fresh."
                )
        if fresh and self.folder.exists():
            _forget(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for stale in self.folder.rglob(".*.tmp"):  # what a killed run had begun to write
            stale.unlink()
        self._note(status="running")
        text = yaml.safe_dump(self.config.resolved, allow_unicode=True, sort_keys=False)
        write_atomic(self.folder / "config.yaml", lambda aside: _write_text(aside, text))

    def _note(self, *, status: str, **facts: object) -> None:
        write_json(
            self.folder / "run.json",
            {
                "run_id": self.run_id,
                "name": self.config.name,
                "status": status,
                "pid": os.getpid(),
                "version": __version__,
                "snapshot": self.tables.snapshot,
                "config": self.config.fingerprint,
                "seed": self.config.seed,
                "seconds": {k: round(v, 3) for k, v in self.seconds.items()},
                **facts,
            },
        )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _forget(folder: Path) -> None:
    import shutil

    aside = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    folder.rename(aside)
    shutil.rmtree(aside)
