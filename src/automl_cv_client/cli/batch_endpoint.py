"""``automl-cv batch-endpoint init|try``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from automl_cv_client.cli.batch import show_facts
from automl_cv_client.cli.exits import FAILED
from automl_cv_client.cli.options import TASKS, task_option
from automl_cv_client.cli.program import Group, add_command
from automl_cv_client.cli.text import complain, console, print_json, safe
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv batch-endpoint init endpoint/ --task ... --model onnx
automl-cv batch-endpoint try endpoint/ photos/ --model model.onnx
"""
INIT_EXAMPLES = """
automl-cv batch-endpoint init endpoint/ --task image-object-detection
automl-cv batch-endpoint init endpoint/ --task ... --model online
"""
TRY_EXAMPLES = """
automl-cv batch-endpoint try endpoint/ photos/ --model model.onnx
automl-cv batch-endpoint try endpoint/ photos/ --workers 2 --out trial/
"""

app: typer.Typer = typer.Typer(
    cls=Group,
    rich_markup_mode=None,
    epilog=EXAMPLES,
    help="Write the files of an Azure ML batch endpoint, and try them on this machine.",
)

Target = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the files.")]
Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder with deployment.yml and the driver, as init writes it.")
]
Images = Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder of images, with its subfolders.")]
TaskOption = Annotated[Task, task_option(TASKS)]
TaskOfDeployment = Annotated[
    Optional[Task],  # noqa: UP045
    task_option(f"{TASKS} By default the variable AUTOML_CV_TASK of deployment.yml."),
]
ModelKind = Annotated[
    Literal["mlflow", "onnx", "online"],
    typer.Option(
        "--model",
        metavar="KIND",
        help="What scores the images: mlflow, a model that AutoML trained; onnx, an exported ONNX model; online, an "
        "online endpoint that the batch job calls.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
ModelPath = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--model", metavar="PATH", help="The model's file or folder on this machine."),
]
MiniBatch = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--mini-batch", min=1, metavar="N", help="Images per call of run(), in place of deployment.yml's."),
]
Workers = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--workers", min=1, metavar="N", help="Worker processes, in place of deployment.yml's."),
]
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--out", metavar="DIR", help="Keep the output and the workers' logs in this new or empty folder."),
]
Threshold = Annotated[
    float,
    typer.Option(
        min=0.0, max=1.0, metavar="P", help="For multi-label: probability, 0 to 1, above which a label is present."
    ),
]
FilesAsJson = Annotated[bool, typer.Option("--json", help='Print one JSON object {"files"}.')]
FactsAsJson = Annotated[bool, typer.Option("--json", help="Print the numbers as one JSON object.")]


def init(
    folder: Target, task: TaskOption, model: ModelKind = "mlflow", force: Force = False, as_json: FilesAsJson = False
) -> None:
    """Write the files of a batch endpoint: driver, deployment.yml, endpoint.yml and conda.yml.

    Lines to change are marked in the YAML files. The driver gives each image one row, a result or an error, which
    batch read reads.
    """
    from automl_cv_client.batch import init_batch_endpoint

    files = init_batch_endpoint(folder, task, model, overwrite=force)
    if as_json:
        print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        console().print(safe(file))


def try_files(
    folder: Folder,
    images: Images,
    task: TaskOfDeployment = None,
    model: ModelPath = None,
    mini_batch: MiniBatch = None,
    workers: Workers = None,
    out: Out = None,
    threshold: Threshold = 0.5,
    as_json: FactsAsJson = False,
) -> None:
    """Drive the files of a batch endpoint on this machine as the service does, and say what became of each image.

    Worker processes, mini-batches, retries, timeouts, error_threshold and output_action are those of deployment.yml.
    Its environment variables are set where your shell sets none, so a local endpoint can stand in for the online one.
    """
    from automl_cv_client.batch import try_batch_endpoint

    trial = try_batch_endpoint(
        folder,
        images,
        task=task,
        model=model,
        mini_batch_size=mini_batch,
        processes=workers,
        out=out,
        threshold=threshold,
    )
    failures = [outcome for outcome in trial.output if not outcome.ok]
    for problem in trial.problems:
        complain(problem)
    for outcome in failures:
        complain(str(outcome.error))
    if trial.stopped:
        complain(f"the job ended early: {trial.stopped}")
    facts = {
        "files": trial.files,
        "mini_batches": trial.mini_batches,
        "retried": trial.retried,
        "rows": trial.rows,
        "ok": len(trial.output) - len(failures),
        "failed": len(failures),
        "repeated": trial.output.repeated,
        "passed_over": trial.output.passed_over,
        "seconds": trial.seconds,
        "stopped": trial.stopped or None,
    }
    show_facts(facts, as_json)
    if failures or trial.stopped or trial.failed or trial.output.repeated:
        raise typer.Exit(FAILED)


add_command(app, "init", init, examples=INIT_EXAMPLES)
add_command(app, "try", try_files, examples=TRY_EXAMPLES)
