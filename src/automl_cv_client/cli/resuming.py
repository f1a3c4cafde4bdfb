"""Says, when a job is interrupted, how far it is and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from automl_cv_client.cli.text import complain
from automl_cv_client.errors import BatchError


@contextmanager
def telling_how_to_go_on(job: Path) -> Iterator[None]:
    """Around a run of the job in this folder: Ctrl-C ends it with a line on stderr, and goes on to whoever waits."""
    try:
        yield
    except KeyboardInterrupt:
        from automl_cv_client.batch import status

        with suppress(BatchError):  # interrupted before there was a job
            now = status(job)
            complain(f"interrupted: {now.ok + now.failed} of {now.total} pictures done; the same command goes on")
        raise
