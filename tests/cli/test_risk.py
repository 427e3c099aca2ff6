"""`superhet risk`: the files of the contract, what is printed, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from refused import assert_refused

from superhet.data import Store
from superhet.data.base import MemoryTables
from superhet.errors import ConfigError
from superhet.pipeline import risk as risk_pipeline
from superhet.pipeline import risk_files, risk_reading
from superhet.pipeline.factor_report_library import styles_of
from superhet.pipeline.risk import RiskChoice, fit_risk
from superhet.risk import CovarianceSettings, StatisticalModel
from superhet.risk.factor_covariance import HORIZONS
from superhet.risk.statistical_path import statistical_estimates

STYLES = (
    "size", "beta", "momentum", "residual_volatility", "nonlinear_size", "book_to_price", "liquidity",
    "earnings_yield", "growth", "leverage",
)  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module", autouse=True)
def _few_draws():
    """Simulate less for the eigenfactors: the tests look at files, not at the adjustment."""
    with pytest.MonkeyPatch.context() as patch:
        few: CovarianceSettings = replace(HORIZONS["short"], eigen_draws=30)
        patch.setitem(HORIZONS, "short", few)
        yield


@pytest.fixture(scope="module")
def fitted(tiny_store, command, tmp_path_factory):
    """A fitted model's folder, and what was printed."""
    out = tmp_path_factory.mktemp("risk") / "model"
    done = command("risk", "fit", "--store", tiny_store.path, "--out", out, "--json", "--quiet")
    assert done.code == 0, done
    return out, json.loads(done.out)


def read(folder, table):
    return pl.read_parquet(folder / f"{table}.parquet")


def test_summary_has_the_numbers_of_the_contract(fitted):
    _, found = fitted
    assert {
        "dates",
        "assets",
        "mean_r2",
        "max_identity_error",
        "bias",
        "share_t_above_2",
        "vif",
    } <= set(found)
    assert found["max_identity_error"] < 1e-10
    assert 0.0 < found["mean_r2"] < 1.0
    assert set(STYLES) <= set(found["share_t_above_2"])
    assert set(STYLES) == set(found["vif"])
    assert {"pure", "random", "tilted", "optimised", "single_stocks"} <= set(found["bias"])


def test_files_have_the_columns_of_the_contract(fitted):
    folder, found = fitted
    returns = read(folder, "factor_returns")
    factors = returns.columns[1:]
    assert returns.columns[0] == "date"
    assert len(factors) == found["factors"]
    assert read(folder, "exposures").columns == ["date", "asset", *factors]
    assert read(folder, "factor_covariance").columns == ["date", "factor", *factors]
    assert read(folder, "specific_risk").columns == ["date", "asset", "specific_risk"]
    assert "bias" in json.loads((folder / "validation.json").read_text())
    assert returns.schema["date"] == pl.Date


def test_exposures_times_factor_returns_and_specific_returns_are_the_return(fitted):
    folder, _ = fitted
    returns = read(folder, "factor_returns")
    factors = returns.columns[1:]
    day, before = returns["date"][-1], returns["date"][-2]
    exposed = read(folder, "exposures").filter(pl.col("date") == before)
    section = read(folder, "cross_sections").filter(pl.col("date") == day)
    both = exposed.join(section, on="asset").filter(~pl.col("specific_return").is_nan())
    paid = np.nan_to_num(returns.row(-1)[1:]).astype(float)
    explained = np.nan_to_num(both.select(factors).to_numpy()) @ paid
    assert both.height > 40
    assert_allclose(
        explained + both["specific_return"].to_numpy(), both["return"].to_numpy(), atol=1e-12
    )


def test_covariance_is_symmetric_and_positive(fitted):
    folder, _ = fitted
    frame = read(folder, "factor_covariance")
    last = frame.filter(pl.col("date") == frame["date"].max())
    matrix = last.select(last["factor"].to_list()).to_numpy()
    known = ~np.isnan(np.diagonal(matrix))
    inner = matrix[np.ix_(known, known)]
    assert_allclose(inner, inner.T)
    assert np.linalg.eigvalsh(inner)[0] > 0.0


