"""Codes of the bar machine: what an instruction does; see `bar_machine`.

Values are of three kinds. A *bar* value has one number for each bar and asset of a tile, a *day* value one
for each asset, and *sums* are float64 accumulators of a slice, several rows for each asset, of which the
statistics of the slice are made.
"""

from __future__ import annotations

LANES = 64
"""Assets of one tile: a multiple of every vector width, and whole cache lines of a row of bars."""

COLUMNS = 9
"""Of an instruction: code, is it on bars (1) or on days (0), result, four operands, first and last place."""
CODE, ON_BARS, RESULT, A, B, C, D, FIRST, LAST = range(COLUMNS)

# element by element, two operands
(ADD, SUBTRACT, MULTIPLY, DIVIDE, MINIMUM, MAXIMUM, POWER, COALESCE) = range(8)
(LESS, LESS_EQUAL, EQUAL, NOT_EQUAL, BOTH, EITHER) = range(10, 16)
WHERE, WHERE_NUMBER = range(16, 18)
# an operand and a number
(ADD_NUMBER, MULTIPLY_NUMBER, DIVIDE_NUMBER, NUMBER_DIVIDE, NUMBER_SUBTRACT) = range(20, 25)
(MINIMUM_NUMBER, MAXIMUM_NUMBER, POWER_NUMBER, COALESCE_NUMBER) = range(25, 29)
(LESS_NUMBER, LESS_EQUAL_NUMBER, GREATER_NUMBER, GREATER_EQUAL_NUMBER) = range(30, 34)
(EQUAL_NUMBER, NOT_EQUAL_NUMBER) = range(34, 36)
# one operand
(NEGATE, ABS, SIGN, LOG, SQRT, EXP, IS_NAN, SQUARE, ENTROPY) = range(40, 49)
# to and fro
(LOAD, DAILY, FILL, SPREAD, OUT) = range(50, 55)
# along the bars of the day
(LAG, BACK_RETURN, CUMULATE, CUMULATE_MAX, CUMULATE_MIN, RANK, PLACE) = range(60, 67)
# a slice of the day to sums
(SUM, PRODUCT_SUM, MIN, MAX, MOMENTS, PAIR) = range(70, 76)
# a slice of the day to one number
(FIRST_KNOWN, LAST_KNOWN, CENTRE, ARG_MIN, ARG_MAX, QUANTILE, TOP_MEAN) = range(80, 87)
# sums to one number
(TOTAL, MEAN, KNOWN, STD, SKEW, KURT, CORR, BETA, RSQUARE) = range(90, 99)

ROWS_OF_SUMS = {SUM: 2, PRODUCT_SUM: 2, MIN: 2, MAX: 2, MOMENTS: 5, PAIR: 6}
"""Accumulators of each code of sums; the first row counts the known bars."""
