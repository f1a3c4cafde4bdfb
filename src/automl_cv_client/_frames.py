"""Keeps keys and images out of what a traceback shows beside the source: the local variables of its frames.

``pytest -l``, Sentry and rich print them. A traceback keeps the frames that an error came through; once such a frame is
done, its variables can be cleared, and the traceback still says in which lines it was.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def forget_locals(error: BaseException) -> None:
    """Clear the variables of all frames that the error, its causes and contexts came through, and that are done."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        failure = waiting.pop()
        if failure is None or id(failure) in seen:
            continue
        seen.add(id(failure))
        traceback.clear_frames(failure.__traceback__)
        waiting += [failure.__cause__, failure.__context__]
        waiting += getattr(failure, "exceptions", ())  # of a group


def without_locals(function: FunctionT) -> FunctionT:
    """The same function; whatever it raises comes without the variables of its frames, its arguments among them."""
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def call(*args: Any, **keywords: Any) -> Any:
            try:
                return await function(*args, **keywords)
            except BaseException as error:
                del args, keywords
                forget_locals(error)
                raise
    else:

        @wraps(function)
        def call(*args: Any, **keywords: Any) -> Any:
            try:
                return function(*args, **keywords)
            except BaseException as error:
                del args, keywords
                forget_locals(error)
                raise

    return cast(FunctionT, call)
