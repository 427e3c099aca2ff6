"""Figures: series in, ECharts option out.

An option is plain JSON. What JSON cannot say is a word that the page's script replaces:

- ``@axis:NAME`` an axis stored once in the file (dates), so that thirty charts share it
- ``@fmt:KIND`` a number formatter (`numbers.show` has the same kinds)
- ``@up @down @ink @muted @c0 … @c11`` colours of the theme and of the market's habit (red up in China)
- ``@render:interval`` a drawn error bar, ``@tip:heat:KIND`` a tooltip of a heat map
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.report.blocks import Option
from superhet.report.numbers import compact, show

Numbers = npt.NDArray[np.float64]
DECIMATE_ABOVE = 5000
COLOURS = 12
FEW = 15  # categories that all show their names
MANY = 24  # rows beyond which they are drawn closer
WIDEST_LABEL = 170


def colour(position: int) -> str:
    """Name a colour of the theme's palette; it starts again after twelve."""
    return f"@c{position % COLOURS}"


def _value_axis(kind: str, **more: Any) -> Option:
    return {"type": "value", "axisLabel": {"formatter": f"@fmt:{kind}"}, "scale": True, **more}


def _tooltip(kind: str, trigger: str = "axis") -> Option:
    return {"trigger": trigger, "valueFormatter": f"@fmt:{kind}", "confine": True}


def text_width(names: Sequence[str]) -> int:
    """Estimate the pixels that the longest name takes at the size of axis labels."""
    widths = [sum(11.0 if ord(c) > 0x2E80 else 6.4 for c in name) for name in names]
    return round(min(max(widths, default=0.0), WIDEST_LABEL))


def _name_axis(names: Sequence[str]) -> Option:
    """Make an upright axis that shows every name; the library measures only some of many names."""
    label = {"interval": 0, "width": WIDEST_LABEL, "overflow": "truncate", "hideOverlap": False}
    if len(names) > MANY:
        label["fontSize"] = 10
    return {"type": "category", "data": list(names), "inverse": True, "axisLabel": label}


def _name_grid(names: Sequence[str], bottom: int = 28) -> Option:
    left = text_width(names) + 16
    return {"left": left, "right": 24, "top": 8, "bottom": bottom, "containLabel": False}


def row_height(rows: int, least: int = 260) -> int:
    """Give the height of a figure with one row a name."""
    return max(least, (22 if rows <= MANY else 16) * rows + 70)


def _legend(names: Sequence[str]) -> Option:
    return {"show": len(names) > 1, "type": "scroll", "top": 0, "left": 0, "data": list(names)}


def _decimated(series: Option, points: int) -> Option:
    return {**series, "sampling": "lttb"} if points > DECIMATE_ABOVE else series


def lines(
    axis: str,
    series: Mapping[str, Numbers],
    *,
    kind: str = "n2",
    colours: Sequence[str] | None = None,
    area: bool = False,
    zoom: bool = True,
    **y_axis: Any,
) -> Option:
    """Draw series over a shared axis ("@axis:NAME"); `area` fills down to zero."""
    drawn = []
    for k, (name, values) in enumerate(series.items()):
        line: Option = {
            "type": "line",
            "name": name,
            "data": compact(values),
            "showSymbol": False,
            "lineStyle": {"width": 1.6},
            "itemStyle": {"color": colours[k] if colours else colour(k)},
        }
        if area:
            line["areaStyle"] = {"opacity": 0.18}
        drawn.append(_decimated(line, len(values)))
    option: Option = {
        "legend": _legend(list(series)),
        "tooltip": _tooltip(kind),
        "xAxis": {"type": "category", "data": axis, "boundaryGap": False},
        "yAxis": _value_axis(kind, **y_axis),
        "series": drawn,
    }
    if zoom:
        option["dataZoom"] = [{"type": "inside", "filterMode": "none"}]
    return option


def steps(starts: Sequence[str], series: Mapping[str, Numbers], *, kind: str = "n2") -> Option:
    """Stack values that hold from each start to the next; each sign stacks on its own side."""
    option = bars(starts, series, kind=kind, stack=True)
    for area in option["series"]:
        area |= {"barCategoryGap": "0%", "barMaxWidth": None}
    return option


def bars(
    categories: Sequence[str] | str,
    series: Mapping[str, Numbers],
    *,
    kind: str = "n3",
    stack: bool = False,
    signed: bool = False,
    colours: Sequence[str] | None = None,
) -> Option:
    """Draw upright bars; `signed` colours each bar by its sign."""
    axis = categories if isinstance(categories, str) else list(categories)
    drawn = []
    for k, (name, values) in enumerate(series.items()):
        data: list[Any] = compact(values)
        if signed:
            data = [_signed(v) for v in data]
        bar: Option = {"type": "bar", "name": name, "data": data, "barMaxWidth": 36}
        bar["itemStyle"] = {"color": colours[k] if colours else colour(k)}
        drawn.append(bar | ({"stack": "all"} if stack else {}))
    return {
        "legend": _legend(list(series)),
        "tooltip": _tooltip(kind) | {"axisPointer": {"type": "shadow"}},
        "xAxis": _category_axis(axis),
        "yAxis": _value_axis(kind, scale=False),
        "series": drawn,
    }