def test_files_give_back_the_model_bit_for_bit(fitted, tiny_store):
    folder, _ = fitted
    one, two = risk_reading.read_estimates(folder), risk_reading.read_estimates(folder)
    date = one.dates.values[-1]
    assert one.at(date).factors == two.at(date).factors
    copy = folder.parent / "copy"
    risk_files.write_estimates(one, copy, "key")
    for table in ("exposures", "factor_returns", "cross_sections", "regressions"):
        assert read(copy, table).equals(read(folder, table)), table


def test_a_finished_fit_is_not_fitted_again(fitted, tiny_store, command):
    folder, found = fitted
    stamps = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    done = command(
        "risk", "fit", "--store", tiny_store.path, "--out", folder, "--json", "--quiet", "--resume"
    )
    assert json.loads(done.out) == found
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == stamps


def test_resume_after_new_days_is_a_full_fit(fitted, tiny_store, command, tmp_path):
    folder, _ = fitted
    dates = read(folder, "factor_returns")["date"]
    out = tmp_path / "grown"
    arguments = ("risk", "fit", "--store", tiny_store.path, "--out", out, "--json", "--quiet")
    assert command(*arguments, "--end", dates[-4]).code == 0
    grown = json.loads(command(*arguments, "--resume").out)
    assert grown["reused_dates"] == len(dates) - 3
    tables = ("factor_returns", "exposures", "factor_covariance", "specific_risk", "regressions")
    for table in tables:
        assert read(out, table).equals(read(folder, table)), table
    one, two = (risk_reading.model_facts(path) for path in (out, folder))
    assert one["not_fitted_or_clipped"] == two["not_fitted_or_clipped"]
    assert one["notes"] == two["notes"]


def test_resume_keeps_what_an_interrupted_fit_has_finished(
    fitted, tiny_store, tmp_path, monkeypatch
):
    folder, _ = fitted
    out = tmp_path / "broken"
    store, choice = Store.open(tiny_store.path), RiskChoice()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(risk_pipeline, "write_validation", stop)
        with pytest.raises(KeyboardInterrupt):
            fit_risk(store, out, choice)
    assert not (out / "model.json").exists()
    stamp = (out / "factor_covariance.parquet").read_bytes()
    with monkeypatch.context() as patch:  # whatever forecasts anew fails
        patch.setattr("superhet.risk.fundamental.covariance_path", stop)
        fit_risk(store, out, choice, resume=True)
    assert (out / "factor_covariance.parquet").read_bytes() == stamp
    assert read(out, "exposures").equals(read(folder, "exposures"))


def test_start_decides_what_is_written_and_nothing_else(fitted, tiny_store, command, tmp_path):
    folder, _ = fitted
    dates = read(folder, "factor_returns")["date"]
    out, first = tmp_path / "late", dates[-60]
    arguments = ("risk", "fit", "--store", tiny_store.path, "--out", out, "--json", "--quiet")
    found = json.loads(command(*arguments, "--start", first).out)
    assert found["dates"] == 60
    for table in ("factor_returns", "factor_covariance", "specific_risk"):
        assert read(out, table).equals(read(folder, table).filter(pl.col("date") >= first)), table


def test_show_tells_a_date_and_an_asset(fitted, command):
    folder, _ = fitted
    section = read(folder, "specific_risk")
    asset = section.filter(pl.col("date") == section["date"].max())["asset"][0]
    found = json.loads(command("risk", "show", "--risk", folder, "--asset", asset, "--json").out)
    names = [f["name"] for f in found["factors"]]
    assert names[0] == "country"
    assert set(STYLES) - set(names) == {"momentum"}  # needs 273 sessions, and a forecast 63 returns
    own = found["asset"]
    assert own["total_risk"] ** 2 == pytest.approx(
        own["factor_risk"] ** 2 + own["specific_risk"] ** 2
    )
    text = command("risk", "show", "--risk", folder).out
    assert "country" in text
    assert "volatility" in text


def test_validate_writes_a_page_in_both_languages(fitted, command, tmp_path):
    folder, _ = fitted
    page = tmp_path / "risk.html"
    done = command(
        "risk",
        "validate",
        "--risk",
        folder,
        "--report",
        page,
        "--language",
        "both",
        "--step",
        "5",
        "--quiet",
    )
    assert done.code == 0, done
    english, chinese = page.read_text(), (tmp_path / "risk.zh.html").read_text()
    assert "Test portfolios" in english
    assert "检验组合" in chinese
    assert "Residual volatility" in english
    assert "残差波动" in chinese
    assert '"risk-eigenfactors"' in english
    assert "optimised" in done.out


