"""What is odd in the data, counted and with examples. Nothing is changed; a count is no verdict."""

from superhet.data.quality.base import SEVERITIES, Finding, Limits, QualityReport, rules
from superhet.data.quality.check import check

__all__ = ["SEVERITIES", "Finding", "Limits", "QualityReport", "check", "rules"]
