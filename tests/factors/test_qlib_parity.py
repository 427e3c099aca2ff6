"""Every column of Alpha158 and Alpha360, and every operator of Qlib, against pyqlib 0.9.7 itself.

A bin store is written, pyqlib evaluates it in its own environment (`make peers`), and superhet evaluates the
same formulas on a market with the very values of that store.

- NaN stand in the same places of each stock's file, counting what is infinite in Qlib as NaN.
- Evaluated in float32, every column agrees to 1e-5, one digit more than is asked of it.
- Evaluated in float64, the columns that Qlib computes in float64 agree to 1e-9. Qlib keeps fields in float32
  and computes windows in float64; a column with a rounded step before or instead of a window cannot agree
  better than that step allows: `EXCEPTIONS` lists each family with its reason and its bound.

A difference is measured relative to the value, or to the column's median size where that is larger: near 0 a
value such as VSUMD is the rest of a subtraction, and its last digits are rounding on either side.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qlib_store import life, store_fields, store_market, write_store

from superhet.factors import evaluate, library

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".peers" / "qlib"
DATA = ROOT.parent / "shared" / "data"
SINGLE, DOUBLE = 1e-5, 1e-9

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PEER / ".done").exists(), reason="pyqlib is not installed (.peers/qlib); make peers"
    ),
]

ROUNDED = "one float32 rounding: Qlib divides its float32 fields in float32"
EXCEPTIONS = {
    **dict.fromkeys(
        ("KMID", "KLEN", "KUP", "KLOW", "KSFT", "OPEN", "HIGH", "LOW", "VWAP", "ROC", "CLOSE"),
        (ROUNDED, 1e-7),
    ),
    "VOLUME": (ROUNDED, 1e-7),
    "RSQR": (
        "Qlib's running sums: R² = 1.0000000002 where two rows are known; ours are exact",
        1e-6,
    ),
    "CORR": ("its input Log($volume + 1) is rounded to float32", 1e-4),
    "CORD": ("its inputs, ratios near 1 and their logarithm, are rounded to float32", 5e-3),
    "WVMA": (
        "its input |ratio - 1| * volume loses digits to float32 where the price stood still",
        1e-4,
    ),
    "VSUMP": ("differences of volumes are rounded to float32", 1e-7),
    "VSUMN": ("differences of volumes are rounded to float32", 1e-7),
    "VSUMD": ("differences of volumes are rounded to float32, and nearly cancel", 5e-6),
}
"""Family of columns -> why float64 does not agree to 1e-9, and to what it does."""


@dataclass(frozen=True)
class Side:
    """What both sides gave: name -> [sessions, assets]; `within`: inside each stock's file."""

    qlib: dict[str, Any]
    ours: dict[str, dict[str, Any]]
    within: Any
    before: Any
    doubles: frozenset[str]


def compared(folder: Path, days: Any, names: list[str], fields: Any, lists: list[Any]) -> Side:
    """Evaluate Qlib's lists ("Alpha158") or expressions (name -> text) on both sides."""
    write_store(folder / "store", days, names, fields)
    (folder / "formulas.json").write_text(json.dumps(lists))
    script = ROOT / "benchmarks" / "peers" / "qlib_values.py"
    subprocess.run([PEER / "bin" / "python", script, folder], check=True, capture_output=True)
    columns = json.loads((folder / "columns.json").read_text())
    values = np.load(folder / "values.npy")
    values[np.isinf(values)] = np.nan
    keys, at = [], iter(columns)
    for entry in lists:
        count = len(entry) if isinstance(entry, dict) else len(library(entry.lower()))
        keys += [key(entry, next(at)["name"]) for _ in range(count)]
    assert len(keys) == len(columns)
    market = store_market(days, names, fields)
    ours: dict[str, dict[str, Any]] = {"float32": {}, "float64": {}}
    for dtype, found in ours.items():
        for entry in lists:
            formulas = (
                entry if isinstance(entry, dict) else {f.name: f for f in library(entry.lower())}
            )
            signals = evaluate(formulas, market, syntax="qlib", dtype=dtype)
            found |= {key(entry, name): signals[name].values for name in formulas}
    first, last = np.array([life(column) for column in fields["close"].T]).T
    rows = np.arange(len(days))[:, None]
    return Side(
        qlib=dict(zip(keys, values, strict=True)),
        ours=ours,
        within=(rows >= first) & (rows <= last),
        before=rows < first,
        doubles=frozenset(k for k, c in zip(keys, columns, strict=True) if c["dtype"] == "float64"),
    )


