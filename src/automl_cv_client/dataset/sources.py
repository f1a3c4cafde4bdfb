"""The sources that become training rows: one function a format of another tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.dataset.converting import Conversion, Location, conversion
from automl_cv_client.dataset.images import image_header
from automl_cv_client.dataset.rows import ClassificationRow, DetectionRow, MultilabelRow, Row
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.coco import read_coco
from automl_cv_client.formats.csv_files import read_csv
from automl_cv_client.formats.custom_vision import read_custom_vision
from automl_cv_client.formats.cvat import read_cvat
from automl_cv_client.formats.datumaro import read_datumaro
from automl_cv_client.formats.fiftyone import read_fiftyone
from automl_cv_client.formats.folders import read_folders
from automl_cv_client.formats.label_studio import read_label_studio
from automl_cv_client.formats.labelme import read_labelme
from automl_cv_client.formats.reading import ImageLookup, ReadingReport
from automl_cv_client.formats.via import read_via
from automl_cv_client.formats.voc import read_voc
from automl_cv_client.formats.yolo import read_yolo
from automl_cv_client.formats.yolo_layout import YoloSet, class_names, find_names, layout, pairs_of
from automl_cv_client.geometry import Size
from automl_cv_client.task import Task, TaskInput

OBJECTS = (Task.DETECTION, Task.SEGMENTATION)
WHOLE = (Task.CLASSIFICATION, Task.MULTILABEL)
ALL = (*WHOLE, *OBJECTS)


def from_coco(
    source: Location | Mapping[str, Any],
    task: TaskInput = Task.DETECTION,
    *,
    prefix: str = "",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """Training rows of a COCO file, one an image, those without annotations too.

    Whether boxes are in pixels or in fractions of the image, as Azure ML's labelling exports them, is decided once
    for the file, by all its numbers, and noted in the report.

    Args:
        source: the JSON file, or its decoded content.
        task: detection takes the boxes, segmentation the polygons and masks.
        prefix: what to put before each ``file_name``, such as ``azureml://datastores/d/paths/images/``.
        images: the folder of images, for sizes that the file lacks.
        strict: end at the first annotation that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: it is no COCO file, an id stands for two things, or nothing of it can be read.

    Example:
        >>> rows = from_coco("instances_train.json", prefix="azureml://datastores/d/paths/images/")
        >>> write_jsonl(rows, "train.jsonl")
        >>> print(rows.report.text())
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        content = dict(source) if isinstance(source, Mapping) else Path(source)
        return read_coco(content, kind, report, find)

    return conversion(source, "coco", read, task, tasks=OBJECTS, prefix=prefix, images=images, strict=strict)


