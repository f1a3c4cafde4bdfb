"""Objects of a reply are made when they are first asked for, and nobody can tell."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from automl_cv_client import Box, CallInfo, Detection, Detections, ImageInfo, Instances, Size, Task
from automl_cv_client._protocol.replies import read_rows, result_of
from automl_cv_client.results._objects import Later

SIZE = Size(400, 200)
IMAGE = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)
ONE = b'{"box": {"topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1}, "label": "cat", "score": 0.9}'
REPLY = b'[{"boxes": [' + ONE + b"]}]"
OUTLINED = REPLY.replace(b'"score"', b'"polygon": [[0, 0, 1, 0, 1, 1]], "score"')
MADE = Detections(image=IMAGE, objects=(Detection(label="cat", score=0.9, box=Box(0.25, 0.5, 0.75, 1)),))


def fresh(body: bytes = REPLY, task: Task = Task.DETECTION) -> Any:
    (row,) = read_rows(body, task)
    return result_of(task, row, IMAGE, CallInfo())


def is_made(result: Any) -> bool:
    return "objects" in result.__dict__


class Answer(BaseModel):
    found: Detections
    all: list[Detections]


FIRST_USES: dict[str, Callable[[Any], object]] = {
    "an object": lambda found: found[0] == MADE[0],
    "its pixels": lambda found: found[0].pixel_box == (100, 100, 300, 200),
    "iteration": lambda found: [detection.label for detection in found] == ["cat"],
    "length": lambda found: len(found) == 1,
    "equality": lambda found: found == MADE,
    "equality from the other side": lambda found: MADE.__eq__(found),
    "hash": lambda found: hash(found) == hash(MADE),
    "repr": lambda found: repr(found) == repr(MADE),
    "a filter": lambda found: found.above(0.5) == MADE,
    "columns": lambda found: found.boxes_array.tolist() == [[0.25, 0.5, 0.75, 1]],
    "model_dump": lambda found: found.model_dump() == MADE.model_dump(),
    "JSON": lambda found: found.model_dump_json() == MADE.model_dump_json(),
    "JSON there and back": lambda found: Detections.model_validate_json(found.model_dump_json()) == MADE,
    "a part of it": lambda found: (
        found.model_dump(include={"objects": {0: {"label"}}}) == {"objects": ({"label": "cat"},)}
    ),
    "all but": lambda found: found.model_dump(exclude={"objects"}) == MADE.model_dump(exclude={"objects"}),
    "fields that are set": lambda found: (
        found.model_dump(exclude_unset=True)["objects"] == MADE.model_dump()["objects"]
    ),
    "inside another model": lambda found: (
        Answer(found=found, all=[found]).model_dump_json() == Answer(found=MADE, all=[MADE]).model_dump_json()
    ),
    "an adapter": lambda found: (
        TypeAdapter(list[Detections]).dump_python([found], mode="json") == [MADE.model_dump(mode="json")]
    ),
    "from attributes": lambda found: Detections.model_validate(found, from_attributes=True) == MADE,
    "pickle": lambda found: pickle.loads(pickle.dumps(found)) == MADE,
    "copy": lambda found: copy.copy(found) == MADE == found,
    "deep copy": lambda found: copy.deepcopy(found) == MADE == found,
    "model_copy": lambda found: found.model_copy(update={"extra": {"a": 1}}) == MADE == found,
    "a copy with another image": lambda found: found.model_copy(update={"image": IMAGE.model_copy()}) == MADE,
    "getattr": lambda found: found.objects is found.objects,
}


@pytest.mark.parametrize("use", FIRST_USES.values(), ids=FIRST_USES)
def test_every_first_use_makes_them(use: Callable[[Any], object]) -> None:
    found = fresh()
    assert not is_made(found)
    assert use(found)
    assert use(found)
    assert use(MADE)


def test_instances_too() -> None:
    found = fresh(OUTLINED, Task.SEGMENTATION)
    assert not is_made(found)
    assert found[0].polygons == ((0, 0, 1, 0, 1, 1),)
    assert [*found.model_dump()["objects"][0]] == ["label", "score", "box", "extra", "polygons"]
    assert Instances.model_validate_json(found.model_dump_json()) == found


def test_what_they_were_made_of_is_let_go() -> None:
    found = fresh()
    assert found.objects
    assert set(found.__dict__) == set(Detections.model_fields)


def test_the_schema_for_what_is_written_shows_the_objects() -> None:
    properties = Detections.model_json_schema(mode="serialization")["properties"]
    assert properties["objects"]["items"] == {"$ref": "#/$defs/Detection"}


def test_threads_that_ask_at_once_get_the_same_objects() -> None:
    for _ in range(50):
        found, together = fresh(REPLY.replace(ONE, b",".join([ONE] * 50))), Barrier(4)

        def ask(found: Any = found, together: Barrier = together) -> Any:
            together.wait()
            return found.objects

        with ThreadPoolExecutor(4) as pool:
            answers = [job.result() for job in [pool.submit(ask) for _ in range(4)]]
        assert all(answer is answers[0] for answer in answers)
        assert len(answers[0]) == 50


def test_a_copy_of_what_is_not_made_is_whole() -> None:
    found = fresh()
    again = copy.copy(found)
    assert found[0].box == again[0].box == (0.25, 0.5, 0.75, 1)


def test_it_is_made_once() -> None:
    calls: list[int] = []
    later = Later(lambda: calls.append(1) or len(calls))  # type: ignore[func-returns-value]
    assert [later(), later(), copy.copy(later)()] == [1, 1, 1]


def test_other_names_are_still_missing() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = fresh().no_such_name
    with pytest.raises(AttributeError, match="objects"):
        _ = Detections.model_construct(image=IMAGE).objects
