"""`superhet factor report` and `compare`: judge factors, write their pages, say what came out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.factor_options import Budget, Convention, Syntax, Threads, bytes_of
from superhet.cli.options import AsJson, Debug, Quiet, StorePath

if TYPE_CHECKING:
    from superhet.pipeline.factor_report import Wanted
    from superhet.report.factor_study import FactorBoard, FactorStudy

Formulas: TypeAlias = Annotated[
    list[str] | None, typer.Argument(help="Formulas, or names of formulas: alpha158.MA5.")
]
Out: TypeAlias = Annotated[Path, typer.Option(help="Folder of the report; made if not there.")]
Library: TypeAlias = Annotated[
    str | None, typer.Option(help="A library, or a TOML file of your own, instead of formulas.")
]
Pick: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="Formula of the library; repeat, or part by commas.")
]
Name: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="Name of a typed formula; repeat. Left out, its text.")
]
FactorFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Parquet file of values (date, asset, factors) instead of formulas."),
]
Start: TypeAlias = Annotated[str | None, typer.Option(help="First date of the signals.")]
End: TypeAlias = Annotated[str | None, typer.Option(help="Last date.")]
Universe: TypeAlias = Annotated[
    str, typer.Option(help="all, or the code of an index of the store: 000300.SH.")
]
Industry: TypeAlias = Annotated[
    str | None, typer.Option(help="Industry scheme; left out, sw1 or the only one.")
]
Benchmark: TypeAlias = Annotated[
    str | None, typer.Option(help="Index code; left out, the whole universe by capitalisation.")
]
Frequency: TypeAlias = Annotated[
    str, typer.Option(help="Bars that bar_ functions and --window read.")
]
Horizon: TypeAlias = Annotated[
    list[int] | None,
    typer.Option(help="Sessions held; repeat. The first is the main one (default 1, 5, 10, 20)."),
]
Delay: TypeAlias = Annotated[int, typer.Option(help="Sessions from the signal to the trade.")]
Entry: TypeAlias = Annotated[str, typer.Option(help="Price of the trade: open, close, vwap.")]
Window: TypeAlias = Annotated[
    str | None, typer.Option(help="Part of the day of a VWAP: 09:30-10:00.")
]
Locked: TypeAlias = Annotated[
    str, typer.Option(help="Entries at a price limit: exclude them, or shift them.")
]
Relative: TypeAlias = Annotated[
    str | None, typer.Option("--relative-to", help="Excess over: benchmark or industry.")
]
Quantiles: TypeAlias = Annotated[int, typer.Option(help="Number of quantiles.")]
Neutral: TypeAlias = Annotated[
    str, typer.Option(help="What the neutral column takes out, by commas; none for nothing.")
]
Cost: TypeAlias = Annotated[float, typer.Option(help="One-way cost, of the value traded.")]
Days: TypeAlias = Annotated[int, typer.Option(min=1, help="Sessions a year.")]
Trials: TypeAlias = Annotated[
    int | None, typer.Option(help="Factors tried in all; left out, as many as the folder has seen.")
]
Words: TypeAlias = Annotated[str, typer.Option("--language", help="en, zh or both.")]
Checks: TypeAlias = Annotated[Path | None, typer.Option(help="YAML of thresholds: rank_ic: 0.03.")]
Mine: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--library-of-mine",
        help="Your factors, to compare with: library, TOML or Parquet file, name or formula; repeat.",
    ),
]
Styles: TypeAlias = Annotated[
    Path | None, typer.Option(help="Parquet file of style exposures: date, asset, styles.")
]
Resume: TypeAlias = Annotated[
    bool, typer.Option("--resume", help="Take finished factors of an earlier call as they are.")
]


def _command(what: str, meaning: str) -> Callable[..., None]:
    """Make a command: both take the same options."""

    def judge(
        store: StorePath,
        out: Out,
        formulas: Formulas = None,
        library: Library = None,
        pick: Pick = None,
        name: Name = None,
        factor_file: FactorFile = None,
        syntax: Syntax = None,
        convention: Convention = None,
        start: Start = None,
        end: End = None,
        universe: Universe = "all",
        industry: Industry = None,
        benchmark: Benchmark = None,
        frequency: Frequency = "15min",
        horizon: Horizon = None,
        delay: Delay = 1,
        entry: Entry = "open",
        window: Window = None,
        locked: Locked = "exclude",
        relative_to: Relative = None,
        quantiles: Quantiles = 5,
        neutral: Neutral = "industry,size",
        cost: Cost = 0.001,
        days: Days = 244,
        trials: Trials = None,
        language: Words = "en",
        checks: Checks = None,
        mine: Mine = None,
        styles: Styles = None,
        threads: Threads = None,
        budget: Budget = "4GB",
        resume: Resume = False,
        json: AsJson = False,
        quiet: Quiet = False,
        debug: Debug = False,
    ) -> None:
        wanted = _wanted(locals())
        _judge(wanted, store, out, what, _How(threads, bytes_of(budget), resume, json, quiet))

    judge.__doc__ = meaning
    return guarded(judge)


report = _command("report", "Judge factors: a page each, a board of all, every number as JSON.")
compare = _command(
    "compare", "Compare a few factors two by two: how alike, and what each adds to the other."
)


@dataclass(frozen=True)
class _How:
    threads: int | None
    budget: int
    resume: bool
    json: bool
    quiet: bool


def _wanted(given: dict[str, Any]) -> Wanted:
    """Gather the options of either command."""
    from superhet.errors import ConfigError
    from superhet.pipeline.factor_choice import FactorChoice
    from superhet.pipeline.factor_market import MarketChoice
    from superhet.pipeline.factor_report import Wanted
    from superhet.pipeline.factor_report_options import HORIZONS, ReportOptions

    file = given["factor_file"]
    typed = bool(given["formulas"] or given["library"])
    if file is not None and typed:
        raise ConfigError(
            "--factor-file", "gives values instead of formulas; give one or the other"
        )
    if file is None and not typed:
        raise ConfigError("", "give formulas, --library or --factor-file")
    options = ReportOptions(
        horizons=tuple(given["horizon"] or HORIZONS),
        delay=given["delay"],
        entry=given["entry"],
        window=_window(given["window"]),
        locked=given["locked"],
        relative_to=given["relative_to"],
        quantiles=given["quantiles"],
        neutral=_words(given["neutral"], "none"),
        cost=given["cost"],
        periods_per_year=given["days"],
        trials=given["trials"],
        language=given["language"],
        checks=given["checks"],
        mine=tuple(given["mine"] or ()),
        styles=given["styles"],
    )
    choice = FactorChoice(
        formulas=[f.strip() for f in given["formulas"] or ()],
        names=given["name"] or (),
        library=given["library"],
        pick=[p.strip() for item in given["pick"] or () for p in item.split(",") if p.strip()],
        syntax=given["syntax"],
        convention=given["convention"],
    )
    market = MarketChoice(
        start=given["start"],
        end=given["end"],
        industry=given["industry"],
        benchmark=given["benchmark"],
        frequency=given["frequency"],
        universe=given["universe"],
        classified=True,
        barred=options.window is not None,
    )
    return Wanted(
        choice=None if file is not None else choice, file=file, market=market, options=options
    )


def _window(text: str | None) -> tuple[str, str] | None:
    from superhet.errors import ConfigError

    if text is None:
        return None
    first, sign, last = text.partition("-")
    if not sign or not first or not last:
        raise ConfigError("--window", f"must be a part of the day like 09:30-10:00 (got {text!r})")
    return first.strip(), last.strip()


def _words(text: str, nothing: str) -> tuple[str, ...]:
    return () if text == nothing else tuple(w.strip() for w in text.split(",") if w.strip())


def _judge(wanted: Wanted, store: Path, out: Path, what: str, how: _How) -> None:
    from superhet.cli.stores import open_store
    from superhet.pipeline.factor_compare import factor_compare
    from superhet.pipeline.factor_report import factor_report
    from superhet.pipeline.factor_table import Resources

    run = factor_report if what == "report" else factor_compare
    resources = Resources(threads=how.threads, budget=how.budget)
    with _keeping(), progress_bar(how.quiet) as progress:
        board = run(
            open_store(store),
            wanted,
            out,
            resources=resources,
            resume=how.resume,
            progress=progress,
        )
    front = out / ("index.html" if what == "report" else "compare.html")
    for study in (s for s in board.studies if s.refused):
        print(
            f"superhet: warning: {study.name}: not judged ({study.refused['code']})",
            file=sys.stderr,
        )
    emit(_facts(board), as_json=how.json, text=lambda: board_text(board, front))


@contextmanager
def _keeping() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print(
            "superhet: interrupted; finished factors are kept, --resume goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None


def _facts(board: FactorBoard) -> Any:
    """Give the contract: an object for one factor, a list for several, without series."""
    found = [s.to_dict(series=False) for s in board.studies]
    return found[0] if len(found) == 1 else found


def board_text(board: FactorBoard, front: Path) -> str:
    """Say in a few lines what came out."""
    from superhet.cli.factor_text import table

    head = ["factor", "RankIC", "ICIR", "t", "adj. p", "Sharpe", "net", "checks"]
    rows = [head, *(_row(s) for s in board.studies if not s.refused)]
    lines = [table(rows, right=set(range(1, len(head))))]
    if board.left_out:
        lines.append(f"left out {len(board.left_out)} formulas of the library; the board says why")
    return "\n".join([*lines, f"written to {front}"])


def _row(study: FactorStudy) -> Sequence[str]:
    book = study.long_short
    counted = [c for c in study.checks if c["pass"] is not None]
    passed = sum(bool(c["pass"]) for c in counted)
    shown = (
        (study.rank_ic["mean"], "+.4f"),
        (study.rank_ic["icir"], "+.3f"),
        (study.rank_ic["t_nw"], "+.2f"),
        (study.significance.get("p_bh"), ".4f"),
        ((book.get("gross") or {}).get("sharpe"), "+.2f"),
        ((book.get("net") or {}).get("sharpe"), "+.2f"),
    )
    numbers = ["" if value is None else format(value, form) for value, form in shown]
    return [study.name, *numbers, f"{passed}/{len(counted)}"]
