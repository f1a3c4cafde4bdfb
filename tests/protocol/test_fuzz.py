"""Mutations of every captured reply: each is read right or refused as a wrong shape, in little time and memory."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from automl_cv_client import XaiParameters
from automl_cv_client._protocol.explained import explained_result, read_explained
from automl_cv_client._protocol.forms import unwrapped
from automl_cv_client._protocol.outline import check_outline
from automl_cv_client._protocol.replies import WrongShape, read_rows, result_of
from automl_cv_client.errors import UnexpectedReply
from automl_cv_client.results import CallInfo
from automl_cv_client.task import Task
from tests.protocol.test_replies import CASES, IMAGE

pytestmark = pytest.mark.bar(12)

BODIES = [body for folder in CASES if 2 < len(body := (folder / "reply.body").read_bytes()) < 20_000]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**63, -(2**64), 10**400, 0.5, 1e308, float("nan"), float("inf"), -0.0),
    *("", "a", "0", "²", "\x00", "\u2028", "😀", "boxes", "1" * 5000, "é" * 100),
    *([], {}, [[]], [{}], {"": None}, [None], [[1, 2, 3, 4]], {"label": "a", "score": 1}, [1] * 300, {"0": {}}),
    *({"label": "a", "score": 0.5, "box": {"topX": 0, "topY": 0, "bottomX": 1, "bottomY": 1}}, {"boxes": []}),
]
KEYS = ["boxes", "box", "probs", "labels", "label", "score", "polygon", "topX", "0", "1", "²", "visualizations"]
KEYS += ["attributions", "error", "message", "filename", "", "1" * 5000, "boxes\\", '"', "\ud800"]
TOKENS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"NaN", b"-Infinity", b"1e999", b"\x00", b"\xff"]
TOKENS += [b"\xef\xbb\xbf", b"\\ud800", b"\\u0062", b"[" * 300, b'{"a":' * 300, b"9" * 5000, b" " * 1000, b"1," * 3000]
XAI = XaiParameters(attributions=True)
SLOWEST = 1.0  # seconds
MOST_MEMORY = 100  # MB above what the first thousand took


def mutated(dice: random.Random, body: bytes) -> bytes:
    for _ in range(dice.choice((1, 1, 1, 2, 3, 5))):
        body = dice.choice((_of_bytes, _of_tokens, _of_spans, _of_values, _of_values))(dice, body)
    return body


def _of_bytes(dice: random.Random, body: bytes) -> bytes:
    changed = bytearray(body or b" ")
    for _ in range(dice.randint(1, 4)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _of_tokens(dice: random.Random, body: bytes) -> bytes:
    at = dice.randint(0, len(body))
    return body[:at] + dice.choice(TOKENS) + body[at + dice.randint(0, 3) :]


def _of_spans(dice: random.Random, body: bytes) -> bytes:
    start, end = sorted((dice.randint(0, len(body)), dice.randint(0, len(body))))
    match dice.randrange(5):
        case 0:
            return body[:start]
        case 1:
            return body[:start] + body[end:]
        case 2:
            return body[:end] + body[start:]
        case 3:
            return body[:start] + body[start : start + 60] * dice.choice((2, 10, 400)) + body[start:]
        case _:
            return body[:start] + dice.choice(BODIES)[start:]


def _of_values(dice: random.Random, body: bytes) -> bytes:
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return _of_tokens(dice, body)
    holder = {"reply": reply}
    places = list(_places(holder))
    place, key = dice.choice(places[:400])
    match dice.randrange(6):
        case 0 if isinstance(place, dict):
            place[dice.choice(KEYS)] = place.pop(key)
        case 1 if isinstance(place, list):
            place.insert(key, dice.choice(VALUES))
        case 2:
            place[key] = [place[key]] * dice.choice((0, 1, 2, 50))
        case 3:
            place[key] = json.dumps(place[key])
        case 4 if isinstance(place, dict) and place is not holder:
            place[dice.choice(KEYS)] = dice.choice(VALUES)
        case _:
            place[key] = dice.choice(VALUES)
    return json.dumps(holder.get("reply", 1), ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if depth > 6:
        return
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in keys:
        yield value, key
        yield from _places(item, depth + 1)


def read_whole(body: bytes, task: Task, strict: bool) -> bool:
    """Whether the body was read; every value of the results is looked at. Raises what is not ours."""
    try:
        rows = read_rows(body, task, strict=strict)
    except WrongShape:
        return False
    for row in rows:
        result = result_of(task, row, IMAGE, CallInfo())
        repr(result), hash(result), getattr(result, "objects", None)
        if not task.explainable:
            assert all(isinstance(found.score, float) and isinstance(found.label, str) for found in result.objects)  # type: ignore[attr-defined]
        else:
            assert len(result.probs) == len(result.labels) > 0  # type: ignore[attr-defined]
    return True


def _has_a_key_twice(body: bytes) -> bool:
    found: list[bool] = []
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    json.loads(text, object_pairs_hook=lambda pairs: found.append(len(pairs) > len(dict(pairs))))
    return any(found)


def explained_whole(body: bytes, task: Task, strict: bool) -> None:
    try:
        rows = read_explained(body, task, XAI, strict=strict)
    except WrongShape:
        return
    for row in rows:
        result = explained_result(task, row, IMAGE, CallInfo(), XAI)
        for part in getattr(result, "explanations", None) or filter(None, [getattr(result, "explanation", None)]):
            with suppress(UnexpectedReply):
                _ = part.attributions, part.visualization


def peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def fuzz(count: int, seed: int) -> str:
    dice = random.Random(seed)
    tasks = list(Task)
    slowest, before = 0.0, 0.0
    for number in range(count):
        body = mutated(dice, dice.choice(BODIES))
        task, strict = dice.choice(tasks), dice.random() < 0.2
        began = time.process_time()
        try:
            right = read_whole(body, task, strict)
            if right and unwrapped(body).strip() and not _has_a_key_twice(unwrapped(body)):
                check_outline(unwrapped(body), task)  # refuses nothing that can be read
            if task.explainable and number % 4 == 0:
                explained_whole(body, task, strict)
        except Exception as error:
            raise AssertionError(f"seed {seed}, number {number}, {task}, strict={strict}: {body[:2000]!r}") from error
        slowest = max(slowest, time.process_time() - began)
        if number == min(1000, count - 1):
            before = peak()
    assert slowest < SLOWEST
    assert peak() - before < MOST_MEMORY
    return f"{count:,} replies: the slowest {slowest:.2f} s, memory {peak() - before:+.0f} MB"


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory")
def test_20_000_mutated_replies(figure: Callable[[str], None]) -> None:
    figure(fuzz(20_000, seed=13))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="measures memory")
@pytest.mark.parametrize("seed", range(10))
def test_a_million_mutated_replies(seed: int, figure: Callable[[str], None]) -> None:
    figure(fuzz(100_000, seed=1000 + seed))
