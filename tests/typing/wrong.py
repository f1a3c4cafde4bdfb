"""Mistakes of users, never run: both type checkers must find every one of them. An unneeded mark is an error too."""

from __future__ import annotations

import httpx
import httpx2
import requests
from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

from automl_cv_client import (
    AsyncClient,
    Client,
    Detections,
    ImagePolicy,
    Instances,
    Outcome,
    RetryPolicy,
    Task,
    XaiParameters,
)
from automl_cv_client.batch import score_folder
from automl_cv_client.dataset import CheckReport, DetectionRow
from automl_cv_client.evaluation import evaluate

URL = "https://my-endpoint.westeurope.inference.ml.azure.com/score"


def clients() -> None:
    Client()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Client(URL, 123)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Client(URL, "key", "blue")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Client(URL, "key", timeout="30")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Client(URL, "key", timeouts=30)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Client(URL, "key", dialect="hf")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Client(URL, "key", http_client=httpx.AsyncClient())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncClient(URL, "key", http_client=httpx2.Client())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Client(URL, "key", http_client=requests.Session())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Client.from_env(deployments="blue")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RetryPolicy(tries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ImagePolicy(color="grey")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    XaiParameters(algorithm="shap")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def calls(client: Client, outcome: Outcome[Detections]) -> None:
    client.detect(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.detect()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.detect("a.jpg", 0.5)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    client.detect("a.jpg").label  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    client.classify("a.jpg")[0]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    client.score("a.jpg")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    client.score(3, Task.DETECTION)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    client.detect_many(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.detect_many([3])  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    client.detect_many("photos/", workers=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.detect_tiled("a.jpg", tiles=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.with_options(scoring_uri=URL)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.explain("a.jpg", {"algorithm": "xrai"})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    if outcome.ok:
        outcome.result.label  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    if not outcome.ok:
        outcome.error.status  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def frozen(found: Detections, outlined: Instances, row: DetectionRow, report: CheckReport) -> None:
    ImagePolicy().quality = 95  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    RetryPolicy().attempts = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    XaiParameters().algorithm = "xrai"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    found.objects = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    found[0].score = 1.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    found.image.sent_bytes = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    found.call.attempts = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    outlined[0].polygons = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    row.label[0].crowd = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    row.label = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    report.rows = 0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def results(found: Detections) -> None:
    found["cat"]  # type: ignore[index]  # pyright: ignore[reportArgumentType, reportCallIssue]
    found[0].polygons  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    found[0].box_in("top")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    found[0].box.left = 3.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def awaited(client: AsyncClient) -> None:
    (await client.detect("a.jpg")).masks  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    client.detect("a.jpg").objects  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    for _ in client.detect_many("photos/"):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    with client:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass


def others(client: Client, other: AsyncClient) -> None:
    score_folder(other, "photos/", "out/", Task.DETECTION)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    score_folder(client, "photos/", "out/", Task.DETECTION, formats=("xml",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    evaluate(3, "labels.jsonl")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Client(URL, AsyncDefaultAzureCredential()).detect_async("a.jpg")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
