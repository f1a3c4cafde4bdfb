"""``automl-cv doctor``."""

from __future__ import annotations

import os
from typing import Annotated, Optional

import typer

from automl_cv_client.cli.exits import FAILED, guarded
from automl_cv_client.cli.options import Deployment, Uri
from automl_cv_client.cli.text import console, safe
from automl_cv_client.settings import DEPLOYMENT, ENDPOINT, KEY, URI, WORKSPACE_VARIABLES

Name = Optional[str]  # noqa: UP045 - typer 0.12 reads aliases of this only


@guarded
def doctor(
    uri: Uri = None,
    endpoint: Annotated[Name, typer.Option("--endpoint", metavar="NAME", help="Look this endpoint up.")] = None,
    workspace: Annotated[Name, typer.Option("--workspace", metavar="NAME", help="The endpoint's workspace.")] = None,
    resource_group: Annotated[Name, typer.Option("--resource-group", metavar="NAME", help="Its group.")] = None,
    subscription: Annotated[Name, typer.Option("--subscription", metavar="ID", help="Its subscription.")] = None,
    deployment: Deployment = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds each check may take.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Examine an endpoint: network, credential, state, and one tiny picture; say what is wrong and what to do.

    By its scoring URI, or looked up by workspace and name. What is not given is read from the variables, and from the
    workspace's config.json. Exits with 1 when a check failed.
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
    report = examine(environ=variables, timeout=timeout)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        for line in str(report).splitlines():
            console().print(safe(line))
    if not report.ok:
        raise typer.Exit(FAILED)
