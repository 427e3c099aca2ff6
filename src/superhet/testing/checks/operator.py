"""The battery of operators: what every function of the formula language must do, ours or a stranger's.

1. it says what it is: documentation with an example, arguments with roles    -> _is_documented
2. it stands on the market's axes, and never gives an infinite number         -> _keeps_axes
3. of an asset that is never known nothing is known; where NaN must propagate, it does -> _keeps_unknown
4. the order of the assets does not matter                                    -> _ignores_asset_order
5. noise after *t*, or nothing after *t*: not a bit changes up to *t*         -> _does_not_look_ahead
6. what lies further back than its look-back does not matter                  -> _keeps_its_lookback
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.factors import OPERATORS, Operator, evaluate, parse
from superhet.panel import Assets, Cube, Events, Market, Panel, Universe

_CUTS = (0.35, 0.6, 0.9)
_DAILY = ("close", "returns", "volume")
_BARS = ("close", "open", "high")
_EARLIER = 1e-10
Change = Callable[[Panel], Panel]


def check_operator(name: str, market: Market, *, seed: int = 0) -> None:
    """Run the whole battery; raises AssertionError with the reason at the first failure.

    Parameters
    ----------
    name : a registered operator
    market : at least 100 sessions, with bars and statements if the operator reads them
    seed : of the noise and of the order of assets
    """
    rng = np.random.default_rng(seed)
    known = OPERATORS.get(name)
    _is_documented(known)
    formula = example_formula(known, market)
    market = _needed(formula, market)
    found = _value(formula, market)
    _keeps_axes(formula, found, market)
    _keeps_unknown(known, formula, market)
    _ignores_asset_order(formula, found, market, rng)
    for share in _CUTS:
        _does_not_look_ahead(formula, found, market, int(len(market.dates) * share), rng)
    _keeps_its_lookback(formula, found, market)


def example_formula(known: Operator, market: Market) -> str:
    """Write a formula that calls an operator with fields of the market."""
    words, signals = [], 0
    fields = {"intraday": _BARS, "statements": _flows(market)}.get(known.family, _DAILY)
    for parameter in known.arguments:
        role = parameter.role
        if role.name == "signal":
            words.append("size" if parameter.variadic else fields[signals % len(fields)])
            signals += 1
        elif role.name == "group":
            words.append(sorted(market.group_panels)[0])
        elif role.name == "asset":
            words.append(market.assets.values[-1])
        elif role.what != "place":
            least = max([1, *(int(getattr(b, "ge", 1)) for b in parameter.bounds)])
            words.append("0.25" if role.name == "number" else str(max(5, least)))
    call = f"{known.name}({', '.join(words)})"
    return f"bar_sum({call})" if known.bars else call


def scrambled_after(market: Market, last: int, rng: np.random.Generator) -> Market:
    """Replace everything after session number `last` by noise: fields, groups, universe, bars, events."""
    date = market.dates.values[last]

    def scramble(panel: Panel) -> Panel:
        return panel.with_values(_noise(panel.values, panel.dates.count_until(date), rng))

    noisy = _changed(market, scramble)
    events = {n: _scrambled_events(e, date, rng) for n, e in market.events.items()}
    return replace(noisy, events=events)


def _scrambled_events(events: Events, date: Any, rng: np.random.Generator) -> Events:
    kept = int(np.searchsorted(events.known_at, np.datetime64(date), side="right"))
    columns = {n: _noise(c[:, None], kept, rng)[:, 0] for n, c in events.columns.items()}
    return replace(events, columns=columns)


def _noise(values: npt.NDArray[Any], kept: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Shuffle the columns (of a single column the rows) after row `kept`; multiply numbers by noise."""
    out = np.array(values)
    axis = 1 if values.shape[1] > 1 else 0
    out[kept:] = rng.permutation(out[kept:], axis=axis)
    if out.dtype.kind == "f":
        out[kept:] *= np.exp(rng.standard_normal(out[kept:].shape))
    return out


def _changed(market: Market, change: Change) -> Market:
    """Apply one change to every panel; events stay."""
    universe = market.universe
    return replace(
        market,
        fields=Cube({n: change(market[n]) for n in market}),
        universe=Universe(
            member=change(universe.member),
            tradable=change(universe.tradable),
            estimable=change(universe.estimable),
            reasons={n: change(p) for n, p in universe.reasons.items()},
        ),
        group_panels={n: change(p) for n, p in market.group_panels.items()},
        intraday_cubes={
            f: Cube({n: change(c[n]) for n in c}) for f, c in market.intraday_cubes.items()
        },
        benchmark=None,
    )