def _category_axis(categories: list[str] | str) -> Option:
    axis: Option = {"type": "category", "data": categories}
    if not isinstance(categories, str) and len(categories) <= FEW:
        axis["axisLabel"] = {"interval": 0}
    return axis


def _signed(value: float | None) -> Any:
    if value is None:
        return None
    return {"value": value, "itemStyle": {"color": "@up" if value >= 0 else "@down"}}


def bars_with_line(
    axis: str, bar: tuple[str, Numbers], line: tuple[str, Numbers], *, kind: str = "n3"
) -> Option:
    """Draw signed daily bars under a smoothed line."""
    option = bars(axis, {bar[0]: bar[1]}, kind=kind)
    option["series"][0] |= {"large": len(bar[1]) > DECIMATE_ABOVE, "barCategoryGap": "0%"}
    option["series"][0]["itemStyle"] = {"color": "@soft"}
    smooth = lines(axis, {line[0]: line[1]}, kind=kind, colours=["@accent"])["series"][0]
    option["series"].append(smooth | {"lineStyle": {"width": 2}, "z": 5})
    option["legend"] = _legend([bar[0], line[0]])
    option["dataZoom"] = [{"type": "inside", "filterMode": "none"}]
    return option


def interval_bars(
    names: Sequence[str],
    means: Numbers,
    low: Numbers,
    high: Numbers,
    *,
    label: str,
    interval: str,
    kind: str = "n3",
    colours: Sequence[str] | None = None,
) -> Option:
    """Draw lying bars with their intervals, the first name on top."""
    values: list[Any] = compact(means)
    if colours is not None:
        values = [
            {"value": v, "itemStyle": {"color": c}} for v, c in zip(values, colours, strict=True)
        ]
    ends = zip(compact(low), compact(high), strict=True)
    drawn = [[k, a, b] for k, (a, b) in enumerate(ends) if a is not None and b is not None]
    return {
        "tooltip": _tooltip(kind) | {"axisPointer": {"type": "shadow"}},
        "grid": _name_grid(names),
        "xAxis": _value_axis(kind, scale=False),
        "yAxis": _name_axis(names),
        "series": [
            {
                "type": "bar",
                "name": label,
                "data": values,
                "barMaxWidth": 16,
                "itemStyle": {"color": "@c0"},
            },
            {
                "type": "custom",
                "name": interval,
                "data": drawn,
                "renderItem": "@render:interval",
                "encode": {"x": [1, 2], "y": 0, "tooltip": [1, 2]},
                "itemStyle": {"color": "@ink"},
                "z": 10,
            },
        ],
    }


def add_intervals(option: Option, low: Numbers, high: Numbers, *, name: str) -> None:
    """Draw error bars over the upright bars of an option just made."""
    ends = zip(compact(low), compact(high), strict=True)
    option["series"].append(
        {
            "type": "custom",
            "name": name,
            "data": [[k, a, b] for k, (a, b) in enumerate(ends) if a is not None and b is not None],
            "renderItem": "@render:upright",
            "encode": {"x": 0, "y": [1, 2], "tooltip": [1, 2]},
            "itemStyle": {"color": "@ink"},
            "z": 10,
        }
    )


def lying_bars(
    names: Sequence[str], values: Numbers, *, label: str, kind: str = "n3", signed: bool = True
) -> Option:
    """Draw lying bars without intervals, the first name on top."""
    nothing = np.full(len(names), np.nan)
    option = interval_bars(names, values, nothing, nothing, label=label, interval="", kind=kind)
    option["series"] = option["series"][:1]
    if signed:
        option["series"][0]["data"] = [_signed(v) for v in compact(values)]
    return option


def heat_map(
    columns: Sequence[str] | str,
    rows: Sequence[str],
    values: Numbers,
    *,
    kind: str = "n2",
    diverging: bool = True,
    labelled: bool = False,
    neutral: bool = False,
    limit: float | None = None,
) -> Option:
    """Draw [rows, columns]; diverging scales are centred on zero.

    Their colours are those of rising and falling, or, where more is not better, `neutral` ones.
    """
    cells = [
        [c, r, v]
        for r in range(len(rows))
        for c, v in enumerate(compact(values[r]))
        if v is not None
    ]
    size = max((abs(v) for _, _, v in cells), default=1.0) if limit is None else limit
    ends = ("@c1", "@c0") if neutral else ("@down", "@up")
    ramp = [ends[0], "@card", ends[1]] if diverging else ["@accent-soft", "@accent"]
    return {
        "tooltip": {"trigger": "item", "formatter": f"@tip:heat:{kind}", "confine": True},
        "grid": _name_grid(rows, bottom=68),
        "xAxis": {
            "type": "category",
            "data": columns if isinstance(columns, str) else list(columns),
            "splitArea": {"show": False},
        },
        "yAxis": _name_axis(rows),
        "visualMap": {
            "min": -size if diverging else 0,
            "max": size or 1,
            "calculable": False,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "itemHeight": 120,
            "itemWidth": 10,
            "text": [show(size, kind), show(-size if diverging else 0.0, kind)],
            "inRange": {"color": ramp},
        },
        "series": [
            {
                "type": "heatmap",
                "data": cells,
                "progressive": 0,
                "label": {"show": labelled, "formatter": f"@cell:{kind}", "fontSize": 10},
                "itemStyle": {"borderColor": "@card", "borderWidth": 1},
            }
        ],
    }


