"""Words of the formula language and the codes that the bar machine has for them."""

from __future__ import annotations

from superhet.kernels import bar_codes as codes

PAIRS = {
    "add": codes.ADD,
    "subtract": codes.SUBTRACT,
    "multiply": codes.MULTIPLY,
    "divide": codes.DIVIDE,
    "minimum": codes.MINIMUM,
    "maximum": codes.MAXIMUM,
    "power": codes.POWER,
    "less": codes.LESS,
    "less_equal": codes.LESS_EQUAL,
    "equal": codes.EQUAL,
    "not_equal": codes.NOT_EQUAL,
    "both": codes.BOTH,
    "either": codes.EITHER,
    "coalesce": codes.COALESCE,
}
NUMBER_RIGHT = {
    "add": codes.ADD_NUMBER,
    "multiply": codes.MULTIPLY_NUMBER,
    "divide": codes.DIVIDE_NUMBER,
    "minimum": codes.MINIMUM_NUMBER,
    "maximum": codes.MAXIMUM_NUMBER,
    "power": codes.POWER_NUMBER,
    "coalesce": codes.COALESCE_NUMBER,
    "less": codes.LESS_NUMBER,
    "less_equal": codes.LESS_EQUAL_NUMBER,
    "equal": codes.EQUAL_NUMBER,
    "not_equal": codes.NOT_EQUAL_NUMBER,
}
NUMBER_LEFT = {
    "add": codes.ADD_NUMBER,
    "subtract": codes.NUMBER_SUBTRACT,
    "multiply": codes.MULTIPLY_NUMBER,
    "divide": codes.NUMBER_DIVIDE,
    "minimum": codes.MINIMUM_NUMBER,
    "maximum": codes.MAXIMUM_NUMBER,
    "less": codes.GREATER_NUMBER,
    "less_equal": codes.GREATER_EQUAL_NUMBER,
    "equal": codes.EQUAL_NUMBER,
    "not_equal": codes.NOT_EQUAL_NUMBER,
}
SINGLES = {
    "negate": codes.NEGATE,
    "abs": codes.ABS,
    "sign": codes.SIGN,
    "log": codes.LOG,
    "sqrt": codes.SQRT,
    "exp": codes.EXP,
    "is_nan": codes.IS_NAN,
}
ALONG = {
    "lag": codes.LAG,
    "return": codes.BACK_RETURN,
    "cumsum": codes.CUMULATE,
    "cummax": codes.CUMULATE_MAX,
    "cummin": codes.CUMULATE_MIN,
    "rank": codes.RANK,
}
OF_SUM = {"sum": codes.TOTAL, "mean": codes.MEAN, "known": codes.KNOWN}
OF_EXTREME = {"min": codes.MIN, "max": codes.MAX}
OF_MOMENTS = {"std": codes.STD, "skew": codes.SKEW, "kurt": codes.KURT}
OF_PAIR = {"corr": codes.CORR, "beta": codes.BETA, "slope": codes.BETA, "rsquare": codes.RSQUARE}
OF_SLICE = {
    "first": codes.FIRST_KNOWN,
    "last": codes.LAST_KNOWN,
    "argmin": codes.ARG_MIN,
    "argmax": codes.ARG_MAX,
    "quantile": codes.QUANTILE,
    "top_mean": codes.TOP_MEAN,
}
