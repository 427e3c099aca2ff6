"""Information of one factor for its report: RankIC and IC, raw and neutral, by horizon, lag and group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from superhet.evaluation import (
    Evaluation,
    GroupInformation,
    SeriesSummary,
    evaluate,
    summarize_series,
)
from superhet.evaluation.decay import half_life
from superhet.evaluation.summary import summarize_many
from superhet.evaluation.targets import rank_panel
from superhet.kernels.pair_ranks import spearman_ranked
from superhet.panel import Panel
from superhet.pipeline.factor_report_ground import Ground, plain, rounded, summary_facts

Series = npt.NDArray[np.float64]
MOST_LAGS = 60
AUTOCORRELATIONS = (1, 5, 10, 20)
TWO_YEARS = 2
_QQ_POINTS = 99
_BINS = 40


def judged(signal: Panel, ground: Ground, *, whole: bool = True) -> Evaluation:
    """Judge a signal by all horizons; `whole` adds groups."""
    return evaluate(
        signal,
        ground.targets,
        quantiles=ground.options.quantiles,
        groups=ground.groups if whole else {},
        lags=AUTOCORRELATIONS if whole else (1,),
        threads=ground.threads,
    )


def information_facts(
    signal: Panel, found: Evaluation, residual: Evaluation | None, ground: Ground
) -> dict[str, Any]:
    """Give RankIC and IC at every horizon, raw and neutral.

    Returns
    -------
    fields of a FactorStudy: rank_ic, ic, direction, coverage, horizons, neutral, and a part of series
    """
    options = ground.options
    horizon, main = options.horizon, found.information[options.horizon]
    direction = int(np.sign(np.nan_to_num(main.rank.mean)))
    made: dict[str, Any] = {
        "rank_ic": series_facts(main.rank_ic, ground, direction),
        "ic": series_facts(main.ic, ground, direction),
        "direction": direction,
        "coverage": plain(main.mean_coverage),
        "horizons": {
            str(h): {
                "raw": _at(found, h, ground),
                "neutral": {} if residual is None else _at(residual, h, ground),
            }
            for h in options.horizons
        },
        "neutral": {"against": list(ground.against)},
        "last_two_years": _last_years(main.rank_ic, ground, direction),
    }
    series = {
        "rank_ic": rounded(main.rank_ic),
        "ic": rounded(main.ic),
        "coverage": rounded(_coverage(signal, ground)),
        "pairs": [int(n) for n in main.pairs],
        "ic_histogram": _histogram(main.rank_ic),
        "ic_qq": _quantiles_against_normal(main.rank_ic),
    }
    if residual is not None:
        clean = residual.information[horizon]
        made["neutral"] |= {
            "rank_ic": series_facts(clean.rank_ic, ground, direction),
            "ic": series_facts(clean.ic, ground, direction),
            "coverage": plain(clean.mean_coverage),
            "spread": plain(residual.quantiles[horizon].spread_summary.mean),
        }
        series["neutral_rank_ic"] = rounded(clean.rank_ic)
    return made | {"series": series}


def series_facts(values: Series, ground: Ground, direction: int) -> dict[str, Any]:
    """Give all numbers of one series of coefficients, by year too."""
    horizon, periods = ground.options.horizon, ground.options.periods_per_year
    sign = direction or 1
    known = values[~np.isnan(values)]
    facts = summary_facts(summarize_series(values, horizon, sign), horizon, periods)
    shaped = known.size > 2 and known.std() > 1e-15
    facts["skew"] = plain(stats.skew(known)) if shaped else None
    facts["kurtosis"] = plain(stats.kurtosis(known)) if shaped else None
    years = ground.market.dates.values.astype("datetime64[Y]").astype(int) + 1970
    facts["by_year"] = {
        str(y): summary_facts(summarize_series(values[years == y], horizon, sign), horizon, periods)
        for y in np.unique(years[~np.isnan(values)])
    }
    return facts


def _at(found: Evaluation, horizon: int, ground: Ground) -> dict[str, Any]:
    periods, information = ground.options.periods_per_year, found.information[horizon]
    return {
        "rank_ic": summary_facts(information.rank, horizon, periods),
        "ic": summary_facts(information.linear, horizon, periods),
        "coverage": plain(information.mean_coverage),
        "spread": plain(found.quantiles[horizon].spread_summary.mean),
    }


def _last_years(values: Series, ground: Ground, direction: int) -> dict[str, Any]:
    """Summarize the last two years; empty where there are not two, for then they are the whole."""
    dates = ground.market.dates.values.astype("datetime64[D]")
    begin = (dates[-1].astype("datetime64[M]") - 12 * TWO_YEARS).astype("datetime64[D]")
    if dates[0] >= begin:
        return {}
    options = ground.options
    last = summarize_series(values[dates >= begin], options.horizon, direction or 1)
    return {"rank_ic": plain(last.mean), "t_nw": plain(last.t), "from": str(begin)}


def _coverage(signal: Panel, ground: Ground) -> Series:
    """Share of the members with a value, [dates]."""
    member = ground.member
    count = member.sum(axis=1)
    known = (np.isfinite(signal.values) & member).sum(axis=1)
    found = np.divide(known, count, out=np.full(len(count), np.nan), where=count > 0)
    return np.asarray(found)


def decay_facts(signal: Panel, ground: Ground) -> dict[str, Any]:
    """Correlate with one-session returns that begin 1, 2 … 60 sessions after the signal.

    A return that begins `lag` sessions later is the first one, stamped lag - delay sessions on.
    """
    own, target = rank_panel(signal, ground.threads), ground.targets.ranks[1]
    rows, first = len(signal.dates), ground.options.delay
    lags = [lag for lag in range(first, MOST_LAGS + 1) if lag - first < rows - 2]
    series = np.full((rows, len(lags)), np.nan)
    for k, lag in enumerate(lags):
        gap = lag - first
        later, earlier = target.rows(slice(gap, None)), own.rows(slice(0, rows - gap))
        series[: rows - gap, k] = spearman_ranked(earlier, later)
    found = summarize_many(series, 1)
    means = np.array([s.mean for s in found])
    return {
        "decay": [plain(m) for m in means],
        "half_life": plain(half_life(means, lags)),
        "decay_table": {
            "lags": lags,
            "low": [plain(s.low) for s in found],
            "high": [plain(s.high) for s in found],
            "t": [plain(s.t) for s in found],
        },
    }


def autocorrelation_facts(found: Evaluation) -> dict[str, Any]:
    """Give the correlation of the ranks with those of earlier dates."""
    means = {str(lag): plain(v) for lag, v in found.mean_autocorrelation.items()}
    return {
        "autocorrelation": means,
        "series": {"autocorrelation": rounded(found.autocorrelation[1])},
    }


def group_facts(found: Evaluation, ground: Ground) -> dict[str, Any]:
    """Give RankIC by industry, size and board, name of the classification -> rows."""
    horizon = ground.options.horizon
    return {name: _rows(by[horizon], ground) for name, by in found.groups.items()}


def _rows(found: GroupInformation, ground: Ground) -> list[dict[str, Any]]:
    rows = [row_of(str(n), s, ground) for n, s in zip(found.labels, found.summaries, strict=True)]
    return [r for r in rows if r["count"]]


def row_of(name: str, found: SeriesSummary, ground: Ground) -> dict[str, Any]:
    """Name the numbers of one group."""
    options = ground.options
    facts = summary_facts(found, options.horizon, options.periods_per_year)
    low, high = facts.pop("ci95")
    return {"name": name, **facts, "low": low, "high": high}


def _histogram(values: Series) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    if not known.size:
        return {"edges": [], "shares": []}
    edge = max(abs(float(known.min())), abs(float(known.max())), 1e-6)
    counts, edges = np.histogram(known, bins=_BINS, range=(-edge, edge))
    return {"edges": rounded(edges), "shares": rounded(counts / known.size)}


def _quantiles_against_normal(values: Series) -> dict[str, Any]:
    """Set quantiles of the standardized series against those of the normal law."""
    known = values[~np.isnan(values)]
    if known.size < 10 or not known.std() > 0.0:
        return {"normal": [], "found": []}
    shares = np.arange(1, _QQ_POINTS + 1) / (_QQ_POINTS + 1)
    scaled = (known - known.mean()) / known.std(ddof=1)
    return {
        "normal": rounded(stats.norm.ppf(shares)),
        "found": rounded(np.quantile(scaled, shares)),
    }


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Join facts; their series are joined, too."""
    out: dict[str, Any] = {"series": {}}
    for part in parts:
        out["series"] |= part.get("series", {})
        out |= {k: v for k, v in part.items() if k != "series"}
    return out
