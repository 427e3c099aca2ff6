"""A fitted risk model from disk: the long tables of `risk_files`, laid over axes again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError, InputError
from superhet.panel import Assets, Dates
from superhet.pipeline.risk_files import FORECASTS, FORMAT, MODEL, PAIRS, file_of, key_of
from superhet.risk.estimates import REASONS, Fit, Floats, RiskEstimates, SpecificPairs

if TYPE_CHECKING:
    import polars as pl


def model_facts(folder: Path) -> dict[str, Any]:
    """Read what `write_model` wrote.

    Raises
    ------
    InputError
        if the folder holds no finished fit
    """
    path = folder / MODEL
    if not path.is_file():
        raise InputError(
            f"--risk: {folder} holds no fitted risk model (no {MODEL}). Write one with "
            "superhet risk fit --store STORE --out DIR."
        )
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"--risk: {path} cannot be read. Fit the model again.") from None
    if facts.get("format") != FORMAT:
        raise InputError(
            f"--risk: {path} is of format {facts.get('format')}, this version reads {FORMAT}. "
            "Fit the model again."
        )
    return facts


def read_estimates(folder: Path) -> RiskEstimates:
    """Read a fitted model.

    Raises
    ------
    InputError, DataError
        if the folder holds no finished fit, or its tables are not of one fit
    """
    facts = model_facts(folder)
    adjusted = key_of(folder, FORECASTS["unadjusted"]) is not None
    tables = ["exposures", "cross_sections", "factor_returns", "regressions"]
    tables += [t for n, t in FORECASTS.items() if adjusted or n != "unadjusted"]
    for table in tables:
        if key_of(folder, table) != facts["key"]:
            raise DataError(
                f"is missing, or not of the fit that {MODEL} tells of. Fit the model again.",
                file=str(file_of(folder, table)),
            )
    dates, assets = Dates(np.array(facts["dates"], "datetime64[D]")), Assets(facts["assets"])
    factors, blocks = tuple(facts["factors"]), tuple(facts["blocks"])
    lay = _Lay(dates, assets)
    styles = tuple(
        n for n, b in zip(factors, blocks, strict=True) if b not in ("country", "industry")
    )
    industries = tuple(n for n, b in zip(factors, blocks, strict=True) if b == "industry")
    exposed = lay.long(folder, "exposures", styles)
    codes = np.full(lay.shape, -1, dtype=np.int32)
    for k, name in enumerate(industries):
        codes[lay.long(folder, "exposures", (name,))[0] == 1.0] = k
    names = ("return", "specific_return", "cap", "estimable")
    returns, residual, caps, estimable = lay.long(folder, "cross_sections", names)
    specific = lay.long(folder, "specific_risk", ("specific_risk",))[0]
    return RiskEstimates(
        model=facts["model"],
        dates=dates,
        assets=assets,
        factors=factors,
        blocks=blocks,
        styles=exposed,
        codes=codes,
        caps=caps,
        estimable=estimable == 1.0,
        returns=returns,
        factor_returns=lay.by_date(folder, "factor_returns", factors),
        residual=residual,
        fit=_read_fit(lay, folder, factors, styles),
        covariance=lay.square(folder, "factor_covariance", factors),
        unadjusted=lay.square(folder, FORECASTS["unadjusted"], factors) if adjusted else None,
        specific=specific,
        pairs=_read_pairs(folder, assets, facts["key"]),
        notes=tuple(facts["notes"]),
    )


def read_forecast(found: RiskEstimates, name: str, folder: Path) -> Floats:
    """Read "covariance", "unadjusted" or "specific" onto the axes of a model."""
    lay = _Lay(found.dates, found.assets)
    if name == "specific":
        deviations: Floats = lay.long(folder, FORECASTS[name], ("specific_risk",))[0]
        return deviations
    matrices: Floats = lay.square(folder, FORECASTS[name], found.factors)
    return matrices


def _read_fit(lay: _Lay, folder: Path, factors: Sequence[str], styles: Sequence[str]) -> Fit:
    one = lay.by_date(folder, "regressions", ("r2", "r2_centred", "identity_error"))
    columns = ("names", "clipped", "outliers", *(f"left_out.{n}" for n in REASONS))
    counts = np.nan_to_num(lay.by_date(folder, "regressions", columns)).astype(np.int64)
    return Fit(
        t=lay.by_date(folder, "regressions", [f"t.{n}" for n in factors]),
        vif=lay.by_date(folder, "regressions", [f"vif.{n}" for n in styles]),
        r2=one[:, 0],
        r2_centred=one[:, 1],
        identity_error=one[:, 2],
        names=counts[:, 0],
        clipped=counts[:, 1],
        outliers=counts[:, 2],
        left_out=counts[:, 3:],
    )


def _read_pairs(folder: Path, assets: Assets, key: str) -> SpecificPairs | None:
    import polars as pl

    if key_of(folder, PAIRS) != key:
        return None
    frame = pl.read_parquet(file_of(folder, PAIRS))
    return SpecificPairs(
        dates=frame["date"].to_numpy().astype("datetime64[D]"),
        one=np.asarray(assets.positions(frame["asset"].to_list()), dtype=np.int64),
        other=np.asarray(assets.positions(frame["other"].to_list()), dtype=np.int64),
        covariance=frame["covariance"].to_numpy(),
    )


class _Lay:
    """Lays long tables over axes."""

    def __init__(self, dates: Dates, assets: Assets) -> None:
        self.dates, self.assets = dates, assets
        self.shape = (len(dates), len(assets))
        self._places: dict[Path, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = {}

    def long(self, folder: Path, table: str, names: Sequence[str]) -> Floats:
        """Give columns of a table of date and asset, [names, dates, assets]."""
        import polars as pl

        row, column = self._place(file_of(folder, table))
        frame = pl.read_parquet(file_of(folder, table), columns=list(names))
        out = np.full((len(names), *self.shape), np.nan)
        for k, name in enumerate(names):
            out[k, row, column] = frame[name].cast(pl.Float64).to_numpy()
        return out

    def _place(self, path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Find row and column of each line of a table, once."""
        import polars as pl

        if path not in self._places:
            keys = pl.read_parquet(path, columns=["date", "asset"])
            named = keys["asset"].cast(pl.Enum(list(self.assets.values))).to_physical()
            self._places[path] = (self._rows(keys["date"]), named.to_numpy().astype(np.int64))
        return self._places[path]

    def by_date(self, folder: Path, table: str, names: Sequence[str]) -> Floats:
        """Give columns of a table of dates, [dates, names]."""
        import polars as pl

        frame = pl.read_parquet(file_of(folder, table), columns=["date", *names])
        out = np.full((self.shape[0], len(names)), np.nan)
        row = self._rows(frame["date"])
        for k, name in enumerate(names):
            out[row, k] = frame[name].cast(pl.Float64).to_numpy()
        return out

    def square(self, folder: Path, table: str, factors: Sequence[str]) -> Floats:
        """Give matrices of dates, [dates, factors, factors]."""
        import polars as pl

        frame = pl.read_parquet(file_of(folder, table))
        count = len(factors)
        out = np.full((self.shape[0], count, count), np.nan)
        if frame.height:
            row = self._rows(frame["date"])[::count]
            out[row] = frame.select(factors).to_numpy().reshape(-1, count, count)
        return out

    def _rows(self, column: pl.Series) -> npt.NDArray[np.int64]:
        days = column.to_numpy().astype("datetime64[D]")
        return np.asarray(np.searchsorted(self.dates.days, days), dtype=np.int64)
