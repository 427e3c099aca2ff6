"""Published formulas, as data: a name, a formula, the sign expected, a meaning and a source."""

from superhet.factors.library.base import LIBRARIES, Library, library, pick

__all__ = ["LIBRARIES", "Library", "library", "pick"]
