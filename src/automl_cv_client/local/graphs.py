"""An ONNX file of the user's own: opened, described, and run for as many images at a time as it takes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local.preprocessing import FloatArray
from automl_cv_client.local.sessions import open_session

File = str | os.PathLike[str]
LABELS = "labels.json"


class Outputs(NamedTuple):
    """What one run gave, and which image of its batch this is about.

    Attributes:
        values: by name; those of one image alone (``boxes_0``) under the name without its number.
        number: of the image in its batch, from 0.
    """

    values: dict[str, NDArray[Any]]
    number: int

    def of_image(self, name: str) -> NDArray[Any]:
        """This image's slice of an output whose first axis is the batch."""
        sliced: NDArray[Any] = self.values[name][self.number]
        return sliced


class Input(NamedTuple):
    """What a graph takes.

    Attributes:
        name: of its one input.
        batch: images a run: as the file fixes it, else 1, since exported R-CNN models fail on two.
        height: rows; None where the file leaves it open.
        width: columns; None where the file leaves it open.
    """

    name: str
    batch: int
    height: int | None
    width: int | None


class Graph:
    """An ONNX file with one image input of float32, ``(N, 3, height, width)``. Thread-safe.

    Raises:
        InvalidInput: there is no such file, it is no ONNX model, or it takes something else.
    """

    def __init__(self, path: File) -> None:
        self.file: Path = existing(path, "model")
        self._session = _opened(self.file)
        self.input: Input = _input_of(self._session, self.file)
        self.outputs: list[str] = [output.name for output in self._session.get_outputs()]

    @property
    def name(self) -> str:
        """Of the file."""
        return self.file.name

    def run(self, images: Sequence[FloatArray]) -> list[Outputs]:
        """The outputs for each of some images ``[3, rows, columns]``, run by run in the batch the file fixes."""
        results: list[Outputs] = []
        for first in range(0, len(images), self.input.batch):
            batch = list(images[first : first + self.input.batch])
            missing = self.input.batch - len(batch)
            stacked = np.stack(batch + [batch[-1]] * missing)
            values = self._session.run(None, {self.input.name: stacked})
            results += [self._of_image(values, number) for number in range(len(batch))]
        return results

    def tried(self, height: int, width: int) -> Outputs:
        """The outputs for a grey image: they say more than the shapes in the file, which may be left open.

        Raises:
            InvalidInput: the graph cannot be run on it.
        """
        try:
            return self.run([np.zeros((3, height, width), dtype=np.float32)])[0]
        except Exception as error:  # noqa: BLE001  onnxruntime's errors have no base class of their own
            said = _first_line(error)
        raise InvalidInput(f"the model {self.file} cannot be run on an image of {width} x {height}: {said}")

    def _of_image(self, values: list[Any], number: int) -> Outputs:
        named = dict(zip(self.outputs, map(np.asarray, values), strict=True))
        mine = f"_{number}"
        own = {name.removesuffix(mine): value for name, value in named.items() if name.endswith(mine)}
        return Outputs(own if self.input.batch > 1 and own else named, number)

    def refusal(self, expected: str, tried: Outputs | None = None) -> InvalidInput:
        """The error that says what the file has and what it should have."""
        ends = [f"takes {_shown(self._session.get_inputs())}, gives {_shown(self._session.get_outputs())}"]
        if tried is not None:
            shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in tried.values.items())
            ends.append(f"for one image it gave {shapes}")
        return InvalidInput(f"{self.file} does not fit: it {'; '.join(ends)}. Expected: {expected}")


def read_labels(model: Path, labels: File | None) -> list[str]:
    """The names in ``labels``, else in the ``labels.json`` beside the model.

    Raises:
        InvalidInput: there is no such file, or it is no JSON list of names.
    """
    file = existing(model.with_name(LABELS) if labels is None else labels, "labels")
    try:
        names = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f'the labels in {file} must be a JSON list of names, such as ["cat", "dog"]')
    return names


def existing(path: File, what: str) -> Path:
    """The path of a file. Raises InvalidInput when there is none."""
    file = Path(path)
    if not file.is_file():
        raise InvalidInput(f"there is no {what} file {file}: AutoML exports model.onnx and {LABELS} together")
    return file


def _opened(file: Path) -> onnxruntime.InferenceSession:
    try:
        return open_session(file)
    except Exception as error:  # noqa: BLE001  onnxruntime's errors have no base class of their own
        said = _first_line(error)
    raise InvalidInput(f"{file} is no ONNX model that can be read: {said}")


def _input_of(session: onnxruntime.InferenceSession, file: Path) -> Input:
    inputs = session.get_inputs()
    shape = list(inputs[0].shape) if inputs else []
    if len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(shape) == 4:
        # An open size is a name or None.
        batch, channels, height, width = (size if isinstance(size, int) and size > 0 else None for size in shape)
        if channels in (3, None):
            return Input(inputs[0].name, batch or 1, height, width)
    raise InvalidInput(
        f"{file} is no model that AutoML exports: it takes {_shown(inputs)}, and should take one tensor(float) of "
        "(N, 3, height, width)"
    )


def _shown(ends: Sequence[Any]) -> str:
    return ", ".join(f"{end.name} {end.type} {tuple(end.shape)}" for end in ends) or "nothing"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
