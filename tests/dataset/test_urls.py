"""Image addresses: taken apart, put together, and found as local files."""

from __future__ import annotations

import pytest

from automl_cv_client.dataset import AzureMLUrl, LocalImages
from automl_cv_client.dataset.urls import path_of
from automl_cv_client.errors import InvalidInput

LONG = "azureml://subscriptions/my-sub/resourcegroups/my-rg/workspaces/my-ws/datastores/my-ds/paths/image data/Ä_01.jpg"


def test_the_long_form_comes_apart_and_together():
    url = AzureMLUrl.parse(LONG)
    assert url == AzureMLUrl("my-ds", "image data/Ä_01.jpg", "my-sub", "my-rg", "my-ws")
    assert str(url) == LONG


def test_the_short_form_comes_apart_and_together():
    url = AzureMLUrl.parse("azureml://datastores/workspaceblobstore/paths/a/b.png")
    assert url == AzureMLUrl("workspaceblobstore", "a/b.png")
    assert str(url) == "azureml://datastores/workspaceblobstore/paths/a/b.png"


def test_the_studios_spelling_is_understood():
    assert AzureMLUrl.parse(LONG.replace("resourcegroups", "resourceGroups")) == AzureMLUrl.parse(LONG)


@pytest.mark.parametrize(
    "url", ["azureml://datastores/d/a.jpg", "azureml://a", "https://x/y.jpg", "", "azureml://datastores/d/paths/"]
)
def test_others_are_refused_with_the_form_expected(url):
    with pytest.raises(InvalidInput, match=r"expected azureml://subscriptions/<id>/"):
        AzureMLUrl.parse(url)


def test_half_a_workspace_and_names_with_slashes_are_refused():
    with pytest.raises(InvalidInput, match="or none of them"):
        AzureMLUrl("d", "a.jpg", subscription="s")
    with pytest.raises(InvalidInput, match="names without slashes"):
        AzureMLUrl("d/e", "a.jpg")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (LONG, "image data/Ä_01.jpg"),
        ("https://account.blob.core.windows.net/c/images/1.jpg?sig=secret", "c/images/1.jpg"),
        ("images\\1.jpg", "images/1.jpg"),
        ("./images/1.jpg", "./images/1.jpg"),
    ],
)
def test_the_path_of_any_address(url, path):
    assert path_of(url) == path


@pytest.mark.parametrize("place", ["fridge/images/1.jpg", "images/1.jpg", "1.jpg"])
def test_files_are_found_however_deep_they_were_downloaded(tmp_path, place):
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    assert LocalImages(tmp_path).find("azureml://datastores/d/paths/fridge/images/1.jpg") == file


@pytest.mark.parametrize("path", ["../secret.txt", "a/../../secret.txt", "..\\secret.txt", "/etc/hostname", "a\0b"])
def test_nothing_outside_the_folder_is_found(tmp_path, path):
    (tmp_path / "secret.txt").touch()
    folder = tmp_path / "images"
    folder.mkdir()
    images = LocalImages(folder)
    assert images.find(path) is None
    assert images.find(f"azureml://datastores/d/paths/{path.strip('/')}") is None
    with pytest.raises(InvalidInput, match="below the folder 'images'"):
        images.need(path)