def test_correlate_gives_the_ten_correlations_r2_and_vif(fitted, command, tmp_path):
    folder, _ = fitted
    exposed = read(folder, "exposures")
    signal = exposed.select("date", "asset", twice=2.0 * pl.col("momentum") + pl.col("size"))
    signal.write_parquet(tmp_path / "signal.parquet")
    done = command(
        "risk", "correlate", "--signal", tmp_path / "signal.parquet", "--risk", folder, "--json"
    )
    found = json.loads(done.out)
    assert set(found["correlation"]) == set(STYLES)
    assert found["correlation"]["momentum"] > 0.7
    assert {"r2", "vif"} <= set(found)
    text = command(
        "risk", "correlate", "--signal", tmp_path / "signal.parquet", "--risk", folder
    ).out
    assert "momentum" in text


def test_correlate_draws_a_page_of_several_signals(fitted, command, tmp_path):
    folder, _ = fitted
    exposed = read(folder, "exposures").select(
        "date", "asset", one="size", two=pl.col("beta") + pl.col("growth")
    )
    exposed.write_parquet(tmp_path / "two.parquet")
    done = command(
        "risk", "correlate", "--signal", tmp_path / "two.parquet", "--risk", folder, "--json",
        "--report", tmp_path / "page.html",
    )  # fmt: skip
    found = json.loads(done.out)
    assert [s["name"] for s in found["signals"]] == ["one", "two"]
    assert "risk-correlation" in (tmp_path / "page.html").read_text()


def test_a_portfolio_of_one_stock_has_its_exposures(fitted, command, tmp_path):
    folder, _ = fitted
    exposed = read(folder, "exposures").filter(pl.col("date") == pl.col("date").max())
    row = exposed.filter(~pl.any_horizontal(pl.col(STYLES).is_nan())).row(0, named=True)
    frame = pl.DataFrame({"date": [row["date"]], "asset": [row["asset"]], "mine": [1.0]})
    frame.write_parquet(tmp_path / "book.parquet")
    found = json.loads(
        command(
            "risk",
            "correlate",
            "--portfolio",
            tmp_path / "book.parquet",
            "--risk",
            folder,
            "--json",
        ).out
    )
    for style in STYLES:
        assert found["exposure"][style] == pytest.approx(row[style])


@pytest.mark.parametrize("model", ["apca", "poet"])
def test_statistical_models_write_the_same_files(model, tiny_store, command, tmp_path):
    out = tmp_path / model
    arguments = ("risk", "fit", "--store", tiny_store.path, "--out", out, "--model", model)
    done = command(*arguments, "--json", "--quiet")
    assert done.code == 0, done
    found = json.loads(done.out)
    assert found["factors"] == 10
    assert read(out, "factor_returns").columns[1] == "statistical_1"
    estimates = risk_reading.read_estimates(out)
    assert estimates.model["table"] == model
    assert f"model {model}," in command("risk", "show", "--risk", out).out
    assert estimates.unadjusted is None
    assert not np.isnan(estimates.at(estimates.dates.values[-1]).factor_covariance).any()
    assert (out / "specific_covariance.parquet").exists() == (model == "poet")
    assert (estimates.pairs is None) == (model == "apca")


def test_poet_writes_the_correlated_pairs_of_the_model(tiny_loaded, tmp_path):
    """Diagonal from one file and pairs from the other: the covariance that the model itself gives."""
    model = StatisticalModel(factors=3, window=120, kind="poet")
    found = statistical_estimates(model, tiny_loaded)
    risk_files.write_estimates(found, tmp_path, "key")
    frame = read(tmp_path, "specific_covariance")
    date = frame["date"].max()
    names, whole = model.fit(tiny_loaded).specific_covariance(np.datetime64(date))
    last = frame.filter(pl.col("date") == date)
    assert 0 < last.height < 0.2 * len(names) ** 2
    built = np.diag(np.diagonal(whole).copy())
    place = {tiny_loaded.assets.values[n]: k for k, n in enumerate(names)}
    for _, one, other, covariance in last.iter_rows():
        built[place[one], place[other]] = built[place[other], place[one]] = covariance
    assert_allclose(built, whole)


