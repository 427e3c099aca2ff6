"""Whoever is asked for data over the net: the protocol, and what several vendors share."""

from superhet.data.sources.vendor.protocol import (
    VENDORS,
    Access,
    Answer,
    Needs,
    PullRequest,
    Session,
    Unit,
    Universe,
    Vendor,
    chosen_tables,
    find_vendor,
    needed,
)

__all__ = [
    "VENDORS",
    "Access",
    "Answer",
    "Needs",
    "PullRequest",
    "Session",
    "Unit",
    "Universe",
    "Vendor",
    "chosen_tables",
    "find_vendor",
    "needed",
]
