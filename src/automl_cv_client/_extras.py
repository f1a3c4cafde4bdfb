"""Says what to install when an optional library is missing; imports none of them."""

from __future__ import annotations

import sys


def need(extra: str | None, *modules: str) -> None:
    """Do nothing when these modules can be imported.

    Args:
        extra: the extra that brings them; None for libraries that no extra brings.
        modules: by their import names.

    Raises:
        ModuleNotFoundError: names those that cannot, and what to install.
    """
    missing = [name for name in modules if sys.modules.get(name) is None and not _installed(name)]
    if missing:
        what = " ".join(missing) if extra is None else f'"automl-cv-client[{extra}]"'
        raise ModuleNotFoundError(
            f"this needs {', '.join(missing)}, not installed here. Run: pip install {what}", name=missing[0]
        )


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None
