"""Audit: prove that no output used the future.

For several dates *t* the whole road is walked again on data whose rows after *t* are noise, and once
more on data that end at *t*. Whatever a stage gives up to *t* must stay the same, bit for bit; after
threaded linear algebra, to 1e-12 of its scale.

1. choose dates inside the out-of-sample range            -> audit_dates
2. replace the future                                     -> perturb.OtherFuture
3. walk the road                                          -> walk
4. compare each stage, field by field, up to t            -> compare
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt

from superhet.data.base import Tables
from superhet.panel import Assets, BacktestResult, Cube, Events, Market, Panel, reindex
from superhet.pipeline import stages
from superhet.pipeline.config import Config
from superhet.pipeline.perturb import OtherFuture
from superhet.pipeline.sections import AuditSection
from superhet.pipeline.stages import Values
from superhet.progress import Progress, silent

STAGES = ("data", "risk", "signals", "clean", "synthesis", "portfolio", "backtest")
_EXACT = {"data", "risk", "signals"}  # no threaded linear algebra before cleaning
_APART = {
    "data",
    "risk",
}  # what the signals inherit of the data is named; of the risk model, nothing
_TOLERANCE = 1e-12

Named: TypeAlias = "tuple[str, npt.NDArray[np.datetime64], npt.NDArray[Any]]"


@dataclass(frozen=True, kw_only=True)
class Leak:
    """An output that changed when only the future did.

    Parameters
    ----------
    stage, name : where, and which signal or field
    first_date : first date at or before the cut on which it changed
    cut : the date after which the data were replaced
    future : "noise" or "nothing"
    """

    stage: str
    name: str
    first_date: str
    cut: str
    future: str


def audit(config: Config, tables: Tables, progress: Progress = silent) -> Values:
    """Walk the road on the real data, then audit it.

    Returns
    -------
    `verdict` ("pass" or "leak"), `leaks`, `dates_checked`
    """
    market = stages.load(config, tables, progress)
    values = {**risk_model(config, tables, progress), **walk(config, market, progress)}
    return audit_values(config, tables, market, values, progress)


def audit_values(
    config: Config,
    tables: Tables,
    market: Market,
    values: Mapping[str, Values],
    progress: Progress = silent,
) -> Values:
    """Audit the values of a finished road."""
    section = config.audit or AuditSection()
    main_road = replace(config, synthesis=replace(config.synthesis, subsets=False, compare=()))
    cuts = audit_dates(values["synthesis"]["super_factor"], section.dates)
    leaks: dict[tuple[str, str], Leak] = {}
    futures: tuple[Literal["nothing", "noise"], ...] = ("nothing", "noise")
    for step, cut in enumerate(cuts):
        for future in futures:
            label = f"audit: {future} after {cut}"
            progress(2 * step + futures.index(future), 2 * len(cuts), label)
            other = OtherFuture(
                tables=tables,
                date=cut,
                mode=future,
                last=_beyond(market, cut, section.beyond),
                seed=config.seed,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what noise does to data, nobody wants to hear
                changed_market = stages.load(main_road, other)
                road = walk(main_road, changed_market)
                changed = {**risk_model(config, other, until=cut), **road}
            for leak in compare(market, values, changed_market, changed, cut, future):
                leaks.setdefault((leak.stage, leak.name), leak)
    found = [asdict(leak) for leak in leaks.values()]
    return {
        "verdict": "leak" if found else "pass",
        "leaks": found,
        "dates_checked": [str(cut) for cut in cuts],
    }


def risk_model(
    config: Config, tables: Tables, progress: Progress = silent, until: np.datetime64 | None = None
) -> dict[str, Values]:
    """Compute the stage `risk`, which stands beside the road; nothing where a study has none."""
    if config.risk is None:
        return {}
    from superhet.pipeline.risk_stage import fit_model

    return {"risk": fit_model(config, tables, progress, until)}


def walk(config: Config, market: Market, progress: Progress = silent) -> dict[str, Values]:
    """Compute every stage from a market, keeping nothing on disk."""
    done: dict[str, Values] = {}
    done["signals"] = stages.compute_signals(config, market, progress)
    done["clean"] = stages.mix_and_clean(config, market, done["signals"], progress)
    done["synthesis"] = stages.synthesize(config, market, done["clean"], progress)
    done["portfolio"] = stages.build_portfolio(config, market, done["synthesis"])
    done["backtest"] = stages.run_backtest(config, market, done["portfolio"])
    return done


def audit_dates(super_factor: Panel, count: int) -> list[np.datetime64]:
    """Choose dates spread over those on which the super-factor has a value."""
    rows = np.flatnonzero(super_factor.known().any(axis=1))
    spread = np.linspace(0.25, 0.75, count) if count > 1 else np.array([0.5])
    chosen = np.unique(rows[(spread * (rows.size - 1)).astype(int)])
    return [super_factor.dates.days[row] for row in chosen]


def compare(
    market: Market,
    values: Mapping[str, Values],
    other_market: Market,
    other: Mapping[str, Values],
    cut: np.datetime64,
    future: str,
) -> Iterator[Leak]:
    """Give the outputs that differ up to `cut`: of data, risk model, and the first stage after that leaks.

    A leak in the data goes on to the signals, so that those which carry it are named; whatever comes
    after a stage that leaks only inherits it. Compared are the assets that both have: without a list of
    securities, fewer bars may mean fewer assets.
    """
    assets = Assets(name for name in market.assets if name in other_market.assets)
    for stage in STAGES:
        pairs: list[tuple[Iterable[Named], Iterable[Named]]]
        if stage == "data":
            pairs = [(_market_outputs(market, assets), _market_outputs(other_market, assets))]
        elif stage == "risk":
            pairs = [*_risk_outputs(values, other)]
        else:
            pairs = [(_outputs(values[stage], assets), _outputs(other[stage], assets))]
        found: list[Leak] = []
        for left, right in pairs:
            if not found:
                found = [
                    Leak(stage=stage, name=name, first_date=first, cut=str(cut), future=future)
                    for name, first in _differences(left, right, cut, stage in _EXACT)
                ]
        yield from found
        if found and stage not in _APART:
            return


def _differences(
    left: Iterable[Named], right: Iterable[Named], cut: np.datetime64, exact: bool
) -> Iterator[tuple[str, str]]:
    """Give the outputs of one stage that differ up to `cut`, each with the first date."""
    named = {name: (dates, array) for name, dates, array in right}
    for name, dates, array in left:
        first = first_difference(dates, array, *named[name], cut, 0.0 if exact else _TOLERANCE)
        if first is not None:
            yield name, first


def _risk_outputs(
    values: Mapping[str, Values], other: Mapping[str, Values]
) -> list[tuple[list[Named], list[Named]]]:
    """Pair the layers of two risk models: all factors that one of them has, all assets of both."""
    if "risk" not in values:
        return []
    from superhet.pipeline.risk_stage import layers

    one, two = values["risk"]["estimates"], other["risk"]["estimates"]
    assets = Assets(name for name in one.assets if name in two.assets)
    factors = list(dict.fromkeys((*one.factors, *two.factors)))
    return list(zip(layers(one, assets, factors), layers(two, assets, factors), strict=True))


def first_difference(
    dates: npt.NDArray[np.datetime64],
    values: npt.NDArray[Any],
    dates_b: npt.NDArray[np.datetime64],
    values_b: npt.NDArray[Any],
    cut: np.datetime64,
    tolerance: float,
) -> str | None:
    """Find the first date up to `cut` on which two outputs differ, or None."""
    end = (cut.astype("datetime64[D]") + np.timedelta64(1, "D")).astype("datetime64[s]")
    keep, keep_b = dates.astype("datetime64[s]") < end, dates_b.astype("datetime64[s]") < end
    days, a, b = dates[keep], values[keep], values_b[keep_b]
    if days.size != keep_b.sum() or np.any(days != dates_b[keep_b]):
        short = min(days.size, int(keep_b.sum()))
        apart = np.flatnonzero(days[:short] != dates_b[keep_b][:short])
        row = int(apart[0]) if apart.size else short
        longer = days if days.size > row else dates_b[keep_b]
        return str(longer[min(row, longer.size - 1)])
    if not days.size:
        return None
    if a.dtype.kind == "f":
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        if tolerance:
            scale = float(np.nanmax(np.abs(a), initial=0.0))
            same |= np.abs(a - b) <= tolerance * scale
    else:
        same = a == b
    rows = np.flatnonzero(~same.reshape(len(days), -1).all(axis=1))
    return str(days[rows[0]]) if rows.size else None


def _market_outputs(market: Market, assets: Assets) -> Iterator[Named]:
    for name in market:
        yield name, market.dates.values, _values(market[name], assets)
    for flag in ("member", "tradable", "estimable"):
        panel = getattr(market.universe, flag)
        yield f"universe.{flag}", panel.dates.values, _values(panel, assets)
    for name, panel in market.group_panels.items():
        labels = np.array([*panel.labels, ""], dtype="U")
        yield name, panel.dates.values, labels[_values(panel, assets)]
    for name, events in market.events.items():
        kept = events
        if "asset" in events:
            kept = events.take(assets.positions(market.assets.values)[events["asset"]] >= 0)
        yield name, kept.known_at, _rows(kept, market.assets, assets)
    for frequency, cube in market.intraday_cubes.items():
        for name in cube:
            yield f"{frequency}.{name}", cube.dates.values, _values(cube[name], assets)
    if market.benchmark is not None:
        yield "benchmark", market.dates.values, market.benchmark.returns
        for name, values in market.benchmark.bars.items():
            yield f"benchmark.{name}", market.dates.values, values


def _rows(events: Events, own: Assets, assets: Assets) -> npt.NDArray[np.float64]:
    """Give one row of numbers for each event: assets by their place on the axis compared, texts by a hash."""
    columns: list[npt.NDArray[Any]] = []
    for name, column in events.items():
        if name == "asset":
            columns.append(assets.positions(own.values)[column])
        elif column.dtype.kind == "M":
            columns.append(column.astype("datetime64[D]").astype(np.int64))
        elif column.dtype.kind in "biuf":
            columns.append(column)
        else:
            texts, where = np.unique(column.astype("U"), return_inverse=True)
            columns.append(np.array([crc32(str(t).encode()) for t in texts])[where])
    return np.column_stack(columns).astype(np.float64) if columns else np.empty((events.rows, 0))


def _outputs(values: Values, assets: Assets) -> Iterator[Named]:
    for name, value in values.items():
        if name in {"target", "subsets", "models"}:
            continue  # the target is the future; the others repeat the main road
        if isinstance(value, Panel):
            yield name, value.dates.values, _values(value, assets)
        elif isinstance(value, Cube):
            for key in value:
                shown = key if name == "signals" else f"{key} {name}"
                yield shown, value.dates.values, _values(value[key], assets)
        elif isinstance(value, BacktestResult):
            yield "returns", value.dates.values, value.returns
            yield "holdings", value.dates.values, _values(value.holdings, assets)
            for kind, series in {**value.costs, **value.income}.items():
                yield kind, value.dates.values, series


def _values(panel: Panel, assets: Assets) -> npt.NDArray[Any]:
    """Give the values on the assets that are compared."""
    return panel.values if panel.assets == assets else reindex(panel, assets=assets).values


def _beyond(market: Market, cut: np.datetime64, sessions: int) -> np.datetime64:
    last = min(market.dates.count_until(cut) - 1 + sessions, len(market.dates) - 1)
    return market.dates.days[last]  # type: ignore[no-any-return] # numpy types an element as Any
