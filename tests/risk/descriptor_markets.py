"""Markets with all that descriptors read: statements with debt and cash flow, estimates of brokers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from superhet.panel import Assets, Cube, Dates, Events, Market, Panel, Universe
from superhet.testing.markets import RandomMarket


def full_market(dates: int = 330, assets: int = 40, seed: int = 0) -> Market:
    """Make a random market on which every descriptor of CNE5 has data."""
    market = RandomMarket(dates=dates, assets=assets, seed=seed, bars=0).build()
    rng = np.random.default_rng(seed + 1)
    known = market.events["statements"]
    size = known.rows
    equity = known["equity"]
    debt = equity * rng.uniform(0.1, 2.0, size)
    columns = {
        **known.columns,
        "total_liabilities": debt,
        "total_assets": equity + debt,
        "long_term_debt": debt * rng.uniform(0.0, 0.6, size),
        "operating_cash_flow": known["net_profit"] * rng.uniform(0.5, 1.5, size),
    }
    basis = {**known.basis, "operating_cash_flow": "ytd"}
    statements = Events(name="statements", columns=columns, known_at=known.known_at, basis=basis)
    return replace(market, events={"statements": statements, "estimates": estimates(market, rng)})


def estimates(market: Market, rng: np.random.Generator) -> Events:
    """Make what two brokers expect of 2018 to 2023, whenever they like."""
    rows = 30 * len(market.assets)
    first, last = market.dates.days[0] - np.timedelta64(200, "D"), market.dates.days[-1]
    known = np.sort(first + rng.integers(0, int((last - first).astype(int)), rows))
    year = known.astype("datetime64[Y]").astype(int) + 1970 + rng.integers(0, 4, rows)
    ends = np.array([f"{y}-12-31" for y in year], dtype="datetime64[D]")
    return Events(
        name="estimates",
        columns={
            "asset": rng.integers(0, len(market.assets), rows),
            "report_date": ends,
            "revision": np.zeros(rows, dtype=np.int64),
            "broker": rng.choice(np.array(["one", "two"], dtype=object), rows),
            "net_profit": np.exp(rng.normal(17.0, 0.4, rows)),
        },
        known_at=known,
    )


def plain_market(
    fields: dict[str, np.ndarray],
    *,
    first: str = "2020-01-01",
    industry: np.ndarray | None = None,
    events: dict[str, Events] | None = None,
    estimable: np.ndarray | None = None,
) -> Market:
    """Make a market of hand-made fields [dates, assets] on consecutive days."""
    shape = next(iter(fields.values())).shape
    days = Dates(np.datetime64(first) + np.arange(shape[0]))
    names = Assets([f"a{i}" for i in range(shape[1])])

    def panel(values: np.ndarray, name: str, unit: str = "score", **more: object) -> Panel:
        return Panel(values=values, dates=days, assets=names, name=name, unit=unit, **more)

    there = panel(np.ones(shape, dtype=bool), "member", "flag")
    inside = there if estimable is None else panel(estimable, "estimable", "flag")
    groups = {}
    if industry is not None:
        labels = tuple(f"industry {i}" for i in range(int(industry.max()) + 1))
        groups["industry"] = panel(industry.astype(np.int32), "industry", "group", labels=labels)
    return Market(
        fields=Cube({n: panel(v, n) for n, v in fields.items()}),
        universe=Universe(member=there, tradable=there, estimable=inside, reasons={}),
        group_panels=groups,
        events=events or {},
    )


def told(rows: list[tuple[int, str, str, dict[str, float]]], **basis: str) -> Events:
    """Make statements of (asset, period, known at, numbers)."""
    rows = sorted(rows, key=lambda row: row[2])
    names = sorted({n for *_, numbers in rows for n in numbers})
    columns: dict[str, np.ndarray] = {
        "asset": np.array([r[0] for r in rows], dtype=np.int64),
        "report_date": np.array([r[1] for r in rows], dtype="datetime64[D]"),
        **{n: np.array([r[3].get(n, np.nan) for r in rows]) for n in names},
    }
    known = np.array([r[2] for r in rows], dtype="datetime64[D]")
    return Events(name="statements", columns=columns, known_at=known, basis=basis)
