"""The names of the pictures of a batch, from a folder, a pattern, a list, training data, or standard input."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from automl_cv_client._clients.runs import ENDINGS, folder_pictures
from automl_cv_client.errors import BatchError

Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def names_of(source: Source) -> Iterator[str]:
    """The absolute paths of a source's pictures, read as they are asked for.

    Args:
        source: a folder, searched with its subfolders; a picture, known by its ending; a pattern with ``*``, ``?`` or
            ``[…]`` (``**`` for any depth); a text file with a path a line, relative to the file; a training file
            ``*.jsonl``; ``-`` for paths from standard input; or any iterable of paths. Relative paths of the last
            two start from the working directory.

    Raises:
        BatchError: there is no such source.
    """
    if not isinstance(source, str | os.PathLike):
        return _absolute((os.fspath(one) for one in source), os.getcwd())
    text = os.fspath(source)
    if text == "-":
        return _absolute(sys.stdin, os.getcwd())
    if os.path.isdir(text):
        return folder_pictures(Path(os.path.abspath(text)))
    if os.path.isfile(text):
        if os.path.splitext(text)[1].lower() in ENDINGS:  # read as a list, it would be lines of noise
            return _absolute((text,), os.getcwd())
        beside = os.path.dirname(os.path.abspath(text))
        return _training_paths(text, beside) if text.endswith(".jsonl") else _listed(text, beside)
    if glob.has_magic(text):
        return _absolute(sorted(one for one in glob.iglob(text, recursive=True) if os.path.isfile(one)), os.getcwd())
    raise BatchError(f"{text!r} is no folder, file or pattern: see the path, and put a pattern in quotes")


def _absolute(paths: Iterable[str], start: str) -> Iterator[str]:
    for path in paths:
        name = path.rstrip("\r\n")
        if name:
            yield os.path.normpath(os.path.join(start, name))


def _listed(path: str, beside: str) -> Iterator[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:  # without normpath: a million lines are read in a fraction of a second
            name = line.rstrip("\r\n")
            if name:
                yield name if os.path.isabs(name) else os.path.join(beside, name)


def _training_paths(path: str, beside: str) -> Iterator[str]:
    """The pictures of a training file that lie beside it, found by the longest end of their URL that exists."""
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _beside(_image_url(line, path, number), beside)


def _image_url(line: str, path: str, number: int) -> str:
    try:
        url = json.loads(line)["image_url"]
    except (ValueError, KeyError, TypeError):
        url = None
    if not isinstance(url, str) or not url:
        raise BatchError(f"{path}, line {number}: no image_url; each line of training data is a JSON object with one")
    return url


def _beside(url: str, folder: str) -> str:
    """A URL ``azureml://…/paths/<path>`` (or a plain path) as a path on this machine."""
    inner = url.partition("/paths/")[2] if "://" in url and "/paths/" in url else url.partition("://")[2] or url
    parts = [part for part in inner.split("/") if part not in ("", ".", "..")]
    for start in range(len(parts)):
        found = os.path.join(folder, *parts[start:])
        if os.path.isfile(found):
            return found
    return os.path.join(folder, *parts)  # which is recorded as an error of this picture
