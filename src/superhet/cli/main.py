"""The command `superhet`: one group a file; heavy libraries load inside the command that needs them."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from superhet.cli import backtest, data, export, factor, orders, risk, run, runs, tools
from superhet.cli.console import set_up_logging
from superhet.version import __version__

app = typer.Typer(
    name="superhet",
    help="Signals of many frequencies, mixed into one super-factor.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("audit")(run.audit)
app.command("backtest")(backtest.backtest)
app.command("orders")(orders.orders)
app.command("export")(export.export)
app.command("schema")(tools.schema)
app.command("doctor")(tools.doctor)
app.add_typer(data.app, name="data")
app.add_typer(factor.app, name="factor")
app.add_typer(risk.app, name="risk")
app.add_typer(runs.app, name="runs")


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what is being done.")
    ] = False,
) -> None:
    """Signals of many frequencies, mixed into one super-factor."""
    set_up_logging(verbose)


def main() -> None:
    """Enter here."""
    # libraries that load make objects that stay: looking through them for garbage is a tenth of the start
    gc.set_threshold(50_000, 20, 50)
    app()


if __name__ == "__main__":
    main()
