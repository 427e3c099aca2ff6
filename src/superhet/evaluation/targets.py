"""Targets: what signals are judged by. Forward returns of some horizons, sorted once for many signals.

A thousand signals ask the same questions of the same forward returns. They are computed and sorted here, and
kept: 12 bytes for each cell and horizon (float64 value, place in the order, rank), nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from superhet.errors import ConfigError
from superhet.evaluation.blocks import by_rows
from superhet.evaluation.entry_prices import Entry
from superhet.evaluation.forward_returns import Relative, forward_returns
from superhet.kernels.pair_ranks import Ranked, empty_ranked, rank_block, reals
from superhet.panel import Assets, Dates, Market, Panel, require_same_axes


@dataclass(frozen=True, eq=False, kw_only=True)
class Targets:
    """Forward returns of several horizons with their ranks; made by `build` or `of`.

    Parameters
    ----------
    forward : horizon -> [dates, assets], return stamped at the signal date
    ranks : horizon -> order and ranks of each date
    """

    forward: Mapping[int, Panel]
    ranks: Mapping[int, Ranked]

    @classmethod
    def build(
        cls,
        market: Market,
        *,
        horizons: Sequence[int],
        delay: int = 1,
        entry: Entry = "open",
        relative_to: Relative | None = None,
        complete: bool = False,
        threads: int | None = None,
    ) -> Targets:
        """Compute forward returns and sort them; `of` takes those made with other options.

        Parameters
        ----------
        market, delay, entry, relative_to : as in `forward_returns`
        horizons : sessions held, increasing
        complete, threads : as in `of`
        """
        horizons = _increasing(horizons)
        made = {
            h: forward_returns(market, horizon=h, delay=delay, entry=entry, relative_to=relative_to)
            for h in horizons
        }
        return cls.of(made, complete=complete, threads=threads)

    @classmethod
    def of(
        cls, forward: Mapping[int, Panel], *, complete: bool = False, threads: int | None = None
    ) -> Targets:
        """Sort forward returns that are known already.

        Parameters
        ----------
        forward : horizon -> [dates, assets], all on the same axes
        complete : whether an asset whose return over any one horizon is not known on a date is left out of
            all of them there, as alphalens does; else each horizon keeps what it knows
        threads : None takes all cores; the bytes are the same
        """
        _increasing(list(forward))
        first = next(iter(forward.values()))
        for panel in forward.values():
            require_same_axes(first, panel)
        if complete:
            whole = np.logical_and.reduce([~np.isnan(p.values) for p in forward.values()])
            forward = {
                h: p.with_values(np.where(whole, p.values, np.nan)) for h, p in forward.items()
            }
        ranks = {h: rank_panel(panel, threads) for h, panel in forward.items()}
        return cls(forward=dict(forward), ranks=ranks)

    @property
    def horizons(self) -> tuple[int, ...]:
        """Sessions held, increasing."""
        return tuple(self.forward)

    @property
    def dates(self) -> Dates:
        """The dates of the signals that can be judged."""
        return next(iter(self.forward.values())).dates

    @property
    def assets(self) -> Assets:
        """The assets."""
        return next(iter(self.forward.values())).assets

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        values = sum(p.values.nbytes for p in self.forward.values())
        return values + sum(part.nbytes for r in self.ranks.values() for part in r)

    def rows(self, key: slice | np.ndarray[Any, Any]) -> Targets:
        """Keep some dates, by position; nothing is sorted again."""
        return Targets(
            forward={h: p.rows(key) for h, p in self.forward.items()},
            ranks={h: r.rows(key) for h, r in self.ranks.items()},
        )

    def __repr__(self) -> str:
        return (
            f"Targets(horizons {list(self.horizons)}, dates {self.dates.describe()}, "
            f"assets {self.assets.describe()})"
        )


def rank_panel(panel: Panel, threads: int | None = 1) -> Ranked:
    """Sort each date of a panel once."""
    values, made = reals(panel.values), empty_ranked(panel.values.shape)
    by_rows(len(values), lambda rows: rank_block(values, made, rows), threads)
    return made.rows(slice(None))


def _increasing(horizons: Sequence[int]) -> Sequence[int]:
    if not horizons or any(b <= a for a, b in itertools.pairwise(horizons)):
        raise ConfigError("horizons", f"must be increasing and not empty (got {list(horizons)})")
    return horizons
