"""A queue worker: takes paths from a queue, scores each once, and sorts failures by whether another try can help.

It takes what is waiting, some at a time, and scores that as a batch. All batches go through one stream, which knows
what the deployment takes at once: one process is enough, and several threads may run :func:`work` on the same stream.

The queue here is Python's own. With Azure Service Bus, ``receive_messages(max_message_count=64)`` gives the batch,
``done`` completes a message, ``later`` abandons it with the given delay, and ``dead`` dead-letters it.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

from automl_cv_client import Client, Result, Run
from automl_cv_client.errors import AutoMLVisionError, StatusError
from automl_cv_client.integrations.problems import status_of

LATER = (502, 503, 504)  # the endpoint's trouble, not the image's: the client itself has tried several times
MOST = 64  # images of a batch: as many as fit between two looks at the queue


def waiting(jobs: queue.Queue[Path | None]) -> list[Path | None]:
    """The next path, and those behind it that are there already."""
    batch = [jobs.get()]
    while len(batch) < MOST and batch[-1] is not None:
        try:
            batch.append(jobs.get_nowait())
        except queue.Empty:
            break
    return batch


def work(
    jobs: queue.Queue[Path | None],
    run: Run,
    done: Callable[[Path, Result], None],
    later: Callable[[Path, float], None],
    dead: Callable[[Path, AutoMLVisionError], None],
) -> None:
    """Score until the queue gives None. A BatchError ends it: the key was revoked, or the endpoint is gone."""
    is_last = False
    while not is_last:
        batch = waiting(jobs)
        is_last = batch[-1] is None
        paths = [path for path in batch if path is not None]
        for path, outcome in zip(paths, run.score(paths), strict=True):
            if outcome.result is not None:
                done(path, outcome.result)
            elif outcome.error is not None and status_of(outcome.error) in LATER:
                wait = outcome.error.retry_after if isinstance(outcome.error, StatusError) else None
                later(path, 30.0 if wait is None else wait)
            elif outcome.error is not None:
                dead(path, outcome.error)


def main(jobs: queue.Queue[Path | None]) -> None:
    """What a process of yours does."""
    with Client.from_env() as client, client.stream("image-object-detection") as run:
        work(
            jobs,
            run,
            done=lambda path, result: print(path, "has", len(result), "objects"),  # type: ignore[arg-type]
            later=lambda path, seconds: print(path, "again in", seconds, "s"),
            dead=lambda path, error: print(path, "failed:", error),
        )
