"""Compiled kernels do not outlive the sources that they were compiled from."""

from __future__ import annotations

from pathlib import Path

import pytest

from superhet.kernels import _forget_stale_code


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "caller.py").write_text("def caller(): return callee()")
    (tmp_path / "callee.py").write_text("def callee(): return 1")
    return tmp_path


def compiled(folder: Path) -> Path:
    code = folder / "__pycache__" / "caller.caller-1.py311.1.nbc"
    code.write_bytes(b"machine code")
    return code


def test_code_goes_when_a_function_that_it_calls_has_changed(folder: Path) -> None:
    _forget_stale_code(folder)
    code = compiled(folder)
    (folder / "callee.py").write_text("def callee(): return 22")
    _forget_stale_code(folder)
    assert not code.exists()


def test_code_stays_while_nothing_changes(folder: Path) -> None:
    _forget_stale_code(folder)
    code = compiled(folder)
    _forget_stale_code(folder)
    assert code.exists()
