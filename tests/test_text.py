"""Cells that a spreadsheet would run: disarmed in the same way by all that writes CSV."""

from __future__ import annotations

import csv
import doctest
import io
from pathlib import Path

import pytest

from automl_cv_client import _numbers, _text
from automl_cv_client._text import harmless
from automl_cv_client.batch import exports
from automl_cv_client.dataset import MultilabelRow, from_csv, to_csv
from automl_cv_client.formats import tables

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "|calc", "%0", " =1", "\u00a0=1", "＝1", "－1"]


def test_the_examples_hold():
    assert doctest.testmod(_text).failed == doctest.testmod(_numbers).failed == 0


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_put_behind_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"
    (cell,) = list(csv.reader(io.StringIO(tables.csv_of([{"label": text}], ["label"]))))[1]
    assert cell == f"'{text}"


@pytest.mark.parametrize("cell", ["cat", "a=b", "", -1, 0.5, None])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert harmless(cell) is cell


@pytest.mark.parametrize("label", [*FORMULAS, "'cat", "''", "'=1"])
def test_labels_are_read_back_as_they_were(label: str, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    to_csv([MultilabelRow(image_url="a.jpg", label=(label,))], file)
    _, (_, written) = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
    assert written == f"'{label}"
    (row,) = from_csv(file)
    assert row.label == (label.strip(),)  # spaces around a label count for nothing


def test_a_batch_disarms_by_the_same_rule() -> None:
    assert vars(exports)["harmless"] is harmless
