"""One run of a job: what is to do, what became of it, when to stop. Knows no threads and no event loop."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from automl_cv_client._streaming.probe import Probe
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client.batch.ledger import Ledger, State, ToDo, finished
from automl_cv_client.batch.lock import Lock
from automl_cv_client.batch.sources import Source, names_of
from automl_cv_client.batch.summary import BatchSummary, OutcomeCounts, Progress, ProgressCallback
from automl_cv_client.errors import BatchError, ImageError
from automl_cv_client.results import Failed, Outcome

logger: logging.Logger = logging.getLogger("automl_cv_client.batch")

_ENOUGH = 50  # images before a share of failures means something
_LOG_EVERY = 60.0  # seconds
_SHOW_EVERY = 0.1  # seconds
_A_PIPE = ImageError("it is a pipe, and no file: nobody knows when it will give an image")


class JobRun:
    """A job's folder while one run works on it: open it in a ``with`` block, which closes it whatever happens.

    Args:
        folder: the output folder; made when it is not there.
        source: see :func:`~automl_cv_client.batch.sources.names_of`.
        fingerprint: what makes this job this job.
        worst: the share of failed images above which the run stops; None to go on whatever happens.
        progress: called with each step.
        retry_failed: try images that were given up, too.

    Attributes:
        probe: knows whose failures were the endpoint's.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        fingerprint: dict[str, str],
        worst: float | None,
        progress: ProgressCallback | None,
        retry_failed: bool,
    ) -> None:
        self.ledger: Ledger
        self.probe: Probe = Probe()
        self._folder = folder
        self._source = source
        self._fingerprint = fingerprint
        self._worst = worst
        self._progress = progress
        self._retry_failed = retry_failed
        self._counts = OutcomeCounts()
        self._fresh = OutcomeCounts()  # without those that failed before: they say nothing new about the endpoint
        self._in_work: dict[int, ToDo] = {}  # by their index
        self._traffic: Traffic | None = None
        self._started = self._logged = time.monotonic()
        self._shown = 0.0
        self._ends_by: float | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def open(self) -> None:
        """Lock the folder, made when it is not there, and bring the ledger up to date with the source."""
        names = names_of(self._source)  # first: a source that does not exist leaves no folder behind
        _make(self._folder)
        lock = Lock(self._folder)
        self._open.callback(lock.release)
        self.ledger = Ledger(self._folder)
        self._open.callback(self.ledger.close)
        self.ledger.agree(self._fingerprint)
        self.ledger.check()
        self.ledger.add(names)
        self._passed_over = names.passed_over
        if self._passed_over:
            logger.info("passed over %s", self._passed_over)
        self.ledger.reopen_errors(given_up=self._retry_failed)
        self._before = self.ledger.counts()

    def begin(self, traffic: Traffic) -> Callable[[], None]:
        """From now on the run is timed; gives what to call while nothing happens."""
        self._traffic = traffic
        self._started = self._logged = time.monotonic()
        self.report()
        return self.report

    def stops_in(self, seconds: float) -> None:
        """The user pressed Ctrl-C: who shows progress is told how long it may take. Safe in a signal handler."""
        self._ends_by = time.monotonic() + seconds

    def images(self) -> Iterator[str]:
        """The images to do: those never tried first, in order."""
        index = 0
        for row in self.ledger.to_do():
            if _is_pipe(row.name):  # a list may name one
                self._in_work[-1] = row
                self.record([Failed(-1, row.name, error=_A_PIPE)])
            else:
                self._in_work[index] = row
                index += 1
                yield row.name

    def record(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Keep what became of some images. Raises BatchError when too many fail, after keeping it."""
        done = [(self._in_work.pop(outcome.index), outcome) for outcome in outcomes]
        excused = self.probe.not_counted
        self.ledger.record(finished(row.id, outcome, outcome.index in excused) for row, outcome in done)
        excused.difference_update(outcome.index for outcome in outcomes)
        for row, outcome in done:
            self._counts.add(outcome)
            if not row.failed:
                self._fresh.add(outcome)
        fresh = self._fresh
        if self._worst is not None and fresh.scored >= _ENOUGH and fresh.failed > self._worst * fresh.scored:
            kinds = ", ".join(f"{count} {kind}" for kind, count in fresh.errors.most_common())
            raise BatchError(
                f"stopped: {fresh.failed} of {fresh.scored} images failed ({kinds}). The last: "
                f"{next((outcome.error for outcome in reversed(outcomes) if outcome.error), 'see the export')}"
            )

    def summary(self) -> BatchSummary:
        """What this run did; checks that every image is accounted for."""
        counts = self.ledger.counts()
        seconds = time.monotonic() - self._started
        traffic, tally = self._traffic, self._counts
        return BatchSummary(
            total=sum(counts.values()),
            ok=counts[State.OK],
            failed=counts[State.ERROR],
            to_do=counts[State.TO_DO],
            given_up=self.ledger.given_up(),
            scored=tally.scored,
            seconds=seconds,
            rate=tally.scored / seconds if seconds else 0.0,
            requests=traffic.requests if traffic else 0,
            retries=traffic.retries if traffic else 0,
            refused=traffic.refused if traffic else 0,
            bytes_sent=traffic.bytes_sent if traffic else 0,
            p50=tally.durations.percentile(0.5),
            p95=tally.durations.percentile(0.95),
            errors=dict(tally.errors),
            passed_over=self._passed_over.counts(),
        )

    def report(self) -> None:
        """Tell how far the run is, where it is time to: the log, and who shows progress."""
        now = time.monotonic()
        if now - self._logged >= _LOG_EVERY:
            self._logged = now
            step = self._step(now)
            logger.info("%d of %d images, %.1f a second, %d failed", step.done, step.total, step.rate, step.failed)
            if step.away:
                logger.warning("the endpoint is away: waiting for it")
        if self._progress is not None and (now - self._shown >= _SHOW_EVERY or not self._left()):
            self._shown = now
            self._progress(self._step(now))

    def _left(self) -> int:
        return self._before[State.TO_DO] - self._counts.scored

    def _step(self, now: float) -> Progress:
        rate = self._counts.scored / max(now - self._started, 1e-9)
        return Progress(
            total=sum(self._before.values()),
            done=sum(self._before.values()) - self._left(),
            failed=self._counts.failed,
            rate=rate,
            eta=self._left() / rate if rate else None,
            in_flight=self._traffic.in_flight if self._traffic else 0,
            limit=self._traffic.limit if self._traffic else 0,
            stopping=None if self._ends_by is None else max(0.0, self._ends_by - now),
            away=self._traffic is not None and self._traffic.breaker.away,
        )


def _is_pipe(name: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False  # what is wrong with it, its outcome will tell


def _make(folder: Path) -> None:
    reason = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason:
        raise BatchError(f"cannot make the folder {folder} ({reason})")
