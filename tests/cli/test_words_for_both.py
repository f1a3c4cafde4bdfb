"""What the package says reaches Python and the command line alike: a cure by a Python option is marked as one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import automl_cv_client
from tests.cli.conftest import run, run_apart
from tests.servers import Answer

SOURCE = Path(automl_cv_client.__file__).parent
SAID = ("_flow", "_imaging", "_protocol", "_transports", "batch", "credentials", "dataset", "doctor", "evaluation")
OF_PYTHON = re.compile(
    r"\b[a-z]+(?:_[a-z]+)*=(?!=)|\b\w+\((?:…|text|array|\))|\b(?:Client|\w+Policy|\w+Rules)\b|\bpass it"
)
"""An option by keyword, a call, a class."""

EXEMPT = {
    "_imaging/arrays.py",  # about numpy arrays
    "batch/endpoint/files.py",  # has the text of YAML files
    "_transports/aiohttp.py",  # the next four: made in Python only
    "_transports/azure_ai_ml.py",
    "_transports/azure_ai_ml_invoke.py",
    "_transports/choosing.py",
    "_transports/image_urls.py",  # about URLs, which only Python allows
}

ONLY_OF_PYTHON = (
    " transform=",  # of SVG
    ": no row tells the task",
    "compare needs a client",
    "credential must be",
    "its read() gave",
    "the reply has another form than today's servers of AutoML write, and strict=True",
    "the reply has unknown keys, and strict=True",
    "the wait strategy of the RetryPolicy gave",
)
"""What no command can cause: how it begins."""


def words_of(file: Path) -> Iterator[tuple[int, str]]:
    """What a file may say: its strings of some words, but for docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | alone:
            text = node.value
        else:
            continue
        if text.count(" ") > 2 and not text.lstrip().startswith(("<", "CREATE", "SELECT")):
            yield node.lineno, text


def test_a_cure_by_a_python_option_is_marked_as_one():
    found = [
        f"{file.relative_to(SOURCE)}:{line}: {text}"
        for room in SAID
        for file in sorted((SOURCE / room).rglob("*.py"))
        if file.relative_to(SOURCE).as_posix() not in EXEMPT
        for line, text in words_of(file)
        if OF_PYTHON.search(text) and "in Python" not in text and not text.startswith(ONLY_OF_PYTHON)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("detect https://example.com/a.png", 1, "Download the image and give its path, or in Python"),
        ("detect {tmp}/a.heic", 1, "convert it to JPEG, or in Python"),
        ("detect {cat} --uri https://me:secret@cats.example/score", 2, "give the key by AUTOML_CV_KEY; in Python"),
        ("batch run {cat} --task image-classification --out {tmp}/job --concurrency 257", 2, "'--concurrency'"),
        ("batch run {cat} --task image-classification --out {tmp}/job --per-request 101", 2, "'--per-request'"),
    ],
)
def test_the_cure_is_one_for_the_command_line(line, code, says, folder, tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    variables = {"AUTOML_CV_SCORING_URI": "http://127.0.0.1:9/score", "AUTOML_CV_KEY": "k"}
    done = run(*(word.format(cat=folder / "a-cat.png", tmp=tmp_path) for word in line.split()), **variables)
    assert (done.code, done.out) == (code, "")
    (told,) = done.err.splitlines()
    assert says in told
    assert "secret" not in told


def test_a_command_is_named_as_it_is_typed(server, folder):
    server.steps = [Answer(body=b'[{"probs": [0.9], "labels": ["cat"]}]')]
    done = run("detect", folder / "a-cat.png", "--uri", server.url, AUTOML_CV_KEY="k")
    assert done.code == 1
    assert "use classify or classify-multilabel" in done.err


def test_a_warning_is_one_line_without_a_place_in_our_source(server, folder):
    server.steps = [Answer(404)]
    words = ("explain", folder / "a-cat.png", "--multilabel", "--threshold", "0.01", "--uri", server.url, "--json")
    done = run_apart(*words, AUTOML_CV_KEY="k")
    warned, refused = done.err.splitlines() if not done.out else (done.err.rstrip(), done.out)
    assert warned.startswith("automl-cv: warning: at a threshold of 0.01 nearly every class may be explained")
    assert warned.endswith("a higher threshold explains fewer classes")
    assert "404" in refused
    assert done.code == 2
