"""Pulling from a vendor: questions asked in order and at its pace, each once, the answers stored."""

from superhet.data.pulling.loop import pull
from superhet.data.pulling.patience import Patience, paced
from superhet.data.pulling.report import PullReport

__all__ = ["Patience", "PullReport", "paced", "pull"]
