"""Quantile portfolios: what the quantiles of a signal earn as portfolios one could hold, day by day.

A signal known at the close of t is traded `delay` sessions later. Capital stands in equal sleeves; each is
renewed every `holding` sessions, one after the other, so that every session's signal is used and the trades
are spread (Jegadeesh & Titman 1993). A sleeve buys its quantile in equal parts and lets it drift.

1. quantiles among the names that can be entered   -> kernels.quantile_portfolios.cut
2. returns and trades of every session             -> kernels.quantile_portfolios.sleeves
3. costs, legs, names and risk from those          -> QuantilePortfolios
4. the same for several holding periods            -> holding_sweep
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation.entry_prices import Entry, check_delay
from superhet.evaluation.factor_returns import AlphaBeta, alpha_beta
from superhet.evaluation.summary import SeriesSummary, plain, summarize_series
from superhet.evaluation.trade_prices import ASHARE_COST, TradePrices, TradingCost
from superhet.kernels.information import spearman
from superhet.kernels.performance import PerformanceSummary, nav, summarize
from superhet.kernels.quantile_portfolios import MOST_QUANTILES, Sleeves, cut, sleeves
from superhet.panel import Dates, Market, Panel, require_same_axes

Floats = npt.NDArray[np.float64]

MOST_SLEEVES = 10
DEFAULT_HOLDINGS = (1, 2, 3, 5, 10, 20, 60)


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantilePortfolios:
    """Daily returns of the quantiles of a signal; column 0 is quantile 1, the lowest.

    Parameters
    ----------
    name : of the signal
    holding, delay : sessions held, and from the signal to the trade
    entry : kind of price traded at
    cost : of each side
    dates : [dates], the sessions on whose close returns are stamped
    assets : [assets], their names
    periods_per_year : sessions
    books : returns and trades of the quantiles, of the universe and of the weighted portfolio, gross
    """

    name: str
    holding: int
    delay: int
    entry: Entry
    cost: TradingCost
    dates: Dates
    assets: tuple[str, ...]
    periods_per_year: int
    books: Sleeves

    @property
    def returns(self) -> Floats:
        """Gross returns of each quantile, [dates, quantiles]; NaN before the first entry."""
        return self.books.returns

    @property
    def costs(self) -> Floats:
        """What the trades of each session cost, [dates, quantiles]."""
        return self.books.bought * self.cost.buy + self.books.sold * self.cost.sell

    @property
    def net(self) -> Floats:
        """Returns after costs, held long, [dates, quantiles]."""
        return self.returns - self.costs

    @property
    def universe(self) -> Floats:
        """Gross return of all names in the quantiles, equally weighted at each entry, [dates]."""
        return self.books.universe

    @property
    def long_short(self) -> Floats:
        """Top minus bottom, gross 2, before costs, [dates]."""
        return np.asarray(self.returns[:, -1] - self.returns[:, 0])

    @property
    def long_short_net(self) -> Floats:
        """Top minus bottom after the trading costs of both legs, [dates]; borrowing is not charged."""
        return np.asarray(self.long_short - self.costs[:, -1] - self.costs[:, 0])

    @property
    def long_leg(self) -> Floats:
        """Top over universe, gross, [dates]; long leg + short leg = long-short."""
        return np.asarray(self.returns[:, -1] - self.universe)

    @property
    def short_leg(self) -> Floats:
        """Universe over bottom, gross, [dates]."""
        return np.asarray(self.universe - self.returns[:, 0])

    @property
    def weighted(self) -> Floats:
        """Return of the portfolio weighted by signal less mean, gross 1 at each entry, [dates]."""
        return self.books.weighted

    @property
    def weighted_net(self) -> Floats:
        """The same after costs, [dates]; half of what it trades is bought."""
        each = 0.5 * (self.cost.buy + self.cost.sell)
        return np.asarray(self.weighted - self.books.weighted_traded * each)

    @property
    def turnover(self) -> Floats:
        """One-way turnover of each session, half the sum of absolute weight changes, [dates, quantiles]."""
        return 0.5 * (self.books.bought + self.books.sold)

    @property
    def annual_turnover(self) -> Floats:
        """Mean one-way turnover a year, [quantiles]."""
        return _mean(self.turnover) * self.periods_per_year

    @property
    def nav(self) -> Floats:
        """Net asset value of each quantile, gross, [dates, quantiles]; 1 until the first entry."""
        return np.column_stack([nav(np.nan_to_num(r)) for r in self.returns.T])

    @property
    def nav_net(self) -> Floats:
        """Net asset value of each quantile after costs, [dates, quantiles]."""
        return np.column_stack([nav(np.nan_to_num(r)) for r in self.net.T])

    @property
    def spread(self) -> SeriesSummary:
        """Daily top minus bottom with its Newey-West band."""
        return summarize_series(self.long_short, self.holding)

    @property
    def monotonicity(self) -> float:
        """Rank correlation of quantile number and mean daily return; 1 = a staircase upwards."""
        mean = _mean(self.returns)
        number = np.arange(1.0, mean.size + 1.0)
        return float(spearman(number[None, :], mean[None, :], minimum=2)[0])

    @property
    def break_even_cost(self) -> float:
        """Cost a side at which the long-short earns nothing, a fraction; negative where it earns less."""
        traded = (self.books.bought + self.books.sold)[:, [0, -1]].sum(axis=1)
        known = ~np.isnan(self.long_short)
        total = float(traded[known].sum())
        return float(self.long_short[known].sum()) / total if total > 0.0 else float("nan")

    @property
    def regression(self) -> AlphaBeta:
        """Alpha and beta of the weighted portfolio over the universe."""
        return alpha_beta(self.weighted, self.universe, 1)

    def performance(self, returns: Floats) -> PerformanceSummary:
        """Summarize a return series of these portfolios."""
        return summarize(returns, self.periods_per_year)

    def largest_names(self, count: int = 10) -> tuple[list[tuple[str, float]], float]:
        """Give the names that contributed most to top minus bottom, and their share of its sum.

        Returns
        -------
        names : (asset, contribution), largest first; contributions of all names add up to the return of
            each entry over its holding, summed over entries and divided by the number of sleeves
        share : of the `count` names in the sum over all; above 1 where the others lose
        """
        gains = self.books.contributions
        order = np.argsort(-gains, kind="stable")[:count]
        total = float(gains.sum())
        share = float(gains[order].sum()) / total if abs(total) > 1e-15 else float("nan")
        return [(self.assets[i], float(gains[i])) for i in order], share

    def to_dict(self, *, series: bool = False) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON; `series` adds the values of each date."""
        names, share = self.largest_names()
        books = {
            "long_short": self.long_short,
            "long_short_net": self.long_short_net,
            "long_leg": self.long_leg,
            "short_leg": self.short_leg,
            "weighted": self.weighted,
            "weighted_net": self.weighted_net,
            "universe": self.universe,
        }
        found: dict[str, Any] = {
            "name": self.name,
            "holding": self.holding,
            "delay": self.delay,
            "entry": self.entry,
            "cost": asdict(self.cost),
            "periods_per_year": self.periods_per_year,
            "mean": plain(_mean(self.returns)),
            "mean_net": plain(_mean(self.net)),
            "annual_turnover": plain(self.annual_turnover),
            "spread": self.spread.to_dict(),
            "monotonicity": plain(self.monotonicity),
            "break_even_cost": plain(self.break_even_cost),
            "regression": self.regression.to_dict(),
            "largest_names": {"names": plain(names), "share": plain(share)},
            **{n: plain(asdict(self.performance(r))) for n, r in books.items()},
        }
        if series:
            found["series"] = {
                "date": [str(d) for d in self.dates],
                "returns": plain(self.returns),
                "net": plain(self.net),
                "nav": plain(self.nav),
                "nav_net": plain(self.nav_net),
                **{n: plain(r) for n, r in books.items()},
            }
        return found

    def __str__(self) -> str:
        lines = [
            f"Quantile portfolios of {self.name or 'signal'}, held {self.holding} sessions from the "
            f"{self.entry}, {self.periods_per_year} sessions a year",
            f"  {'quantile':<16}{'gross':>9}{'net':>9}{'turnover':>10}   a year",
        ]
        for q, turnover in enumerate(self.annual_turnover):
            gross, net = self.performance(self.returns[:, q]), self.performance(self.net[:, q])
            lines.append(
                f"  {q + 1:<16}{gross.annual_return:>9.2%}{net.annual_return:>9.2%}{turnover:>10.1f}"
            )
        gross, net = self.performance(self.long_short), self.performance(self.long_short_net)
        lines.append(
            f"  {'long-short':<16}{gross.annual_return:>9.2%}{net.annual_return:>9.2%}"
            f"            Sharpe {gross.sharpe:.2f} gross, {net.sharpe:.2f} net"
        )
        return "\n".join([*lines, f"  break-even cost {self.break_even_cost:.2%} a side"])


