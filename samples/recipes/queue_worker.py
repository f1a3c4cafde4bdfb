"""A queue worker: takes paths from a queue, scores each once, and sorts failures by whether another try can help.

The queue here is Python's own. With Azure Service Bus, ``done`` completes a message, ``later`` abandons it with the
given delay, and ``dead`` dead-letters it; nothing else changes.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

from automl_cv_client import Client
from automl_cv_client.errors import AutoMLVisionError, StatusError
from automl_cv_client.integrations.problems import status_of
from automl_cv_client.results import Detections

LATER = (502, 503, 504)  # the endpoint's trouble, not the image's: the client itself has tried several times


def work(
    jobs: queue.Queue[Path | None],
    client: Client,
    done: Callable[[Path, Detections], None],
    later: Callable[[Path, float], None],
    dead: Callable[[Path, AutoMLVisionError], None],
) -> None:
    """Score until the queue gives None. Run as many of these, in threads, as the deployment takes requests."""
    while (path := jobs.get()) is not None:
        try:
            found = client.detect(path)
        except AutoMLVisionError as error:
            if status_of(error) in LATER:
                wait = error.retry_after if isinstance(error, StatusError) else None
                later(path, 30.0 if wait is None else wait)
            else:
                dead(path, error)
        else:
            done(path, found)
