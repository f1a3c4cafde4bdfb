"""A request as it reached a fake endpoint, and how to look into it; no I/O."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from automl_cv_client._protocol.http_headers import secret_in
from automl_cv_client.geometry import Size


@dataclass(frozen=True)
class SentRequest:
    """One request. Its repr shows neither key nor image.

    Attributes:
        method: ``POST`` for scoring.
        path: of the URL, such as ``/score``.
        headers: names in lower case, the Authorization header included.
        body: the bytes.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def deployment(self) -> str | None:
        """The deployment asked for, or None."""
        return self.headers.get("azureml-model-deployment")

    @property
    def client_request_id(self) -> str | None:
        """The id the client gave the call; its retries carry the same."""
        return self.headers.get("x-ms-client-request-id")

    @property
    def key(self) -> str:
        """What was sent as bearer token."""
        return secret_in(self.headers.get("authorization"))

    @cached_property
    def images(self) -> tuple[bytes, ...]:
        """The images as encoded files, in order. Raises ValueError when the body is no scoring request."""
        if self.headers.get("content-type", "").startswith("application/octet-stream"):
            return (self.body,)
        return tuple(base64.b64decode(_image(row)) for row in self._rows)

    @cached_property
    def image_sizes(self) -> tuple[Size, ...]:
        """(width, height) of the images as they were sent."""
        from PIL import Image

        return tuple(Size(*Image.open(io.BytesIO(data)).size) for data in self.images)

    @cached_property
    def xai_parameters(self) -> dict[str, Any] | None:
        """What was asked to be explained, and how; None for plain scoring."""
        if self.headers.get("content-type", "").startswith("application/octet-stream"):
            return None
        row, asked = self._rows[0], json.loads(self.body)
        if "image" not in asked:  # else it is the legacy script's form, which has it beside the image
            asked = json.loads(row) if isinstance(row, str) and row.startswith("{") else None
        return dict(asked["xai_parameters"]) if asked and asked.get("model_explainability") else None

    @cached_property
    def _rows(self) -> list[Any]:
        asked = json.loads(self.body)
        if not isinstance(asked, dict):
            raise ValueError("the body is not a JSON object")
        if "image" in asked:  # the legacy script's form
            return [asked["image"]]
        rows = asked["input_data"]
        rows = rows["data"] if isinstance(rows, dict) else rows
        if not isinstance(rows, list) or not rows:
            raise ValueError("the body holds no rows")
        return rows


def _image(row: Any) -> str:
    """The base64 text of a row: a string, a list of one, or a JSON string of a row to be explained."""
    text = row[0] if isinstance(row, list) else row
    if isinstance(text, str) and text.startswith("{"):
        return str(json.loads(text)["image_base64"])
    if not isinstance(text, str):
        raise ValueError("a row is no base64 text")
    return text
