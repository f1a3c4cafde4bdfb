"""Writes a text file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from automl_cv_client.errors import InvalidInput


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A UTF-8 file to write to; it takes its name when the block ends without an error.

    Raises:
        InvalidInput: the folder does not exist or cannot be written to.
    """
    temporary = path.with_name(f".{path.name[:40]}-{secrets.token_hex(8)}")
    try:
        file = temporary.open("x", encoding="utf-8", newline="\n")
    except OSError as error:
        reason = error.strerror or "unwritable"
    else:
        reason = ""
    if reason:
        raise InvalidInput(f"cannot write {path.name}: {reason}")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` and return the path."""
    with whole_file(path) as file:
        file.write(text)
    return path
