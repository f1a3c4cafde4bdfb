"""``automl-cv doctor``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.text import Text

from automl_cv_client.cli.connecting import refuse_bare_host
from automl_cv_client.cli.exits import FAILED
from automl_cv_client.cli.options import ENDPOINT_PANEL, TASKS, Deployment, Uri, task_option
from automl_cv_client.cli.targets import check_targets
from automl_cv_client.cli.text import console, print_json, safe
from automl_cv_client.settings import DEPLOYMENT, ENDPOINT, KEY, URI, WORKSPACE_VARIABLES
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv doctor                                # the variables' endpoint
automl-cv doctor --task image-object-detection  # and does its model detect?
automl-cv doctor --endpoint cats                # looked up in its workspace
automl-cv doctor --report doctor.txt            # to paste into an issue
"""


def _named(option: str, metavar: str, variable: str, words: str) -> typer.models.OptionInfo:
    help = f"{words}, in place of the variable {variable}."
    info: typer.models.OptionInfo = typer.Option(option, metavar=metavar, rich_help_panel=ENDPOINT_PANEL, help=help)
    return info


Name = Optional[str]  # noqa: UP045 - typer 0.12 reads aliases of this only
_Variable = WORKSPACE_VARIABLES
Endpoint = Annotated[Name, _named("--endpoint", "NAME", ENDPOINT, "Look the endpoint of this name up")]
Workspace = Annotated[Name, _named("--workspace", "NAME", _Variable["workspace"], "Its workspace")]
Group = Annotated[Name, _named("--resource-group", "NAME", _Variable["resource_group"], "Its resource group")]
Subscription = Annotated[Name, _named("--subscription", "ID", _Variable["subscription_id"], "Its subscription")]
TaskOption = Annotated[
    Optional[Task],  # noqa: UP045
    task_option(f"Also check that the model answers as one of this task. {TASKS}"),
]
Timeout = Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long each check may take.")]
ReportFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--report",
        metavar="FILE",
        help="Also write the findings to a text file that is safe to paste into an issue: addresses, ids and names are "
        "replaced.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help='Print one JSON object {"endpoint", "findings"}.')]


def doctor(
    task: TaskOption = None,
    timeout: Timeout = 30.0,
    report_file: ReportFile = None,
    as_json: AsJson = False,
    uri: Uri = None,
    deployment: Deployment = None,
    endpoint: Endpoint = None,
    workspace: Workspace = None,
    resource_group: Group = None,
    subscription: Subscription = None,
) -> None:
    """Examine an endpoint, and say what is wrong and what to do.

    Looks at network, credential and state, and scores one tiny image. What is not given is read from the variables,
    and from the workspace's config.json.
    """
    from automl_cv_client.doctor import examine  # loads httpx, which other commands' help can do without

    given = {
        URI: uri,
        ENDPOINT: endpoint,
        WORKSPACE_VARIABLES["workspace"]: workspace,
        WORKSPACE_VARIABLES["resource_group"]: resource_group,
        WORKSPACE_VARIABLES["subscription_id"]: subscription,
        DEPLOYMENT: deployment,
    }
    variables = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    if endpoint is not None and uri is None:  # the command line wins over variables for another endpoint
        variables.pop(URI, None)
        variables.pop(KEY, None)
    refuse_bare_host(variables.get(URI, ""))
    check_targets(filter(None, (report_file,)))
    report = examine(environ=variables, timeout=timeout, task=task)
    if as_json:
        print_json(report.model_dump(mode="json"), indent=2)
    else:
        for line in str(report).splitlines():
            console().print(_colored(safe(line)))
    if report_file is not None:
        private = (DEPLOYMENT, ENDPOINT, *WORKSPACE_VARIABLES.values())
        report_file.write_text(report.shareable(filter(None, map(variables.get, private))), encoding="utf-8")
        if not as_json:
            console().print(f"report: {safe(report_file)}")
    if not report.ok:
        raise typer.Exit(FAILED)


_COLORS = {"ok": "green", "warning": "yellow", "FAILED": "bold red", "skipped": "dim"}


def _colored(line: str) -> Text:
    """The state of a finding in its color; what it says stays as it is."""
    state = line.split(maxsplit=1)[0] if line.startswith("  ") and line.strip() else ""
    text = Text(line)
    if state in _COLORS:
        text.stylize(_COLORS[state], 2, 2 + len(state))
    return text
