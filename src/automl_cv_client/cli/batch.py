"""``automl-cv batch run|status|export``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from automl_cv_client._client import Client
from automl_cv_client._streaming.options import CONCURRENCY, MOST_CONNECTIONS
from automl_cv_client._text import shortened
from automl_cv_client.cli.completing import formats as complete_formats
from automl_cv_client.cli.connecting import client_for
from automl_cv_client.cli.exits import FAILED, USAGE
from automl_cv_client.cli.options import TASKS, Deployment, Uri, task_option
from automl_cv_client.cli.program import Group, add_command
from automl_cv_client.cli.resuming import watching
from automl_cv_client.cli.targets import check_targets
from automl_cv_client.cli.text import complain, console, print_json, safe
from automl_cv_client.errors import HOPELESS, ImageError
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from automl_cv_client.batch import BatchSummary
    from automl_cv_client.batch.sources import Source

EXAMPLES = """
automl-cv batch run photos/ --task image-object-detection --out job/
automl-cv batch status job/
automl-cv batch export job/ --format csv
"""
RUN_EXAMPLES = """
automl-cv batch run photos/ --task image-object-detection --out job/
automl-cv batch run 'photos/**/*.jpg' --task image-classification --out job/
find . -name '*.png' | automl-cv batch run - --task ... --out job/
"""
STATUS_EXAMPLES = """
automl-cv batch status job/
automl-cv batch status job/ --json | jq .to_do
"""
EXPORT_EXAMPLES = """
automl-cv batch export job/ --format csv
automl-cv batch export job/ --format parquet --to boxes.parquet
automl-cv batch export job/ --format parquet --nested
"""

READ_EXAMPLES = """
automl-cv batch read predictions.csv --task ... --images photos/
automl-cv batch read outputs/ --task ... --images photos/ --out rows.jsonl
"""

_UNITS = {"seconds": "s", "rate": "images/s", "p50": "s an image", "p95": "s an image"}

_OWN_FILES = ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", ".lock")
"""Of a job's folder: an export that wrote over one of them would be the end of the job."""

_HOPELESS = {kind.__name__ for kind in HOPELESS}

app: typer.Typer = typer.Typer(
    cls=Group,
    rich_markup_mode=None,
    epilog=EXAMPLES,
    help="Score many images into a folder that can be resumed, and read what batch endpoints wrote.",
)

Job = Annotated[Path, typer.Argument(metavar="DIR", help="The folder that was given as --out.")]
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="A folder, with its subfolders; images; a quoted pattern; a text file with a path a line; a training "
        ".jsonl; or - for paths from standard input.",
    ),
]
TaskOption = Annotated[Task, task_option(TASKS)]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the job; give it again to resume.")]
Concurrency = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="N",
        help="Requests in flight at most, up to 256; how many are is found out. Or ask: what the deployment takes, "
        "as Resource Manager says. By default ask where the endpoint is looked up in its workspace, else 64.",
    ),
]
PerRequest = Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Images a request, up to 100.")]
Pace = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        min=1.0, metavar="BYTES", help="Bytes per second sent at most; the service allows 5000000 an endpoint."
    ),
]
Threshold = Annotated[
    float,
    typer.Option(
        min=0.0, max=1.0, metavar="P", help="For multi-label: probability, 0 to 1, above which a label is present."
    ),
]
StopAbove = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        metavar="SHARE",
        help="Stop when more than this share of the images failed, of those tried for the first time and once there "
        "are 50; 1 to go on whatever happens.",
    ),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Retry images that were given up, once the cause is fixed."),
]
Formats = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--format",
        metavar="FORMAT",
        autocompletion=complete_formats,
        help="What to export at the end: jsonl (the default), csv, parquet. May be repeated.",
    ),
]
Format = Annotated[
    str,
    typer.Option("--format", metavar="FORMAT", autocompletion=complete_formats, help="One of jsonl, csv, parquet."),
]
To = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--to", metavar="FILE", help="Where to; DIR/results.FORMAT when not given."),
]
Output = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="predictions.csv, or the folder the job's output was downloaded to.")
]
ImagesOfOutput = Annotated[
    Path,
    typer.Option(
        "--images", metavar="DIR", help="The folder of images the job read: tells sizes, and what is missing."
    ),
]
ReadOut = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--out", metavar="FILE", help="Write the results to this file."),
]
ExifOption = Annotated[
    Literal["unknown", "ignored", "applied"],
    typer.Option("--exif", metavar="HOW", help="What the script did with photos taken sideways: ignored or applied."),
]
Nested = Annotated[
    bool,
    typer.Option("--nested", help="For parquet: one row per image, with nested columns, as Ray and Spark give them."),
]
FactsAsJson = Annotated[bool, typer.Option("--json", help="Print the numbers as one JSON object.")]
FileAsJson = Annotated[bool, typer.Option("--json", help='Print one JSON object {"file", "format"}.')]


