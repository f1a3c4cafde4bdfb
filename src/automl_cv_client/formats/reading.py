"""What the readers of all formats share: the report of what they passed over, and values as programs write them.

A reader gives one :class:`AnnotatedImage` an image and tells a :class:`ReadingReport` what it could not read. It never
guesses and never leaves something out in silence: whatever was in the source is in an image, or in the report with its
place and reason. What was read in another sense than it stands is in the report as a note.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import mul
from pathlib import Path
from typing import Any, Literal, NamedTuple
from xml.etree import ElementTree as ET

from automl_cv_client._files import is_side_name
from automl_cv_client._text import printable, shortened
from automl_cv_client.annotations import AnnotatedImage, Annotation
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import (
    Box,
    PixelSegment,
    Rle,
    Segment,
    Size,
    clip_segment,
    is_degenerate,
    outlines,
    scale_segment,
)
from automl_cv_client.task import Task

KEPT = 50
"""Findings of one reason that are kept with their words; the others are counted only, so that memory stays flat."""

_SHOWN = 5  # of each reason, to people
_A_HAIR = 0.01  # of the image: annotation tools round, and nobody means anything by it
_FAR = 1.0  # further outside than a whole image: no box that is cut at the edge, but another unit or size

MOST_MASK_PIXELS = 300_000_000
"""Of a mask; a larger one would take gigabytes."""

Unit = Literal["image", "annotation", "file"]


class ImageFile(NamedTuple):
    """An image file that a name in the source leads to.

    Attributes:
        name: its path below the folder of images, with ``/`` between folders.
        size: (width, height) in pixels of the upright image; None when the file cannot be read.
        turned: whether its EXIF orientation turns it by 90 degrees, so that it is stored the other way round.
    """

    name: str
    size: Size | None
    turned: bool = False


ImageLookup = Callable[[str], ImageFile | None]
"""Finds the image that a name in the source means; raises InvalidInput when there are two."""


class Omission(NamedTuple):
    """Something of the source that is in no row.

    Attributes:
        unit: what it is: an ``image`` with all its annotations, an ``annotation``, or a ``file``.
        reason: a short name of the reason, such as ``box-empty``.
        where: file, and line, annotation or id.
        message: what was found, and what to do.
    """

    unit: Unit
    reason: str
    where: str
    message: str

    def __str__(self) -> str:
        return printable(f"{self.where}: {self.message} [{self.reason}]")


class ReadingReport:
    """What a source held, what of it was read, and what was passed over, with counts by reason.

    Attributes:
        source: the name of the file or folder.
        form: what it was read as, such as ``coco``.
        images: images read, one row each.
        annotations: labels and objects in these rows.
        passed_over: the first 50 of each reason.
        counts: how many of each ``(unit, reason)``. An image is counted once, and its annotations as well.
        notes: what was read in another sense than it stands, such as boxes in fractions where pixels are usual.
    """

    def __init__(self, source: str, form: str, *, strict: bool = False) -> None:
        self.source = source
        self.form = form
        self.images = 0
        self.annotations = 0
        self.passed_over: list[Omission] = []
        self.counts: Counter[tuple[Unit, str]] = Counter()
        self._kept: Counter[str] = Counter()
        self._strict = strict
        self._notes: dict[str, tuple[str, int]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence each, with the first place and how often."""
        return tuple(
            text if times == 1 else f"{text} ({times} times in all)" for text, times in self._notes.values() if times
        )

    def count(self, unit: Unit) -> int:
        """How many of a unit were passed over."""
        return sum(times for (kind, _), times in self.counts.items() if kind == unit)

    def passed(
        self, unit: Unit, reason: str, where: str, message: str, *, annotations: int = 0, times: int = 1
    ) -> None:
        """Note that something is in no row. Raises InvalidInput instead when reading is strict.

        Args:
            annotations: for an image: how many annotations go with it.
            times: how many of the unit there are at one place.
        """
        entry = Omission(unit, reason, where, message)
        if self._strict and unit != "file":
            raise InvalidInput(str(entry))
        self.counts[unit, reason] += times
        if annotations:
            self.counts["annotation", f"image passed over: {reason}"] += annotations
        if self._kept[reason] < KEPT:
            self._kept[reason] += 1
            self.passed_over.append(entry)

    def note(self, kind: str, text: str, times: int = 1) -> None:
        """Note how something was read. Of one kind the first text is kept, the others are counted."""
        first, counted = self._notes.get(kind, (text, 0))
        self._notes[kind] = (first, counted + times)

    def text(self) -> str:
        """The report for people; control characters of names from outside are shown escaped."""
        lines = [f"{self.source}, read as {self.form}: {_counted(self.images, 'image')}"]
        lines[0] += f" with {_counted(self.annotations, 'annotation')}"
        for (unit, reason), times in sorted(self.counts.items(), key=lambda item: (item[0][0] == "file", -item[1])):
            lines.append(f"passed over {_counted(times, unit)} [{reason}]")
            given = [entry for entry in self.passed_over if (entry.unit, entry.reason) == (unit, reason)]
            lines += [f"  {entry.where}: {entry.message}" for entry in given[:_SHOWN]]
            if given and times > _SHOWN:
                lines.append(f"  … and {times - len(given[:_SHOWN])} more")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(map(printable, lines))

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for ``json.dumps``."""
        return {
            "source": self.source,
            "form": self.form,
            "images": self.images,
            "annotations": self.annotations,
            "counts": [
                {"unit": unit, "reason": reason, "count": times} for (unit, reason), times in self.counts.items()
            ],
            "passed_over": [entry._asdict() for entry in self.passed_over],
            "notes": list(self.notes),
        }


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


# --- files


_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def encoding_of(beginning: bytes) -> str:
    """The Unicode encoding of a text, by the mark it begins with or by its zeros."""
    marked = next((encoding for mark, encoding in _BOMS if beginning.startswith(mark)), "")
    if marked:
        return marked
    wide = beginning.count(0) * 3 >= len(beginning) > 1
    return ("utf-16-le" if beginning[1] == 0 else "utf-16-be") if wide else "utf-8"


def decoded(content: bytes, name: str) -> str:
    """Text of a file: UTF-8, or UTF-16 and UTF-32 as Windows programs write them, with or without a mark.

    Raises:
        InvalidInput: it is neither; the message names the line.
    """
    encoding = encoding_of(content[:200])
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"cannot read {name}: line {line} is not {encoding.upper().removesuffix('-SIG')}: save it as UTF-8"
    raise InvalidInput(reason)


def read_text(path: Path) -> str:
    """The text of a file. Raises InvalidInput, naming the file, when it cannot be read."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = getattr(error, "strerror", None) or "unreadable"
    else:
        return decoded(content, path.name)
    raise InvalidInput(f"cannot read {path.name}: {reason}")


