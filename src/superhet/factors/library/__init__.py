"""Published formulas, as data: a name, a formula, the sign expected, a meaning and a source."""

from superhet.factors.library.base import LIBRARIES, Formula, library, pick

__all__ = ["LIBRARIES", "Formula", "library", "pick"]
