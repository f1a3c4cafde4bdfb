"""demo: four tasks over HTTP, a table, annotated images, and honest words."""

from __future__ import annotations

import shutil

import pytest

from automl_cv_client import Detections, Task
from tests.cli.conftest import run
from tests.conftest import PHOTOS


@pytest.fixture
def photos(folder):
    """The cat, and the rocket that the detector does not know."""
    shutil.copy(PHOTOS / "rocket.jpg", folder)
    (folder / "b-coffee.JPG").unlink()
    return folder


def test_the_table_names_every_image_and_task(photos, tmp_path):
    done = run("demo", photos, "--out", tmp_path / "drawn")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["image", "task", "result", "score", "pixel", "box", "ms"]
    for task in ("classify", "multi-label", "detect", "segment"):
        assert sum(f" {task} " in line for line in lines) == 2
    assert any(line.split()[:2] == ["a-cat.png", "classify"] for line in lines)
    assert sum("nothing found" in line for line in lines) == 2
    assert max(map(len, lines[: lines.index("")])) <= 80


def test_it_is_honest_about_models_and_empty_results(photos, tmp_path):
    done = run("demo", photos, "--out", tmp_path / "drawn")
    assert "demo models that speak the AutoML contract" in done.out
    assert "Azure Machine Learning did not train them" in done.out
    assert "Nothing found in rocket.jpg: an honest answer" in done.out
    assert f"Annotated images: {tmp_path / 'drawn'}" in done.out
    drawn = sorted(file.name for file in (tmp_path / "drawn").iterdir())
    methods = [*(task.method for task in Task), "explain"]
    assert drawn == sorted(f"{stem}.{method}.jpg" for stem in ("a-cat", "rocket") for method in methods)


def test_json_has_an_entry_for_each_image_and_task(photos, tmp_path):
    done = run("demo", photos, "--out", tmp_path / "drawn", "--json")
    assert (done.code, len(done.json)) == (0, 8)
    empty = [e for e in done.json if e["path"].endswith("rocket.jpg") and e["task"] == Task.DETECTION]
    assert len(Detections.model_validate(empty[0]["result"])) == 0


def test_a_image_that_is_none_is_told_once(photos, tmp_path):
    done = run("demo", photos / "notes.txt", photos / "a-cat.png", "--out", tmp_path / "drawn")
    assert done.code == 1
    assert done.err.count("notes.txt: not an image") == 1
    assert "a-cat.png" in done.out


def test_without_any_image_nothing_is_started_or_made(photos, tmp_path):
    done = run("demo", photos / "inner", "--out", tmp_path / "drawn")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"automl-cv: {photos / 'inner'}: there are no images in this folder; passed over 1 hidden file\n"
    assert not (tmp_path / "drawn").exists()


def test_without_images_it_takes_those_of_the_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("demo")
    assert (done.code, done.out) == (2, "")
    assert "give images or folders: automl-cv demo cat.jpg" in done.err
    shutil.copytree(PHOTOS, tmp_path / "samples" / "photos", ignore=shutil.ignore_patterns("a*", "c*"))
    done = run("demo")
    assert done.code == 0
    assert (tmp_path / "demo-output" / "rocket.detect.jpg").is_file()
