"""What engines run on their workers, on plain Arrow batches: no engine is needed, so this runs in every run."""

from __future__ import annotations

import asyncio
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from automl_cv_client import Client, Task
from automl_cv_client.errors import BatchError, InvalidInput
from automl_cv_client.integrations.arrow import row_of, schema
from automl_cv_client.integrations.endpoint import Endpoint, divided
from automl_cv_client.integrations.ray import Scorer, Settings, is_final
from automl_cv_client.integrations.spark import PartitionScorer
from automl_cv_client.results import KINDS, Scored
from automl_cv_client.testing import FakeEndpoint, detections
from tests.capped import capped
from tests.servers import Answer, ScriptedServer

KEY = "canary-0123456789-canary"


def png(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40 + number, 20), (number, 10, 10)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Five images, the fourth of them text."""
    files = []
    for number in range(5):
        file = tmp_path / f"{number}.png"
        file.write_bytes(b"no image" if number == 3 else png(number))
        files.append(str(file))
    return files


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    with FakeEndpoint(key=KEY).serving() as endpoint:
        monkeypatch.setenv("CATS_KEY", KEY)
        yield endpoint


def endpoint_of(fake: Any, task: Task) -> Endpoint:
    return Endpoint(uri=fake.scoring_uri_of(task), key_env="CATS_KEY")


def by_ray(table: pa.Table, settings: Settings) -> pa.Table:
    async def main() -> pa.Table:
        scorer = Scorer(settings)
        batches = [batch async for batch in scorer(table)]
        await scorer._client.close()
        return pa.concat_tables(batches)

    return asyncio.run(main())


def by_spark(table: pa.Table, settings: Settings) -> pa.Table:
    scorer = PartitionScorer(
        settings.task, settings.endpoint, image=settings.image, id=settings.id, keep_images=settings.keep_images
    )
    return pa.Table.from_batches(list(scorer(table.to_batches(max_chunksize=2))))


both = pytest.mark.parametrize("score", [by_ray, by_spark])


@both
@pytest.mark.parametrize("task", Task)
def test_rows_equal_those_of_a_client(score: Any, task: Task, fake: Any, paths: list[str]) -> None:
    settings = Settings(task, endpoint_of(fake, task), id="id")
    table = pa.table({"id": list(range(5)), "path": paths})
    out = score(table, settings)
    assert out.schema == schema(task, keep=table.schema)
    assert out["id"].to_pylist() == list(range(5))
    with Client(fake.scoring_uri_of(task), KEY) as client:
        expected = [row_of(outcome, task) for outcome in client.score_many(paths, task)]
    added = schema(task)
    wanted = pa.Table.from_pylist(expected, schema=added)
    for name in added.names:
        if name not in ("call", "result", "error"):
            assert out[name].to_pylist() == wanted[name].to_pylist(), name
    assert out["status"].to_pylist() == ["ok", "ok", "ok", "error", "ok"]
    error = out["error"].to_pylist()[3]
    assert (error["kind"], error["final"]) == ("ImageError", True)
    assert out["call"].to_pylist()[0]["attempts"] == 1


@both
def test_bytes_and_arrays_are_images_and_are_dropped(score: Any, fake: Any) -> None:
    settings = Settings(Task.DETECTION, endpoint_of(fake, Task.DETECTION), image="image")
    out = score(pa.table({"image": [png(1), None, png(2)]}), settings)
    assert out.column_names == schema(Task.DETECTION).names
    assert out["status"].to_pylist() == ["ok", "error", "ok"]
    kept = Settings(Task.DETECTION, endpoint_of(fake, Task.DETECTION), image="image", keep_images=True)
    assert score(pa.table({"image": [png(1)]}), kept)["image"].to_pylist() == [png(1)]
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((2, 20, 40, 3), np.uint8))
    assert score(pa.table({"image": tensors}), settings)["width"].to_pylist() == [40, 40]


@both
def test_no_rows_give_no_rows_of_the_same_schema(score: Any, fake: Any) -> None:
    settings = Settings(Task.DETECTION, endpoint_of(fake, Task.DETECTION))
    if score is by_ray:
        out = score(pa.table({"path": pa.array([], pa.string())}), settings)
        assert (out.num_rows, out.column_names) == (0, ["path", *schema(Task.DETECTION).names])
    assert fake.requests == ()


@both
@pytest.mark.parametrize(
    ("columns", "says"),
    [({"file": ["a"]}, "there is no column 'path'"), ({"path": ["a"], "status": ["x"]}, "columns that scoring adds")],
)
def test_columns_are_checked_before_anything_is_sent(score: Any, columns: Any, says: str, fake: Any) -> None:
    with pytest.raises(InvalidInput, match=says):
        score(pa.table(columns), Settings(Task.DETECTION, endpoint_of(fake, Task.DETECTION)))
    assert fake.requests == ()


@both
def test_a_refused_key_ends_the_job_with_few_requests(
    score: Any, server: ScriptedServer, paths: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setenv("CATS_KEY", KEY)
    server.steps = [Answer(401)]
    settings = Settings(Task.DETECTION, Endpoint(uri=server.url, key_env="CATS_KEY"))
    with pytest.raises(BatchError) as raised:
        score(pa.table({"path": [paths[0]] * 200}), settings)
    assert KEY not in str(raised.value)
    assert len(server.received) <= 6


def test_what_crosses_processes_holds_no_secret(fake: Any) -> None:
    settings = Settings(Task.DETECTION, endpoint_of(fake, Task.DETECTION))
    for value in (settings, Scorer(settings), PartitionScorer(Task.DETECTION, settings.endpoint)):
        assert KEY.encode() not in pickle.dumps(value)
        assert KEY not in repr(value)


def test_a_worker_says_which_variable_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="this worker has no variable CATS_KEY"):
        Endpoint(uri="https://cats.example/score", key_env="CATS_KEY").client()
    with pytest.raises(InvalidInput, match="this worker has no variable AUTOML_CV_SCORING_URI"):
        Endpoint().client()
    with pytest.raises(InvalidInput, match="key_secret= needs Databricks or Synapse"):
        Endpoint(uri="https://cats.example/score", key_secret=("scope", "name")).client()


def test_capacity_is_divided_and_never_exceeded() -> None:
    assert [divided(8, workers) for workers in (1, 2, 3, 8)] == [8, 4, 2, 1]
    with pytest.raises(InvalidInput, match="takes 2 requests at once, and there are 4 workers"):
        divided(2, 4)
    for wrong in (0, 1.5, True, "many"):
        with pytest.raises(InvalidInput, match="at_once must be"):
            divided(wrong, 1)  # type: ignore[arg-type]


def test_a_task_of_spark_begins_where_the_last_one_of_its_worker_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATS_KEY", KEY)
    with capped(cap=8, service=0.05) as server:
        scorer = PartitionScorer(Task.DETECTION, Endpoint(uri=server.url, key_env="CATS_KEY"), image="image")
        batches = pa.table({"image": [png(1)] * 60}).to_batches()
        for _ in range(3):
            (batch,) = scorer(batches)
            assert batch.column("status").to_pylist() == ["ok"] * 60
        assert server.statuses()[429] <= 4  # met twice or so; not anew by each
        begun = server.most_in_flight
        server.most_in_flight, server.service = 0, 0.5
        known = PartitionScorer(
            Task.DETECTION, Endpoint(uri=server.url, key_env="KEY"), image="image", concurrency=5, is_known=True
        )
        monkeypatch.setenv("KEY", KEY)
        list(known(pa.table({"image": [png(1)] * 5}).to_batches()))
        assert (begun, server.most_in_flight) == (8, 5)  # all at once


def test_what_is_to_do_again() -> None:
    assert is_final({"status": "ok", "error": None})
    assert is_final({"status": "error", "error": {"final": True}})
    assert not is_final({"status": "error", "error": {"final": False}})


def test_scores_that_are_none_are_counted() -> None:
    found = detections(("漢\n字", float("nan"), (0, 0, 1, 1)))
    row = row_of(Scored(0, "a", found), Task.DETECTION)
    table = pa.Table.from_pylist([row], schema=schema(Task.DETECTION))
    (item,) = table["objects"].to_pylist()[0]
    assert (item["label"], item["score"]) == ("漢\n字", None)
    assert row["call"]["scores_missing"] == 1


HOSTILE = ["\x00", "a\nb\r\t", "😀", '"quoted", comma', "=1+1", "漢字", " ", "\u202e", "\\ud800", "a" * 3000]


@both
@pytest.mark.parametrize("task", [Task.DETECTION, Task.CLASSIFICATION])
def test_labels_come_through_as_they_are(score: Any, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATS_KEY", KEY)
    box = {"topX": 0.1, "topY": 0.1, "bottomX": 0.9, "bottomY": 0.9}
    replies = {
        Task.DETECTION: {"boxes": [{"box": box, "label": label, "score": 0.9} for label in HOSTILE]},
        Task.CLASSIFICATION: {"probs": [0.1] * len(HOSTILE), "labels": HOSTILE},
    }
    with capped(json.dumps([replies[task]]).encode(), service=0) as server:
        settings = Settings(task, Endpoint(uri=server.url, key_env="CATS_KEY"), image="image")
        (row,) = score(pa.table({"image": [png(1)]}), settings).to_pylist()
    assert (row["status"], row["error"]) == ("ok", None)
    found = row["objects"] if task is Task.DETECTION else row["probs"]
    assert {item["label"] for item in found} <= set(HOSTILE)
    assert task is Task.CLASSIFICATION or [item["label"] for item in found] == HOSTILE
    assert KINDS[task].model_validate_json(row["result"]).annotated()


@both
def test_a_lone_surrogate_in_a_label_harms_no_row(score: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON allows it, and UTF-8 does not."""
    monkeypatch.setenv("CATS_KEY", KEY)
    reply = (
        rb'[{"boxes": [{"box": {"topX": 0, "topY": 0, "bottomX": 1, "bottomY": 1}, "label": "\ud800x", "score": 0.9}]}]'
    )
    with capped(reply, service=0) as server:
        settings = Settings(Task.DETECTION, Endpoint(uri=server.url, key_env="CATS_KEY"), image="image")
        rows = score(pa.table({"image": [png(1), png(2)]}), settings).to_pylist()
    assert len(rows) == 2
    assert all(row["status"] == "ok" or row["error"]["kind"] for row in rows)


