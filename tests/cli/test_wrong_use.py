"""What a new user does wrong: one line each, that says what, where and what to do, and the documented exit code."""

from __future__ import annotations

import os
import sys

import pytest

from automl_cv_client import Task
from tests.cli.conftest import run, run_apart
from tests.cli.tree import COMMANDS
from tests.conftest import PHOTOS

LABELS = PHOTOS / "labels" / "detection.jsonl"


@pytest.fixture
def places(tmp_path, folder):
    """Things that are not what a command looks for."""
    (tmp_path / "dir.jpg").mkdir()
    (tmp_path / "bad.jsonl").write_bytes(b"a\xff\n")
    (tmp_path / "empty.jsonl").touch()
    return {"tmp": tmp_path, "cat": folder / "a-cat.png", "folder": folder, "labels": LABELS, "photos": PHOTOS}


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("detect {tmp}/gone.png", 1, "gone.png: there is no such file"),
        ("detect {tmp}/dir.jpg", 1, "dir.jpg: there are no images in this folder"),
        ("detect {folder}/inner", 1, "inner: there are no images in this folder"),
        ("detect {cat} --out {cat}", 2, "name another one as --out"),
        ("detect {cat} --uri http://127.0.0.1:9999", 2, "ends in /score, as in http://127.0.0.1:9999/score"),
        ("doctor --uri https://cats.westeurope.inference.ml.azure.com/", 2, ".inference.ml.azure.com/score"),
        ("detect {cat} --uri http://cats.example/score", 2, "use https"),
        ("detect {cat} --uri cats.example/score", 2, "must look like https://"),
        ("detect {cat} --uri http://[/score", 2, "cannot be read"),
        ("explain {tmp}/gone.png", 1, "gone.png: there is no such file"),
        ("explain {folder}", 2, "explain takes one image"),
        ("explain {cat}", 1, "use detect"),
        ("batch run {tmp}/gone --task image-object-detection --out {tmp}/job", 2, "is no folder, file or pattern"),
        ("batch run {tmp}/bad.jsonl --task image-object-detection --out {tmp}/job", 2, "bad.jsonl, line 1"),
        ("batch run {folder} --task dog --out {tmp}/job", 2, "'dog' is no task: one of image-classification, "),
        ("batch run {folder} --task classify_multi --out {tmp}/job", 2, "or classify, classify-multilabel, detect"),
        ("batch run {folder} --task image-object-detection --out {cat}", 2, "cannot make the folder"),
        ("batch export {tmp}", 2, "holds no batch job"),
        ("batch export {tmp} --to {tmp}/ledger.sqlite", 2, "it is read by this command; name another file"),
        ("batch export {tmp} --to {tmp}/gone/a.jsonl", 2, "there is no folder"),
        ("batch-endpoint try {tmp} {folder}", 2, "'automl-cv batch-endpoint init' writes such a folder"),
        ("batch-endpoint init {cat}/x --task image-classification", 2, "cannot write the files of the batch endpoint"),
        ("evaluate {labels} --images {folder} --job {tmp}/job", 2, "none of the 4 labelled images is in"),
        ("dataset convert {tmp}/gone {tmp}/new.jsonl --from yolo", 2, "there is no such file or folder"),
        ("dataset convert {tmp} {tmp}/new.jsonl --from yolo", 2, "name it by --classes"),
        ("dataset convert {labels} {labels} --to coco", 2, "it is read by this command; name another file"),
        ("dataset convert {labels} {tmp}/gone/a.json --to coco", 2, "there is no folder"),
        ("dataset convert {labels} {cat} --to voc", 2, "it is a file; name a folder"),
        ("dataset check {tmp}/bad.jsonl", 2, "bad.jsonl: it is not UTF-8"),
        ("dataset convert {tmp}/dir.jpg {tmp}/new.jsonl --from voc", 2, "holds no rows to convert: say what it is by"),
        ("evaluate {labels} --images {tmp}/gone", 2, "no such folder of images"),
        ("evaluate {labels} --images {photos} --report a.pdf", 2, "end it in .html"),
        ("evaluate {labels} --images {photos} --report {tmp}/gone/a.html", 2, "there is no folder"),
        ("evaluate {labels} --images {photos} --store {tmp}", 2, "it is a folder; name a file in it"),
        ("evaluate {labels} --images {photos} --store {labels}", 2, "it is read by this command"),
        ("evaluate {labels} --results a.jsonl --job {tmp}/job", 2, "leave out --job and --store"),
        ("evaluate {labels} --images {photos} --job {tmp}/job --store a.jsonl", 2, "leave out --store"),
        ("evaluate {labels} --images {tmp}", 2, "no image was scored; the first: ImageError: no file for"),
        ("compare {labels} --results a.jsonl --results b.jsonl --report a.pdf", 2, "end it in .html, .json, .md, .txt"),
        ("explain {cat} --out {cat}", 2, "it is read by this command; name another file"),
        ("explain {cat} --out heat", 2, "end it in .png, .jpg"),
        ("explain {cat} --figure heat.npy", 2, "end it in .png, .jpg"),
        ("explain {cat} --out {tmp}/a.png --figure {tmp}/a.png", 2, "both name"),
        ("dataset convert {cat} {tmp}/new.jsonl", 2, "none of the formats known here: say what it is by --from"),
        ("detect {cat} --uri", 2, "see automl-cv detect --help"),
        ("detekt {cat}", 2, "Did you mean 'detect'? See automl-cv --help"),
        ("batch run {cat} {tmp}/gone --task image-object-detection --out {tmp}/job", 2, "is no folder, file or"),
        ("serve --task image-classification --model {tmp}/gone.onnx", 2, "there is no model file"),
    ],
)
def test_a_line_that_helps(line, code, says, places, variables):
    done = run(*(word.format(**places) for word in line.split()), **variables)
    assert (done.code, done.out) == (code, "")
    (told,) = done.err.splitlines()
    assert told.startswith("automl-cv: ")
    assert says in told
    assert not (places["tmp"] / "new.jsonl").exists()


