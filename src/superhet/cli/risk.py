"""`superhet risk`: fit a risk model, look at it, try its forecasts, and lay its styles against a signal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath

app = typer.Typer(help="Fit a risk model, look at it, try its forecasts.", no_args_is_help=True)

RiskFolder: TypeAlias = Annotated[
    Path, typer.Option("--risk", help="Folder that risk fit has written.")
]
PageLanguage = Literal["en", "zh"]


@app.command("fit")
@guarded
def fit(
    store: StorePath,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    model: Annotated[
        str,
        typer.Option(
            help="cne5 (a table of styles); found in the returns: apca, or poet, which knows correlated "
            "specific returns."
        ),
    ] = "cne5",
    table: Annotated[
        str, typer.Option(help="Table of styles: cne5, cne6, or a TOML file of your own.")
    ] = "cne5",
    industry: Annotated[
        str | None,
        typer.Option(help="Industry scheme; left out, sw1 or the only one. board: boards instead."),
    ] = None,
    horizon: Annotated[
        str, typer.Option(help="short, long (both a month ahead) or daily.")
    ] = "short",
    start: Annotated[
        str | None, typer.Option(help="First date written; data before it are read.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="Last date.")] = None,
    user_factors: Annotated[
        Path | None,
        typer.Option(
            "--user-factors", help="Parquet file of further factors: date, asset, factors."
        ),
    ] = None,
    robust: Annotated[
        bool, typer.Option("--robust", help="Weigh outliers less, after Huber.")
    ] = False,
    keep_outliers: Annotated[
        bool,
        typer.Option(
            "--keep-outliers",
            help="Clip no return for the fit: not past a price limit, nor as an outlier where there is none.",
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where a fit was interrupted; after new days, fit those alone.",
        ),
    ] = False,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fit a risk model to a store; write factor returns, exposures, covariance and specific risk."""
    from superhet.cli.risk_text import fit_text
    from superhet.cli.stores import open_store
    from superhet.pipeline.risk import RiskChoice, fit_risk

    choice = RiskChoice(
        model=model,
        table=table,
        industry=industry,
        horizon=horizon,
        start=start,
        end=end,
        user_factors=user_factors,
        robust=robust,
        keep_outliers=keep_outliers,
    )
    opened = open_store(store)
    with progress_bar(quiet) as progress:
        found = fit_risk(opened, out, choice, resume=resume, progress=progress)
    emit(found, as_json=json, text=lambda: fit_text(found))


@app.command("show")
@guarded
def show(
    risk: RiskFolder,
    date: Annotated[str | None, typer.Option(help="A session; left out, the last.")] = None,
    asset: Annotated[str | None, typer.Option(help="Also the exposures of one asset.")] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say what a fitted model knew at the close of a date."""
    from superhet.cli.risk_text import show_text
    from superhet.pipeline.risk_look import look

    found = look(risk, date, asset)
    emit(found, as_json=json, text=lambda: show_text(found))


@app.command("validate")
@guarded
def validate(
    risk: RiskFolder,
    report: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
    language: Annotated[str, typer.Option(help="Of the page: en, zh or both.")] = "en",
    step: Annotated[
        int | None,
        typer.Option(help="Sessions that a test portfolio is held; left out, 21 (daily: 1)."),
    ] = None,
    portfolios: Annotated[int, typer.Option(help="Random and optimised portfolios.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the portfolios that are drawn.")] = 0,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Try the forecasts of a fitted model on the returns that followed; write validation.json and a page."""
    from superhet.cli.risk_text import validation_text
    from superhet.errors import ConfigError
    from superhet.pipeline.risk_look import validate_files
    from superhet.risk.validation import TrialSettings

    for name, value in (("--step", step), ("--portfolios", portfolios)):
        if value is not None and value < 1:
            raise ConfigError(name, f"must be at least 1 (got {value})")
    languages = _languages(language)
    settings = TrialSettings(step=step, portfolios=portfolios, seed=seed)
    with progress_bar(quiet) as progress:
        found = validate_files(risk, settings, report, languages, progress)
    emit(found, as_json=json, text=lambda: validation_text(found))


@app.command("correlate")
@guarded
def correlate(
    risk: RiskFolder,
    signal: Annotated[
        Path | None, typer.Option(help="Parquet file: date, asset, one column a signal.")
    ] = None,
    portfolio: Annotated[
        Path | None,
        typer.Option(help="Parquet file of weights: date, asset, one column a portfolio."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
    language: Annotated[str, typer.Option(help="Of the page: en, zh or both.")] = "en",
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Lay the styles of a fitted model against a signal or a portfolio."""
    from superhet.cli.risk_text import overlap_text
    from superhet.pipeline.risk_look import correlate_files

    found = correlate_files(risk, signal, portfolio, report, _languages(language))
    emit(found, as_json=json, text=lambda: overlap_text(found))


def _languages(word: str) -> Sequence[PageLanguage]:
    from superhet.errors import ConfigError

    known: dict[str, tuple[PageLanguage, ...]] = {
        "en": ("en",),
        "zh": ("zh",),
        "both": ("en", "zh"),
    }
    if word not in known:
        raise ConfigError("--language", f"expected en, zh or both (got {word!r})")
    return known[word]
