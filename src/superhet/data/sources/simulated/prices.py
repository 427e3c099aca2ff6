"""From returns to prices and volumes, session by session, under the rules of the exchanges.

1. dividends and splits that are due move the adjust factor and the reference price   -> _go_ex
2. limits stand around the reference price, in whole fen                              -> _limits
3. open, close, high and low in whole fen; what a limit cuts off comes back in the
   next open; a gap beyond the limit that stays there locks the session               -> _quote
4. turnover = usual level + day of the market + slow drift + what the daily state shows  -> _lots

The hidden price is continuous; its rounding to fen does not add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from superhet.data.sources.simulated.alphas import REVERSAL, VOLUME_LOADING, innovation_variance
from superhet.data.sources.simulated.lifecycle import Lifecycle, Payouts
from superhet.data.sources.simulated.recipe import (
    Flags,
    Floats,
    Integers,
    SimulatedMarket,
    Singles,
    Ticks,
)
from superhet.data.sources.simulated.returns import ReturnModel, Shock
from superhet.data.sources.simulated.structure import BOARDS, Structure
from superhet.data.sources.simulated.styles import StyleModel

MINIMUM_LOTS = 32
LOT = 100
_FREE_SESSIONS = np.array([1, 5, 5, 1])  # main, chinext, star, bse
_PERCENT = np.array([10, 20, 20, 30])
_SPECIAL_PERCENT = 5
_LOCKED_VOLUME = 0.03
_LEAST_PRICE = 30.0
_OTHER_VARIANCE = REVERSAL**2 * innovation_variance("daily") + 0.012**2  # reversal, factors
_DAY_DECAY = 2.0 ** (-1.0 / 5.0)
_DRIFT_DECAY = 2.0 ** (-1.0 / 250.0)
_DAY_DEVIATION, _DRIFT_DEVIATION = 0.25, 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class Paths:
    """All sessions, [dates, assets]; prices in fen, carried over days without trade.

    Parameters
    ----------
    open, high, low, close : fen
    limit_up, limit_down : fen; 0 = no limit
    lots : traded lots of 100 shares
    adjust, float_shares, total_shares : cumulative factor, shares
    returns : simple total return of the session; 0 on days without trade and on the first listed day
    specific, variance : specific return, and the known variance of its shock
    free, open_all_day : traded without being cut by a limit; traded and not locked
    factors : [dates, factors], factor returns
    """

    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    limit_up: Ticks
    limit_down: Ticks
    lots: Integers
    adjust: Floats
    float_shares: Floats
    total_shares: Floats
    returns: Singles
    specific: Singles
    variance: Singles
    free: Flags
    open_all_day: Flags
    factors: Floats

    @classmethod
    def empty(cls, shape: tuple[int, int], factors: int) -> Paths:
        """Make room."""
        kinds = {
            "lots": np.int64,
            "free": np.bool_,
            "open_all_day": np.bool_,
            **dict.fromkeys(("open", "high", "low", "close", "limit_up", "limit_down"), np.int32),
            **dict.fromkeys(("adjust", "float_shares", "total_shares"), np.float64),
            **dict.fromkeys(("returns", "specific", "variance"), np.float32),
        }
        arrays: dict[str, Any] = {name: np.zeros(shape, dtype=kind) for name, kind in kinds.items()}
        return cls(**arrays, factors=np.zeros((shape[0], factors)))


class Exchange:
    """Walks through the sessions and writes them down.

    Parameters
    ----------
    recipe, structure, life, payouts : what has been drawn before
    seen_volume : [dates, assets], the daily state seen through the noise of volume
    """

    def __init__(
        self,
        recipe: SimulatedMarket,
        structure: Structure,
        life: Lifecycle,
        payouts: dict[int, Payouts],
        seen_volume: Singles,
    ) -> None:
        n = structure.count
        self._structure, self._life, self._payouts = structure, life, payouts
        self._seen_volume = seen_volume
        self._range_stream = recipe.stream("ranges")
        self._turnover_stream = recipe.stream("turnover")
        self._hidden = structure.price * 100.0
        self._last = np.round(self._hidden)
        self._spill = np.zeros(n)
        self._adjust = np.ones(n)
        self._shares = np.stack([structure.float_shares, structure.total_shares])
        self._due = np.stack([np.zeros(n), np.ones(n)])
        self._day = 0.0
        self._drift = self._turnover_stream.standard_normal(n)

    @property
    def cap(self) -> Floats:
        """Market cap at the last close."""
        return np.asarray(self._last * 0.01 * self._shares[1])

    def trade(self, t: int, shock: Shock, paths: Paths) -> None:
        """Hold session `t` and write it into `paths`."""
        traded = self._life.traded[t]
        before = self._last
        ratio = self._go_ex(t, traded)
        up, down = self._limits(t, before, ratio)
        prices, cut, locked = self._quote(shock, traded, up, down)
        paths.open[t], paths.high[t], paths.low[t], paths.close[t] = prices
        paths.limit_up[t], paths.limit_down[t] = np.where(up > 0, up, 0), np.where(up > 0, down, 0)
        paths.lots[t] = self._lots(t, locked)
        paths.adjust[t] = self._adjust
        paths.float_shares[t], paths.total_shares[t] = self._shares
        paths.returns[t] = np.where(self.returned(t), prices[3] / (before * ratio) - 1.0, 0.0)
        paths.specific[t], paths.variance[t] = shock.specific, shock.variance
        paths.free[t], paths.open_all_day[t] = traded & ~cut, traded & ~locked
        paths.factors[t] = shock.factors

    def returned(self, t: int) -> Flags:
        """Say who traded on session `t` and had a close before: whose return is known."""
        return np.asarray(self._life.traded[t] & (self._structure.listed < t))

    def _go_ex(self, t: int, traded: Flags) -> Floats:
        """Let what is due happen on days of trade; give reference price / last close."""
        if t in self._payouts:
            due = self._payouts[t]
            self._due[0, due.asset], self._due[1, due.asset] = due.dividend, due.split
        goes = traded & (self._structure.listed < t) & ((self._due[0] > 0) | (self._due[1] > 1))
        split = np.where(goes & (self._last > 800), self._due[1], 1.0)
        dividend = np.where(goes, np.round(self._last * self._due[0]), 0.0)
        new = np.where(
            goes, self._adjust * self._last * split / (self._last - dividend), self._adjust
        )
        ratio = self._adjust / new
        self._shares = self._shares * split
        self._hidden = self._hidden * ratio
        self._adjust = new
        self._due[0, goes], self._due[1, goes] = 0.0, 1.0
        return ratio

    def _limits(self, t: int, before: Floats, ratio: Floats) -> tuple[Floats, Floats]:
        """Compute limit prices in fen; 0 where there is none."""
        board = self._structure.board
        special = self._life.special[t] & (board == BOARDS.index("main"))
        percent = np.where(special, _SPECIAL_PERCENT, _PERCENT[board])
        reference = np.floor(np.round(before * ratio, 6) + 0.5)
        up = np.floor(reference * (100 + percent) / 100 + 0.5)
        down = np.floor(reference * (100 - percent) / 100 + 0.5)
        age = np.where(self._structure.listed == 0, 1000, t - self._structure.listed)
        none = age < _FREE_SESSIONS[board]
        up, down = np.maximum(up, reference + 1), np.maximum(np.minimum(down, reference - 1), 1)
        return np.where(none, 0.0, up), np.where(none, 0.0, down)

    def _quote(
        self, shock: Shock, traded: Flags, up: Floats, down: Floats
    ) -> tuple[tuple[Floats, Floats, Floats, Floats], Flags, Flags]:
        """Quote open, high, low, close; say who was cut by a limit, and who was locked."""
        opened = self._hidden * (1.0 + shock.overnight) * np.exp(self._spill)
        closed = np.maximum(opened * (1.0 + shock.intraday), _LEAST_PRICE)
        bounded = up > 0
        ceiling, floor = np.where(bounded, up, np.inf), np.where(bounded, down, 1.0)
        first: Floats = np.clip(np.round(opened), floor, ceiling)
        last: Floats = np.clip(np.round(closed), floor, ceiling)
        cut = bounded & ((closed > ceiling) | (closed < floor))
        locked = (first == last) & ((last == ceiling) | (last == floor)) & bounded
        high, low = self._range(first, last, shock.deviation)
        high = np.where(locked, last, np.minimum(high, ceiling))
        low = np.where(locked, last, np.maximum(low, floor))
        settled = np.where(cut, np.clip(closed, floor, ceiling), closed)
        spill = np.clip(np.log(closed / settled), -0.4, 0.4)
        self._spill = np.where(traded, spill, self._spill)
        self._hidden = np.where(traded, settled, self._hidden)
        held = self._last
        self._last = np.where(traded, last, held)
        quoted = tuple(np.where(traded, p, held) for p in (first, high, low, last))
        return quoted, cut, locked & traded  # type: ignore[return-value]  # four by construction

    def _range(self, first: Floats, last: Floats, deviation: Floats) -> tuple[Floats, Floats]:
        """Draw high and low: the extremes of a Brownian bridge from open to close."""
        chance = 1.0 - self._range_stream.random((2, first.size))
        a, b = np.log(first), np.log(last)
        reach = (b - a) ** 2 - 2.0 * (0.84 * deviation**2 + _OTHER_VARIANCE) * np.log(chance)
        high = np.exp(0.5 * (a + b + np.sqrt(reach[0])))
        low = np.exp(0.5 * (a + b - np.sqrt(reach[1])))
        high = np.maximum(np.round(high), np.maximum(first, last))
        low = np.minimum(np.maximum(np.round(low), 1.0), np.minimum(first, last))
        return high, low

    def _lots(self, t: int, locked: Flags) -> Floats:
        draws = self._turnover_stream.standard_normal(self._drift.size + 1)
        self._day = _DAY_DECAY * self._day + np.sqrt(1.0 - _DAY_DECAY**2) * draws[0]
        self._drift = _DRIFT_DECAY * self._drift + np.sqrt(1.0 - _DRIFT_DECAY**2) * draws[1:]
        usual = self._structure.turnover + _DAY_DEVIATION * self._day
        logs = usual + _DRIFT_DEVIATION * self._drift + VOLUME_LOADING * self._seen_volume[t]
        lots = np.exp(logs) * self._shares[0] / LOT * np.where(locked, _LOCKED_VOLUME, 1.0)
        return np.asarray(np.maximum(np.round(lots), MINIMUM_LOTS), dtype=np.float64)


def walk(
    exchange: Exchange,
    returns: ReturnModel,
    styles: StyleModel,
    size: Singles,
    paths: Paths,
    listed: Flags,
    known: list[list[tuple[int, Integers]]],
) -> None:
    """Hold all sessions and write them into `paths`.

    Parameters
    ----------
    size : [dates, assets], filled with the size exposure at each close
    listed : [dates, assets]
    known : [dates], the statements that become known on each session
    """
    exposures = styles.exposures(exchange.cap, listed[0])
    for t in range(listed.shape[0]):
        shock = returns.draw(t, exposures)
        exchange.trade(t, shock, paths)
        styles.learn(known[t], paths.returns[t].astype(np.float64), exchange.returned(t))
        exposures = styles.exposures(exchange.cap, listed[t])
        size[t] = exposures[0]
