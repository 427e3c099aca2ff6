"""Console: where results, messages and progress go.

Results go to standard output, one JSON object with ``--json``; everything else goes to standard error.
An error of ours is one paragraph and its exit code; a traceback appears only with ``--debug``.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TextIO

import typer

from superhet.errors import InputError, SuperhetError

P = ParamSpec("P")
log = logging.getLogger("superhet")


def emit(result: Any, *, as_json: bool, text: str | Callable[[], str]) -> None:
    """Print a result: one JSON object, or text for a person."""
    if as_json:
        print(json.dumps(plain(result), ensure_ascii=False, indent=1))
    else:
        print(text if isinstance(text, str) else text())


def plain(value: Any) -> Any:
    """Turn a result into what JSON can hold; NaN and infinity become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if hasattr(value, "item"):  # a numpy scalar
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn our errors into one paragraph on standard error and their exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SuperhetError as error:
            if kwargs.get("debug"):
                raise
            print(f"superhet: {error.message}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            print("superhet: interrupted; finished stages are kept (--resume)", file=sys.stderr)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            raise typer.Exit(0) from None
        except OSError as error:
            if kwargs.get("debug") or error.filename is None:
                raise
            print(f"superhet: {error.filename}: {error.strerror}", file=sys.stderr)
            raise typer.Exit(InputError.exit_code) from None

    return run


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Show progress on standard error while a terminal looks on; otherwise one line a step."""
    if quiet:
        yield lambda done, total, label: None
        return
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1)

        def show(done: int, total: int, label: str) -> None:
            bar.update(task, completed=done, total=total, description=label)

        yield show


class _Lines:
    """Progress for a log file: a line when the label changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, done: int, total: int, label: str) -> None:
        if label != self._last:
            print(f"  {label}", file=sys.stderr)
            self._last = label


def set_up_logging(verbose: bool) -> None:
    """Send our messages to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname).1s %(message)s"))
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO if verbose else logging.WARNING)
    log.propagate = False
    warnings.showwarning = _show_warning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a fact about data as one line; where in the code it was noticed helps no user."""
    print(f"superhet: warning: {message}", file=file or sys.stderr)
