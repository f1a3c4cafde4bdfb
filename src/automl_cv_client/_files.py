"""Files: written whole or not at all; which files of a folder are images, and which are passed over."""

from __future__ import annotations

import fnmatch
import glob
import io
import logging
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

from automl_cv_client._text import shortened
from automl_cv_client.errors import InvalidInput

logger = logging.getLogger("automl_cv_client")

READ_FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "ICO": (".ico",),
    "PCX": (".pcx",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "QOI": (".qoi",),
    "PSD": (".psd",),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
}
"""Pillow's formats that are read, by Pillow's name, and how their files are named, in lower case."""

NEEDS_AN_OPENER = {
    ".heic": "pillow-heif",
    ".heif": "pillow-heif",
    ".hif": "pillow-heif",
    ".jxl": "pillow-jxl-plugin",
}
"""Images all the same, which Pillow reads once the named package is installed and its opener registered."""

IMAGE_ENDINGS = frozenset(ending for endings in READ_FORMATS.values() for ending in endings) | frozenset(
    NEEDS_AN_OPENER
)
"""Files that count as images, by the ending of their name in lower case; openers add to these."""

_SIDE_FOLDERS = frozenset(
    (
        "__macosx",
        "@eadir",  # Synology
        "#recycle",
        "#snapshot",
        "@recycle",  # QNAP
        "@recently-snapshot",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    )
)
"""Folders that systems leave beside images, in lower case; so is every name that begins with a dot."""

_LONGEST_ENDING = 12  # characters
_MOST_ENDINGS = 20  # that are told apart

_OF_NO_INTEREST = frozenset((".ds_store", "thumbs.db", "desktop.ini", ".directory"))
"""Files that are in every folder of some desktop, and not worth telling."""


class PassedOver:
    """Counts what a folder holds that is not taken as an image.

    Attributes:
        side_files: files whose names begin with a dot, such as macOS's ``._a.jpg``.
        side_folders: folders of systems and programs, which are not searched: ``.git``, ``@eaDir``, ``__MACOSX``.
        others: other files, by the ending of their name.
    """

    def __init__(self) -> None:
        self.side_files = 0
        self.side_folders = 0
        self.others: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self.side_files or self.side_folders or self.others)

    def counts(self) -> dict[str, int]:
        """What was passed over, by reason.

        >>> passed_over = PassedOver()
        >>> passed_over.side_folders += 1
        >>> passed_over.others.update([".txt", ".txt", ""])
        >>> passed_over.counts()
        {'system folders': 1, '.txt': 2, 'without an ending': 1}
        """
        counts = Counter({"hidden files": self.side_files, "system folders": self.side_folders})
        for number, (ending, count) in enumerate(self.others.most_common()):
            shown = shortened(ending, _LONGEST_ENDING) or "without an ending"
            counts[shown if number < _MOST_ENDINGS else "others"] += count
        return {reason: count for reason, count in counts.items() if count}

    def __str__(self) -> str:
        """
        >>> passed_over = PassedOver()
        >>> passed_over.side_files += 2
        >>> passed_over.others.update([".txt", ".txt", ""])
        >>> str(passed_over)
        '2 hidden files, 3 other files (.txt, without an ending)'
        """
        parts = []
        if self.side_files:
            parts.append(_counted(self.side_files, "hidden file"))
        if self.side_folders:
            parts.append(_counted(self.side_folders, "folder") + " of the system or of another program")
        if self.others:
            endings = [
                shortened(ending, _LONGEST_ENDING) or "without an ending" for ending, _ in self.others.most_common(4)
            ]
            some = ", ".join([*endings, *(["…"] if len(self.others) > 4 else [])])
            parts.append(f"{_counted(self.others.total(), 'other file')} ({some})")
        return ", ".join(parts)


def is_image_name(name: str | os.PathLike[str]) -> bool:
    """Whether a file is an image by its name: its ending is one of ``IMAGE_ENDINGS``, or an opener's.

    >>> [is_image_name(name) for name in ("a.JPG", "b.heic", "c.txt")]
    [True, True, False]
    """
    ending = os.path.splitext(os.fspath(name))[1].lower()
    return ending in IMAGE_ENDINGS or ending in _endings_of_openers()


def _endings_of_openers() -> set[str]:
    """Endings of formats that others than Pillow registered with it, as pillow-heif does. Imports nothing."""
    pillow = sys.modules.get("PIL.Image")
    endings: dict[str, str] = getattr(pillow, "EXTENSION", {})
    openers = getattr(pillow, "OPEN", {})
    foreign = {
        name
        for name, (opener, _) in tuple(openers.items())
        if not str(getattr(opener, "__module__", "")).startswith("PIL.")
    }
    return {ending for ending, name in tuple(endings.items()) if name in foreign} if foreign else set()


def is_side_name(name: str) -> bool:
    """Whether a file or folder is one that systems and programs leave beside images.

    >>> [is_side_name(name) for name in ("._a.jpg", ".git", "@eaDir", "a.jpg")]
    [True, True, True, False]
    """
    return name.startswith(".") or name.lower() in _SIDE_FOLDERS