def run(
    sources: Sources,
    task: TaskOption,
    out: Out,
    concurrency: Concurrency = None,
    per_request: PerRequest = 1,
    bytes_per_second: Pace = None,
    threshold: Threshold = 0.5,
    stop_above: StopAbove = 0.5,
    retry_failed: RetryFailed = False,
    formats: Formats = None,
    as_json: FactsAsJson = False,
    uri: Uri = None,
    deployment: Deployment = None,
) -> None:
    """Score every image of the sources, and go on where an earlier run ended.

    Draws a progress bar when standard error is a terminal. The first Ctrl-C lets requests in flight end, 10 s at most,
    and says so; the second stops at once. What is recorded stays.
    """
    from automl_cv_client.batch import score_folder
    from automl_cv_client.batch.exports import checked_formats

    exports = checked_formats(formats or ("jsonl",))
    with client_for(uri, deployment) as client, watching(out) as progress:
        summary = score_folder(
            client,
            _one_source(sources),
            out,
            task,
            concurrency=_concurrency_of(concurrency, client),
            per_request=per_request,
            bytes_per_second=bytes_per_second,
            threshold=threshold,
            stop_above=stop_above,
            retry_failed=retry_failed,
            formats=exports,
            progress=progress,
        )
    show_facts(dataclasses.asdict(summary), as_json)
    if not summary.total:
        searched = "standard input" if sources == ["-"] else ", ".join(sources)
        passed_over = f"; passed over: {_shown(summary.passed_over)}" if summary.passed_over else ""
        complain(f"there are no images in {searched}{passed_over}")
        raise typer.Exit(FAILED)
    if summary.failed:
        complain(_why(summary, out / f"results.{exports[0]}"))
    kinds = set(summary.errors)
    if not summary.ok and kinds & _HOPELESS and kinds <= _HOPELESS | {ImageError.__name__}:
        raise typer.Exit(USAGE)
    if summary.failed or summary.to_do:
        raise typer.Exit(FAILED)


def _concurrency_of(text: str | None, client: Client) -> int | Literal["ask"]:
    if text is None:
        return CONCURRENCY if client._control is None else "ask"
    if text != "ask":
        if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MOST_CONNECTIONS:
            return int(text)
        problem = f"{shortened(text)!r} is no number from 1 to {MOST_CONNECTIONS}, nor ask"
    elif client._control is not None:
        return "ask"
    else:
        problem = "ask needs an endpoint looked up in its workspace (AUTOML_CV_ENDPOINT); give a number"
    raise typer.BadParameter(problem, param_hint="'--concurrency'")


def _one_source(sources: list[str]) -> Source:
    """Several as one; so a pattern need not be quoted, which the shell then replaces by the files."""
    if len(sources) == 1:
        return sources[0]
    from automl_cv_client.batch.sources import names_of_all

    return names_of_all(sources)


def _why(summary: BatchSummary, results: Path) -> str:
    return f"{summary.failed} of {summary.total} images failed; {results} says why{_given_up(summary.given_up)}"


def _given_up(count: int) -> str:
    if not count:
        return ""
    which = "one is" if count == 1 else f"{count} are"
    return f"; {which} given up: once the cause is fixed, run the job again with --retry-failed"


def status(job: Job, as_json: FactsAsJson = False) -> None:
    """Tell how far a job is; also while it runs."""
    from automl_cv_client.batch import status as read_status

    found = read_status(job)
    show_facts(dataclasses.asdict(found), as_json)
    if found.given_up:
        complain(f"{found.failed} of {found.total} images failed{_given_up(found.given_up)}")


def export(
    job: Job, format: Format = "jsonl", path: To = None, nested: Nested = False, as_json: FileAsJson = False
) -> None:
    """Write what a job has recorded so far as one file, whole or not at all."""
    from automl_cv_client.batch import export as write
    from automl_cv_client.batch.exports import checked_formats

    (checked,) = checked_formats((format,), nested)
    check_targets(filter(None, (path,)), inputs=[job / name for name in _OWN_FILES])
    file = write(job, checked, path, nested=nested)
    if as_json:
        print_json({"file": str(file), "format": checked})
    else:
        console().print(safe(file))


def read(
    output: Output,
    task: TaskOption,
    images: ImagesOfOutput,
    out: ReadOut = None,
    format: Format = "jsonl",
    nested: Nested = False,
    threshold: Threshold = 0.5,
    exif: ExifOption = "unknown",
    as_json: FactsAsJson = False,
) -> None:
    """Read the output of an Azure ML batch endpoint, whatever form its script wrote, and say what became of each image.

    Writes one file as batch export does, where --out names one.
    """
    from automl_cv_client.batch import export_outcomes, read_batch_output
    from automl_cv_client.batch.exports import checked_formats

    (checked,) = checked_formats((format,), nested)
    check_targets(filter(None, (out,)), inputs=[output])
    rows = read_batch_output(output, task=task, images=images, threshold=threshold, exif=exif)
    failures = [outcome for outcome in rows if not outcome.ok]
    if out is not None:
        export_outcomes(rows, task, out, checked, nested=nested)
    if as_json:
        facts = {"ok": len(rows) - len(failures), "failed": len(failures)}
        print_json({**facts, "repeated": rows.repeated, "passed_over": rows.passed_over})
    else:
        for outcome in failures:
            complain(str(outcome.error))
        passed_over = f", {rows.passed_over} files passed over" if rows.passed_over else ""
        counts = f"{len(rows) - len(failures)} images ok, {len(failures)} failed, {rows.repeated} rows repeated"
        console().print(counts + passed_over)
    if failures:
        raise typer.Exit(FAILED)


def show_facts(values: Mapping[str, Any], as_json: bool) -> None:
    """Print what a summary or status says, one fact per line, or as JSON."""
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        unit = "" if value is None else _UNITS.get(name, "")
        console().print(f"{name.replace('_', ' '):<12} {_shown(value)} {unit}".rstrip())


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-" if value is None else safe(value)


add_command(app, "run", run, examples=RUN_EXAMPLES)
add_command(app, "status", status, examples=STATUS_EXAMPLES)
add_command(app, "export", export, examples=EXPORT_EXAMPLES)
add_command(app, "read", read, examples=READ_EXAMPLES)
