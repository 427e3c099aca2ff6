"""From a store to a fitted risk model on disk, tried on the returns that followed.

1. the market, all of it up to the last date wanted                          -> _market
2. regressions; those of an earlier fit of the same market are taken over    -> _fit
3. forecasts of all dates, each written as soon as it is known               -> _forecast
4. all other tables, validation, and `model.json` last                       -> fit_risk

A fit is the same whatever `start` says: it decides what is written, not what is read.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from superhet.data.base import Tables
from superhet.errors import ConfigError, InputError, SuperhetError, UnknownName
from superhet.evaluation.summary import plain
from superhet.panel import Cube, Market
from superhet.panel.code import code_digest
from superhet.pipeline import risk_files, risk_reading
from superhet.pipeline.artifacts import write_json
from superhet.pipeline.factor_file import factor_panels, read_factor_file
from superhet.pipeline.factor_market import MarketChoice, market_for
from superhet.pipeline.sections import RiskSection
from superhet.progress import Progress, silent
from superhet.risk.estimates import RiskEstimates, rows_from
from superhet.risk.factor_returns import RegressionSettings
from superhet.risk.fundamental import FundamentalModel
from superhet.risk.model_table import read_table
from superhet.risk.regressions import as_fitted_before
from superhet.risk.validation import TrialSettings, Validation, validate

Model = Literal["cne5", "apca", "poet"]
HUBER = 1.345
"""Huber's bound at which least squares keep 95 % of their efficiency on normal residuals."""


@dataclass(frozen=True, kw_only=True)
class RiskChoice:
    """What is fitted.

    Parameters
    ----------
    model : "cne5" for a table of styles; "apca" or "poet" for factors found in the returns
    table : "cne5", "cne6", or the path of a table
    industry : scheme of the classification; None = "sw1" or the only one; "board" takes boards instead
    horizon : "short", "long" or "daily"
    start, end : first date written, last date read; None = all
    user_factors : Parquet file of further factors: date, asset, one column a factor
    robust : whether Huber's weights are used
    keep_outliers : whether no return is clipped for the fit, however wild it is
    """

    model: str = "cne5"
    table: str = "cne5"
    industry: str | None = None
    horizon: str = "short"
    start: str | None = None
    end: str | None = None
    user_factors: Path | None = None
    robust: bool = False
    keep_outliers: bool = False

    def __post_init__(self) -> None:
        if self.model not in get_args(Model):
            raise UnknownName("risk model", self.model, get_args(Model), "--model")
        if self.horizon not in ("short", "long", "daily"):
            raise UnknownName("horizon", self.horizon, ("short", "long", "daily"), "--horizon")


