"""Compare: a few factors two by two, on the dates that both know.

1. each is judged as in a report                                             -> factor_report.Job
2. how alike: rankings, forecasts that are right on the same days, books      -> _Pairs.row
3. whether one forecasts better: the difference of RankIC, with an honest t   -> _Pairs.row
4. what each adds to the other: RankIC of its residual                        -> _Pairs.row
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from superhet.data.base import Tables
from superhet.errors import ConfigError
from superhet.evaluation import summarize_series
from superhet.evaluation.library import incremental_information
from superhet.kernels.information import spearman
from superhet.panel import Cube, Panel
from superhet.pipeline.factor_checks import rules_of
from superhet.pipeline.factor_report import PARTS, Job, Wanted, require_some
from superhet.pipeline.factor_report_board import board_of, finished, pairwise
from superhet.pipeline.factor_report_ground import Ground, plain, rounded
from superhet.pipeline.factor_report_write import write_report
from superhet.pipeline.factor_table import Resources
from superhet.pipeline.trials import Trials
from superhet.progress import Progress, silent
from superhet.report.factor_study import FactorBoard, FactorStudy

MOST = 20
"""Factors compared at once: their values are in memory together."""


def factor_compare(
    tables: Tables,
    wanted: Wanted,
    out: Path,
    *,
    resources: Resources | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> FactorBoard:
    """Judge factors, compare each two, and write the pages.

    Parameters
    ----------
    tables, wanted, out, resources, resume, progress : as in `factor_report`

    Raises
    ------
    ConfigError
        for fewer than two factors that can be judged, or more than `MOST`
    """
    rules = rules_of(wanted.options.checks)
    job = Job(tables, wanted, resources or Resources(), progress)
    count = len(job.signals)
    if not 2 <= count <= MOST:
        raise ConfigError(
            "",
            f"compare takes 2 to {MOST} factors (got {count}); superhet factor report judges any number",
        )
    out.mkdir(parents=True, exist_ok=True)
    found = job.measure(out / PARTS, resume)
    require_some(found)
    judged = [s for s in found if not s.refused]
    if len(judged) < 2:
        refused = ", ".join(s.name for s in found if s.refused)
        raise ConfigError("", f"only one factor is left to compare; {refused} cannot be judged")
    trials = Trials(out)
    trials.add(job.trial(s) for s in job.signals)
    tried = trials.count(wanted.options.trials, len(found))
    studies = finished(found, rules, tried)
    board = board_of(studies, job.facts(tried), job.chosen.left_out)
    progress(0, 1, "comparing")
    pairs = _Pairs([s for s in studies if not s.refused], dict(job.values()), job.ground)
    rows = pairs.rows()
    signals = {"names": pairs.names, "values": rounded(pairs.signals)}
    board = replace(board, pairs=rows, significance={**board.significance, "signals": signals})
    progress(1, 1, "writing pages")
    return write_report(board, out, wanted.options.language, front="compare")


class _Pairs:
    """Factors two by two."""

    def __init__(
        self, studies: Sequence[FactorStudy], panels: dict[str, Panel], ground: Ground
    ) -> None:
        self.names = [s.name for s in studies]
        self._panels, self._ground = panels, ground
        self._rank_ic = np.array([s.array("rank_ic") for s in studies])
        self._alike = pairwise(self._rank_ic)
        self._books = pairwise(np.array([s.array("long_short") for s in studies]))
        self.signals = np.eye(len(studies))

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each two."""
        return [self._row(i, j) for i, j in combinations(range(len(self.names)), 2)]

    def _row(self, i: int, j: int) -> dict[str, Any]:
        left, right = (self._panels[self.names[k]] for k in (i, j))
        daily = spearman(left.values, right.values)
        known = daily[~np.isnan(daily)]
        alike = float(known.mean()) if known.size else float("nan")
        self.signals[i, j] = self.signals[j, i] = alike
        horizon = self._ground.options.horizon
        gap = summarize_series(self._rank_ic[i] - self._rank_ic[j], horizon)
        forward = self._ground.forward[horizon]
        adds = [
            incremental_information(one, Cube({other.name: other}), forward, horizon).rank
            for one, other in ((left, right), (right, left))
        ]
        return {
            "left": self.names[i],
            "right": self.names[j],
            "signals": plain(alike),
            "rank_ic": plain(self._alike[i, j]),
            "returns": plain(self._books[i, j]),
            "difference": plain(gap.mean),
            "t": plain(gap.t),
            "p": plain(gap.p),
            "dates": gap.count,
            "left_adds": plain(adds[0].mean),
            "left_t": plain(adds[0].t),
            "right_adds": plain(adds[1].mean),
            "right_t": plain(adds[1].t),
        }