def is_side_path(path: str) -> bool:
    """Whether a path below a folder is, or lies in, what systems and programs leave beside images.

    >>> is_side_path("@eaDir/a.jpg/thumb.jpg"), is_side_path("b/a.jpg")
    (True, False)
    """
    return any(_is_side(part, []) for part in _parts(path))


def folder_images(
    folder: str | os.PathLike[str], passed_over: PassedOver | None = None, *, deep: bool = True
) -> Iterator[str]:
    """The paths of a folder's images, then of its subfolders', by name.

    Images are known by their names. Hidden files and the folders of systems and programs are passed over: they hold
    copies, thumbnails and what was deleted. Links to folders are not followed; a link that leads nowhere counts as an
    image, which will fail, as to leave it out would lose it silently. The folder itself may have any name.

    Args:
        folder: where to begin.
        passed_over: counts what is not taken; None: it is told to the logger ``automl_cv_client`` at the end.
        deep: also subfolders.

    Raises:
        OSError: a folder cannot be read.
    """
    counted = PassedOver() if passed_over is None else passed_over
    folders = [os.fspath(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        inside = []
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                if not is_side_name(entry.name):
                    inside.append(entry.path)
                elif deep:
                    counted.side_folders += 1
            elif entry.name.lower() in _OF_NO_INTEREST or not _is_file(entry):
                continue
            elif is_side_name(entry.name):
                counted.side_files += 1
            elif is_image_name(entry.name):
                yield entry.path
            else:
                counted.others[os.path.splitext(entry.name)[1].lower()] += 1
        if deep:
            folders += reversed(inside)
    if passed_over is None and counted:
        logger.warning("%s: passed over %s", shortened(os.fspath(folder)), counted)


def pattern_files(pattern: str, passed_over: PassedOver) -> list[str]:
    """The files that a pattern fits, sorted. ``**`` stands for any depth.

    Hidden files and the folders of systems and programs are passed over as in :func:`folder_images`, unless the pattern
    names them: ``.cache/*.png`` and ``._*.jpg`` do, ``**/*.png`` does not.

    Args:
        pattern: as of the shell, with ``*``, ``?`` and ``[…]``.
        passed_over: counts what is not taken.
    """
    named = [part for part in _parts(pattern) if part[:1] not in "*?["]
    files: list[str] = []
    side_folders: set[str] = set()
    for path in glob.iglob(pattern, recursive=True, include_hidden=True):
        if not os.path.isfile(path):
            continue
        *folders, name = _parts(path)
        side = next((number for number, folder in enumerate(folders) if _is_side(folder, named)), None)
        if side is not None:
            side_folders.add("/".join(folders[: side + 1]))
        elif name.lower() in _OF_NO_INTEREST and not _is_named(name, named):
            continue
        elif _is_side(name, named):
            passed_over.side_files += 1
        else:
            files.append(path)
    passed_over.side_folders += len(side_folders)
    return sorted(files)


def _parts(path: str) -> list[str]:
    return path.replace(os.sep, "/").split("/")


def _is_side(name: str, named: list[str]) -> bool:
    return name not in (".", "..") and is_side_name(name) and not _is_named(name, named)


def _is_named(name: str, named: list[str]) -> bool:
    """Whether a part of the pattern spells the name, or its beginning."""
    return any(name == part or fnmatch.fnmatchcase(name, part) for part in named)


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Sockets and pipes are none, which would be waited for in vain; nor are links to folders."""
    if entry.is_symlink() and not os.path.exists(entry.path):
        return True
    return entry.is_file()


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


_PARTIAL = ".partial"


@contextmanager
def whole_file(path: str | os.PathLike[str], *, alone: bool = False) -> Iterator[IO[bytes]]:
    """A file that takes its name once all of it is on the disk; until then an older one of that name stays.

    To append to the file itself would tear: at a crash a line of several MB is written in part. What a link leads
    to is replaced, not the link.

    Args:
        path: of the file.
        alone: nobody else writes it at the same time. Then what a killed process left behind is overwritten by the
            next one.

    Raises:
        OSError: as the operating system says it; the temporary file is gone.
    """
    real = Path(os.path.realpath(path))
    mark = "" if alone else f"-{secrets.token_hex(8)}"
    temporary = real.with_name(f".{real.name[:40]}{mark}{_PARTIAL}")
    try:
        with open(temporary, "wb" if alone else "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, real)
        _sync_folder(real.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_text(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """As :func:`whole_file`, for UTF-8 text; what UTF-8 has no way to write, lone surrogates, becomes ``?``.

    Raises:
        InvalidInput: the file cannot be written, with the reason.
    """
    reason = ""
    try:
        with whole_file(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="\n")
            yield text
            text.flush()
            text.detach()
    except OSError as error:
        if error.filename is not None and not str(error.filename).endswith(_PARTIAL):
            raise  # of a file that the caller reads meanwhile
        reason = error.strerror or "unwritable"
    if reason:
        raise InvalidInput(f"cannot write {Path(path).name}: {reason}")


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file, whole or not at all, and return its path. Raises InvalidInput when that cannot be done."""
    with whole_text(path) as file:
        file.write(text)
    return Path(path)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