def fit_risk(
    tables: Tables,
    out: Path,
    choice: RiskChoice,
    *,
    resume: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Fit a risk model, try it, and write it.

    Parameters
    ----------
    tables : a store
    out : folder; an earlier fit there is replaced, file by file
    choice : what is fitted
    resume : keep the files of an interrupted fit of the same data, and the dates of a fit of earlier data

    Returns
    -------
    the summary that the command line prints
    """
    begun = time.perf_counter()
    if out.exists() and not out.is_dir():
        raise InputError(f"--out: {out} is a file. Name a folder.")
    key = _key(tables, choice)
    if resume and _finished(out, key):
        return summary(out)
    facts: dict[str, Any] = {}
    if choice.model != "cne5":
        found = _statistical(tables, choice, progress)
    else:
        found, facts = _fundamental(tables, out, choice, key, resume, progress)
    found = replace(found, model={**found.model, "scheme": _scheme(tables, choice)})
    if choice.start is not None:
        found = rows_from(found, np.datetime64(choice.start))
    (out / risk_files.MODEL).unlink(
        missing_ok=True
    )  # the folder holds no finished fit from here on
    for name in risk_files.FORECASTS:
        values = getattr(found, name)
        if values is None:
            risk_files.file_of(out, risk_files.FORECASTS[name]).unlink(missing_ok=True)
        else:
            risk_files.write_forecast(found, name, values, out, key)
    progress(0, 1, "writing exposures and returns")
    risk_files.write_estimates(found, out, key)
    write_validation(found, out, progress)
    kept = {"seconds": round(time.perf_counter() - begun, 2), "snapshot": tables.snapshot}
    same_but_data = _settings_key(choice)
    risk_files.write_model(found, out, {"key": key, "settings": same_but_data, **kept, **facts})
    return summary(out)


def write_validation(
    found: RiskEstimates,
    out: Path,
    progress: Progress = silent,
    settings: TrialSettings | None = None,
) -> Validation | None:
    """Try a model and write `validation.json`; None where there are too few dates, and the file says so."""
    try:
        made = validate(found, settings, progress)
    except InputError as error:
        write_json(out / risk_files.VALIDATION, {"problem": error.message})
        return None
    write_json(out / risk_files.VALIDATION, plain(made.to_dict()))
    return made


def summary(folder: Path) -> dict[str, Any]:
    """Give the numbers of a fit that is on disk."""
    facts = risk_reading.model_facts(folder)
    text = (folder / risk_files.VALIDATION).read_text(encoding="utf-8")
    tried: dict[str, Any] = json.loads(text)
    found = _regression_numbers(folder, facts)
    return {
        "dates": len(facts["dates"]),
        "assets": len(facts["assets"]),
        "first": facts["dates"][0],
        "last": facts["dates"][-1],
        "factors": len(facts["factors"]),
        **found,
        "bias": {n: f["bias"] for n, f in tried.get("bias", {}).items()},
        "in_band": {n: f["in_band"] for n, f in tried.get("bias", {}).items()},
        "bias_without_eigenfactor_adjustment": {
            n: f["bias"] for n, f in tried.get("bias_without_eigenfactor_adjustment", {}).items()
        },
        "problem": tried.get("problem"),
        "reused_dates": facts.get("reused", 0),
        "seconds": facts["seconds"],
        "notes": facts["notes"],
        "out": str(folder),
    }


def _regression_numbers(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Average what the regressions say; the same numbers as validation gives, and where that has none."""
    import polars as pl

    frame = pl.read_parquet(risk_files.file_of(folder, "regressions"))
    styles = [
        n
        for n, b in zip(facts["factors"], facts["blocks"], strict=True)
        if b not in ("country", "industry")
    ]

    def mean(column: str) -> float | None:
        values = frame[column].to_numpy()
        values = values[np.isfinite(values)]
        return float(values.mean()) if values.size else None

    def above(column: str) -> float | None:
        values = frame[column].to_numpy()
        values = values[np.isfinite(values)]
        return float((np.abs(values) > 2.0).mean()) if values.size else None

    errors = frame["identity_error"].to_numpy()
    errors = errors[np.isfinite(errors)]
    return {
        "mean_r2": mean("r2"),
        "mean_r2_centred": mean("r2_centred"),
        "max_identity_error": float(errors.max()) if errors.size else None,
        "share_t_above_2": {n: above(f"t.{n}") for n in facts["factors"]},
        "vif": {n: mean(f"vif.{n}") for n in styles},
    }


def _fundamental(
    tables: Tables, out: Path, choice: RiskChoice, key: str, resume: bool, progress: Progress
) -> tuple[RiskEstimates, dict[str, Any]]:
    progress(0, 1, "loading the market")
    market, industry = _market(tables, choice, progress)
    user = _user(choice.user_factors, market)
    model = FundamentalModel(
        table=read_table(choice.table),
        industry=industry,
        horizon=choice.horizon,  # type: ignore[arg-type] # checked above
        regression=regression_settings(choice),
    )
    progress(0, 1, "exposures and factor returns")
    fitted = None
    before = _before(out, choice, user) if resume else None
    if before is not None:
        regressions = as_fitted_before(before)
        fitted = FundamentalModel.of(model, before, regressions).update(market, user)
    if fitted is None:
        fitted = model.fit(market, user)
    kept = _kept_forecasts(fitted, out, key) if resume else {}
    for done, name in enumerate(risk_files.FORECASTS):
        if name not in kept:
            progress(done, len(risk_files.FORECASTS), f"forecasting: {name}")
            kept[name] = fitted.forecast(name)
            if choice.start is None:  # the files of all dates: an interrupted fit goes on from here
                bare = fitted.without_forecasts()
                (out / risk_files.MODEL).unlink(missing_ok=True)
                risk_files.write_forecast(bare, name, kept[name], out, key)
    of = fitted.regressions_
    facts = {"not_fitted_or_clipped": of.fit.counts, "reused": of.reused}
    return fitted.estimates(kept=kept), facts


def regression_settings(choice: RiskChoice | RiskSection) -> RegressionSettings:
    """Say how regressions are done; without a choice, as `RegressionSettings` says."""
    settings = RegressionSettings(robust=HUBER if choice.robust else None)
    if choice.keep_outliers:
        settings = replace(settings, clip_margin=None, outlier=None)
    return settings


def _kept_forecasts(fitted: FundamentalModel, out: Path, key: str) -> dict[str, Any]:
    """Read the forecasts that an interrupted fit of the same data has finished."""
    names = [n for n, t in risk_files.FORECASTS.items() if risk_files.key_of(out, t) == key]
    return {n: risk_reading.read_forecast(fitted.without_forecasts(), n, out) for n in names}


def _before(out: Path, choice: RiskChoice, user: Cube | None) -> RiskEstimates | None:
    """Read an earlier fit with the same settings, of whatever data; None if there is none."""
    if choice.start is not None or not (out / risk_files.MODEL).is_file():
        return None
    try:
        facts = risk_reading.model_facts(out)
        if facts["settings"] != _settings_key(choice):
            return None
        return risk_reading.read_estimates(out)
    except SuperhetError:
        return None  # damaged: everything is fitted anew


def _statistical(tables: Tables, choice: RiskChoice, progress: Progress) -> RiskEstimates:
    from superhet.risk.statistical import StatisticalModel
    from superhet.risk.statistical_path import statistical_estimates

    if choice.user_factors is not None:
        raise ConfigError(
            "--user-factors", f"{choice.model} finds its factors itself; leave it out"
        )
    progress(0, 1, "loading the market")
    request = MarketChoice(start=None, end=choice.end)
    market, _ = market_for([], tables, request, progress)
    kind: Literal["apca", "poet"] = "poet" if choice.model == "poet" else "apca"
    return statistical_estimates(StatisticalModel(kind=kind), market, progress)


def _market(tables: Tables, choice: RiskChoice, progress: Progress) -> tuple[Market, str]:
    """Load the market, and say under which name it has the classification."""
    board = choice.industry == "board"
    request = MarketChoice(
        start=choice.start,
        end=choice.end,
        industry=None if board else choice.industry,
        classified=not board,
    )
    market, _ = market_for([], tables, request, progress)
    if board or "industry" in market.group_panels:
        return market, "board" if board else "industry"
    schemes: set[str] = set()
    if "industry" in tables.names():
        schemes = set(tables.read("industry", columns=["scheme"])["scheme"].unique().to_list())
    if schemes:
        raise ConfigError(
            "--industry", f"the store has several schemes: {', '.join(sorted(schemes))}. Name one."
        )
    raise ConfigError(
        "--industry",
        "the store has no industries, and the model needs a classification. Import the table "
        "`industry`, or write --industry board to tell assets apart by their board alone.",
    )


def _scheme(tables: Tables, choice: RiskChoice) -> str:
    """Name the classification that the model was fitted with; "" for a model without."""
    if choice.model != "cne5":
        return ""
    if choice.industry is not None:
        return choice.industry
    found = set(tables.read("industry", columns=["scheme"])["scheme"].unique().to_list())
    return "sw1" if "sw1" in found else "".join(found)


def _user(path: Path | None, market: Market) -> Cube | None:
    if path is None:
        return None
    frame = read_factor_file(path, "--user-factors")
    return Cube(dict(factor_panels(frame, market.dates, market.assets, path)))


def _settings_key(choice: RiskChoice) -> str:
    """Hash what decides the numbers, but for the data and the last date."""
    told = {**asdict(replace(choice, end=None)), "user_factors": choice.user_factors is not None}
    if choice.model == "cne5":
        told["table"] = repr(read_table(choice.table))
    told["code"] = code_digest("risk", "kernels")
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=12).hexdigest()


def _key(tables: Tables, choice: RiskChoice) -> str:
    """Hash everything that decides the numbers."""
    user = b"" if choice.user_factors is None else _bytes(choice.user_factors)
    told = f"{_settings_key(choice)}|{tables.snapshot}|{choice.end}".encode() + user
    return hashlib.blake2b(told, digest_size=12).hexdigest()


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _finished(out: Path, key: str) -> bool:
    try:
        return (
            bool(risk_reading.model_facts(out)["key"] == key)
            and (out / risk_files.VALIDATION).is_file()
        )
    except InputError:
        return False
