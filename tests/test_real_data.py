"""The maps of `examples/` on real market data, and the directional facts that these data are known for.

The data lie beside the project and are no part of it; where they are absent the tests are skipped.

Anchors: `anchors/sanity_monthly_rank_ic_cn.csv`, a quick computation of somebody else on the same 1,600
shares. Ours is defined here: at each month's last session, among the shares that traded, the rank
correlation of the raw factor with the return from that close to the close of the next month's last session
(carried over suspensions). Differences left: the anchor does not say which shares took part nor how long
its month of 20 sessions is; statements are known here from the session after their date.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from superhet.cli.main import app
from superhet.data import MarketRequest, Store, UniverseRule, load_market
from superhet.factors import evaluate
from superhet.kernels.information import spearman
from superhet.panel import Market

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
MAPS = ROOT / "examples" / "maps"
FACTORS = {
    "log_mcap": "size",
    "ret_1m": "ts_return(close, 20)",
    "mom_12_1": "ts_return(ts_lag(close, 20), 220)",
    "turnover_20d": "ts_mean(turnover, 20)",
    "vol_60d": "ts_std(returns, 60)",
    "ep_ttm": "ttm(net_profit) / market_cap",
    "bp": "latest(equity) / market_cap",
}
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not DATA.exists(), reason="no real data beside the project (../shared/data)"
    ),
]


def imported(column_map: Path, store: Path) -> dict[str, dict[str, object]]:
    """Import through the command line; give the report of each table."""
    words = [
        "data",
        "import",
        "--source",
        "files",
        "--path",
        DATA,
        "--map",
        column_map,
        "--store",
        store,
    ]
    done = CliRunner().invoke(app, [*map(str, words), "--quiet", "--json"])
    assert done.exit_code == 0, done.stderr
    return {table["table"]: table for table in json.loads(done.stdout)["tables"]}


def anchors() -> dict[str, dict[str, float]]:
    with (DATA / "anchors" / "sanity_monthly_rank_ic_cn.csv").open() as file:
        return {
            row["factor"]: {k: float(v) for k, v in row.items() if k != "factor"}
            for row in csv.DictReader(file)
        }


def monthly_rank_ics(market: Market) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Month-ends and the rank IC of each raw factor with the return of the month that follows."""
    months = market.dates.days.astype("datetime64[M]").astype(int)
    ends = np.flatnonzero(np.diff(months, append=months[-1] + 1))
    growth = np.cumprod(1 + np.nan_to_num(market["returns"].values), axis=0)[ends]
    forward = np.where(market["listing_age"].values[ends] >= 0, growth, np.nan)
    forward = forward[1:] / forward[:-1] - 1
    traded = ~np.isnan(market["close"].values)
    signals = evaluate(FACTORS, market)
    found = {
        name: spearman(np.where(traded, signals[name].values, np.nan)[ends[:-1]], forward)
        for name in FACTORS
    }
    return market.dates.days[ends[:-1]], found


def load_all(store: Path) -> Market:
    return load_market(
        Store.open(store), MarketRequest(industry="", universe=UniverseRule(new_listing=0))
    )


def mean(ics: np.ndarray, days: np.ndarray, first: str, last: str) -> float:
    chosen = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
    return float(np.nanmean(ics[chosen]))


# --- A-shares, three of the eleven years -----------------------------------------------------------


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """2017-2019: the store, the import's report, the market."""
    folder = tmp_path_factory.mktemp("real")
    text = (MAPS / "real_cn.yaml").read_text(encoding="utf-8")
    assert text.count("cn/bars_daily/*.parquet") == 1
    column_map = folder / "part.yaml"
    column_map.write_text(
        text.replace("cn/bars_daily/*.parquet", "cn/bars_daily/201[789].parquet"), encoding="utf-8"
    )
    report = imported(column_map, folder / "store")
    return folder / "store", report, load_all(folder / "store")


def test_three_years_are_imported_and_every_row_is_accounted_for(part):
    store, report, market = part
    for table in report.values():
        assert table["read"] == table["written"] + sum(table["dropped"].values())
    assert report["bars_1d"]["files"] == 3
    assert report["bars_1d"]["read"] == report["bars_1d"]["written"], "no bad row in these years"
    assert (report["bars_1d"]["first"], report["bars_1d"]["last"]) == ("2017-01-03", "2019-12-31")
    assert Store.open(store).verify() == []
    assert (len(market.dates), len(market.assets)) == (731, 1600)


