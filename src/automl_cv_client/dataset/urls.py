"""The addresses of training images: ``azureml://`` URLs taken apart and put together, and found as local files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from automl_cv_client.errors import InvalidInput

_LONG = re.compile(
    r"azureml://subscriptions/(?P<subscription>[^/]+)/resource[gG]roups/(?P<resource_group>[^/]+)"
    r"/(?:providers/Microsoft\.MachineLearningServices/)?workspaces/(?P<workspace>[^/]+)"
    r"/datastores/(?P<datastore>[^/]+)/paths/(?P<path>.+)"
)
_SHORT = re.compile(r"azureml://datastores/(?P<datastore>[^/]+)/paths/(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class AzureMLUrl:
    """Where a file lies in a datastore of Azure Machine Learning.

    ``str(url)`` writes it: the long form when subscription, resource group and workspace are known, else the short
    form ``azureml://datastores/<datastore>/paths/<path>``. Characters are written as they are, as the service does.

    Attributes:
        datastore: its name, such as ``workspaceblobstore``.
        path: of the file in the datastore, with ``/`` between folders.
        subscription, resource_group, workspace: None in the short form.
    """

    datastore: str
    path: str
    subscription: str | None = None
    resource_group: str | None = None
    workspace: str | None = None

    def __post_init__(self) -> None:
        workspace = (self.subscription, self.resource_group, self.workspace)
        if any(workspace) and not all(workspace):
            raise InvalidInput("an azureml:// URL needs subscription, resource group and workspace, or none of them")
        if not self.path.strip("/") or not all(
            name and "/" not in name for name in (self.datastore, *filter(None, workspace))
        ):
            raise InvalidInput("an azureml:// URL needs a path, and names without slashes")

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a URL apart. Raises InvalidInput, with the form expected, for what is no such URL."""
        found = _LONG.fullmatch(url) or _SHORT.fullmatch(url)
        if found is None:
            raise InvalidInput(
                f"not a datastore URL: {url[:120]!r}; expected azureml://subscriptions/<id>/resourcegroups/<group>/"
                "workspaces/<workspace>/datastores/<datastore>/paths/<path>"
            )
        return cls(**found.groupdict())

    def __str__(self) -> str:
        workspace = ""
        if self.workspace:
            workspace = (
                f"subscriptions/{self.subscription}/resourcegroups/{self.resource_group}/workspaces/{self.workspace}/"
            )
        return f"azureml://{workspace}datastores/{self.datastore}/paths/{self.path.lstrip('/')}"


def path_of(image_url: str) -> str:
    """The path part of an image URL or path, with ``/`` between folders, not starting with one.

    >>> path_of("azureml://datastores/store/paths/image_data/Image_01.jpg")
    'image_data/Image_01.jpg'
    """
    if image_url.startswith("azureml:"):
        return AzureMLUrl.parse(image_url).path.strip("/")
    path = (
        re.sub(r"^[a-zA-Z][a-zA-Z0-9+.-]+://[^/]*/", "", image_url).partition("?")[0]
        if "://" in image_url
        else image_url
    )
    return path.replace("\\", "/").lstrip("/")


class LocalImages:
    """Finds the files that image URLs speak of below one folder, where they were downloaded to.

    Looked for are the URL's whole path below the folder, then with its first folders left out, one after the other:
    ``paths/fridge/images/1.jpg`` is found as ``fridge/images/1.jpg``, ``images/1.jpg`` or ``1.jpg``. Nothing outside
    the folder is ever found, whatever the URL says.

    Args:
        folder: where the images are.

    Raises:
        InvalidInput: there is no such folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise InvalidInput(f"no such folder of images: {self._folder.name!r}")

    def find(self, image_url: str) -> Path | None:
        """The file, or None when there is none. Raises InvalidInput for a malformed ``azureml://`` URL."""
        parts = [part for part in path_of(image_url).split("/") if part not in ("", ".")]
        if ".." in parts or any("\0" in part for part in parts):
            return None
        for first in range(len(parts)):
            candidate = self._folder.joinpath(*parts[first:])
            if candidate.is_file():
                return candidate
        return None

    def need(self, image_url: str) -> Path:
        """As :meth:`find`. Raises InvalidInput, naming the image, when there is none."""
        found = self.find(image_url)
        if found is None:
            raise InvalidInput(f"no file for {image_url[-120:]!r} below the folder {self._folder.name!r}")
        return found
