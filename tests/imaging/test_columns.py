"""A column of paths is an iterable of images; an array of numbers stays one image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest

from automl_cv_client import AsyncClient
from automl_cv_client._imaging import items_of
from automl_cv_client.batch import score_folder
from automl_cv_client.errors import ImageError, InvalidInput
from automl_cv_client.task import Task
from automl_cv_client.testing import FakeEndpoint
from tests.conftest import PHOTOS

PATHS = [str(PHOTOS / "coffee.png"), str(PHOTOS / "rocket.jpg")]
COLUMNS: dict[str, Any] = {
    "pandas": pandas.Series(PATHS, index=[7, 5]),
    "pandas, categories": pandas.Series(PATHS, dtype="category"),
    "pandas, arrow": pandas.Series(PATHS, dtype="string[pyarrow]"),
    "pandas, values": pandas.Series(PATHS).array,
    "pandas, index": pandas.Index(PATHS),
    "numpy": numpy.array(PATHS),
    "numpy, objects": numpy.array(PATHS, object),
    "numpy, strings of any length": numpy.array(PATHS, numpy.dtypes.StringDType()),
    "pyarrow": pyarrow.array(PATHS),
    "pyarrow, chunks": pyarrow.chunked_array([PATHS[:1], PATHS[1:]]),
    "pyarrow, large": pyarrow.array(PATHS, pyarrow.large_string()),
    "pyarrow, dictionary": pyarrow.array(PATHS).dictionary_encode(),
    "polars": polars.Series(PATHS),
    "polars, categories": polars.Series(PATHS).cast(polars.Categorical),
}
NUMBERS = [
    pandas.Series([1.5]),
    pyarrow.array([1]),
    polars.Series([1, 2]),
    numpy.zeros((2, 2), numpy.uint8),
    numpy.zeros(4),
]
TABLES = [pandas.DataFrame({"path": PATHS}), polars.DataFrame({"path": PATHS}), pyarrow.table({"path": PATHS})]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_paths_is_scored_path_by_path(name: str) -> None:
    column = COLUMNS[name]
    assert [str(item) for item in items_of(column)] == PATHS
    with FakeEndpoint().client() as client:
        outcomes = list(client.detect_many(column))
    assert [outcome.unwrap().image.source for outcome in outcomes] == PATHS


async def _scored_awaited(client: AsyncClient, column: Any) -> list[str | None]:
    return [outcome.unwrap().image.source async for outcome in client.detect_many(column)]


@pytest.mark.parametrize("name", COLUMNS)
def test_awaited_and_in_batches_too(name: str, tmp_path: Path) -> None:
    import asyncio

    async def scored() -> list[str | None]:
        async with FakeEndpoint().async_client() as client:
            return await _scored_awaited(client, COLUMNS[name])

    assert asyncio.run(scored()) == PATHS
    with FakeEndpoint().client() as client:
        assert score_folder(client, COLUMNS[name], tmp_path / "out", Task.DETECTION).ok == 2


def test_a_column_of_encoded_images() -> None:
    images = [Path(path).read_bytes() for path in PATHS]
    for column in (pyarrow.array(images), polars.Series(images), pandas.Series(images), numpy.array(images, object)):
        assert list(items_of(column)) == images


@pytest.mark.parametrize("numbers", NUMBERS, ids=lambda array: type(array).__name__)
def test_numbers_are_one_image(numbers: Any) -> None:
    with pytest.raises(InvalidInput, match="is one image, or none: give a folder, or images in an iterable"):
        items_of(numbers)


@pytest.mark.parametrize("table", [*TABLES, numpy.array([PATHS])], ids=lambda table: type(table).__name__)
def test_a_table_is_asked_for_its_column(table: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a table: give its column of paths"):
        items_of(table)
    with FakeEndpoint().client() as client, pytest.raises(InvalidInput, match="is a table"):
        score_folder(client, table, tmp_path / "out", Task.DETECTION)


@pytest.mark.parametrize("name", ["pandas", "numpy", "pyarrow", "polars"])
def test_given_as_one_image_it_says_what_to_do(name: str) -> None:
    with FakeEndpoint().client() as client:
        for call in (client.detect, lambda image: client.score(image, Task.DETECTION)):
            with pytest.raises(ImageError, match=r"a column of images goes through detect_many, .* as a list"):
                call(COLUMNS[name])


def test_a_missing_path_is_an_error_of_its_own() -> None:
    with FakeEndpoint().client() as client:
        outcomes = list(client.detect_many(pandas.Series([PATHS[0], None])))
    assert [outcome.ok for outcome in outcomes] == [True, False]
