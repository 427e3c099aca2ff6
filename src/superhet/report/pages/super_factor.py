"""Super-factor page: who its members are, how they are weighed, and whether it forecasts."""

from __future__ import annotations

from superhet.report.blocks import Page
from superhet.report.context import Context
from superhet.report.pages import distribution, forecast, members, synthesis


def super_factor_page(context: Context) -> Page:
    """Build the page."""
    sections = [
        context.section("members", members.cards(context)),
        context.section("synthesis", synthesis.cards(context)),
        context.section("comparison", synthesis.comparison_cards(context)),
        context.section("forecast", forecast.cards(context)),
        context.section("quantiles", forecast.quantile_cards(context)),
        context.section("groups", forecast.group_cards(context)),
        context.section("distribution", distribution.cards(context)),
    ]
    return Page(
        id="super-factor",
        title=context.text("page.super_factor"),
        sections=[s for s in sections if s.cards],
    )
