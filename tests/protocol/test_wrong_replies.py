"""A wrong reply costs little, says what it is, and ends in one of our errors: whatever it holds."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, RetryPolicy, XaiParameters, errors
from automl_cv_client._protocol import replies
from automl_cv_client._protocol.explained import read_explained
from automl_cv_client._protocol.forms import unwrapped
from automl_cv_client._protocol.outline import check_outline
from automl_cv_client._protocol.replies import WrongShape, read_rows
from automl_cv_client.task import Task
from tests.conftest import Caller
from tests.protocol.test_replies import CASES, case_id
from tests.servers import Answer, ScriptedServer, boxes

BOX = b'{"topX":0,"topY":0,"bottomX":1,"bottomY":1}'
OBJECT = b'{"label":"a","score":1,"box":' + BOX + b"}"


def many(item: bytes, count: int, before: bytes = b"[", after: bytes = b"]") -> bytes:
    return before + b",".join([item] * count) + after


LARGE = {
    "flat numbers": many(b"1", 1_000_000),
    "flat fractions": many(b"0.123", 1_000_000),
    "flat texts": many(b'"a"', 1_000_000),
    "empty lists": many(b"[]", 700_000),
    "empty objects": many(b"{}", 700_000),
    "numbers in place of objects": many(b"1", 1_000_000, b'[{"boxes":[', b"]}]"),
    "lists in place of objects": many(b"[1,2]", 400_000, b'[{"boxes":[', b"]}]"),
    "right objects, then numbers": many(b"1", 700_000, many(OBJECT, 10_000, b'[{"boxes":[', b","), b"]}]"),
    "a wrong corner of a polygon": many(b"1", 1_000_000, b'[{"boxes":[{"polygon":[[', b",null]]}]}]"),
    "one long text": b'["' + b"x" * 2_000_000 + b'"]',
    "deep lists": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 400_000,
    "a text that holds numbers": b'"' + many(b"1", 1_000_000) + b'"',
    "unknown keys alone": b"[{" + b",".join(b'"k%d":1' % key for key in range(200_000)) + b"}]",
    "numbers under an unknown key": many(b"1", 1_000_000, b'[{"x":[', b"]}]"),
    "probabilities without labels": many(b"1", 1_000_000, b'[{"probs":[', b"]}]"),
    "another number of labels": many(b"1", 1_000_000, b'[{"probs":[', b'],"labels":["a"]}]'),
    "classes, then a number": many(b'{"label":"a","score":1}', 90_000, b"[[", b",1]]"),
    "parts of explanations": many(b"null", 400_000, b'[{"probs":[1],"labels":["a"],"attributions":[', b"]}]"),
    "figures of explanations": many(b'""', 700_000, b'[{"probs":[1],"labels":["a"],"visualizations":[', b"]}]"),
    "many explanations": b"[" + many(b'"visualizations":null', 90_000, b"{", b"}") + b"]",
    "a number of a million digits": b'[{"probs":[' + b"1" * 1_000_000 + b'],"labels":["a"]}]',
}

MEASURE = """
import resource, sys, time
from automl_cv_client import XaiParameters
from automl_cv_client._protocol.explained import read_explained
from automl_cv_client._protocol.outline import check_outline
from automl_cv_client._protocol.replies import WrongShape, read_rows
from automl_cv_client.task import Task
from tests.protocol.test_wrong_replies import LARGE

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

XAI = XaiParameters(attributions=True)
for task in Task:
    for body in (b"[]", b"[1]", LARGE["flat numbers"][:200_000]):
        try:
            read_rows(body, task)
        except WrongShape:
            pass
before = peak()
for name, body in LARGE.items():
    for task in Task:
        readers = [lambda: read_rows(body, task), lambda: read_rows(body, task, strict=True)]
        if task.explainable:
            readers.append(lambda: read_explained(body, task, XAI))
        for number, reader in enumerate(readers):
            began = time.process_time()
            try:
                reader()
            except WrongShape:
                pass
            else:
                assert "wrong corner" in name or "explan" in name or number, (name, task)
            print(peak() - before, time.process_time() - began, len(body), name, task.name, sep="\\t")
