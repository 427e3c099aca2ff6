"""How much of the best reachable forecast the quickstart's super-factor finds, seed by seed.

Simulates a market for each seed, walks the road of ``examples/quickstart.yaml`` and prints the share of the
oracle, the RankIC of the super-factor and of each single frequency; then the same with the planted alphas
switched off, where the RankIC must be zero within its interval.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

SEEDS = (7, 1, 2, 3, 4)
STUDY = Path(__file__).parents[1] / "examples" / "quickstart.yaml"


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each seed, with the alphas and without."""
    seeds = SEEDS[:2] if small else SEEDS
    return [one(seed, scale) for scale in (1.0, 0.0) for seed in seeds]


def one(seed: int, scale: float) -> dict[str, Any]:
    """Walk the road on one simulated market."""
    from benchmarks.road import measured
    from superhet.data.sources.simulated import SimulatedMarket
    from superhet.evaluation import information
    from superhet.pipeline import stages
    from superhet.pipeline.config import load_config
    from superhet.pipeline.oracle import oracle_share
    from superhet.pipeline.simulate import simulated_store

    with tempfile.TemporaryDirectory() as scratch:
        store = simulated_store(
            Path(scratch) / "store", SimulatedMarket(seed=seed, alpha_scale=scale)
        )
        overrides = [f"market.store={store.path}", "market.simulate=null", "synthesis.compare=[]"]
        config = load_config(STUDY, overrides)
        wall, cpu = time.perf_counter(), time.process_time()
        market = stages.load(config, store)
        clean = stages.mix_and_clean(config, market, stages.compute_signals(config, market))
        found = stages.synthesize(config, market, clean)
        section, target = config.synthesis.target, found["target"]
        rank = information(found["super_factor"], target, section.horizon).rank
        oracle = oracle_share(store, section, found["super_factor"], target) or {}
        alone = {
            name: information(panel, target, section.horizon).rank.mean
            for name, panel in found["subsets"].items()
        }
    share = f"share {oracle['oracle_share']:.3f}" if oracle else "no alpha"
    work = f"seed {seed}: {share}, RankIC {rank.mean:+.4f} [{rank.low:+.4f}, {rank.high:+.4f}]"
    return {**measured(work, wall, cpu), "rank_ic": rank.mean, "alone": alone, **oracle}
