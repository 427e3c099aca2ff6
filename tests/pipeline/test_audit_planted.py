"""What is planted after a date, and in no way before it: a restatement, a new member, a revised release."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from superhet.data.asof import as_of
from superhet.data.base import MemoryTables
from superhet.pipeline import stages
from superhet.pipeline.audit import audit_dates, compare, walk
from superhet.pipeline.config import parse_config
from superhet.testing.studies import tiny_study


@pytest.fixture(scope="module")
def config(tiny_store):
    return parse_config(tiny_study(tiny_store.path, market={"universe": {"index": "SIM"}}))


@pytest.fixture(scope="module")
def honest(config, tiny_store):
    """The tables of the tiny market, one name taken out of its index; its market and its road."""
    frames = {name: tiny_store.read(name) for name in tiny_store.names()}
    outsider = frames["bars_1d"].group_by("asset").len().sort("len", "asset")["asset"][-1]
    frames["index_members"] = frames["index_members"].filter(pl.col("asset") != outsider)
    tables = MemoryTables(frames, "honest", {n: tiny_store.meta(n) for n in frames})
    market = stages.load(config, tables)
    return tables, market, walk(config, market)


@pytest.fixture(scope="module")
def cut(honest) -> date:
    """A session in the middle of what is out of sample."""
    return audit_dates(honest[2]["synthesis"]["super_factor"], 1)[0].item()


def restatement(tables: MemoryTables, day: date) -> pl.DataFrame:
    """The last report known on a day, announced again on that evening, ten times as large."""
    told = as_of(tables, "statements", day).sort("announce_date").tail(1)
    tenfold = [pl.col(n) * 10 for n, t in told.schema.items() if t == pl.Float64]
    return told.with_columns(*tenfold, revision=pl.col("revision") + 1, announce_date=pl.lit(day))


def new_member(tables: MemoryTables, day: date) -> pl.DataFrame:
    """Somebody outside the index who comes in on the day after a day."""
    inside = as_of(tables, "index_members", day)["asset"]
    names = as_of(tables, "bars_1d", day).filter(pl.col("date") == day)["asset"]
    outside = names.filter(~names.is_in(inside.implode())).head(1)
    assert len(outside)
    return pl.DataFrame(
        {
            "index": ["SIM"],
            "asset": outside,
            "start_date": [day + timedelta(days=1)],
            "end_date": [None],
        },
        schema_overrides={"end_date": pl.Date},
    )


def revision(tables: MemoryTables, day: date) -> pl.DataFrame:
    """The last release known on a day, revised on the day after."""
    told = as_of(tables, "macro", day).sort("release_date").tail(1)
    return told.with_columns(
        value=pl.col("value") * 10, release_date=pl.lit(day + timedelta(days=1))
    )


PLANTS = {"statements": restatement, "index_members": new_member, "macro": revision}


def planted(tables: MemoryTables, **rows: pl.DataFrame) -> MemoryTables:
    """Add rows to tables."""
    frames = {name: tables.read(name) for name in tables.names()}
    for name, more in rows.items():
        frames[name] = pl.concat([frames[name], more.select(frames[name].columns)])
    return MemoryTables(frames, "planted", {n: tables.meta(n) for n in frames})


def differences(config, honest, tables: MemoryTables, day: date) -> set[tuple[str, str]]:
    """Walk the road on other tables and name what differs up to a day."""
    _, market, road = honest
    other = stages.load(config, tables)
    found = compare(market, road, other, walk(config, other), np.datetime64(day), "planted")
    return {(leak.stage, leak.name) for leak in found}


def test_nothing_planted_after_a_day_is_seen_by_its_close(config, honest, cut) -> None:
    tables = honest[0]
    more = {name: plant(tables, cut) for name, plant in PLANTS.items()}
    changed = planted(tables, **more)
    assert differences(config, honest, changed, cut) == set()
    for name in PLANTS:
        assert as_of(changed, name, cut).equals(as_of(tables, name, cut))
        soon = cut + timedelta(days=5)
        assert not as_of(changed, name, soon).equals(as_of(tables, name, soon)), "seen then"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("statements", ("data", "statements")),
        ("index_members", ("data", "universe.member")),
        ("macro", ("data", "macro")),
    ],
)
def test_the_same_planted_a_week_early_is_named(config, honest, cut, table, named) -> None:
    tables = honest[0]
    early = PLANTS[table](tables, cut - timedelta(days=7))
    assert named in differences(config, honest, planted(tables, **{table: early}), cut)


def test_as_of_a_day_agrees_with_the_market_until_that_day(honest, cut) -> None:
    tables, market, _ = honest
    told = as_of(tables, "statements", cut)
    events = market.until(cut).table("statements")
    newest = {}
    for asset, period, profit in zip(
        events["asset"], events["report_date"], events["net_profit"], strict=True
    ):
        newest[market.assets.values[asset], period.astype("datetime64[D]").item()] = profit
    found = {(a, p): v for a, p, v in told.select("asset", "report_date", "net_profit").rows()}
    assert found.keys() == newest.keys()
    assert [found[k] for k in newest] == pytest.approx(list(newest.values()), nan_ok=True)
