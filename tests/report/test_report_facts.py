"""What the report shows, computed once more by another road."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from report_sample import MEMBERS, sample_study
from scipy.stats import spearmanr

from superhet.errors import AxisMismatch
from superhet.report import summary_text
from superhet.report.catalogue import Text
from superhet.report.context import Context, whole_rows
from superhet.report.html import build_pages, figure_data, shared_axes
from superhet.report.measures import Measures
from superhet.report.pages import members, synthesis


@pytest.fixture(scope="module")
def study():
    return sample_study()


@pytest.fixture(scope="module")
def context(study):
    return Context(study=study, measures=Measures(study), text=Text("en"))


@pytest.fixture(scope="module")
def pages(context):
    return build_pages(context)


@pytest.fixture(scope="module")
def cards(pages):
    return {c.id: c for page in pages for s in page.sections for c in s.cards}


def series(card, name):
    return next(s["data"] for s in card.figure["series"] if s["name"] == name)


def daily_rank_ic(signal, forward):
    out = []
    for a, b in zip(signal.values, forward.values, strict=True):
        both = np.isfinite(a) & np.isfinite(b)
        out.append(spearmanr(a[both], b[both]).statistic if both.sum() >= 3 else np.nan)
    return np.array(out)


def test_value_ends_where_the_equity_of_the_books_ends(study, cards):
    grown = study.backtest.equity[-1] / 1e8
    assert series(cards["nav"], "Net")[-1] == pytest.approx(grown, rel=1e-4)


def test_drawdown_is_that_of_pandas(study, cards):
    value = pd.Series(np.concatenate([[1.0], np.cumprod(1 + study.backtest.returns)]))
    worst = (value / value.cummax() - 1).min()
    assert min(series(cards["drawdown"], "Net")) == pytest.approx(worst, rel=1e-4)
    assert max(series(cards["drawdown"], "Net")) <= 0


def test_rank_ic_of_super_factor_and_members_is_that_of_scipy(study, context):
    oracle = daily_rank_ic(study.super_factor, study.forward)
    known = np.flatnonzero(np.isfinite(oracle))
    rows = slice(known[0], known[-1] + 1)
    assert context.measures.strength.mean == pytest.approx(np.nanmean(oracle), abs=1e-12)
    for name in ("order_flow", "return_on_equity"):
        member = daily_rank_ic(study.signals[name], study.forward)[rows]
        found = context.measures.member_strength[name]
        assert found.mean == pytest.approx(np.nanmean(member), abs=1e-12)


def test_cumulative_rank_ic_ends_at_the_sum(study, cards):
    oracle = np.nansum(daily_rank_ic(study.super_factor, study.forward))
    assert series(cards["cumulative_ic"], "Super-factor")[-1] == pytest.approx(oracle, rel=1e-4)


def test_monthly_returns_compound_to_the_whole(study, cards):
    years = [row[-1] for row in cards["monthly_returns"].table.rows]
    assert np.prod(1 + np.array(years)) == pytest.approx(np.prod(1 + study.backtest.returns))


def test_monthly_rank_ic_is_that_of_a_pandas_group(study, cards, context):
    oracle = daily_rank_ic(study.super_factor, study.forward)
    frame = pd.Series(oracle, index=pd.DatetimeIndex(study.forward.dates.values)).dropna()
    months = frame.groupby([frame.index.year, frame.index.month]).mean()
    first = int(cards["monthly_ic"].figure["yAxis"]["data"][0])
    shown = {(first + y, m + 1): v for m, y, v in cards["monthly_ic"].figure["series"][0]["data"]}
    assert shown == pytest.approx({k: v for k, v in months.items()}, rel=1e-4)


def test_costs_by_kind_add_up_to_gross_less_net(study, cards):
    table = cards["cost_table"].table
    kinds, (total,) = table.rows, table.totals
    assert sum(row[1] for row in kinds) == pytest.approx(total[1])
    paid = sum(float(np.sum(s)) for s in study.backtest.costs.values())
    assert total[1] == pytest.approx(paid)


def test_attribution_parts_and_residual_add_up_to_the_total(study, cards):
    for number in range(len(study.attributions)):
        table = cards[f"attribution-{number}-table"].table
        parts, (residual, total) = table.rows, table.totals
        assert sum(p[1] for p in parts) + residual[1][0] == pytest.approx(total[1], abs=1e-12)
        assert sum(p[2] for p in parts) + residual[2][0] == pytest.approx(total[2], abs=1e-12)
        assert total[2] == pytest.approx(np.prod(1 + study.backtest.returns) - 1)


def test_correlation_of_members_is_that_of_pandas(study, context):
    stack = study.signals.stack()
    daily = [pd.DataFrame(stack[:, t].T).corr().to_numpy() for t in range(stack.shape[1])]
    matrix, order = context.measures.correlation
    np.testing.assert_allclose(matrix, np.nanmean(daily, axis=0), atol=1e-12)
    assert sorted(order) == list(range(len(MEMBERS)))


def test_quantiles_show_a_spread_of_top_less_bottom(context, cards):
    data = [d["value"] for d in cards["quantile_means"].figure["series"][0]["data"]]
    assert data[-1] == pytest.approx(data[-2] - data[0], rel=1e-3)


def test_holdings_of_both_sides_are_in_the_saved_file(study, cards):
    from urllib.parse import unquote

    text = unquote(cards["holdings_long"].table.csv.partition(",")[2])
    rows = text.lstrip("\ufeff").strip().splitlines()[1:]
    weights = [float(r.split(",")[2]) for r in rows]
    last = study.backtest.holdings.values[-1]
    assert len(rows) == np.count_nonzero(last)
    assert sum(weights) == pytest.approx(np.nansum(last), abs=1e-6)


def test_checks_pass_or_fail_by_their_thresholds(context, cards):
    verdicts = {c.title: c.verdict for c in cards["checks-card"].checks}
    text = context.text
    assert verdicts[text("check.rank_ic_t")] == "pass"
    assert verdicts[text("check.industry_net")] == "pass"
    leaky = sample_study(
        audit={
            "verdict": "leak",
            "leaks": [{"stage": "clean", "name": "z", "first_date": "2019-05-01"}],
            "dates_checked": ["2019-05-06"],
        },
        oracle={"oracle_share": 0.5, "best_ic": 0.1, "absolute_ic": 0.2},
    )
    said = summary_text(leaky)
    assert said.count("FAIL") >= 2
    unknown = summary_text(sample_study(audit=None, oracle=None, language="zh"))
    assert unknown.count("不适用") >= 2


def test_summary_says_the_same_numbers_as_the_overview(study, cards):
    said = summary_text(study)
    for tile in cards["key-numbers"].tiles:
        assert tile.value in said


def test_a_study_without_extras_still_gives_a_whole_report():
    bare = sample_study(
        subsets={},
        models={},
        oracle=None,
        distributions={},
        attributions=(),
        audit=None,
        stages={},
        seconds={},
        conventions={},
        formulas={},
        lookbacks={},
        coverage={},
        config={},
    )
    context = Context(study=bare, measures=Measures(bare), text=Text("en"))
    pages = build_pages(context)
    assert [p.id for p in pages] == ["overview", "super-factor", "portfolio", "run"]
    json.loads(figure_data(pages, shared_axes(context)))


def test_a_weekly_clock_judges_overlaps_in_decisions(study):
    weekly = np.arange(0, len(study.super_factor.dates), 5)

    def thin(panel):
        return panel.rows(weekly)

    slow = sample_study(
        super_factor=thin(study.super_factor),
        forward=thin(study.forward),
        signals=study.signals.map(thin),
        ages=study.ages.map(thin),
        subsets={n: thin(p) for n, p in study.subsets.items()},
        models={},
    )
    measures = Measures(slow)
    assert (measures.step, measures.overlap) == (5, 1)
    oracle = daily_rank_ic(slow.super_factor, slow.forward)
    assert measures.strength.mean == pytest.approx(np.nanmean(oracle), abs=1e-12)
    assert measures.quantile_nav.shape == (len(measures.dates), 10)
    context = Context(study=slow, measures=measures, text=Text("zh"))
    json.loads(figure_data(build_pages(context), shared_axes(context)))


def test_with_many_members_the_fresh_ones_share_a_row_and_weights_become_a_map(
    context, monkeypatch
):
    for page in (members, synthesis):
        monkeypatch.setattr(page, "FEW_MEMBERS", 3)
    rows = members.age_rows(context)
    assert [len(names) for names in rows.values()] == [3, 3, 1, 1, 1]
    shares, weight_map = synthesis.weight_paths(context)
    total = np.sum([s["data"] for s in shares.figure["series"]], axis=0)
    assert total == pytest.approx(1.0, abs=1e-4)
    assert len(weight_map.figure["yAxis"]["data"]) == len(MEMBERS)


def test_a_market_without_industries_still_gives_a_whole_report(study):
    bare = sample_study(market=replace(study.market, group_panels={}, benchmark=None))
    context = Context(study=bare, measures=Measures(bare), text=Text("en"))
    pages = build_pages(context)
    cards = {c.id for page in pages for s in page.sections for c in s.cards}
    assert "industry_ic" not in cards
    assert "size_ic" in cards


def test_contribution_is_the_rank_ic_that_leaving_out_loses(study):
    without = study.subsets["daily"]
    measures = Measures(sample_study(leave_one_out={"order_flow": without}))
    lost = measures.strength.mean - measures.of(without).mean
    assert measures.leave_one_out == {"order_flow": pytest.approx(lost)}


def test_no_card_stands_alone_in_a_row_of_two(pages):
    for page in pages:
        for section in page.sections:
            assert whole_rows(list(section.cards)) == list(section.cards)


def test_weights_must_match_folds_and_signals():
    with pytest.raises(AxisMismatch, match="folds"):
        sample_study(weights=np.zeros((1, 2)))
