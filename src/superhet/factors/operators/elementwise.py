"""Element by element: arithmetic, comparisons, logic and simple functions.

They work on any clock: on bars inside a `bar_` function, on quarters inside a statement function, on
announcements, and on sessions. A comparison gives 1, 0, or NaN where a side is not known.
"""

from __future__ import annotations

import numpy as np

from superhet.factors.base import Values, operator


def _finite(values: Values) -> Values:
    """Turn what is not a finite number into NaN."""
    out = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(out), out, np.nan)


def _claim(claim: Values, *sides: Values) -> Values:
    """Give 1 where a claim holds, 0 where not, NaN where a side is not known."""
    known = ~np.isnan(sides[0])
    for side in sides[1:]:
        known = known & ~np.isnan(side)
    return np.where(known, claim, np.nan)


@operator("add", "elementwise", symbol="+")
def add(x: Values, y: Values) -> Values:
    """Add.

    Examples
    --------
    >>> add(np.array([1.0, np.nan]), np.array([2.0, 2.0]))
    array([ 3., nan])
    """
    return x + y


@operator("subtract", "elementwise", symbol="-")
def subtract(x: Values, y: Values) -> Values:
    """Subtract `y` from `x`.

    Examples
    --------
    >>> subtract(np.array([3.0]), np.array([1.0]))
    array([2.])
    """
    return x - y


@operator("multiply", "elementwise", symbol="*")
def multiply(x: Values, y: Values) -> Values:
    """Multiply.

    Examples
    --------
    >>> multiply(np.array([3.0]), np.array([2.0]))
    array([6.])
    """
    return x * y


@operator("divide", "elementwise", symbol="/")
def divide(x: Values, y: Values) -> Values:
    """Divide `x` by `y`; a quotient by zero is not known.

    Examples
    --------
    >>> divide(np.array([3.0, 1.0]), np.array([2.0, 0.0]))
    array([1.5, nan])
    """
    with np.errstate(all="ignore"):
        return _finite(np.divide(x, y))


@operator("power", "elementwise", symbol="^")
def power(x: Values, y: Values) -> Values:
    """Raise `x` to the power `y`; a fractional power of a negative number is not known.

    Examples
    --------
    >>> power(np.array([3.0, -1.0]), np.array([2.0, 0.5]))
    array([ 9., nan])
    """
    with np.errstate(all="ignore"):
        return np.where(np.isnan(x) | np.isnan(y), np.nan, _finite(np.power(x, y)))


@operator("signed_power", "elementwise")
def signed_power(x: Values, y: Values) -> Values:
    """Raise the size of `x` to the power `y` and keep its sign.

    Examples
    --------
    >>> signed_power(np.array([-3.0]), np.array([2.0]))
    array([-9.])
    """
    with np.errstate(all="ignore"):
        raised = np.where(np.isnan(x) | np.isnan(y), np.nan, np.power(np.abs(x), y))
        return _finite(np.sign(x) * raised)


@operator("negate", "elementwise")
def negate(x: Values) -> Values:
    """Turn the sign.

    Examples
    --------
    >>> negate(np.array([1.0]))
    array([-1.])
    """
    return np.negative(x)


@operator("abs", "elementwise")
def absolute(x: Values) -> Values:
    """Drop the sign.

    Examples
    --------
    >>> absolute(np.array([-2.0]))
    array([2.])
    """
    return np.abs(x)


@operator("sign", "elementwise")
def sign(x: Values) -> Values:
    """Give -1, 0 or 1.

    Examples
    --------
    >>> sign(np.array([-2.0, 0.0]))
    array([-1.,  0.])
    """
    return np.sign(x)


@operator("log", "elementwise")
def log(x: Values) -> Values:
    """Take the natural logarithm; of zero and below it is not known.

    Examples
    --------
    >>> log(np.array([1.0, 0.0]))
    array([ 0., nan])
    """
    with np.errstate(all="ignore"):
        return _finite(np.log(x))


@operator("sqrt", "elementwise")
def sqrt(x: Values) -> Values:
    """Take the square root; of a negative number it is not known.

    Examples
    --------
    >>> sqrt(np.array([4.0, -1.0]))
    array([ 2., nan])
    """
    with np.errstate(all="ignore"):
        return np.sqrt(x)


@operator("exp", "elementwise")
def exp(x: Values) -> Values:
    """Take the exponential; an overflow is not known.

    Examples
    --------
    >>> exp(np.array([0.0, 1e6]))
    array([ 1., nan])
    """
    with np.errstate(all="ignore"):
        return _finite(np.exp(x))


