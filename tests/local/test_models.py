"""The models distribution: its files are those the notice names, and a wrong name is explained."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from automl_cv_client_models import path

NOTICE = Path(__file__).parents[2] / "models" / "NOTICE"
FILES = [
    "ssd_mobilenet_v2_coco.onnx",
    "u2netp.onnx",
    "mobilenet_v2_imagenet_gradient.onnx",
    "coco_labels.json",
    "imagenet_labels.json",
]


@pytest.mark.parametrize("name", FILES)
def test_files_are_those_of_the_notice(name: str):
    assert hashlib.sha256(path(name).read_bytes()).hexdigest() in NOTICE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["none.onnx", "../pyproject.toml", "", "__init__.py"])
def test_a_wrong_name_is_explained(name: str):
    with pytest.raises(FileNotFoundError, match=r"it has coco_labels\.json"):
        path(name)
