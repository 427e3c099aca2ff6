"""Simulate: a recipe -> a store with its truth beside it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

from superhet.data.sources.simulated import SimulatedMarket, simulate
from superhet.data.store import Store
from superhet.pipeline.artifacts import write_json
from superhet.pipeline.build import build
from superhet.progress import Progress, silent

_RECIPE = "recipe.json"


def simulated_store(path: Path, recipe: SimulatedMarket, progress: Progress = silent) -> Store:
    """Make a store of a simulated market; it appears whole or not at all."""
    aside = path.with_name(f".{path.name}.making")
    if aside.exists():
        shutil.rmtree(aside)
    made = simulate(recipe, progress)
    progress(0, 1, "writing the store")
    store = Store.create(aside)
    store.write(made.tables, source="simulated", meta=made.meta)
    folder = store.extra_folder("truth")
    made.truth.save(folder)
    write_json(folder / _RECIPE, dataclasses.asdict(recipe))
    aside.rename(path)
    return Store.open(path)


def simulation_of(store: Store) -> SimulatedMarket | None:
    """Give the recipe of a simulated store, or None."""
    file = store.extra_folder("truth") / _RECIPE
    if not file.exists():
        return None
    return build(SimulatedMarket, json.loads(file.read_text(encoding="utf-8")), "recipe")
