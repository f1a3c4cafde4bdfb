"""Finds the demo models' files; holds no code that runs them.

The files are data: three ONNX models and their labels. Where they come from, and under which licences,
is told in the distribution's NOTICE.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["path"]

_FOLDER = Path(__file__).resolve().parent


def path(name: str) -> Path:
    """The file called ``name``, such as ``"u2netp.onnx"``.

    Raises:
        FileNotFoundError: there is no such file; the message lists those there are.
    """
    names = sorted(file.name for file in _FOLDER.iterdir() if file.suffix in (".onnx", ".json"))
    if name not in names:
        raise FileNotFoundError(
            f"automl-cv-client-models has no file called {name!r}; it has {', '.join(names) or 'none: reinstall it'}"
        )
    return _FOLDER / name