def _value(formula: str, market: Market) -> npt.NDArray[np.float64]:
    return np.asarray(evaluate({"x": formula}, market, dtype="float64")["x"].values)


def _needed(formula: str, market: Market) -> Market:
    """Leave out what a formula does not read, so that the battery is quick."""
    expression = parse(formula)
    wanted = expression.fields | {"listing_age", market.size}
    columns = sorted(expression.bar_fields)
    bars = {f: c.select(columns) for f, c in market.intraday_cubes.items() if columns}
    return replace(
        market,
        fields=market.fields.select([n for n in market if n in wanted]),
        intraday_cubes=bars,
        events=market.events if expression.statement_columns else {},
    )


def _flows(market: Market) -> tuple[str, ...]:
    if "statements" not in market.events:
        return ("net_profit",)
    basis = market.table("statements").basis
    return tuple(sorted(n for n, b in basis.items() if b in ("ytd", "quarter")))


def _is_documented(known: Operator) -> None:
    assert known.summary.endswith("."), f"{known.name} has no one-line summary"
    assert ">>>" in known.doc, f"{known.name} has no worked example"
    assert known.arguments, f"{known.name} takes no argument"


def _keeps_axes(formula: str, found: npt.NDArray[np.float64], market: Market) -> None:
    assert found.shape == (len(market.dates), len(market.assets)), f"{formula}: the shape changed"
    assert not np.isinf(found).any(), f"{formula} gives infinite values"
    assert not np.isnan(found).all(), f"{formula} gives no value at all"


def _keeps_unknown(known: Operator, formula: str, market: Market) -> None:
    """Make the first asset unknown for ever, and one cell of the second in the middle."""
    middle = len(market.dates) // 2
    date = market.dates.values[middle]

    def hide(panel: Panel) -> Panel:
        if panel.values.dtype.kind != "f" or panel.name == "listing_age":
            return panel
        values = np.array(panel.values)
        values[:, 0] = np.nan
        values[panel.dates.between(date, date), 1] = np.nan
        return panel.with_values(values)

    events = {}
    for name, table in market.events.items():
        kept = table["asset"] > 0 if "asset" in table else np.ones(table.rows, dtype=bool)
        events[name] = table.take(kept)
    found = _value(formula, replace(_changed(market, hide), events=events))
    if known.name == "is_nan":
        assert (found[:, 0] == 1).all(), "is_nan misses an unknown asset"
        return
    if known.missing == "asks" and known.family != "elementwise":
        return  # it counts what is known, or gives every asset the same
    assert np.isnan(found[:, 0]).all(), f"{formula} knows something of an asset that is not known"
    if known.missing == "propagates" and known.family in ("elementwise", "cross_section"):
        assert np.isnan(found[middle, 1]), f"{formula} gives a value where its operand is not known"


def _ignores_asset_order(
    formula: str, found: npt.NDArray[np.float64], market: Market, rng: np.random.Generator
) -> None:
    order = rng.permutation(len(market.assets))
    assets = Assets([market.assets.values[i] for i in order])

    def turn(panel: Panel) -> Panel:
        return replace(panel, values=panel.values[:, order], assets=assets)

    place = np.argsort(order)
    events = {
        n: replace(e, columns={**e.columns, "asset": place[e["asset"]]}) if "asset" in e else e
        for n, e in market.events.items()
    }
    turned = _value(formula, replace(_changed(market, turn), events=events))
    np.testing.assert_allclose(
        turned, found[:, order], rtol=1e-10, atol=1e-12, err_msg=f"{formula}: asset order matters"
    )


def _does_not_look_ahead(
    formula: str,
    found: npt.NDArray[np.float64],
    market: Market,
    last: int,
    rng: np.random.Generator,
) -> None:
    date, wanted = market.dates.values[last], found[: last + 1].tobytes()
    cut = _value(formula, market.until(date))
    assert cut.tobytes() == wanted, f"{formula}: values up to {date} change when nothing follows"
    noisy = _value(formula, scrambled_after(market, last, rng))
    same = noisy[: last + 1].tobytes() == wanted
    assert same, f"{formula}: values up to {date} change with later data"


def _keeps_its_lookback(formula: str, found: npt.NDArray[np.float64], market: Market) -> None:
    """Start so late that a later session has just its look-back, and find the same values there."""
    expression = parse(formula)
    if expression.clock == "event":
        return
    row = max(len(market.dates) // 2, expression.lookback)
    start = market.dates.values[row - expression.lookback]
    later = _value(formula, market.between(start, None))[expression.lookback :]
    np.testing.assert_allclose(
        later, found[row:], rtol=_EARLIER, atol=1e-12, err_msg=f"{formula}: look-back too short"
    )
