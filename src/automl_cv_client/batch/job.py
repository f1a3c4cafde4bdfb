"""One run of a job: what is to do, what became of it, when to stop. Knows no threads and no event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from automl_cv_client._flow.traffic import Traffic
from automl_cv_client.batch.ledger import Ledger, State
from automl_cv_client.batch.lock import Lock
from automl_cv_client.batch.records import finished
from automl_cv_client.batch.sources import Source, names_of
from automl_cv_client.batch.summary import BatchSummary, Progress, ProgressCallback, Tally
from automl_cv_client.errors import BatchError
from automl_cv_client.results import Outcome

logger = logging.getLogger("automl_cv_client.batch")

_ENOUGH = 50  # pictures before a share of failures means something
_LOG_EVERY = 60.0  # seconds
_SHOW_EVERY = 0.1  # seconds


class JobRun:
    """A job's folder, locked, while one run works on it. Use in a ``with`` block.

    Args:
        folder: the output folder; made when it is not there.
        source: see :func:`~automl_cv_client.batch.sources.names_of`.
        fingerprint: what makes this job this job.
        worst: the share of failed pictures above which the run stops; None to go on whatever happens.
        progress: called with each step.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        fingerprint: dict[str, str],
        worst: float | None,
        progress: ProgressCallback | None,
    ) -> None:
        self.traffic: Traffic | None = None
        self._worst = worst
        self._progress = progress
        self._tally = Tally()
        self._rows: dict[int, int] = {}  # of the pictures in work, by their index
        self._started = self._logged = time.monotonic()
        self._shown = 0.0
        _make(folder)
        self._lock = Lock(folder)
        try:
            self.ledger = Ledger(folder)
            self.ledger.agree(fingerprint)
            self.ledger.add(names_of(source))
            self.ledger.reopen_errors()
            self._before = self.ledger.counts()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.ledger.close()
        finally:
            self._lock.release()

    def pictures(self) -> Iterator[str]:
        """The pictures to do, in order."""
        for index, (row, name) in enumerate(self.ledger.to_do()):
            self._rows[index] = row
            yield name

    def record(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Keep what became of some pictures. Raises BatchError when too many fail, after keeping it."""
        self.ledger.record(finished(self._rows.pop(one.index), one) for one in outcomes)
        for one in outcomes:
            self._tally.add(one)
        self._report()
        tally = self._tally
        if self._worst is not None and tally.scored >= _ENOUGH and tally.failed > self._worst * tally.scored:
            kinds = ", ".join(f"{count} {kind}" for kind, count in tally.errors.most_common())
            raise BatchError(
                f"stopped: {tally.failed} of {tally.scored} pictures failed ({kinds}). The last: "
                f"{next((one.error for one in reversed(outcomes) if one.error), 'see the export')}"
            )

    def summary(self) -> BatchSummary:
        """What this run did; checks that every picture is accounted for."""
        counts = self.ledger.counts()
        seconds = time.monotonic() - self._started
        traffic, tally = self.traffic, self._tally
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
            retries=tally.retries,
            refused=traffic.refused if traffic else 0,
            bytes_sent=traffic.bytes_sent if traffic else 0,
            p50=tally.percentile(0.5),
            p95=tally.percentile(0.95),
            errors=dict(tally.errors),
        )

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._logged >= _LOG_EVERY:
            self._logged = now
            step = self._step(now)
            logger.info("%d of %d pictures, %.1f a second, %d failed", step.done, step.total, step.rate, step.failed)
        if self._progress is not None and (now - self._shown >= _SHOW_EVERY or not self._left()):
            self._shown = now
            self._progress(self._step(now))

    def _left(self) -> int:
        return self._before[State.TO_DO] - self._tally.scored

    def _step(self, now: float) -> Progress:
        rate = self._tally.scored / max(now - self._started, 1e-9)
        return Progress(
            total=sum(self._before.values()),
            done=sum(self._before.values()) - self._left(),
            failed=self._tally.failed,
            rate=rate,
            eta=self._left() / rate if rate else None,
            in_flight=self.traffic.in_flight if self.traffic else 0,
            limit=self.traffic.limit if self.traffic else 0,
        )


def _make(folder: Path) -> None:
    reason = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason:
        raise BatchError(f"cannot make the folder {folder} ({reason})")
