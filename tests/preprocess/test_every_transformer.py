"""The battery, over every registered transformer and the variants that take another road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from superhet.panel import Market, Panel
from superhet.preprocess import (
    TRANSFORMERS,
    Ema,
    Fill,
    Insn,
    LinearDecay,
    Neutralize,
    PowerRank,
    RankNormalize,
    Standardize,
    Winsorize,
)
from superhet.testing.checks.transformer import check_transformer
from superhet.testing.markets import random_market

VARIANTS: dict[str, list[Any]] = {
    "winsorize": [
        Winsorize(min_names=5),
        Winsorize(std=2.0, min_names=5),
        Winsorize(quantile=0.05, min_names=5),
        Winsorize(quantile=(0.0, 0.9), min_names=5),
    ],
    "standardize": [Standardize(min_names=5), Standardize(mean="cap", min_names=5)],
    "rank_normalize": [RankNormalize(min_names=5)],
    "power_rank": [PowerRank(min_names=5), PowerRank(power=3.0, min_names=5)],
    "fill": [
        Fill(min_names=5),
        Fill(value="industry_median", min_names=5),
        Fill(value="zero", min_names=5),
    ],
    "neutralize": [
        Neutralize(min_names=5),
        Neutralize(against=["size", "turnover"], weights="sqrt_cap", min_names=5),
        Neutralize(against=["industry"], method="group_demean", weights="cap", min_names=5),
    ],
    "insn": [Insn(min_names=5), Insn(weights="sqrt_cap", min_names=5)],
    "ema": [Ema(half_life=3.0)],
    "linear_decay": [LinearDecay(window=4)],
}


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(dates=24, assets=50, seed=3)


def test_no_transformer_is_left_out_of_the_battery():
    assert sorted(VARIANTS) == TRANSFORMERS.names()


@pytest.mark.parametrize(
    ("name", "number"), [(n, k) for n, items in VARIANTS.items() for k in range(len(items))]
)
def test_every_transformer_passes_the_battery(name, number, market):
    check_transformer(VARIANTS[name][number], market, fills=name == "fill")


@dataclass(kw_only=True, frozen=True)
class Leaky:
    """Subtracts a mean over all dates: the classic leak."""

    def transform(self, signal: Panel, market: Market) -> Panel:
        values = np.where(market.universe.member.values, signal.values, np.nan)
        return signal.with_values(values - np.nanmean(values))


@dataclass(kw_only=True, frozen=True)
class Inventive:
    """Fills without being asked."""

    def transform(self, signal: Panel, market: Market) -> Panel:
        values = np.where(market.universe.member.values, np.nan_to_num(signal.values), np.nan)
        return signal.with_values(values)


@dataclass(kw_only=True, frozen=True)
class Ordered:
    """Adds the number of the column."""

    def transform(self, signal: Panel, market: Market) -> Panel:
        values = np.where(market.universe.member.values, signal.values, np.nan)
        return signal.with_values(values + np.arange(values.shape[1]))


@pytest.mark.parametrize(
    ("offender", "reason"),
    [
        (Leaky(), "change when nothing follows"),
        (Inventive(), "unknown cells were given a value"),
        (Ordered(), "asset order changes values"),
    ],
)
def test_the_battery_catches_what_it_is_there_for(offender, reason, market):
    with pytest.raises(AssertionError, match=reason):
        check_transformer(offender, market)
