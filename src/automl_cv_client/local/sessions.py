"""Loads the ONNX models, each once in a process, at its first use.

Sessions are shared by all requests and endpoints: onnxruntime allows ``run`` from several threads at once.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import automl_cv_client_models
import onnxruntime

from automl_cv_client.local.preprocessing import FloatArray

_logger = logging.getLogger(__name__)
_lock = threading.Lock()
_sessions: dict[str, onnxruntime.InferenceSession] = {}


def run(model: str, outputs: list[str], feeds: dict[str, FloatArray]) -> list[FloatArray]:
    """The named outputs of ``model`` (a file name of automl-cv-client-models) for the given inputs."""
    results: list[FloatArray] = _session(model).run(outputs, feeds)
    return results


def labels(name: str) -> Any:
    """A labels file of automl-cv-client-models, parsed."""
    return json.loads(automl_cv_client_models.path(name).read_text(encoding="utf-8"))


def open_session(file: Path) -> onnxruntime.InferenceSession:
    """A session of its own for an ONNX file. Raises whatever onnxruntime says of a bad one."""
    return onnxruntime.InferenceSession(file, _options(), providers=["CPUExecutionProvider"])


def _session(model: str) -> onnxruntime.InferenceSession:
    with _lock:
        if model not in _sessions:
            _logger.debug("loading %s", model)
            _sessions[model] = open_session(automl_cv_client_models.path(model))
        return _sessions[model]


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    # Two requests are scored at a time (routes.py): more threads than this each would only contend.
    options.intra_op_num_threads = min(4, max(1, (os.cpu_count() or 2) // 2 + 1))
    # Threads that wait by spinning would burn a core after each request.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
