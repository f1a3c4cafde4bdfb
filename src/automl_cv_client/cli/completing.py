"""What the shell offers at the Tab key, where typer cannot know it. Says nothing and raises nothing, whatever fails."""

from __future__ import annotations

import os
import threading
from typing import get_args

from automl_cv_client._protocol.xai import Algorithm
from automl_cv_client.settings import DEPLOYMENT, WorkspaceSettings, settings_from_env
from automl_cv_client.task import Task, as_commands

_PATIENCE = 3.0  # seconds; who presses Tab waits no longer


def algorithms(incomplete: str) -> list[str]:
    """The methods of explanation."""
    return [method for method in get_args(Algorithm) if method.startswith(incomplete)]


def tasks(incomplete: str) -> list[str]:
    """AutoML's names of the tasks; and those of the commands, for who began to type one."""
    names = [*(task.value for task in Task), *(as_commands(task.method) for task in Task if incomplete)]
    return [name for name in names if name.startswith(incomplete)]


def formats(incomplete: str) -> list[str]:
    """The formats of a batch job's results."""
    return [form for form in ("jsonl", "csv", "parquet") if form.startswith(incomplete)]


def deployments(incomplete: str) -> list[str]:
    """The deployments of an endpoint that is named by its workspace, and the one in the variable."""
    found: list[str] = []
    # A thread that does not keep the process alive: signing in may take its time.
    asking = threading.Thread(target=_look_up, args=(found,), daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    names = {*found, os.environ.get(DEPLOYMENT, "")} - {""}
    return sorted(name for name in names if name.startswith(incomplete))


def _look_up(found: list[str]) -> None:
    try:
        settings = settings_from_env()
        if isinstance(settings, WorkspaceSettings):
            from automl_cv_client import Client

            with Client.from_env() as client:
                found += [deployment.name for deployment in client.deployments()]
    except Exception:  # noqa: BLE001 - there is nobody to tell in the middle of a command line
        return