def histogram(edges: Numbers, counts: Mapping[str, Numbers], *, kind: str = "p1") -> Option:
    """Draw shares by bin for one or more samples on the same edges."""
    middles = [f"{m:.3g}" for m in (edges[:-1] + edges[1:]) / 2]
    option = bars(middles, counts, kind=kind)
    for series in option["series"]:
        series |= {"barGap": "-100%", "barCategoryGap": "4%", "barMaxWidth": None}
        series["itemStyle"]["opacity"] = 0.55
    return option


def gantt(
    axis: str, rows: Sequence[str], spans: Mapping[str, Sequence[tuple[float, float]]]
) -> Option:
    """Draw spans by row, each as (first position, length) on a date axis; one series a kind of span."""
    drawn: list[Option] = []
    for k, (name, pairs) in enumerate(spans.items()):
        drawn.append(
            {
                "type": "custom",
                "name": name,
                "renderItem": "@render:span",
                "itemStyle": {"color": "@soft" if k == 0 else "@accent"},
                "encode": {"x": [1, 2], "y": 0},
                "data": [[r, first, first + length] for r, (first, length) in enumerate(pairs)],
            }
        )
    return {
        "legend": _legend(list(spans)),
        "tooltip": {"trigger": "item", "formatter": f"@tip:span:{axis}", "confine": True},
        "xAxis": {
            "type": "value",
            "axisLabel": {"formatter": f"@date:{axis}"},
            "min": 0,
            "max": "dataMax",
        },
        "yAxis": {"type": "category", "data": list(rows), "inverse": True},
        "series": drawn,
    }


def boxes(names: Sequence[str], five: Numbers, *, label: str, kind: str = "n1") -> Option:
    """Draw lying boxes from five numbers a row: low, quarter, median, three quarters, high."""
    option = lying_bars(names, five[:, 2], label=label, kind=kind)
    option["tooltip"] = {"trigger": "item", "confine": True, "valueFormatter": f"@fmt:{kind}"}
    option["series"] = [
        {
            "type": "boxplot",
            "name": label,
            "data": [compact(row) for row in five],
            "boxWidth": [4, 14],
            "itemStyle": {"color": "@soft", "borderColor": "@accent"},
        }
    ]
    return option


def against_normal(normal: Numbers, found: Numbers, *, names: tuple[str, str]) -> Option:
    """Draw quantiles found against those of the normal law, and the line on which they would be equal."""
    points = [[x, y] for x, y in zip(compact(normal), compact(found), strict=True)]
    edge = float(f"{max(abs(normal[0]), abs(normal[-1])):.3g}") if len(normal) else 1.0
    dots: Option = {"type": "scatter", "name": names[0], "data": points, "symbolSize": 5}
    line: Option = {"type": "line", "name": names[1], "data": [[-edge, -edge], [edge, edge]]}
    line |= {"showSymbol": False, "lineStyle": {"width": 1.2, "type": "dashed"}}
    return {
        "legend": _legend(list(names)),
        "tooltip": _tooltip("n2", "item"),
        "xAxis": _value_axis("n1"),
        "yAxis": _value_axis("n1"),
        "series": [
            {**dots, "itemStyle": {"color": "@c0"}},
            {**line, "itemStyle": {"color": "@muted"}},
        ],
    }


def band(
    axis: str, middle: tuple[str, Numbers], low: Numbers, high: Numbers, *, name: str, kind: str
) -> Option:
    """Draw a line inside the band between two others."""
    option = lines(axis, {middle[0]: middle[1]}, kind=kind, colours=["@accent"], scale=False)
    edge: Option = {
        "type": "line",
        "showSymbol": False,
        "stack": "band",
        "stackStrategy": "all",
        "lineStyle": {"opacity": 0},
        "itemStyle": {"color": "@accent"},
        "tooltip": {"show": False},
        "silent": True,
    }
    option["series"] += [
        {**edge, "name": "", "data": compact(low)},
        {**edge, "name": name, "data": compact(high - low), "areaStyle": {"opacity": 0.16}},
    ]
    option["legend"] = _legend([middle[0], name])
    return option
