"""Tells which libraries of the extra ``local`` are missing; imports none of them."""

from __future__ import annotations

from automl_cv_client._extras import need

_LIBRARIES = ("numpy", "onnxruntime", "starlette", "uvicorn", "automl_cv_client_models")


def check_installed() -> None:
    """Do nothing when everything is there. Raises ModuleNotFoundError, naming what is missing and the extra."""
    need("local", *_LIBRARIES)
