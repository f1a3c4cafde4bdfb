"""The commands' common ground: their help pages, and how they end. Knows no command by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from automl_cv_client.cli.exits import INTERRUPTED, UNHEARD, USAGE, UsageError, exit_code_of, fall_silent
from automl_cv_client.cli.help_page import help_page


class Command(TyperCommand):
    """A command with our help page; its epilog is its examples, a line each."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
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

        words = sys.argv[1:] if args is None else list(args)
        as_json = "--json" in words  # whatever else may be wrong with them
        return sys.exit(exit_code_of(run, as_json=as_json)) if standalone else run()

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _unlike_click():  # here --help and --version are printed
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _unlike_click():
            return super().invoke(ctx)


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
