"""A group of images from first to last outcome, and the order in which outcomes are handed out; no waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from automl_cv_client._flow.call_settings import CallSettings, RetryPolicy
from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.explaining import explain_one
from automl_cv_client._flow.scoring import score_one, score_together
from automl_cv_client._frames import forget_locals
from automl_cv_client._imaging import ImageInput
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client._streaming.probe import Fault, Probe, fault_of
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.results import Failed, Outcome, Result, Scored
from automl_cv_client.task import Task

_PATIENT_ATTEMPTS = 10  # at 30 % passing failures 6 of 1,000,000 images fail; with 5 attempts 2,400

AnyOutcome = Outcome[Any]


@dataclass(frozen=True, slots=True)
class GroupScorer:
    """What is done with each group of images."""

    task: Task
    settings: CallSettings
    threshold: float
    explain: XaiParameters | None = None  # what to explain, where that is asked for: one image a request
    probe: Probe | None = None  # finds out whose failures they were, where somebody wants to know

    def score(self, first: int, images: Sequence[ImageInput]) -> Flow[list[AnyOutcome]]:
        """One outcome per image, in order; ``first`` is the index of the first one."""
        answer = yield from self._together(images)
        if isinstance(answer, AutoMLVisionError) and len(images) > 1 and fault_of(answer) is not Fault.ENDPOINT:
            outcomes: list[AnyOutcome] = []  # one image must not harm the others
            for index, image in enumerate(images):
                outcomes += yield from self.score(first + index, [image])
            return outcomes
        if isinstance(answer, AutoMLVisionError):
            answer = [Failed(0, image, error=answer) for image in images]
        outcomes = []
        for index, outcome in enumerate(answer):
            outcome = replace(outcome, index=first + index)
            if not outcome.ok and self.probe is not None:
                outcome = yield from self._judged(outcome, self.probe)
            outcomes.append(outcome)
        return outcomes

    def _judged(self, outcome: AnyOutcome, probe: Probe) -> Flow[AnyOutcome]:
        once = replace(self, settings=_with_attempts(self.settings, 1), probe=None)

        def once_more() -> Flow[AnyOutcome]:
            (again,) = yield from once.score(outcome.index, [outcome.input])
            return again

        return (yield from probe.judge(outcome, self.settings, once_more))

    def _together(self, images: Sequence[ImageInput]) -> Flow[list[AnyOutcome] | AutoMLVisionError]:
        try:
            if len(images) > 1:
                return (yield from score_together(images, self.task, self.settings, self.threshold))
            result = yield from self._alone(images[0])
            return [Scored(0, images[0], result)]
        except AutoMLVisionError as error:
            forget_locals(error)  # which hold the image
            return error.with_traceback(None)

    def _alone(self, image: ImageInput) -> Flow[Result]:
        if self.explain is not None:
            explained: Result = yield from explain_one(image, self.task, self.explain, self.settings)
            return explained
        return (yield from score_one(image, self.task, self.settings, self.threshold))


def patient(settings: CallSettings) -> CallSettings:
    """The settings for many images: more attempts, unless the caller chose a number."""
    if "attempts" in settings.retry.model_fields_set:
        return settings
    return _with_attempts(settings, _PATIENT_ATTEMPTS)


def _with_attempts(settings: CallSettings, attempts: int) -> CallSettings:
    return replace(settings, retry=RetryPolicy(**{**settings.retry.model_dump(), "attempts": attempts}))


class ReorderBuffer:
    """Numbers the images that go in, and hands out their outcomes: in order, or as they come.

    Args:
        ordered: hand out in the order of the input. Then at most ``longest`` images are between in and out.
    """

    def __init__(self, ordered: bool, longest: int) -> None:
        self._ordered = ordered
        self._longest = longest
        self._read = 0
        self._next = 0
        self._handed_out = 0
        self._early: dict[int, AnyOutcome] = {}
        self._ripe: deque[AnyOutcome] = deque()

    @property
    def full(self) -> bool:
        """Whether so much waits for one slow image that no more should be read."""
        return self._ordered and self._read - self._next >= self._longest

    @property
    def missing(self) -> int:
        """Images that were read and have no outcome yet."""
        return self._read - self._handed_out

    def enter(self, count: int) -> int:
        """``count`` more images were read; the index of the first one."""
        self._read += count
        return self._read - count

    def add(self, outcomes: Sequence[AnyOutcome]) -> None:
        """Outcomes came."""
        if not self._ordered:
            self._ripe.extend(outcomes)
            return
        self._early.update((outcome.index, outcome) for outcome in outcomes)
        while self._next in self._early:
            self._ripe.append(self._early.pop(self._next))
            self._next += 1

    def ripe(self) -> list[AnyOutcome]:
        """What may be handed out now."""
        outcomes = list(self._ripe)
        self._ripe.clear()
        self._handed_out += len(outcomes)
        return outcomes

    def rest(self) -> list[AnyOutcome]:
        """What is left when earlier outcomes will not come any more."""
        outcomes = [self._early[index] for index in sorted(self._early)]
        self._early.clear()
        self._handed_out += len(outcomes)
        return outcomes
