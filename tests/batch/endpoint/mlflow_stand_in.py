"""Stands in for MLflow, which is large, where a test needs a model that fails; tests/engines has the real one.

``pyfunc.load_model(folder)`` gives the ``Model`` of ``model.py`` in the folder.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def _load_model(folder: str) -> Any:
    return runpy.run_path(str(Path(folder) / "model.py"))["Model"]()


pyfunc = SimpleNamespace(load_model=_load_model)
