"""How far a job is, read from its ledger; also while another process works on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from automl_cv_client.batch.ledger import Ledger, State


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A job's state.

    Attributes:
        endpoint: its scoring URI.
        task: AutoML's name of the task.
        total: images; ``total == ok + failed + to_do``.
        ok: with a result.
        failed: with an error.
        to_do: without a record yet.
        given_up: of the failed, those that are not retried, unless with ``retry_failed``.
    """

    endpoint: str
    task: str
    total: int
    ok: int
    failed: int
    to_do: int
    given_up: int


def status(out: str | os.PathLike[str]) -> BatchStatus:
    """The state of the job in this folder, also while it runs.

    Args:
        out: the folder of the job.

    Returns:
        A :class:`BatchStatus`: how many images there are, how many have a result, an error or neither.

    Raises:
        BatchError: there is no job in this folder.
    """
    ledger = Ledger(Path(out), reading=True)
    try:
        counts, job = ledger.counts(), ledger.fingerprint()
        return BatchStatus(
            endpoint=job.get("endpoint", ""),
            task=job.get("task", ""),
            total=sum(counts.values()),
            ok=counts[State.OK],
            failed=counts[State.ERROR],
            to_do=counts[State.TO_DO],
            given_up=ledger.given_up(),
        )
    finally:
        ledger.close()
