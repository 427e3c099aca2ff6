"""A directive that fills a Markdown table when the docs are built."""

from collections.abc import Callable
from typing import ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Table(SphinxDirective):
    """One argument in, rows of a table out."""

    required_arguments = 1
    header: ClassVar[list[str]] = []
    rows: Callable[[str], list[list[str]]]

    def run(self) -> list[nodes.Node]:
        """Write the table as Markdown and parse it; a bar inside a cell is escaped."""
        lines = [self.header, ["---"] * len(self.header), *type(self).rows(self.arguments[0])]
        cells = [[cell.replace("|", r"\|").replace("\n", " ") for cell in row] for row in lines]
        return self.parse_text_to_nodes("\n".join(f"| {' | '.join(row)} |" for row in cells))
