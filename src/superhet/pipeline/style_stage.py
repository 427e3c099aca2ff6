"""Styles stage: signals, super-factor and portfolio of a study, measured by the styles of its risk model.

1. each signal, the super-factor and the target weights beside the styles      -> _overlaps
2. exposures and industries of the target weights, decision by decision        -> _targets
3. risk forecast of the books at each close, and what they then returned       -> _books

It explains what was computed, and nothing reads it but metrics and report, so means over all dates are fine.
Decisions stand until the next. Names without exposures or specific risk are left out of a forecast, and of
the return that it is held against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from superhet.errors import NoSignal
from superhet.panel import BacktestResult, Panel, as_of, reindex
from superhet.pipeline.stages import Values
from superhet.progress import Progress, silent
from superhet.risk.correlation import correlate
from superhet.risk.estimates import (
    ANNUAL,
    Flags,
    Floats,
    RiskEstimates,
    exposure_matrix,
    homeless,
    rows_from,
)
from superhet.risk.forecast_bias import ROLLING, bias, bias_band

MONTH = 21
_BLOCKS = ("country", "industry")


def measure_styles(values: Mapping[str, Values], progress: Progress = silent) -> Values:
    """Measure a finished road by the styles of its risk model.

    Parameters
    ----------
    values : of the stages `risk`, `clean`, `synthesis`, `portfolio` and `backtest`

    Returns
    -------
    `overlaps` (numbers of super-factor, portfolio and signals, as `risk correlate` gives them), `left_out`
    (signal or style -> why it is not compared), `styles`, `decisions` with `exposure` [decisions, styles] and
    `industry_net` [decisions, industries], `sessions` with `volatility`, `factor_volatility`,
    `specific_volatility`, `realised` and `covered` [sessions], `bias` with its `bias_band` and number of
    `tests`, and `variance_share` (style, industry, country or specific -> mean share of the variance)
    """
    of: RiskEstimates = values["risk"]["estimates"]
    weights = _decided(values["portfolio"]["weights"])
    overlaps, left_out = _overlaps(of, values, weights, progress)
    progress(0, 1, "risk of the portfolio")
    return {
        "overlaps": overlaps,
        "left_out": left_out,
        "styles": list(of.style_names),
        "industries": list(of.industry_names),
        "model": dict(of.model),
        "notes": list(of.notes),
        **_targets(of, weights),
        **_books(of, values["backtest"]["result"]),
    }


def _decided(weights: Panel) -> Panel:
    """Keep the decisions: dates on which some weight is known."""
    rows = np.flatnonzero(weights.known().any(axis=1))
    return weights.rows(rows)


def _on_axes(panel: Panel, of: RiskEstimates) -> Panel:
    """Carry each row to the next one, on the sessions and assets of the model."""
    return reindex(as_of(panel, of.dates), assets=of.assets)


def _overlaps(
    of: RiskEstimates, values: Mapping[str, Values], weights: Panel, progress: Progress
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Compare with the styles that are ever known, from the first date on which somebody has each."""
    some, never = _with_known_styles(of)
    signals = values["clean"]["signals"]
    panels = {
        "super_factor": values["synthesis"]["super_factor"],
        "portfolio": weights,
        **{f"signal {name}": panel for name, panel in signals.items()},
    }
    found: list[dict[str, Any]] = []
    left_out = {name: "nobody has this style on any date of the study" for name in never}
    for done, (key, panel) in enumerate(panels.items()):
        name = key.removeprefix("signal ")
        progress(done, len(panels), f"styles: {name}")
        kind = key.partition(" ")[0]
        try:
            made = correlate(
                _on_axes(panel, some).renamed(name), some, portfolio=kind == "portfolio"
            )
        except NoSignal as error:
            left_out[name] = error.message
            continue
        found.append({**made.to_dict(), "kind": kind})
    return found, left_out


def _with_known_styles(of: RiskEstimates) -> tuple[RiskEstimates, tuple[str, ...]]:
    """Leave out styles that nobody has on any date, and dates before each other one begins; name the former.

    A cross-section is of names that have all styles: one style without values would leave none.
    """
    known: Flags = np.asarray((~np.isnan(of.styles)).any(axis=2))
    ever = np.flatnonzero(known.any(axis=1))
    never = tuple(n for n, row in zip(of.style_names, known, strict=True) if not row.any())
    if never:
        kept = [*range(of.first_style), *(of.first_style + ever).tolist()]
        of = replace(
            of,
            factors=tuple(of.factors[k] for k in kept),
            blocks=tuple(of.blocks[k] for k in kept),
            styles=of.styles[ever],
            factor_returns=of.factor_returns[:, kept],
            covariance=of.covariance[:, kept][:, :, kept],
        )
    begun = np.flatnonzero(known[ever].all(axis=0))
    return (rows_from(of, of.dates.values[begun[0]]) if begun.size else of), never


