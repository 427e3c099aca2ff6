"""Eigenvalues of small symmetric matrices, many of them, on one thread and with the same bits everywhere.

For matrices of some dozen rows a library spends more on calls, and on threads that wait, than on arithmetic.

1. Householder reflections bring the matrix to three diagonals                           -> _reduce
2. their product is written row by row: rows will be the eigenvectors                    -> _collect
3. implicit QL steps with Wilkinson's shift bring them to one; a rotation turns two rows -> _rotate
4. ascending order                                                                       -> _sort

References: Golub and Van Loan, *Matrix Computations*, 4th ed., sections 8.3.1 and 8.3.3; Wilkinson and
Reinsch, *Handbook for Automatic Computation* II, 1971.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.ranking import Floats
from superhet.kernels.regression_date import dot

_SWEEPS = 60  # most steps for one eigenvalue; two or three are usual


def eigen(matrix: Floats) -> tuple[Floats, Floats]:
    """Give eigenvalues [K], ascending, and eigenvectors [K, K], one a row, of a symmetric matrix.

    Examples
    --------
    >>> values, vectors = eigen(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> values.round(12)
    array([1., 3.])
    """
    work = np.array(matrix, dtype=np.float64, order="C")
    values, vectors, spare = np.empty(len(work)), np.empty_like(work), np.empty((2, len(work)))
    eigen_into(work, values, vectors, spare)
    return values, vectors


@njit(cache=True, nogil=True, error_model="numpy")
def eigen_into(a: Floats, values: Floats, vectors: Floats, spare: Floats) -> None:
    """Write eigenvalues, ascending, and eigenvectors, one a row; `a` and `spare` [2, K] are used up."""
    below, heights = spare[0], spare[1]
    _reduce(a, values, below, heights)
    _collect(a, heights, vectors)
    _rotate(values, below, vectors)
    _sort(values, vectors, below)


@njit(cache=True, nogil=True, error_model="numpy")
def _reduce(a: Floats, diagonal: Floats, below: Floats, heights: Floats) -> None:
    """Write the three diagonals; row i of `a` keeps its reflection x, and heights[i] = x'x / 2."""
    n = diagonal.size
    p = diagonal
    for i in range(n - 1, 0, -1):
        x = a[i, :i]
        size = np.sqrt(dot(x, x))
        heights[i] = 0.0
        below[i] = size
        if i > 1 and size > 0.0:
            last = x[i - 1]
            sign = 1.0 if last >= 0.0 else -1.0
            below[i] = -sign * size
            x[i - 1] = last + sign * size
            height = size * (size + abs(last))
            heights[i] = height
            for k in range(i):
                p[k] = dot(a[k, :i], x) / height
            half = dot(p[:i], x) / (2.0 * height)
            for k in range(i):
                p[k] -= half * x[k]
            for k in range(i):
                row, c, d = a[k, :i], x[k], p[k]
                for m in range(i):
                    row[m] -= c * p[m] + d * x[m]
        elif i == 1:
            below[i] = x[0]
    for i in range(n):
        diagonal[i] = a[i, i]
    for i in range(1, n):
        below[i - 1] = below[i]
    below[n - 1] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _collect(a: Floats, heights: Floats, vectors: Floats) -> None:
    """Write the product of the reflections, the first of which leaves all but one row alone."""
    n = heights.size
    vectors[:] = 0.0
    for i in range(n):
        vectors[i, i] = 1.0
    for i in range(2, n):
        if heights[i] > 0.0:
            x, height = a[i, :i], heights[i]
            for k in range(i):
                row = vectors[k, :i]
                c = dot(row, x) / height
                for m in range(i):
                    row[m] -= c * x[m]


@njit(cache=True, nogil=True, error_model="numpy")
def _rotate(d: Floats, e: Floats, vectors: Floats) -> None:
    """Bring diagonals d and e to one."""
    n = d.size
    for first in range(n):
        for _ in range(_SWEEPS):
            last = first
            while last < n - 1:
                about = abs(d[last]) + abs(d[last + 1])
                if abs(e[last]) <= 2.220446049250313e-16 * about:
                    break
                last += 1
            if last == first:
                break
            shift = (d[first + 1] - d[first]) / (2.0 * e[first])
            root = np.sqrt(shift * shift + 1.0)
            g = d[last] - d[first] + e[first] / (shift + (root if shift >= 0.0 else -root))
            s, c, p = 1.0, 1.0, 0.0
            split = False
            for i in range(last - 1, first - 1, -1):
                f, b = s * e[i], c * e[i]
                r = np.sqrt(f * f + g * g)
                e[i + 1] = r
                if r == 0.0:
                    d[i + 1] -= p
                    e[last] = 0.0
                    split = True
                    break
                s, c = f / r, g / r
                g = d[i + 1] - p
                r = (d[i] - g) * s + 2.0 * c * b
                p = s * r
                d[i + 1] = g + p
                g = c * r - b
                _turn(vectors[i], vectors[i + 1], c, s)
            if not split:
                d[first] -= p
                e[first] = g
                e[last] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _turn(low: Floats, high: Floats, c: float, s: float) -> None:
    for k in range(low.size):
        x, y = low[k], high[k]
        high[k] = s * x + c * y
        low[k] = c * x - s * y


@njit(cache=True, nogil=True, error_model="numpy")
def _sort(values: Floats, vectors: Floats, spare: Floats) -> None:
    n = values.size
    for i in range(n - 1):
        least = i
        for k in range(i + 1, n):
            if values[k] < values[least]:
                least = k
        if least != i:
            values[i], values[least] = values[least], values[i]
            spare[:] = vectors[i]
            vectors[i] = vectors[least]
            vectors[least] = spare


@njit(cache=True, nogil=True, error_model="numpy")
def compose(values: Floats, vectors: Floats) -> Floats:
    """Give the symmetric matrix of eigenvalues and eigenvectors, one a row."""
    n = values.size
    out = np.zeros((n, n))
    for i in range(n):
        v = vectors[i]
        for k in range(n):
            c, row = values[i] * v[k], out[k]
            for m in range(k + 1):
                row[m] += c * v[m]
    for k in range(n):
        for m in range(k):
            out[m, k] = out[k, m]
    return out
