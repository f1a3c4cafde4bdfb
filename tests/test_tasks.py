"""Every place that has something for each task has it for all of them: the list to go by for whoever adds one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, Result, Task
from automl_cv_client._protocol import replies
from automl_cv_client.batch.rows import COLUMNS
from automl_cv_client.cli import demo
from automl_cv_client.cli.app import app
from automl_cv_client.cli.words import words_of
from automl_cv_client.dataset.rows import ROW_KINDS, task_of_row
from automl_cv_client.evaluation import evaluate
from automl_cv_client.local.models import demo_model
from automl_cv_client.results import KINDS
from automl_cv_client.testing import FakeEndpoint
from automl_cv_client.testing.script import usual

ROOT = Path(__file__).parents[1]
TABLES: dict[str, Collection[Task]] = {
    "_protocol/replies.py, shapes": replies._ROWS,
    "_protocol/replies.py, builders": replies._BUILDERS,
    "batch/rows.py": COLUMNS,
    "dataset/rows.py": ROW_KINDS,
    "results/__init__.py": KINDS,
    "cli/demo.py": demo._TASKS,
}
each_task = pytest.mark.parametrize("task", Task, ids=str)


def incomplete(tables: dict[str, Collection[Task]]) -> dict[str, set[Task]]:
    """The tables that lack tasks, with the tasks they lack."""
    return {file: set(Task) - set(table) for file, table in tables.items() if set(Task) - set(table)}


def test_every_table_has_every_task() -> None:
    assert incomplete(TABLES) == {}


def test_a_missing_task_would_be_found() -> None:
    assert incomplete({"some.py": [*Task][:-1]}) == {"some.py": {[*Task][-1]}}


@each_task
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_both_clients_have_its_methods(kind: type, task: Task) -> None:
    assert hasattr(kind, task.method)
    assert hasattr(kind, f"{task.method}_many")


@each_task
def test_a_fake_endpoint_answers_it(task: Task) -> None:
    fake = FakeEndpoint()
    client = Client(fake.scoring_uri_of(task), fake.key, http_client=fake.http_client())
    with client:
        found = client.score(ROOT / "samples/photos/chelsea.png", task)
    assert type(found) is type(usual(task)) is KINDS[task]


@each_task
def test_its_result_is_drawn_and_put_into_words(task: Task) -> None:
    found: Any = usual(task)
    assert found.draw(ROOT / "samples/photos/chelsea.png").size
    assert "cat" in words_of(found)[0][0]


@each_task
def test_its_result_becomes_a_training_row_that_is_measured(task: Task) -> None:
    found: Result = usual(task)
    row = found.to_training_row("azureml://datastores/d/paths/cat.jpg")
    assert task_of_row(row) is task
    checked = ROW_KINDS[task].model_validate(row)
    report = evaluate({checked.image_url: found}, [checked])
    assert report.task is task
    assert max(value for value in report.metrics.values() if value is not None) == pytest.approx(1)


@each_task
def test_it_has_a_command_a_demo_model_and_captured_replies(task: Task) -> None:
    assert task.method.replace("_", "-") in {command.name for command in app.registered_commands}
    assert hasattr(demo_model(task), "score")
    assert any((ROOT / "tests/wire/samples" / task).iterdir())


@each_task
def test_it_is_in_the_table_of_the_readme_with_a_page_of_its_own(task: Task) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in readme.splitlines() if line.startswith(f"| [`{task}`]")]
    page = row.partition("](")[2].partition(")")[0]
    assert f"client.{task.method}(" in row
    assert task in (ROOT / page).read_text(encoding="utf-8")
