"""Makes the run of a ``*_many`` call: checks its options, opens its source, joins it to the client's connections."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from automl_cv_client._clients.connected import AsyncConnected, Connected
from automl_cv_client._clients.pumps import AsyncPump, Pump
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.outcomes import Group, Job, Line, in_groups, patient
from automl_cv_client._flow.traffic import Traffic
from automl_cv_client._flow.witness import Witness
from automl_cv_client._imaging import ImageInput, describe
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client._transports.idle import MOST_CONNECTIONS
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task

Images = Iterable[ImageInput] | str | os.PathLike[str]
AsyncImages = Images | AsyncIterable[ImageInput]

CONCURRENCY = 64
_MOST_PER_REQUEST = 100
ENDINGS = frozenset((".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))
"""Files of a folder that count as images, by the ending of their name in lower case."""


class ManyOptions(TypedDict, total=False):
    """What all ``*_many`` methods take, by keyword.

    Attributes:
        concurrency: requests in flight at most, 64 by default, up to 256. How many are really in flight is found
            out: it starts at 2 and adapts to what the endpoint takes.
        ordered: hand out outcomes in the order of the input (the default), or as they come.
        per_request: images a request, 1 by default. More helps with many small images; when the server
            drops one, or fails, they are sent again one by one.
        bytes_per_second: a bound on what is sent, for endpoints with a quota (the service's is 5 MB/s).
    """

    concurrency: int
    ordered: bool
    per_request: int
    bytes_per_second: float | None


def pump_for(
    client: Connected,
    images: Iterator[ImageInput],
    task: Task,
    threshold: float,
    witness: Witness | None = None,
    **options: Unpack[ManyOptions],
) -> Pump:
    """A pump with a client's settings and connections. Raises InvalidInput, naming the argument."""
    job, traffic, line, size = _parts(client._settings, task, threshold, witness, **options)
    return Pump(in_groups(images, size), job, client._backend, traffic, line)


def async_pump_for(
    client: AsyncConnected,
    images: Iterator[ImageInput] | AsyncIterable[ImageInput],
    task: Task,
    threshold: float,
    witness: Witness | None = None,
    **options: Unpack[ManyOptions],
) -> AsyncPump:
    """As :func:`pump_for`, for an event loop."""
    job, traffic, line, size = _parts(client._settings, task, threshold, witness, **options)
    return AsyncPump(_groups(images, size), job, client._backend, traffic, line)


def explaining_pump_for(
    client: Connected, images: Iterator[ImageInput], task: Task, parameters: XaiParameters, concurrency: int
) -> Pump:
    """A pump that explains each image."""
    job, traffic, line, size = _parts(client._settings, task, 0.5, concurrency=concurrency)
    return Pump(in_groups(images, size), replace(job, explain=parameters), client._backend, traffic, line)


def async_explaining_pump_for(
    client: AsyncConnected,
    images: Iterator[ImageInput] | AsyncIterable[ImageInput],
    task: Task,
    parameters: XaiParameters,
    concurrency: int,
) -> AsyncPump:
    """As :func:`explaining_pump_for`, for an event loop."""
    job, traffic, line, size = _parts(client._settings, task, 0.5, concurrency=concurrency)
    return AsyncPump(_groups(images, size), replace(job, explain=parameters), client._backend, traffic, line)


def images_of(images: Any) -> Iterator[ImageInput]:
    """The images of an iterable or of a folder. Raises InvalidInput for what is one image, or none."""
    if isinstance(images, str | os.PathLike):
        folder = Path(images)
        if not folder.is_dir():
            raise InvalidInput(
                f"{describe(images)} is not a folder: give a folder, or images in a list or another iterable"
            )
        return folder_images(folder)
    if isinstance(images, bytes | bytearray | memoryview) or not isinstance(images, Iterable) or _is_pixels(images):
        raise InvalidInput(f"{describe(images)} is one image, or none: give a folder, or images in an iterable")
    return iter(images)


def folder_images(folder: Path) -> Iterator[str]:
    """The paths of a folder's images, then of its subfolders', by name; links to folders are not followed.

    A link that leads nowhere counts as an image, which will fail: to leave it out would lose it silently.
    """
    folders = [os.fspath(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if os.path.splitext(entry.name)[1].lower() in ENDINGS and _is_image(entry):
                yield entry.path
        inside = [os.fspath(Path(entry.path)) for entry in found if entry.is_dir(follow_symlinks=False)]
        folders += reversed(inside)


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file. Sockets and pipes are not, which would be waited for in vain."""
    if entry.is_symlink() and not os.path.exists(entry.path):
        return True
    return entry.is_file()


def check_options(settings: CallSettings, options: ManyOptions) -> None:
    """Raises InvalidInput for a value that cannot be used."""
    per_request = options.get("per_request", 1)
    _check_count("concurrency", options.get("concurrency", CONCURRENCY), MOST_CONNECTIONS)
    _check_count("per_request", per_request, _MOST_PER_REQUEST)
    if per_request > 1 and settings.dialect.startswith("legacy"):
        raise InvalidInput("per_request must be 1 for the legacy dialects, which take one image a request")
    rate = options.get("bytes_per_second")
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf):
        raise InvalidInput(f"bytes_per_second must be a number above 0, or None; not {rate!r}")


def _parts(
    settings: CallSettings,
    task: Task,
    threshold: float,
    witness: Witness | None = None,
    *,
    concurrency: int = CONCURRENCY,
    ordered: bool = True,
    per_request: int = 1,
    bytes_per_second: float | None = None,
) -> tuple[Job, Traffic, Line, int]:
    given = ManyOptions(concurrency=concurrency, per_request=per_request, bytes_per_second=bytes_per_second)
    check_options(settings, given)
    job = Job(task, patient(settings), checked_threshold(threshold), witness=witness)
    line = Line(ordered, longest=per_request * (8 * concurrency + 16))
    traffic = Traffic(concurrency, bytes_per_second, settings.clock, patient=witness is not None)
    return job, traffic, line, per_request


def _check_count(name: str, value: Any, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInput(f"{name} must be a whole number from 1 to {most}, not {value!r}")


def _is_pixels(images: Any) -> bool:
    """A numpy array or an open file: iterable, and yet one image."""
    return hasattr(images, "__array__") or hasattr(images, "read")


def _groups(
    images: Iterator[ImageInput] | AsyncIterable[ImageInput], size: int
) -> Iterator[Group] | AsyncGenerator[Group, None]:
    return _async_groups(images, size) if isinstance(images, AsyncIterable) else in_groups(images, size)


async def _async_groups(images: AsyncIterable[ImageInput], size: int) -> AsyncGenerator[Group, None]:
    group: Group = []
    async for image in images:
        group.append(image)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
