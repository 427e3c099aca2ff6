"""The user's own factors and the risk styles, beside the factor that is judged.

1. names of formulas, libraries and files -> formulas and paths                       -> mine_of
2. styles from a file, on the axes of the market                                       -> styles_of
3. correlation with both, and what the factor adds                                    -> beside_facts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation import quantile_portfolios
from superhet.evaluation.library import incremental_information, library_correlation
from superhet.evaluation.style_correlation import style_correlation
from superhet.factors import LIBRARIES, Formula, library
from superhet.factors.library.own import is_file
from superhet.panel import Cube, Market, Panel
from superhet.pipeline.factor_choice import FactorChoice, choose
from superhet.pipeline.factor_facts import named
from superhet.pipeline.factor_file import factor_panels, read_factor_file
from superhet.pipeline.factor_report_ground import Ground, plain, summary_facts
from superhet.pipeline.factor_report_signals import digest
from superhet.pipeline.risk_files import blocks_of

Series = npt.NDArray[np.float64]

OPTION = "--library-of-mine"


@dataclass(frozen=True, eq=False, kw_only=True)
class Mine:
    """The user's own factors and styles.

    Parameters
    ----------
    formulas : name -> formula
    files : Parquet files of values
    cube, styles : their values, once they are computed; None = none were given
    style_returns : style -> long-short returns, [dates]
    """

    formulas: Mapping[str, Formula] = field(default_factory=dict)
    files: Sequence[Path] = ()
    cube: Cube | None = None
    styles: Cube | None = None
    style_returns: Mapping[str, Series] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """What the values follow from, beside the data."""
        texts = [(n, repr(f.expression), f.convention) for n, f in self.formulas.items()]
        return digest(texts, [p.read_bytes() for p in self.files])


def mine_of(words: Sequence[str]) -> Mine:
    """Read names of formulas ("alpha158.MA5"), libraries ("daily", mine.toml), formulas, and Parquet files.

    Raises
    ------
    ConfigError, UnknownName, FormulaError, InputError
        naming the option
    """
    formulas: dict[str, Formula] = {}
    files = []
    for word in words:
        if word.endswith(".parquet"):
            files.append(Path(word))
            read_factor_file(Path(word), OPTION)
            continue
        if is_file(word) or word in LIBRARIES:
            found = {f.name: f for f in library(word, OPTION) if f.text}
        else:
            one = named(word)
            found = (
                {one[1].name: one[1]}
                if one is not None
                else dict(choose(FactorChoice(formulas=[word])).columns)
            )
        for name, formula in found.items():
            if name in formulas:
                raise ConfigError(OPTION, f"{name!r} is named twice; name each factor once")
            formulas[name] = replace(formula, name=name)
    return Mine(formulas=formulas, files=tuple(files))


def styles_of(path: Path, market: Market) -> Cube:
    """Read styles from a file: date, asset, one column a style; of a risk model's exposures, the styles."""
    frame = read_factor_file(path, "--styles")
    blocks = blocks_of(path)
    frame = frame.drop(n for n, b in blocks.items() if b in ("country", "industry"))
    return Cube(dict(factor_panels(frame, market.dates, market.assets, path)))


def beside_facts(signal: Panel, ground: Ground, beside: Mine) -> dict[str, Any]:
    """Give the correlation with the user's factors and the styles, and what the signal adds to the former."""
    made: dict[str, Any] = {}
    if beside.cube is not None and set(beside.cube) - {signal.name}:
        made["library"] = _library(signal, ground, beside.cube)
    if beside.styles is not None:
        made["styles"] = _styles(signal, ground, beside)
    return made


def _library(signal: Panel, ground: Ground, cube: Cube) -> dict[str, Any]:
    options = ground.options
    found = library_correlation(signal, cube)
    horizon = options.horizon
    left = incremental_information(signal, cube, ground.forward[horizon], horizon)
    largest = next(iter(found.values()))
    return {
        "correlation": [{"name": n, "value": plain(v)} for n, v in found.items()],
        "largest": plain(largest),
        "incremental": summary_facts(left.rank, horizon, options.periods_per_year),
    }


def _styles(signal: Panel, ground: Ground, beside: Mine) -> dict[str, Any]:
    assert beside.styles is not None
    found = style_correlation(
        signal,
        beside.styles,
        signal_returns=book_returns(signal, ground),
        style_returns=beside.style_returns,
    )
    return {
        "rows": [
            {
                "name": name,
                "exposure": plain(found.exposure[name]),
                "returns": plain(found.returns.get(name)),
                "vif": plain(found.vif[name]),
            }
            for name in beside.styles.names
        ],
        "r2": plain(found.r2),
        "vif": plain(found.vif[found.name]),
    }


def book_returns(signal: Panel, ground: Ground) -> Series:
    """Give the gross long-short returns of a signal, [dates]."""
    options = ground.options
    held = quantile_portfolios(
        signal,
        ground.prices,
        quantiles=options.quantiles,
        holding=options.horizon,
        delay=options.delay,
        cost=options.cost,
    )
    return held.long_short
