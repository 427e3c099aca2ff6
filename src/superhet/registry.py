"""A name in YAML <-> a class in Python.

A room owns one `Registry`; an implementation adds itself with a decorator; a stranger's package
joins through the entry-point group `superhet.plugins` (each entry is a module that is imported, and
whose decorators do the rest). Names are looked up with a suggestion when they miss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from superhet.errors import PluginError, UnknownName

T = TypeVar("T")
_PLUGIN_GROUP = "superhet.plugins"


class Registry(Generic[T]):
    """The implementations of one protocol, by name.

    Parameters
    ----------
    kind : what the names stand for, in the words of the glossary ("transformer")
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._known: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """Register what follows under `name`; a second use of a name is a programming error."""

        def register(item: T) -> T:
            if name in self._known:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._known[name] = item
            return item

        return register

    def get(self, name: str, key: str = "") -> T:
        """Find `name`, looking into installed plug-ins before giving up.

        Raises
        ------
        UnknownName
            with near misses; `key` is the configuration path that named it
        """
        if name not in self._known:
            load_plugins()
        if name not in self._known:
            raise UnknownName(self.kind, name, self._known, key)
        return self._known[name]

    def names(self) -> list[str]:
        """List all names, sorted."""
        return sorted(self._known)

    def name_of(self, item: object) -> str:
        """Give the name under which a class was added."""
        for name, known in self._known.items():
            if known is item:
                return name
        raise UnknownName(self.kind, repr(item), self._known)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._known)


def load_plugins() -> list[str]:
    """Import every installed plug-in module once and return their names.

    Raises
    ------
    PluginError
        naming the plug-in that cannot be imported, and its package
    """
    return [_loaded(entry) for entry in entry_points(group=_PLUGIN_GROUP)]


def _loaded(entry: EntryPoint) -> str:
    try:
        return str(entry.load().__name__)
    except Exception as error:  # a stranger's module may raise anything while it is imported
        package = entry.dist.name if entry.dist is not None else entry.module
        raise PluginError(entry.name, package, f"{type(error).__name__}: {error}") from error
