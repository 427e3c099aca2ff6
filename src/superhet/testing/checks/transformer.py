"""The battery of transformers: what every implementation must do, ours or a stranger's.

1. it keeps the axes, and says nothing of non-members        -> _keeps_axes
2. what is not known stays unknown, except in a fill         -> _keeps_unknown
3. the same data give the same bits, and no input changes    -> _is_deterministic
4. the order of the assets does not matter                   -> _ignores_asset_order
5. noise after *t*, or nothing after *t*: not a bit changes up to *t*, in signal, fields, groups and
   universe                                                  -> _does_not_look_ahead
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.panel import Assets, Cube, Market, Panel, Universe
from superhet.preprocess import Transformer

_TOLERANCE = 1e-10
_CUTS = (0.3, 0.6, 0.9)

Change = Callable[[Panel], Panel]


def check_transformer(
    transformer: Transformer,
    market: Market,
    *,
    signal: Panel | None = None,
    fills: bool = False,
    seed: int = 0,
) -> None:
    """Run the whole battery; raises AssertionError with the reason at the first failure.

    Parameters
    ----------
    transformer : with `min_names` low enough for the market
    market : daily, at least 10 dates
    signal : on the market's axes; None makes a random one with outliers and holes
    fills : the transformer may give values where none were known
    seed : of the random signal and of the noise
    """
    rng = np.random.default_rng(seed)
    signal = random_signal(market, rng) if signal is None else signal
    found = transformer.transform(signal, market)
    assert found.known().any(), "nothing is known of the transformed signal"
    _keeps_axes(found, signal, market)
    if not fills:
        _keeps_unknown(found, signal)
    _is_deterministic(transformer, signal, market, found)
    _ignores_asset_order(transformer, signal, market, found, rng)
    for share in _CUTS:
        _does_not_look_ahead(transformer, signal, market, found, share, rng)


def random_signal(market: Market, rng: np.random.Generator) -> Panel:
    """Make heavy-tailed noise with holes, ties and a late start."""
    shape = (len(market.dates), len(market.assets))
    values = rng.standard_t(3, shape)
    values = np.where(rng.random(shape) < 0.2, np.round(values), values)
    values[rng.random(shape) < 0.08] = np.nan
    values[:2] = np.nan
    return Panel(values=values, dates=market.dates, assets=market.assets, name="random signal")


def _keeps_axes(found: Panel, signal: Panel, market: Market) -> None:
    assert found.dates == signal.dates, "the dates have changed"
    assert found.assets == signal.assets, "the assets have changed"
    stranger = found.known() & ~market.universe.member.values
    assert not stranger.any(), f"{int(stranger.sum())} cells of non-members have a value"


def _keeps_unknown(found: Panel, signal: Panel) -> None:
    invented = found.known() & ~signal.known()
    assert not invented.any(), f"{int(invented.sum())} unknown cells were given a value"


def _is_deterministic(
    transformer: Transformer, signal: Panel, market: Market, found: Panel
) -> None:
    before = signal.fingerprint()
    again = transformer.transform(signal, market)
    assert again.fingerprint() == found.fingerprint(), "two runs on the same data differ"
    assert signal.fingerprint() == before, "the signal given in was changed"


def _ignores_asset_order(
    transformer: Transformer,
    signal: Panel,
    market: Market,
    found: Panel,
    rng: np.random.Generator,
) -> None:
    order = rng.permutation(len(market.assets))
    assets = Assets([market.assets.values[i] for i in order])

    def turn(panel: Panel) -> Panel:
        return replace(panel, values=panel.values[:, order], assets=assets)

    turned = transformer.transform(turn(signal), changed_market(market, turn)).values
    wanted = found.values[:, order]
    assert np.array_equal(np.isnan(turned), np.isnan(wanted)), "asset order decides who is known"
    off = float(np.nanmax(np.abs(turned - wanted), initial=0.0))
    assert off <= _TOLERANCE * float(np.nanmax(np.abs(wanted), initial=1.0)), (
        f"asset order changes values by up to {off:.2e}"
    )


def _does_not_look_ahead(
    transformer: Transformer,
    signal: Panel,
    market: Market,
    found: Panel,
    share: float,
    rng: np.random.Generator,
) -> None:
    last = int(len(market.dates) * share)
    date = market.dates.values[last]
    wanted = found.values[: last + 1].tobytes()
    cut = transformer.transform(signal.until(date), market.until(date)).values
    assert cut.tobytes() == wanted, f"values up to {date} change when nothing follows"

    def scramble(panel: Panel) -> Panel:
        return panel.with_values(_noise_after(panel.values, last, rng))

    noisy = transformer.transform(scramble(signal), changed_market(market, scramble)).values
    assert noisy[: last + 1].tobytes() == wanted, f"values up to {date} change with later data"


def _noise_after(values: npt.NDArray[Any], last: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Shuffle the assets of all later rows, and multiply numbers by noise."""
    out = np.array(values)
    order = rng.permutation(values.shape[1])
    out[last + 1 :] = out[last + 1 :][:, order]
    if out.dtype.kind == "f":
        out[last + 1 :] *= np.exp(rng.standard_normal(out[last + 1 :].shape))
    return out


def changed_market(market: Market, change: Change) -> Market:
    """Apply one change to every daily panel; intraday bars, events and benchmark are left out."""
    universe = market.universe
    return replace(
        market,
        fields=Cube({name: change(panel) for name, panel in market.fields.items()}),
        universe=Universe(
            member=change(universe.member),
            tradable=change(universe.tradable),
            estimable=change(universe.estimable),
            reasons={name: change(panel) for name, panel in universe.reasons.items()},
        ),
        group_panels={name: change(panel) for name, panel in market.group_panels.items()},
        intraday_cubes={},
        events={},
        benchmark=None,
    )
