"""``automl-cv dataset check`` and ``automl-cv dataset convert``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from automl_cv_client.cli.exits import FAILED, Unusable, guarded
from automl_cv_client.cli.text import console
from automl_cv_client.task import Task

dataset = typer.Typer(no_args_is_help=True, help="Check and convert training data (JSONL).", rich_markup_mode=None)

Images = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--images", metavar="DIR", help="The folder the pictures were downloaded to."),
]


class Form(StrEnum):
    """What ``convert`` reads and writes."""

    JSONL = "jsonl"
    COCO = "coco"
    VOC = "voc"
    YOLO = "yolo"
    FOLDERS = "folders"
    CSV = "csv"


@guarded
def check(
    labels: Annotated[Path, typer.Argument(metavar="LABELS.jsonl")],
    images: Images = None,
    validation: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--validation", metavar="FILE", help="The validation file: find pictures that are in both."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Forgive nothing, such as trailing commas.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Find what is wrong with a training file.

    Coordinates, polygons, classes, duplicates, missing files, sizes, and pictures in both halves of a split.
    """
    from automl_cv_client.dataset import check as check_file

    report = check_file(labels, images=images, validation=validation, strict=strict)
    if as_json:
        typer.echo(report.to_json())
    else:
        console().print(report.text())
    if not report.ok:
        raise typer.Exit(FAILED)


@guarded
def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file, or the folder of VOC, YOLO, folders.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A file, or a folder for VOC and YOLO.")],
    read: Annotated[Form, typer.Option("--from", help="What SOURCE is.")] = Form.JSONL,
    write: Annotated[Form, typer.Option("--to", help="What TARGET shall be.")] = Form.JSONL,
    task: Annotated[Task, typer.Option("--task", help="For COCO and YOLO: boxes or outlines.")] = Task.DETECTION,
    prefix: Annotated[str, typer.Option("--prefix", help="To put before file names: azureml://.../paths/images/")] = "",
    images: Images = None,
    classes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--classes", metavar="FILE", help="For YOLO: the class names, one a line."),
    ] = None,
    validation: Annotated[
        float, typer.Option("--validation", help="Share to split off into TARGET's -validation file (JSONL only).")
    ] = 0.0,
) -> None:
    """Convert training data between JSONL, COCO, VOC, YOLO, class folders and CSV.

    With --to jsonl an MLTable file is written beside TARGET.
    """
    rows = _readers(source, task, prefix, images, classes)[read]()
    if write is Form.FOLDERS:
        raise Unusable("--to folders is not offered: it would copy the pictures; use --to csv")
    if validation and write is not Form.JSONL:
        raise Unusable("--validation goes with --to jsonl")
    for line in _write(rows, target, write, validation):
        console().print(line)


def _readers(
    source: Path, task: Task, prefix: str, images: Path | None, classes: Path | None
) -> dict[Form, Callable[[], Iterable[Any]]]:
    from automl_cv_client.dataset import from_coco, from_csv, from_folders, from_voc, from_yolo, read_jsonl

    return {
        Form.JSONL: lambda: read_jsonl(source),
        Form.COCO: lambda: from_coco(source, task, prefix=prefix),
        Form.VOC: lambda: from_voc(source, prefix=prefix),
        Form.YOLO: lambda: from_yolo(images or source, source, classes or source / "classes.txt", task, prefix=prefix),
        Form.FOLDERS: lambda: from_folders(source, prefix=prefix),
        Form.CSV: lambda: from_csv(source, prefix=prefix),
    }


def _write(rows: Iterable[Any], target: Path, form: Form, validation: float) -> Iterator[str]:
    from automl_cv_client.dataset import split, to_coco, to_csv, to_voc, to_yolo, write_jsonl, write_mltable

    if form is Form.COCO:
        yield f"{len(to_coco(rows, target)['images'])} pictures: {target}"
    elif form is Form.VOC:
        yield f"{to_voc(rows, target)} files: {target}"
    elif form is Form.YOLO:
        yield f"{len(to_yolo(rows, target))} classes: {target}"
    elif form is Form.CSV:
        yield f"{to_csv(rows, target)} pictures: {target}"
    else:
        held: list[Any] = []
        if validation:
            rows, held = split(rows, validation)
        yield f"{write_jsonl(rows, target)} rows: {target}"
        if validation:
            beside = target.with_name(f"{target.stem}-validation{target.suffix}")
            yield f"{write_jsonl(held, beside)} rows: {beside}"
        yield f"table: {write_mltable(target)}"


dataset.command("check")(check)
dataset.command("convert")(convert)
