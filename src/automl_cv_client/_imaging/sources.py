"""Reads the encoded bytes of a picture from a path, a file object, a buffer or a data URI."""

from __future__ import annotations

import binascii
import io
import os
import re
import stat
from typing import Any
from urllib.parse import unquote

from automl_cv_client._imaging.inputs import ACCEPTED, bytes_in_words, is_base64_picture, is_data_uri
from automl_cv_client._imaging.refusals import refusal

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Above this a file is refused unread: no picture under ``max_pixels`` needs it, and it is held in memory."""

_BLOCK = 1 << 20
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]+)://")


def read_encoded(image: Any) -> bytes:
    """The encoded bytes of everything that is not yet pixels. Raises ImageError."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        data = _from_buffer(image)
    elif is_data_uri(image):
        data = _from_data_uri(image)
    elif isinstance(image, (str, os.PathLike)):
        data = _from_path(image)
    elif callable(getattr(image, "read", None)):
        data = _from_file(image)
    else:
        raise refusal(image, f"not a picture. Give {ACCEPTED}{_hint_for(image)}")
    if not data:
        raise refusal(image, "it is empty" + (" from its current position on" if hasattr(image, "read") else ""))
    return data


def _hint_for(image: object) -> str:
    if isinstance(image, (list, tuple)):
        return "; several pictures go through detect_many, classify_many and so on"
    if hasattr(image, "__array__"):
        return "; this can be turned into an array with numpy.asarray"
    return ""


def _from_buffer(image: bytes | bytearray | memoryview) -> bytes:
    if isinstance(image, bytes):
        data = image
    else:
        view = memoryview(image)
        _check_length(image, view.nbytes)
        data = view.tobytes()
    _check_length(image, len(data))
    return data


def _from_path(path: str | os.PathLike[Any]) -> bytes:
    name = os.fspath(path)
    if isinstance(name, str):
        _refuse_what_is_no_path(path, name)
    try:
        with open(name, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                _check_length(path, status.st_size)
                return file.readall()
            return _read_blocks(path, file)
    except (OSError, ValueError) as error:
        reason = _why_not_read(name, error)
    raise refusal(path, reason)


def _refuse_what_is_no_path(path: object, name: str) -> None:
    if scheme := _SCHEME.match(name):
        if scheme[1].lower() in ("http", "https"):
            raise refusal(path, "URLs are not fetched by default. Download the picture and pass its bytes or path")
        raise refusal(path, f"{scheme[1]}:// addresses are not read. Download the picture and pass its path")
    if not name:
        raise refusal(path, "the path is an empty string")
    if is_base64_picture(name):
        raise refusal(path, "a str must be a path. If it is base64, decode it first: base64.b64decode(text)")


def _why_not_read(name: str | bytes, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError) or (isinstance(error, PermissionError) and os.path.isdir(name)):
        return "it is a folder; detect_many, classify_many and so on take folders"
    if isinstance(error, PermissionError):
        return "no permission to read this file"
    if isinstance(error, OSError):
        return f"the file cannot be read ({error.strerror or type(error).__name__})"
    return "this is not a usable path (it has a NUL character or cannot be encoded)"


def _from_file(file: Any) -> bytes:
    """From the file's current position to its end, where it is left. It stays open."""
    if isinstance(file, io.TextIOBase):
        raise refusal(file, 'opened in text mode; open it in binary mode: open(path, "rb")')
    try:
        return _read_blocks(file, file)
    except (OSError, ValueError) as error:
        reason = f"reading it failed ({type(error).__name__}); is it closed or opened for writing only?"
    raise refusal(file, reason)


def _read_blocks(image: object, file: Any) -> bytes:
    # In blocks: read(limit) may set the whole limit aside before it reads the first byte.
    blocks: list[bytes] = []
    total = 0
    while block := file.read(_BLOCK):
        if not isinstance(block, (bytes, bytearray, memoryview)):
            raise refusal(image, f'its read() gave {type(block).__name__}, not bytes; open it in binary mode: "rb"')
        blocks.append(bytes(block))
        total += len(block)
        _check_length(image, total)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def _check_length(image: object, count: int) -> None:
    if count > MAX_FILE_BYTES:
        raise refusal(
            image,
            f"with {bytes_in_words(count)} or more it is too large; {bytes_in_words(MAX_FILE_BYTES)} is the limit",
        )


def _from_data_uri(uri: str) -> bytes:
    """``data:[<media type>][;base64],<data>`` of RFC 2397; blanks and missing padding are forgiven."""
    head, comma, body = uri.partition(",")
    if not comma or not head.rstrip().lower().endswith(";base64"):
        raise refusal(uri, "only data URIs of the form data:image/png;base64,… are read")
    _check_length(uri, len(body) * 3 // 4)
    text = "".join(unquote(body).split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is a character outside ASCII
        pass
    raise refusal(uri, "its base64 is damaged")
