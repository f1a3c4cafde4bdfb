"""The tree of commands, walked through typer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from automl_cv_client.cli.app import app

Path = tuple[str, ...]


def walked(command: Any = None, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every command and group with its path, the program itself first."""
    command = get_command(app) if command is None else command
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walked(inner, (*path, name))


TREE = dict(walked())
COMMANDS = {path: inner for path, inner in TREE.items() if not hasattr(inner, "commands")}
"""Those that do something; groups are left out."""


def options_of(command: Any) -> set[str]:
    """The names of its options, such as ``--json``."""
    return {name for parameter in command.params if parameter.param_type_name == "option" for name in parameter.opts}
