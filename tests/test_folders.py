"""Which files of a folder are images: the same ones everywhere, and what is passed over is told."""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from automl_cv_client._files import (
    IMAGE_ENDINGS,
    READ_FORMATS,
    PassedOver,
    folder_images,
    is_image_name,
    pattern_files,
)
from automl_cv_client.batch import score_folder
from automl_cv_client.batch.sources import names_of_all
from automl_cv_client.cli.images import images_of
from automl_cv_client.task import Task
from automl_cv_client.testing import FakeEndpoint
from tests.conftest import PHOTOS
from tests.imaging.images import encoded, scene

PHOTO = PHOTOS / "rocket.jpg"
SIDE = (
    "._a.jpg",
    "__MACOSX/._a.jpg",
    "@eaDir/a.jpg",
    "#recycle/a.jpg",
    "$RECYCLE.BIN/a.jpg",
    ".ipynb_checkpoints/a-checkpoint.jpg",
    ".Trash-1000/old.jpg",
    ".git/a.jpg",
    ".thumbnails/a.jpg",
    "inside/.hidden.png",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As macOS, a notebook, a NAS and a desktop leave it; in a folder whose own name begins with a dot."""
    home = tmp_path / ".images"
    for name in ("a.jpg", "inside/b.JPG", *SIDE):
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PHOTO, file)
    (home / "labels.txt").write_text("a.jpg cat")
    (home / "README").write_text("photos")
    return home


def names(paths: list[str], folder: Path) -> list[str]:
    return [Path(path).relative_to(folder).as_posix() for path in paths]


def test_side_files_are_passed_over_and_counted(folder: Path) -> None:
    passed_over = PassedOver()
    assert names(list(folder_images(folder, passed_over)), folder) == ["a.jpg", "inside/b.JPG"]
    assert (passed_over.side_files, passed_over.side_folders) == (2, 8)
    assert passed_over.others == {".txt": 1, "": 1}
    assert str(passed_over) == (
        "2 hidden files, 8 folders of the system or of another program, 2 other files (without an ending, .txt)"
    )


def test_every_door_takes_the_same(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with FakeEndpoint().client() as client:
        streamed = [str(outcome.input) for outcome in client.detect_many(folder)]
        summary = score_folder(client, folder, tmp_path / "out", Task.DETECTION)
    assert names(streamed, folder) == ["a.jpg", "inside/b.JPG"]
    assert (summary.total, summary.ok) == (2, 2)
    assert summary.passed_over == {"hidden files": 2, "system folders": 8, ".txt": 1, "without an ending": 1}
    (told,) = [record for record in caplog.records if "passed over" in record.getMessage()]
    assert told.levelno == logging.WARNING
    assert "2 hidden files, 8 folders" in told.getMessage()


def test_the_command_line_does_not_look_into_subfolders(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert names(images_of(str(folder)), folder) == ["a.jpg"]
    assert capsys.readouterr().err == f"automl-cv: {folder}: passed over 1 hidden file\n"


PATTERNS = {
    "**/*.jpg": (["a.jpg"], {"hidden files": 1, "system folders": 8}),
    "**/*.[jJ]*": (["a.jpg", "inside/b.JPG"], {"hidden files": 1, "system folders": 8}),
    "**": (["README", "a.jpg", "inside/b.JPG", "labels.txt"], {"hidden files": 2, "system folders": 8}),
    "*/*.jpg": ([], {"system folders": 8}),
    "*.jpg": (["a.jpg"], {"hidden files": 1}),
    "@eaDir/*.jpg": (["@eaDir/a.jpg"], {}),
    "@ea*/*": (["@eaDir/a.jpg"], {}),
    ".Trash*/*.jpg": ([".Trash-1000/old.jpg"], {}),
    "._*.jpg": (["._a.jpg"], {}),
    "**/.hidden.*": (["inside/.hidden.png"], {}),
}
"""By pattern the files that are taken, and what is passed over; a part that is spelled is meant."""


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_does_not_enter_side_folders_unless_it_names_them(pattern: str, folder: Path, tmp_path: Path) -> None:
    (folder / ".DS_Store").touch()
    expected, passed_over = PATTERNS[pattern]
    counted = PassedOver()
    assert names(pattern_files(f"{folder}/{pattern}", counted), folder) == expected
    assert counted.counts() == passed_over
    if expected and ".txt" not in f"{expected}":
        with FakeEndpoint().client() as client:
            summary = score_folder(client, f"{folder}/{pattern}", tmp_path / "out", Task.DETECTION)
        assert (summary.total, summary.passed_over) == (len(expected), passed_over)


def test_a_pattern_below_a_folder_whose_name_has_a_dot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``.images`` here: its parts are spelled, too."""
    monkeypatch.chdir(folder / "inside")
    assert pattern_files("../*.jpg", PassedOver()) == ["../a.jpg"]
    assert pattern_files("./*.JPG", PassedOver()) == ["./b.JPG"]


def test_several_sources_are_counted_together(folder: Path) -> None:
    several = names_of_all([folder, f"{folder}/**/*.jpg", folder / "a.jpg"])
    assert names([*several], folder) == ["a.jpg", "inside/b.JPG", "a.jpg", "a.jpg"]
    assert several.passed_over.counts() == {
        "hidden files": 3,
        "system folders": 16,
        ".txt": 1,
        "without an ending": 1,
    }


def test_many_endings_are_counted_together(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"x.{number:02}").touch()
    passed_over = PassedOver()
    assert not [*folder_images(tmp_path, passed_over)]
    assert len(passed_over.counts()) == 21
    assert passed_over.counts()["others"] == 10


def test_a_plain_folder_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copy(PHOTO, tmp_path / "a.jpg")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "Thumbs.db").write_bytes(b"\0")
    assert len(list(folder_images(tmp_path))) == 1
    assert not caplog.records