def test_the_return_is_that_of_the_adjusted_close_and_mostly_within_the_limit(part):
    _, _, market = part
    adjusted, returns = market["adjusted_close"].values, market["returns"].values
    with np.errstate(invalid="ignore"):
        plain = adjusted[1:] / adjusted[:-1] - 1
    both = ~np.isnan(plain)
    np.testing.assert_allclose(returns[1:][both], plain[both], atol=1e-12)
    assert both.sum() > 900_000
    assert np.mean(np.abs(plain[both]) > 0.115) < 0.002, "but for first days and after suspensions"
    close = market["close"].values
    at_limit = (close >= market["limit_up"].values - 0.005)[~np.isnan(close)]
    assert 0.005 < at_limit.mean() < 0.05, "a share or two of a hundred close at their upper limit"


def test_no_statement_is_known_on_or_before_its_announcement(part):
    store, _, market = part
    events = market.events["statements"]
    told = Store.open(store).read("statements")
    announced = {
        (a, str(r)): str(d)
        for a, r, d in zip(told["asset"], told["report_date"], told["announce_date"], strict=True)
    }
    names = market.assets.values
    late = [
        str(known)[:10] > announced[names[asset], str(report)[:10]]
        for known, asset, report in zip(
            events.known_at[::50], events["asset"][::50], events["report_date"][::50], strict=True
        )
    ]
    assert len(late) > 500
    assert all(late)


def test_raw_factors_of_2017_to_2019_have_the_known_signs(part):
    _, _, market = part
    days, found = monthly_rank_ics(market)
    known = anchors()
    for name in ("log_mcap", "ret_1m", "turnover_20d", "vol_60d", "ep_ttm"):
        anchor = known[name]["ic_2017_2020"]
        ours = mean(found[name], days, "2017-03-01", "2019-11-30")
        assert np.sign(ours) == np.sign(anchor), name
        assert ours == pytest.approx(anchor, abs=0.03), f"{name}: 33 of the anchor's 48 months"


# --- A-shares, all years ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    store = tmp_path_factory.mktemp("real") / "store"
    imported(MAPS / "real_cn.yaml", store)
    return load_all(store)


@pytest.mark.slow
def test_ten_years_of_monthly_rank_ics_come_out_as_the_anchors_say(whole):
    days, found = monthly_rank_ics(whole)
    for name, anchor in anchors().items():
        ics = found[name]
        chosen = (days >= np.datetime64("2011-01-01")) & (days <= np.datetime64("2020-11-30"))
        assert chosen.sum() == anchor["months"]
        assert np.nanmean(ics[chosen]) == pytest.approx(anchor["ic_mean"], abs=0.003), name
        assert np.nanstd(ics[chosen]) == pytest.approx(anchor["ic_std"], abs=0.005), name
        early = mean(ics, days, "2011-01-01", "2016-12-31")
        late = mean(ics, days, "2017-01-01", "2020-11-30")
        assert early == pytest.approx(anchor["ic_2011_2016"], abs=0.006), name
        assert late == pytest.approx(anchor["ic_2017_2020"], abs=0.006), name


@pytest.mark.slow
def test_small_shares_won_before_2017_and_large_ones_after(whole):
    days, found = monthly_rank_ics(whole)
    assert mean(found["log_mcap"], days, "2011-01-01", "2016-12-31") < -0.05
    assert mean(found["log_mcap"], days, "2017-01-01", "2020-11-30") > 0.03


# --- S&P names -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def american(tmp_path_factory):
    store = tmp_path_factory.mktemp("real") / "us"
    return store, imported(MAPS / "real_us.yaml", store)


def test_american_shares_are_imported_and_bad_bars_counted(american):
    store, report = american
    bars = report["bars_1d"]
    assert bars["dropped"] == {"non_positive_price": 389, "bad_ohlc": 93}
    assert bars["read"] == bars["written"] + 482, "as the data's README counts them"
    assert Store.open(store).verify() == []
    request = MarketRequest(
        industry="gics_sector_hindsight", benchmark="equal_weighted", size="amount_60"
    )
    market = load_market(Store.open(store), request)
    assert len(market.assets) == 355
    codes = market.groups("industry").values[-1]
    assert np.unique(codes[codes >= 0]).size == 11, "the sectors"
    lag = market.events["statements"].known_at - market.events["statements"]["report_date"]
    assert np.median(lag.astype("timedelta64[D]").astype(int)) == pytest.approx(36, abs=3)
    assert lag.astype("timedelta64[D]").astype(int).min() > 8


@pytest.mark.slow
def test_the_american_study_runs_from_end_to_end_and_passes_its_audit(american, tmp_path):
    store, _ = american
    words = ["run", ROOT / "examples" / "real_us.yaml", f"market.store={store}", "--runs", tmp_path]
    done = CliRunner().invoke(app, [*map(str, words), "--quiet", "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["audit"] == "pass"
    assert found["metrics"]["oracle_share"] is None
    assert found["metrics"]["max_abs_industry_net"] <= 1e-10
    assert found["metrics"]["max_abs_size_exposure"] <= 1e-10
