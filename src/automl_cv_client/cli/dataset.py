"""``automl-cv dataset check`` and ``automl-cv dataset convert``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from automl_cv_client.cli.exits import FAILED, Unusable
from automl_cv_client.cli.program import Group, add_command
from automl_cv_client.cli.targets import check_targets
from automl_cv_client.cli.text import complain, console, print_json, safe
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv dataset check train.jsonl --images photos/
automl-cv dataset convert coco.json train.jsonl --from coco
"""
CHECK_EXAMPLES = """
automl-cv dataset check train.jsonl --images photos/
automl-cv dataset check train.jsonl --validation validation.jsonl --json
"""
CONVERT_EXAMPLES = """
automl-cv dataset convert coco.json train.jsonl --from coco
automl-cv dataset convert photos/ train.jsonl --from folders --validation 0.2
automl-cv dataset convert train.jsonl yolo/ --to yolo
"""

app = typer.Typer(
    cls=Group,
    rich_markup_mode=None,
    epilog=EXAMPLES,
    help="Check and convert training data (JSONL): check, convert.",
)

Images = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--images", metavar="DIR", help="The folder the images were downloaded to."),
]


class Form(StrEnum):
    """What ``convert`` reads and writes."""

    JSONL = "jsonl"
    COCO = "coco"
    VOC = "voc"
    YOLO = "yolo"
    FOLDERS = "folders"
    CSV = "csv"


_FORMS = f"One of {', '.join(Form)}."


_TO_FOLDERS = (Form.VOC, Form.YOLO)


@dataclass(frozen=True)
class Written:
    """A file or folder that was written, and what it holds how many of."""

    file: Path
    count: int
    unit: str


def check(
    labels: Annotated[Path, typer.Argument(metavar="LABELS.jsonl", help="The training file.")],
    images: Images = None,
    validation: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--validation", metavar="FILE", help="The validation file: find images that are in both."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Forgive nothing, such as trailing commas.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Find what is wrong with a training file.

    Coordinates, polygons, classes, duplicates, missing files, sizes, and images in both halves of a split.
    """
    from automl_cv_client.dataset import check as check_file

    report = check_file(labels, images=images, validation=validation, strict=strict)
    if as_json:
        print_json(json.loads(report.to_json()), indent=2)
    else:
        console().print(report.text())
    if not report.rows:
        complain(f"there are no rows in {labels}")
    if not (report.ok and report.rows):
        raise typer.Exit(FAILED)


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file, or the folder of VOC, YOLO, folders.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A file, or a folder for VOC and YOLO.")],
    read: Annotated[Form, typer.Option("--from", metavar="FORM", help=f"What SOURCE is. {_FORMS}")] = Form.JSONL,
    write: Annotated[
        Form, typer.Option("--to", metavar="FORM", help="What TARGET shall be: one of the same, but for folders.")
    ] = Form.JSONL,
    task: Annotated[
        Task,
        typer.Option(
            "--task",
            metavar="TASK",
            help=f"From COCO and YOLO: {Task.DETECTION} reads boxes, {Task.SEGMENTATION} outlines.",
        ),
    ] = Task.DETECTION,
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="URL", help="To put before file names: azureml://.../paths/images/")
    ] = "",
    images: Images = None,
    classes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--classes", metavar="FILE", help="For YOLO: the class names, one a line."),
    ] = None,
    validation: Annotated[
        float,
        typer.Option(
            "--validation",
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Share, 0 to 1, to split off into TARGET's -validation file (JSONL only).",
        ),
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help='Print one JSON list of {"file", "count", "unit"}.')] = False,
) -> None:
    """Convert training data between JSONL, COCO, VOC, YOLO, class folders and CSV.

    With --to jsonl an MLTable file is written beside TARGET.
    """
    _check_places(source, target, write)
    rows = _some(_readers(source, task, prefix, images, classes)[read], source, read)
    if validation and write is not Form.JSONL:
        raise Unusable("--validation goes with --to jsonl")
    written = list(_write(rows, target, write, validation))
    if as_json:
        print_json([{**asdict(one), "file": str(one.file)} for one in written])
        return
    for one in written:
        console().print(f"{one.count} {one.unit}: {safe(one.file)}")


def _check_places(source: Path, target: Path, write: Form) -> None:
    """Raises Unusable for a source that is not there, or a target that cannot be written or is the source."""
    if write is Form.FOLDERS:
        raise Unusable("--to folders is not offered: it would copy the images; use --to csv")
    if not source.exists():
        raise Unusable(f"{source}: there is no such file or folder")
    if write not in _TO_FOLDERS:
        check_targets([target], inputs=[source])
    elif target.exists() and not target.is_dir():
        raise Unusable(f"cannot write to {target}: it is a file; name a folder")


def _class_names(source: Path, classes: Path | None) -> Path:
    """The file of class names. Raises Unusable, naming the option, when it is not there."""
    file = classes or source / "classes.txt"
    if not file.is_file():
        raise Unusable(f"there is no file of class names {file}: name it by --classes")
    return file


def _some(read: Callable[[], Iterable[Any]], source: Path, form: Form) -> Iterable[Any]:
    """The rows. Raises Unusable when there is none, before an empty file is written over a full one."""
    try:
        found = iter(read())
        for first in found:
            return chain((first,), found)
    except InvalidInput as error:
        if form is not Form.JSONL or not source.exists() or source.suffix.lower() == ".jsonl":
            raise
        raise Unusable(f"{error}; if {source} is no training JSONL, say what it is by --from") from None
    raise Unusable(f"{source} holds no rows to convert: say what it is by --from (now {form})")


def _readers(
    source: Path, task: Task, prefix: str, images: Path | None, classes: Path | None
) -> dict[Form, Callable[[], Iterable[Any]]]:
    from automl_cv_client.dataset import from_coco, from_csv, from_folders, from_voc, from_yolo, read_jsonl

    return {
        Form.JSONL: lambda: read_jsonl(source),
        Form.COCO: lambda: from_coco(source, task, prefix=prefix),
        Form.VOC: lambda: from_voc(source, prefix=prefix),
        Form.YOLO: lambda: from_yolo(images or source, source, _class_names(source, classes), task, prefix=prefix),
        Form.FOLDERS: lambda: from_folders(source, prefix=prefix),
        Form.CSV: lambda: from_csv(source, prefix=prefix),
    }


def _write(rows: Iterable[Any], target: Path, form: Form, validation: float) -> Iterator[Written]:
    from automl_cv_client.dataset import split, to_coco, to_csv, to_voc, to_yolo, write_jsonl, write_mltable

    if form is Form.COCO:
        yield Written(target, len(to_coco(rows, target)["images"]), "images")
    elif form is Form.VOC:
        yield Written(target, to_voc(rows, target), "files")
    elif form is Form.YOLO:
        yield Written(target, len(to_yolo(rows, target)), "classes")
    elif form is Form.CSV:
        yield Written(target, to_csv(rows, target), "images")
    else:
        held: list[Any] = []
        if validation:
            rows, held = split(rows, validation)
        yield Written(target, write_jsonl(rows, target), "rows")
        if validation:
            beside = target.with_name(f"{target.stem}-validation{target.suffix}")
            yield Written(beside, write_jsonl(held, beside), "rows")
        yield Written(write_mltable(target), 1, "table")


add_command(app, "check", check, examples=CHECK_EXAMPLES)
add_command(app, "convert", convert, examples=CONVERT_EXAMPLES)
