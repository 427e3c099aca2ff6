"""Pages of factors: whole in both languages, self-contained, every figure with its data, nothing unsaid."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from browser import looked_at

from superhet.report.catalogue import Text
from superhet.report.factor_html import render_board, render_factor
from superhet.report.factor_study import FactorBoard, FactorStudy

DATES = [str(d) for d in np.arange("2019-01-01", "2021-12-31", dtype="datetime64[D]")]
_RNG = np.random.default_rng(3)


def _series(scale=0.05):
    values = _RNG.normal(0.01, scale, len(DATES)).round(5).tolist()
    values[3] = None
    return values


def _summary(mean=0.012):
    return {
        "mean": mean,
        "std": 0.1,
        "icir": 0.12,
        "annual_icir": 1.87,
        "t_nw": 3.1,
        "t_naive": 5.0,
        "p": 0.002,
        "ci95": [0.004, 0.02],
        "win_rate": 0.55,
        "count": 1090,
        "skew": 0.1,
        "kurtosis": None,
        "by_year": {
            "2019": {"mean": 0.01, "icir": 0.1, "t_nw": 2.0, "win_rate": 0.5, "count": 365}
        },
    }


def _row(name):
    return {
        "name": name,
        "mean": 0.01,
        "low": -0.01,
        "high": 0.03,
        "icir": 0.1,
        "t_nw": 1.0,
        "count": 9,
    }


_FACTS = {
    "formula": "-ts_return(close, 20)",
    "text": "-ts_return(close,20)",
    "syntax": "superhet",
    "convention": "superhet",
    "meaning": {"en": "reversal of a month", "zh": "一月反转"},
    "frequency": "daily",
    "clock": "1d",
    "lookback": 20,
    "unit": "ratio",
    "fields": ["adjusted_close"],
    "operators": [{"name": "negate", "meaning": "Turn.", "family": "elementwise"}],
    "universe": "all",
    "benchmark": "SIM",
    "industry": None,
    "start": DATES[0],
    "end": DATES[-1],
    "sessions": len(DATES),
    "assets": 300,
    "mean_assets": 280.0,
    "snapshot": "abc",
    "horizon": 5,
    "horizons": [5, 1],
    "delay": 1,
    "entry": "open",
    "window": None,
    "locked": "exclude",
    "relative_to": None,
    "count": 3,
    "neutral": ["industry", "size"],
    "cost": 0.001,
    "periods_per_year": 244,
    "dtype": "float32",
    "trials": 7,
    "factors": 1,
}
_BOOK = {
    "annual_return": 0.1,
    "annual_volatility": 0.1,
    "sharpe": 1.0,
    "sortino": 1.5,
    "max_drawdown": -0.2,
    "calmar": 0.5,
    "win_rate": 0.5,
    "total_return": 0.3,
}


def sample(name="reversal", **changes):
    """A study with every part filled in."""
    one = _summary()
    quantile = [[1.0 + 0.1 * q] * len(DATES) for q in range(3)]
    series = {
        n: _series()
        for n in (
            "rank_ic",
            "ic",
            "neutral_rank_ic",
            "coverage",
            "autocorrelation",
            "spread",
            "long_short",
            "turnover_top",
            "turnover_bottom",
            "long_short_nav_gross",
            "long_short_nav_net",
            "long_short_drawdown_gross",
            "long_short_drawdown_net",
            "long_leg_nav",
            "short_leg_nav",
        )
    }
    return FactorStudy(
        **{
            "name": name,
            "key": "k",
            "facts": _FACTS,
            "rank_ic": one,
            "ic": one,
            "direction": -1,
            "coverage": 0.9,
            "horizons": {
                h: {"raw": {"rank_ic": one, "ic": one, "coverage": 0.9}, "neutral": {}}
                for h in ("10", "5")
            },
            "neutral": {"against": ["industry"], "rank_ic": one, "ic": one},
            "decay": [0.02, 0.01],
            "half_life": 1.0,
            "decay_table": {
                "lags": [1, 2],
                "low": [0.0, 0.0],
                "high": [0.03, 0.02],
                "t": [2.0, 1.0],
            },
            "autocorrelation": {"10": 0.5, "1": 0.9},
            "quantiles": {
                "returns": [0.0, 0.01, 0.02],
                "relative": [-0.01, 0.0, 0.01],
                "turnover": [0.1, 0.2, 0.1],
                "spread": 0.02,
                "spread_t": 2.0,
                "spread_ci95": [0.0, 0.04],
                "monotonicity": 1.0,
            },
            "books": [{"gross": 0.1, "net": 0.05, "net_sharpe": 0.5}] * 3,
            "long_short": {
                "gross": _BOOK,
                "net": _BOOK,
                "turnover": 0.2,
                "annual_turnover": 48.8,
                "break_even": 0.001,
                "directed": {"net_sharpe": -1.0, "break_even": -0.001, "net_summary": _BOOK},
            },
            "legs": {"long": {**_BOOK, "share": 0.6}, "short": {**_BOOK, "share": 0.4}},
            "holding": [
                {
                    "holding": 5,
                    "gross": 0.1,
                    "net": 0.05,
                    "gross_sharpe": 1.0,
                    "net_sharpe": 0.5,
                    "turnover": 0.2,
                    "break_even": 0.001,
                }
            ],
            "capacity": {
                "rows": [{"capital": 1e6, "net": 0.1}],
                "eaten_net": 1e8,
                "best": 5e7,
                "participating": 1e9,
                "participation": 0.05,
            },
            "concentration": {
                "rows": [{"asset": "600000.SH", "contribution": 0.01, "share": 0.1}],
                "share": 0.3,
            },
            "weighted": {"annual_alpha": 0.05, "beta": 0.1, "sharpe_net": 0.4},
            "splits": {
                "size": [_row("size 1")],
                "board": [_row("main")],
                "regime": [_row("up, calm")],
                "month": [_row("Jan")],
                "industry": [_row("银行")],
            },
            "sub_universes": [
                {**_row("small"), "names": 100.0, "sharpe": 1.0, "needed": 0.7, "ratio": 1.4}
            ],
            "distribution": {
                "edges": [-1.0, 0.0, 1.0],
                "histogram": [0.5, 0.5],
                "skew": 0.1,
                "excess_kurtosis": 0.2,
                "beyond_3": 0.01,
                "beyond_5": 0.0,
                "at_median": 0.0,
                "not_normal": 0.4,
                "advice": "none",
            },
            "cleaning": [
                {"name": "raw", "skew": 0.1, "rank_ic": 0.01},
                {"name": "power_rank", "rank_ic": 0.01},
            ],
            "library": {
                "correlation": [{"name": "mine", "value": 0.8}],
                "largest": 0.8,
                "incremental": one,
            },
            "styles": {
                "rows": [{"name": "size", "exposure": 0.3, "returns": 0.2, "vif": 1.1}],
                "r2": 0.2,
                "vif": 1.2,
            },
            "significance": {
                "t_naive": 5.0,
                "t_nw": 3.1,
                "p_nw": 0.002,
                "ci_nw": [0.0, 0.02],
                "p_boot": 0.01,
                "ci_boot": [0.0, 0.02],
                "block": 9.0,
                "trials": 7,
                "p_bh": 0.014,
                "sharpe": 1.0,
                "deflated_sharpe": 0.7,
            },
            "forward": {
                "known": 9,
                "no_trade_at_entry": 1,
                "locked_at_entry": 0,
                "after_the_end": 0,
                "valued_at_last_close": 0,
                "shifted": 0,
                "total": 10,
            },
            "checks": [
                {
                    "rule": "t_nw",
                    "value": 3.1,
                    "threshold": 2.0,
                    "pass": True,
                    "bound": "at_least",
                    "kind": "n2",
                },
                {
                    "rule": "turnover",
                    "value": None,
                    "threshold": [0.01, 0.7],
                    "pass": None,
                    "bound": "between",
                    "kind": "p1",
                },
            ],
            "notes": [
                {"code": "not_neutral", "values": {"name": "industry"}},
                {"code": "too_good", "values": {"mean": "0.4"}},
                {
                    "code": "benchmark_gaps",
                    "values": {"name": "X", "count": 2, "first": "a", "last": "b"},
                },
            ],
            "series": {
                "date": DATES,
                **series,
                "quantile_nav_gross": quantile,
                "quantile_nav_net": quantile,
                "ic_histogram": {"edges": [-0.1, 0.0, 0.1], "shares": [0.4, 0.6]},
                "ic_qq": {"normal": [-1.0, 0.0, 1.0], "found": [-1.1, 0.0, 1.2]},
            },
            **changes,
        }
    )


def board(**changes):
    studies = [
        sample("a"),
        sample("b"),
        FactorStudy(name="c", facts=_FACTS, refused={"code": "constant", "values": {"dates": 3}}),
    ]
    return FactorBoard(
        **{
            "name": "factors",
            "facts": _FACTS,
            "studies": studies,
            "links": {"a": "a.html", "b": "b.html", "c": "c.html"},
            "correlation": {
                "names": ["a", "b"],
                "values": [[1.0, 0.2], [0.2, 1.0]],
                "largest": {"a": 0.2, "b": 0.2},
            },
            "significance": {
                "spa_p": 0.1,
                "white_p": 0.2,
                "overfitting": 0.3,
                "best": "a",
                "best_deflated": 0.7,
            },
            "left_out": {"d": {"en": "needs vwap", "zh": "缺少 vwap"}},
            **changes,
        }
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_factor_page_is_whole(language):
    html = render_factor(sample(), language=language, home="index.html", beside={"en": "x.html"})
    drawn = set(re.findall(r'data-figure="([^"]+)"', html))
    data = json.loads(re.search(r'id="report-data">(.*?)</script>', html, re.S)[1])
    assert drawn == set(data["figures"])
    assert len(drawn) > 25
    ids = re.findall(r' id="([^"]+)"', html.split('<script type="application/json"')[0])
    assert len(ids) == len(set(ids))
    words = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.S)
    assert not re.search(r"\bNone\b|\bnan\b|\{\w+\}", re.sub(r"<[^>]*>", " ", words))
    assert "http" not in re.sub(r"http://www.w3.org\S*", "", words)
    assert f'data-habit="{"red-up" if language == "zh" else "green-up"}"' in html


def test_the_chinese_page_leaves_no_english_sentence():
    html = render_factor(sample(), language="zh")
    words = re.sub(r"<(style|script|code|pre)\b.*?</\1>", "", html, flags=re.S)
    text = re.sub(r"<[^>]*>", "\n", words)
    english = [t for t in text.split("\n") if re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", t)]
    assert not english


def test_a_study_survives_its_file():
    study = sample()
    again = FactorStudy.from_dict(json.loads(json.dumps(study.to_dict(), sort_keys=True)))
    for language in ("en", "zh"):
        assert render_factor(study, language=language) == render_factor(again, language=language)


def test_horizons_and_lags_stand_in_their_order():
    html = render_factor(sample())
    assert html.index('data-v="5"') < html.index('data-v="10"')
    assert "1: 0.900, 10: 0.500" in html


def test_direction_is_said_and_nothing_is_flipped():
    html = render_factor(sample())
    assert Text("en")("factor.direction.-1") in html
    assert "Net, in its direction" in html


def test_without_styles_and_library_the_page_says_so():
    html = render_factor(sample(styles={}, library={}))
    assert "No style file was given, so nothing is said of the ten Barra styles" in html
    assert "No factors of yours were given" in html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_board_links_every_factor_and_says_who_is_missing(language):
    html = render_board(board(), language=language)
    assert '<a href="a.html">a</a>' in html
    assert "needs vwap" in html if language == "en" else "缺少 vwap" in html
    assert Text(language)("factor.refused.constant", dates=3) in html


def test_a_comparison_lists_pairs():
    pair = {
        "left": "a",
        "right": "b",
        "signals": 0.5,
        "rank_ic": 0.4,
        "returns": 0.3,
        "difference": 0.01,
        "t": 1.5,
        "left_adds": 0.02,
        "left_t": 2.0,
        "right_adds": None,
        "right_t": None,
    }
    signals = {"names": ["a", "b"], "values": [[1.0, 0.5], [0.5, 1.0]]}
    html = render_board(board(pairs=[pair], significance={"signals": signals}))
    assert "Factors compared" in html
    assert 'data-figure="pair_correlation"' in html


def test_a_refused_factor_has_a_page_that_says_why():
    html = render_factor(board().studies[2], language="zh")
    assert Text("zh")("factor.refused.constant", dates=3) in html


def test_every_word_of_factor_pages_is_asked_for(monkeypatch):
    asked = set()
    plain = Text.__getitem__

    def noted(text, key):
        asked.add(key)
        return plain(text, key)

    monkeypatch.setattr(Text, "__getitem__", noted)
    ways = (
        {},
        {"styles": {}, "library": {}, "half_life": None, "direction": 1},
        {"facts": {**_FACTS, "neutral": [], "formula": None, "file": "f.parquet", "key": ""}},
        {"facts": {**_FACTS, "relative_to": "benchmark", "locked": "shift"}, "direction": 0},
        {"facts": {**_FACTS, "relative_to": "industry", "universe": "000300.SH"}},
        {
            "long_short": {},
            "series": {**sample().series, "long_short_nav_gross": [], "long_short_nav_net": []},
        },
    )
    for changes in ways:
        render_factor(sample(**changes), home="index.html", beside={"zh": "x", "en": "y"})
    pair = {"left": "a", "right": "b"}
    signals = {"signals": {"names": ["a", "b"], "values": [[1.0, 0.5], [0.5, 1.0]]}}
    for one in (board(), board(pairs=[pair], significance=signals)):
        render_board(one)
    render_factor(board().studies[2])
    named_by_data = (
        "group",
        "regime",
        "board",
        "style",
        "advice",
        "cleaning",
        "family",
        "check",
        "refused",
        "against",
    )
    unused = [
        k
        for k in Text("en")
        if k.startswith("factor.") and k not in asked and k.split(".")[1] not in named_by_data
    ]
    assert not unused


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", ["factor", "board"])
def test_a_browser_draws_every_figure(page, language, tmp_path):
    html = (
        render_factor(sample(), language=language)
        if page == "factor"
        else render_board(board(), language=language)
    )
    said, drawn = looked_at(html, tmp_path)
    assert said == []
    assert drawn == set(re.findall(r'data-figure="([^"]+)"', html))
