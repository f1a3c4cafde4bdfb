"""What a run did, in numbers; and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from automl_cv_client._notebook import Display, Displayed, Table, fields_of
from automl_cv_client._numbers import Durations
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.results import Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        total: images of the job.
        done: those with a record, of earlier runs too.
        failed: those of this run whose record is an error.
        rate: images per second of this run.
        eta: seconds to the end at this rate; None when nobody knows.
        in_flight: requests on their way.
        limit: requests that may be on their way, as found out so far; 0 where that is not told.
        stopping: after Ctrl-C, the seconds that requests on their way have left to end; None before.
        away: whether the run waits for an endpoint that is away.
    """

    total: int
    done: int
    failed: int
    rate: float
    eta: float | None
    in_flight: int
    limit: int
    stopping: float | None = None
    away: bool = False


ProgressCallback = Callable[[Progress], Any]


@dataclass(frozen=True, slots=True)
class BatchSummary(Displayed):
    """What a run did. Counts of the whole job first, then of this run.

    Attributes:
        total: images of the job; ``total == ok + failed + to_do``.
        ok: with a result.
        failed: with an error.
        to_do: without a record yet.
        given_up: of the failed, those that were tried 3 times and are not retried, unless with ``retry_failed``.
        scored: images this run recorded.
        seconds: what it took, once the source was read.
        rate: images per second.
        requests: sent, retries included.
        retries: of them.
        refused: answers "too many at once" (429).
        bytes_sent: in request bodies.
        p50: median of the seconds an image took, retries and pauses included; None when there was none.
        p95: 95 % took less.
        errors: this run's errors by kind, such as ``{"ImageError": 3}``.
        passed_over: what the source holds and is no image, by reason: ``{"hidden files": 2, "system folders": 1,
            ".txt": 3}``. Folders of systems and programs, such as ``@eaDir`` and ``.ipynb_checkpoints``, are not
            searched. Patterns count only what they fit.
    """

    total: int
    ok: int
    failed: int
    to_do: int
    given_up: int
    scored: int
    seconds: float
    rate: float
    requests: int
    retries: int
    refused: int
    bytes_sent: int
    p50: float | None
    p95: float | None
    errors: dict[str, int] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)

    def _display(self) -> Display:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del fields["errors"], fields["passed_over"]
        errors = Table(("error", "images"), list(self.errors.items()))
        passed_over = Table(("passed over", "count"), list(self.passed_over.items()))
        return fields_of(self, fields)._replace(tables=[*fields_of(self, fields).tables, errors, passed_over])


class OutcomeCounts:
    """Counts one run's outcomes in constant memory."""

    def __init__(self) -> None:
        self.scored: int = 0
        self.failed: int = 0
        self.errors: Counter[str] = Counter()
        self.durations: Durations = Durations()

    def add(self, outcome: Outcome[Any]) -> None:
        """One more image."""
        self.scored += 1
        call: Any = outcome.error
        if outcome.result is not None:
            call = outcome.result.call
        elif outcome.error is not None:
            self.failed += 1
            self.errors[_kind(outcome.error)] += 1
        self.durations.add(getattr(call, "elapsed", None))


def _kind(error: AutoMLVisionError) -> str:
    return type(error).__name__
