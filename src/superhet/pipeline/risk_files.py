"""A fitted risk model on disk: long tables of Parquet that anybody reads, and back into arrays.

``factor_returns``      date, one column a factor
``exposures``           date, asset, one column a factor: at the close of the date, 0 and 1 for industries
``factor_covariance``   date, factor, one column a factor; annualised
``specific_risk``       date, asset, specific_risk; annualised deviation
``cross_sections``      date, asset, return, specific_return, cap, estimable: what else the model is made of
``regressions``         date, r2, r2_centred, identity_error, names, how many were left out (by reason) or
                        clipped, t of each factor, vif of each style
``specific_covariance`` date, asset, other, covariance; annualised: pairs that POET finds correlated, on the
                        dates on which it looked; each date's stand until the next
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

from superhet.panel import Assets, Dates
from superhet.pipeline.artifacts import write_atomic, write_json
from superhet.risk.estimates import (
    REASONS,
    Floats,
    RiskEstimates,
    anything,
    exposure_matrix,
)

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 2
MODEL = "model.json"
VALIDATION = "validation.json"
PAIRS = "specific_covariance"
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
        "clipped": fit.clipped,
        "outliers": fit.outliers,
        **{f"left_out.{n}": fit.left_out[:, k] for k, n in enumerate(REASONS)},
        **{f"t.{n}": fit.t[:, k] for k, n in enumerate(found.factors)},
        **{f"vif.{n}": fit.vif[:, k] for k, n in enumerate(found.style_names)},
    }
    _write(folder, "regressions", [_columns({"date": days, **columns})], meta)
    _write_pairs(found, folder, meta)


def _write_pairs(found: RiskEstimates, folder: Path, meta: Mapping[bytes, bytes]) -> None:
    """Write the specific returns that are correlated; a model without them has no such file."""
    import pyarrow as pa

    pairs = found.pairs
    if pairs is None:
        file_of(folder, PAIRS).unlink(missing_ok=True)
        return
    names = pa.array(list(found.assets.values))
    columns = {
        "date": pairs.dates.astype("datetime64[D]"),
        "asset": names.take(pa.array(pairs.one)),
        "other": names.take(pa.array(pairs.other)),
        "covariance": pairs.covariance,
    }
    _write(folder, PAIRS, [_columns(columns)], meta)


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


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
