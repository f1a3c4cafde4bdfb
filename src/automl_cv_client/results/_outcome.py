"""One image of many: its result, or the error that took its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.results._result import Result

ResultT = TypeVar("ResultT", bound=Result, covariant=True)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[ResultT]):
    """What became of one image: exactly one of ``result`` and ``error`` is set.

    Attributes:
        index: the image's place in the input, from 0.
        input: the image as it was given.
        result: what the endpoint said, or None.
        error: why there is no result, or None.
    """

    index: int
    input: Any
    result: ResultT | None = None
    error: AutoMLVisionError | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.error is None

    def unwrap(self) -> ResultT:
        """The result; raises the error when there is none."""
        if self.result is None:
            raise self.error or AssertionError("an outcome without result and error")
        return self.result
