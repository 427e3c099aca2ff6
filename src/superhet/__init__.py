"""superhet: signals of many frequencies, mixed into one super-factor."""

from superhet.version import __version__

__all__ = ["__version__"]
