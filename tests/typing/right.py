"""Code as users write it, never run: both type checkers must agree with every line, and infer what is asserted."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, assert_never, assert_type

import aiohttp
import httpx
import httpx2
import numpy as np
from azure.ai.ml import MLClient
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential
from numpy.typing import NDArray
from PIL.Image import Image

from automl_cv_client import (
    AsyncClient,
    AsyncRun,
    Box,
    CallInfo,
    Capacity,
    Classification,
    Client,
    Deployment,
    Detection,
    Detections,
    ExplainedClassification,
    Explanation,
    Failed,
    Health,
    Hooks,
    ImageInfo,
    ImageInput,
    ImagePolicy,
    Instance,
    Instances,
    LabelScore,
    MultilabelClassification,
    Outcome,
    PixelBox,
    RequestEvent,
    Result,
    RetryPolicy,
    Run,
    RunStats,
    Scored,
    Size,
    Stats,
    Task,
    UrlRules,
    XaiParameters,
    errors,
)
from automl_cv_client.batch import BatchStatus, BatchSummary, Progress, export, score_folder, score_folder_async, status
from automl_cv_client.credentials import KeyCredential
from automl_cv_client.dataset import (
    CheckReport,
    DetectionRow,
    Row,
    check,
    from_coco,
    read_jsonl,
    split,
    to_coco,
    write_jsonl,
)
from automl_cv_client.doctor import Report, examine
from automl_cv_client.evaluation import (
    Comparison,
    EvaluationReport,
    compare,
    evaluate,
    prelabel,
    read_results,
    score_rows,
    write_results,
)
from automl_cv_client.geometry import Frames, even_odd_area, iou
from automl_cv_client.local import LocalEndpoint, LocalModel
from automl_cv_client.migration import from_custom_vision, from_image_analysis, from_reply
from automl_cv_client.testing import FakeEndpoint, Replay, detections, no_waiting, record, throttled

URL = "https://my-endpoint.westeurope.inference.ml.azure.com/score"


class OwnCredential:
    """A TokenCredential by shape alone."""

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **more: Any,
    ) -> AccessToken:
        return AccessToken(scopes[0], 0)


def credentials() -> None:
    Client(URL, "the-key")
    Client(URL, KeyCredential("one", "two"))
    Client(URL, AzureKeyCredential("the-key"))
    Client(URL, DefaultAzureCredential())
    Client(URL, OwnCredential())
    Client(URL)
    AsyncClient(URL, AsyncDefaultAzureCredential())
    AsyncClient(URL, DefaultAzureCredential())
    assert_type(Client.from_env(), Client)
    assert_type(Client.from_env({"AUTOML_CV_KEY": "k"}, timeout=30, retry=RetryPolicy(attempts=2)), Client)
    assert_type(Client.from_workspace("id", "group", "workspace", "cats", DefaultAzureCredential()), Client)
    assert_type(Client.from_ml_client(MLClient(DefaultAzureCredential()), "cats", invoke=True), Client)


def options(seen: list[int]) -> None:
    def look(event: RequestEvent) -> None:
        seen.append(event.attempt)

    policy = ImagePolicy(longest_side=1000, color="bgr", urls=UrlRules(hosts=("example.org",)))
    client = Client(
        URL,
        "the-key",
        deployment="blue",
        timeout=30,
        deadline=None,
        retry=RetryPolicy(attempts=3, backoff=1),
        images=policy,
        hooks=Hooks(on_request=look) + Hooks(on_retry=lambda event: print(event.pause)),
        http_client=httpx.Client(),
    )
    assert_type(Client(URL, "the-key", http_client=httpx2.Client()), Client)
    assert_type(AsyncClient(URL, "the-key", http_client=httpx.AsyncClient()), AsyncClient)
    assert_type(AsyncClient(URL, "the-key", http_client=httpx2.AsyncClient()), AsyncClient)
    assert_type(AsyncClient(URL, "the-key", http_client=aiohttp.ClientSession()), AsyncClient)
    assert_type(client.with_options(deployment="green", timeout=1.5, strict=True), Client)
    local = LocalModel("model.onnx", Task.DETECTION)
    assert_type(client.with_fallback(local), Client)
    assert_type(local.detect("img.jpg"), Detections)
    assert_type(ImagePolicy.for_yolo(), ImagePolicy)
    with client as entered:
        assert_type(entered, Client)
        assert_type(client.health(), Health)
        assert_type(client.warm_up(), CallInfo)
        assert_type(client.deployments(), tuple[Deployment, ...])
        assert_type(client.stats(), Stats)
        assert_type(client.find_capacity("img.jpg", seconds=10), Capacity)
        with client.stream("image-object-detection", concurrency="ask") as run:
            assert_type(run, Run[Detections])
            assert_type(run.score(["img.jpg"]), list[Outcome[Detections, str]])
            assert_type(run.stats(), RunStats)
        assert_type(client.close(), None)


def every_input(client: Client, photo: Image, array: NDArray[np.uint8]) -> None:
    for image in ("a.jpg", Path("a.jpg"), b"", bytearray(), memoryview(b""), io.BytesIO(), photo, array):
        client.detect(image)
    with open("a.jpg", "rb") as file:
        client.detect(file)


def calls(client: Client) -> None:
    assert_type(client.classify("a.jpg"), Classification)
    assert_type(client.classify_multilabel("a.jpg", threshold=0.3), MultilabelClassification)
    assert_type(client.detect("a.jpg", deployment="green"), Detections)
    assert_type(client.segment("a.jpg"), Instances)
    assert_type(client.detect_tiled("a.jpg", tile=(640, 480), overlap=0.2), Detections)
    assert_type(client.segment_tiled("a.jpg", whole=False), Instances)
    assert_type(client.explain("a.jpg", XaiParameters(algorithm="xrai", attributions=True)), ExplainedClassification)
    assert_type(client.explain("a.jpg").explanation, Explanation)
    assert_type(client.explain("a.jpg", task="classify_multilabel"), MultilabelClassification)
    assert_type(client.explain_multilabel("a.jpg"), MultilabelClassification)


def scores(
    client: Client, paths: list[Path], names: list[str], several: tuple[bytes, ...], task: Task, name: str
) -> None:
    assert_type(client.score("a.jpg", Task.CLASSIFICATION), Classification)
    assert_type(client.score("a.jpg", Task.MULTILABEL), MultilabelClassification)
    assert_type(client.score("a.jpg", Task.DETECTION), Detections)
    assert_type(client.score("a.jpg", Task.SEGMENTATION), Instances)
    assert_type(client.score(b"", "image-classification"), Classification)
    assert_type(client.score(b"", "classify_multilabel", threshold=0.3), MultilabelClassification)
    assert_type(client.score(Path("a.jpg"), "detect"), Detections)
    assert_type(client.score("a.jpg", "image-instance-segmentation", deployment="blue"), Instances)
    assert_type(client.score("a.jpg", task), Result)
    assert_type(client.score("a.jpg", name), Result)
    assert_type(client.score(paths, Task.DETECTION), list[Outcome[Detections]])
    assert_type(client.score(names, "segment"), list[Outcome[Instances]])
    assert_type(client.score(several, "image-classification"), list[Outcome[Classification]])
    assert_type(client.score(["a.jpg", b""], Task.MULTILABEL), list[Outcome[MultilabelClassification]])
    assert_type(client.score(["a.jpg", b""], task), list[Outcome[Result]])


def many(client: Client, paths: Sequence[Path], task: Task) -> None:
    for detected in client.detect_many("photos/", concurrency=4, ordered=False):
        assert_type(detected, Outcome[Detections, str])
        assert_type(detected.unwrap(), Detections)
        assert_type(detected.input, str)
        if detected.result is not None:
            assert_type(detected.result[0].label, str)
        if detected.ok:
            assert_type(detected.result, Detections)
        else:
            assert_type(detected.error, errors.AutoMLVisionError)
        if not detected.ok:
            assert_type(detected.error, errors.AutoMLVisionError)
            continue
        assert_type(detected.result, Detections)
        match detected:
            case Scored(found):
                assert_type(found, Detections)
            case Failed(error):
                assert_type(error, errors.AutoMLVisionError)
            case _:
                assert_never(detected)
    assert_type([outcome.result for outcome in client.segment_many(paths) if outcome.ok], list[Instances])
    assert_type(next(client.classify_many(paths)), Outcome[Classification, Path])
    assert_type(next(client.classify_multilabel_many(paths, threshold=0.4)), Outcome[MultilabelClassification, Path])
    assert_type(next(client.segment_many(path for path in paths)), Outcome[Instances, Path])
    assert_type(next(client.score_many(paths, "image-classification")), Outcome[Classification, Path])
    assert_type(next(client.score_many(paths, task)), Outcome[Result, Path])
    assert_type(next(client.explain_many(paths, XaiParameters())), Outcome[ExplainedClassification, Path])
    assert_type(next(client.explain_multilabel_many(paths)), Outcome[MultilabelClassification, Path])
    client.detect_many(paths).close()
    assert_type(next(client.detect_many(Path("photos"))), Outcome[Detections, str])
    assert_type([outcome.input.name for outcome in client.detect_many(paths)], list[str])
    mixed: list[ImageInput] = ["a.jpg", b""]
    assert_type(next(client.detect_many(mixed)), Outcome[Detections, ImageInput])


async def awaited(client: AsyncClient, paths: list[Path], stream: AsyncIterator[bytes]) -> None:
    async with client as entered:
        assert_type(entered, AsyncClient)
    assert_type(await client.classify("a.jpg"), Classification)
    assert_type(await client.classify_multilabel("a.jpg"), MultilabelClassification)
    assert_type(await client.detect("a.jpg"), Detections)
    assert_type(await client.segment("a.jpg"), Instances)
    assert_type(await client.detect_tiled("a.jpg", merge=0.4), Detections)
    assert_type(await client.segment_tiled("a.jpg"), Instances)
    assert_type(await client.explain("a.jpg"), ExplainedClassification)
    assert_type((await client.explain("a.jpg")).explanation.overlay(), Image)
    assert_type(await client.explain_multilabel("a.jpg"), MultilabelClassification)
    assert_type(await client.score("a.jpg", Task.DETECTION), Detections)
    assert_type(await client.score(paths, "detect"), list[Outcome[Detections]])
    assert_type(await client.health(), Health)
    assert_type(await client.warm_up(), CallInfo)
    assert_type(await client.deployments(), tuple[Deployment, ...])
    assert_type(await client.find_capacity("img.jpg"), Capacity)
    async with client.stream(Task.SEGMENTATION, per_request=4) as run:
        assert_type(run, AsyncRun[Instances])
        assert_type(await run.score(stream), list[Outcome[Instances, bytes]])
    assert_type(await AsyncClient.from_workspace("id", "group", "workspace", "cats"), AsyncClient)
    assert_type(await AsyncClient.from_ml_client(MLClient(DefaultAzureCredential()), "cats"), AsyncClient)
    assert_type(AsyncClient.from_env(), AsyncClient)
    assert_type(client.with_options(timeout=1), AsyncClient)
    assert_type(client.with_fallback(LocalModel("model.onnx", "image-object-detection")), AsyncClient)
    assert_type(client.stats(), Stats)
    async for detected in client.detect_many(stream):
        assert_type(detected, Outcome[Detections, bytes])
    assert_type(await anext(client.classify_many(paths)), Outcome[Classification, Path])
    assert_type(await anext(client.classify_multilabel_many("photos/")), Outcome[MultilabelClassification, str])
    assert_type(await anext(client.segment_many(paths)), Outcome[Instances, Path])
    assert_type(await anext(client.score_many(paths, Task.DETECTION)), Outcome[Detections, Path])
    assert_type(await anext(client.explain_many(paths)), Outcome[ExplainedClassification, Path])
    assert_type(await anext(client.explain_multilabel_many(stream)), Outcome[MultilabelClassification, bytes])
    await client.detect_many(paths).aclose()
    assert_type(await client.close(), None)


def objects(found: Detections, outlined: Instances, mask: list[bool]) -> None:
    assert_type(found[0], Detection)
    assert_type(found[1:], Detections)
    assert_type(found[mask], Detections)
    assert_type(found[found.scores_array > 0.5], Detections)
    assert_type([detection for detection in found], list[Detection])  # noqa: C416 - the type of the loop's variable
    assert_type(found.above(0.5).top(3).with_labels("cat").nms(0.5, agnostic=True).clipped(), Detections)
    assert_type(found.filter(lambda detection: detection.score > 0.5), Detections)
    assert_type(outlined.filter(lambda detection: detection.area > 9), Instances)
    assert_type(len(found), int)
    assert_type(found[0].label, str)
    assert_type(found[0].score, float)
    assert_type(found[0].box, Box)
    assert_type(found[0].pixel_box, PixelBox)
    assert_type(found[0].box_in("raw"), Box | PixelBox)
    assert_type(found[0].to_pixels((640, 480)), PixelBox)
    assert_type(found.to_pixels(), tuple[PixelBox, ...])
    assert_type(outlined[0], Instance)
    assert_type(outlined[::2], Instances)
    assert_type(outlined[0].area, float)
    assert_type(outlined[0].mask(), NDArray[np.bool_])
    assert_type(outlined[0].mask_image((64, 48)), Image)
    assert_type(outlined[0].rle(), dict[str, Any])
    assert_type(outlined[0].outline_box, PixelBox | Any)
    assert_type(outlined[0].contains(3, 4), bool)
    assert_type(outlined[0].simplified(2), Instance)
    assert_type(outlined[0].polygons[0][0], float)
    assert_type(outlined[0].pixel_polygons[0][0], float)
    assert_type(found.boxes_array, NDArray[np.float64])
    assert_type(outlined.polygons_array.points, NDArray[np.float64])
    assert_type(found.to_coco(image_id=7), dict[str, Any])
    assert_type(found.to_yolo(["cat"]), str)


def classes(detection: Classification, several: MultilabelClassification, why: Explanation) -> None:
    assert_type(detection.label, str)
    assert_type(detection.score, float)
    assert_type(detection.top(3)[0], LabelScore)
    assert_type(detection.as_dict(), dict[str, float])
    assert_type(detection.explanation, Explanation | None)
    assert_type(several.above(0.5), tuple[LabelScore, ...])
    assert_type(several.threshold, float)
    assert_type(several.explanations, tuple[Explanation, ...])
    why.visualization.save("figure.png")
    print(why.attributions.shape, why.attributions.sum() > 0)
    assert_type(why.heatmap("signed"), NDArray[np.float32])
    assert_type(why.overlay("a.jpg"), Image)
    assert_type(why.save("heat.png"), Path)


def every_result(found: Result) -> None:
    assert_type(found.image, ImageInfo)
    assert_type(found.image.frames, Frames)
    assert_type(found.call.request_id, str | None)
    assert_type(found.call.elapsed, float)
    assert_type(found.size, Size)
    assert_type(found.draw("a.jpg"), Image)
    assert_type(found.draw_beside(found, titles=("blue", "green")), Image)
    assert_type(found.save(Path("out.png")), Path)
    assert_type(found.to_rows(), list[dict[str, Any]])
    assert_type(found.to_csv(), str)
    assert_type(Detections.model_validate_json(found.model_dump_json()), Detections)
    if isinstance(found, Instances):
        assert_type(found[0], Instance)


def failures(error: errors.AutoMLVisionError) -> None:
    if isinstance(error, errors.StatusError):
        assert_type(error.status, int)
        assert_type(error.retry_after, float | None)
    if isinstance(error, errors.CallError):
        assert_type(error.attempts, int)


def geometry(box: Box, pixels: PixelBox) -> None:
    left, top, right, bottom = box
    assert_type((left, top, right, bottom), tuple[float, float, float, float])
    assert_type(box.to_pixels((640, 480)), PixelBox)
    assert_type(box.clipped(), Box)
    assert_type(pixels.area, float)
    assert_type(iou(box, box), float)
    assert_type(even_odd_area([(0, 0, 1, 0, 1, 1)]), float)


def show(step: Progress) -> None:
    assert_type(step.eta, float | None)


async def batches(client: Client, other: AsyncClient) -> None:
    summary = score_folder(client, "photos/", "out/", Task.DETECTION, concurrency=8, progress=show, formats=("csv",))
    assert_type(summary, BatchSummary)
    assert_type(await score_folder_async(other, Path("photos"), "out/", "image-classification"), BatchSummary)
    assert_type(summary.errors, dict[str, int])
    assert_type(status("out/"), BatchStatus)
    assert_type(export("out/", "parquet"), Path)


def datasets() -> None:
    rows = list(read_jsonl("train.jsonl", task=Task.DETECTION))
    assert_type(rows, list[DetectionRow])
    assert_type(check("train.jsonl", images="images"), CheckReport)
    assert_type(check("train.jsonl").ok, bool)
    assert_type(write_jsonl(rows, "out.jsonl"), int)
    assert_type(split(rows, 0.2, seed=3), tuple[list[Row], list[Row]])
    assert_type(to_coco(rows), dict[str, Any])
    write_jsonl(from_coco("coco.json", task=Task.DETECTION), "out.jsonl")


def evaluations(client: Client, found: dict[str, Detections]) -> None:
    report = evaluate(score_rows(client, "labels.jsonl", "images"), "labels.jsonl", images="images")
    assert_type(report, EvaluationReport)
    assert_type(evaluate(found, read_jsonl("labels.jsonl")), EvaluationReport)
    assert_type(report["mAP"], float | None)
    assert_type(report.save("report.html"), Path)
    assert_type(compare(client, labels="labels.jsonl", deployments=("blue", "green"), images="x"), Comparison)
    assert_type(write_results(found.items(), "results.jsonl"), int)
    assert_type(next(read_results("results.jsonl")), tuple[str, Result | errors.AutoMLVisionError])
    write_jsonl(prelabel(found), "to-correct.jsonl")


def old_results(stored: str, task: Task, sizes: list[tuple[int, int]], paths: list[Path]) -> None:
    assert_type(from_reply(stored, "detect", "a.jpg"), Detections)
    assert_type(from_reply(stored, Task.SEGMENTATION, (640, 480)), Instances)
    assert_type(from_reply(stored, task, Path("a.jpg")), Result)
    assert_type(from_reply(stored, "classify", paths), list[Outcome[Classification]])
    assert_type(from_reply(stored, "image-object-detection", sizes), list[Outcome[Detections]])
    assert_type(from_custom_vision(stored, "classify_multilabel", (640, 480)), MultilabelClassification)
    assert_type(from_custom_vision({"predictions": []}, Task.DETECTION, b""), Detections)
    assert_type(from_image_analysis(stored, "objects"), Detections)
    assert_type(from_image_analysis(stored, "tags", "a.jpg", threshold=0.3), MultilabelClassification)


def tests_of_users() -> None:
    fake = FakeEndpoint(throttled(), detections(("cat", 0.9, (0.1, 0.2, 0.5, 0.6))), task=Task.DETECTION)
    with no_waiting() as pauses, fake.client(timeout=1) as client:
        assert_type(client, Client)
        assert_type(pauses, list[float])
    assert_type(fake.async_client(), AsyncClient)
    assert_type(fake.last_request.images, tuple[bytes, ...])
    with record("calls.json") as recorder:
        Client(URL, "the-key", http_client=recorder.http_client())
    assert_type(Replay("calls.json").client(), Client)
    with LocalEndpoint(Task.DETECTION) as endpoint:
        assert_type(endpoint, LocalEndpoint)
        assert_type(endpoint.scoring_uri, str)
    assert_type(examine(URL, "the-key"), Report)
    assert_type(examine(URL).ok, bool)
