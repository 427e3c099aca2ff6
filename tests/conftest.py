"""Made once a session, and only where a test asks: the tiny study, its store, and its finished run."""

from __future__ import annotations

import pytest

from superhet.pipeline import stages
from superhet.pipeline.audit import walk
from superhet.pipeline.config import parse_config
from superhet.pipeline.run import Run
from superhet.pipeline.simulate import simulated_store
from superhet.testing.studies import tiny_market, tiny_study


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory):
    """The store of the tiny market; whoever wants to harm it takes a copy."""
    return simulated_store(tmp_path_factory.mktemp("stores") / "tiny", tiny_market())


@pytest.fixture(scope="session")
def tiny_config(tiny_store):
    return parse_config(tiny_study(tiny_store.path))


@pytest.fixture(scope="session")
def tiny_loaded(tiny_config, tiny_store):
    """The market of the tiny study."""
    return stages.load(tiny_config, tiny_store)


@pytest.fixture(scope="session")
def tiny_road(tiny_config, tiny_loaded):
    """Stage -> values of the tiny study, nothing on disk."""
    return walk(tiny_config, tiny_loaded)


@pytest.fixture(scope="session")
def tiny_run(tiny_config, tiny_store, tmp_path_factory):
    """Summary of a finished run of the tiny study."""
    return Run(tiny_config, tiny_store, tmp_path_factory.mktemp("finished")).execute()
