"""Reads the encoded bytes of an image from a path, a file object, a buffer or a data URI."""

from __future__ import annotations

import binascii
import io
import os
import re
import select
import stat
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from automl_cv_client._imaging.inputs import (
    ACCEPTED,
    COLUMN_HINT,
    is_address,
    is_base64_image,
    is_column,
    is_data_uri,
    refusal,
)
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._text import bytes_in_words, shortened
from automl_cv_client.errors import ImageError

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Above this a file is refused unread: no image under ``max_pixels`` needs it, and it is held in memory."""

_BLOCK = 1 << 20
_QUIET_SECONDS = 10.0
"""Without a byte, after which a pipe is given up."""
_BLOB = re.compile(r"https://[a-z0-9]+\.(?:blob|dfs)\.core\.[a-z.]+/([^?#]+)")
"""The URL of a blob: what follows the host is container and path, as filesystems want them."""


def read_encoded(image: Any, policy: ImagePolicy | None = None, check_time: Callable[[], None] | None = None) -> bytes:
    """The encoded bytes of everything that is not yet pixels. Raises ImageError.

    URLs and other addresses are read when the policy says so. ``check_time`` ends the wait for a pipe.
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        data = _from_buffer(image)
    elif is_data_uri(image):
        data = _from_data_uri(image)
    elif is_address(image):
        data = _from_address(image, policy)
    elif isinstance(image, (str, os.PathLike)):
        data = _from_path(image, check_time)
    elif callable(getattr(image, "read", None)):
        data = _from_file(image)
    else:
        raise refusal(image, f"not an image. Give {ACCEPTED}{_hint_for(image)}")
    if not data:
        raise refusal(image, "it is empty" + (" from its current position on" if hasattr(image, "read") else ""))
    return data


def _hint_for(image: object) -> str:
    if isinstance(image, (list, tuple)):
        return "; several images go through detect_many, classify_many and so on"
    if is_column(image):
        return f"; {COLUMN_HINT}"
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


def _from_path(path: str | os.PathLike[Any], check_time: Callable[[], None] | None) -> bytes:
    name = os.fspath(path)
    if isinstance(name, str):
        _refuse_what_is_no_path(path, name)
    try:
        with open(name, "rb", buffering=0, opener=_at_once) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISFIFO(status.st_mode):
                return _from_pipe(path, file, check_time)
            if not stat.S_ISREG(status.st_mode):
                raise refusal(path, "no file, but a device: nobody knows when it ends")
            _check_length(path, status.st_size)
            data = file.readall() if status.st_size else file.read(1) or b""
        if data and not status.st_size:
            raise refusal(path, "a file of the system, whose length nobody knows (it says 0 bytes, and has some)")
        return data
    except (OSError, ValueError) as error:
        reason = _why_not_read(name, error)
    raise refusal(path, reason)


def _from_pipe(path: object, pipe: io.RawIOBase, check_time: Callable[[], None] | None) -> bytes:
    """Until its writer closes it; not for ever when nobody writes."""
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN | select.POLLHUP)
    blocks: list[bytes] = []
    total, quiet_since = 0, time.monotonic()
    while time.monotonic() < quiet_since + _QUIET_SECONDS:
        if check_time is not None:
            check_time()
        if not waiting.poll(100):
            continue
        block = pipe.read(_BLOCK)
        if block == b"":
            return b"".join(blocks)
        if block:
            blocks.append(block)
            total, quiet_since = total + len(block), time.monotonic()
            _check_length(path, total)
    raise refusal(path, "it is a pipe, and nobody wrote to it: nobody knows when it will give an image")


def _at_once(name: str, flags: int) -> int:
    """Opens without waiting: a pipe that nobody writes to would be waited for for ever."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _from_address(address: str, policy: ImagePolicy | None) -> bytes:
    """Through the caller's filesystem, or over HTTP when the policy allows it."""
    scheme = address.strip().partition("://")[0].lower()
    is_url = scheme in ("http", "https")
    blob = _BLOB.match(address.strip()) if is_url else None
    if policy is not None and policy.filesystem is not None and (blob or not is_url):
        return _from_filesystem(policy.filesystem, unquote(blob[1]) if blob else address.strip(), address)
    if policy is not None and policy.urls is not None and policy._fetch is not None and is_url:
        return policy._fetch(address.strip(), policy.urls)
    if is_url:
        raise refusal(
            address,
            "URLs are not fetched by default. Download the image and give its path, or in Python make the client "
            "with images=ImagePolicy(urls=UrlRules())",
        )
    raise refusal(
        address,
        f"{scheme}:// addresses are not read. Download the image and give its path, or in Python an fsspec "
        "filesystem: ImagePolicy(filesystem=…)",
    )


def _from_filesystem(filesystem: Any, path: str, address: str) -> bytes:
    try:
        with filesystem.open(path, "rb") as file:
            return _read_blocks(address, file)
    except ImageError:
        raise
    except Exception as error:  # noqa: BLE001  (each filesystem has errors of its own, perhaps with secrets)
        reason = f"the filesystem {shortened(type(filesystem).__name__)} cannot read it ({type(error).__name__})"
    raise refusal(address, reason)


def _refuse_what_is_no_path(path: object, name: str) -> None:
    if not name:
        raise refusal(path, "the path is an empty string")
    if is_base64_image(name):
        raise refusal(path, "this is base64, not a path: decode it first, in Python by base64.b64decode(text)")


def _why_not_read(name: str | bytes, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError) or (isinstance(error, PermissionError) and os.path.isdir(name)):
        return "it is a folder: give the images in it; in Python, detect_many and its siblings take folders"
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
    except ImageError:
        raise
    except Exception as error:  # noqa: BLE001  (a file of some cloud's library has errors of its own)
        reason = f"reading it failed ({shortened(type(error).__name__)}); is it closed or opened for writing only?"
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
