"""Every sample runs, by the command that docs/samples.md names, and prints what the page says.

A new sample needs a row and a section on that page, and a link in the README; these tests say what it printed. The
notebook gets new outputs by ``python docs/make_notebook.py``.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sample_page import PAGE, ROOT, SAMPLES, SHOWN
from tests.servers import Answer, boxes
from tests.test_readme import NUMBER, says_the_same
from tests.web_app.test_recipes import free_port

ELSEWHERE = {  # each has a test of its own: here, or for the two that sign in, in tests/access/test_access_samples.py
    "connect_azure_ai_ml.py", "notebook.ipynb", "score_folder.py", "serve_fastapi.py", "sign_in_entra_id.py",
    "test_own_code.py",
}  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A clone as the working directory."""
    (tmp_path / "samples").symlink_to(SAMPLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(SAMPLES), *sys.path])
    yield tmp_path
    sys.modules.pop("endpoint", None)


def run(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``python samples/X.py …`` prints. In this process: libraries and models take seconds to load anew."""
    assert words[0] == "python"
    monkeypatch.setattr(sys, "argv", words[1:])
    runpy.run_path(words[1], run_name="__main__")
    return capsys.readouterr().out


def process(words: list[str], folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """As a reader runs it."""
    return subprocess.run(
        [sys.executable, "-W", "error", *words[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def source_of(file: str) -> str:
    if not file.endswith(".ipynb"):
        return (SAMPLES / file).read_text(encoding="utf-8")
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(SAMPLES / file, as_version=4)
    return "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "code") + "\n"


class TestThePage:
    def test_shows_every_sample_once(self) -> None:
        files = {file.name for file in SAMPLES.iterdir() if file.suffix in (".py", ".ipynb")} - {"endpoint.py"}
        assert set(SHOWN) == files
        assert len(SHOWN) == PAGE.count("\n## ") == PAGE.count("```python") == PAGE.count("```text")

    def test_lists_them(self) -> None:
        rows = re.findall(r"^\| \[[^\]]+\]\(#([\w-]+)\) \| `([\w.]+)` \|", PAGE, re.MULTILINE)
        assert rows == [(sample.title.lower().replace(" ", "-"), sample.file) for sample in SHOWN.values()]

    @pytest.mark.parametrize("file", SHOWN)
    def test_shows_lines_of_the_file(self, file: str) -> None:
        code = SHOWN[file].code
        assert any("\n" + textwrap.indent(code, " " * depth) in "\n" + source_of(file) for depth in (0, 4))

    @pytest.mark.parametrize("file", SHOWN)
    def test_names_the_file_in_the_command_and_the_file_does_in_its_docstring(self, file: str) -> None:
        if file != "notebook.ipynb":
            assert f"samples/{file}" in SHOWN[file].steps[0].words
            assert re.search(rf"^python (-m pytest )?samples/{file}", source_of(file).split('"""')[1], re.MULTILINE)


@pytest.mark.parametrize("file", sorted(set(SHOWN) - ELSEWHERE))
@pytest.mark.usefixtures("clone")
def test_a_sample_prints_what_the_page_says(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (step,) = SHOWN[file].steps
    printed = run(step.words, monkeypatch, capsys)
    assert says_the_same(printed, step.printed), printed
    for written in re.findall(r"demo-output/\S+", printed):
        assert Path(written).is_file()
    assert not {name for name in os.environ if name.startswith("AUTOML_CV_")}, "the demo endpoint's variables are gone"


@pytest.mark.usefixtures("clone")
def test_a_job_is_interrupted_and_resumed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """How much is done at the interrupt depends on the machine, so the numbers are held against one another."""
    (step,) = SHOWN["score_folder.py"].steps
    printed = run(step.words, monkeypatch, capsys)
    assert NUMBER.split(printed) == NUMBER.split(step.printed), printed
    ok, total, to_do, scored, ok_now, total_now, failed = map(int, NUMBER.findall(printed))
    assert (ok + to_do, scored, ok_now, failed) == (total, to_do, total, 0)
    assert total == total_now == len(Path("job/results.jsonl").read_text().splitlines()) == 4
    assert 0 < ok < total


def test_the_tests_of_own_code_pass() -> None:
    (step,) = SHOWN["test_own_code.py"].steps
    nothing_left = {"PYTEST_ADDOPTS": "-p no:cacheprovider", "PYTHONDONTWRITEBYTECODE": "1"}
    done = process(step.words, ROOT, COLUMNS="80", **nothing_left)
    seconds = re.compile(r"\d+\.\d+s")
    assert seconds.sub("", done.stdout) == seconds.sub("", step.printed), done.stdout + done.stderr


@pytest.mark.usefixtures("clone")
def test_the_backend_answers() -> None:
    """The sample as a process of its own, asked what the page's curl commands ask."""
    start, *asked = SHOWN["serve_fastapi.py"].steps
    port = str(free_port())
    command = [sys.executable, *(port if word == "8000" else word for word in start.words[1:] if word != "&")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == start.printed.replace("8000", port)
            transport = httpx.HTTPTransport(retries=5)  # it says so just before it listens
            with httpx.Client(transport=transport, timeout=30) as caller:
                for words, printed in asked:
                    assert words[:2] == ["curl", "-F"]
                    name, _, image = words[2].partition("=@")
                    sent = {name: (image, Path(image).read_bytes())}
                    assert caller.post(words[3].replace("8000", port), files=sent).text + "\n" == printed
                assert caller.post(f"http://127.0.0.1:{port}/detect", files=sent).status_code == 415
        finally:
            running.terminate()


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own libraries
def test_the_notebook_runs_and_shows_what_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    maker = runpy.run_path(str(ROOT / "docs" / "make_notebook.py"))
    kept, fresh = nbformat.read(maker["NOTEBOOK"], as_version=4), maker["executed"]()
    assert says_the_same(in_words(fresh), in_words(kept)), in_words(fresh)
    assert in_words(kept) == SHOWN["notebook.ipynb"].text
    assert "data:image/jpeg;base64," in str(kept.cells)
    assert maker["NOTEBOOK"].stat().st_size < 100_000


def in_words(book: Any) -> str:
    """What a notebook shows, as text."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    return "".join(output["data"]["text/plain"] + "\n" for output in outputs)


def test_a_sample_takes_your_endpoint_from_the_variables(server: Any, clone: Path) -> None:
    server.steps = [Answer(body=boxes("hamster"))]
    done = process(SHOWN["detect.py"].steps[0].words, AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")
    assert (done.returncode, done.stderr) == (0, "")
    assert "hamster 0.90 at (150, 200) to (450, 400)" in done.stdout
    assert (clone / "demo-output" / "detected.jpg").is_file()


@pytest.mark.usefixtures("clone")
def test_a_sample_runs_as_a_reader_runs_it() -> None:
    (step,) = SHOWN["detect.py"].steps
    done = process(step.words)
    assert (done.returncode, done.stderr) == (0, "")
    assert says_the_same(done.stdout, step.printed)


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("samples/detect.py lost.jpg", "not sent: lost.jpg: there is no such file"),
        ("samples/sign_in_entra_id.py", "set AUTOML_CV_SCORING_URI to your endpoint's scoring URI"),
        ("samples/connect_azure_ai_ml.py", "say which endpoint"),
    ],
)
def test_a_sample_says_what_is_missing(command: str, said: str, monkeypatch: Any, capsys: Any) -> None:
    pytest.importorskip("azure.ai.ml")
    with pytest.raises(SystemExit) as ended:
        run(["python", *command.split()], monkeypatch, capsys)
    assert str(ended.value.code).startswith(said)
