"""Small random markets made directly from arrays: quick, seeded, and free of any planted alpha.

They have what real markets have and tests forget: holes (suspensions), late listings, an unknown
industry, adjust factors that jump. For planted truth use the simulated market of the data room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superhet.panel import Assets, Benchmark, Cube, Dates, Events, Market, Panel, Universe
from superhet.panel.panel import Array, Unit


@dataclass(frozen=True, kw_only=True)
class RandomMarket:
    """Recipe of a random market; `build()` makes it.

    Parameters
    ----------
    dates, assets : size
    seed : seed of the generator
    industries : number of industries
    holes : share of (date, asset) cells suspended
    bars : 15-minute bars a day; 0 leaves intraday data out
    """

    dates: int = 120
    assets: int = 60
    seed: int = 0
    industries: int = 5
    holes: float = 0.02
    bars: int = 16

    def build(self) -> Market:
        """Make the market."""
        rng = np.random.default_rng(self.seed)
        days = Dates(_weekdays(self.dates))
        names = Assets([f"{600000 + i:06d}.SH" for i in range(self.assets)])
        fields = self._fields(rng, days, names)
        listed = fields["listing_age"].values >= 0
        suspended = fields["suspended"].values
        flags = {
            "suspended": suspended,
            "new_listing": listed & (fields["listing_age"].values < 20),
        }
        tradable = listed & ~flags["suspended"] & ~flags["new_listing"]

        def flag(values: Array, name: str) -> Panel:
            return Panel(values=values, dates=days, assets=names, name=name, unit="flag")

        universe = Universe(
            member=flag(listed, "member"),
            tradable=flag(tradable, "tradable"),
            estimable=flag(tradable, "estimable"),
            reasons={n: flag(v, n) for n, v in flags.items()},
        )
        codes = np.tile(rng.integers(0, self.industries, self.assets), (self.dates, 1))
        codes[:, 0] = -1
        industry = Panel(
            values=codes.astype(np.int32),
            dates=days,
            assets=names,
            name="industry",
            unit="group",
            labels=tuple(f"industry {i}" for i in range(self.industries)),
        )
        cap = np.nan_to_num(fields["market_cap"].values)
        weights = Panel(
            values=cap / cap.sum(axis=1, keepdims=True),
            dates=days,
            assets=names,
            name="cap_weighted",
            unit="weight",
        )
        daily = np.nan_to_num(fields["returns"].values)
        previous = np.vstack([np.zeros(self.assets), weights.values[:-1]])
        return Market(
            fields=Cube(fields),
            universe=universe,
            group_panels={"industry": industry},
            intraday_cubes={"15min": self._intraday(rng, fields)} if self.bars else {},
            events={"statements": self._statements(rng, days)},
            benchmark=Benchmark(
                name="cap_weighted", returns=(previous * daily).sum(axis=1), weights=weights
            ),
            snapshot=f"random-{self.seed}",
        )

    def _fields(self, rng: np.random.Generator, days: Dates, names: Assets) -> dict[str, Panel]:
        shape = (self.dates, self.assets)
        returns = 0.02 * rng.standard_normal(shape)
        adjusted = 10.0 * np.exp(np.cumsum(returns, axis=0) + rng.normal(0, 0.5, self.assets))
        adjust_factor = np.cumprod(np.where(rng.random(shape) < 0.005, 1.1, 1.0), axis=0)
        raw = adjusted / adjust_factor
        start = np.where(rng.random(self.assets) < 0.1, rng.integers(1, self.dates // 2), 0)
        age = np.arange(self.dates)[:, None] - start[None, :] + np.where(start == 0, 500, 0)
        listed = age >= 0
        suspended = listed & (rng.random(shape) < self.holes)
        traded = listed & ~suspended
        opened = raw * np.exp(0.005 * rng.standard_normal(shape))
        spread = np.exp(np.abs(0.008 * rng.standard_normal(shape)))
        high, low = np.maximum(opened, raw) * spread, np.minimum(opened, raw) / spread
        shares = np.tile(np.exp(rng.normal(18.0, 1.0, self.assets)), (self.dates, 1))
        volume = shares * 0.01 * np.exp(0.5 * rng.standard_normal(shape))
        amount = volume * (high + low + raw) / 3
        carried = _carry(np.where(traded, adjusted, np.nan))
        total = np.full(shape, np.nan)
        total[1:] = carried[1:] / carried[:-1] - 1.0
        previous = np.full(shape, np.nan)
        previous[1:] = _carry(np.where(traded, raw, np.nan))[:-1]
        previous[1:] *= adjust_factor[:-1] / adjust_factor[1:]

        def panel(name: str, values: Array, unit: Unit, mask: Array | None = None) -> Panel:
            kept = values if mask is None else np.where(mask, values, np.nan)
            return Panel(values=kept, dates=days, assets=names, name=name, unit=unit)

        fields = {
            "open": panel("open", opened, "price", traded),
            "high": panel("high", high, "price", traded),
            "low": panel("low", low, "price", traded),
            "close": panel("close", raw, "price", traded),
            "vwap": panel("vwap", amount / volume, "price", traded),
            "volume": panel("volume", volume, "shares", traded),
            "amount": panel("amount", amount, "currency", traded),
            "adjust_factor": panel("adjust_factor", adjust_factor, "ratio", listed),
            "total_shares": panel("total_shares", shares, "shares", listed),
            "float_shares": panel("float_shares", 0.7 * shares, "shares", listed),
            "turnover": panel("turnover", volume / (0.7 * shares), "ratio", traded),
            "market_cap": panel(
                "market_cap", _carry(np.where(traded, raw, np.nan)) * shares, "currency", listed
            ),
            "previous_close": panel("previous_close", previous, "price", listed),
            "limit_up": panel("limit_up", np.round(previous * 1.1, 2), "price", listed),
            "limit_down": panel("limit_down", np.round(previous * 0.9, 2), "price", listed),
            "returns": panel("returns", total, "return", listed),
            "suspended": panel("suspended", suspended, "flag"),
            "is_st": panel("is_st", np.zeros(shape, dtype=bool), "flag"),
            "listing_age": panel("listing_age", np.where(listed, age, -1.0), "count"),
        }
        for name in ("open", "high", "low", "close", "vwap"):
            fields[f"adjusted_{name}"] = panel(
                f"adjusted_{name}", fields[name].values * adjust_factor, "price"
            )
        return fields

    def _intraday(self, rng: np.random.Generator, fields: dict[str, Panel]) -> Cube:
        close, opened = fields["close"], fields["open"]
        steps = np.linspace(0.0, 1.0, self.bars + 1)
        days, shape = close.dates, (self.dates * self.bars, self.assets)
        path = (
            opened.values[:, None, :] * (1 - steps)[None, :, None]
            + close.values[:, None, :] * steps[None, :, None]
        )
        noise = 1.0 + 0.001 * rng.standard_normal(path.shape)
        noise[:, [0, -1]] = 1.0
        path = path * noise
        first, last = path[:, :-1].reshape(shape), path[:, 1:].reshape(shape)
        share = np.exp(0.5 * rng.standard_normal((self.dates, self.bars, self.assets)))
        share /= share.sum(axis=1, keepdims=True)
        volume = (fields["volume"].values[:, None, :] * share).reshape(shape)
        morning = np.datetime64("1970-01-01T09:30:00") + np.arange(1, 9) * np.timedelta64(900, "s")
        afternoon = np.datetime64("1970-01-01T13:00:00") + np.arange(1, 9) * np.timedelta64(
            900, "s"
        )
        clock = (np.concatenate([morning, afternoon]) - np.datetime64("1970-01-01"))[: self.bars]
        stamps = Dates((days.values.astype("datetime64[s]")[:, None] + clock[None, :]).ravel())

        def panel(name: str, values: Array, unit: Unit) -> Panel:
            return Panel(
                values=values,
                dates=stamps,
                assets=close.assets,
                name=name,
                unit=unit,
                frequency="15min",
            )

        return Cube(
            {
                "open": panel("open", first, "price"),
                "high": panel("high", np.maximum(first, last) * 1.0005, "price"),
                "low": panel("low", np.minimum(first, last) * 0.9995, "price"),
                "close": panel("close", last, "price"),
                "volume": panel("volume", volume, "shares"),
                "amount": panel("amount", volume * (first + last) / 2, "currency"),
            }
        )

    def _statements(self, rng: np.random.Generator, days: Dates) -> Events:
        quarters = np.arange("2017-03", "2021-06", 3, dtype="datetime64[M]")
        ends = (quarters + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        asset = np.repeat(np.arange(self.assets), ends.size)
        report = np.tile(ends, self.assets)
        announced = report + rng.integers(15, 85, report.size).astype("timedelta64[D]")
        single = np.exp(rng.normal(16.0, 0.3, (self.assets, ends.size)))
        month = (ends.astype("datetime64[M]").astype(int) % 12 + 1) // 3
        cumulative = np.empty_like(single)
        for k, quarter in enumerate(month):
            cumulative[:, k] = single[:, k] + (cumulative[:, k - 1] if quarter > 1 and k else 0.0)
        order = np.argsort(announced, kind="stable")
        columns: dict[str, Array] = {
            "asset": asset[order],
            "report_date": report[order],
            "net_profit": cumulative.ravel()[order],
            "revenue": 10.0 * cumulative.ravel()[order],
            "equity": np.exp(rng.normal(19.0, 0.2, report.size))[order],
        }
        return Events(
            name="statements",
            columns=columns,
            known_at=announced[order],
            basis={"net_profit": "ytd", "revenue": "ytd", "equity": "level"},
        )


def random_market(dates: int = 120, assets: int = 60, seed: int = 0) -> Market:
    """Make a random market of the given size, with 15-minute bars and statements."""
    return RandomMarket(dates=dates, assets=assets, seed=seed).build()


def _weekdays(count: int) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    days = np.arange(np.datetime64("2019-01-01"), np.datetime64("2019-01-01") + 2 * count + 10)
    return np.asarray(days[np.is_busday(days)][:count])


def _carry(values: Array) -> Array:
    row = np.where(np.isnan(values), -1, np.arange(len(values))[:, None])
    last = np.maximum.accumulate(row, axis=0)
    carried = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, carried, np.nan)
