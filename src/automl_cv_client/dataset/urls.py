"""The addresses of training images: ``azureml://`` URLs taken apart and put together, and found as local files."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from automl_cv_client._files import is_image_name, is_side_name
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

    A file is meant by a URL when one of their paths is the end of the other: ``paths/fridge/images/1.jpg`` is found as
    ``fridge/images/1.jpg``, ``images/1.jpg`` or ``1.jpg``, and ``1.jpg`` as ``fridge/1.jpg``. The longest common end
    wins. Names are compared without regard to Unicode form and percent-encoding, the letters as they stand first.
    Nothing outside the folder is ever found, whatever the URL says.

    Args:
        folder: where the images are.

    Raises:
        InvalidInput: there is no such folder.

    Example:
        >>> file = LocalImages("photos").find("azureml://datastores/d/paths/photos/cat.jpg")
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise InvalidInput(f"no such folder of images: {self._folder.name!r}")
        self._by_name: dict[str, list[str]] | None = None

    def find(self, image_url: str) -> Path | None:
        """The file, or None when there is none.

        Raises:
            InvalidInput: the URL is a malformed ``azureml://`` one, or two files could be meant; both are named.
        """
        parts = [part for part in path_of(image_url).split("/") if part not in ("", ".")]
        if not parts or ".." in parts or any("\0" in part for part in parts):
            return None
        whole = self._folder.joinpath(*parts)
        if whole.is_file():
            return whole
        best: list[tuple[int, bool, bool, str]] = []
        for relative in self._named(parts[-1]):
            *folders, name = relative.split("/")
            common, exact = common_end(folders, parts[:-1])
            if common in (len(folders), len(parts) - 1):  # else they lie in different folders
                best.append((common, common == len(folders), exact and name == parts[-1], relative))
        best.sort(reverse=True)
        if len(best) > 1 and best[0][:3] == best[1][:3]:
            raise InvalidInput(
                f"two files could be {image_url[-120:]!r}: {best[0][3][-120:]!r} and {best[1][3][-120:]!r}: "
                "write the folder into the image's path, or give the folder that has only one of them"
            )
        return self._folder / best[0][3] if best else None

    def need(self, image_url: str) -> Path:
        """As :meth:`find`. Raises InvalidInput, naming the image, when there is none."""
        file = self.find(image_url)
        if file is None:
            raise InvalidInput(f"no file for {image_url[-120:]!r} below the folder {self._folder.name!r}")
        return file

    def relative(self, file: Path) -> str:
        """The path of a file that was found, below the folder, with ``/`` between folders."""
        return file.relative_to(self._folder).as_posix()

    def _named(self, name: str) -> list[str]:
        """Paths of the files with this name: as it stands, else in another case, else with an ending it lacks."""
        if self._by_name is None:
            self._by_name = self._index()
        wanted = plain_name(name)
        candidates = self._by_name.get(_key(wanted), [])
        names = {path: plain_name(path.rpartition("/")[2]) for path in candidates}
        same = [path for path in candidates if names[path] == wanted]
        same = same or [path for path in candidates if names[path].casefold() == wanted.casefold()]
        # A name with an ending means this file, and no other one of the same stem.
        return same if same or _key(wanted) != wanted.casefold() else candidates

    def _index(self) -> dict[str, list[str]]:
        """All files by their names without ending; what systems keep beside them is left out."""
        files: dict[str, list[str]] = {}
        walked: set[str] = set()
        for folder, inner, names in os.walk(self._folder, followlinks=True):
            real = os.path.realpath(folder)
            inner[:] = [] if real in walked else [name for name in inner if not is_side_name(name)]
            walked.add(real)
            inside = Path(folder).relative_to(self._folder).as_posix()
            for name in names:
                if not is_side_name(name):
                    path = name if inside == "." else f"{inside}/{name}"
                    files.setdefault(_key(plain_name(name)), []).append(path)
        return files


def plain_name(name: str) -> str:
    """The name in one Unicode form, and percent-decoded."""
    return unicodedata.normalize("NFC", unquote(name) if "%" in name else name)


def _key(name: str) -> str:
    stem = name.casefold().rpartition(".")[0]
    return stem if is_image_name(name) else name.casefold()


def common_end(first: Sequence[str], second: Sequence[str]) -> tuple[int, bool]:
    """How many parts two paths have in common at their ends, and whether they stand there letter for letter."""
    common, exact = 0, True
    for part, other in zip(reversed(first), reversed(second), strict=False):
        if part != other:
            if plain_name(part) != plain_name(other):
                break
            exact = False
        common += 1
    return common, exact
