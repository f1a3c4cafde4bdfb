"""The output of Azure ML batch endpoints: every form that scripts write, with hostile names, cut anywhere."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_cv_client import Detections, Instances, Task
from automl_cv_client.batch import export_outcomes, read_batch_output
from automl_cv_client.errors import ImageError, InvalidInput
from tests.cli.conftest import run

HOSTILE = ('say "cheese"', "two\nlines", "Käse", "=1+1", "a 'b' c", "\\n", "漢字", "[x]", "{y}")
Writer = Callable[[str, Any], str]


def frame(cell: Callable[[Any], str]) -> Writer:
    """A line as ``DataFrame.to_csv(sep=" ", header=False, index=False)`` writes it."""

    def write(name: str, value: Any) -> str:
        line = io.StringIO()
        csv.writer(line, delimiter=" ", lineterminator="\n").writerow([name, cell(value)])
        return line.getvalue()

    return write


FORMS: dict[str, Writer] = {
    "data frame, JSON": frame(json.dumps),
    "data frame, Python": frame(str),
    "list of name and text": lambda name, value: f"{[name, str(value)]}\n",
    "list of name and value": lambda name, value: f"{[name, value]}\n",
    "JSON objects": lambda name, value: json.dumps({"filename": name, **value}) + "\n",
}
each_form = pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)


def found(label: str, score: float = 0.9, left: float = 0.25) -> dict[str, Any]:
    box = {"topX": left, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}
    return {"boxes": [{"box": box, "label": label, "score": score}]}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Nine images with names that forms must quote, two of one base name, and one that no row speaks of."""
    folder = tmp_path / "photos"
    for number, label in enumerate(HOSTILE):
        name = label.replace("\\", "-")
        image = folder / f"{number}" / f"{name}.png"
        image.parent.mkdir(parents=True)
        Image.new("RGB", (40 + number, 20)).save(image)
    return folder


def read(text: str | bytes, photos: Path, task: Task = Task.DETECTION, **options: Any) -> Any:
    file = photos.parent / "predictions.csv"
    file.write_bytes(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)
    return read_batch_output(file, task=task, images=photos, **options)


def names(photos: Path) -> list[str]:
    return sorted(str(path.relative_to(photos)) for path in photos.rglob("*.png"))


@each_form
@pytest.mark.parametrize("where", ["", "/mnt/azureml/cr/j/1/cap/data-capability/wd/INPUT_images/"])
def test_every_form_is_read_with_hostile_names_and_labels(write: Writer, where: str, photos: Path) -> None:
    text = "".join(
        write(where + name, found(label, score))
        for name, label, score in zip(names(photos), HOSTILE, [0.5] * 8 + [math.nan], strict=True)
    )
    output = read(text, photos)
    assert [outcome.error for outcome in output] == [None] * 9
    for outcome, label, name in zip(output, HOSTILE, names(photos), strict=True):
        (detection,) = outcome.unwrap()
        assert outcome.input == str(photos / name)
        assert detection.label == label
        assert detection.pixel_box.right == 0.75 * outcome.unwrap().image.size.width
    assert math.isnan(output[8].unwrap()[0].score)


@each_form
@pytest.mark.parametrize("change", ["crlf", "bom", "gzip", "parts", "blank lines"])
def test_files_come_as_they_are_stored(write: Writer, change: str, photos: Path) -> None:
    lines = [write(name, found("cat")) for name in names(photos) if "lines" not in name]
    text = "".join(lines).encode()
    if change == "parts":
        folder = photos.parent / "named-outputs" / "score"
        folder.mkdir(parents=True)
        for number, line in enumerate(lines):
            (folder / f"predictions_{number}.csv").write_text(line, encoding="utf-8")
        output = read_batch_output(photos.parent / "named-outputs", task=Task.DETECTION, images=photos)
    else:
        changed = {
            "crlf": lambda: text.replace(b"\n", b"\r\n"),
            "bom": lambda: b"\xef\xbb\xbf" + text,
            "gzip": lambda: gzip.compress(text),
            "blank lines": lambda: text.replace(b"\n", b"\n\n"),
        }[change]()
        output = read(changed, photos)
    assert sum(outcome.ok for outcome in output) == 8
    assert "no row for it" in str(next(outcome.error for outcome in output if not outcome.ok))


@each_form
def test_a_retried_mini_batch_appends_again_and_its_last_row_counts(write: Writer, photos: Path) -> None:
    text = "".join(write(name, found(label)) for label in ("first", "second") for name in names(photos))
    output = read(text, photos)
    assert {outcome.unwrap()[0].label for outcome in output} == {"second"}
    assert output.repeated == 9


@each_form
def test_a_line_that_belongs_to_no_image_is_told(write: Writer, photos: Path) -> None:
    output = read(write("elsewhere.png", found("cat")) + write(names(photos)[0], found("cat")), photos)
    assert len(output) == 10
    assert output[0].ok
    assert "predictions.csv, line 1: 'elsewhere.png': no image below 'photos' has this name" in str(output[9].error)


