"""LinearMix: weights that were learned, and the one rule by which they mix signals.

score = Σ_k w_k z_k over the known signals. A missing signal counts as 0, the mean of its cross-section,
as long as the known ones carry at least `min_coverage` of Σ|w|; below that the score is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, LookAhead
from superhet.panel import Cube, Dates, Panel

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearMix:
    """A fitted linear synthesizer.

    Parameters
    ----------
    model : the word of the model that learned it ("max_icir")
    names : of the signals, [signals]
    weights_ : [signals]; their absolute values sum to 1; 0 for a signal too little was known of
    ic_mean_, ic_std_ : [signals], of the rank IC in training, as the model weighted the dates
    fitted_until_ : the last date whose prices the training targets have seen
    min_coverage : share of Σ|w| that known signals must carry
    """

    model: str
    names: tuple[str, ...]
    weights_: Floats
    ic_mean_: Floats
    ic_std_: Floats
    fitted_until_: np.datetime64
    min_coverage: float = 0.5

    def predict(self, signals: Cube, *, in_sample: bool = False) -> Panel:
        """Mix the signals into one score.

        Parameters
        ----------
        signals : holds the names learned from; others are left alone
        in_sample : allow dates that training has seen

        Returns
        -------
        [dates, assets], score; NaN where the known signals carry too little weight

        Raises
        ------
        LookAhead
            if the first date is not after `fitted_until_`, unless `in_sample=True`
        """
        if not in_sample and len(signals.dates):
            refuse_seen(self.model, self.fitted_until_, signals.dates)
        panels = [signals[name].values for name in self.names]
        shape = (len(signals.dates), len(signals.assets))
        values = mix(panels, self.weights_, self.min_coverage, shape)
        return Panel(
            values=values,
            dates=signals.dates,
            assets=signals.assets,
            name="super_factor",
            unit="score",
        )

    def __str__(self) -> str:
        lines = [f"{self.model}, fitted until {self.fitted_until_}"]
        for name, weight, ic in zip(self.names, self.weights_, self.ic_mean_, strict=True):
            lines.append(f"  {name:<28}{weight:>9.4f}   rank IC {ic:+.4f}")
        return "\n".join(lines)


def mix(
    panels: list[npt.NDArray[np.floating]],
    weights: Floats,
    min_coverage: float,
    shape: tuple[int, int],
) -> Floats:
    """Sum weighted signals by the rule of this room.

    Parameters
    ----------
    panels : [dates, assets] each, in the order of `weights`
    weights : [signals]
    min_coverage : share of Σ|w| that known signals must carry
    shape : of the result

    Returns
    -------
    [dates, assets]
    """
    if len(panels) != len(weights):
        raise AxisMismatch(f"{len(panels)} signals, but {len(weights)} weights")
    score, carried = np.zeros(shape), np.zeros(shape)
    for panel, weight in zip(panels, weights, strict=True):
        if weight == 0.0:
            continue
        known = ~np.isnan(panel)
        score += np.where(known, weight * panel, 0.0)
        carried += abs(weight) * known
    needed = min_coverage * float(np.abs(weights).sum())
    enough = (carried > 0.0) & (carried >= needed * (1.0 - 1e-9))
    return np.where(enough, score, np.nan)


def refuse_seen(model: str, fitted_until: np.datetime64, dates: Dates) -> None:
    """Refuse dates that are not after `fitted_until`.

    Raises
    ------
    LookAhead
    """
    first = dates.values[0]
    if first <= fitted_until:
        raise LookAhead(
            f"{model} was fitted on data until {fitted_until}, and was asked to predict {first}. "
            "Predict later dates, or pass in_sample=True if you mean to see the fit itself.",
            fitted_until=str(fitted_until),
            first=str(first),
        )


def seen_until(dates: Dates, last: int, reach: int) -> np.datetime64:
    """Give the date on which the target of date `last` is known.

    Past the end of the axis, sessions are counted as weekdays: the true session is never earlier.

    Parameters
    ----------
    dates : the axis learned on
    last : position of the last date with a known target
    reach : dates from a signal to the end of its target
    """
    end = last + reach
    if end < len(dates):
        return np.datetime64(dates.values[end])
    final = dates.values[-1]
    if not dates.is_daily:
        return np.datetime64(final)
    return np.datetime64(np.busday_offset(final, end - len(dates) + 1, roll="backward"))
