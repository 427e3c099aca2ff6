"""A column map drafted by looking at files, for a person to go on with."""

from superhet.data.sources.draft_map.draft import Draft, draft_map

__all__ = ["Draft", "draft_map"]