def test_a_training_file_without_rows_is_not_well(places):
    done = run("dataset", "check", places["tmp"] / "empty.jsonl", "--json")
    assert (done.code, done.json["rows"]) == (1, 0)
    assert done.err == f"automl-cv: there are no rows in {places['tmp'] / 'empty.jsonl'}\n"


def test_a_folder_that_cannot_be_written_in_is_refused_before_anything_is_scored(monkeypatch, server, places):
    monkeypatch.setattr("automl_cv_client.cli.images.os.access", lambda _, mode: mode == os.R_OK)  # root may all
    done = run("detect", places["cat"], "--out", places["tmp"], "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, done.out, server.received) == (2, "", [])
    assert done.err.endswith(" (permission denied): name another one as --out\n")


def test_an_empty_word_is_named():
    done = run("detect", "", AUTOML_CV_SCORING_URI="http://127.0.0.1:9/score", AUTOML_CV_KEY="k")
    assert (done.code, done.err) == (1, "automl-cv: <empty path>: the path is an empty string\n")


@pytest.mark.parametrize("command", ["detect {cat}", "explain {cat}", "batch run {cats} --task {task} --out {out}"])
def test_a_wrong_key_is_2_for_every_command(command, endpoint, places, tmp_path):
    words = {"cat": places["cat"], "cats": places["folder"], "task": Task.DETECTION, "out": tmp_path / "out"}
    uri = endpoint.scoring_uri_of(Task.CLASSIFICATION)
    done = run(*command.format(**words).split(), AUTOML_CV_SCORING_URI=uri, AUTOML_CV_KEY="wrong")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1


def test_without_a_key_the_variable_is_named_and_azure_identity_keeps_quiet(endpoint, places):
    """Not what each of its ten ways to sign in has to say."""
    uri = endpoint.scoring_uri_of(Task.DETECTION)
    none = {"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential", "AZURE_CLIENT_ID": "", "AZURE_TENANT_ID": ""}
    done = run_apart("detect", places["cat"], AUTOML_CV_SCORING_URI=uri, **none)
    assert (done.code, done.out) == (2, "")
    (told,) = done.err.splitlines()
    assert "the variable AUTOML_CV_KEY is not set" in told
    assert len(told) < 400


def test_a_batch_that_fails_says_where_the_reasons_are(variables, places, tmp_path):
    (places["folder"] / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = ("batch", "run", places["folder"], "--task", Task.DETECTION, "--out", tmp_path / "job")
    done = run(*words, **variables)
    assert done.code == 1
    assert done.err == f"automl-cv: 1 of 3 images failed; {tmp_path / 'job' / 'results.jsonl'} says why\n"
    assert "ImageError 1" in done.out
    empty = run("batch", "run", tmp_path / "dir.jpg", "--task", Task.DETECTION, "--out", tmp_path / "new", **variables)
    assert (empty.code, "there are no images in " in empty.err) == (1, True)


@pytest.mark.parametrize(
    ("line", "library", "extra"),
    [
        ("evaluate {labels} --images {photos}", "numpy", "eval"),
        ("explain {cat} --algorithm guided_gradcam --out {tmp}/a.npy", "numpy", "numpy"),
    ],
)
def test_a_missing_library_names_its_extra(line, library, extra, endpoint, places):
    code = (
        "import sys\n"
        f"sys.modules[{library!r}] = None\n"
        f"sys.argv[1:] = {[word.format(**places) for word in line.split()]!r}\n"
        "from automl_cv_client.cli import main\n"
        "main()\n"
    )
    uri = endpoint.scoring_uri_of(Task.CLASSIFICATION)
    done = run_apart(code=code, AUTOML_CV_SCORING_URI=uri, AUTOML_CV_KEY=endpoint.key)
    assert (done.code, done.out) == (2, "")
    (told,) = done.err.splitlines()
    assert library in told
    assert f"automl-cv-client[{extra}]" in told


def test_a_missing_library_of_an_export_names_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run("batch", "export", tmp_path, "--format", "parquet")
    assert (done.code, "automl-cv-client[parquet]" in done.err) == (2, True)


def test_a_library_that_is_none_of_ours_is_a_fault_of_ours(monkeypatch, places):
    def broken(*_, **__):
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")

    monkeypatch.setattr("automl_cv_client.cli.tasks.client_for", broken)
    with pytest.raises(AssertionError, match="nonsense"):
        run("detect", places["cat"])


def test_a_file_of_the_system_that_cannot_be_read_is_named(monkeypatch, variables, places, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("a.png\n")

    def locked(path, *_, **__):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("automl_cv_client.batch.sources.open", locked, raising=False)
    done = run("batch", "run", listed, "--task", Task.DETECTION, "--out", tmp_path / "job", **variables)
    words = f"cannot read '{listed}' (Permission denied): see its permissions, or choose another source"
    assert (done.code, done.err) == (2, f"automl-cv: {words}\n")


TAKING = [
    (path, name, "./" if option.metavar in ("DIR", "FILE") else "")
    for path, command in COMMANDS.items()
    for option in command.params
    if option.param_type_name == "option" and not (option.is_flag or option.count)
    for name in option.opts
]


@pytest.mark.parametrize("value", ["--json", "--help", "--no-such-option"])
@pytest.mark.parametrize(
    ("path", "option", "before"), TAKING, ids=[f"{' '.join(path)} {option}" for path, option, _ in TAKING]
)
def test_an_option_is_no_value_of_another_one(path, option, before, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*path, option, value)
    assert done.code == 2
    assert f"{option} needs a value; '{value}' is an option (write {option}={before}{value})" in done.err
    assert bool(done.out) == (value == "--json")  # one reading of the line: JSON was asked for, or it was not
    assert not list(tmp_path.iterdir())


def test_a_value_that_looks_like_an_option_can_be_written_with_an_equals_sign(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("demo", "--out=--json", folder / "a-cat.png")
    assert (done.code, done.err) == (0, "")
    assert "JSON" not in done.out
    assert (tmp_path / "--json").is_dir()


def test_words_after_two_dashes_are_no_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("detect", "--", "--json", AUTOML_CV_SCORING_URI="http://127.0.0.1:9/score", AUTOML_CV_KEY="key")
    assert done.code == 1
    assert "--json: there is no such file" in done.err
    assert not done.out
