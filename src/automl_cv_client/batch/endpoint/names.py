"""Finds the image that a row of a batch endpoint's output speaks of.

Scripts write names in three ways: the path at which the service mounted the image, ``/mnt/…/INPUT_images/a/1.jpg``; the
path below the folder, ``a/1.jpg``; or an end of it, mostly ``1.jpg`` alone. One row does not tell which: ``1.jpg`` may
be ``a/1.jpg`` shortened, and ``/mnt/…/a/1.jpg`` the image ``1.jpg`` of a folder that was mounted as ``a``. All rows
together do, as one script writes all names alike:

- In front of the path below the folder, all names of one machine have the same text (or none). The image of a name is
  the one behind the text that fits most names. Two texts that fit equally many are an error.
- A script that shortens paths writes as many parts of each. So a name with the most parts may also mean every image
  that ends so; a name with fewer parts is a whole path. More than one image is an error that names two of them.

So a wrong image is never taken for the right one because the right one is missing from the folder.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from automl_cv_client._text import shortened
from automl_cv_client.errors import InvalidInput


class Names:
    """Finds files by the names that the rows of one output give them.

    Args:
        files: the paths of all files below the folder, with ``/`` between folders.
        names: those of all rows.
    """

    def __init__(self, files: Iterable[str], names: Iterable[str]) -> None:
        self._files: defaultdict[str, list[str]] = defaultdict(list)
        self._by_end: defaultdict[str, list[str]] = defaultdict(list)  # by their last part
        for file in files:
            self._files[_key(file)].append(file)
            self._by_end[_key(file).rpartition("/")[2]].append(file)
        self._votes: Counter[str] = Counter()
        known = {name: _parts(name) for name in set(names)}
        self._longest = max(map(len, known.values()), default=0)
        for parts in known.values():
            self._votes.update(beginning for beginning, rest in _splits(parts) if rest in self._files)

    def find(self, name: str) -> str | None:
        """The file that a name means; None for that of no file here.

        Raises:
            InvalidInput: two may be meant; both are named.
        """
        parts = _parts(name)
        candidates = self._whole(parts)
        if len(parts) == self._longest:  # nothing shows that the script does not shorten paths to so many parts
            candidates = sorted({*candidates, *self._ending(parts)})
        if len(set(map(_key, candidates))) == 1:  # else they differ in their Unicode form alone
            candidates = [file for file in candidates if name.endswith(file) or file.endswith(name)] or candidates
        if len(candidates) > 1:
            raise InvalidInput(
                f"two files could be meant, {shortened(candidates[0])!r} and {shortened(candidates[1])!r}: let the "
                "script write whole paths"
            )
        return candidates[0] if candidates else None

    def _best(self, parts: list[str]) -> set[str]:
        """What stands in front of the path below the folder: the beginnings that fit most names."""
        counts = {beginning: self._votes[beginning] for beginning, _ in _splits(parts)}
        most = max(counts.values())
        return {beginning for beginning, count in counts.items() if count == most > 0}

    def _whole(self, parts: list[str]) -> list[str]:
        """The files of which this is a whole path; none where it may be that of a file which is not here."""
        best = self._best(parts)
        found = [self._files.get(rest, []) for beginning, rest in _splits(parts) if beginning in best]
        return [file for files in found for file in files] if all(found) else []

    def _ending(self, parts: list[str]) -> list[str]:
        """The files whose path ends in these parts."""
        end = "/".join(parts)
        return [file for file in self._by_end.get(parts[-1], []) if f"/{_key(file)}".endswith(f"/{end}")]


def _key(name: str) -> str:
    """A name in one Unicode form: macOS stores it in another one than people type."""
    return unicodedata.normalize("NFC", name)


def _parts(name: str) -> list[str]:
    return [part for part in _key(name).split("/") if part not in ("", ".")] or [""]


def _splits(parts: list[str]) -> Iterator[tuple[str, str]]:
    """A name's beginnings and rests: ``a/b/1.jpg`` is ``""`` and itself, ``a`` and ``b/1.jpg``, ``a/b`` and …"""
    for length in range(len(parts)):
        yield "/".join(parts[:length]), "/".join(parts[length:])


def all_files(folder: str) -> Iterator[str]:
    """The paths of all files below a folder, whatever they are, as the service hands them to a script."""
    for inner, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield os.path.relpath(os.path.join(inner, name), folder).replace(os.sep, "/")
