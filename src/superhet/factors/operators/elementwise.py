"""Element by element: arithmetic, comparisons, logic and simple functions.

They work on any clock: on bars inside a `bar_` function, on quarters inside a statement function, on
announcements, and on sessions. A comparison gives 1 or 0; with a side that is not known it is NaN, or 0 in
the conventions of Qlib and pandas.
"""

from __future__ import annotations

from superhet.factors.base import Signal, Steps, operator
from superhet.factors.graph import Ref


@operator("add", "elementwise", symbol="+", unit="same")
def add(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Add.

    Examples
    --------
    >>> compute("x + y", x=[1.0, np.nan], y=[2.0, 2.0])
    array([ 3., nan])
    """
    return build.element("add", x, y)


@operator("subtract", "elementwise", symbol="-", unit="same")
def subtract(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Subtract `y` from `x`.

    Examples
    --------
    >>> compute("x - 1", x=[3.0])
    array([2.])
    """
    return build.element("subtract", x, y)


@operator("multiply", "elementwise", symbol="*", unit="multiply")
def multiply(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Multiply.

    Examples
    --------
    >>> compute("x * 2", x=[3.0])
    array([6.])
    """
    return build.element("multiply", x, y)


@operator("divide", "elementwise", symbol="/", unit="divide")
def divide(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Divide `x` by `y`; a quotient by zero is not known.

    Examples
    --------
    >>> compute("x / y", x=[3.0, 1.0], y=[2.0, 0.0])
    array([1.5, nan])
    """
    return build.divide(x, y)


@operator("power", "elementwise", symbol="^", unit="power")
def power(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Raise `x` to the power `y`; a fractional power of a negative number is not known.

    Examples
    --------
    >>> compute("x ^ y", x=[3.0, -1.0], y=[2.0, 0.5])
    array([ 9., nan])
    """
    if y.node.kind == "constant":
        exponent = y.node.params[0]
        if exponent == 1.0:
            return x
        if exponent == 2.0:  # a square is one multiplication
            return build.known(build.element("multiply", x, x))
        if exponent == 0.5:
            return build.element("sqrt", x)
    return build.known(build.element("power", x, y))


@operator("signed_power", "elementwise", unit="power")
def signed_power(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Raise the size of `x` to the power `y` and keep its sign.

    Examples
    --------
    >>> compute("signed_power(x, 2)", x=[-3.0])
    array([-9.])
    """
    if y.node.kind == "constant" and y.node.params[0] == 2.0:
        return build.known(build.element("multiply", x, build.element("abs", x)))
    return build.known(build.element("signed_power", x, y))


@operator("negate", "elementwise")
def negate(x: Signal, *, build: Steps) -> Ref:
    """Turn the sign.

    Examples
    --------
    >>> compute("-x", x=[1.0])
    array([-1.])
    """
    return build.element("negate", x)


@operator("abs", "elementwise")
def absolute(x: Signal, *, build: Steps) -> Ref:
    """Drop the sign.

    Examples
    --------
    >>> compute("abs(x)", x=[-2.0])
    array([2.])
    """
    return build.element("abs", x)


@operator("sign", "elementwise", unit="none")
def sign(x: Signal, *, build: Steps) -> Ref:
    """Give -1, 0 or 1.

    Examples
    --------
    >>> compute("sign(x)", x=[-2.0, 0.0])
    array([-1.,  0.])
    """
    return build.element("sign", x)


@operator("log", "elementwise", unit="none")
def log(x: Signal, *, build: Steps) -> Ref:
    """Take the natural logarithm; of zero and below it is not known.

    Examples
    --------
    >>> compute("log(x)", x=[1.0, 0.0])
    array([ 0., nan])
    """
    return build.known(build.element("log", x))


@operator("sqrt", "elementwise", unit="root")
def sqrt(x: Signal, *, build: Steps) -> Ref:
    """Take the square root; of a negative number it is not known.

    Examples
    --------
    >>> compute("sqrt(x)", x=[4.0, -1.0])
    array([ 2., nan])
    """
    return build.element("sqrt", x)


@operator("exp", "elementwise", unit="none")
def exp(x: Signal, *, build: Steps) -> Ref:
    """Take the exponential; an overflow is not known.

    Examples
    --------
    >>> compute("exp(x)", x=[0.0, 1e6])
    array([ 1., nan])
    """
    return build.known(build.element("exp", x))


@operator("minimum", "elementwise", unit="same")
def minimum(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Give the smaller of two; NaN if either is not known.

    Examples
    --------
    >>> compute("minimum(x, 2)", x=[1.0, np.nan])
    array([ 1., nan])
    """
    return build.element("minimum", x, y)


@operator("maximum", "elementwise", unit="same")
def maximum(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Give the greater of two; NaN if either is not known.

    Examples
    --------
    >>> compute("maximum(x, 2)", x=[1.0, np.nan])
    array([ 2., nan])
    """
    return build.element("maximum", x, y)


@operator("clip", "elementwise", unit="same")
def clip(x: Signal, lower: Signal, upper: Signal, *, build: Steps) -> Ref:
    """Keep `x` within two limits.

    Examples
    --------
    >>> compute("clip(x, -1, 1)", x=[-5.0, 0.5])
    array([-1. ,  0.5])
    """
    return build.element("minimum", build.element("maximum", x, lower), upper)


@operator("is_nan", "elementwise", missing="asks", unit="none")
def is_nan(x: Signal, *, build: Steps) -> Ref:
    """Say whether a value is not known: 1 or 0.

    Examples
    --------
    >>> compute("is_nan(x)", x=[1.0, np.nan])
    array([0., 1.])
    """
    return build.element("is_nan", x)


@operator("coalesce", "elementwise", missing="asks", unit="same")
def coalesce(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Give `x` where it is known, and `y` where not.

    Examples
    --------
    >>> compute("coalesce(x, 0)", x=[1.0, np.nan])
    array([1., 0.])
    """
    return build.element("first_known", x, y)


@operator("where", "elementwise", missing="asks", unit="choice")
def where(condition: Signal, x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Choose `x` where the condition holds and `y` where not; written `condition ? x : y`.

    A condition that is not known gives NaN; the side not chosen does not matter.

    Examples
    --------
    >>> compute("x > 0 ? 5 : y", x=[1.0, -1.0, np.nan], y=[0.0, np.nan, 0.0])
    array([ 5., nan, nan])
    """
    return build.element("where", condition, x, y)


@operator("less", "elementwise", symbol="<", unit="compare")
def less(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether `x` is below `y`.

    Examples
    --------
    >>> compute("x < 2", x=[1.0, np.nan])
    array([ 1., nan])
    """
    return build.claim("less", x, y)


@operator("less_equal", "elementwise", symbol="<=", unit="compare")
def less_equal(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether `x` is at most `y`.

    Examples
    --------
    >>> compute("x <= 2", x=[2.0])
    array([1.])
    """
    return build.claim("less_equal", x, y)


@operator("greater", "elementwise", symbol=">", unit="compare")
def greater(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether `x` is above `y`.

    Examples
    --------
    >>> compute("x > 2", x=[1.0])
    array([0.])
    """
    return build.claim("less", y, x)


@operator("greater_equal", "elementwise", symbol=">=", unit="compare")
def greater_equal(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether `x` is at least `y`.

    Examples
    --------
    >>> compute("x >= 2", x=[2.0])
    array([1.])
    """
    return build.claim("less_equal", y, x)


@operator("equal", "elementwise", symbol="==", unit="compare")
def equal(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether two values are the same.

    Examples
    --------
    >>> compute("x == 2", x=[2.0])
    array([1.])
    """
    return build.claim("equal", x, y)


@operator("not_equal", "elementwise", symbol="!=", unit="compare")
def not_equal(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether two values differ.

    Examples
    --------
    >>> compute("x != 2", x=[2.0])
    array([0.])
    """
    return build.claim("not_equal", x, y)


@operator("both", "elementwise", symbol="and", unit="none")
def both(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether both hold (are not 0); written `x and y`.

    Examples
    --------
    >>> compute("x and y", x=[1.0, 1.0], y=[0.0, np.nan])
    array([ 0., nan])
    """
    return build.claim("both", x, y)


@operator("either", "elementwise", symbol="or", unit="none")
def either(x: Signal, y: Signal, *, build: Steps) -> Ref:
    """Say whether at least one holds (is not 0); written `x or y`.

    Examples
    --------
    >>> compute("x or y", x=[1.0], y=[0.0])
    array([1.])
    """
    return build.claim("either", x, y)
