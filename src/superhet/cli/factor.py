"""`superhet factor`: look at formulas and their values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath

app = typer.Typer(help="Look at formulas and their values.", no_args_is_help=True)


@app.command("list")
@guarded
def list_(
    library: Annotated[str | None, typer.Argument(help="A library; all when left out.")] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List the formulas of the libraries."""
    from superhet.factors import LIBRARIES
    from superhet.factors import library as read

    names = [library] if library else sorted(LIBRARIES)
    rows = [
        {"library": name, "name": f.name, "formula": f.text, "meaning": f.meaning}
        for name in names
        for f in read(name)
    ]
    lines = [f"{r['library']}  {r['name']:<26}{r['formula']}" for r in rows]
    emit(rows, as_json=json, text="\n".join(lines))


@app.command("show")
@guarded
def show(
    formula: Annotated[str, typer.Argument(help="A formula.")],
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Parse a formula and say what it needs."""
    from superhet.factors import parse

    expression = parse(formula)
    facts = {
        "formula": str(expression),
        "lookback": expression.lookback,
        "clock": expression.clock,
        "fields": sorted(expression.fields),
        "bar_fields": sorted(expression.bar_fields),
        "statement_columns": sorted(expression.statement_columns),
        "groups": sorted(expression.groups),
    }
    emit(facts, as_json=json, text="\n".join(f"{k}: {v}" for k, v in facts.items()))


@app.command("eval")
@guarded
def eval_(
    formula: Annotated[str, typer.Argument(help="A formula.")],
    store: StorePath,
    out: Annotated[Path | None, typer.Option(help="Write the values here, as Parquet.")] = None,
    industry: Annotated[str, typer.Option(help="Industry classification.")] = "sw1",
    frequency: Annotated[str, typer.Option(help="Bars that bar_ operators read.")] = "15min",
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Evaluate a formula over a store."""
    from superhet.data.load import MarketRequest, load_market
    from superhet.data.store import Store
    from superhet.factors import evaluate, parse
    from superhet.panel.frames import to_polars

    expression = parse(formula)
    intraday = (frequency,) if "bar_" in str(expression) else ()
    request = MarketRequest(industry=industry, intraday=intraday)
    with progress_bar(quiet) as progress:
        progress(0, 1, "loading")
        market = load_market(Store.open(store), request)
        progress(0, 1, "evaluating")
        panel = evaluate({"value": expression}, market, frequency=frequency)["value"]
    if out is not None:
        to_polars(panel).write_parquet(out)
    last = panel.values[-1]
    facts = {
        "formula": str(expression),
        "dates": len(panel.dates),
        "assets": len(panel.assets),
        "coverage": float(panel.known().mean()),
        "last_date": str(panel.dates.values[-1]),
        "out": None if out is None else str(out),
        "last": dict(zip(panel.assets.values, last.tolist(), strict=True)),
    }
    emit(facts, as_json=json, text=lambda: f"{panel!r}")