@operator("minimum", "elementwise")
def minimum(x: Values, y: Values) -> Values:
    """Give the smaller of two; NaN if either is not known.

    Examples
    --------
    >>> minimum(np.array([1.0, np.nan]), np.array([2.0, 2.0]))
    array([ 1., nan])
    """
    return np.minimum(x, y)


@operator("maximum", "elementwise")
def maximum(x: Values, y: Values) -> Values:
    """Give the greater of two; NaN if either is not known.

    Examples
    --------
    >>> maximum(np.array([1.0, np.nan]), np.array([2.0, 2.0]))
    array([ 2., nan])
    """
    return np.maximum(x, y)


@operator("clip", "elementwise")
def clip(x: Values, lower: Values, upper: Values) -> Values:
    """Keep `x` within two limits.

    Examples
    --------
    >>> clip(np.array([-5.0, 0.5]), np.array([-1.0]), np.array([1.0]))
    array([-1. ,  0.5])
    """
    return np.minimum(np.maximum(x, lower), upper)


@operator("is_nan", "elementwise", missing="asks")
def is_nan(x: Values) -> Values:
    """Say whether a value is not known: 1 or 0.

    Examples
    --------
    >>> is_nan(np.array([1.0, np.nan]))
    array([0., 1.])
    """
    return np.isnan(x).astype(np.float64)


@operator("where", "elementwise", missing="asks")
def where(condition: Values, x: Values, y: Values) -> Values:
    """Choose `x` where the condition holds and `y` where not; written `condition ? x : y`.

    A condition that is not known gives NaN; the side not chosen does not matter.

    Examples
    --------
    >>> where(np.array([1.0, 0.0, np.nan]), np.array([5.0]), np.array([np.nan]))
    array([ 5., nan, nan])
    """
    return np.where(np.isnan(condition), np.nan, np.where(condition != 0, x, y))


@operator("less", "elementwise", symbol="<")
def less(x: Values, y: Values) -> Values:
    """Say whether `x` is below `y`.

    Examples
    --------
    >>> less(np.array([1.0, np.nan]), np.array([2.0, 2.0]))
    array([ 1., nan])
    """
    return _claim(np.less(x, y), x, y)


@operator("less_equal", "elementwise", symbol="<=")
def less_equal(x: Values, y: Values) -> Values:
    """Say whether `x` is at most `y`.

    Examples
    --------
    >>> less_equal(np.array([2.0]), np.array([2.0]))
    array([1.])
    """
    return _claim(np.less_equal(x, y), x, y)


@operator("greater", "elementwise", symbol=">")
def greater(x: Values, y: Values) -> Values:
    """Say whether `x` is above `y`.

    Examples
    --------
    >>> greater(np.array([1.0]), np.array([2.0]))
    array([0.])
    """
    return _claim(np.greater(x, y), x, y)


@operator("greater_equal", "elementwise", symbol=">=")
def greater_equal(x: Values, y: Values) -> Values:
    """Say whether `x` is at least `y`.

    Examples
    --------
    >>> greater_equal(np.array([2.0]), np.array([2.0]))
    array([1.])
    """
    return _claim(np.greater_equal(x, y), x, y)


@operator("equal", "elementwise", symbol="==")
def equal(x: Values, y: Values) -> Values:
    """Say whether two values are the same.

    Examples
    --------
    >>> equal(np.array([2.0]), np.array([2.0]))
    array([1.])
    """
    return _claim(np.equal(x, y), x, y)


@operator("not_equal", "elementwise", symbol="!=")
def not_equal(x: Values, y: Values) -> Values:
    """Say whether two values differ.

    Examples
    --------
    >>> not_equal(np.array([2.0]), np.array([2.0]))
    array([0.])
    """
    return _claim(np.not_equal(x, y), x, y)


@operator("both", "elementwise", symbol="and")
def both(x: Values, y: Values) -> Values:
    """Say whether both hold (are not 0); written `x and y`.

    Examples
    --------
    >>> both(np.array([1.0, 1.0]), np.array([0.0, np.nan]))
    array([ 0., nan])
    """
    return _claim(np.logical_and(x, y), x, y)


@operator("either", "elementwise", symbol="or")
def either(x: Values, y: Values) -> Values:
    """Say whether at least one holds (is not 0); written `x or y`.

    Examples
    --------
    >>> either(np.array([1.0]), np.array([0.0]))
    array([1.])
    """
    return _claim(np.logical_or(x, y), x, y)