def test_a_base_name_that_fits_two_images_names_both(photos: Path) -> None:
    for folder in ("x", "y"):
        (photos / folder).mkdir()
        Image.new("RGB", (8, 8)).save(photos / folder / "1.png")
    output = read(FORMS["data frame, JSON"]("1.png", found("cat")), photos)
    message = str(output[-1].error)
    assert "'x/1.png'" in message
    assert "'y/1.png'" in message
    assert read(FORMS["data frame, JSON"]("job/y/1.png", found("cat")), photos)[-1].ok


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ('{"error": "cannot identify image file"}', "the scoring script said: cannot identify image file"),
        ("traceback (most recent call last)", "neither JSON nor Python"),
        ('{"probs": [1.0], "labels": ["cat"]}', "answers with class probabilities"),
        ("[1, 2", "neither JSON nor Python"),
        ("__import__('os').system('true')", "neither JSON nor Python"),
        ("[]", "not the result of one image"),
    ],
)
def test_a_cell_that_is_no_result_is_an_error_with_its_line(cell: str, says: str, photos: Path) -> None:
    name = names(photos)[0]
    output = read(frame(str)(name, cell), photos)
    errors = [str(outcome.error) for outcome in output if not outcome.ok and "no row" not in str(outcome.error)]
    assert len(errors) == 1
    assert says in errors[0]
    assert "predictions.csv, line 1" in errors[0]


def test_numbers_of_numpy_are_numbers(photos: Path) -> None:
    text = repr(found("cat")).replace("0.9", "np.float32(0.9)").replace("0.25", "array(0.25, dtype=float32)")
    (detection,) = read(f"['{names(photos)[0]}', {text}]\n", photos)[0].unwrap()
    assert (detection.score, detection.box.left) == (0.9, 0.25)


def test_an_unfinished_line_in_the_middle_takes_no_other_along(photos: Path) -> None:
    first, second, third = names(photos)[3:6]
    write = FORMS["data frame, JSON"]
    unfinished = write(first, found("cat"))[:-20] + "\n"
    output = read(unfinished + write(second, found("dog")) + write(third, found("owl")), photos)
    assert [outcome.unwrap()[0].label for outcome in output if outcome.ok] == ["dog", "owl"]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40)
@given(data=st.data())
def test_cut_at_any_byte_it_is_right_or_an_error(form: str, data: st.DataObject, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "cut"
    if not folder.is_dir():
        folder.mkdir()
        for number in range(3):
            Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    labels = data.draw(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=3, max_size=3))
    rows = [(f"{number}.png", found(label)) for number, label in enumerate(labels)]
    whole = "".join(FORMS[form](*row) for row in rows).encode()
    cut = data.draw(st.integers(0, len(whole)))
    output = read(whole[:cut], folder)
    assert len(output) >= 3
    for outcome, label in zip(output, labels, strict=False):
        assert not outcome.ok or [detection.label for detection in outcome.unwrap()] == [label]


def test_orientation_is_not_guessed(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(folder / "a.jpg", exif=exif)
    line = FORMS["data frame, JSON"]
    assert "EXIF orientation 6" in str(read(line("a.jpg", found("cat")), folder)[0].error)
    applied = read(line("a.jpg", found("cat")), folder, exif="applied")[0].unwrap()
    assert applied[0].box == read(line("a.jpg", {**found("cat"), "upright": True}), folder)[0].unwrap()[0].box
    assert applied[0].box == (0.25, 0.5, 0.75, 1.0)
    ignored = read(line("a.jpg", found("cat", left=0.5)), folder, exif="ignored")[0].unwrap()
    assert ignored[0].box == pytest.approx((0.0, 0.5, 0.5, 0.75))
    assert ignored.image.size == (20, 40)


def test_all_four_tasks(photos: Path) -> None:
    name = names(photos)[0]
    line = FORMS["data frame, Python"]
    classes = {"probs": [0.1, 0.9], "labels": ["cat", "dog"]}
    assert read(line(name, classes), photos, Task.CLASSIFICATION)[0].unwrap().label == "dog"
    assert read(line(name, classes), photos, Task.MULTILABEL, threshold=0.05)[0].unwrap().above()
    outlined = found("cat")
    outlined["boxes"][0]["polygon"] = [[0.1, 0.1, 0.5, 0.1, 0.5, 0.5, 0.1, 0.1]]
    assert isinstance(read(line(name, outlined), photos, Task.SEGMENTATION)[0].unwrap(), Instances)
    assert isinstance(read(line(name, found("cat")), photos)[0].unwrap(), Detections)


def test_an_image_that_is_none_is_its_own_error(photos: Path) -> None:
    (photos / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    output = read(FORMS["data frame, JSON"]("torn.png", found("cat")), photos)
    assert [type(outcome.error) for outcome in output if str(outcome.input).endswith("torn.png")] == [ImageError]


@pytest.mark.parametrize("wrong", ["gone.csv", "photos"])
def test_what_holds_no_output_is_refused(wrong: str, photos: Path) -> None:
    with pytest.raises(InvalidInput, match=r"predictions\.csv"):
        read_batch_output(photos.parent / wrong, task="image-object-detection", images=photos)


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_outcomes_are_exported_as_a_job_is(format: Any, photos: Path) -> None:
    output = read(FORMS["data frame, JSON"](names(photos)[0], found("cat")), photos)
    file = export_outcomes(output, Task.DETECTION, photos.parent / f"out.{format}", format)
    assert file.stat().st_size
    if format == "jsonl":
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert [line["status"] for line in lines] == ["ok"] + ["error"] * 8


def test_the_command_tells_what_became_of_each(photos: Path) -> None:
    text = "".join(FORMS["list of name and text"](name, found("cat")) for name in names(photos)[1:])
    read(text, photos)
    line = ("batch", "read", photos.parent / "predictions.csv", "--task", "image-object-detection", "--images", photos)
    done = run(*line, "--out", photos.parent / "rows.csv", "--format", "csv")
    assert (done.code, done.out) == (1, "8 images ok, 1 failed, 0 rows repeated\n")
    assert "the output has no row for it" in done.err
    assert (photos.parent / "rows.csv").read_text(encoding="utf-8").count("cat") == 8
    assert run(*line, "--json").json == {"ok": 8, "failed": 1, "repeated": 0, "passed_over": 0}
