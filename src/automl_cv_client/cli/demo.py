"""``automl-cv demo``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.table import Table
from rich.text import Text

from automl_cv_client._client import Client
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client.cli.exits import FAILED, Unusable, require_local_models
from automl_cv_client.cli.images import Drawings
from automl_cv_client.cli.options import AsJson
from automl_cv_client.cli.report import Scored, reporting, tell_error
from automl_cv_client.cli.scoring import find_images, score_image
from automl_cv_client.cli.text import console, safe
from automl_cv_client.cli.words import words_of
from automl_cv_client.results import Detections, Result
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from automl_cv_client.local import LocalEndpoint

_PHOTOS = Path("samples", "photos")
_TASKS = (Task.CLASSIFICATION, Task.MULTILABEL, Task.DETECTION, Task.SEGMENTATION)
_WORDS = {Task.MULTILABEL: "multi-label"}  # so that the table fits 80 columns

EXAMPLES = """
automl-cv demo cat.jpg
automl-cv demo photos/ --out drawn/
automl-cv demo cat.jpg --json > everything.json
"""

Images = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[PATH...]", help=f"Images, and folders of images; by default {_PHOTOS.as_posix()}."),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write the annotated images.")]


def demo(paths: Images = None, out: Out = Path("demo-output"), as_json: AsJson = False) -> None:
    """Score images with demo models, on this machine.

    Starts a local endpoint with small demo models, and talks to it over HTTP with the client you would use against
    Azure. The models speak the AutoML contract, but Azure Machine Learning did not train them.
    """
    require_local_models()
    inputs, refused = find_images(paths or _default_images(), Task.DETECTION)
    done = refused + (_score_all(inputs, out) if inputs else [])
    if as_json:
        with reporting("json") as tell:
            for scored in done:
                tell(scored)
    else:
        _print_all(done, inputs, out)
    if any(scored.error for scored in done):
        raise typer.Exit(FAILED)


def _default_images() -> list[str]:
    if not _PHOTOS.is_dir():
        raise Unusable("give images or folders: automl-cv demo cat.jpg. (In a clone, run it where samples/ is.)")
    return [str(_PHOTOS)]


def _score_all(inputs: list[str], out: Path) -> list[Scored]:
    """Every image by every task, a task after the other."""
    from automl_cv_client.local import LocalEndpoint

    drawings = Drawings(out, inputs)
    with LocalEndpoint.for_all_tasks() as endpoint:
        _say(f"scoring by {len(_TASKS)} tasks; images: {len(inputs)}")
        done = [scored for task in _TASKS for scored in _score(endpoint, task, inputs, drawings)]
        _explain(
            endpoint, [outcome for outcome in done if outcome.task is Task.CLASSIFICATION and outcome.result], drawings
        )
        return done


def _score(endpoint: LocalEndpoint, task: Task, inputs: list[str], drawings: Drawings) -> Iterator[Scored]:
    with Client(endpoint.scoring_uri_of(task), endpoint.key) as client:
        client.warm_up()  # loads the model, which is no part of an image's time
        for path in inputs:
            yield score_image(client, task, path, drawings)


def _explain(endpoint: LocalEndpoint, classified: list[Scored], drawings: Drawings) -> None:
    """Draw why each image was classified as it was, by the quickest method that says where."""
    parameters = XaiParameters(algorithm="guided_gradcam", visualizations=False, attributions=True)
    with Client(endpoint.scoring_uri_of(Task.CLASSIFICATION), endpoint.key) as client:
        for scored in classified:
            drawings.write(client.explain(scored.path, parameters).explanation, scored.path, "explain")


def _print_all(done: Sequence[Scored], inputs: Sequence[str], out: Path) -> None:
    refused = {scored.path: scored for scored in done if scored.error}  # once each, not once a task
    for scored in refused.values():
        tell_error(scored)
    by_image = sorted(
        (scored for scored in done if scored.result is not None), key=lambda scored: inputs.index(scored.path)
    )
    if not by_image:
        return
    screen = console()
    screen.print(_table(by_image))
    screen.print(_remarks(by_image, out))


def _table(done: Sequence[Scored]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("image", "task", "result", "score", "pixel box"):
        table.add_column(heading, overflow="fold")
    table.add_column("ms", justify="right")
    for path, of_path in groupby(done, key=lambda scored: scored.path):
        rows = [row for scored in of_path if scored.result is not None for row in _rows(scored.task, scored.result)]
        for number, row in enumerate(rows):
            name = "" if number else safe(Path(path).name)
            table.add_row(*map(Text, (name, *row)))
    return table


def _rows(task: Task, result: Result) -> Iterator[tuple[str, ...]]:
    """A row a label or object; task and time stand in the first."""
    for number, words in enumerate(words_of(result)):
        milliseconds = "" if number else f"{result.call.elapsed * 1000:.0f}"
        yield "" if number else _WORDS.get(task, task.method), *words, milliseconds


def _remarks(done: Sequence[Scored], out: Path) -> Text:
    empty = [
        safe(Path(scored.path).name) for scored in done if isinstance(scored.result, Detections) and not scored.result
    ]
    lines = [
        "",
        "These are demo models that speak the AutoML contract. Azure Machine Learning did not train them, and their",
        "scores say nothing about a model of yours. The client, the HTTP and the replies are the real thing.",
    ]
    if empty:
        names = ", ".join(empty)
        lines.append(f"Nothing found in {names}: an honest answer, as the detector knows 80 everyday things (COCO).")
    lines.append("Why it was classified so is drawn, too: *.explain.jpg, by the method guided_gradcam.")
    return Text("\n".join([*lines, f"Annotated images: {safe(out)}"]))


def _say(line: str) -> None:
    if sys.stderr.isatty():  # for somebody who waits; in a log it is noise
        console(stderr=True).print(Text(line, "dim"))
