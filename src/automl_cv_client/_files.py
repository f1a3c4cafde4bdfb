"""Files: written whole or not at all, and the endings of image files."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

from automl_cv_client.errors import InvalidInput

IMAGE_ENDINGS = frozenset((".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))
"""Files of a folder that count as images, by the ending of their name in lower case."""

_PARTIAL = ".partial"


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file that takes its name once all of it is on the disk; until then an older one of that name stays.

    To append to the file itself would tear: at a crash a line of several MB is written in part. What a link leads
    to is replaced, not the link.

    Raises:
        OSError: as the operating system says it; the temporary file is gone.
    """
    real = Path(os.path.realpath(path))
    temporary = real.with_name(f".{real.name[:40]}-{secrets.token_hex(8)}{_PARTIAL}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, real)
        _sync_folder(real.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_text(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """As :func:`whole_file`, for UTF-8 text; what UTF-8 has no way to write, lone surrogates, becomes ``?``.

    Raises:
        InvalidInput: the file cannot be written, with the reason.
    """
    reason = ""
    try:
        with whole_file(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="\n")
            yield text
            text.flush()
            text.detach()
    except OSError as error:
        if error.filename is not None and not str(error.filename).endswith(_PARTIAL):
            raise  # of a file that the caller reads meanwhile
        reason = error.strerror or "unwritable"
    if reason:
        raise InvalidInput(f"cannot write {Path(path).name}: {reason}")


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file, whole or not at all, and return its path. Raises InvalidInput when that cannot be done."""
    with whole_text(path) as file:
        file.write(text)
    return Path(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
