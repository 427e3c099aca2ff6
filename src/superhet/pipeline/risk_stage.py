"""Risk stage: the risk model of a study, and what the look-ahead audit compares of it.

The model depends on the data alone. It is fitted on all of them up to the study's end, whatever its universe
and its first date, so that it is that of `superhet risk fit` on the same store; kept are the study's dates.

1. the market, from its first session on                        -> _market
2. regressions of all dates, forecasts of the study's           -> fit_model
3. for the audit: exposures, then what is made of them          -> layers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.data.base import Tables
from superhet.errors import ConfigError, UnknownName
from superhet.panel import Assets, Market
from superhet.pipeline.config import Config
from superhet.pipeline.factor_market import MarketChoice, market_for
from superhet.pipeline.risk import regression_settings
from superhet.pipeline.risk_section import table_of
from superhet.pipeline.sections import RiskSection
from superhet.pipeline.stages import Values
from superhet.progress import Progress, silent
from superhet.risk.estimates import Floats, RiskEstimates, rows_from
from superhet.risk.factor_covariance import covariance_path
from superhet.risk.fundamental import FundamentalModel
from superhet.risk.specific import specific_risk_path

Named: TypeAlias = "tuple[str, npt.NDArray[np.datetime64], npt.NDArray[np.generic]]"
BOARD = "board"


def fit_model(
    config: Config,
    tables: Tables,
    progress: Progress = silent,
    until: np.datetime64 | None = None,
) -> Values:
    """Fit the study's risk model.

    Parameters
    ----------
    config : has a section `risk`
    tables : the data
    until : forecasts after this date are left out (NaN), for whoever compares those until then; the
        regressions see all data all the same

    Returns
    -------
    `estimates`, on the sessions of the study
    """
    section = config.risk
    if section is None:
        raise ConfigError("risk", "the study has no such section")
    progress(0, 4, "risk model: loading the market")
    market, industry = _market(config, section, tables, progress)
    progress(1, 4, "risk model: exposures and factor returns")
    model = FundamentalModel(
        table=table_of(section),
        industry=industry,
        horizon=section.horizon,
        regression=regression_settings(section),
    ).fit(market)
    found, bare = model.regressions_, model.without_forecasts()
    first = (
        0 if config.market.start is None else market.dates.between(config.market.start, None).start
    )
    last = len(market.dates) if until is None else market.dates.count_until(until)
    rows = np.arange(first, max(first, last))
    progress(2, 4, "risk model: factor covariance")
    covariance = covariance_path(found.f, rows, horizon=section.horizon).values
    progress(3, 4, "risk model: specific risk")
    specific = specific_risk_path(
        found.residual, found.exposures, rows, horizon=section.horizon
    ).values
    kept = rows_from(bare, market.dates.values[first])
    count = len(kept.dates)
    return {
        "estimates": replace(
            kept, covariance=_longer(covariance, count), specific=_longer(specific, count)
        )
    }


def _longer(values: Floats, rows: int) -> Floats:
    """Add rows of NaN until there are so many."""
    if len(values) == rows:
        return values
    out = np.full((rows, *values.shape[1:]), np.nan)
    out[: len(values)] = values
    return out


def _market(
    config: Config, section: RiskSection, tables: Tables, progress: Progress
) -> tuple[Market, str]:
    """Load the market, and say under which name it has the classification."""
    scheme = section.industry or config.market.industry or None
    board = scheme == BOARD
    if not board:
        _insist_on_scheme(tables, scheme)
    choice = MarketChoice(
        end=config.market.end, industry=None if board else scheme, classified=not board
    )
    return market_for([], tables, choice, progress)[0], BOARD if board else "industry"


def _insist_on_scheme(tables: Tables, scheme: str | None) -> None:
    """Refuse a classification that the store does not have, before anything is loaded."""
    known: set[str] = set()
    if "industry" in tables.names():
        known = set(tables.read("industry", columns=["scheme"])["scheme"].unique().to_list())
    if scheme is not None and scheme in known:
        return
    if not known:
        raise ConfigError(
            "risk.industry",
            "the store has no industries, and the model needs a classification. Import the table "
            f"`industry`, or write {BOARD} to tell assets apart by their board alone.",
        )
    if scheme is None:
        raise ConfigError(
            "risk.industry",
            f"the study has no industries (market.industry), and the model needs some. Name a "
            f"scheme ({', '.join(sorted(known))}), or {BOARD}.",
        )
    raise UnknownName("industry scheme", scheme, known, "risk.industry")


def layers(
    of: RiskEstimates, assets: Assets, factors: Sequence[str]
) -> tuple[list[Named], list[Named], list[Named]]:
    """Give what the audit compares: exposures, returns of factors and assets, forecasts.

    Each is made of those before it, and inherits what is wrong there.

    Parameters
    ----------
    of : the model
    assets : that are compared
    factors : that are compared; one that the model lacks is not known on any date
    """
    dates = of.dates.values
    columns = of.assets.positions(assets.values)
    place = {name: k for k, name in enumerate(of.factors)}
    nothing = np.full(len(dates), np.nan)

    def factor(name: str) -> Floats:
        return of.factor_returns[:, place[name]] if name in place else nothing

    def covariances(name: str) -> Floats:
        """Give the covariances with all that are compared, NaN with what is not there."""
        out = np.full((len(dates), len(factors)), np.nan)
        if name in place:
            there = [k for k, other in enumerate(factors) if other in place]
            out[:, there] = of.covariance[:, place[name]][:, [place[factors[k]] for k in there]]
        return out

    codes = of.codes[:, columns]
    labels = np.array([*of.industry_names, ""], dtype="U")
    exposures: list[Named] = [
        (name, dates, of.styles[k][:, columns]) for k, name in enumerate(of.style_names)
    ]
    exposures += [
        ("industries", dates, labels[codes]),
        ("estimation universe", dates, of.estimable[:, columns]),
        ("capitalisation", dates, of.caps[:, columns]),
    ]
    returns: list[Named] = [(f"return of {name}", dates, factor(name)) for name in factors]
    returns.append(("specific returns", dates, of.residual[:, columns]))
    forecasts: list[Named] = [
        (f"covariance of {name}", dates, covariances(name)) for name in factors
    ]
    forecasts.append(("specific risk", dates, of.specific[:, columns]))
    return exposures, returns, forecasts
