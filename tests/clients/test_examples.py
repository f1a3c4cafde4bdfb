"""What a client's methods say of themselves: everything a caller needs, the same awaited, with an example that runs."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import automl_cv_client
from automl_cv_client import AsyncClient, Client, Task
from automl_cv_client.local import LocalEndpoint
from automl_cv_client.task import task_of
from tests.access.conftest import _no_identity_variables, authority, azure, bundle, tls, trusted
from tests.access.stand_ins import Azure
from tests.access.test_identities import managed
from tests.access.test_ml_client import ml_client

__all__ = ["_no_identity_variables", "authority", "azure", "bundle", "ml_client", "tls", "trusted"]  # fixtures
PHOTOS = Path(__file__).parents[2] / "samples" / "photos"
METHODS = sorted(name for name in dir(Client) if not name.startswith("_"))
IN_AZURE = ("from_env", "from_workspace", "from_ml_client", "deployments")
ELLIPSIS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

AWAITED = [
    ("``async with``", "``with``"),
    ("async with ", "with "),
    ("async for ", "for "),
    ("await ", ""),
    ("AsyncClient", "Client"),
    ("an :class:`AsyncRun`", "a :class:`Run`"),
    ("AsyncRun", "Run"),
    ("in an ``with``", "in a ``with``"),
    ("several tasks", "several threads"),
    ("iterable or async iterable", "iterable"),
    (", blocking or async;", ";"),
    ("``httpx.Client``, ``httpx2.Client`` or ``aiohttp.ClientSession``", "``httpx.Client`` or ``httpx2.Client``"),
    ("(client.", "client."),
    (")).above(", ").above("),
]
"""What is said otherwise of the awaited client."""

OF_ITS_OWN = [
    r"``images`` is read in your thread, .*? to stop\.",
    r"No outcome waits for the next image .*? are cancelled\.",
    r"Not awaited, so a workspace is asked at once.*?``Client\.from_workspace\(…\)``\.",
    r"azure-ai-ml itself runs in threads\.",
]
"""Sentences about threads and tasks, which differ."""


def said(kind: type, name: str) -> str:
    return inspect.getdoc(getattr(kind, name)) or ""


def in_common(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    for awaited, blocking in AWAITED:
        text = text.replace(awaited, blocking)
    for sentence in OF_ITS_OWN:
        text = re.sub(f" ?{sentence}", "", text)
    return text


@pytest.mark.parametrize("name", METHODS)
def test_the_awaited_client_says_the_same(name: str) -> None:
    assert in_common(said(AsyncClient, name)) == in_common(said(Client, name))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", METHODS)
def test_arguments_result_errors_and_an_example_are_told(kind: type, name: str) -> None:
    text, signature = said(kind, name), inspect.signature(getattr(kind, name))
    assert not re.search(r"\bAs :meth:|\bas `?detect`?\b", text.partition("\n")[0]), "refers to another method"
    for argument in signature.parameters:
        assert argument == "self" or re.search(rf"^    {argument}: ", text, re.MULTILINE), argument
    assert signature.return_annotation == "None" or re.search(r"^(Returns|Yields):$", text, re.MULTILINE)
    assert name in ("close", "health", "stats", "with_fallback") or re.search("^Raises:$", text, re.MULTILINE)
    assert re.search(r"^Example:\n    >>> ", text, re.MULTILINE)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", METHODS)
def test_every_example_is_code(kind: type, name: str) -> None:
    for example in doctest.DocTestParser().get_examples(said(kind, name)):
        compile(example.source, name, "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LocalEndpoint]:
    with LocalEndpoint(None, deployments=("blue", "green")) as running:
        yield running


@pytest.fixture
def names(endpoint: LocalEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an example takes as given, but for the client."""
    (tmp_path / "photos").mkdir()
    for name in ("img.jpg", "img1.jpg", "img2.jpg", "harbour.jpg", "photos/cup.jpg"):
        (tmp_path / name).symlink_to(next(PHOTOS.glob("coffee.*")))
    monkeypatch.chdir(tmp_path)
    return {
        **{name: getattr(automl_cv_client, name) for name in automl_cv_client.__all__},
        "uri": endpoint.scoring_uri_of(Task.DETECTION),
        "key": endpoint.key,
        "task": "image-object-detection",
    }


def fails(name: str, names: dict[str, Any]) -> str:
    """What goes wrong in an example. Without a promise of what it prints, it may print anything."""
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(Client, name), name, globs=names)
    output: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=ELLIPSIS).run(example, out=output.append, clear_globs=False)
    for made in {id(thing): thing for thing in example.globs.values() if isinstance(thing, Client)}.values():
        made.close()
    text = "".join(output)
    return text if any(line.want for line in example.examples) or "Exception raised" in text else ""


def task_in(name: str) -> Task:
    verb = name.removesuffix("_many").removesuffix("_tiled").replace("explain", "classify")
    return task_of(verb) if verb in ("classify", "classify_multilabel", "segment") else Task.DETECTION


@pytest.mark.filterwarnings("ignore::automl_cv_client.errors.ManyClassesWarning")
@pytest.mark.parametrize("name", [name for name in METHODS if name not in (*IN_AZURE, "with_fallback")])
def test_the_example_runs(name: str, names: dict[str, Any], endpoint: LocalEndpoint) -> None:
    with Client(endpoint.scoring_uri_of(task_in(name)), endpoint.key) as client:
        assert fails(name, {**names, "client": client}) == ""


@pytest.mark.parametrize("name", IN_AZURE)
def test_the_example_runs_in_azure(
    name: str,
    names: dict[str, Any],
    endpoint: LocalEndpoint,
    azure: Azure,
    ml_client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    managed(azure, monkeypatch)
    azure.manager.scoring_uri = endpoint.scoring_uri_of(Task.DETECTION)
    azure.manager.keys = [endpoint.key, "the-secondary-key-that-nobody-needs"]
    monkeypatch.setenv("AUTOML_CV_RESOURCE_MANAGER", azure.manager.url)
    there = {**names, "subscription_id": ml_client.subscription_id, "ml_client": ml_client}
    if name == "deployments":
        there["client"] = Client.from_ml_client(ml_client, "cats")
    assert fails(name, there) == ""