"""


@pytest.mark.bar(28)
@pytest.mark.skipif(sys.platform == "win32", reason="measures the memory of a child process")
def test_a_large_wrong_reply_costs_little_memory_and_time(figure: Callable[[str], None]) -> None:
    """Bar: three bodies and 20 MB; a tenth of a second a megabyte, here with room for a busy machine."""
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    slowest = max(float(seconds) / (int(size) / 1e6) for _, seconds, size, _, _ in lines)
    figure(f"at most {max(int(grown) for grown, *_ in lines)} MB and {slowest:.2f} s per MB")
    for grown, seconds, size, name, task in lines:
        assert int(grown) <= 3 * int(size) / 1e6 + 20, (name, task)
        assert float(seconds) <= 0.5 * int(size) / 1e6 + 0.1, (name, task)


@pytest.mark.parametrize("folder", CASES, ids=case_id)
def test_no_captured_reply_is_out_of_line(folder: Any) -> None:
    """The walk refuses no right reply."""
    body = (folder / "reply.body").read_bytes().strip()
    if not body:
        return
    task = Task(folder.parent.name)
    check_outline(unwrapped(body), task)


ODD = [
    '{"²": 1}'.encode(),
    '[{"²": 1}]'.encode(),
    b'[{"' + b"1" * 5000 + b'": {"label": 1, "score": 1}}]',
    b'[{"boxes": [], "probs": null}]',
    b'[{"boxes": null, "probs": [1], "labels": ["a"]}]',
    b'[{"probs": null, "labels": null}]',
    b'[{"boxes": null}]',
    b'{"boxes": {"a": 1}}',
    b'[{"boxes": [{"box": null, "label": "a", "score": 1}]}]',
    b'[{"boxes": [{"label": "a", "score": ' + b"1" * 400 + b', "box": ' + BOX + b"}]}]",
    b'[{"boxes": [{"label": ' + b"1" * 5000 + b', "score": 1, "box": ' + BOX + b"}]}]",
    b'[{"probs": [1], "labels": [' + b"1" * 5000 + b"]}]",
    b'[{"probs": [1], "labels": ["a"], "visualizations": {"a": 1}, "attributions": 5}]',
    b'[{"probs": [1], "labels": ["a"], "\\u0076isualizations": 0, "more": {"visualizations": "AAAA"}}]',
    b'{"0": null}',
    b"[[null]]",
    b"[null]",
    b"null",
    b'""',
    b'"\\ud800"',
]


@pytest.mark.bar(24)
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_odd_keys_and_types_are_a_wrong_shape_or_right(body: bytes, task: Task, strict: bool) -> None:
    readers: list[Callable[[], list[Any]]] = [lambda: read_rows(body, task, strict=strict)]
    if task.explainable:
        readers.append(lambda: read_explained(body, task, XaiParameters(attributions=True), strict=strict))
    for reader in readers:
        try:
            rows = reader()
        except WrongShape:
            continue
        assert all("boxes" in row or "probs" in row for row in rows)


SECRET = "a-secret-of-the-endpoint"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "list index out of range"}, "it said: list index out of range"),
        ({"message": "no model"}, "it said: no model"),
        ({"detail": "busy"}, "it said: busy"),
        ([{"error": {"code": 3, "message": "no model"}}], "it said: no model"),
        ({"error": f"the key {SECRET} is old"}, "it said: the key <secret> is old"),
        ({"error": "line\n\x1b[2Jtwo"}, r"it said: line \[2Jtwo"),
        ({"error": "word " * 37 + SECRET}, "word <secret>"),
        ({"error": "word " * 1000}, "word…"),
    ],
)
def test_what_a_reply_says_is_shown(
    body: object, said: str, call: Caller, server: ScriptedServer, image: bytes
) -> None:
    server.steps = [Answer(200, json.dumps(body).encode())]
    with pytest.raises(errors.UnexpectedReply, match=said) as caught:
        call(server.url, "detect", image, key=SECRET)
    assert SECRET not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_what_no_reader_expects_is_an_unexpected_reply(
    call: Caller, server: ScriptedServer, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    server.steps = [Answer(200, boxes("cat"))]
    monkeypatch.setattr(replies, "_read_common_form", fails)
    with pytest.raises(errors.UnexpectedReply, match=r"cannot be read \(RecursionError: too deep\)") as caught:
        call(server.url, "detect", image)
    assert caught.value.__context__ is None


def test_reading_ends_at_the_deadline(image: bytes, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(body: bytes, task: Task) -> None:
        time.sleep(0.6)

    server.steps = [Answer(200, boxes("cat"))]
    monkeypatch.setattr(replies, "_read_common_form", slowly)
    with (
        Client(server.url, "k", deadline=0.5) as client,
        pytest.raises(errors.DeadlineExceeded, match=r"deadline of 0\.5 s") as caught,
    ):
        client.detect(image)
    assert caught.value.attempts == 1


def test_a_large_reply_does_not_hold_up_the_event_loop(
    image: bytes, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[int] = []
    read_common_form = replies._read_common_form

    def noticed(body: bytes, task: Task) -> Any:
        readers.append(threading.get_ident())
        return read_common_form(body, task)

    async def scored() -> None:
        async with AsyncClient(server.url, "k") as client:
            await client.detect(image)

    server.steps = [Answer(200, many(OBJECT, 5000, b'[{"boxes":[', b"]}]")), Answer(200, boxes("cat"))]
    monkeypatch.setattr(replies, "_read_common_form", noticed)
    asyncio.run(scored())
    asyncio.run(scored())
    here = threading.get_ident()
    assert [reader == here for reader in readers] == [False, True]  # a thread is not worth its while for the small one


@pytest.mark.bar(28)
@pytest.mark.parametrize(
    "body", [LARGE["flat numbers"], LARGE["empty lists"], b"[" + b" " * 20_000_000, many(OBJECT, 99_000)]
)
def test_a_compressed_wrong_reply_is_refused(body: bytes, call: Caller, server: ScriptedServer, image: bytes) -> None:
    packed = gzip.compress(body)
    assert len(packed) < len(body) / 100
    server.steps = [Answer(200, packed, {"content-encoding": "gzip"})]
    with pytest.raises(errors.UnexpectedReply, match=r"MB from|is not one of"):
        call(server.url, "detect", image)


def test_a_large_compressed_explanation_is_read(server: ScriptedServer, image: bytes) -> None:
    """25 MB of attributions in equal regions, as XRAI gives them: they shrink some 50 times."""
    row = b"[" + b", ".join(b"%.17e" % (0.001234567 * (column // 28)) for column in range(224)) + b"]"
    channel = b"[" + b", ".join([row] * 224) + b"]"
    array = b"[" + b", ".join([channel] * 3) + b"]"
    classes = 6
    body = (
        b'[{"probs": [' + b", ".join([b"0.9"] * classes) + b'], "labels": ["a", "b", "c", "d", "e", "f"], '
        b'"visualizations": null, "attributions": [' + b", ".join([array] * classes) + b"]}]"
    )
    assert len(body) > 20_000_000
    noise = gzip.compress(body, 1)
    assert len(body) / len(noise) < 300
    server.steps = [Answer(200, noise, {"content-encoding": "gzip"})]
    with Client(server.url, "k", retry=RetryPolicy(attempts=1)) as client, pytest.warns(errors.ManyClassesWarning):
        found = client.explain_multilabel(image, XaiParameters(visualizations=False, attributions=True))
    assert len(found.explanations) == classes
