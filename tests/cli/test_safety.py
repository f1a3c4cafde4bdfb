"""Labels and file names from outside never reach the terminal as escapes or as rich markup."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.conftest import run, run_apart
from tests.servers import Answer, boxes

NASTY = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;a title\x07",
    "\x9b2J",
    "over\rwritten",
    "two\nlines",
    "[bold red]markup[/]",
    "[link=file:///etc/passwd]x[/link]",
    ":smile:",
    "\u202eevil",
]


def is_harmless(text: str) -> bool:
    return all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize("label", NASTY)
def test_a_label_is_shown_as_it_is_or_escaped(label, server, folder):
    server.steps = [Answer(body=boxes(label))]
    done = run("detect", folder / "a-cat.png", "--uri", server.url, AUTOML_CV_KEY="k", FORCE_COLOR="")
    assert done.code == 0
    assert is_harmless(done.out)
    assert len(done.out.splitlines()) == 2
    if label.isprintable():
        assert label in done.out


@pytest.mark.parametrize("name", ["\x1b[31mred.png", "[red]x[red].png", "\u202egnp.png", "-dash.png"])
def test_a_file_name_is_shown_as_it_is_or_escaped(name, server, folder):
    shutil.copy(folder / "a-cat.png", folder / "inner" / name)
    (folder / "inner" / f"bad{name}").write_bytes(b"no image")
    server.steps = [Answer(body=boxes("cat"))]
    options = ("--uri", server.url, "--out", folder / "out")
    done = run("detect", folder / "inner", *options, AUTOML_CV_KEY="k")
    assert done.code == 1
    assert is_harmless(done.out + done.err)
    assert "cat  0.900" in done.out
    if name.isprintable():
        assert name in done.out


@pytest.mark.parametrize("label", NASTY)
def test_json_is_ascii_and_keeps_the_label(label, server, folder):
    server.steps = [Answer(body=boxes(label))]
    done = run("detect", folder / "a-cat.png", "--json", "--uri", server.url, AUTOML_CV_KEY="k")
    assert done.out.isascii()
    assert is_harmless(done.out)
    (entry,) = done.json
    assert entry["result"]["objects"][0]["label"] == label


def test_a_pipe_gets_no_colors_and_no_wrapping_and_any_encoding(server, folder):
    label = "猫 " + "a long label " * 20
    server.steps = [Answer(body=boxes(label))]
    variables = {"AUTOML_CV_KEY": "k", "PYTHONIOENCODING": "ascii", "COLUMNS": "40"}
    done = run_apart("detect", folder / "a-cat.png", "--uri", server.url, **variables)
    assert (done.code, done.err) == (0, "")
    path, line = done.out.splitlines()
    assert path == str(folder / "a-cat.png")
    assert line.startswith(r"  \u732b a long label")
    assert line.endswith("75, 100, 225, 200")
    assert is_harmless(done.out)
