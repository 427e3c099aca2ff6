"""Text -> expression -> plan -> signals on their native clocks."""

from superhet.factors.base import OPERATORS, Operator, operator
from superhet.factors.evaluate import evaluate, known_since
from superhet.factors.expression import Expression
from superhet.factors.library import LIBRARIES, Formula, library, pick
from superhet.factors.parse import parse
from superhet.factors.plan import Plan, plan
from superhet.factors.sources import available, missing_fields

__all__ = [
    "LIBRARIES",
    "OPERATORS",
    "Expression",
    "Formula",
    "Operator",
    "Plan",
    "available",
    "evaluate",
    "known_since",
    "library",
    "missing_fields",
    "operator",
    "parse",
    "pick",
    "plan",
]
