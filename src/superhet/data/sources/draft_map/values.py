"""What values say of themselves: format of dates, spelling of codes, units, order, adjusted prices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.casting import guess_format
from superhet.data.sources.files import chinese_share

if TYPE_CHECKING:
    import polars as pl

_ISO = "%Y-%m-%d"
_SAMPLE = 300
_CLOCKS = (" %H%M", " %H%M%S")
_FEW, _ENOUGH, _GROWING = 0.02, 10, 1.2
_RATIOS = {
    1.0: (1.0, 1.0, "shares and yuan"),
    100.0: (100.0, 1.0, "lots of 100 and yuan"),
    0.1: (100.0, 1e3, "lots of 100 and thousand yuan"),
    0.01: (100.0, 1e4, "lots of 100 and ten thousand yuan"),
    1e-3: (1.0, 1e3, "shares and thousand"),
    1e-4: (1.0, 1e4, "shares and ten thousand"),
    1e-6: (1.0, 1e6, "shares and million"),
    1e4: (1e4, 1.0, "ten thousand shares and yuan"),
}
_EXCHANGES = ("NASDAQ", "NYSE", "AMEX", "ARCA", "BATS", "HKEX", "LSE", "US")


@dataclass(frozen=True)
class Guess:
    """A guess, why, and whether a person should look at it."""

    value: str
    reason: str = ""
    doubtful: bool = False


def date_format(cells: pl.Series, *, clock: bool) -> Guess:
    """Guess the format of dates; "" for ISO, "?" for what no usual format reads.

    Parameters
    ----------
    clock : whether the time of day counts
    """
    texts = cells.drop_nulls().unique(maintain_order=True).head(_SAMPLE).to_list()
    if not texts:
        return Guess("?", "no dates are given", doubtful=True)
    iso = r"^\d{4}-\d\d-\d\d$" if not clock else r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"
    if all(re.match(iso, text) for text in texts):
        return Guess("")
    if not clock and all(re.match(r"^\d{4}-\d\d-\d\d[ T]", text) for text in texts):
        return Guess(f"{_ISO}*", "the time of day is left out")
    if all(re.match(r"^\d{4}[-_ ]?[Qq][1-4]$", text) for text in texts):
        mark = re.sub(r"^\d{4}(.*)[1-4]$", r"\1", texts[0])
        return Guess(f"%Y{mark}%q", "quarters")
    kind = "time" if clock else "date"
    fits: list[str] = []
    days = dict.fromkeys(guess_format(text.split(" ")[0], "date") for text in texts)
    fits += [f"{day}{hours}" for day in days if day and clock for hours in _CLOCKS]
    for text in texts:
        form = guess_format(text, kind)  # type: ignore[arg-type] # date or time
        fits += [form] if form and form not in fits else []
    whole = [f for f in fits if _reads_all(texts, f)]
    if not whole:
        return Guess("?", f"no usual format reads {texts[0]!r}", doubtful=True)
    turned = {"%m/%d/%Y": "%d/%m/%Y", "%d/%m/%Y": "%m/%d/%Y"}
    other = turned.get(whole[0].rstrip("*"))
    if other and _reads_all(texts, other):
        return Guess(whole[0], "month first or day first?", doubtful=True)
    return Guess(whole[0])


def code_format(cells: pl.Series) -> Guess:
    """Guess the spelling of codes: "cn" or "" (as they are)."""
    import polars as pl

    texts = cells.drop_nulls().unique(maintain_order=True).head(_SAMPLE)
    if texts.is_empty() or texts.str.contains(r"^\d{6}\.(SH|SZ|BJ)$").all():
        return Guess("")
    told = texts.to_frame("c").select(chinese_share(pl.col("c"))).to_series()
    share = told.is_not_null().mean()
    if isinstance(share, float) and share > 0.98:
        return Guess("cn", f"{texts[0]} is {told.drop_nulls()[0]}")
    return Guess("")


def code_in_name(paths: Sequence[Path]) -> tuple[str, Guess]:
    r"""Find the code in the names of files: the pattern that takes it out, and its spelling.

    Examples
    --------
    >>> print(code_in_name([Path("sh600000.csv")])[0])
    ((?:[A-Za-z]{2}[.]?)?\d{6})
    >>> code_in_name([Path("NYSE_DUK_2012.csv"), Path("NASDAQ_AAPL.csv")])[1].reason
    "DUK in the file's name"
    """
    stems = [path.stem for path in paths]
    chinese = r"((?:[A-Za-z]{2}[.]?)?\d{6})"
    exchange = rf"^(?:(?:{'|'.join(_EXCHANGES)})[_\-. ])?"
    for pattern, spelling in (
        (chinese, "cn"),
        (exchange + r"([A-Z]?\d{4,6})(?![A-Za-z0-9])", ""),
        (exchange + r"([A-Z][A-Z\d.]{0,6})(?![A-Za-z0-9])", ""),
    ):
        found = [re.search(pattern, stem) for stem in stems]
        whole = all(f and not _within_number(f) for f in found)
        if whole and found[0]:
            reason = f"{found[0].group(1)} in the file's name"
            return pattern, Guess(spelling, reason, doubtful=not spelling)
    return r"^(.+)$", Guess("", "the file's name is taken as the name", doubtful=True)


def _within_number(found: re.Match[str]) -> bool:
    """Tell whether a code is a piece of a longer word or number."""
    before = found.string[: found.start(1)][-1:]
    after = found.string[found.end(1) :][:1]
    return before.isalnum() or after.isdigit()


def volume_units(
    volume: pl.Series, amount: pl.Series, price: pl.Series
) -> tuple[float, float, Guess]:
    """Tell the units of volume and amount from amount / (volume × price): factors to shares and yuan."""
    v, a, p = (_numbers(s) for s in (volume, amount, price))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a / (v * p)
    known = ratio[np.isfinite(ratio) & (ratio > 0)]
    if not len(known):
        return 1.0, 1.0, Guess("", "no row has volume, amount and price", doubtful=True)
    middle = float(np.median(known))
    best = min(_RATIOS, key=lambda r: abs(np.log10(middle / r)))
    told = f"amount / (volume × price) is {middle:.3g}"
    if abs(np.log10(middle / best)) > 0.2:
        return 1.0, 1.0, Guess("", f"{told}, which no usual units give", doubtful=True)
    return *_RATIOS[best][:2], Guess("", f"{told}: {_RATIOS[best][2]}")


def adjusted_suspicion(
    prices: Sequence[pl.Series], dates: pl.Series, traded: pl.Series | None = None
) -> str:
    """Say it if prices look adjusted.

    Off the tick of 0.01 in the old rows and on it in the new, or the other way round; or away from the price
    that amount and volume give.

    Parameters
    ----------
    traded : amount / volume, in the currency of the prices
    """
    cells = np.stack([_numbers(s) for s in prices], axis=1)
    order = np.argsort(np.array([d or "" for d in dates.to_list()]), kind="stable")
    cells = cells[order]
    off = np.abs(np.round(cells, 2) - cells) > 1e-6 * np.maximum(1.0, np.abs(cells))
    part = max(1, len(cells) // 5)
    old, new = float(off[:part].mean()), float(off[-part:].mean())
    told = f"{max(old, new):.0%} of the {{}} prices are off the tick of 0.01, the {{}} are on it"
    if traded is not None and max(old, new) < _FEW:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = _numbers(traded)[order] / cells.mean(axis=1)
        known = ratio[np.isfinite(ratio) & (ratio > 0)]
        part = max(1, len(known) // 5)
        if len(known) >= 5 * _ENOUGH:
            old = abs(float(np.median(known[:part])) - 1.0)
            new = abs(float(np.median(known[-part:])) - 1.0)
            told = f"amount / volume is {max(old, new):.0%} away from the {{}} prices, and equals the {{}}"
    if old > _FEW and new < _FEW / 2:
        return (
            f"forward-adjusted prices are suspected: {told.format('oldest', 'newest')}. Such prices change "
            "with each dividend to come, and no raw price is left"
        )
    if new > _FEW and old < _FEW / 2:
        return f"backward-adjusted prices are suspected: {told.format('newest', 'oldest')}"
    return ""


def flow_basis(values: pl.Series, dates: pl.Series, assets: pl.Series) -> Guess:
    """Tell whether a flow is cumulated over the year, of a quarter or of a whole year; "" if nothing tells.

    Parameters
    ----------
    dates : ends of the periods, parsed
    """
    import polars as pl

    frame = pl.DataFrame({"value": _numbers(values), "date": dates, "asset": assets})
    frame = frame.drop_nulls().sort("asset", "date").filter(pl.col("value") > 0)
    gap = (pl.col("date") - pl.col("date").shift(1)).over("asset").dt.total_days()
    step = (pl.col("value") / pl.col("value").shift(1)).over("asset")
    steps = frame.select(gap=gap, step=step).drop_nulls()
    yearly = steps.filter(pl.col("gap").is_between(350, 380)).height
    near = steps.filter(pl.col("gap").is_between(80, 100))["step"]
    if yearly > len(near):
        return Guess("ttm", "periods are a year apart", doubtful=True)
    if len(near) < _ENOUGH // 2:
        return Guess("")
    middle = float(np.median(near.to_numpy()))
    if middle > _GROWING:
        return Guess("ytd", f"it grows by {middle - 1:.0%} from quarter to quarter", doubtful=True)
    return Guess("quarter", "it does not grow from quarter to quarter", doubtful=True)


def in_order(dates: pl.Series, assets: pl.Series | None, form: str) -> bool:
    """Tell whether dates rise, asset by asset."""
    import polars as pl

    frame = pl.DataFrame({"date": dates, "asset": assets if assets is not None else ""})
    if form and form not in ("?", f"{_ISO}*") and "%q" not in form:
        parsed = pl.col("date").str.to_datetime(
            form.rstrip("*"), strict=False, exact=not form.endswith("*")
        )
        days = pl.col("date").str.to_date(form.rstrip("*"), strict=False)
        timed = any(code in form for code in ("%H", "%I"))
        frame = frame.with_columns(date=parsed if timed else days)
    back = pl.col("date") < pl.col("date").shift(1).over("asset")
    return not frame.select(back.any()).item()


def _reads_all(texts: Sequence[str], form: str) -> bool:
    import polars as pl

    plain, cut = form.rstrip("*"), form.endswith("*")
    cells = pl.Series(texts)
    if cut:
        cells = cells.str.slice(0, len("2000-12-31") if "-" in plain or "/" in plain else 8)
    timed = any(code in plain for code in ("%H", "%I"))
    parsed = (
        cells.str.to_datetime(plain, strict=False)
        if timed
        else cells.str.to_date(plain, strict=False)
    )
    return parsed.null_count() == 0


def _numbers(cells: pl.Series) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    import polars as pl

    if cells.dtype == pl.String:
        cells = cells.str.replace_all(",", "").cast(pl.Float64, strict=False)
    return cells.cast(pl.Float64).fill_null(np.nan).to_numpy()
