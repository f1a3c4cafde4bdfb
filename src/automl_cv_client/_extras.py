"""Says which extra to install when an optional library is missing; imports none of them."""

from __future__ import annotations

import sys


def need(extra: str, *modules: str) -> None:
    """Do nothing when these modules can be imported.

    Raises:
        ModuleNotFoundError: names those that cannot, and the extra that brings them.
    """
    missing = [name for name in modules if name not in sys.modules and not _installed(name)]
    if missing:
        raise ModuleNotFoundError(
            f'this needs {", ".join(missing)}, not installed here. Run: pip install "automl-cv-client[{extra}]"',
            name=missing[0],
        )


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None
