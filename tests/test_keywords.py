"""A misspelled keyword names the method as its user calls it, and the nearest right one, blocking and awaited."""

from __future__ import annotations

import asyncio
import inspect
import traceback

import pytest

from automl_cv_client import errors
from automl_cv_client._keywords import named, named_methods


@named
def score(image: str, *, threshold: float = 0.5, deadline: float | None = None) -> str:
    """Does nothing."""
    return f"{image} {threshold} {deadline}"


class _Half:
    def __init__(self, key: str, *, timeout: float = 1.0) -> None:
        self.made = (key, timeout)

    @classmethod
    def from_env(cls, *, timeout: float = 2.0) -> _Half:
        return cls("k", timeout=timeout)

    async def detect(self, image: bytes, *, deployment: str | None = None) -> tuple[bytes, str | None]:
        return image, deployment


@named_methods
class Whole(_Half):
    """Made of halves."""


def test_right_keywords_pass():
    assert score("a", deadline=3) == "a 0.5 3"
    assert Whole("k", timeout=3).made == ("k", 3)
    assert Whole.from_env(timeout=4).made == ("k", 4)
    assert asyncio.run(Whole("k").detect(b"x", deployment="blue")) == (b"x", "blue")


@pytest.mark.parametrize(
    ("call", "keyword", "words"),
    [
        (score, "treshold", r"^score\(\) has no argument 'treshold': did you mean 'threshold'\?$"),
        (score, "dead", r"^score\(\) .*'deadline'\?$"),
        (score, "workers", r"^score\(\) .* 'workers': it takes image, threshold, deadline$"),
        (Whole, "time_out", r"^Whole\(\) .*'timeout'\?$"),
        (Whole.from_env, "timeouts", r"^Whole\.from_env\(\) .*'timeout'\?$"),
        (lambda **how: Whole("k").detect(b"", **how).send(None), "deploy", r"^Whole\.detect\(\) .*'deployment'\?$"),
    ],
)
def test_a_misspelled_one_is_told_with_the_method_and_the_nearest(call, keyword, words):
    with pytest.raises(errors.InvalidInput, match=words):
        call(**{keyword: 3})
    with pytest.raises(TypeError, match=words):
        call(**{keyword: 3})


def test_signatures_and_kinds_stay_what_they_were():
    assert inspect.signature(Whole.detect) == inspect.signature(_Half.detect)
    assert inspect.iscoroutinefunction(Whole.detect)
    assert not inspect.iscoroutinefunction(Whole.from_env)
    assert score.__doc__ == "Does nothing."
    assert _Half("k", timeout=3).made == ("k", 3)


def test_the_traceback_holds_no_argument():
    secret = "canary-key"
    with pytest.raises(errors.InvalidInput) as caught:
        Whole(secret, time_out=3)  # type: ignore[call-arg]
    ours = [
        frame
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        if frame.f_code.co_filename.endswith("/_keywords.py")
    ]
    assert ours
    assert secret not in str([frame.f_locals for frame in ours])
