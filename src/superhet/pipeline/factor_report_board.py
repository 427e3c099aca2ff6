"""What needs all factors of a report: trials, adjusted p, data snooping, correlation between them, checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.pipeline.factor_checks import Rule
from superhet.pipeline.factor_report_ground import plain, rounded
from superhet.pipeline.factor_report_inference import among_trials, snooping_facts
from superhet.report.cross_section import clustered_order
from superhet.report.factor_study import FactorBoard, FactorStudy

Series = npt.NDArray[np.float64]


def finished(
    studies: Sequence[FactorStudy], rules: Sequence[Rule], trials: int
) -> list[FactorStudy]:
    """Add to each factor what depends on the others and on the number of trials, and check it."""
    judged = [s for s in studies if not s.refused]
    added = {s.name: a for s, a in zip(judged, among_trials(judged, trials), strict=True)}
    return [_checked(s, added[s.name], rules) if s.name in added else s for s in studies]


def _checked(study: FactorStudy, added: Mapping[str, Any], rules: Sequence[Rule]) -> FactorStudy:
    whole = replace(study, significance={**study.significance, **added})
    facts = whole.to_dict(series=False)
    return replace(whole, checks=[rule.row(facts) for rule in rules])


def board_of(
    studies: Sequence[FactorStudy],
    facts: Mapping[str, Any],
    left_out: Mapping[str, Mapping[str, str]],
) -> FactorBoard:
    """Put the factors side by side."""
    judged = [s for s in studies if not s.refused]
    return FactorBoard(
        name=studies[0].name if len(studies) == 1 else "factors",
        facts=facts,
        studies=studies,
        correlation=correlation(judged),
        significance=snooping_facts(judged, int(facts["horizon"])),
        left_out=left_out,
    )


def correlation(studies: Sequence[FactorStudy]) -> dict[str, Any]:
    """Correlate the daily RankIC of the factors with each other; {} for a single one.

    Returns
    -------
    names, values : [names, names], like beside like; largest : name -> with another factor, by absolute value
    """
    if len(studies) < 2:
        return {}
    matrix = pairwise(np.array([s.array("rank_ic") for s in studies]))
    order = clustered_order(matrix)
    others = np.where(np.eye(len(matrix), dtype=bool), 0.0, np.nan_to_num(matrix))
    largest = {
        s.name: plain(row[int(np.argmax(np.abs(row)))])
        for s, row in zip(studies, others, strict=True)
    }
    return {
        "names": [studies[i].name for i in order],
        "values": rounded(matrix[np.ix_(order, order)]),
        "largest": largest,
    }


def pairwise(series: Series) -> Series:
    """Correlate rows over the columns that both know, [rows, rows]; NaN with fewer than 3.

    Examples
    --------
    >>> found = pairwise(np.array([[1.0, 2.0, 3.0, np.nan], [2.0, 4.0, 6.0, 0.0]]))
    >>> round(float(found[0, 1]), 12)
    1.0
    """
    there = ~np.isnan(series)
    filled, mask = np.where(there, series, 0.0), there.astype(np.float64)
    count = mask @ mask.T
    least = np.maximum(count, 1.0)
    sums, squares = filled @ mask.T, filled**2 @ mask.T
    covariance = filled @ filled.T / least - (sums / least) * (sums.T / least)
    variance = squares / least - (sums / least) ** 2
    scale = np.sqrt(np.maximum(variance * variance.T, 0.0))
    usable = (count >= 3) & (scale > 1e-15)
    found = np.divide(covariance, scale, out=np.full(scale.shape, math.nan), where=usable)
    return np.asarray(np.clip(found, -1.0, 1.0))
