"""Class folders: ``cat/1.jpg`` is a cat. Also below the parts of a split, ``train/cat/1.jpg``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from automl_cv_client._files import is_image_name, is_side_name
from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.reading import ReadingReport, files_below, labelled_image
from automl_cv_client.formats.yolo_layout import SPLITS
from automl_cv_client.geometry import Size
from automl_cv_client.task import Task


def read_folders(
    folder: Path, report: ReadingReport, measure: Callable[[Path], Size | None], split: str | None = None
) -> Iterator[AnnotatedImage]:
    """The images below class folders, sorted; names begin at the folder given.

    Folders that are all called as parts of a split (train, valid, test, …), with nothing but folders in them, are no
    classes: the classes are the folders in them.

    Args:
        folder: the folder of class folders, or of the parts of a split.
        report: takes what is passed over.
        measure: tells the size of an image file.
        split: the only part wanted, such as ``train``.

    Raises:
        InvalidInput: there is no such folder or part, or no image in it.
    """
    if not folder.is_dir():
        raise InvalidInput(f"no such folder: {folder.name!r}")
    in_parts = has_parts(folder)
    if split is not None and not in_parts:
        raise InvalidInput(f"there are no parts of a split below {folder.name!r}, such as train and valid")
    counted: Counter[str] = Counter()
    for file in files_below(folder, report):
        parts = file.relative_to(folder).parts
        name = "/".join(parts)
        if not is_image_name(file):
            report.passed("file", "no-image", name, "no image by its ending")
            continue
        if in_parts and split is not None and SPLITS.get(parts[0].casefold()) != SPLITS.get(split, split):
            report.passed("file", "other-part", name, f"not of the part {split!r}")
            continue
        classes = parts[1:-1] if in_parts else parts[:-1]
        if not classes:
            report.passed("image", "class-missing", name, "the image lies in no class folder", annotations=0)
            continue
        counted[parts[0]] += 1
        yield labelled_image(Task.CLASSIFICATION, name, measure(file), labels=[classes[0]])
    if not counted:
        raise InvalidInput(f"no images in class folders below {folder.name!r}")
    if in_parts and len(counted) > 1:
        given = ", ".join(f"{part} ({times})" for part, times in counted.items())
        report.note("parts", f"the parts {given} are in one list: take one of them by split= (--split)")


def has_parts(folder: Path) -> bool:
    """Whether all folders are parts of a split, one of them with class folders in it."""
    inner = [child for child in folder.iterdir() if child.is_dir() and not is_side_name(child.name)]
    named = bool(inner) and all(child.name.casefold() in SPLITS for child in inner)
    return named and any(deeper.is_dir() for child in inner for deeper in child.iterdir())
