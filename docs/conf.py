"""Sphinx configuration; warnings are errors."""

import re
import sys
from pathlib import Path

from superhet.version import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "superhet"
author = "the superhet authors"
copyright = "2026, the superhet authors"
version = release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "commands",
    "keys",
    "mathml",
    "quality",
    "registries",
    "tables",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_ext"]
html_theme = "furo"
html_title = "superhet"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_math_renderer = "mathml"
highlight_language = "text"
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
numpydoc_show_class_members = False
autosummary_generate = False  # numpydoc brings it; the pages are written by hand
autodoc_typehints = "none"
autodoc_member_order = "bysource"


def setup(app):
    """Read |w| in a docstring as a size, not as the name of a substitution."""

    def escape(app, what, name, obj, options, lines):
        lines[:] = [re.sub(r"\|(\w+)\|", r"\\|\1\\|", line) for line in lines]

    app.connect("autodoc-process-docstring", escape)
