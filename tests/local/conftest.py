"""One server for the whole session, serving all tasks, and a plain HTTP client to talk to it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from automl_cv_client.local import LocalEndpoint

PHOTOS = Path(__file__).parents[2] / "samples" / "photos"
DETECTION = "image-object-detection"
SEGMENTATION = "image-instance-segmentation"
CLASSIFICATION = "image-classification"
MULTILABEL = "image-classification-multilabel"


def encode(image: bytes) -> str:
    return base64.b64encode(image).decode()


def photo(name: str) -> str:
    return encode((PHOTOS / name).read_bytes())


def scoring(*rows: Any) -> dict[str, Any]:
    return {"input_data": {"columns": ["image"], "data": list(rows)}}


class Caller:
    """Posts to one endpoint with its key."""

    def __init__(self, endpoint: LocalEndpoint) -> None:
        self.endpoint = endpoint
        self.http = httpx.Client(headers={"Authorization": f"Bearer {endpoint.key}"}, timeout=30)

    def post(self, body: Any, task: str = DETECTION, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        how: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        if isinstance(body, bytes):
            named.setdefault("content-type", "application/json")
        return self.http.post(self.endpoint.scoring_uri_of(task), headers=named, **how)


@pytest.fixture(scope="session")
def caller() -> Iterator[Caller]:
    with LocalEndpoint.for_all_tasks(deployments=("blue", "green")) as endpoint:
        caller = Caller(endpoint)
        with caller.http:
            yield caller


@pytest.fixture(scope="session")
def cat() -> bytes:
    """A small JPEG of the cat: quick to decode."""
    with Image.open(PHOTOS / "chelsea.png") as image:
        return to_bytes(image.resize((226, 150)), "JPEG")


def to_bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
