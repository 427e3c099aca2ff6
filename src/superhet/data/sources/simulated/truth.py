"""What the generator knows and nobody else may: true states, best estimates, and the forecasts they give.

Only tests, benchmarks and the oracle of the pipeline may read it. Kept as a folder of plain arrays
(`numpy` without pickle) beside one JSON file.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from superhet.data.sources.simulated.alphas import COMPONENTS, HALF_LIFE
from superhet.data.sources.simulated.recipe import Days, Floats, Singles
from superhet.errors import ConfigError, DataError, StoreError, StoreTooNew

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
    half_life : component -> sessions until half of it is left
    """

    dates: Days
    assets: np.ndarray[tuple[int], np.dtype[np.str_]]
    state: dict[str, Singles]
    estimate: dict[str, Singles]
    factor_returns: Floats
    factor_names: tuple[str, ...]
    regime: np.ndarray[tuple[int], np.dtype[np.int64]]
    seed: int
    half_life: dict[str, float] = field(
        default_factory=lambda: {name: HALF_LIFE[name] for name in COMPONENTS}
    )

    @property
    def phi(self) -> dict[str, float]:
        """What is left of each component after one session."""
        return {name: 2.0 ** (-1.0 / life) for name, life in self.half_life.items()}

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
        for name in self.half_life if component is None else (component,):
            phi = self.phi[name]
            total += parts[name].astype(np.float64) * (
                phi**skip * (1.0 - phi**horizon) / (1.0 - phi)
            )
        return total

    def save(self, folder: str | Path) -> Path:
        """Write the folder aside, then put it in place of the truth that was there.

        Raises
        ------
        StoreError
            if the folder holds something else
        """
        target = Path(folder)
        if target.exists() and any(target.iterdir()) and not (target / _FACTS).is_file():
            raise StoreError(target, "holds something else than a truth. Choose another folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as aside:
            fresh, old = Path(aside) / "new", Path(aside) / "old"
            fresh.mkdir()
            self._write(fresh)
            if target.exists():
                target.rename(old)
            fresh.rename(target)
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
            "half_life": self.half_life,
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
        state={name: array(f"state-{name}") for name in facts["half_life"]},
        estimate={name: array(f"estimate-{name}") for name in facts["half_life"]},
        factor_returns=np.load(home / "factor_returns.npy", allow_pickle=False),
        factor_names=tuple(facts["factor_names"]),
        regime=np.load(home / "regime.npy", allow_pickle=False),
        seed=int(facts["seed"]),
        half_life=facts["half_life"],
    )
