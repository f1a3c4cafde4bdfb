"""The commands' common ground: their help pages, and how they end. Knows no command by name."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from automl_cv_client.cli.exits import INTERRUPTED, UNHEARD, USAGE, UsageError, exit_code_of, fall_silent
from automl_cv_client.cli.help_page import help_page
from automl_cv_client.cli.waiting import NoColor, Verbose, start_quietly

_JSON = {"--json", "--jsonl"}
_PATHS = {"DIR", "FILE"}


class Command(TyperCommand):
    """A command with our help page; its epilog is its examples, a line each."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            _refuse_options_as_values(self.get_params(ctx), args)
            return super().parse_args(ctx, args)
        except UsageError as error:  # not always told whose it is
            error.ctx = error.ctx or ctx
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(help_page(self, ctx))


class Group(TyperGroup):
    """A group with our help page, which it shows, too, when no command is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:  # versions of click differ in where they print it, and in the code
            typer.echo(self.get_help(ctx), err=True)
            raise typer.Exit(USAGE)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(help_page(self, ctx))


class Program(Group):
    """The group of all commands, which ends each of them with one of our exit codes."""

    def main(self, args: Any = None, prog_name: Any = None, complete_var: Any = None, *more: Any, **extra: Any) -> Any:
        """Run with ``args``; exits with the code, unless ``standalone_mode`` is off."""
        standalone = more[0] if more else extra.pop("standalone_mode", True)

        def run() -> Any:
            return super(Program, self).main(args, prog_name, complete_var, False, *more[1:], **extra)

        start_quietly()
        words = sys.argv[1:] if args is None else list(args)
        as_json = not _JSON.isdisjoint(_options(words))  # whatever else may be wrong with them
        return sys.exit(exit_code_of(run, as_json=as_json)) if standalone else run()

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _unlike_click():  # here --help and --version are printed
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _unlike_click():
            return super().invoke(ctx)


def add_command(
    app: typer.Typer, name: str, run: Callable[..., None], *, examples: str, panel: str | None = None
) -> None:
    """Give a program or group a command, with the options that all commands have."""
    app.command(name, cls=Command, epilog=examples, rich_help_panel=panel)(_with_shared_options(run))


def _with_shared_options(run: Callable[..., None]) -> Callable[..., None]:
    """The command with ``-v`` and ``--no-color``: people type them after the command, as they do in other programs."""

    @functools.wraps(run)
    def command(*, verbose: int, no_color: bool, **given: Any) -> None:  # their callbacks did what they ask for
        run(**given)

    shared = {"verbose": (Verbose, 0), "no_color": (NoColor, False)}
    parameters = list(inspect.signature(run, eval_str=True).parameters.values())
    for name, (annotation, default) in shared.items():
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    del command.__wrapped__  # its signature would be taken for this one's
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _options(words: list[str]) -> list[str]:
    """The words of a command line that can be options: those before ``--``."""
    return words[: words.index("--")] if "--" in words else words


def _refuse_options_as_values(parameters: list[Any], words: list[str]) -> None:
    """Raises a usage error where an option lacks its value and would take the next option for it.

    click gives an option the next word whatever it looks like: ``--out --json`` made a folder named ``--json``, and
    did not print JSON.
    """
    options = [parameter for parameter in parameters if parameter.param_type_name == "option"]
    names = {name for option in options for name in option.opts + option.secondary_opts}
    taking = {name: option for option in options if not (option.is_flag or option.count) for name in option.opts}
    for name, value in pairwise(_options(words)):
        if name in taking and (value in names or (value.startswith("--") and len(value) > 2)):
            meant = f"./{value}" if taking[name].metavar in _PATHS else value
            raise UsageError(f"{name} needs a value; {value!r} is an option (write {name}={meant})")


@contextmanager
def _unlike_click() -> Iterator[None]:
    """Codes of our own for what click would end with 1, which says that an image failed."""
    try:
        yield
        return
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        fall_silent()
        code = UNHEARD
    raise typer.Exit(code)
