"""Warm-up: compile the kernels of factors, evaluation, risk and books, so that no command waits for them.

Numba compiles a kernel when it is first called with a float type, and keeps the result on disk. Each operator
is called once on a tiny market, family by family; what is on disk already is only read.

1. a market of some weeks, with bars and statements    -> _tiny_market
2. a call of every operator                            -> calls
3. all of them, under every convention; and a signal is judged in full    -> warm_up
4. a risk model is fitted and tried; it knows one float type              -> warm_risk.warm_risk
5. books are kept by the native engine, also in one float type            -> warm_ledger.warm_ledger
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superhet.evaluation import Targets, evaluate, quantile_portfolios, size_groups
from superhet.factors import CONVENTIONS, OPERATORS, Expression, Operator
from superhet.factors.base import Family, Parameter
from superhet.factors.evaluate import DType, Work
from superhet.factors.expression import asset_name, call, carry, name, newest, number
from superhet.factors.machine import Settings
from superhet.factors.screen import Screen
from superhet.panel import Assets, Cube, Dates, Events, Market, Panel, Universe
from superhet.pipeline.warm_ledger import warm_ledger
from superhet.pipeline.warm_risk import warm_risk
from superhet.progress import Progress, silent

FAMILIES: tuple[Family, ...] = (
    "elementwise", "time_series", "cross_section", "intraday", "statements",
)  # fmt: skip
MINING, EVALUATION, RISK, LEDGER = "mining", "evaluation", "risk", "ledger"
_DATES, _ASSETS, _BARS, _QUARTERS = 64, 40, 16, 12
_FIELDS = ("close", "volume", "returns")
_BAR_FIELDS = ("close", "open", "volume")
_FREQUENCY = "15min"
_WHOLE, _NUMBER = 5, 0.25


@dataclass(frozen=True, kw_only=True)
class Warmed:
    """What was compiled.

    Parameters
    ----------
    family : of operators, or "mining", "evaluation", "risk" or "ledger"
    dtype : float type
    formulas : how many calls
    seconds : how long compiling and calling took
    """

    family: str
    dtype: str
    formulas: int
    seconds: float


def warm_up(dtypes: Sequence[DType] = ("float32",), progress: Progress = silent) -> list[Warmed]:
    """Compile the kernels for some float types.

    Parameters
    ----------
    dtypes : "float32" is what formulas are computed in unless asked otherwise
    progress : called as (done, total, family)
    """
    market, found, done = _tiny_market(), [], 0
    formulas = {family: calls(family) for family in FAMILIES}
    total = len(dtypes) * (sum(map(len, formulas.values())) + 2) + 2
    for dtype in dtypes:
        for family, some in formulas.items():
            begun = time.perf_counter()
            for formula in some:
                progress(done, total, f"compiling {family}, {dtype}")
                _compute(formula, market, dtype)
                done += 1
            seconds = time.perf_counter() - begun
            found.append(
                Warmed(family=family, dtype=dtype, formulas=len(some), seconds=round(seconds, 2))
            )
        for what, work in ((MINING, _mine), (EVALUATION, _judge)):
            progress(done, total, f"compiling {what}, {dtype}")
            begun = time.perf_counter()
            work(market, dtype)
            seconds = time.perf_counter() - begun
            found.append(Warmed(family=what, dtype=dtype, formulas=1, seconds=round(seconds, 2)))
            done += 1
    for what, call_all in ((RISK, warm_risk), (LEDGER, warm_ledger)):
        progress(done, total, f"compiling {what}, float64")
        begun = time.perf_counter()
        call_all()
        seconds = round(time.perf_counter() - begun, 2)
        found.append(Warmed(family=what, dtype="float64", formulas=1, seconds=seconds))
        done += 1
    return found


def _mine(market: Market, dtype: DType) -> None:
    screen = Screen(market, market["returns"], dtype=dtype, threads=1)
    screen.score([name("returns", "daily")], ranks=True)


def _judge(market: Market, dtype: DType) -> None:
    signal = market["returns"].with_values(market["returns"].values.astype(dtype))
    targets = Targets.build(market, horizons=(1, 2))
    groups = {"industry": market.groups("industry"), "size": size_groups(market)}
    evaluate(signal, targets, groups=groups, threads=1)
    quantile_portfolios(signal, market)


def calls(family: Family) -> list[Expression]:
    """Give a call of each operator of a family, on sessions.

    Quarters are always float64, so arithmetic on them is among the statements.

    Examples
    --------
    >>> [f for f in calls("time_series") if f.word == "ts_corr"]
    [ts_corr(close, volume, 5)]
    """
    known = [OPERATORS.get(n) for n in OPERATORS]
    made = [_call(one, family) for one in known if one.family == family]
    if family == "statements":
        made += [_call(one, family) for one in known if one.family == "elementwise"]
    return made


def _call(known: Operator, family: Family) -> Expression:
    words = [_argument(p, i, family) for i, p in enumerate(_written(known))]
    made = call(known.name, tuple(words))
    if known.bars:
        made = call("bar_sum", (made,))
    return carry(newest(made))


def _written(known: Operator) -> list[Parameter]:
    return [p for p in known.arguments if p.role.what != "place"]


def _argument(parameter: Parameter, position: int, family: Family) -> Expression:
    role = parameter.role.name
    if role == "group":
        return name("industry", "group")
    if role == "asset":
        return name(asset_name(_assets().values[0]), "asset")
    if role == "whole":
        least = [int(getattr(b, "ge", 1)) for b in parameter.bounds]
        return number(max([_WHOLE, *least]))
    if role == "number":
        return number(_NUMBER)
    if family == "intraday":
        return name(_BAR_FIELDS[position % len(_BAR_FIELDS)], "bar")
    if family == "statements":
        return name("net_profit", "quarter")
    return name("size" if parameter.variadic else _FIELDS[position % len(_FIELDS)], "daily")


def _compute(formula: Expression, market: Market, dtype: DType) -> None:
    settings = Settings(dtype=np.dtype(dtype).type, threads=1)
    work = Work({c: (formula, c) for c in CONVENTIONS}, market, _FREQUENCY, settings)
    out = np.empty((len(work.daily), *work.shape), dtype=settings.dtype)
    work.run(out, (0, work.shape[0]), silent)


def _assets() -> Assets:
    return Assets(f"{600000 + i}.SH" for i in range(_ASSETS))


def _tiny_market() -> Market:
    """Make a market whose arrays are of the types that those of a loaded market are."""
    rng = np.random.default_rng(0)
    dates = Dates(np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + _DATES))
    assets, shape = _assets(), (_DATES, _ASSETS)
    close = np.exp(0.02 * rng.standard_normal(shape).cumsum(axis=0))

    def panel(values: object) -> Panel:
        return Panel(values=np.asarray(values), dates=dates, assets=assets)

    fields = {f"adjusted_{n}": panel(close) for n in ("open", "high", "low", "close", "vwap")}
    fields |= {
        "volume": panel(rng.uniform(1e5, 1e6, shape)),
        "returns": panel(0.02 * rng.standard_normal(shape)),
        "market_cap": panel(rng.uniform(1e9, 1e10, shape)),
        "listing_age": panel(np.full(shape, 500.0)),
    }
    everyone = panel(np.ones(shape, dtype=bool))
    groups = np.tile(np.arange(_ASSETS, dtype=np.int32) % 4, (_DATES, 1))
    return Market(
        fields=Cube(fields),
        universe=Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={}),
        group_panels={
            "industry": Panel(
                values=groups, dates=dates, assets=assets, unit="group", labels=tuple("abcd")
            )
        },
        intraday_cubes={_FREQUENCY: _bars(dates, assets, rng)},
        events={"statements": _statements(dates, rng)},
    )


def _bars(dates: Dates, assets: Assets, rng: np.random.Generator) -> Cube:
    minutes = np.arange(1, _BARS + 1) * np.timedelta64(15, "m")
    ends = dates.values.astype("datetime64[s]")[:, None] + np.timedelta64(9, "h") + minutes
    stamps = Dates(ends.ravel())
    values = rng.uniform(1.0, 2.0, (len(stamps), len(assets)))
    names = ("open", "high", "low", "close", "volume", "amount")
    return Cube(
        {n: Panel(values=values, dates=stamps, assets=assets, frequency=_FREQUENCY) for n in names}
    )


def _statements(dates: Dates, rng: np.random.Generator) -> Events:
    months = np.datetime64("2017-01") + 3 * np.arange(1, _QUARTERS + 1)
    ends = months.astype("datetime64[D]") - 1
    known = np.sort(np.repeat(dates.values[:_QUARTERS], _ASSETS))
    columns = {
        "asset": np.tile(np.arange(_ASSETS), _QUARTERS),
        "report_date": np.repeat(ends, _ASSETS),
        "revision": np.zeros(known.size, dtype=np.int64),
        "net_profit": rng.uniform(1.0, 2.0, known.size),
    }
    return Events(name="statements", columns=columns, known_at=known, basis={"net_profit": "ytd"})
