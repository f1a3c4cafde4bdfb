"""Finds the images that a command line names, and names for what is drawn on them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from automl_cv_client._files import PassedOver, folder_images, pattern_files
from automl_cv_client.cli.exits import Unusable
from automl_cv_client.cli.text import complain
from automl_cv_client.drawing.style import USUAL, Style
from automl_cv_client.errors import ImageError
from automl_cv_client.results import Detections, Explanation, Instances, Result

WRITTEN = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jpe", ".jfif")
"""Endings of image files that drawings and figures are written as."""


def images_of(path: str) -> list[str]:
    """The images in a folder, sorted by name, not those of folders inside it; the files that a pattern fits; anything
    else is an image itself. Hidden files and folders of systems are passed over, which is told.

    Raises:
        ImageError: the folder cannot be read, holds no image, or no file fits the pattern.
    """
    if not os.path.isdir(path):
        return [path] if os.path.lexists(path) or not glob.has_magic(path) else _fitting(path)
    passed_over = PassedOver()
    try:
        images = list(folder_images(path, passed_over, deep=False))
    except OSError as error:
        raise ImageError(f"{path}: the folder cannot be read ({error.strerror})") from None
    if not images:
        besides = f"; passed over {passed_over}" if passed_over else ""
        raise ImageError(f"{path}: there are no images in this folder{besides}")
    _tell(path, passed_over)
    return images


def _fitting(pattern: str) -> list[str]:
    passed_over = PassedOver()
    files = pattern_files(pattern, passed_over)
    if not files:
        besides = f"; passed over {passed_over}" if passed_over else ""
        raise ImageError(f"{pattern}: no file fits this pattern{besides}")
    _tell(pattern, passed_over)
    return files


def _tell(source: str, passed_over: PassedOver) -> None:
    """What may be images; texts and the like nobody misses."""
    passed_over.others.clear()
    if passed_over:
        complain(f"{source}: passed over {passed_over}")


class Drawings:
    """The folder that drawn images go to; made at once, so that one that cannot be made stops the command early.

    Args:
        folder: where to.
        inputs: files that must not be written over.
        style: how results are drawn.
        crops: also save each object, cut out.

    Raises:
        Unusable: the folder cannot be made, or not written in.
    """

    def __init__(self, folder: Path, inputs: Iterable[str], style: Style = USUAL, *, crops: bool = False) -> None:
        self.folder = folder
        self.style = style
        self.crops = crops
        self._taken = {os.path.abspath(path) for path in inputs}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unusable(f"cannot make the folder {folder} ({error.strerror}): name another one as --out") from None
        if not os.access(folder, os.W_OK):
            raise Unusable(f"cannot write in the folder {folder} (permission denied): name another one as --out")

    def write(self, result: Result | Explanation, path: str, method: str) -> Path:
        """Draw a result on its image, and return the file it went to.

        Raises:
            ImageError: the image cannot be read any more.
            Unusable: the file cannot be written.
        """
        image = result.draw() if isinstance(result, Explanation) else result.draw(**self.style._asdict())
        target = self._target(path, method)
        _save(image.save, target)
        if self.crops and isinstance(result, Detections | Instances):
            for number, (detection, crop) in enumerate(zip(result, result.crops(), strict=True), 1):
                _save(crop.save, self._target(path, f"{method}.{number}{name_part(detection.label)}"))
        return target

    def _target(self, path: str, method: str) -> Path:
        """A file name that neither an input nor another image of this run has: ``cat.detect.jpg``."""
        stem, number = Path(path).stem, 1
        while True:
            name = f"{stem}.{method}.jpg" if number == 1 else f"{stem}-{number}.{method}.jpg"
            target = self.folder / name
            if os.path.abspath(target) not in self._taken:
                self._taken.add(os.path.abspath(target))
                return target
            number += 1


def name_part(label: str) -> str:
    """A label as the end of a file name: its plain characters, as it is no safe part of one; perhaps nothing."""
    plain = "".join(letter for letter in label if letter.isascii() and letter.isalnum())[:40]
    return plain and f"-{plain}"


def _save(save: Callable[..., None], target: Path) -> None:
    try:
        save(target, quality=90)
    except OSError as error:
        raise Unusable(f"cannot write {target}: {error.strerror or error}") from None
