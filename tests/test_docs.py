"""No page of docs/ can rot: its Python runs in order and prints what it says; its commands, links and images exist.

A page is run as a reader would type it: all blocks in one namespace, in an empty folder beside ``samples``, with
``AUTOML_CV_SCORING_URI`` and ``AUTOML_CV_KEY`` naming a detector. Where a page talks to Azure, stand-ins of Entra ID
and Resource Manager answer, and their endpoint "cats" is that detector. A page called ``from-…`` finds the service it
is about, too. A comment before a block says what is done:

    <!-- not run: reason -->   before ``python``: it is compiled only; before ``sh``: its words are looked at only
    <!-- run -->               before ``sh``: its ``automl-cv`` commands run, and print the ``text`` that follows

The commands of command-line.md are run by tests/cli/test_command_line_page.py.

In a ``text`` block ``…`` stands for anything within its line, and in a line of its own for any lines; numbers may
differ a little.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from automl_cv_client.cli.app import app
from automl_cv_client.local import LocalEndpoint
from tests.access.conftest import _no_identity_variables, authority, azure, bundle, tls, trusted
from tests.access.stand_ins import Azure
from tests.access.test_identities import managed
from tests.access.test_ml_client import ml_client
from tests.migration.stand_ins import KEY as OLD_KEY
from tests.migration.stand_ins import old_services
from tests.pages import ROOT, Block, Page, pages
from tests.test_readme import says_the_same

__all__ = ["_no_identity_variables", "authority", "azure", "bundle", "ml_client", "tls", "trusted"]  # fixtures
PAGES = pages()
RUN = [page for page in PAGES if page.blocks("python") or any(block.remark == "run" for block in page.blocks("sh"))]
TALKS_TO_AZURE = re.compile(r"^(?!#).*(?:MLClient\(|from_workspace\(|from_ml_client\()", re.MULTILINE)
TEST = "\ndef test_"  # what defines one is run by pytest
NOT_RUN_AT_MOST = 2  # a page
each_page = pytest.mark.parametrize("page", PAGES, ids=str)


@pytest.fixture(scope="module")
def detector() -> Iterator[LocalEndpoint]:
    with LocalEndpoint("image-object-detection", deployments=("blue", "green")) as endpoint:
        yield endpoint


@pytest.fixture
def reader(detector: LocalEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader in an empty folder, with an endpoint of their own in the environment."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", detector.scoring_uri)
    monkeypatch.setenv("AUTOML_CV_KEY", detector.key)
    return tmp_path


@pytest.fixture
def reader_from_elsewhere(reader: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same reader, with the services they come from, and the SDK that no longer installs."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "migration" / "sdk_v1")
    with old_services() as address:
        for service in ("CUSTOM_VISION", "VISION"):
            monkeypatch.setenv(f"{service}_ENDPOINT", address)
            monkeypatch.setenv(f"{service}_KEY", OLD_KEY)
        yield reader


@pytest.fixture
def reader_in_azure(
    reader: Path, detector: LocalEndpoint, azure: Azure, ml_client: Any, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The same reader, with a managed identity that may see a workspace whose endpoint "cats" is the detector."""
    managed(azure, monkeypatch)
    azure.manager.scoring_uri = detector.scoring_uri
    azure.manager.keys = [detector.key, "the-secondary-key-that-nobody-needs"]
    monkeypatch.setenv("AUTOML_CV_RESOURCE_MANAGER", azure.manager.url)
    return reader


@pytest.mark.parametrize("page", RUN, ids=str)
@pytest.mark.filterwarnings("ignore:Using `httpx` with")  # starlette's test client prefers its successor
@pytest.mark.filterwarnings("ignore:OpenCV")  # supervision misses it, and gets along without
def test_the_code_prints_what_the_page_says(page: Page, request: pytest.FixtureRequest) -> None:
    talks_to_azure = any(TALKS_TO_AZURE.search(block.code) for block in page.blocks("python"))
    elsewhere = page.name.startswith("from-")
    request.getfixturevalue("reader_in_azure" if talks_to_azure else "reader_from_elsewhere" if elsewhere else "reader")
    names: dict[str, Any] = {"__name__": page.name}
    try:
        for block in page.blocks("python", "sh"):
            said = printed_by(page, block, names)
            promised = block.printed or ""
            assert said is None or says_as_promised(said, promised), f"{page}, line {block.line} prints:\n{said}"
        for file in re.findall(r"\.save\(\"([^\"]+)\"", "".join(block.code for block in page.blocks("python"))):
            assert Path(file).is_file(), f"{page} does not write {file}"
    finally:
        for thing in names.values():
            leave(thing)