@both
def test_a_batch_of_nothing_but_failures(score: Any, fake: Any) -> None:
    settings = Settings(Task.DETECTION, endpoint_of(fake, Task.DETECTION))
    table = pa.table({"path": pa.array([None, "/no/such.png", ""], pa.string())})
    for column in (table, table.set_column(0, "path", table["path"].dictionary_encode())):
        out = score(column, settings)
        assert out["status"].to_pylist() == ["error"] * 3
        assert out["path"].to_pylist() == table["path"].to_pylist()
        assert all(error["message"] for error in out["error"].to_pylist())
    assert fake.requests == ()


@both
def test_replies_of_megabytes(score: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATS_KEY", KEY)
    box = {"topX": 0.1, "topY": 0.1, "bottomX": 0.9, "bottomY": 0.9}
    ring = [0.1234567, 0.7654321] * 1000
    reply = json.dumps([{"boxes": [{"box": box, "label": "cup", "score": 0.9, "polygon": [ring]}] * 120}]).encode()
    assert len(reply) > 2_500_000
    with capped(reply, service=0) as server:
        settings = Settings(Task.SEGMENTATION, Endpoint(uri=server.url, key_env="CATS_KEY"), image="image")
        out = score(pa.table({"image": [png(1)] * 3}), settings)
    assert [len(objects) for objects in out["objects"].to_pylist()] == [120] * 3
    assert out["objects"].to_pylist()[0][0]["polygons"][0] == ring
