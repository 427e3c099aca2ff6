"""What `superhet risk` says to a person: the numbers that decide, a screenful at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def fit_text(found: Mapping[str, Any]) -> str:
    """Sum up a fit."""
    lines = [
        f"{found['dates']:,} dates {found['first']} … {found['last']}, {found['assets']:,} assets, "
        f"{found['factors']} factors, in {found['seconds']:.1f} s"
        + (f" ({found['reused_dates']:,} dates kept)" if found["reused_dates"] else ""),
        f"mean R² {_n(found['mean_r2'])}, identities hold to {_e(found['max_identity_error'])}",
        "",
        f"  {'style':<22}{'|t| > 2':>9}{'VIF':>8}",
    ]
    for name, vif in found["vif"].items():
        lines.append(f"  {name:<22}{_p(found['share_t_above_2'].get(name)):>9}{_n(vif):>8}")
    lines += ["", *_bias(found["bias"], found["in_band"])]
    if found["problem"]:
        lines.append(f"  not tried: {found['problem']}")
    lines += [f"  ! {note}" for note in found["notes"]]
    lines.append(f"written to {found['out']}")
    return "\n".join(lines)


def _bias(mean: Mapping[str, Any], inside: Mapping[str, Any]) -> list[str]:
    if not mean:
        return []
    rows = [f"  {'test portfolios':<22}{'bias':>9}{'in band':>9}"]
    rows += [
        f"  {n.replace('_', ' '):<22}{_n(b):>9}{_p(inside.get(n)):>9}" for n, b in mean.items()
    ]
    return [*rows, ""]


def show_text(found: Mapping[str, Any]) -> str:
    """Sum up a date."""
    lines = [
        f"{found['date']}: {found['assets']:,} assets with a forecast; R² of the date {_n(found['r2'])}",
        f"model {found['model'].get('table', '')}, {found['first']} … {found['last']}",
        "",
        f"  {'factor':<24}{'block':<12}{'volatility':>11}{'return':>10}{'t':>8}",
    ]
    for factor in found["factors"]:
        lines.append(
            f"  {factor['name']:<24}{factor['block']:<12}{_p(factor['volatility']):>11}"
            f"{_p(factor['return'], 3):>10}{_n(factor['t'], 1):>8}"
        )
    if "asset" in found:
        one = found["asset"]
        lines += [
            "",
            f"{one['name']}: total risk {_p(one['total_risk'])}, of factors {_p(one['factor_risk'])}, "
            f"its own {_p(one['specific_risk'])}",
        ]
        lines += [f"  {n:<24}{_n(x):>8}" for n, x in one["exposures"].items()]
    return "\n".join(lines)


def validation_text(found: Mapping[str, Any]) -> str:
    """Sum up a validation."""
    lines = [
        f"{found['tests']} tests, {found['step']} sessions each; mean R² {_n(found['mean_r2'])}, "
        f"identities hold to {_e(found['max_identity_error'])}",
        "",
        f"  {'test portfolios':<22}{'count':>6}{'bias':>8}{'5 %':>8}{'95 %':>8}"
        f"{'in band':>9}{'MRAD':>8}{'Q':>8}",
    ]
    for name, one in found["bias"].items():
        lines.append(f"  {name.replace('_', ' '):<22}{_family(one)}")
    if found["bias_without_eigenfactor_adjustment"]:
        lines += ["", "  without the eigenfactor adjustment"]
        for name, one in found["bias_without_eigenfactor_adjustment"].items():
            lines.append(f"  {name.replace('_', ' '):<22}{_family(one)}")
    lines += ["", f"  {'style':<22}{'|t| > 2':>9}{'VIF':>8}{'stability':>11}{'volatility':>12}"]
    for name, vif in found["vif"].items():
        lines.append(
            f"  {name:<22}{_p(found['share_t_above_2'].get(name)):>9}{_n(vif):>8}"
            f"{_n(found['stability'].get(name)):>11}{_p(found['annual_volatility'].get(name)):>12}"
        )
    lines += [f"report {path}" for path in found["reports"]]
    return "\n".join(lines)


def _family(one: Mapping[str, Any]) -> str:
    numbers = (one["bias"], one["low"], one["high"])
    return (
        f"{one['portfolios']:>6}"
        + "".join(f"{_n(x):>8}" for x in numbers)
        + f"{_p(one['in_band']):>9}{_n(one['mrad']):>8}{_n(one['q']):>8}"
    )


def overlap_text(found: Mapping[str, Any]) -> str:
    """Sum up what styles are in some signals."""
    each: Sequence[Mapping[str, Any]] = found.get("signals") or [found]
    lines: list[str] = []
    for one in each:
        lines += [
            f"{one['name']} ({one['kind']}), {one['dates']:,} dates: R² on all styles {_n(one['r2'])}, "
            f"VIF {_n(one['vif'])}; of its return {_n(one['return_r2'])}",
            f"  {'style':<22}{'correlation':>12}{'of returns':>12}{'exposure':>10}",
        ]
        for name, correlation in one["correlation"].items():
            lines.append(
                f"  {name:<22}{_n(correlation):>12}{_n(one['return_correlation'][name]):>12}"
                f"{_n(one['exposure'][name]):>10}"
            )
    return "\n".join([*lines, *(f"report {path}" for path in found["reports"])])


def _n(value: Any, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _p(value: Any, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}%"


def _e(value: Any) -> str:
    return "–" if value is None else f"{value:.0e}"
