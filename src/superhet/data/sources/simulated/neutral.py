"""Take industry means and size out of a cross-section.

The planted drift is specific: it has no industry mean and no slope on size at the close at which it is known.
The projection is linear and public, so the best estimate of the projected state is the projected
estimate, and whoever neutralises his signal loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.data.sources.simulated.recipe import Flags, Floats, Integers, Singles
from superhet.data.sources.simulated.structure import Structure


@dataclass(frozen=True, eq=False, kw_only=True)
class Neutralizer:
    """Knows industries, sizes and who is listed at each close.

    Parameters
    ----------
    structure : industries and the sessions on which assets move between them
    listed : [dates, assets]
    size : [dates, assets], size exposure at each close
    industries : number of industries
    """

    structure: Structure
    listed: Flags
    size: Singles
    industries: int

    def residual(self, t: int, values: npt.NDArray[np.floating]) -> Floats:
        """Give the residuals at the close of session `t`, [rows, assets]; 0 where not listed."""
        inside, size = self.listed[t], self.size[t].astype(np.float64)
        members = self._members(t) & inside
        count = np.maximum(members.sum(axis=1), 1)
        weight = members.astype(np.float64)
        rows = np.vstack([values, size[None, :]]) * inside
        rows = (rows - (rows @ weight.T / count) @ weight) * inside
        own, against = rows[:-1], rows[-1]
        slope = own @ against / max(float(against @ against), 1e-12)
        return np.asarray(own - slope[:, None] * against)

    def _members(self, t: int) -> Flags:
        return np.asarray(
            industries_at(self.structure, t)[None, :] == np.arange(self.industries)[:, None]
        )


def industries_at(structure: Structure, t: int) -> Integers:
    """Give the industry of each asset on session `t`."""
    return np.where(structure.moves <= t, structure.next_industry, structure.industry)
