"""Builds scoring requests: encoded images in, body bytes out; no I/O.

Base64 needs no JSON escaping, so a body is a template around the image. Measured against reading and
copying the file: 1.4 times its CPU, where json.dumps around the standard base64 takes 34 times.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Literal, get_args

import pybase64

from automl_cv_client.errors import InvalidInput

Dialect = Literal["automl", "huggingface", "legacy", "legacy-raw"]
"""How the endpoint wants to be asked:

* ``automl``: models deployed through MLflow, the way of the studio and the SDK (the default);
* ``huggingface``: Hugging Face models trained by AutoML, ``{"input_data": ["<base64>"]}``;
* ``legacy``: the old ``score.py``, ``{"image": "<base64>"}``, one image a request;
* ``legacy-raw``: the old ``score.py``, the image's bytes as they are, one image a request.
"""

JSON = "application/json"
_DIALECTS = get_args(Dialect)
_TEMPLATES = {
    "automl": (b'{"input_data":{"columns":["image"],"data":["', b'"]}}'),
    "huggingface": (b'{"input_data":["', b'"]}'),
    "legacy": (b'{"image":"', b'"}'),
}
_CHUNK = 3 * 16 * 1024  # bytes encoded at a time: a multiple of 3, and small enough to stay in the cache


def scoring_body(images: Sequence[bytes], dialect: Dialect = "automl") -> bytes:
    """The body that asks for the scores of one or several encoded images (JPEG, PNG, …).

    Raises:
        InvalidInput: no image, an unknown dialect, or several images in a dialect that takes one.
    """
    if dialect not in _DIALECTS:
        raise InvalidInput(f"unknown dialect {dialect!r}: use one of {', '.join(_DIALECTS)}")
    check_count(images, dialect)
    if dialect == "legacy-raw":
        return bytes(images[0])
    before, after = _TEMPLATES[dialect]
    return around(before, images, after)


def check_count(images: Sequence[bytes], dialect: Dialect) -> None:
    """Raises InvalidInput for no image, and for several in a dialect that takes one."""
    if not images:
        raise InvalidInput("no image to send: the service refuses an empty request")
    if len(images) > 1 and dialect.startswith("legacy"):
        raise InvalidInput(f"the {dialect} form takes one image a request, not {len(images)}")


def content_type(dialect: Dialect) -> str:
    """The content type of a body in this dialect."""
    return "application/octet-stream" if dialect == "legacy-raw" else JSON


def around(before: bytes, images: Sequence[bytes], after: bytes, between: bytes = b'","') -> bytes:
    """A template around the base64 of each image."""
    # A growing buffer, filled in pieces, holds one copy of the body; joining whole pieces would hold two.
    body = BytesIO()
    body.write(before)
    for number, image in enumerate(images):
        if number:
            body.write(between)
        view = memoryview(image)
        for start in range(0, len(view), _CHUNK):
            body.write(pybase64.b64encode(view[start : start + _CHUNK]))
    body.write(after)
    return body.getvalue()
