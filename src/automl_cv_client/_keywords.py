"""A misspelled keyword: names the method and the nearest right one, on every Python this package runs on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

from automl_cv_client._frames import forget_locals
from automl_cv_client.errors import InvalidInput

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ClassT = TypeVar("ClassT", bound=type)


class UnknownKeyword(InvalidInput, TypeError):
    """No argument has this name. Python's own kind of this error, too, so either ``except`` catches it."""


def unknown_keyword(where: str, keyword: str, known: Iterable[str]) -> UnknownKeyword:
    """The error for a keyword that nobody takes; ``where`` is shown as given.

    >>> print(unknown_keyword("Client.detect_many()", "concurency", ["images", "concurrency"]))
    Client.detect_many() has no argument 'concurency': did you mean 'concurrency'?
    """
    from difflib import get_close_matches  # 5 ms of import, for those who err

    names = [*known]
    near = get_close_matches(keyword, names, 1) or [name for name in names if name.startswith(keyword)]
    advice = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(names) or 'none by name'}"
    return UnknownKeyword(f"{where} has no argument {keyword!r}: {advice}")


def named(function: FunctionT) -> FunctionT:
    """The same function; a keyword it does not know raises :class:`UnknownKeyword`, and no error keeps its arguments.

    Python's own message names the function as it is defined (``_Internal.detect()``), and offers the nearest name
    from 3.13 on only. Arguments may be a key or an image: see ``_frames.py``.
    """
    code = cast(Any, function).__code__
    if code.co_flags & inspect.CO_VARKEYWORDS:  # takes any
        return function
    arguments = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]
    known = [name for name in arguments if name not in ("self", "cls")]
    takes = frozenset(known).issuperset

    def problem(given: Iterable[str]) -> UnknownKeyword:
        keyword = next(name for name in given if name not in known)
        return unknown_keyword(f"{call.__qualname__.removesuffix('.__init__')}()", keyword, known)

    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def call(*args: Any, **keywords: Any) -> Any:
            try:
                if not takes(keywords):
                    raise problem(keywords)
                return await function(*args, **keywords)
            except BaseException as error:
                del args, keywords
                forget_locals(error)
                raise
    else:

        @wraps(function)
        def call(*args: Any, **keywords: Any) -> Any:
            try:
                if not takes(keywords):
                    raise problem(keywords)
                return function(*args, **keywords)
            except BaseException as error:
                del args, keywords
                forget_locals(error)
                raise

    return cast(FunctionT, call)


def named_methods(kind: ClassT) -> ClassT:
    """Apply :func:`named` to a class's public methods and its constructor, those of its bases included.

    The bases say in which file a method is written; in errors and tracebacks a method is called as its users
    call it, ``Client.detect``.
    """
    for name in dir(kind):
        method = inspect.getattr_static(kind, name)
        function = method.__func__ if isinstance(method, classmethod) else method
        if (name.startswith("_") and name != "__init__") or not inspect.isfunction(function):
            continue
        if function.__module__.partition(".")[0] != kind.__module__.partition(".")[0]:
            continue  # a library's own
        checked = named(function)
        checked.__qualname__ = f"{kind.__qualname__}.{name}"
        setattr(kind, name, classmethod(checked) if isinstance(method, classmethod) else checked)
    return kind
