"""What is asked of a risk model that is on disk: one date, its validation, its styles beside a signal.

Everything comes from the folder that `superhet risk fit` wrote; the store is not needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.errors import ConfigError, InputError
from superhet.evaluation.summary import plain
from superhet.panel.axes import Assets
from superhet.pipeline import risk_files, risk_reading
from superhet.pipeline.artifacts import write_atomic
from superhet.pipeline.factor_file import factor_panels, read_factor_file
from superhet.pipeline.risk import write_validation
from superhet.progress import Progress, silent
from superhet.report.base import Language
from superhet.risk.correlation import correlate
from superhet.risk.estimates import RiskEstimates
from superhet.risk.validation import TrialSettings

if TYPE_CHECKING:
    from superhet.report.risk_html import RiskStudy


def look(folder: Path, date: str | None, asset: str | None) -> dict[str, Any]:
    """Give the risk of a date: each factor's volatility and last return; of an asset, exposures and risk.

    Parameters
    ----------
    folder : of the model
    date : a session; None = the last that has a covariance
    asset : an asset, or None
    """
    of = risk_reading.read_estimates(folder)
    row = _row(of, date)
    snapshot = of.at(of.dates.values[row])
    volatility = np.sqrt(np.diagonal(snapshot.factor_covariance))
    position = {n: k for k, n in enumerate(of.factors)}
    found: dict[str, Any] = {
        "model": dict(of.model),
        "date": str(of.dates.days[row]),
        "first": str(of.dates.days[0]),
        "last": str(of.dates.days[-1]),
        "assets": int((~np.isnan(snapshot.specific_variance)).sum()),
        "r2": float(of.fit.r2[row]),
        "factors": [
            {
                "name": name,
                "block": of.blocks[position[name]],
                "volatility": float(volatility[k]),
                "return": float(of.factor_returns[row, position[name]]),
                "t": float(of.fit.t[row, position[name]]),
            }
            for k, name in enumerate(snapshot.factors)
        ],
        "notes": list(of.notes),
    }
    if asset is not None:
        place = of.assets.index(asset)
        exposed = snapshot.exposures[place]
        specific = float(np.sqrt(snapshot.specific_variance[place]))
        factor = float(np.sqrt(exposed @ snapshot.factor_covariance @ exposed))
        found["asset"] = {
            "name": asset,
            "exposures": {
                n: float(x) for n, x in zip(snapshot.factors, exposed, strict=True) if x != 0.0
            },
            "factor_risk": factor,
            "specific_risk": specific,
            "total_risk": float(np.hypot(factor, specific)),
        }
    return dict(plain(found))


def _row(of: RiskEstimates, date: str | None) -> int:
    if date is None:
        known = np.flatnonzero(~np.isnan(of.covariance).all(axis=(1, 2)))
        return int(known[-1]) if known.size else len(of.dates) - 1
    try:
        day = np.datetime64(date, "D")
    except ValueError:
        raise ConfigError("--date", f"must be a date like 2018-01-31 (got {date!r})") from None
    row = of.dates.count_until(day) - 1
    if row < 0 or of.dates.days[row] != day:
        first = max(row, 0)
        near = ", ".join(str(d) for d in of.dates.days[first : first + 2])
        raise ConfigError(
            "--date", f"{day} is no session of the model {of.dates.describe()} (nearest: {near})"
        )
    return row


def validate_files(
    folder: Path,
    settings: TrialSettings,
    report: Path | None,
    languages: Sequence[Language],
    progress: Progress = silent,
) -> dict[str, Any]:
    """Try a model again, write `validation.json`, and a page a language.

    Raises
    ------
    InputError
        if too few dates can be tried
    """
    from superhet.pipeline.risk_report import risk_study

    of = risk_reading.read_estimates(folder)
    made = write_validation(of, folder, progress, settings)
    if made is None:
        facts = risk_files.read_json(folder / risk_files.VALIDATION)
        raise InputError(str(facts["problem"]))
    found: dict[str, Any] = plain(made.to_dict())
    written = []
    if report is not None:
        study = risk_study(of, made, folder.name)
        written = [_write(study, path, one) for one, path in _paths(report, languages)]
    return {**found, "reports": [str(p) for p in written]}


def _write(study: RiskStudy, path: Path, language: Language) -> Path:
    from superhet.report.risk_html import write_risk

    write_atomic(path, lambda aside: write_risk(replace(study, language=language), aside))
    return path


def _paths(report: Path, languages: Sequence[Language]) -> list[tuple[Language, Path]]:
    """Give a file a language; the first takes the name as it is."""
    return [
        (one, report.with_name(f"{report.stem}{'' if k == 0 else f'.{one}'}{report.suffix}"))
        for k, one in enumerate(languages)
    ]


def correlate_files(
    folder: Path,
    signal: Path | None,
    portfolio: Path | None,
    report: Path | None = None,
    languages: Sequence[Language] = ("en",),
) -> dict[str, Any]:
    """Lay the styles of a model against the columns of a file.

    Returns
    -------
    the numbers of the signal; of several, `signals` with those of each

    Raises
    ------
    ConfigError
        unless exactly one of signal and portfolio is given
    """
    if (signal is None) == (portfolio is None):
        raise ConfigError("--signal", "give either --signal or --portfolio, a Parquet file each")
    path = signal if signal is not None else portfolio
    assert path is not None
    frame = read_factor_file(path, "--signal" if signal is not None else "--portfolio")
    of = risk_reading.read_estimates(folder)
    panels = factor_panels(frame, of.dates, Assets(of.assets.values), path)
    made = [correlate(panel, of, portfolio=portfolio is not None) for panel in panels.values()]
    each = [plain(one.to_dict()) for one in made]
    written: list[Path] = []
    if report is not None:
        from superhet.pipeline.risk_report import overlap_study
        from superhet.report.risk_html import write_overlap

        study = overlap_study(of, made, folder.name)
        for one, target in _paths(report, languages):
            shown = replace(study, language=one)
            write_atomic(target, lambda aside, shown=shown: write_overlap(shown, aside))  # type: ignore[misc]
            written.append(target)
    told = {"reports": [str(p) for p in written]}
    return each[0] | told if len(each) == 1 else {"signals": each} | told
