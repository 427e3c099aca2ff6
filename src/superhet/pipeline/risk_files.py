"""A fitted risk model on disk: long tables of Parquet that anybody reads, and back into arrays.

``factor_returns``      date, one column a factor
``exposures``           date, asset, one column a factor: at the close of the date, 0 and 1 for industries
``factor_covariance``   date, factor, one column a factor; annualised
``specific_risk``       date, asset, specific_risk; annualised deviation
``cross_sections``      date, asset, return, specific_return, cap, estimable: what else the model is made of
``regressions``         date, r2, r2_centred, identity_error, names, t of each factor, vif of each style
``factor_covariance_unadjusted``  as the third, without the eigenfactor adjustment
``model.json``          settings, factors with their blocks, axes, and the key of what it was fitted on

Assets stand on a date where any of their values is known. Each table is written aside and renamed; the key in
each says which fit it belongs to, and `model.json` is written last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError, InputError
from superhet.panel import Assets, Dates
from superhet.pipeline.artifacts import write_atomic, write_json
from superhet.risk.estimates import (
    Fit,
    Floats,
    RiskEstimates,
    anything,
    exposure_matrix,
)

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

FORMAT = 1
MODEL = "model.json"
VALIDATION = "validation.json"
FORECASTS: Mapping[str, str] = {
    "covariance": "factor_covariance",
    "unadjusted": "factor_covariance_unadjusted",
    "specific": "specific_risk",
}
_KEY = b"superhet.fit"
_BLOCKS = b"superhet.blocks"
_CHUNK = 64  # dates a row group


def file_of(folder: Path, table: str) -> Path:
    """Give the path of a table."""
    return folder / f"{table}.parquet"


class Listed:
    """Which assets stand in the long tables on each date: those with any value known.

    Parameters
    ----------
    there : [dates, assets]
    """

    def __init__(self, dates: Dates, assets: Assets, there: npt.NDArray[np.bool_]) -> None:
        self.dates, self.assets, self.there = dates, assets, there

    @classmethod
    def of(cls, found: RiskEstimates) -> Listed:
        """Find the assets of a model."""
        return cls(found.dates, found.assets, anything(found.styles, found.returns, found.caps))

    def chunks(self) -> Iterator[tuple[slice, pa.Table]]:
        """Give dates and assets of some sessions at a time, as the first columns of a table."""
        import pyarrow as pa

        names = pa.array(list(self.assets.values))
        for begin in range(0, len(self.dates), _CHUNK):
            rows = slice(begin, begin + _CHUNK)
            date, asset = np.nonzero(self.there[rows])
            days = self.dates.days[rows][date].astype("datetime64[D]")
            yield (
                rows,
                pa.table(
                    {
                        "date": pa.array(days),
                        "asset": names.take(pa.array(asset)),
                    }
                ),
            )


def write_estimates(found: RiskEstimates, folder: Path, key: str) -> None:
    """Write all tables but the forecasts that `write_forecast` has written already."""
    meta = {_KEY: key.encode()}
    blocks = {_BLOCKS: json.dumps(dict(zip(found.factors, found.blocks, strict=True))).encode()}
    listed = Listed.of(found)
    exposed = (_exposed(found, listed, rows, keys) for rows, keys in listed.chunks())
    _write(folder, "exposures", exposed, meta | blocks)
    sections = (_section(found, listed, rows, keys) for rows, keys in listed.chunks())
    _write(folder, "cross_sections", sections, meta)
    days = found.dates.days
    _write(
        folder, "factor_returns", [_wide(days, found.factors, found.factor_returns)], meta | blocks
    )
    fit = found.fit
    columns = {
        "r2": fit.r2,
        "r2_centred": fit.r2_centred,
        "identity_error": fit.identity_error,
        "names": fit.names,
        **{f"t.{n}": fit.t[:, k] for k, n in enumerate(found.factors)},
        **{f"vif.{n}": fit.vif[:, k] for k, n in enumerate(found.style_names)},
    }
    _write(folder, "regressions", [_columns({"date": days, **columns})], meta)


def write_forecast(found: RiskEstimates, name: str, values: Floats, folder: Path, key: str) -> None:
    """Write "covariance", "unadjusted" or "specific" of all dates."""
    meta = {_KEY: key.encode()}
    if name == "specific":
        listed = Listed.of(found)
        listed.there &= ~np.isnan(values)
        tables = (
            keys.append_column("specific_risk", [values[rows][listed.there[rows]]])
            for rows, keys in listed.chunks()
        )
        _write(folder, FORECASTS[name], tables, meta)
        return
    _write(folder, FORECASTS[name], [_matrices(found, values)], meta)


def _matrices(found: RiskEstimates, values: Floats) -> pa.Table:
    known = np.flatnonzero(~np.isnan(values).all(axis=(1, 2)))
    count = len(found.factors)
    days = np.repeat(found.dates.days[known], count)
    flat = values[known].reshape(-1, count)
    wide = {n: flat[:, k] for k, n in enumerate(found.factors)}
    return _columns({"date": days, "factor": list(found.factors) * known.size, **wide})


def _exposed(found: RiskEstimates, listed: Listed, rows: slice, keys: pa.Table) -> pa.Table:
    there = listed.there[rows]
    each = [
        exposure_matrix(codes, found.styles[:, rows.start + i], found.blocks)[there[i]]
        for i, codes in enumerate(found.codes[rows])
    ]
    values = np.concatenate(each)
    for k, name in enumerate(found.factors):
        keys = keys.append_column(name, [np.ascontiguousarray(values[:, k])])
    return keys


def _section(found: RiskEstimates, listed: Listed, rows: slice, keys: pa.Table) -> pa.Table:
    there = listed.there[rows]
    columns = {
        "return": found.returns,
        "specific_return": found.residual,
        "cap": found.caps,
        "estimable": found.estimable,
    }
    for name, values in columns.items():
        keys = keys.append_column(name, [values[rows][there]])
    return keys


def _wide(days: npt.NDArray[Any], names: Sequence[str], values: Floats) -> pa.Table:
    return _columns({"date": days, **{n: values[:, k] for k, n in enumerate(names)}})


def _columns(columns: Mapping[str, Any]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            n: pa.array(np.ascontiguousarray(v) if isinstance(v, np.ndarray) else v)
            for n, v in columns.items()
        }
    )


def _write(folder: Path, table: str, chunks: Any, meta: Mapping[bytes, bytes]) -> None:
    import pyarrow.parquet as pq

    def fill(path: Path) -> None:
        writer: pq.ParquetWriter | None = None
        try:
            for chunk in chunks:
                labelled = chunk.replace_schema_metadata(dict(meta))
                if writer is None:
                    writer = pq.ParquetWriter(path, labelled.schema, compression="zstd")
                writer.write_table(labelled)
        finally:
            if writer is not None:
                writer.close()

    write_atomic(file_of(folder, table), fill)


def write_model(found: RiskEstimates, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write what the tables cannot say; the last file of a fit."""
    content = {
        "format": FORMAT,
        **facts,
        "model": dict(found.model),
        "factors": list(found.factors),
        "blocks": list(found.blocks),
        "dates": [str(d) for d in found.dates.days],
        "assets": list(found.assets.values),
        "notes": list(found.notes),
    }
    write_json(folder / MODEL, content)


