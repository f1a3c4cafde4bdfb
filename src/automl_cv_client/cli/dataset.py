"""``automl-cv dataset check`` and ``automl-cv dataset convert``."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from automl_cv_client.cli.exits import FAILED, Unusable
from automl_cv_client.cli.options import task_option
from automl_cv_client.cli.program import Group, add_command
from automl_cv_client.cli.progress import bar_for
from automl_cv_client.cli.targets import check_targets
from automl_cv_client.cli.text import complain, console, print_json, safe
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from automl_cv_client.dataset import Conversion, Row

EXAMPLES = """
automl-cv dataset check train.jsonl --images photos/
automl-cv dataset convert coco.json train.jsonl
"""
CHECK_EXAMPLES = """
automl-cv dataset check train.jsonl --images photos/
automl-cv dataset check train.jsonl --validation validation.jsonl --json
"""
CONVERT_EXAMPLES = """
automl-cv dataset convert coco.json train.jsonl --images photos/
automl-cv dataset convert photos/ train.jsonl --validation 0.2
automl-cv dataset convert yolo/data.yaml train.jsonl --split train
automl-cv dataset convert train.jsonl yolo/ --to yolo
"""

app: typer.Typer = typer.Typer(
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
    """What ``convert`` reads. As in ``dataset``, which this file does not import: the help is to be quick."""

    JSONL = "jsonl"
    COCO = "coco"
    VOC = "voc"
    YOLO = "yolo"
    FOLDERS = "folders"
    CSV = "csv"
    CVAT = "cvat"
    DATUMARO = "datumaro"
    LABEL_STUDIO = "label-studio"
    LABELME = "labelme"
    VIA = "via"
    FIFTYONE = "fiftyone"
    CUSTOM_VISION = "custom-vision"


class Target(StrEnum):
    """What ``convert`` writes."""

    JSONL = "jsonl"
    COCO = "coco"
    VOC = "voc"
    YOLO = "yolo"
    CSV = "csv"


_TO_FOLDERS = (Target.VOC, Target.YOLO)


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

    with bar_for("checking") as bar:
        report = check_file(labels, images=images, validation=validation, strict=strict, progress=bar.count)
    if as_json:
        print_json(json.loads(report.to_json()), indent=2)
    else:
        console().print(report.text())
    if not report.rows:
        complain(f"there are no rows in {labels}")
    if not (report.ok and report.rows):
        raise typer.Exit(FAILED)


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file or folder of any of the formats.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A file, or a folder for VOC and YOLO.")],
    read: Annotated[
        Optional[Form],  # noqa: UP045
        typer.Option("--from", metavar="FORM", help=f"What SOURCE is; recognised without it. {', '.join(Form)}."),
    ] = None,
    write: Annotated[
        Target, typer.Option("--to", metavar="FORM", help=f"What TARGET shall be: {', '.join(Target)}.")
    ] = Target.JSONL,
    task: Annotated[
        Optional[Task],  # noqa: UP045
        task_option(f"What is wanted: {Task.DETECTION}, where SOURCE has objects; or {Task.SEGMENTATION}."),
    ] = None,
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="URL", help="To put before file names: azureml://.../paths/images/")
    ] = "",
    images: Images = None,
    classes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--classes", metavar="FILE", help="For YOLO: class names, as data.yaml, classes.txt, obj.names."),
    ] = None,
    split: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--split", metavar="NAME", help="For YOLO and folders: only this part, such as train."),
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
    strict: Annotated[
        bool, typer.Option("--strict", help="End at the first thing that cannot be read, and write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help='Print one JSON list of {"file", "count", "unit"}.')] = False,
) -> None:
    """Convert training data between formats, and say what was passed over.

    Reads JSONL, COCO, VOC, YOLO, CVAT, Datumaro, Label Studio, labelme, VIA, FiftyOne, Custom Vision, class folders
    and CSV. With --to jsonl an MLTable file is written beside TARGET.
    """
    from automl_cv_client.dataset import recognise, rows_from
    from automl_cv_client.errors import PassedOverWarning

    _check_places(source, target, write)
    if validation and write is not Target.JSONL:
        raise Unusable("--validation goes with --to jsonl")
    reason = ""
    path = source
    form: str | None = read
    if read is None:
        form, path, reason = recognise(source)
    conversion = rows_from(
        path, form=form, task=task, prefix=prefix, images=images, classes=classes, split=split, strict=strict
    )
    with warnings.catch_warnings(), bar_for("converting") as bar:
        warnings.simplefilter("ignore", PassedOverWarning)  # told below
        written = list(_write(bar.counted(_some(conversion, source)), target, write, validation))
    if as_json:
        print_json([{**asdict(entry), "file": str(entry.file)} for entry in written])
    else:
        for entry in written:
            console().print(f"{entry.count} {entry.unit}: {safe(entry.file)}")
    report = conversion.report
    if report.form != Form.JSONL or report.counts:
        if reason:
            complain(f"{safe(source)} is {report.form}, by {safe(reason)}; --from overrides")
        for line in report.text().splitlines():
            complain(line)
    if report.count("image") or report.count("annotation"):
        raise typer.Exit(FAILED)


def _check_places(source: Path, target: Path, write: Target) -> None:
    """Raises Unusable for a source that is not there, or a target that cannot be written or is the source."""
    if not source.exists():
        raise Unusable(f"{source}: there is no such file or folder")
    if write not in _TO_FOLDERS:
        check_targets([target], inputs=[source])
    elif target.exists() and not target.is_dir():
        raise Unusable(f"cannot write to {target}: it is a file; name a folder")


def _some(conversion: Conversion[Row], source: Path) -> Iterable[Row]:
    """The rows. Raises Unusable when there is none, before an empty file is written over a full one."""
    for first in conversion:
        return chain((first,), conversion)
    form = conversion.report.form
    raise Unusable(f"{source} holds no rows to convert: say what it is by --from (now {form})")


def _write(rows: Iterable[Row], target: Path, form: Target, validation: float) -> Iterator[Written]:
    from automl_cv_client.dataset import split, to_coco, to_csv, to_voc, to_yolo, write_jsonl, write_mltable

    if form is Target.COCO:
        yield Written(target, len(to_coco(rows, target)["images"]), "images")
    elif form is Target.VOC:
        yield Written(target, to_voc(rows, target), "files")
    elif form is Target.YOLO:
        yield Written(target, len(to_yolo(rows, target)), "classes")
    elif form is Target.CSV:
        yield Written(target, to_csv(rows, target), "images")
    else:
        held: list[Row] = []
        if validation:
            rows, held = split(rows, validation)
        yield Written(target, write_jsonl(rows, target), "rows")
        if validation:
            beside = target.with_name(f"{target.stem}-validation{target.suffix}")
            yield Written(beside, write_jsonl(held, beside), "rows")
        yield Written(write_mltable(target), 1, "table")


add_command(app, "check", check, examples=CHECK_EXAMPLES)
add_command(app, "convert", convert, examples=CONVERT_EXAMPLES)
