"""``automl-cv batch run|status|export``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from automl_cv_client.cli.connecting import client_for
from automl_cv_client.cli.exits import EXIT_CODES, FAILED, guarded
from automl_cv_client.cli.options import WHERE_THE_KEY_IS, Deployment, Uri
from automl_cv_client.cli.text import console, safe

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Score many pictures into a folder that can be resumed."
)

Job = Annotated[Path, typer.Argument(metavar="DIR", help="The folder that was given as --out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("run", epilog=f"{WHERE_THE_KEY_IS}\n\n{EXIT_CODES}")
@guarded
def run(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="Folder, quoted pattern, list file, training .jsonl, or - for stdin."),
    ],
    task: Annotated[str, typer.Option("--task", metavar="TASK", help="AutoML's name, such as image-object-detection.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the job; run again to resume.")],
    concurrency: Annotated[int, typer.Option(help="Requests in flight at most; how many are is found out.")] = 64,
    per_request: Annotated[int, typer.Option(help="Pictures a request.")] = 1,
    bytes_per_second: Annotated[Optional[float], typer.Option(help="Bound on what is sent.")] = None,  # noqa: UP045
    threshold: Annotated[float, typer.Option(help="For multi-label: a label above it counts as present.")] = 0.5,
    formats: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--format", help="What to export at the end: jsonl (the default), csv, parquet; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    uri: Uri = None,
    deployment: Deployment = None,
) -> None:
    """Score every picture of SOURCE; go on where an earlier run ended. Exits with 1 when a picture failed."""
    from automl_cv_client.batch import BatchOptions, progress_bar, score_folder
    from automl_cv_client.batch.exports import checked_formats

    options: BatchOptions = {
        "concurrency": concurrency,
        "per_request": per_request,
        "bytes_per_second": bytes_per_second,
        "threshold": threshold,
        "formats": checked_formats(formats or ("jsonl",)),
    }
    with (
        client_for(uri, deployment) as client,
        progress_bar() as bar,
    ):
        options["progress"] = bar
        summary = score_folder(client, source, out, task, **options)
    _tell(summary, as_json)
    if summary.failed or summary.to_do:
        raise typer.Exit(FAILED)


@app.command("status", epilog=EXIT_CODES)
@guarded
def status(job: Job, as_json: AsJson = False) -> None:
    """Tell how far a job is; also while it runs."""
    from automl_cv_client.batch import status as read_status

    _tell(read_status(job), as_json)


@app.command("export", epilog=EXIT_CODES)
@guarded
def export(
    job: Job,
    format: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet.")] = "jsonl",
    path: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--to", metavar="FILE", help="Where to; DIR/results.FORMAT by default."),
    ] = None,
) -> None:
    """Write what a job has recorded so far as one file, whole or not at all."""
    from automl_cv_client.batch import export as write
    from automl_cv_client.batch.exports import checked_formats

    (checked,) = checked_formats((format,))
    console().print(safe(write(job, checked, path)))


def _tell(facts: Any, as_json: bool) -> None:
    """A summary or status, a line a fact, or as JSON."""
    values = dataclasses.asdict(facts)
    if as_json:
        typer.echo(json.dumps(values))
        return
    for name, value in values.items():
        shown = f"{value:.3g}" if isinstance(value, float) else safe(value)
        console().print(f"{name.replace('_', ' '):<12} {shown}")
