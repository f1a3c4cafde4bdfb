"""Tells which libraries of the extra ``local`` are missing; imports none of them."""

from __future__ import annotations

from importlib.util import find_spec

_LIBRARIES = ("numpy", "onnxruntime", "starlette", "uvicorn", "automl_cv_client_models")


def check_installed() -> None:
    """Do nothing when everything is there.

    Raises:
        ModuleNotFoundError: names what is missing and the extra that brings it.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"The local endpoint needs {', '.join(missing)}, not installed here. "
            'Run: pip install "automl-cv-client[local]"',
            name=missing[0],
        )
