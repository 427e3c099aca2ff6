"""Arrays without an owner, for compiled code that calls itself often and hands arrays over each time.

numba counts the owners of an array whenever it is passed on, with locked instructions. A view that has
none is passed on for nothing; whoever made the array must keep it alive for as long as the view is used,
and a view must not be given back to Python.
"""

from __future__ import annotations

from typing import Any

from llvmlite.ir import Constant
from numba.extending import intrinsic


@intrinsic
def ownerless(typing_context: Any, array: Any) -> Any:
    """Give a view of an array that keeps nothing alive; to be called from compiled code."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.return_type)(context, builder, arguments[0])
        view.meminfo = Constant(view.meminfo.type, None)
        return view._getvalue()

    return array(array), build