@dataclass(frozen=True, kw_only=True)
class HoldingRow:
    """The long-short of one holding period.

    Parameters
    ----------
    holding : sessions
    annual_return, annual_return_net : gross and net
    sharpe, sharpe_net : gross and net
    annual_turnover : one-way, of both legs together
    break_even_cost : fraction a side
    """

    holding: int
    annual_return: float
    annual_return_net: float
    sharpe: float
    sharpe_net: float
    annual_turnover: float
    break_even_cost: float

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON."""
        return {name: plain(value) for name, value in asdict(self).items()}


def quantile_portfolios(
    signal: Panel,
    market: Market | TradePrices,
    *,
    quantiles: int = 5,
    holding: int = 5,
    delay: int = 1,
    entry: Entry = "open",
    cost: TradingCost | float = ASHARE_COST,
    periods_per_year: int = 244,
) -> QuantilePortfolios:
    """Hold the quantiles of a signal as portfolios, and account for them session by session.

    Parameters
    ----------
    signal : [dates, assets], score, on the axes of the market; infinite values take no part
    market : as `forward_returns` needs, or `TradePrices` of it, which are worth keeping for many factors
    quantiles : cut by average rank among the names that can be entered; equal signals share a quantile
    holding : sessions; capital stands in as many sleeves, at most 10, renewed in turn
    delay, entry : as in `forward_returns`; `entry` of given `TradePrices` counts
    cost : fraction of the traded value, one for each side or one for both
    periods_per_year : 244 for A-shares, 252 for US shares

    Notes
    -----
    The day of a trade is cut at its price: what is sold earns from the close before to it, what is bought
    from it to the close. Who has no price, or a locked one, is not entered; who has none when the sleeve is
    renewed is valued at the last close and left there. The mean over sleeves is the portfolio's return.

    References
    ----------
    Jegadeesh & Titman 1993, "Returns to buying winners and selling losers", Journal of Finance 48.
    """
    prices = market if isinstance(market, TradePrices) else TradePrices.of(market, entry=entry)
    require_same_axes(signal, _Axes(prices))
    check_delay(delay, prices.entry)
    if holding < 1:
        raise ConfigError("holding", f"must be at least 1 session (got {holding})")
    if not 2 <= quantiles <= MOST_QUANTILES:
        raise ConfigError("quantiles", f"must be 2 to {MOST_QUANTILES} (got {quantiles})")
    buckets = cut(signal.values, prices.prices, prices.locked, delay, quantiles)
    books = sleeves(
        signal.values,
        buckets,
        prices.closes,
        prices.prices,
        quantiles=quantiles,
        delay=delay,
        holding=holding,
        count=min(holding, MOST_SLEEVES),
        friction=prices.friction,
        thinness=prices.thinness,
    )
    return QuantilePortfolios(
        name=signal.name,
        holding=holding,
        delay=delay,
        entry=prices.entry,
        cost=cost if isinstance(cost, TradingCost) else TradingCost(buy=cost, sell=cost),
        dates=prices.dates,
        assets=prices.assets.values,
        periods_per_year=periods_per_year,
        books=books,
    )


def holding_sweep(
    signal: Panel,
    market: Market | TradePrices,
    *,
    holdings: Sequence[int] = DEFAULT_HOLDINGS,
    quantiles: int = 5,
    delay: int = 1,
    entry: Entry = "open",
    cost: TradingCost | float = ASHARE_COST,
    periods_per_year: int = 244,
) -> tuple[HoldingRow, ...]:
    """Give the long-short of several holding periods; one longer than the data is left out.

    Parameters
    ----------
    holdings : sessions
    signal, market, quantiles, delay, entry, cost, periods_per_year : as in `quantile_portfolios`
    """
    prices = market if isinstance(market, TradePrices) else TradePrices.of(market, entry=entry)
    rows = []
    for holding in (h for h in holdings if h + delay < len(prices.dates)):
        found = quantile_portfolios(
            signal,
            prices,
            quantiles=quantiles,
            holding=holding,
            delay=delay,
            cost=cost,
            periods_per_year=periods_per_year,
        )
        gross, net = found.performance(found.long_short), found.performance(found.long_short_net)
        rows.append(
            HoldingRow(
                holding=holding,
                annual_return=gross.annual_return,
                annual_return_net=net.annual_return,
                sharpe=gross.sharpe,
                sharpe_net=net.sharpe,
                annual_turnover=float(found.annual_turnover[[0, -1]].sum()),
                break_even_cost=found.break_even_cost,
            )
        )
    return tuple(rows)


@dataclass(frozen=True)
class _Axes:
    prices: TradePrices
    name: str = "market"

    @property
    def dates(self) -> Dates:
        return self.prices.dates

    @property
    def assets(self) -> Any:
        return self.prices.assets


def _mean(values: Floats) -> Floats:
    """Mean of each column over the dates on which it is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))