def read_json(path: Path, keep: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> Any:
    """The JSON of a file.

    Args:
        path: of the file.
        keep: called with each object as it is read; what it returns stands in its place, so that what is not
            needed takes no memory.

    Raises:
        InvalidInput: it is not JSON, or an object has a key twice; the message names file, line and column.
    """
    text = read_text(path)

    def whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
            raise InvalidInput(f"cannot read {path.name}: an object has the key {twice[:60]!r} twice: leave one")
        return keep(values) if keep else values

    try:
        return json.loads(text, object_pairs_hook=whole)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} in line {error.lineno}, column {error.colno}"
    except ValueError as error:
        reason = str(error)[:100]
    except RecursionError:
        reason = "nested too deep"
    raise InvalidInput(f"cannot read {path.name}: it is not JSON: {reason}")


def files_below(folder: Path, report: ReadingReport | None = None) -> Iterator[Path]:
    """All files in a folder and in those below it, in order; what systems leave beside them is passed over."""
    yield from _walked(folder, folder, report, frozenset())


def _walked(folder: Path, top: Path, report: ReadingReport | None, above: frozenset[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:  # a link back
        return
    with os.scandir(folder) as entries:
        inside = sorted((entry.name, entry.is_dir(), entry.is_file()) for entry in entries)
    for name, is_folder, is_file in inside:
        path = folder / name
        if is_side_name(name):
            if report is not None and name != ".git":
                message = "hidden, deleted, or made by the system: none of your images"
                report.passed("file", "side-file", path.relative_to(top).as_posix(), message)
        elif is_folder:
            yield from _walked(path, top, report, above | {real})
        elif is_file:
            yield path


_DECLARATION = re.compile(r"\s*<\?xml[^>]*>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']([\w.:-]+)["']""")


def read_xml(path: Path) -> ET.Element:
    """The root of an XML file, in whichever encoding it declares.

    Raises:
        InvalidInput: it cannot be read, is no XML, or declares a document type, whose entities can grow without bound.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
    else:
        text = _xml_text(content, path.name)
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise InvalidInput("not XML to be read: it declares a document type")
        try:
            return ET.fromstring(text)
        except (ET.ParseError, ValueError, RecursionError) as error:
            reason = f"no XML: {error}"
    raise InvalidInput(reason)


def _xml_text(content: bytes, name: str) -> str:
    """The text without its declaration, which says of bytes what is no longer true of text."""
    declared = _DECLARATION.match(content[:200].decode("latin-1"))
    given = _ENCODING.search(declared[0]) if declared else None
    if declared and given and given[1].lower() not in ("utf-8", "utf8", "utf-16"):
        try:
            return content.decode(given[1])[declared.end() :]
        except (LookupError, UnicodeDecodeError, ValueError) as error:
            reason = f"it declares the encoding {given[1][:30]!r}, and is not of it: {str(error)[:80]}"
        raise InvalidInput(reason)
    text = decoded(content, name)
    declared = _DECLARATION.match(text)
    return text[declared.end() :] if declared else text


# --- values


def number(value: Any) -> float:
    """A finite number of an int, a float, a numpy scalar or a text such as ``"9.5"`` and ``"9,5"``; else NaN."""
    if isinstance(value, str):
        value = value.strip()
        value = value.replace(",", ".") if re.fullmatch(r"[+-]?\d+,\d+", value) else value
    elif isinstance(value, bool) or value is None:
        return math.nan
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return read if math.isfinite(read) else math.nan


_PLAIN_NUMBERS = frozenset((float, int))


def plain(values: Any) -> Any:
    """A list in the place of an array of numpy or pandas."""
    return values.tolist() if hasattr(values, "tolist") else values


def numbers(values: Any) -> list[float] | None:
    """A list of finite numbers, whatever kind of list; None when it is none, or one of them is no number."""
    values = plain(values)
    if not isinstance(values, list | tuple):
        return None
    if _PLAIN_NUMBERS.issuperset(map(type, values)):
        try:
            read = list(map(float, values))
        except OverflowError:
            return None
        return read if math.isfinite(sum(map(abs, read))) else None
    read = list(map(number, values))
    return None if any(map(math.isnan, read)) else read


def dicts(values: Any) -> list[dict[str, Any]]:
    """The objects of a list, as an empty object where something else stands, so that each is read or reported."""
    return [value if isinstance(value, dict) else {} for value in values] if isinstance(values, list | tuple) else []


def class_name(value: Any) -> str | None:
    """The name of a class, which may stand as a number; None for what names nothing."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool) or math.isnan(number(value)):
        return None
    return str(value)


def image_size(width: Any, height: Any) -> Size | None:
    """The size in pixels, as told by a source (``90``, ``90.0``, ``"90"``, ``"90px"``); None when it tells none."""
    sides = [number(side.lower().removesuffix("px") if isinstance(side, str) else side) for side in (width, height)]
    return Size(round(sides[0]), round(sides[1])) if all(1 <= side < 1e9 for side in sides) else None


_TRUTH = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True, "": False}


def truth(value: Any) -> bool | None:
    """A flag as tools write it: 0, 1, 0.0, "1", true, null (which is false); None for anything else."""
    if value is None or isinstance(value, bool) or value != value:  # NaN stands for nothing in pandas
        return value is True
    if isinstance(value, str):
        return _TRUTH.get(value.strip().lower())
    read = number(value)
    return bool(read) if read in (0.0, 1.0) else None


def shown(value: Any) -> str:
    """A value in a message: short, and safe to print."""
    return shortened(repr(value), 60)


# --- shapes


class Unreadable(Exception):
    """An annotation cannot be read: the reason's short name, and what was found and what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message


class Frame(NamedTuple):
    """The frame of an image's coordinates, and where to say what was cut at its edge.

    Attributes:
        width: what the right edge counts as: pixels, 100 for percent, 1 for fractions.
        height: the same of the lower edge.
        report: where notes go.
    """

    width: float
    height: float
    report: ReadingReport

    def box(self, left: float, top: float, right: float, bottom: float, where: str) -> Box:
        """A box in fractions of the image, cut at its edge.

        Raises:
            Unreadable: it is empty, upside down or outside.
        """
        if left > right or top > bottom:
            raise Unreadable("box-swapped", f"the box ends before it begins: {_box_in_words(left, top, right, bottom)}")
        if left == right or top == bottom:
            raise Unreadable("box-empty", f"the box has no {'width' if left == right else 'height'}")
        edges = (left / self.width, top / self.height, right / self.width, bottom / self.height)
        if min(edges) > -_A_HAIR and max(edges) < 1 + _A_HAIR:
            box = Box(*edges).clipped()
            if box.left == box.right or box.top == box.bottom:
                raise Unreadable("box-outside", "the box lies outside the image")
            return box
        self._near(edges, "box")
        box = Box(*edges).clipped()
        if box.left >= box.right or box.top >= box.bottom:
            raise Unreadable("box-outside", "the box lies outside the image")
        self.report.note("box-cut", f"{where}: the box reaches beyond the image and was cut at its edge")
        return box

    def polygons(self, segments: Iterable[Sequence[float]], where: str) -> tuple[Segment, ...]:
        """Closed segments in fractions of the image, cut at its edge; those that enclose nothing are left out.

        Raises:
            Unreadable: a segment has an odd count of numbers, or none of them encloses anything.
        """
        kept: list[Segment] = []
        for segment in segments:
            if len(segment) % 2:
                raise Unreadable(
                    "outline-odd", f"an outline of {len(segment)} numbers: points need an even count (x, y)"
                )
            scaled = [0.0] * len(segment)
            scaled[0::2] = [x / self.width for x in segment[0::2]]
            scaled[1::2] = [y / self.height for y in segment[1::2]]
            least, most = (min(scaled), max(scaled)) if scaled else (0.0, 0.0)
            if least <= -_A_HAIR or most >= 1 + _A_HAIR:
                self._near(scaled, "outline")
                scaled = list(clip_segment(scaled, (0.0, 0.0, 1.0, 1.0)))
                self.report.note("outline-cut", f"{where}: the outline reaches beyond the image and was cut")
            elif least < 0 or most > 1:
                scaled = [min(1.0, max(0.0, value)) for value in scaled]
            if not _clearly_encloses(scaled) and is_degenerate(scaled):
                continue
            if scaled[:2] != scaled[-2:]:
                scaled += scaled[:2]
            kept.append(tuple(scaled))
        if not kept:
            raise Unreadable("outline-empty", "no outline that encloses anything: three corners are needed")
        return tuple(kept)

    def _near(self, values: Sequence[float], what: str) -> None:
        if min(values) < -_FAR or max(values) > 1 + _FAR:
            size = "" if self.width == 1 else f" of {self.width:g}x{self.height:g}"
            raise Unreadable(
                "far-outside",
                f"the {what} reaches to {max(values, key=lambda value: abs(value - 0.5)):.3g} times the image{size}: "
                "is this the size, or the unit, it was drawn in?",
            )


def _clearly_encloses(segment: Sequence[float]) -> bool:
    """Whether an area says at once what :func:`is_degenerate` takes ten times as long to find out."""
    xs, ys = segment[0::2], segment[1::2]
    across: float = sum(map(mul, xs, (*ys[1:], *ys[:1]))) - sum(map(mul, (*xs[1:], *xs[:1]), ys))
    return abs(across) > 1e-9


def box_around(polygons: Iterable[Segment]) -> Box:
    """The smallest box around the segments."""
    kept = list(polygons)
    xs = [x for segment in kept for x in segment[0::2]]
    ys = [y for segment in kept for y in segment[1::2]]
    return Box(min(xs), min(ys), max(xs), max(ys))


def rectangle(box: Box) -> Segment:
    """The closed outline of a box."""
    left, top, right, bottom = box
    return (left, top, right, top, right, bottom, left, bottom, left, top)


def _box_in_words(*edges: float) -> str:
    return "left {:g}, top {:g}, right {:g}, bottom {:g}".format(*edges)


def labelled_image(
    task: Task, source: str, size: Size | None, objects: Sequence[Annotation] = (), labels: Sequence[str] = ()
) -> AnnotatedImage:
    """An image that was read, with what people labelled."""
    return AnnotatedImage(task, size, source, tuple((label, None) for label in labels), tuple(objects))


def union(masks: Sequence[Rle]) -> Rle:
    """The pixels that are in any of several masks of one size."""
    height, width = masks[0].height, masks[0].width
    covered = 0
    for mask in masks:
        covered |= int.from_bytes(mask.column_bytes())
    return Rle(height, width, runs_of(covered.to_bytes(height * width)))


def runs_of(pixels: bytes) -> tuple[int, ...]:
    """Lengths of the runs of 0 and 1 in turn, of 0 first."""
    counts: list[int] = []
    start, value = 0, 0
    while start < len(pixels):
        end = pixels.find(1 - value, start)
        end = len(pixels) if end < 0 else end
        counts.append(end - start)
        start, value = end, 1 - value
    return tuple(counts)


def rotated(box: tuple[float, float, float, float], degrees: float) -> PixelSegment:
    """The outline of a box turned clockwise around its middle; edges and outline in pixels."""
    left, top, right, bottom = box
    x, y = (left + right) / 2, (top + bottom) / 2
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = ((left - x, top - y), (right - x, top - y), (right - x, bottom - y), (left - x, bottom - y))
    turned = [(x + dx * cosine - dy * sine, y + dx * sine + dy * cosine) for dx, dy in corners]
    return tuple(value for corner in turned for value in corner)


def size_of_file(find: ImageLookup | None, name: str, report: ReadingReport, where: str) -> Size | None:
    """The size of the image file that a source names, where the source itself does not tell it."""
    file = find(name) if find else None
    if file is None or file.size is None:
        return None
    if file.turned:
        report.note("image-turned", f"{where}: the size is that of the image as its EXIF turns it")
    return file.size


def mask_polygons(mask: dict[str, Any], size: Size | None) -> tuple[Segment, ...]:
    """The outlines of COCO's run-length mask, in fractions of the image.

    Raises:
        Unreadable: it is damaged, of another size than the image, or empty.
    """
    sides = numbers(mask.get("size"))
    if not sides or len(sides) != 2 or not 0 < sides[0] * sides[1] <= MOST_MASK_PIXELS:
        raise Unreadable(
            "mask-damaged", 'a run-length mask is damaged: expected {"size": [height, width], "counts": …}'
        )
    try:
        rle = Rle.from_coco(mask)
    except InvalidInput as error:
        raise Unreadable("mask-damaged", error.message) from None
    if size is not None and (rle.width, rle.height) != size:
        given = f"{rle.width}x{rle.height}, the image {size.width}x{size.height}"
        raise Unreadable("mask-size", f"its mask is not of the image's size: it is {given}")
    share = (1 / rle.width, 1 / rle.height)
    polygons = tuple(scale_segment(ring, share) for ring in outlines(rle))
    if not polygons:
        raise Unreadable("outline-empty", "its mask covers no pixel")
    return polygons


def circle(x: float, y: float, radius: float, other: float | None = None, turn: float = 0.0) -> PixelSegment:
    """The outline of a circle, or of an ellipse turned by an angle in radians: 64 corners around its middle."""
    second = radius if other is None else other
    corners: list[float] = []
    for step in range(64):
        dx = radius * math.cos(step * math.pi / 32)
        dy = second * math.sin(step * math.pi / 32)
        corners.append(x + dx * math.cos(turn) - dy * math.sin(turn))
        corners.append(y + dx * math.sin(turn) + dy * math.cos(turn))
    return tuple(corners)
