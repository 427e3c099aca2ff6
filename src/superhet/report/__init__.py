"""Report: a finished study as one self-contained page, in English or Chinese, and as terminal text."""

from superhet.report.base import Diagnosis, FoldDates, Language, Study
from superhet.report.html import render_html, write_html
from superhet.report.measures import Measures
from superhet.report.terminal import summary_text

__all__ = [
    "Diagnosis",
    "FoldDates",
    "Language",
    "Measures",
    "Study",
    "render_html",
    "summary_text",
    "write_html",
]