def _targets(of: RiskEstimates, weights: Panel) -> Values:
    """Measure the target weights on their decisions.

    The capitalisation-weighted market has no exposure to a style; industries are measured against it.
    """
    rows = np.array([of.dates.index(date) for date in weights.dates], dtype=np.int64)
    held = np.nan_to_num(reindex(weights, assets=of.assets).values.astype(np.float64))
    exposure = np.full((rows.size, len(of.style_names)), np.nan)
    net = np.full((rows.size, len(of.industry_names)), np.nan)
    for k, row in enumerate(rows):
        styles = of.styles[:, row]
        told = ~np.isnan(styles).all(axis=1)
        exposure[k, told] = np.nan_to_num(styles[told]) @ held[k]
        shares = _by_industry(of, row, np.where(of.estimable[row], of.caps[row], 0.0))
        total = shares.sum()
        if total > 0.0:
            net[k] = _by_industry(of, row, held[k]) - held[k].sum() * shares / total
    return {"decisions": weights.dates, "exposure": exposure, "industry_net": net}


def _by_industry(of: RiskEstimates, row: int, values: Floats) -> Floats:
    """Add up over the names of each industry, [industries]."""
    there = of.codes[row] >= 0
    codes = of.codes[row][there]
    added = np.bincount(
        codes, weights=np.nan_to_num(values[there]), minlength=len(of.industry_names)
    )
    return np.asarray(added, dtype=np.float64)


def _books(of: RiskEstimates, result: BacktestResult) -> Values:
    """Forecast the risk of the books at each close, and hold it against the returns that followed."""
    held = np.nan_to_num(reindex(result.holdings, assets=of.assets).values.astype(np.float64))
    count = len(result.dates)
    at = {date: row for row, date in enumerate(of.dates.values.tolist())}
    factor, specific, covered, returns = (np.full(count, np.nan) for _ in range(4))
    shares = np.full((count, len(of.factors)), np.nan)
    for k, date in enumerate(result.dates.values.tolist()):
        row = at.get(date)
        names = np.flatnonzero(held[k])
        if row is None or not names.size:
            continue
        found = _Book(of, row, names)
        gross = np.abs(held[k, names])
        covered[k] = gross[found.known].sum() / gross.sum()
        if not found.known.any():
            continue
        weights = held[k, names][found.known]
        parts, own = found.variances(weights)
        factor[k], specific[k], shares[k] = np.nansum(parts), own, parts
        if row + 1 < len(of.dates):
            after = np.nan_to_num(of.returns[row + 1, names[found.known]])
            returns[k] = weights @ after
    variance = factor + specific
    with np.errstate(invalid="ignore", divide="ignore"):
        volatility = np.sqrt(np.where(variance > 0.0, variance, np.nan))
        z = returns / (volatility / np.sqrt(ANNUAL))
    tests = int((~np.isnan(z)).sum())
    return {
        "sessions": result.dates,
        "volatility": volatility,
        "factor_volatility": np.sqrt(np.maximum(factor, 0.0)),
        "specific_volatility": np.sqrt(specific),
        "realised": _realised(returns),
        "covered": covered,
        "bias": float(bias(z[:, None])[0]),
        "bias_band": list(bias_band(tests)) if tests >= ROLLING else [float("nan")] * 2,
        "tests": tests,
        "variance_share": _shares(of, shares, specific, variance),
    }


class _Book:
    """Exposures of what is held at the close of one date, and what is known of its risk.

    Parameters
    ----------
    names : positions of the names held
    """

    def __init__(self, of: RiskEstimates, row: int, names: Any) -> None:
        covariance = of.covariance[row]
        self.there: Flags = ~np.isnan(np.diagonal(covariance))
        exposed = exposure_matrix(of.codes[row, names], of.styles[:, row, names], of.blocks)
        bare = homeless(exposed, self.there, of.blocks) | np.isnan(exposed[:, self.there]).any(
            axis=1
        )
        if of.industry_names:
            bare |= of.codes[row, names] < 0
        self.known: Flags = ~bare & ~np.isnan(of.specific[row, names])
        if not self.there.any():
            self.known[:] = False
        self.exposed = exposed[np.ix_(self.known, self.there)]
        self.covariance = covariance[np.ix_(self.there, self.there)]
        self.specific = of.specific[row, names[self.known]]

    def variances(self, weights: Floats) -> tuple[Floats, float]:
        """Give what each factor adds to the variance a year, [factors], and what names add of their own.

        A factor without a covariance yet is NaN.
        """
        x = weights @ self.exposed
        parts = np.full(self.there.size, np.nan)
        parts[self.there] = x * (self.covariance @ x)
        return parts, float((weights**2) @ (self.specific**2))


def _realised(returns: Floats) -> Floats:
    """Give the annualised deviation of the returns that followed each close in the month after it."""
    out = np.full(returns.size, np.nan)
    for k in range(returns.size - MONTH + 1):
        after = returns[k : k + MONTH]
        if not np.isnan(after).any():
            out[k] = after.std(ddof=1) * np.sqrt(ANNUAL)
    return out


def _shares(
    of: RiskEstimates, parts: Floats, specific: Floats, variance: Floats
) -> dict[str, float]:
    """Give the mean share of the variance by style, of all industries, of the country, and specific."""
    known = variance > 0.0
    if not known.any():
        return {}
    blocks = np.array(of.blocks)
    groups = {block: blocks == block for block in _BLOCKS if block in of.blocks}
    for k in range(of.first_style, len(of.factors)):
        groups[of.factors[k]] = np.arange(blocks.size) == k
    found: dict[str, float] = {}
    for name, its in groups.items():
        some = parts[known][:, its]
        share = float((np.nansum(some, axis=1) / variance[known]).mean())
        found[name] = float("nan") if np.isnan(some).all() else share
    found["specific"] = float((specific[known] / variance[known]).mean())
    return found
