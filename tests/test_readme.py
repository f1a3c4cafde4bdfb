"""The README cannot rot: its Python runs and prints what it says, its commands run, its links and targets exist.

So do those of the other Markdown files that are not in docs/, which tests/test_docs.py looks after.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from automl_cv_client import Task
from automl_cv_client.cli.app import app
from automl_cv_client.local import LocalEndpoint
from tests.pages import Page

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Block(NamedTuple):
    """A fenced block of Python, with what the README says it prints."""

    line: int
    code: str
    printed: str


def python_blocks(text: str) -> list[Block]:
    fences = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
    return [Block(text.count("\n", 0, fence.start()) + 2, fence[1], fence[2] or "") for fence in fences.finditer(text)]


def shell_lines() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def says_the_same(printed: str, promised: str) -> bool:
    """Whether both agree in every letter, and in numbers nearly: models differ a little from processor to processor."""
    if NUMBER.split(printed) != NUMBER.split(promised):
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(promised), strict=True)
    return all(float(pair) == pytest.approx(float(other), rel=0.01, abs=0.02) for pair, other in pairs)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A reader in a clone, with an endpoint of their own in the environment."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    with LocalEndpoint("image-object-detection") as endpoint:
        monkeypatch.setenv("AUTOML_CV_SCORING_URI", endpoint.scoring_uri)
        monkeypatch.setenv("AUTOML_CV_KEY", endpoint.key)
        yield tmp_path


BLOCKS = python_blocks(README)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"line-{block.line}")
def test_python_prints_what_the_readme_says(block, reader):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n" * (block.line - 1) + block.code, "README.md", "exec"), {"__name__": "readme"})
    assert says_the_same(out.getvalue(), block.printed), out.getvalue()


def test_the_blocks_are_found_and_most_print_something():
    assert len(BLOCKS) == README.count("```python")
    assert len(BLOCKS) >= 2
    assert sum(bool(block.printed) for block in BLOCKS) == README.count("```text")


def test_the_first_block_writes_an_image(reader):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(BLOCKS[0].code, {})
    assert (reader / "found.png").is_file()
    assert len([line for line in BLOCKS[0].code.splitlines() if line]) <= 8


def test_numbers_may_differ_a_little_and_letters_not_at_all():
    assert says_the_same("cup 0.96 at 173", "cup 0.95 at 174")
    assert not says_the_same("2 requests", "1 requests")
    assert not says_the_same("cup 0.96", "cup 0.86")
    assert not says_the_same("cup 0.96", "mug 0.96")
    assert not says_the_same("cup 0.96\nmore 0.5", "cup 0.96")


COMMANDS = [line.partition("#")[0] for line in shell_lines() if line.startswith("automl-cv")]


RUN_ELSEWHERE = {"demo": "by tests/packaging/test_first_commands.py, with the commands before it"}
TASKS = {
    "segment": Task.SEGMENTATION,
    "classify": Task.CLASSIFICATION,
    "classify-multilabel": Task.MULTILABEL,
    "explain": Task.CLASSIFICATION,
}  # for the others the endpoint of detection


@pytest.fixture(scope="module")
def endpoint():
    with LocalEndpoint.for_all_tasks(deployments=("blue", "green")) as running:
        yield running


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that the commands name: two photos by several names, and their labels."""
    photos = ROOT / "samples" / "photos"
    (tmp_path / "photos").mkdir()
    for name in ("photos/chelsea.png", "photos/coffee.png", "a.jpg", "b.jpg", "cat.jpg", "my-image.jpg"):
        source = photos / ("coffee.png" if "coffee" in name else "chelsea.png")
        (tmp_path / name).write_bytes(source.read_bytes())
    labels = (photos / "labels" / "detection.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "labels.jsonl").write_text(labels[1] + labels[2], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


RUN = [line for line in COMMANDS if line.split()[1] not in RUN_ELSEWHERE]


@pytest.mark.parametrize("line", RUN)
def test_commands_run_and_write_what_they_say(line, folder, endpoint):
    _, *words = shlex.split(line)
    uri = endpoint.scoring_uri_of(TASKS.get(words[0], Task.DETECTION))
    done = CliRunner().invoke(app, words, env={"AUTOML_CV_SCORING_URI": uri, "AUTOML_CV_KEY": endpoint.key})
    assert done.exit_code == 0, done.output
    for option in ("--out", "--report"):
        if option in words:
            written = folder / words[words.index(option) + 1]
            assert any(written.iterdir()) if written.is_dir() else written.stat().st_size


def test_no_line_needs_what_a_shell_rejects():
    assert not re.findall(r"<[^>\n]*>", "\n".join(shell_lines()))  # a placeholder would be a redirection


def test_make_targets_exist():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make (\w+)`", README))
    assert {"demo", "test"} <= named <= targets


OTHERS = [Page(path) for where in ("*.md", "models/*.md", "samples/**/*.md") for path in sorted(ROOT.glob(where))]
each_page = pytest.mark.parametrize("page", OTHERS, ids=str)


@each_page
def test_links_and_their_anchors_lead_somewhere(page):
    for link in [*page.links(), *re.findall(r'<img[^>]* src="([^"]+)"', page.text)]:
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        assert not anchor or anchor in Page(target).anchors(), link


@each_page
def test_python_elsewhere_runs(page):
    for block in page.blocks("python"):
        if page.name != "README.md":
            exec(compile("\n" * (block.line - 1) + block.code, page.name, "exec"), {})


def test_the_pages_are_found():
    assert {"README.md", "CONTRIBUTING.md", "models/README.md", "samples/web_app/README.md"} <= {*map(str, OTHERS)}
    assert len(Page(ROOT / "README.md").links()) > 20
