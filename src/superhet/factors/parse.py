"""Formula text -> Expression, in three spellings, and never by `eval`.

"superhet" is the spelling that expressions print in, "qlib" that of Microsoft Qlib, "worldquant" that of the
101 and 191 alphas; each is a file of `spelling`. The graph does not remember how it was written: equal
formulas are one object, whatever their spelling. Every error points at its column.
"""

from __future__ import annotations

from superhet.errors import FormulaError, UnknownName
from superhet.factors.expression import Expression, Level, newest
from superhet.factors.fitting import Misfit
from superhet.factors.spelling import DIALECTS, Parser, Reading

_REASONS = {
    "number": "a formula needs at least one field",
    "bar": "one value a bar; reduce it to the day with bar_sum, bar_last, …",
    "group": "a name that is no field gives no signal",
    "asset": "a name that is no field gives no signal",
}


def parse(text: str, syntax: str = "superhet", *, label: bool = False) -> Expression:
    """Read a formula.

    Parameters
    ----------
    text : the formula
    syntax : "superhet", "qlib" or "worldquant"
    label : whether it is a target of learning, which may read the future; a signal may not

    Returns
    -------
    the expression; equal formulas give one object

    Raises
    ------
    FormulaError
        if it cannot be read; points at the column
    LookAheadFormula
        if a window is negative, or a lag in what is not a label
    UnknownName
        if there is no such syntax

    Examples
    --------
    >>> parse("-ts_return( close,5 )")
    -ts_return(close, 5)
    >>> parse("Mean($close, 5)/$close-1", "qlib") is parse("ts_mean(close, 5) / close - 1")
    True
    >>> parse("-1 * rank(delta(close, 1))", "worldquant")
    -1 * cs_rank(ts_delta(close, 1))
    >>> parse("Ref($close, -2)/Ref($close, -1) - 1", "qlib", label=True).lookahead
    2
    """
    return _read(Reading(text, label), syntax)


def name_columns(
    text: str, syntax: str = "superhet", *, label: bool = False
) -> dict[tuple[Level, str], int]:
    """Give the column at which each field of a formula is first named."""
    reading = Reading(text, label)
    _read(reading, syntax)
    return reading.columns


def _read(reading: Reading, syntax: str) -> Expression:
    if syntax not in DIALECTS:
        raise UnknownName("syntax", syntax, DIALECTS)
    try:
        node = newest(Parser(reading, DIALECTS[syntax]).formula())
    except Misfit as misfit:
        raise FormulaError(misfit.message, reading.text, 0) from None
    if node.level in _REASONS:
        raise FormulaError(_REASONS[node.level], reading.text, 0)
    return node
