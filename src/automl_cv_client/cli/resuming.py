"""Shows how a job goes, and says, when it is interrupted, what it waits for, how far it is and how it goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from automl_cv_client.cli.text import complain
from automl_cv_client.errors import BatchError

if TYPE_CHECKING:
    from automl_cv_client.batch import Progress
    from automl_cv_client.batch.summary import ProgressCallback


@contextmanager
def watching(job: Path) -> Iterator[ProgressCallback]:
    """Around a run of the job in this folder; yields what to give it as ``progress=``.

    The first Ctrl-C says at once that the run waits; the end of the wait says how it goes on, both on stderr. The
    KeyboardInterrupt goes on to the caller.
    """
    from automl_cv_client.batch import progress_bar, status

    try:
        with progress_bar() as bar:
            yield _telling_of_the_wait(bar)
    except KeyboardInterrupt:
        with suppress(BatchError):  # interrupted before there was a job
            now = status(job)
            complain(f"interrupted: {now.ok + now.failed} of {now.total} images done; the same command goes on")
        raise


def _telling_of_the_wait(show: ProgressCallback) -> ProgressCallback:
    """The callback, with a line before the first step that waits: ten seconds without a word look like a hang."""
    told = False

    def step(now: Progress) -> None:
        nonlocal told
        if now.stopping and now.in_flight and not told:
            told = True
            requests = "1 request" if now.in_flight == 1 else f"{now.in_flight} requests"
            complain(
                f"stopping: waiting for {requests} in flight, at most {math.ceil(now.stopping)} s; "
                "Ctrl-C again stops at once"
            )
        show(now)

    return step
