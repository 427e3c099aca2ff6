"""A fitted risk model and its validation, as the plain values that the report shows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from superhet.errors import SuperhetError
from superhet.evaluation.summary import plain
from superhet.report.risk_html import OverlapStudy, RiskStudy
from superhet.risk.correlation import StyleOverlap
from superhet.risk.estimates import ANNUAL, Floats, RiskEstimates, rows_from
from superhet.risk.forecast_bias import bias
from superhet.risk.model_table import read_table
from superhet.risk.validation import Validation

_MONTH = 21
_SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)
_OTHERS = {"country": {"en": "Country", "zh": "国家因子"}}


def risk_study(of: RiskEstimates, tried: Validation, name: str) -> RiskStudy:
    """Gather what the page of a model shows, from the first date that was fitted on."""
    fitted = np.flatnonzero(~np.isnan(of.fit.r2))
    if fitted.size:
        of = rows_from(of, of.dates.values[fitted[0]])
    first = of.first_style
    paid = of.factor_returns[:, first:]
    cumulated = np.where(np.isnan(paid), np.nan, np.nancumsum(paid, axis=0))
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a date without any is NaN
        inside = np.where(of.estimable, of.specific, np.nan)
        spread = np.nanquantile(inside, _SHOWN, axis=1).T
    known = ~np.isnan(of.styles).any(axis=0) & of.estimable
    total = of.estimable.sum(axis=1)
    country = of.factor_returns[:, 0]
    facts = {**plain(tried.to_dict()), "eigenfactor_bias": _eigenfactors(tried)}
    lived = np.flatnonzero(~np.isnan(inside).all(axis=1))
    names = of.style_names
    return RiskStudy(
        name=name,
        model=of.model,
        dates=[str(d) for d in of.dates.days],
        assets=len(of.assets),
        factors=of.factors,
        styles=names,
        labels=labels(of.model),
        facts=facts,
        cumulated={n: cumulated[:, k] for k, n in enumerate(names)},
        r2=of.fit.r2,
        names=np.where(of.fit.names > 0, of.fit.names, np.nan),
        coverage=np.where(total > 0, known.sum(axis=1) / np.maximum(total, 1), np.nan),
        vif={n: _clear(of.fit.vif[:, k]) for k, n in enumerate(names)},
        specific=spread,
        market_risk=np.sqrt(of.covariance[:, 0, 0]),
        market_realised=_next_deviation(country),
        latest=inside[lived[-1]] if lived.size else np.empty(0),
        notes=of.notes,
    )


def _clear(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _next_deviation(returns: Floats) -> Floats:
    """Give the annualised deviation of the next 21 returns, [dates]; NaN where they are not all known."""
    out = np.full(returns.size, np.nan)
    for t in range(returns.size - _MONTH):
        after = returns[t + 1 : t + 1 + _MONTH]
        if not np.isnan(after).any():
            out[t] = after.std(ddof=1) * np.sqrt(ANNUAL)
    return out


def _eigenfactors(tried: Validation) -> dict[str, list[float | None]]:
    """Give the bias of each eigenfactor, least risky first, with and without the adjustment."""
    found: dict[str, list[float | None]] = {"adjusted": [], "unadjusted": []}
    for which, families in (("adjusted", tried.families), ("unadjusted", tried.unadjusted)):
        if "eigenfactors" in families:
            each = bias(families["eigenfactors"].z)
            found[which] = list(plain(each[~np.isnan(each)]))
    return found


def overlap_study(of: RiskEstimates, found: Sequence[StyleOverlap], name: str) -> OverlapStudy:
    """Gather what the page of signals beside the styles shows, from the first date that one has."""
    known = np.any([~np.isnan(one.daily_exposure).all(axis=1) for one in found], axis=0)
    first = int(np.argmax(known))
    return OverlapStudy(
        name=name,
        dates=[str(d) for d in of.dates.days[first:]],
        labels=labels(of.model),
        overlaps=[plain(one.to_dict()) for one in found],
        exposures={
            one.name: {n: one.daily_exposure[first:, k] for k, n in enumerate(one.correlation)}
            for one in found
        },
    )


def labels(model: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Give the names of styles by language, from the model's table where it is there still."""
    table = str(model.get("table", ""))
    found: dict[str, Mapping[str, str]] = dict(_OTHERS)
    if table not in {"cne5", "cne6"} and not Path(table).is_file():
        return found
    try:
        return found | {s.name: s.label for s in read_table(table).styles}
    except SuperhetError:
        return found
