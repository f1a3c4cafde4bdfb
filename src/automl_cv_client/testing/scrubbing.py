"""Takes keys and images out of an exchange before it is written down; no I/O."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.testing.replies import Reply
from automl_cv_client.testing.sent import SentRequest

_KEPT_OF_REQUEST = ("accept", "azureml-model-deployment", "content-type")
_KEPT_OF_REPLY = (
    "azureml-model-deployment",
    "content-type",
    "ms-azureml-model-error-reason",
    "ms-azureml-model-error-statuscode",
    "ms-azureml-model-time",
    "retry-after",
    "retry-after-ms",
    "x-ms-request-id",
    "x-ms-retry-after-ms",
    "x-ms-run-fn-exec-ms",
    "x-ms-run-function-failed",
    "x-request-id",
)
"""Headers that are written down; an allow-list, so that no unknown one can carry a secret."""

_LETTER = r"(?:[A-Za-z0-9+/=_-]|\\+/)"  # JSON may escape slashes, and twice where it holds JSON
_IMAGE = re.compile(rf"(?:iVBOR|\\*/9j\\*/|R0lGOD|UklGR){_LETTER}{{40,}}|{_LETTER}{{200,}}")
"""PNG, JPEG, GIF and WebP as base64; and whatever else is as long as an image."""
_BLANK = base64.b64encode(grey_png(1)).decode()


def clean_request(request: SentRequest) -> dict[str, Any]:
    """What is written of a request: never its key, its host or an image, but each image's hash and length."""
    return {
        "method": request.method,
        "path": request.path.rsplit("/", 1)[-1],
        "headers": {name: request.headers[name] for name in _KEPT_OF_REQUEST if name in request.headers},
        "images": [{"sha256": hashlib.sha256(image).hexdigest(), "bytes": len(image)} for image in _images(request)],
        "xai_parameters": request.xai_parameters if request.body else None,
    }


def clean_reply(reply: Reply, key: str) -> dict[str, Any]:
    """What is written of a reply: images in it become one grey pixel, an echoed key becomes ``<key>``."""
    text = _without(reply.body.decode("utf-8", "replace"), key)
    headers = {name: _without(reply.headers[name], key) for name in _KEPT_OF_REPLY if name in reply.headers}
    return {"status": reply.status, "headers": headers, "body": _IMAGE.sub(_BLANK, text)}


def signature(request: Mapping[str, Any]) -> str:
    """What two written requests must share to count as the same question."""
    deployment = request["headers"].get("azureml-model-deployment")
    images = [image["sha256"] for image in request["images"]]
    return json.dumps([request["method"], request["path"], deployment, images, request["xai_parameters"]])


def _images(request: SentRequest) -> tuple[bytes, ...]:
    return request.images if request.body else ()


def _without(text: str, key: str) -> str:
    return text.replace(key, "<key>") if len(key) >= 4 else text
