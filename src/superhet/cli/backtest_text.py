"""What `superhet backtest`, `orders` and `export` say to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOT_ENGINES = {
    "max_abs_equity_difference", "first_difference", "seconds", "kept", "failed", "missing", "wrong_input",
    "difference_by_reason", "strategies", "sweeps", "notes", "out", "reports",
}  # fmt: skip


def backtest_text(found: Mapping[str, Any]) -> str:
    """Sum up a backtest."""
    engines = {n: one for n, one in found.items() if n not in _NOT_ENGINES}
    first = next(iter(engines.values()))
    lines = [
        f"{first['first']} … {first['last']}, {first['sessions']:,} sessions",
        "",
        f"  {'engine':<12}{'final equity':>18}{'annual':>9}{'Sharpe':>8}{'drawdown':>10}{'turnover':>10}"
        f"{'fills':>10}{'seconds':>9}",
    ]
    for name, one in engines.items():
        kept = " (kept)" if name in found["kept"] else ""
        lines.append(
            f"  {name:<12}{one['final_equity']:>18,.2f}{_p(one['annual_return']):>9}{_n(one['sharpe']):>8}"
            f"{_p(one['max_drawdown']):>10}{_n(one['turnover'], 1):>10}{one['trades']:>10,}"
            f"{found['seconds'][name]:>9.2f}{kept}"
        )
    refused = ", ".join(f"{rule} {n:,}" for rule, n in first["refused"].items()) or "none"
    lines += ["", f"  orders refused: {refused}"]
    lines += _differences(found)
    lines += _sweeps(found["sweeps"])
    for name, one in found["strategies"].items():
        lines.append(
            f"  strategy {name} alone: annual {_p(one['annual_return'])}, Sharpe {_n(one['sharpe'])}"
        )
    lines += [f"  ! {note}" for note in found["notes"]]
    lines += [f"  ! engine {name}: {message}" for name, message in found["failed"].items()]
    lines.append(f"books in {found['out']}")
    lines += [f"report {path}" for path in found["reports"]]
    return "\n".join(lines)


def _differences(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, most in found["max_abs_equity_difference"].items():
        one = found["first_difference"][name]
        said = (
            "no difference"
            if one is None
            else f"first on {one['date']}, {one['asset'] or 'the book'}: {one['reason']}"
        )
        lines.append(f"  {name} beside native: largest difference {most:,.4f}; {said}")
        reasons = found["difference_by_reason"].get(name, {})
        if most > 0.01 and reasons:
            parts = ", ".join(f"{n.replace('_', ' ')} {v:+,.2f}" for n, v in reasons.items())
            lines.append(f"    at the end, by reason: {parts}")
    return lines


def _sweeps(sweeps: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, rows in sweeps.items():
        key = "capital" if name == "capacity" else "slippage_bps"
        lines += ["", f"  {key:>16}{'annual':>9}{'Sharpe':>8}{'undone':>9}{'impact bp':>11}"]
        for row in rows:
            lines.append(
                f"  {row[key]:>16,.0f}{_p(row['annual_return']):>9}{_n(row['sharpe']):>8}"
                f"{_p(row['undone']):>9}{_n(row['impact_bps'], 1):>11}"
            )
    return lines


def orders_text(found: Mapping[str, Any]) -> str:
    """Sum up an order file."""
    counts = ", ".join(f"{name} {n:,}" for name, n in found["status"].items()) or "none"
    lines = [
        f"{found['orders']:,} orders for the session after {found['date']}: {found['buys']:,} buys of "
        f"{found['buy_value']:,.0f}, {found['sells']:,} sells of {found['sell_value']:,.0f}",
        f"  equity {found['equity']:,.2f}, cash {found['cash']:,.2f}, after the orders about "
        f"{found['cash_after']:,.2f}; costs about {found['cost']:,.2f}",
        f"  status: {counts}",
        *(f"  ! {note}" for note in found["notes"]),
        f"written to {found['out']}",
    ]
    return "\n".join(lines)


def export_text(found: Mapping[str, Any]) -> str:
    """Say what was exported and how it is run."""
    lines = [f"{found['target']}: {found['assets']:,} assets, {found['sessions']:,} sessions"]
    lines += [f"  {name}" for name in found["files"]]
    lines.append(f"written to {found['out']}; README.md there says how it is run")
    return "\n".join(lines)


def _n(value: Any, digits: int = 2) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _p(value: Any, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}%"