def from_voc(
    folder: Location, *, prefix: str = "", images: Location | None = None, strict: bool = False
) -> Conversion[DetectionRow]:
    """Detection rows of the Pascal VOC files in a folder and below it, sorted by path.

    Args:
        folder: usually called ``Annotations``; or one XML file.
        prefix: what to put before each file name, such as ``azureml://datastores/d/paths/images/``.
        images: the folder of images, for sizes and endings that the files lack.
        strict: end at the first object that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: there is no such folder, or nothing in it can be read.

    Example:
        >>> write_jsonl(from_voc("VOC2012/Annotations", images="VOC2012/JPEGImages"), "train.jsonl")
    """

    def read(_: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_voc(Path(folder), report, find)

    return conversion(
        folder, "voc", read, Task.DETECTION, tasks=(Task.DETECTION,), prefix=prefix, images=images, strict=strict
    )


def from_yolo(
    images: Location,
    labels: Location | None = None,
    classes: Sequence[str] | Mapping[int, str] | Location | None = None,
    task: TaskInput = Task.DETECTION,
    *,
    prefix: str = "",
    split: str | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """Rows of a YOLO data set; an image without a text file has no objects.

    Args:
        images: the folder of images; or, without ``labels``, ``data.yaml``, ``obj.data`` or the folder of a data set.
        labels: the folder of text files with the same names.
        classes: the names in order or by number, or a file of them: ``classes.txt``, ``obj.names``, ``data.yaml``,
            ``obj.data``, ``notes.json``. Looked for beside the labels when left out.
        task: detection or segmentation; boxes in a file of outlines are taken as rectangles, and outlines in a file
            of boxes as their boxes.
        prefix: what to put before each image's name.
        split: the only part of a data set wanted, such as ``train``; all of them when left out.
        strict: end at the first line that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: a folder is not there, the classes have no names, the data set is of keypoints, or nothing of it
            can be read. The message names file and line.

    Example:
        >>> write_jsonl(from_yolo("dataset/data.yaml", split="train"), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        source = Path(images)
        names = None if classes is None else class_names(classes)
        if labels is None:
            sets, own = layout(source, split, report)
            names = names or own or find_names(source if source.is_dir() else source.parent)
        else:
            for folder in (source, Path(labels)):
                if not folder.is_dir():
                    raise InvalidInput(f"no such folder: {folder.name!r}")
            sets = [YoloSet(pairs_of(source, Path(labels), source, report), Path(labels))]
            names = names or find_names(Path(labels), source)
        return read_yolo(sets, names, kind, report, _upright_size)

    return conversion(
        images if labels is None else labels, "yolo", read, task, tasks=OBJECTS, prefix=prefix, strict=strict
    )


@overload
def from_csv(
    source: Location,
    task: None = None,
    *,
    prefix: str = "",
    separator: str = ",",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[MultilabelRow]: ...
@overload
def from_csv(
    source: Location,
    task: TaskInput,
    *,
    prefix: str = "",
    separator: str = ",",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Row]: ...
def from_csv(
    source: Location,
    task: TaskInput | None = None,
    *,
    prefix: str = "",
    separator: str = ",",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Any]:
    """Rows of a CSV file: labels in one cell or several, a column a class with 0 and 1, or a box a line.

    Args:
        source: for example ``image,labels`` and then ``1.jpg,"cat,dog"``; ``filename,cat,dog`` and then ``1.jpg,1,0``;
            or ``filename,width,height,class,xmin,ymin,xmax,ymax``.
        task: multi-label when left out; classification for one label an image, detection for boxes.
        prefix: what to put before each name.
        separator: between labels of one cell.
        images: the folder of images, for sizes that the file lacks.
        strict: end at the first line that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: the file cannot be read; the message names the line.

    Example:
        >>> write_jsonl(from_csv("train/_classes.csv"), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_csv(Path(source), kind, report, separator, find)

    kind = task if task is not None else Task.MULTILABEL
    tasks = (*WHOLE, Task.DETECTION)
    return conversion(source, "csv", read, kind, tasks=tasks, prefix=prefix, images=images, strict=strict)


def from_folders(
    folder: Location, *, prefix: str = "", split: str | None = None, strict: bool = False
) -> Conversion[ClassificationRow]:
    """Classification rows of images that lie in one folder a class: ``folder/cat/1.jpg`` is a cat.

    Below folders called as parts of a split (``train/cat/1.jpg``, ``valid/cat/2.jpg``) the classes are those inside.

    Args:
        folder: the folder of class folders. Other files, and what systems leave beside images, are passed over.
        prefix: what to put before each ``cat/1.jpg``.
        split: the only part wanted, such as ``train``; all of them when left out.
        strict: end at the first image that lies in no class folder, instead of reporting it.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: there is no such folder, or no image in it.

    Example:
        >>> write_jsonl(from_folders("flowers", split="train"), "train.jsonl")
    """

    def read(_: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_folders(Path(folder), report, _upright_size, split)

    return conversion(
        folder, "folders", read, Task.CLASSIFICATION, tasks=(Task.CLASSIFICATION,), prefix=prefix, strict=strict
    )


def from_cvat(
    source: Location, task: TaskInput = Task.DETECTION, *, prefix: str = "", strict: bool = False
) -> Conversion[Row]:
    """Rows of CVAT's own XML, "CVAT for images 1.1": boxes, polygons, masks, and tags of whole images.

    Args:
        source: ``annotations.xml``.
        task: what is wanted of it.
        prefix: what to put before each image's name.
        strict: end at the first shape that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: it is no such file, or nothing of it can be read.

    Example:
        >>> write_jsonl(from_cvat("annotations.xml", Task.SEGMENTATION), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, _: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_cvat(Path(source), kind, report)

    return conversion(source, "cvat", read, task, tasks=ALL, prefix=prefix, strict=strict)


def from_datumaro(
    source: Location,
    task: TaskInput = Task.DETECTION,
    *,
    prefix: str = "",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """Rows of Datumaro's JSON, ``annotations/default.json``. Annotations of one group are one object.

    Args:
        source: the file.
        task: what is wanted of it.
        prefix: what to put before each image's path.
        images: the folder of images, for sizes that the file lacks.
        strict: end at the first annotation that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: it is no such file, or nothing of it can be read.

    Example:
        >>> write_jsonl(from_datumaro("annotations/default.json"), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_datumaro(Path(source), kind, report, find)

    return conversion(source, "datumaro", read, task, tasks=ALL, prefix=prefix, images=images, strict=strict)


def from_label_studio(
    source: Location, task: TaskInput = Task.DETECTION, *, prefix: str = "", strict: bool = False
) -> Conversion[Row]:
    """Rows of a Label Studio export, JSON or JSON-MIN: rectangles, polygons, ellipses, brushes, choices.

    Args:
        source: the file.
        task: what is wanted of it.
        prefix: what to put before each image's path.
        strict: end at the first region that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over, such as tasks that nobody labelled.

    Raises:
        InvalidInput: it is no such file, or nothing of it can be read.

    Example:
        >>> write_jsonl(from_label_studio("project-1.json"), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, _: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_label_studio(Path(source), kind, report)

    return conversion(source, "label-studio", read, task, tasks=ALL, prefix=prefix, strict=strict)


def from_labelme(
    source: Location,
    task: TaskInput = Task.DETECTION,
    *,
    prefix: str = "",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """Rows of labelme's JSON files in a folder and below it: rectangles, polygons, circles, and flags.

    Args:
        source: the folder, or one file.
        task: what is wanted of it.
        prefix: what to put before each image's path.
        images: the folder of images, for sizes that a file lacks.
        strict: end at the first shape that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: there is no such folder, or nothing in it can be read.

    Example:
        >>> write_jsonl(from_labelme("labelled", Task.SEGMENTATION), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_labelme(Path(source), kind, report, find)

    return conversion(source, "labelme", read, task, tasks=ALL, prefix=prefix, images=images, strict=strict)


def from_via(
    source: Location,
    task: TaskInput = Task.DETECTION,
    *,
    prefix: str = "",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """Rows of the JSON of VGG Image Annotator 1 and 2, a project or its annotations.

    Args:
        source: the file.
        task: what is wanted of it.
        prefix: what to put before each image's name.
        images: the folder of images; needed for objects, as VIA does not tell sizes.
        strict: end at the first region that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: it is no such file, or nothing of it can be read.

    Example:
        >>> write_jsonl(from_via("via_project.json", images="photos"), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_via(Path(source), kind, report, find)

    return conversion(source, "via", read, task, tasks=ALL, prefix=prefix, images=images, strict=strict)


def from_fiftyone(
    source: Location,
    task: TaskInput = Task.DETECTION,
    *,
    prefix: str = "",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """Rows of a FiftyOne export: ``samples.json`` of a FiftyOneDataset, or ``labels.json`` of an image data set.

    Args:
        source: the file.
        task: what is wanted of it.
        prefix: what to put before each image's path.
        images: the folder of images, for the endings that ``labels.json`` lacks.
        strict: end at the first label that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: it is no such file, or nothing of it can be read.

    Example:
        >>> write_jsonl(from_fiftyone("export/labels.json", images="export/data"), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_fiftyone(Path(source), kind, report, find)

    return conversion(source, "fiftyone", read, task, tasks=ALL, prefix=prefix, images=images, strict=strict)


def from_custom_vision(
    source: Location,
    task: TaskInput = Task.DETECTION,
    *,
    prefix: str = "",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """Rows of Custom Vision's tagged images, saved as the JSON that its service answers (GetTaggedImages).

    Args:
        source: the file.
        task: regions for detection, tags for the tasks of classification.
        prefix: what to put before each image's name.
        images: the folder the images were downloaded to, each called by its id.
        strict: end at the first region that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: it is no such file, or nothing of it can be read.

    Example:
        >>> write_jsonl(from_custom_vision("tagged.json", images="photos"), "train.jsonl")
    """

    def read(kind: Task, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
        return read_custom_vision(Path(source), kind, report, find)

    tasks = (*WHOLE, Task.DETECTION)
    return conversion(source, "custom-vision", read, task, tasks=tasks, prefix=prefix, images=images, strict=strict)


def _upright_size(file: Path) -> Size | None:
    header = image_header(file)
    return None if header is None else header.upright
