"""Portfolio page: what the weights earned, what they cost, what they were exposed to, and who did it."""

from __future__ import annotations

from superhet.report.blocks import Page
from superhet.report.context import Context
from superhet.report.pages import attribution, costs, engines, exposures, performance
from superhet.report.pages.backtest_book import trip_cards


def portfolio_page(context: Context) -> Page:
    """Build the page."""
    sections = [
        context.section("performance", performance.cards(context)),
        context.section("costs", costs.cards(context)),
        context.section("round_trips", trip_cards(context.study.trips, context.text)),
        context.section("engines", engines.cards(context)),
        context.section("exposures", exposures.cards(context)),
        context.section("holdings", exposures.holding_cards(context)),
        context.section("attribution", attribution.cards(context)),
    ]
    return Page(
        id="portfolio",
        title=context.text("page.portfolio"),
        sections=[s for s in sections if s.cards],
    )
