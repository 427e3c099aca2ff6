"""Overview: the key numbers in plain words, rows that pass or fail, and the road from data to money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from superhet.report.blocks import Card, Check, Page, Tile, Verdict
from superhet.report.context import Context, sign_of
from superhet.report.numbers import known, show
from superhet.report.pages import engines, forecast, performance

T_NEEDED = 2.0
SHARE_NEEDED = 0.85
EXACT = 1e-10
SLACK = 1e-9  # a cap that is met to rounding is met


def overview_page(context: Context) -> Page:
    """Build the page."""
    text = context.text
    tiles_card = Card(id="key-numbers", title="", tiles=tiles(context), wide=True)
    checks_card = Card(id="checks-card", title="", checks=checks(context), wide=True)
    curves = [small_nav(context), small_ic(context)]
    sections = [
        context.section("key_numbers", [tiles_card]),
        context.section("checks", [checks_card]),
        context.section("at_a_glance", curves),
        context.section("road", [road(context)]),
    ]
    return Page(id="overview", title=text("page.overview"), sections=sections)


def tiles(context: Context) -> list[Tile]:
    """Give the key numbers, each with what it means."""
    return [*forecast_tiles(context), *money_tiles(context)]


def forecast_tiles(context: Context) -> list[Tile]:
    """Give the numbers of the forecast."""
    text, found = context.text, context.measures.strength
    sure = "clear" if abs(found.t) > T_NEEDED else "unclear"
    made = [
        Tile(
            title=text("metric.oos_rank_ic"),
            value=show(found.mean, "n4"),
            meaning=text(
                f"meaning.rank_ic_{sure}",
                low=show(found.low, "n3"),
                high=show(found.high, "n3"),
                t=show(found.t, "n1"),
            ),
            sign=sign_of(found.mean),
        ),
        Tile(
            title=text("metric.oos_icir"),
            value=show(found.icir, "n3"),
            meaning=text("meaning.icir", wins=show(found.win_rate, "p0"), count=found.count),
        ),
    ]
    if context.study.oracle is not None:
        oracle = context.study.oracle
        made.append(
            Tile(
                title=text("metric.oracle_share"),
                value=show(oracle.get("oracle_share"), "p1"),
                meaning=text(
                    "meaning.oracle_share",
                    best=show(oracle.get("best_ic"), "n4"),
                    absolute=show(oracle.get("absolute_ic"), "n4"),
                ),
            )
        )
    return made


def money_tiles(context: Context) -> list[Tile]:
    """Give the numbers of the backtest."""
    text, result = context.text, context.study.backtest
    net, gross = result.net, result.gross
    held = context.study.diagnosis.names_long + context.study.diagnosis.names_short
    names = float(np.median(held)) if held.size else 0.0
    return [
        Tile(
            title=text("metric.net_annual_return"),
            value=show(net.annual_return, "p1"),
            meaning=text(
                "meaning.annual_return",
                gross=show(gross.annual_return, "p1"),
                cost=show(gross.annual_return - net.annual_return, "p1"),
            ),
            sign=sign_of(net.annual_return),
        ),
        Tile(
            title=text("metric.net_sharpe"),
            value=show(net.sharpe, "n2"),
            meaning=text(
                "meaning.sharpe",
                gross=show(gross.sharpe, "n2"),
                volatility=show(net.annual_volatility, "p1"),
            ),
            sign=sign_of(net.sharpe),
        ),
        Tile(
            title=text("metric.max_drawdown"),
            value=show(net.max_drawdown, "p1"),
            meaning=text("meaning.max_drawdown", calmar=show(net.calmar, "n2")),
        ),
        Tile(
            title=text("metric.annual_turnover"),
            value=show(result.annual_turnover, "x"),
            meaning=text("meaning.annual_turnover", days=_holding_days(context)),
        ),
        Tile(
            title=text("metric.names_held"),
            value=show(names, "int"),
            meaning=text("meaning.names_held", assets=f"{len(context.study.market.assets):,}"),
        ),
    ]


def _holding_days(context: Context) -> str:
    result = context.study.backtest
    yearly = result.annual_turnover
    return show(result.periods_per_year / yearly if yearly > 0 else math.nan, "int")


def checks(context: Context) -> list[Check]:
    """Give rows that pass or fail, the threshold beside the value."""
    return [
        *forecast_checks(context),
        *weight_checks(context),
        *engines.checks(context),
        audit_check(context),
    ]


def _check(context: Context, name: str, value: str, threshold: str, passed: bool | None) -> Check:
    verdict: Verdict = "none" if passed is None else "pass" if passed else "fail"
    text = context.text
    return Check(
        title=text(f"check.{name}"),
        value=value,
        threshold=threshold,
        verdict=verdict,
        meaning=text(f"check.{name}_meaning"),
    )


def forecast_checks(context: Context) -> list[Check]:
    """Check that the forecast is there, near the best reachable, and better than its parts."""
    study, found = context.study, context.measures.strength
    t_passed = None if math.isnan(found.t) else found.t > T_NEEDED
    made = [_check(context, "rank_ic_t", show(found.t, "n2"), f"> {T_NEEDED:g}", t_passed)]
    share = known((study.oracle or {}).get("oracle_share"))
    share_passed = None if math.isnan(share) else share >= SHARE_NEEDED
    threshold = f"≥ {100 * SHARE_NEEDED:.0f}%"
    made.append(_check(context, "oracle_share", show(share, "p1"), threshold, share_passed))
    if study.subsets:
        best = max(known(s.rank.mean) for s in context.measures.subsets.values())
        beats = found.mean > best
        made.append(
            _check(context, "beats_subsets", show(found.mean, "n4"), f"> {show(best, 'n4')}", beats)
        )
    return made


def weight_checks(context: Context) -> list[Check]:
    """Check the residual exposures and the turnover cap of the weights."""
    found, rule = context.study.diagnosis, _rule(context.study.config)
    neutral = rule.get("neutralize") or ()
    made = []
    for name, against, values in (
        ("industry_net", "industry", found.max_abs_industry_net),
        ("size_exposure", "size", found.size_exposure),
    ):
        worst = float(np.max(np.abs(values), initial=0.0))
        passed = worst < EXACT if against in neutral else None
        made.append(_check(context, name, show(worst, "e"), f"< {EXACT:.0e}", passed))
    cap = rule.get("max_turnover")
    if isinstance(cap, int | float):
        later = found.turnover[1:]
        mean = float(later.mean()) if later.size else math.nan
        shown = context.text(
            "check.mean_and_worst", mean=show(mean, "p1"), worst=show(later.max(initial=0.0), "p1")
        )
        passed = None if math.isnan(mean) else mean <= cap + SLACK
        made.append(_check(context, "turnover", shown, f"≤ {show(cap, 'p1')}", passed))
    return made


def _rule(config: Mapping[str, object]) -> Mapping[str, Any]:
    """Give the parameters of the portfolio rule in the resolved configuration."""
    section = config.get("portfolio")
    if not isinstance(section, Mapping):
        return {}
    inner = next(iter(section.values()), None) if len(section) == 1 else None
    return inner if isinstance(inner, Mapping) else section


def audit_check(context: Context) -> Check:
    """Check the verdict of the look-ahead audit."""
    audit, text = context.study.audit, context.text
    passed = None if audit is None else audit.get("verdict") == "pass"
    shown = text("verdict.none") if audit is None else text.name("verdict", str(audit["verdict"]))
    return _check(context, "audit", shown, text("verdict.pass"), passed)


def small_nav(context: Context) -> Card:
    """Draw the value once more, small."""
    card = performance.value(context)
    return Card(id="overview-nav", title=card.title, note=card.note, figure=card.figure, height=260)


def small_ic(context: Context) -> Card:
    """Draw the cumulative RankIC once more, small."""
    card = forecast.cumulative(context)
    return Card(id="overview-ic", title=card.title, note=card.note, figure=card.figure, height=260)


def _fill(context: Context) -> str:
    """Name the price of the fills: a word of the session's bar, or a window of bars within it."""
    study, text = context.study, context.text
    engine = study.config.get("backtest")
    fill = engine.get("fill", study.entry) if isinstance(engine, Mapping) else study.entry
    if isinstance(fill, Mapping):
        return text("road.window", **fill)
    return text.name("entry", str(fill))


def road(context: Context) -> Card:
    """Say in one line a stage what went through it."""
    study, text, market = context.study, context.text, context.study.market
    by_block = [f"{text.name('block', b)} {len(study.signals.block(b))}" for b in context.blocks]
    first, last = market.dates.days[0], market.dates.days[-1]
    oos = context.measures.dates
    period = f"{oos.days[0]} … {oos.days[-1]}" if len(oos) else "–"
    pairs = {
        text("stage.data"): text(
            "road.data", assets=f"{len(market.assets):,}", first=first, last=last
        ),
        text("stage.signals"): text(
            "road.signals", count=len(study.signals), blocks=", ".join(by_block)
        ),
        text("stage.synthesis"): text("road.synthesis", folds=len(study.folds), period=period),
        text("stage.portfolio"): text("road.portfolio", rebalances=len(study.diagnosis.dates)),
        text("stage.backtest"): text(
            "road.backtest",
            trades=f"{study.backtest.trades.rows:,}",
            refused=f"{study.backtest.orders_refused.rows:,}",
            entry=_fill(context),
        ),
    }
    return Card(id="road-card", title="", pairs=pairs, wide=True)