def test_every_format_that_is_read_is_read_in_folders() -> None:
    Image.init()
    for format, endings in READ_FORMATS.items():
        assert {ending for ending, name in Image.EXTENSION.items() if name == format} <= set(endings), format
    assert all(is_image_name(f"a{ending.upper()}") for ending in IMAGE_ENDINGS)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("x.avif", "AVIF"),
        ("x.jp2", "JPEG2000"),
        ("x.mpo", "MPO"),
        ("x.apng", "PNG"),
        ("x.dib", "DIB"),
        ("x.ppm", "PPM"),
        ("x.qoi", "QOI"),
        ("x.tga", "TGA"),
    ],
)
def test_formats_read_one_by_one_are_read_in_folders(name: str, format: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(encoded(scene(), format))
    with FakeEndpoint().client() as client:
        assert [outcome.ok for outcome in client.detect_many(tmp_path)] == [True]
    assert names(images_of(str(tmp_path)), tmp_path) == [name]


def test_heic_without_its_opener_is_an_error_that_says_what_to_install(tmp_path: Path) -> None:
    assert "pillow_heif" not in sys.modules
    brands = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90)
    for name in ("a.heic", "b.HEIF"):
        (tmp_path / name).write_bytes(brands)
    with FakeEndpoint().client() as client:
        outcomes = list(client.detect_many(tmp_path))
    assert len(outcomes) == 2
    for outcome in outcomes:
        assert "pillow-heif" in str(outcome.error)


def test_what_an_opener_registers_is_read_in_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """As other packages do it; those of Pillow itself that are not read stay out."""

    class Opener:
        __module__ = "pillow_other"

    monkeypatch.setitem(Image.OPEN, "OTHER", (Opener, None))
    monkeypatch.setitem(Image.EXTENSION, ".other", "OTHER")
    assert is_image_name("a.other")
    assert not is_image_name("a.eps")
