"""What the generator knows and nobody else may: true states, best estimates, and the forecasts they give.

Only tests, benchmarks and the oracle of the pipeline may read it. Kept as a folder of plain arrays
(`numpy` without pickle) beside one JSON file.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from superhet.data.sources.simulated.alphas import COMPONENTS, HALF_LIFE, PHI
from superhet.data.sources.simulated.recipe import Days, Floats, Singles
from superhet.errors import ConfigError, DataError, StoreTooNew

_FORMAT = 1
_FACTS = "truth.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class Truth:
    """The planted truth of one simulation.

    Parameters
    ----------
    dates, assets : axes, the same as those of the tables
    state : component (minute, daily, quarterly) -> [dates, assets], what the true state at the close of t
        adds to the drift of session t+1 (fraction; earned between the open and the close of t+1); NaN
        where the asset is not listed
    estimate : component -> [dates, assets], the best linear estimate of `state` from what is observable
    factor_returns : [dates, factors], fraction a session; factor_names : country, industries, styles
    regime : [dates], 0 bull, 1 bear, 2 calm
    seed : of the recipe
    """

    dates: Days
    assets: np.ndarray[tuple[int], np.dtype[np.str_]]
    state: dict[str, Singles]
    estimate: dict[str, Singles]
    factor_returns: Floats
    factor_names: tuple[str, ...]
    regime: np.ndarray[tuple[int], np.dtype[np.int64]]
    seed: int

    @property
    def half_life(self) -> dict[str, float]:
        """Half-life of each component, in sessions."""
        return {name: HALF_LIFE[name] for name in COMPONENTS}

    @property
    def phi(self) -> dict[str, float]:
        """What is left of each component after one session."""
        return {name: PHI[name] for name in COMPONENTS}

    def true_forecast(self, horizon: int, skip: int = 0, component: str | None = None) -> Floats:
        """Expect the specific drift of sessions t+1+skip … t+skip+horizon from the true states.

        Parameters
        ----------
        horizon : sessions added up, ≥ 1
        skip : sessions left out after t; 0 = bought at the next open
        component : one component alone; None = all

        Returns
        -------
        [dates, assets], fraction over the horizon
        """
        return self._forecast(self.state, horizon, skip, component)

    def best_forecast(self, horizon: int, skip: int = 0, component: str | None = None) -> Floats:
        """Expect the same from the best estimates of the states; parameters as `true_forecast`."""
        return self._forecast(self.estimate, horizon, skip, component)

    def _forecast(
        self, parts: dict[str, Singles], horizon: int, skip: int, component: str | None
    ) -> Floats:
        if horizon < 1 or skip < 0:
            raise ConfigError(
                "horizon", f"needs horizon >= 1 and skip >= 0 (got {horizon}, {skip})"
            )
        total = np.zeros((self.dates.size, self.assets.size))
        for name in COMPONENTS if component is None else (component,):
            phi = self.phi[name]
            total += parts[name] * (phi**skip * (1.0 - phi**horizon) / (1.0 - phi))
        return total

    def save(self, folder: str | Path) -> Path:
        """Write the folder aside, then put it in place of what was there."""
        target = Path(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            self._write(aside)
            if target.exists():
                shutil.rmtree(target)
            os.replace(aside, target)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        return target

    def _write(self, folder: Path) -> None:
        for kind, parts in (("state", self.state), ("estimate", self.estimate)):
            for name, values in parts.items():
                np.save(folder / f"{kind}-{name}.npy", values, allow_pickle=False)
        np.save(folder / "dates.npy", self.dates.astype("datetime64[D]"), allow_pickle=False)
        np.save(folder / "factor_returns.npy", self.factor_returns, allow_pickle=False)
        np.save(folder / "regime.npy", self.regime, allow_pickle=False)
        facts = {
            "format": _FORMAT,
            "seed": self.seed,
            "assets": self.assets.tolist(),
            "factor_names": list(self.factor_names),
        }
        (folder / _FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")


def load_truth(folder: str | Path) -> Truth:
    """Read a truth that was saved.

    Raises
    ------
    DataError
        if the folder holds none
    StoreTooNew
        if a later version wrote it
    """
    home = Path(folder)
    if not (home / _FACTS).is_file():
        raise DataError(
            "holds no truth. Only simulated markets have one; it is saved beside their store.",
            file=str(home),
        )
    facts = json.loads((home / _FACTS).read_text(encoding="utf-8"))
    if facts["format"] > _FORMAT:
        raise StoreTooNew(home, f"truth of format {facts['format']}; this version reads {_FORMAT}")

    def array(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.asarray(np.load(home / f"{name}.npy", allow_pickle=False))

    return Truth(
        dates=np.load(home / "dates.npy", allow_pickle=False),
        assets=np.array(facts["assets"]),
        state={name: array(f"state-{name}") for name in COMPONENTS},
        estimate={name: array(f"estimate-{name}") for name in COMPONENTS},
        factor_returns=np.load(home / "factor_returns.npy", allow_pickle=False),
        factor_names=tuple(facts["factor_names"]),
        regime=np.load(home / "regime.npy", allow_pickle=False),
        seed=int(facts["seed"]),
    )
