"""`superhet factor`: look at formulas, and write their values."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from superhet.cli import factor_report
from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.factor_options import (
    LANGUAGES,
    Budget,
    Convention,
    Syntax,
    TakesFormulas,
    Threads,
    bytes_of,
)
from superhet.cli.options import AsJson, Debug, Quiet, StorePath

if TYPE_CHECKING:
    from superhet.pipeline.factor_choice import FactorChoice
    from superhet.pipeline.factor_market import MarketChoice
    from superhet.pipeline.factor_table import Resources

app = typer.Typer(help="Look at formulas and their values.", no_args_is_help=True)

app.command("report", cls=TakesFormulas)(factor_report.report)
app.command("compare", cls=TakesFormulas)(factor_report.compare)

Language: TypeAlias = Annotated[str, typer.Option("--lang", help="en or zh.")]


@app.command("list")
@guarded
def list_(
    library: Annotated[
        str | None,
        typer.Argument(help="A library, or a TOML file of your own; all libraries when left out."),
    ] = None,
    file: Annotated[str | None, typer.Option("--library", help="The same, as an option.")] = None,
    lang: Language = "en",
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List the libraries, or the formulas of one."""
    from superhet.cli.factor_text import formulas_text, libraries_text
    from superhet.factors import library as read
    from superhet.pipeline.factor_facts import describe, libraries, shown

    language = _language(lang)
    library = library or file
    if library is None:
        every = libraries()
        emit([asdict(f) for f in every], as_json=json, text=lambda: libraries_text(every, language))
        return
    formulas = read(library)
    facts = [asdict(describe(f, shown(library))) for f in formulas] if json else []
    emit(facts, as_json=json, text=lambda: formulas_text(formulas, language))


@app.command("show", cls=TakesFormulas)
@guarded
def show(
    formula: Annotated[
        str, typer.Argument(help="A formula, or the name of one: alpha158.MA5, MA5.")
    ],
    library: Annotated[
        str | None,
        typer.Option(help="Library, or TOML file of your own, that has the formula of this name."),
    ] = None,
    syntax: Syntax = None,
    convention: Convention = None,
    lang: Language = "en",
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say what a formula means and what it needs."""
    from superhet.cli.factor_text import facts_text
    from superhet.pipeline.factor_facts import find

    language = _language(lang)
    facts = find(formula.strip(), syntax, convention, library=library)
    emit(facts, as_json=json, text=lambda: facts_text(facts, language))


@app.command("eval", cls=TakesFormulas)
@guarded
def eval_(
    store: StorePath,
    formulas: Annotated[list[str] | None, typer.Argument(help="Formulas.")] = None,
    library: Annotated[
        str | None,
        typer.Option(help="A library, or a TOML file of your own, instead of formulas."),
    ] = None,
    pick: Annotated[
        list[str] | None, typer.Option(help="Formula of the library; repeat, or part by commas.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Column of a formula; repeat. Left out, the formula itself."),
    ] = None,
    syntax: Syntax = None,
    convention: Convention = None,
    start: Annotated[str | None, typer.Option(help="First date; data before it are read.")] = None,
    end: Annotated[str | None, typer.Option(help="Last date.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write.")] = None,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    universe_less: Annotated[
        bool,
        typer.Option(
            "--universe-less",
            help="Measure cross-sections on all listed assets, not the estimable.",
        ),
    ] = False,
    industry: Annotated[
        str | None, typer.Option(help="Industry scheme; left out, sw1 or the only one.")
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(help="Index code of benchmark_ fields; left out, the whole market."),
    ] = None,
    frequency: Annotated[str, typer.Option(help="Bars that bar_ functions read.")] = "15min",
    threads: Threads = None,
    budget: Budget = "4GB",
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compute formulas over a store; write long rows date, asset, factors."""
    from superhet.pipeline.factor_choice import FactorChoice
    from superhet.pipeline.factor_market import MarketChoice
    from superhet.pipeline.factor_table import Resources

    choice = FactorChoice(
        formulas=[f.strip() for f in formulas or ()],
        names=name or (),
        library=library,
        pick=[p.strip() for item in pick or () for p in item.split(",") if p.strip()],
        syntax=syntax,
        convention=convention,
    )
    market = MarketChoice(
        start=start,
        end=end,
        industry=industry,
        benchmark=benchmark,
        frequency=frequency,
        everyone=universe_less,
    )
    resources = Resources(dtype=dtype, threads=threads, budget=bytes_of(budget))
    _evaluate(store, choice, market, resources, out, json=json, quiet=quiet)


def _evaluate(
    store: Path,
    choice: FactorChoice,
    market: MarketChoice,
    resources: Resources,
    out: Path | None,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from superhet.cli.factor_text import summary_text
    from superhet.cli.stores import open_store
    from superhet.pipeline.factor_table import factor_table

    with _interruptible(), progress_bar(quiet) as progress:
        found = factor_table(
            open_store(store), choice, market, out=out, resources=resources, progress=progress
        )
    for warning in found.warnings:
        print(f"superhet: warning: {warning}", file=sys.stderr)
    emit(found, as_json=json, text=lambda: summary_text(found))


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print("superhet: interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None


def _language(word: str) -> str:
    from superhet.errors import UnknownName

    if word not in LANGUAGES:
        raise UnknownName("language", word, LANGUAGES, "--lang")
    return word
