"""The command line in this process: what it prints, where, and how it ends."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from superhet.cli.main import app
from superhet.testing.studies import tiny_study, write_study


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def command():
    """Run `superhet` with arguments, in this process; an exception that escapes fails the test."""

    def run(*arguments: object) -> Ended:
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ended(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(autouse=True)
def _restored_logging():
    """Take back what a command sets up for its process."""
    log = logging.getLogger("superhet")
    before = (list(log.handlers), log.level, log.propagate)
    yield
    log.handlers[:], log.level, log.propagate = before
    logging.captureWarnings(False)


@pytest.fixture
def study_file(tiny_store, tmp_path):
    """Write the tiny study with changes, without its audit, and give the file."""

    def write(**changes: Any):
        study = tiny_study(tiny_store.path, **{"audit": None, **changes})
        return write_study(tmp_path / "study.yaml", study)

    return write
