"""`superhet run`, `superhet audit`: the main job and its proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, ConfigFile, Debug, Overrides, Quiet, RunsFolder
from superhet.cli.stores import open_store

if TYPE_CHECKING:
    from superhet.data.store import Store
    from superhet.pipeline.config import Config
    from superhet.pipeline.run import RunSummary
    from superhet.progress import Progress

_DIFFERENCE = "max_abs_equity_difference_"

Resume: TypeAlias = Annotated[bool, typer.Option(help="Go on where an interrupted run stopped.")]
Fresh: TypeAlias = Annotated[bool, typer.Option(help="Forget an earlier run of this study.")]


@guarded
def run(
    config: ConfigFile,
    overrides: Overrides = None,
    runs: RunsFolder = Path("runs"),
    resume: Resume = False,
    fresh: Fresh = False,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run a study: data, signals, super-factor, portfolio, backtest, audit, report."""
    from superhet.pipeline.config import load_config
    from superhet.pipeline.run import Run

    study = load_config(config, overrides or [])
    with progress_bar(quiet) as progress:
        tables = open_or_simulate(study, progress)
        job = Run(study, tables, runs, progress)
        summary = job.execute(resume=resume, fresh=fresh)
    emit(summary, as_json=json, text=lambda: summary_text(summary))


@guarded
def audit(
    config: ConfigFile,
    overrides: Overrides = None,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Prove that no output of a study used the future; exit code 1 on a leak."""
    from superhet.pipeline.audit import audit as walk_and_audit
    from superhet.pipeline.config import load_config

    study = load_config(config, overrides or [])
    with progress_bar(quiet) as progress:
        found = walk_and_audit(study, open_or_simulate(study, progress), progress)
    lines = [f"look-ahead audit: {found['verdict']} (dates: {', '.join(found['dates_checked'])})"]
    lines += [
        f"  leak in {leak['stage']}: {leak['name']} on {leak['first_date']} changes when only data "
        f"after {leak['cut']} do"
        for leak in found["leaks"]
    ]
    emit(found, as_json=json, text="\n".join(lines))
    if found["verdict"] != "pass":
        raise typer.Exit(1)


def open_or_simulate(study: Config, progress: Progress) -> Store:
    """Open the store of a study; make it first where the study says how and it is not there."""
    from superhet.errors import ConfigError
    from superhet.pipeline.simulate import simulated_store, simulation_of

    path = Path(study.market.store)
    recipe = study.market.simulate
    if recipe is None:
        return open_store(path)
    if not path.exists():
        return simulated_store(path, recipe, progress)
    store = open_store(path)
    if simulation_of(store) != recipe:
        raise ConfigError(
            "market.simulate",
            f"the store {path} was made by another recipe. Give `market.store` another name, or "
            "delete that folder.",
        )
    return store


def summary_text(summary: RunSummary) -> str:
    """Say in a few lines what a run found and where the report is."""
    found = summary.metrics

    def number(name: str, form: str) -> str:
        value = found[name]
        return "n/a" if value is None else format(value, form)

    lines = [
        f"run {summary.run_id}",
        f"  out-of-sample RankIC   {number('oos_rank_ic', '.4f')}   "
        f"ICIR {number('oos_icir', '.3f')}   t {number('oos_rank_ic_t', '.1f')}",
        f"  share of the oracle    {number('oracle_share', '.1%')}",
        f"  Sharpe gross / net     {number('gross_sharpe', '.2f')} / {number('net_sharpe', '.2f')}",
        f"  annual turnover        {number('annual_turnover', '.1f')} x one-way",
        f"  residual industry net  {number('max_abs_industry_net', '.1e')}   "
        f"size exposure {number('max_abs_size_exposure', '.1e')}",
        *(
            [
                f"  worst style exposure   {number('max_abs_style_exposure', '.2f')}   "
                f"super-factor's R² on styles {number('style_r2', '.1%')}"
            ]
            if "style_r2" in found
            else []
        ),
        *(
            f"  {key.removeprefix(_DIFFERENCE):<22} largest difference to native {number(key, ',.4f')}"
            for key in found
            if key.startswith(_DIFFERENCE)
        ),
        *(f"  warning                {text}" for text in summary.warnings),
        f"  look-ahead audit       {summary.audit or 'not run'}",
        f"  report                 {summary.report}",
    ]
    return "\n".join(lines)
