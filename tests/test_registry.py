"""Registries find what is installed, and say what is wrong with it."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from superhet import registry
from superhet.errors import PluginError, UnknownName


def test_a_plug_in_that_cannot_be_imported_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    (tmp_path / "broken_plugin.py").write_text("import a_module_that_is_not_there\n")  # type: ignore[operator]
    monkeypatch.syspath_prepend(str(tmp_path))
    broken = EntryPoint("mine", "broken_plugin", "superhet.plugins")
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    with pytest.raises(PluginError, match=r"'mine' .*a_module_that_is_not_there") as raised:
        registry.Registry[object]("source").get("nobody")
    assert raised.value.exit_code == 2


def test_an_unknown_name_is_answered_with_a_near_one() -> None:
    known: registry.Registry[int] = registry.Registry("source")
    known.add("parquet")(1)
    with pytest.raises(UnknownName, match="did you mean 'parquet'"):
        known.get("parqet", "--source")
