"""Writes the page of ``--help`` from a command's own parameters: the same whatever version of typer is installed."""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Any

from automl_cv_client.cli.exits import EXIT_CODES
from automl_cv_client.cli.options import ENDPOINT_PANEL, WHERE_THE_KEY_IS

_WIDEST, _NARROWEST = 80, 40  # columns; long lines are hard to read, very short ones too
_LONGEST_NAME = 24  # columns; the help of a longer one begins on the next line
_PLAIN = "Options"
_OF_TYPER = {  # in words of our own: typer's differ from version to version
    "--help": "Show this page and exit.",
    "--install-completion": "Install completion for the shell this is typed in.",
    "--show-completion": "Print the completion script of this shell, to install it by hand.",
}


def help_page(command: Any, context: Any) -> str:
    """The page of a command or group of typer, ending in a line feed; never wider than 80 columns."""
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
    return "\n".join(line.rstrip() for line in _lines(command, context, width)) + "\n"


def _lines(command: Any, context: Any, width: int) -> Iterator[str]:
    parameters = [parameter for parameter in command.get_params(context) if not getattr(parameter, "hidden", False)]
    arguments = [parameter for parameter in parameters if parameter.param_type_name == "argument"]
    options = [parameter for parameter in parameters if parameter.param_type_name == "option"]
    commands = getattr(command, "commands", {})
    yield from _usage(context.command_path, arguments, bool(commands), width)
    yield ""
    yield from _paragraphs(inspect.cleandoc(command.help or ""), width)
    if arguments:
        yield from _section("Arguments", [(_argument(argument), argument.help or "") for argument in arguments], width)
    for title, rows in _grouped(
        [(_panel(option, _PLAIN), _option(option), _about(option)) for option in options]
    ).items():
        yield from _section(title, rows, width)
        if title == ENDPOINT_PANEL:
            yield ""
            yield from _paragraphs(WHERE_THE_KEY_IS, width)
    listed = [(_panel(command, "Commands"), name, _first_sentence(command)) for name, command in commands.items()]
    for title, rows in _grouped(listed).items():
        yield from _section(title, rows, width)
    if command.epilog:
        yield from ("", "Examples:")
        yield from ("  " + line for line in inspect.cleandoc(command.epilog).splitlines())
    yield from _section("Exit codes", [(str(code), meaning) for code, meaning in EXIT_CODES.items()], width)


def _usage(path: str, arguments: list[Any], is_group: bool, width: int) -> list[str]:
    words = [path, *(["COMMAND"] if is_group else []), "[OPTIONS]", *map(_argument, arguments)]
    return textwrap.wrap("Usage: " + " ".join(words), width, subsequent_indent="  ", break_on_hyphens=False)


def _paragraphs(text: str, width: int) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ""
        yield from textwrap.wrap(paragraph, width, initial_indent="  ", subsequent_indent="  ")


def _section(title: str, rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    yield from ("", f"{title}:")
    fitting = [len(name) for name, _ in rows if len(name) <= _LONGEST_NAME]
    indent = 4 + max(fitting, default=_LONGEST_NAME)
    for name, about in rows:
        lines = textwrap.wrap(about, width - indent, break_on_hyphens=False) or [""]
        if len(name) > indent - 4:
            yield f"  {name}"
        else:
            yield f"  {name:<{indent - 4}}  {lines.pop(0)}"
        yield from (" " * indent + line for line in lines)


def _grouped(rows: list[tuple[str, str, str]]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {_PLAIN: []}  # always first
    for title, name, about in rows:
        found.setdefault(title, []).append((name, about))
    return {title: group for title, group in found.items() if group}


def _panel(parameter: Any, otherwise: str) -> str:
    panel = getattr(parameter, "rich_help_panel", None)
    return panel if isinstance(panel, str) else otherwise  # not told: None, or a placeholder of typer's


def _argument(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name.upper())
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def _option(parameter: Any) -> str:
    names = ", ".join(sorted(parameter.opts, reverse=True, key=len))  # click mixes the names of --help
    return names if parameter.is_flag or parameter.count or not parameter.metavar else f"{names} {parameter.metavar}"


def _about(parameter: Any) -> str:
    words = _OF_TYPER.get(max(parameter.opts, key=len)) or parameter.help or ""
    if parameter.required:
        return f"{words} [required]"
    default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
    if parameter.is_flag or parameter.count or parameter.multiple or callable(default) or default in (None, ""):
        return words
    return f"{words} [default: {f'{default:g}' if isinstance(default, float) else default}]"


def _first_sentence(command: Any) -> str:
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())
