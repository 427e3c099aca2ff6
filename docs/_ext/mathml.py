"""Formulas as MathML, which browsers draw by themselves: the pages need no script and no network."""

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def inline(page: Any, node: nodes.math) -> None:
    """Write a formula inside a line."""
    page.body.append(str(tex2mathml(node.astext(), as_block=False)))
    raise nodes.SkipNode


def block(page: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    page.body.append(f"<p>{tex2mathml(node.astext(), as_block=True)}</p>")
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True}