def key(entry: Any, name: str) -> str:
    """Name a column; both lists have an OPEN1."""
    return name if isinstance(entry, dict) else f"{entry}.{name}"


def family(column: str) -> str:
    return column.rsplit(".", maxsplit=1)[-1].rstrip("0123456789")


def distance(side: Side, column: str, dtype: str) -> float:
    """Largest difference, relative to the value or to the column's median size."""
    theirs = side.qlib[column][side.within]
    ours = side.ours[dtype][column][side.within].astype(np.float64)
    known = ~(np.isnan(theirs) | np.isnan(ours))
    size = np.abs(theirs[known])
    typical = np.median(size) or 1.0
    return float((np.abs(ours - theirs)[known] / np.maximum(size, typical)).max())


def same_places(side: Side, column: str, dtype: str) -> bool:
    """Whether NaN stand in the same places of each file, and nothing before it begins.

    After a file ends Qlib has no rows, and ours has values as long as a window still reaches into it.
    """
    ours, theirs = np.isnan(side.ours[dtype][column]), np.isnan(side.qlib[column])
    return bool((ours == theirs)[side.within].all() and ours[side.before].all())


# --- real shares -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Every sixteenth of 1,600 A-shares, 2015 to 2019, with their suspensions, listings and delistings."""
    if not DATA.exists():
        pytest.skip("no real data beside the project (../shared/data)")
    from typer.testing import CliRunner

    from superhet.cli.main import app
    from superhet.data import MarketRequest, Store, UniverseRule, load_market

    folder = tmp_path_factory.mktemp("qlib")
    text = (ROOT / "examples" / "maps" / "real_cn.yaml").read_text(encoding="utf-8")
    years = "cn/bars_daily/201[5-9].parquet"
    (folder / "part.yaml").write_text(
        text.replace("cn/bars_daily/*.parquet", years), encoding="utf-8"
    )
    words = ["data", "import", "--source", "files", "--path", DATA, "--map", folder / "part.yaml"]
    words += ["--store", folder / "market", "--quiet"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    request = MarketRequest(industry="", universe=UniverseRule(new_listing=0))
    market = load_market(Store.open(folder / "market"), request)
    fields = {name: values[:, ::16] for name, values in store_fields(market).items()}
    names = list(market.assets.values[::16])
    return compared(folder, market.dates.days, names, fields, ["Alpha158", "Alpha360"])


@pytest.mark.real
def test_the_shares_have_suspensions_and_new_listings(real):
    assert real.within.shape == (1219, 100)
    assert real.before[0].sum() > 20, "listed in these years"
    assert np.isnan(real.qlib["Alpha158.KMID"][real.within]).mean() > 0.05, "suspended"
    assert len(real.qlib) == 158 + 360


@pytest.mark.real
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_stand_where_qlib_has_them_in_all_columns(real, dtype):
    assert [c for c in real.qlib if not same_places(real, c, dtype)] == []


@pytest.mark.real
def test_all_columns_agree_in_float32(real):
    worst = {c: distance(real, c, "float32") for c in real.qlib}
    assert {c: d for c, d in worst.items() if not d <= SINGLE} == {}


@pytest.mark.real
def test_what_qlib_computes_in_float64_agrees_in_float64(real):
    found = {c: distance(real, c, "float64") for c in real.qlib}
    bound = {c: EXCEPTIONS.get(family(c), ("", DOUBLE))[1] for c in real.qlib}
    assert {c: d for c, d in found.items() if not d <= bound[c]} == {}
    assert {family(c) for c in real.qlib if bound[c] == DOUBLE} >= {"MA", "STD", "BETA", "RESI"}
    single = {family(c) for c in real.qlib if c not in real.doubles}
    assert single <= set(EXCEPTIONS), "no column of float32 is held to float64"


@pytest.mark.real
def test_no_exception_is_idle(real):
    worst = dict.fromkeys(EXCEPTIONS, 0.0)
    for column in real.qlib:
        if family(column) in worst:
            worst[family(column)] = max(worst[family(column)], distance(real, column, "float64"))
    assert {name for name, d in worst.items() if d <= DOUBLE} == set()


# --- operators on a small store --------------------------------------------------------------------

OPERATORS = """
Ref($close, 3)
Delta($close, 3)
Mean($close, 7)
Sum($volume, 7)
Std($close, 7)
Var($close, 20)
Skew($close, 20)
Kurt($close, 20)
Max($high, 7)
Min($low, 7)
IdxMax($high, 20)
IdxMin($low, 20)
Quantile($close, 20, 0.8)
Quantile($close, 7, 0.33)
Med($close, 20)
Mad($close, 20)
Rank($close, 20)
Count($close, 7)
Slope($close, 20)
Rsquare($close, 20)
Resi($close, 20)
WMA($close, 7)
EMA($close, 12)
EMA($close, 0.1)
EMA(EMA($close, 12), 9)
Corr($close, $volume, 20)
Cov($close, $volume, 20)
Abs($close - $open)
Sign($close - $open)
Log($volume)
Power($close, 0.5)
Greater($close, $open)
Less($close, $open)
Not($close > $open)
And($close > $open, $high > Ref($high, 1))
Or($close > $open, $high > Ref($high, 1))
Ne($close, Ref($close, 1))
Ge($close, $open)
If($close > Ref($close, 1), $volume, $close)
Mask($close, 'S2')
Mean($close > Ref($close, 1), 7)
Std($close / Ref($close, 1), 7)
Max(Mean($close, 5), 20) / $close
Rank(Mean($close, 3), 20)
Slope(EMA($close, 5), 20)
Corr($close / Ref($close, 1), Log($volume / Ref($volume, 1) + 1), 20)
Mean($close / ($close - Ref($close, 1)), 5)
Std(Quantile($close, 20, 0.8) - Med($close, 20), 10)
(EMA($close, 12) - EMA($close, 26)) / $close - EMA((EMA($close, 12) - EMA($close, 26)) / $close, 9) / $close
""".strip().splitlines()

FIELD_AND_WINDOW = re.compile(r"(?!Power)\w+\((\$\w+, )+[\d., ]+\)")
UNLIKE = {
    ("Rank(Mean($close, 3), 20)", "float32"): (
        "means of prices in cents lie closer together than float32 tells apart: ties are others"
    ),
}
"""Formula and dtype -> why they are not compared."""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Twelve stocks with holes, late starts, early ends, and prices that stand still for a while."""
    rng = np.random.default_rng(3)
    size = (260, 12)
    close = np.round(20.0 * np.exp(np.cumsum(0.02 * rng.standard_normal(size), axis=0)), 2)
    close[100:130, ::3] = close[100, ::3]
    opened = np.round(close * np.exp(0.005 * rng.standard_normal(size)), 2)
    spread = np.exp(np.abs(0.005 * rng.standard_normal(size)))
    fields = {
        "open": opened,
        "high": np.maximum(opened, close) * spread,
        "low": np.minimum(opened, close) / spread,
        "close": close,
        "volume": np.round(np.exp(13.0 + 0.5 * rng.standard_normal(size))),
    }
    missing = rng.random(size) < 0.03
    missing[150:175, 4] = True
    for asset, row in ((1, 40), (5, 90), (7, 3)):
        missing[:row, asset] = True
    missing[220:, 9] = True
    fields = {n: np.where(missing, np.nan, v).astype(np.float32) for n, v in fields.items()}
    days = np.busday_offset("2020-01-02", np.arange(size[0]), roll="forward")
    names = [f"S{i}" for i in range(size[1])]
    formulas = {text: text for text in OPERATORS}
    return compared(tmp_path_factory.mktemp("small"), days, names, fields, [formulas])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", OPERATORS)
def test_an_operator_agrees_with_qlib_on_holes_late_starts_and_flat_prices(simulated, text, dtype):
    if (text, dtype) in UNLIKE:
        pytest.skip(UNLIKE[text, dtype])
    assert (np.isnan(simulated.ours[dtype][text]) == np.isnan(simulated.qlib[text]))[
        simulated.within
    ].all()
    assert distance(simulated, text, dtype) <= SINGLE


@pytest.mark.parametrize("text", [t for t in OPERATORS if FIELD_AND_WINDOW.fullmatch(t)])
def test_a_window_on_a_field_as_stored_agrees_with_qlib_in_float64(simulated, text):
    assert distance(simulated, text, "float64") <= 1e-8
