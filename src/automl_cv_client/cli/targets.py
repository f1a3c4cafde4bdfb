"""Refuses files that could not be written, before the work is done whose result they are to hold."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from automl_cv_client.cli.exits import Unusable


def check_targets(files: Iterable[Path], endings: Iterable[str] = (), *, inputs: Iterable[str | Path] = ()) -> None:
    """Look at the files a command is going to write.

    Args:
        files: where to.
        endings: those that are known, such as ``.png``; none to allow any.
        inputs: files that must not be written over.

    Raises:
        Unusable: one of them cannot be written, or is an input.
    """
    known = tuple(endings)
    taken = {os.path.realpath(path) for path in inputs}
    for file in files:
        if problem := _problem(file, known, taken):
            raise Unusable(f"cannot write {file}: {problem}")


def _problem(file: Path, endings: tuple[str, ...], taken: set[str]) -> str:
    if endings and file.suffix.lower() not in endings:
        return f"end it in {', '.join(endings)}"
    if file.is_dir():
        return "it is a folder; name a file in it"
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    if os.path.realpath(file) in taken:
        return "it is read by this command; name another file"
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        return "permission denied"
    return ""