def key_of(folder: Path, table: str) -> str | None:
    """Give the key of the fit that a table belongs to; None if there is no such table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = file_of(folder, table)
    if not path.is_file():
        return None
    try:
        meta = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError):
        return None
    found: bytes | None = meta.get(_KEY)
    return None if found is None else found.decode()


def blocks_of(path: Path) -> dict[str, str]:
    """Say of each factor of a file of exposures whether it is country, industry, style or the user's.

    Empty for a file that no fit has written.
    """
    import pyarrow.parquet as pq

    meta = pq.read_schema(path).metadata or {}
    found: dict[str, str] = json.loads(meta.get(_BLOCKS, b"{}"))
    return found


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


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def plain(value: Any) -> Any:
    """Turn numbers into what JSON can hold; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _read_fit(lay: _Lay, folder: Path, factors: Sequence[str], styles: Sequence[str]) -> Fit:
    one = lay.by_date(folder, "regressions", ("r2", "r2_centred", "identity_error", "names"))
    return Fit(
        t=lay.by_date(folder, "regressions", [f"t.{n}" for n in factors]),
        vif=lay.by_date(folder, "regressions", [f"vif.{n}" for n in styles]),
        r2=one[:, 0],
        r2_centred=one[:, 1],
        identity_error=one[:, 2],
        names=np.nan_to_num(one[:, 3]).astype(np.int64),
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