def printed_by(page: Page, block: Block, names: dict[str, Any]) -> str | None:
    """What a block prints; None when it is not run."""
    if block.language == "sh":
        return "".join(ran(command) for command in block.code.splitlines()) if block.remark == "run" else None
    code = compile("\n" * (block.line - 1) + block.code, page.name, "exec")
    if block.remark.startswith("not run: ") or TEST in block.code:
        return None
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, names)
    return out.getvalue()


def ran(command: str) -> str:
    """What a command prints to both streams. Variables set before it hold for it alone, as in a shell."""
    words = command.partition(" #")[0].split()
    variables = dict(word.split("=", 1) for word in words[: words.index("automl-cv")])
    done = CliRunner().invoke(app, words[words.index("automl-cv") + 1 :], env=variables, prog_name="automl-cv")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def leave(thing: object) -> None:
    """Close a client, or stop an endpoint, that a page leaves open."""
    for ending in ("stop", "close"):
        if type(thing).__module__.startswith("automl_cv_client") and hasattr(thing, ending):
            done = getattr(thing, ending)()
            if hasattr(done, "close"):
                done.close()  # an awaited client's: its transport went with its loop


def says_as_promised(printed: str, promised: str) -> bool:
    """Line by line, as :func:`says_the_same`, but for ``…`` in what is promised."""
    return say_as_promised(printed.splitlines(), promised.splitlines())


def say_as_promised(printed: list[str], promised: list[str]) -> bool:
    if not promised:
        return not printed
    if promised[0].strip() == "…":
        return any(say_as_promised(printed[lines:], promised[1:]) for lines in range(1, len(printed) + 1))
    return bool(printed) and says_the_line(printed[0], promised[0]) and say_as_promised(printed[1:], promised[1:])


def says_the_line(printed: str, promised: str) -> bool:
    if "…" not in promised:
        return says_the_same(printed.rstrip(), promised.rstrip())
    return re.fullmatch(".*".join(map(re.escape, promised.split("…"))), printed.rstrip()) is not None


def shown_tests(page: Page) -> list[str]:
    return [block.code for block in page.blocks("python") if TEST in block.code and not block.remark]


@pytest.mark.parametrize("page", [page for page in RUN if shown_tests(page)], ids=str)
def test_tests_on_a_page_pass(page: Page, reader: Path) -> None:
    blocks = shown_tests(page)
    (reader / "test_page.py").write_text("\n\n".join(blocks), encoding="utf-8")
    installed = "automl_cv_client" in {entry_point.name for entry_point in entry_points(group="pytest11")}
    plugin = [] if installed else ["-p", "pytest_automl_cv_client"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, "test_page.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    assert f"{''.join(blocks).count(TEST)} passed" in done.stdout


def test_promises_can_be_broken() -> None:
    assert says_as_promised("cup 0.96\nin 31 ms\n", "cup 0.95\nin … ms\n")
    assert not says_as_promised("cup 0.96\n", "cup 0.96\nin … ms\n")
    assert not says_as_promised("in 31 s\n", "in … ms\n")
    assert not says_as_promised("mug 0.96\n", "cup 0.96\n")
    assert says_as_promised("one\ntwo\nthree\nfour\n", "one\n…\nfour\n")
    assert not says_as_promised("one\nfour\nfive\n", "one\n…\nfour\n")


@each_page
def test_all_blocks_are_found_and_none_has_another_name(page: Page) -> None:
    assert page.text.count("```python\n") == len(page.blocks("python"))
    assert not page.blocks("py", "python3", "pycon", "bash", "shell", "console")
    run = [block for block in page.blocks("python") if not block.remark.startswith("not run: ")]
    assert not run or any(block.printed for block in run), "a page that prints nothing shows nothing"


def test_the_pages_are_found() -> None:
    assert {"access.md", "batches.md", "detection.md", "image-inputs.md", "web.md"} <= {page.name for page in RUN}


@each_page
def test_what_is_not_run_has_a_reason_and_is_rare(page: Page) -> None:
    remarks = [block.remark for block in page.blocks("python") if block.remark.startswith("not run")]
    remarks = [remark for remark in remarks if not remark.startswith("not run: run by tests/")]
    assert all(re.fullmatch(r"not run: .{10,}", remark) for remark in remarks)
    assert len(remarks) <= NOT_RUN_AT_MOST


@each_page
def test_every_shell_block_is_run_or_says_why_not(page: Page) -> None:
    if page.name != "command-line.md":
        for block in page.blocks("sh"):
            assert re.fullmatch(r"run|not run: .{10,}", block.remark), f"{page}, line {block.line}"


@each_page
def test_data_parses(page: Page) -> None:
    for block in page.blocks("json"):
        json.loads(block.code)
    for block in page.blocks("toml"):
        tomllib.loads(block.code)
    for block in page.blocks("jsonl"):
        assert [json.loads(line) for line in block.code.splitlines()]
