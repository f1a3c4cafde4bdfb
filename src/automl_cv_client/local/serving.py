"""Serves until the process is told to stop: what a command line needs. Prints nothing."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from automl_cv_client.local.endpoint import LocalEndpoint
from automl_cv_client.local.rules import EndpointRules, LocalDeployment
from automl_cv_client.task import TaskInput


def serve(
    task: TaskInput | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    normalized: bool | None = None,
    resize: int | None = None,
    crop: int | None = None,
    key: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    deployments: Sequence[str | LocalDeployment] = ("default",),
    max_in_flight: int | None = None,
    rules: EndpointRules | None = None,
    control_plane: bool = False,
    on_ready: Callable[[LocalEndpoint], None] | None = None,
) -> None:
    """Serve a task, or all of them, until SIGINT (Ctrl-C) or SIGTERM; then return.

    Call it from the main thread: signals arrive nowhere else. The other arguments are those of
    ``LocalEndpoint``.

    Args:
        on_ready: called once requests are answered, e.g. to print the scoring URI.
    """
    endpoint = LocalEndpoint(
        task,
        model=model,
        labels=labels,
        normalized=normalized,
        resize=resize,
        crop=crop,
        key=key,
        host=host,
        port=port,
        deployments=deployments,
        max_in_flight=max_in_flight,
        rules=rules,
        control_plane=control_plane,
    )
    told_to_stop = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told_to_stop.set()

    handlers = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with endpoint:
            if on_ready:
                on_ready(endpoint)
            # With a timeout, because on Windows a wait without one does not notice Ctrl-C.
            while not told_to_stop.wait(1.0):
                pass
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
