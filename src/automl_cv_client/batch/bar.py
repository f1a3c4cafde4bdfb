"""A progress bar on a terminal; silent where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from automl_cv_client.batch.summary import Progress, ProgressCallback

_WIDE = 72  # columns; on fewer, rich would leave out how far the run is


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """A callback for ``progress=`` that draws a bar with rate, time left, requests in flight and errors.

    Draws nothing when standard error is no terminal, or rich (extra ``cli``) is not installed.

    Yields:
        The callback, to be given as ``progress=`` to :func:`score_folder`.
    """
    if not sys.stderr.isatty():
        yield _nothing
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
    except ImportError:
        yield _nothing
        return
    console = Console(stderr=True)
    is_wide = console.width >= _WIDE
    columns = (MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[told]}"))
    with Bar(*((BarColumn(), *columns) if is_wide else columns), console=console) as bar:
        task = bar.add_task("", total=None, told="")

        def show(step: Progress) -> None:
            words = in_words(step) if is_wide else f"{step.failed} failed"
            bar.update(task, total=step.total, completed=step.done, told=words)

        yield show


def in_words(step: Progress) -> str:
    """The part of the bar that is text.

    >>> in_words(Progress(100, 50, 1, 12.34, 4.1, 5, 6))
    '12.3 images/s · 5 of 6 in flight · 1 failed'
    """
    traffic = f"{step.in_flight} of {step.limit} in flight · " if step.limit else ""
    traffic = "waiting for the endpoint · " if step.away else traffic
    return f"{step.rate:.1f} images/s · {traffic}{step.failed} failed"


def _nothing(step: Progress) -> None:
    """No terminal, no bar."""
