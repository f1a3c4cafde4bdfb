"""What became of each image, printed as it comes: for people, as one JSON list, or as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rich.text import Text

from automl_cv_client._imaging.inputs import describe
from automl_cv_client.cli.exits import in_words
from automl_cv_client.cli.text import complain, console, in_json, json_begins, safe
from automl_cv_client.cli.words import Words, words_of
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.results import Result
from automl_cv_client.task import Task


@dataclass(frozen=True)
class Scored:
    """One image scored by one task: exactly one of ``result`` and ``error`` is set.

    Attributes:
        path: the image, as found from the command line.
        drawn: the file with the result drawn on the image, when one was asked for.
    """

    path: str
    task: Task
    result: Result | None = None
    error: AutoMLVisionError | None = None
    drawn: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """``{"path", "task", "result"}`` or ``{"path", "task", "error": {"type", "message"}}``; perhaps ``"drawn"``."""
        record: dict[str, Any] = {"path": self.path, "task": self.task.value}
        if self.result is not None:
            record["result"] = self.result.model_dump(mode="json")
        if self.error is not None:
            record["error"] = {"type": type(self.error).__name__, "message": str(self.error)}
        if self.drawn is not None:
            record["drawn"] = str(self.drawn)
        return record


Form: TypeAlias = Literal["text", "json", "jsonl"]
"""Lines for people, one JSON list, or one JSON object per line."""

Teller: TypeAlias = Callable[[Scored], None]
"""Tells of one more image."""


def reporting(form: Form, threshold: float | None = None, top: int | None = None) -> AbstractContextManager[Teller]:
    """Something to call with each image; ``threshold`` and ``top`` bound the classes that are printed for people."""
    if form == "json":
        return _json_list()
    return nullcontext(_tell_as_line if form == "jsonl" else lambda scored: _tell(scored, threshold, top))


def _tell_as_line(scored: Scored) -> None:
    json_begins()
    print(in_json(scored.to_json()), flush=True)


@contextmanager
def _json_list() -> Iterator[Teller]:
    """One JSON list, an entry a line. It is closed whatever happens, so that it parses after Ctrl-C, too."""
    told = 0

    def tell(scored: Scored) -> None:
        nonlocal told
        # ASCII only: a label or file name cannot carry terminal escapes, nor bytes that are no UTF-8.
        print(",\n" if told else "\n", in_json(scored.to_json()), sep="", end="", flush=True)
        told += 1

    json_begins()
    print("[", end="")
    try:
        yield tell
    finally:
        print("\n]")


def _tell(scored: Scored, threshold: float | None, top: int | None) -> None:
    if scored.error is not None:
        tell_error(scored)
    if scored.result is not None:
        _tell_result(scored, words_of(scored.result, threshold, top))


def tell_error(scored: Scored) -> None:
    """Name image and error on stderr."""
    # Most messages about an image begin with its name, and need no second one.
    assert scored.error is not None
    words, name = in_words(scored.error), describe(scored.path)
    complain(words if words.startswith(f"{name}: ") else f"{name}: {words}")


def _tell_result(scored: Scored, lines: list[Words]) -> None:
    screen = console()
    screen.print(Text(safe(scored.path), "bold"))
    width = max(len(label) for label, _, _ in lines)
    for label, score, box in lines:
        screen.print(Text(f"  {label:<{width}}  {score}  {box}".rstrip()))
    if scored.drawn is not None:
        screen.print(Text(f"  drawn: {safe(scored.drawn)}", "dim"))
