"""The names of the images of a batch, from a folder, a pattern, a list, training data, or standard input."""

from __future__ import annotations

import codecs
import glob
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO

from automl_cv_client._files import PassedOver, folder_images, is_image_name, pattern_files
from automl_cv_client._imaging import describe, items_of
from automl_cv_client.errors import BatchError, InvalidInput

_JSON = ("{", "[")
_JSON_BEGINS = ('{"', '[{"', '["')
"""Lines of JSON, and no paths of images."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class ImageNames(Iterator[str]):
    """The absolute paths of a source's images, read as they are asked for.

    Attributes:
        passed_over: what the source holds besides; complete when all paths were read.
    """

    def __init__(self, names: Iterator[str], passed_over: PassedOver) -> None:
        self._names = names
        self.passed_over = passed_over

    def __next__(self) -> str:
        return next(self._names)


def names_of_all(sources: Iterable[Source]) -> ImageNames:
    """The paths of several sources, one after the other. Raises as :func:`names_of`, and at once."""
    passed_over = PassedOver()
    each = [names_of(source, passed_over) for source in sources]
    return ImageNames(chain.from_iterable(each), passed_over)


def names_of(source: Source, passed_over: PassedOver | None = None) -> ImageNames:
    """The absolute paths of a source's images.

    Args:
        source: a folder, searched with its subfolders; an image, known by its ending; a pattern with ``*``, ``?`` or
            ``[…]`` (``**`` for any depth); a text file with a path a line, relative to the file; a training file
            ``*.jsonl``; ``-`` for paths from standard input; an open text file with a path a line; or any iterable of
            paths. Relative paths of the last three start from the working directory.
        passed_over: counts what is no image, in place of a counter of its own.

    Raises:
        BatchError: there is no such source, or it cannot be read.
        InvalidInput: it is no source, or holds something else than paths.
    """
    if isinstance(source, ImageNames):
        return source
    counted = PassedOver() if passed_over is None else passed_over
    return ImageNames(_names(source, counted), counted)


def _names(source: Source, passed_over: PassedOver) -> Iterator[str]:
    if isinstance(source, io.TextIOBase):
        return _absolute_lines(source)
    if not isinstance(source, str | os.PathLike):
        return _absolute(_paths(items_of(source)))
    text = os.fsdecode(source)
    if text == "-":
        return _absolute_lines(_standard_input())
    return _readable(text, _names_at(text, passed_over))


def _names_at(text: str, passed_over: PassedOver) -> Iterator[str]:
    if os.path.isdir(text):
        return folder_images(os.path.abspath(text), passed_over)
    if os.path.isfile(text):
        if is_image_name(text):  # read as a list, it would be lines of noise
            return _absolute((text,))
        beside = os.path.dirname(os.path.abspath(text))
        return _training_paths(text, beside) if text.lower().endswith(".jsonl") else _listed(text, beside)
    if glob.has_magic(text):
        return _absolute(pattern_files(text, passed_over))
    raise BatchError(f"{text!r} is no folder, file or pattern: see the path, and put a pattern in quotes")


def _readable(source: str, names: Iterator[str]) -> Iterator[str]:
    """The names. A folder or file that cannot be read ends them: to leave it out would lose images silently."""
    where = reason = ""
    try:
        yield from names
    except OSError as error:
        where, reason = os.fsdecode(error.filename or source), error.strerror or type(error).__name__
    if reason:
        raise BatchError(f"cannot read {where!r} ({reason}): see its permissions, or choose another source")


def _paths(given: Iterable[object]) -> Iterator[str]:
    for number, item in enumerate(given):
        if not isinstance(item, str | os.PathLike):
            raise InvalidInput(
                f"item {number} of the source is {describe(item)}, not a path: images in memory go to detect_many "
                "and its siblings"
            )
        yield os.fsdecode(item)


def _absolute(paths: Iterable[str]) -> Iterator[str]:
    start = os.getcwd()
    for path in paths:
        if path:
            yield os.path.normpath(os.path.join(start, path))


def _absolute_lines(lines: Iterable[str]) -> Iterator[str]:
    start = os.getcwd()
    return _absolute(_found(name, start) if name[:1] in ('"', "'") else name for name in _lines(lines))


def _lines(file: Iterable[str]) -> Iterator[str]:
    """The lines. Raises BatchError for those of another kind of file: each would be an image of the job for good."""
    for line in file:
        if "\0" in line:
            raise BatchError(
                f"no list of paths, one per line, but binary: {line[:40]!r}; 'find' is to be without -print0, and a "
                "list in UTF-16 without a byte-order mark saved as UTF-8"
            )
        name = line.removesuffix("\n").removesuffix("\r")
        if name in _JSON or name.startswith(_JSON_BEGINS):
            raise BatchError(f"no list of paths, one a line, but JSON: {name[:40]!r}; training files are named *.jsonl")
        yield name


def _in_quotes(name: str) -> bool:
    """Whether it is as "Copy as path" on Windows and some shells write it."""
    return len(name) > 2 and name[0] == name[-1] and name[0] in "\"'"


def _found(name: str, beside: str) -> str:
    """The path of a line; what is in quotes is without them, unless there is a file of that very name."""
    path = name if os.path.isabs(name) else os.path.join(beside, name)
    return _found(name[1:-1], beside) if _in_quotes(name) and not os.path.lexists(path) else path


def _standard_input() -> Iterable[str]:
    """Its lines; file names need not be text, nor does a carriage return in one end it."""
    binary = getattr(sys.stdin, "buffer", None)
    if binary is None:
        return sys.stdin
    peek = getattr(binary, "peek", None)
    return _decoded(binary, b"" if peek is None else peek(3)[:3])


def _decoded(lines: IO[bytes], begins: bytes) -> Iterable[str]:
    """The lines as text: UTF-16 where the mark at the beginning says so, as PowerShell writes it, else UTF-8."""
    if begins.startswith(_UTF16):
        try:
            return lines.read().decode("utf-16").split("\n")
        except UnicodeError as error:
            problem = str(error)
        raise BatchError(f"the list begins as UTF-16, and cannot be read as that ({problem}): save it as UTF-8")
    if begins == codecs.BOM_UTF8:
        lines.read(len(begins))
    return map(os.fsdecode, lines)


def _listed(path: str, beside: str) -> Iterator[str]:
    with open(path, "rb") as file:
        for name in _lines(_decoded(file, file.peek(3)[:3])):
            if name:  # without normpath: a million lines are read in a fraction of a second
                yield _found(name, beside) if name[0] in "\"'" else os.path.join(beside, name)


def _training_paths(path: str, beside: str) -> Iterator[str]:
    """The images of a training file that lie beside it, found by the longest end of their URL that exists."""
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
    return os.path.join(folder, *parts)  # which is recorded as an error of this image
