"""Whether forecasts were borne out: bias by family, with and without the adjustment, and by decile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Option, Table
from superhet.report.catalogue import Text
from superhet.report.risk_html import RiskStudy

_FAMILIES = (
    "pure", "random", "random_active", "tilted", "optimised", "optimised_factors", "eigenfactors",
    "single_stocks",
)  # fmt: skip


def forecast_cards(study: RiskStudy, text: Text) -> list[Card]:
    """Make the cards."""
    return [
        _families(study, text),
        _eigenfactors(study, text),
        _predicted(study, text),
        _deciles(study, text),
        _tilts(study, text),
        _market(study, text),
    ]


def _card(text: Text, name: str, *, wide: bool = False, height: int = 320, **what: Any) -> Card:
    return Card(
        id=f"risk-{name}",
        title=text(f"risk.card_{name}"),
        note=text(f"risk.note_{name}"),
        wide=wide,
        height=height,
        **what,
    )


def _families(study: RiskStudy, text: Text) -> Card:
    """List the statistics of each family, and beside them those without the adjustment."""
    adjusted = study.facts["bias"]
    without = study.facts["bias_without_eigenfactor_adjustment"]
    kinds = {
        "count": "int", "tests": "int", "bias": "n2", "without": "n2", "low": "n2", "high": "n2",
        "band": "text", "in_band": "p0", "mrad": "n3", "q": "n2",
    }  # fmt: skip
    columns = [Column(title=text("risk.column_family"), kind="text")]
    columns += [Column(title=text(f"risk.column_{n}"), kind=k) for n, k in kinds.items()]
    rows = []
    for name in _FAMILIES:
        if name not in adjusted:
            continue
        one = adjusted[name]
        low, high = (float("nan") if e is None else e for e in one["band"])
        rows.append(
            (
                text(f"risk.family_{name}"),
                one["portfolios"],
                one["tests"],
                one["bias"],
                without.get(name, {}).get("bias"),
                one["low"],
                one["high"],
                f"{low:.2f} – {high:.2f}",
                one["in_band"],
                one["mrad"],
                one["q"],
            )
        )
    return _card(text, "families", table=Table(columns=columns, rows=rows), wide=True)


def _eigenfactors(study: RiskStudy, text: Text) -> Card:
    """Draw the bias of each eigenfactor, least risky first, with and without the adjustment."""
    biases = study.facts["eigenfactor_bias"]
    series = {
        text("risk.label_adjusted"): np.array(biases["adjusted"], dtype=np.float64),
        text("risk.label_unadjusted"): np.array(biases["unadjusted"], dtype=np.float64),
    }
    series = {n: v for n, v in series.items() if v.size}
    size = max((v.size for v in series.values()), default=0)
    option = figures.lines("", series, kind="n2", colours=["@accent", "@c1"], zoom=False)
    option["xAxis"]["data"] = [str(k + 1) for k in range(size)]
    _level(option)
    return _card(text, "eigenfactors", figure=option)


def _level(option: Option) -> None:
    """Draw the line of the perfect forecast through a figure."""
    option["series"][0]["markLine"] = {
        "symbol": "none",
        "silent": True,
        "label": {"show": False},
        "lineStyle": {"color": "@muted", "type": "dashed"},
        "data": [{"yAxis": 1}],
    }


def _predicted(study: RiskStudy, text: Text) -> Card:
    """Draw forecast and realised deviation of every test portfolio against each other."""
    found: Mapping[str, Any] = study.facts["predicted_and_realised"]
    drawn: list[Option] = []
    most = 0.0
    for k, name in enumerate(n for n in _FAMILIES if n in found and n != "single_stocks"):
        pairs = [
            [float(f"{a:.4g}"), float(f"{b:.4g}")]
            for a, b in zip(found[name]["predicted"], found[name]["realised"], strict=True)
            if a is not None and b is not None and np.isfinite(a) and np.isfinite(b) and a > 0 < b
        ]
        most = max([most, *(max(p) for p in pairs)])
        drawn.append(
            {
                "type": "scatter",
                "name": text(f"risk.family_{name}"),
                "data": pairs,
                "symbolSize": 5,
                "itemStyle": {"color": figures.colour(k), "opacity": 0.6},
            }
        )
    least = min((v for s in drawn for p in s["data"] for v in p), default=0.01)
    drawn.append(
        {
            "type": "line",
            "name": text("risk.label_equal"),
            "data": [[least, least], [most or 1.0, most or 1.0]],
            "showSymbol": False,
            "lineStyle": {"width": 1.2, "type": "dashed"},
            "itemStyle": {"color": "@muted"},
        }
    )
    ends = {"min": _round(least, np.floor), "max": _round(most or 1.0, np.ceil)}
    axis = {"type": "log", "axisLabel": {"formatter": "@fmt:p1"}, **ends}
    option: Option = {
        "legend": {"show": True, "type": "scroll", "top": 0, "left": 0},
        "tooltip": {"trigger": "item", "valueFormatter": "@fmt:p2", "confine": True},
        "xAxis": {
            **axis,
            "name": text("risk.label_predicted"),
            "nameLocation": "middle",
            "nameGap": 26,
        },
        "yAxis": {**axis, "name": text("risk.label_realised")},
        "grid": {"left": 60, "right": 24, "top": 52, "bottom": 44},
        "series": drawn,
    }
    return _card(text, "predicted", figure=option)


def _round(value: float, how: Any) -> float:
    """Round up or down to one digit."""
    size = 10.0 ** np.floor(np.log10(value))
    return float(f"{how(value / size) * size:.6g}")


def _deciles(study: RiskStudy, text: Text) -> Card:
    """Draw the bias of single stocks by decile of size and of specific risk."""
    found = study.facts["bias_by_decile"]
    series = {
        text(f"risk.decile_{name}"): np.array([np.nan if v is None else v for v in values])
        for name, values in found.items()
    }
    size = max((v.size for v in series.values()), default=10)
    option = figures.lines("", series, kind="n2", zoom=False)
    option["xAxis"]["data"] = [str(k + 1) for k in range(size)]
    option["xAxis"]["boundaryGap"] = True
    if option["series"]:
        _level(option)
    return _card(text, "deciles", figure=option)


def _tilts(study: RiskStudy, text: Text) -> Card:
    """Draw the bias of the portfolios tilted to each style, up and down."""
    each = study.facts["bias"].get("tilted", {}).get("each", {})

    def of(sign: str) -> np.ndarray[Any, Any]:
        values = [each.get(f"{s}{sign}") for s in study.styles]
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)

    names = [str(study.labels.get(s, {}).get(text.language, s)) for s in study.styles]
    series = {text("risk.label_up"): of("+"), text("risk.label_down"): of("-")}
    option = figures.bars(names, series, kind="n2", colours=["@c0", "@c1"])
    option["xAxis"]["axisLabel"] = {"interval": 0, "rotate": 35}
    option["grid"] = {"left": 48, "right": 24, "top": 40, "bottom": 64}
    _level(option)
    return _card(text, "tilts", figure=option)


def _market(study: RiskStudy, text: Text) -> Card:
    """Draw the forecast risk of the country factor, and what came."""
    series = {
        text("risk.label_predicted"): study.market_risk,
        text("risk.label_realised"): study.market_realised,
    }
    option = figures.lines("@axis:dates", series, kind="p0", colours=["@accent", "@muted"], min=0)
    return _card(text, "market", figure=option, height=360)
