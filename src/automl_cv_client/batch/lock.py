"""Lets one process at a time work on a job; the operating system frees the lock when the process dies."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

from automl_cv_client.errors import BatchError

_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # the last two on Windows


class Lock:
    """A lock on a folder. Raises BatchError at once when another process, or another run of this one, has it."""

    def __init__(self, folder: Path) -> None:
        path = folder / ".lock"
        reason = ""
        try:
            self._file: IO[str] = open(path, "a", encoding="ascii")  # noqa: SIM115 - held open
        except OSError as error:
            reason = error.strerror or type(error).__name__
        if reason:
            raise BatchError(f"cannot write in {folder} ({reason}): choose another output folder")
        try:
            _lock(self._file)
        except OSError as error:
            reason = (
                f"another process works on {folder}: wait for its end, or choose another output folder"
                if error.errno in _TAKEN
                else f"cannot lock {folder} ({error.strerror}): choose an output folder on a local disk"
            )
        if reason:
            self._file.close()
            raise BatchError(reason)

    def release(self) -> None:
        """Let others in."""
        self._file.close()


def _lock(file: IO[str]) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