REFUSED = {
    "no folder": (("show", "--risk", "nowhere"), "holds no fitted risk model .* superhet risk fit"),
    "unknown model": (
        ("fit", "--store", "STORE", "--out", "x", "--model", "cne4"),
        "unknown risk model 'cne4'",
    ),
    "unknown horizon": (
        ("fit", "--store", "STORE", "--out", "x", "--horizon", "weekly"),
        "unknown horizon",
    ),
    "unknown table": (("fit", "--store", "STORE", "--out", "x", "--table", "cne9"), "cne9"),
    "unknown scheme": (
        ("fit", "--store", "STORE", "--out", "x", "--industry", "sw9"),
        "unknown industry scheme 'sw9'",
    ),
    "no such user file": (
        ("fit", "--store", "STORE", "--out", "x", "--user-factors", "f.parquet"),
        "--user-factors: f.parquet: no such file",
    ),
    "no session": (("show", "--risk", "RISK", "--date", "2018-01-06"), "2018-01-06 is no session"),
    "no date": (("show", "--risk", "RISK", "--date", "soon"), "must be a date like"),
    "unknown asset": (("show", "--risk", "RISK", "--asset", "600000"), "unknown asset '600000'"),
    "neither": (("correlate", "--risk", "RISK"), "give either --signal or --portfolio"),
    "language": (("validate", "--risk", "RISK", "--language", "fr"), "expected en, zh or both"),
    "no step": (("validate", "--risk", "RISK", "--step", "0"), "--step: must be at least 1"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_wrong_is_said_in_one_paragraph(
    case, fitted, tiny_store, command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments, message = REFUSED[case]
    known = {"STORE": tiny_store.path, "RISK": fitted[0]}
    assert_refused(command("risk", *(known.get(a, a) for a in arguments)), message)


def test_a_folder_whose_files_are_not_of_one_fit_is_refused(fitted, command, tmp_path):
    broken = tmp_path / "mixed"
    shutil.copytree(fitted[0], broken)
    (broken / "specific_risk.parquet").unlink()
    assert_refused(
        command("risk", "show", "--risk", broken), "specific_risk.parquet: .* Fit the model again"
    )


def _tables(store, **changes):
    names = [n for n in store.names() if n not in changes]
    frames = {n: store.read(n) for n in names} | {n: f for n, f in changes.items() if f is not None}
    return MemoryTables(frames, snapshot="changed", meta={n: store.meta(n) for n in names})


def test_store_without_industries_is_told_what_to_import(tiny_store, tmp_path):
    bare = _tables(tiny_store, industry=None)
    with pytest.raises(ConfigError, match="Import the table `industry`"):
        fit_risk(bare, tmp_path / "x", RiskChoice())
    assert fit_risk(bare, tmp_path / "x", RiskChoice(industry="board"))["factors"] > 10


def test_store_without_statements_leaves_styles_out_and_says_what_to_import(tiny_store, tmp_path):
    found = fit_risk(_tables(tiny_store, statements=None), tmp_path / "x", RiskChoice())
    notes = " ".join(found["notes"])
    assert "book_to_price is left out" in notes
    assert "statements" in notes
    assert "book_to_price" not in found["vif"]
    assert found["max_identity_error"] < 1e-10


def test_of_exposures_a_factor_report_takes_the_styles(fitted, tiny_loaded):
    folder, _ = fitted
    styles = styles_of(folder / "exposures.parquet", tiny_loaded)
    assert set(styles) == set(STYLES)
    day = tiny_loaded.dates.values[-1]
    exposed = read(folder, "exposures").filter(pl.col("date") == day.item())
    size = dict(exposed.select("asset", "size").iter_rows())
    values = styles["size"].at(day)
    for asset, value in size.items():
        assert values[tiny_loaded.assets.index(asset)] == pytest.approx(value, nan_ok=True)


@pytest.mark.slow
def test_exposures_fill_the_styles_of_a_factor_report(fitted, tiny_store, command, tmp_path):
    folder, _ = fitted
    done = command(
        "factor", "report", "-ts_return(close, 20)", "--store", tiny_store.path, "--out", tmp_path / "page",
        "--styles", folder / "exposures.parquet", "--json", "--quiet",
    )  # fmt: skip
    assert done.code == 0, done.err
    text = (tmp_path / "page" / "report.json").read_text()
    assert '"residual_volatility"' in text
    assert '"country"' not in text
