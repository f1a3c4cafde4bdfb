"""Where a YOLO data set has its images, label files and class names: data.yaml, obj.data, classes.txt, folders."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from automl_cv_client._files import is_image_name, is_side_name
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.reading import ReadingReport, class_name, files_below, number, read_text, shown

Names = Mapping[int, str]
"""Class names by number."""

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""What the parts of a split are called, and what they are."""

_NAME_FILES = ("data.yaml", "dataset.yaml", "classes.txt", "obj.names", "obj.data", "classes.names", "notes.json")


class LabelledFile(NamedTuple):
    """An image, and where its label file is if it has one.

    Attributes:
        name: what the row calls the image.
        image: its file; it may be missing where a list names it.
        labels: the text file.
    """

    name: str
    image: Path
    labels: Path


class YoloSet(NamedTuple):
    """One part of a data set: images, and the folder of label files that belong to them."""

    files: tuple[LabelledFile, ...]
    label_folder: Path
    split: str = ""


def class_names(classes: Sequence[str] | Mapping[int, str] | str | os.PathLike[str]) -> Names:
    """The names themselves, or those of ``classes.txt``, ``obj.names``, ``data.yaml``, ``obj.data``, ``notes.json``.

    Raises:
        InvalidInput: the file cannot be read or names no classes; the message names file and line.
    """
    if isinstance(classes, Mapping):
        return {int(key): str(name) for key, name in classes.items()}
    if not isinstance(classes, str | os.PathLike):
        return dict(enumerate(map(str, classes)))
    path = Path(classes)
    text = read_text(path)
    if path.suffix.lower() == ".data":
        return class_names(_named_by(path, _darknet(text), "names"))
    if path.suffix.lower() == ".json":
        return _json_names(text, path.name)
    if path.suffix.lower() in (".yaml", ".yml") or re.search(r"^(names|nc|train|val|path)\s*:", text, re.MULTILINE):
        return yaml_names(read_yaml(text, path.name), path.name)
    lines = text.rstrip().splitlines()
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            raise InvalidInput(f"{path.name}, line {line_number}: it is empty, and the numbers of classes count lines")
    if not lines:
        raise InvalidInput(f"{path.name}: no class names: write one a line")
    return dict(enumerate(line.strip() for line in lines))


def find_names(*folders: Path) -> Names:
    """The class names of the nearest file that has some, in the folders or the two above each.

    Raises:
        InvalidInput: there is none.
    """
    for folder in folders:
        for location in (folder, *folder.resolve().parents[:2]):
            for name in _NAME_FILES:
                if (location / name).is_file():
                    return class_names(location / name)
    raise InvalidInput(
        "no class names: there is no data.yaml, classes.txt or obj.names beside the labels: name it by --classes; in "
        "Python, classes=['cat', 'dog']"
    )


def pairs_of(images: Path, labels: Path, base: Path, report: ReadingReport) -> tuple[LabelledFile, ...]:
    """The images in a folder and below it, each with the text file of its name in the other folder."""
    found = []
    for image in files_below(images, report):
        if is_image_name(image):
            beside = labels / image.relative_to(images).with_suffix(".txt")
            found.append(LabelledFile(image.relative_to(base).as_posix(), image, beside))
        elif image.suffix.lower() != ".txt" and images != labels:
            report.passed("file", "no-image", image.relative_to(base).as_posix(), "no image by its ending")
    return tuple(found)


def layout(source: Path, split: str | None, report: ReadingReport) -> tuple[list[YoloSet], Names | None]:
    """The parts of a data set, and its class names where the source itself has them.

    Args:
        source: ``data.yaml``, ``obj.data``, or a folder that has one of them, or images and label files.
        split: the only part wanted, such as ``train``.
        report: takes files that are passed over.

    Raises:
        InvalidInput: there is no such thing, or it is of keypoints.
    """
    if source.is_dir():
        described = description(source)
        if described is None:
            parts = _folders(source, split, report)
            if split is not None and not any(part.split for part in parts):
                raise InvalidInput(f"{source.name}: there is no part {split!r} of a split, such as train and valid")
            return parts, None
        source = described
    if not source.is_file():
        raise InvalidInput(f"no such file or folder: {source.name!r}")
    if source.suffix.lower() == ".data":
        values = _darknet(read_text(source))
        names = class_names(_named_by(source, values, "names"))
    else:
        values = read_yaml(read_text(source), source.name)
        names = yaml_names(values, source.name)
    if "kpt_shape" in values:
        raise InvalidInput(f"{source.name} is of keypoints (kpt_shape): AutoML for Images has no task for them")
    wanted = [key for key in ("train", "val", "valid", "test") if values.get(key) and _is(key, split)]
    if not wanted:
        raise InvalidInput(f"{source.name}: it names no images{f' for {split!r}' if split else ''} (train, val, test)")
    root = source.parent / str(values.get("path") or "")
    sets = []
    for key in wanted:
        entries = values[key] if isinstance(values[key], list) else [values[key]]
        for entry in entries:
            location = _place(str(entry), root, source.parent)
            if location is None:
                if len(wanted) > 1:  # a part that was not downloaded, or a test part that is empty
                    report.note(f"{key}-missing", f"{source.name}: there is nothing at {key}: {str(entry)[-80:]}")
                    continue
                raise InvalidInput(f"{source.name}: there is nothing at {key}: {str(entry)[-120:]!r}")
            sets.append(_set(location, key, source.parent, report))
    if not sets:
        raise InvalidInput(f"{source.name}: none of the folders it names is there")
    return sets, names


def labels_apart(source: Path) -> Path | None:
    """The folder of label files of a source that does not say where its images are; None when it does."""
    described = description(source) if source.is_dir() else source
    if described is not None and described.is_file():
        text = read_text(described)
        values = _darknet(text) if described.suffix.lower() == ".data" else read_yaml(text, described.name)
        if any(values.get(key) for key in SPLITS):
            return None
    folder = source if source.is_dir() else source.parent
    return folder / "labels" if (folder / "labels").is_dir() else folder


def _is(name: str, split: str | None) -> bool:
    return split is None or SPLITS.get(name, name) == SPLITS.get(split, split)


def description(folder: Path) -> Path | None:
    """The file that describes the data set of a folder; None when there is none. Raises InvalidInput for two."""
    files = [file for file in sorted(folder.glob("*.y*ml")) if re.search(r"^names\s*:", read_text(file), re.MULTILINE)]
    files = [file for file in files if file.stem in ("data", "dataset")] or files or sorted(folder.glob("*.data"))
    if len(files) > 1:
        both = f"{files[0].name} and {files[1].name}"
        raise InvalidInput(f"{folder.name} is described {len(files)} times, by {both}: name the one that is meant")
    return files[0] if files else None


def _folders(folder: Path, split: str | None, report: ReadingReport, top: Path | None = None) -> list[YoloSet]:
    """Folders without a description: images/ and labels/, in parts or not, or images beside their text files."""
    base = top or folder
    if (folder / "images").is_dir() and (folder / "labels").is_dir():
        inside = sorted((folder / "images").iterdir())
        parts = [child.name for child in inside if child.is_dir()]
        loose = any(is_image_name(child) for child in inside if child.is_file())
        if parts and not loose and all(part in SPLITS for part in parts):
            return [
                _folder_set(folder / "images" / part, folder / "labels" / part, base, part, report)
                for part in parts
                if _is(part, split)
            ]
        return [_folder_set(folder / "images", folder / "labels", base, "", report)]
    parts = [child.name for child in sorted(folder.iterdir()) if child.is_dir() and child.name in SPLITS]
    if parts:
        for child in sorted(folder.iterdir()):
            if child.name not in parts and (child.is_dir() or is_image_name(child)) and not is_side_name(child.name):
                report.passed("file", "no-part", child.name, "it lies beside the parts of a split, and is of none")
        within = [(part, _folders(folder / part, None, report, base)) for part in parts if _is(part, split)]
        return [found._replace(split=part) for part, several in within for found in several]
    return [_folder_set(folder, folder, base, "", report)]


def _folder_set(images: Path, labels: Path, base: Path, split: str, report: ReadingReport) -> YoloSet:
    return YoloSet(pairs_of(images, labels, base, report), labels, split)


def _place(entry: str, root: Path, beside: Path) -> Path | None:
    """The folder or list that an entry means; Roboflow writes ``../train/images`` for ``train/images``."""
    plain = re.sub(r"^(\.\./)+", "", entry.replace("\\", "/"))
    short = plain.partition("/")[2]  # darknet's lists begin at the folder above: data/obj_train_data/1.jpg
    candidates = [root / entry, beside / entry, root / plain, beside / plain]
    if short and Path(entry).suffix:
        candidates.append(beside / short)
    return next((candidate for candidate in candidates if candidate.exists()), None)


def _set(location: Path, split: str, base: Path, report: ReadingReport) -> YoloSet:
    base = base if _inside(location, base) else location.parent.parent
    if location.is_file():
        return YoloSet(tuple(_listed(location, base)), location.parent, split)
    labels = _labels_of(location)
    return YoloSet(pairs_of(location, labels, base, report), labels, split)


def _labels_of(images: Path) -> Path:
    """The folder of label files: ``labels`` in the place of the last ``images``, else the images' own."""
    parts = list(images.parts)
    for position in reversed(range(len(parts))):
        if parts[position] == "images":
            beside = Path(*parts[:position], "labels", *parts[position + 1 :])
            return beside if beside.is_dir() else images
    return images


def _listed(file: Path, base: Path) -> Iterator[LabelledFile]:
    """The images that a list names, one a line; labels are beside them, or in ``labels`` for ``images``."""
    for line in read_text(file).splitlines():
        name = line.strip().replace("\\", "/")
        if not name:
            continue
        location = _place(name, file.parent, base) or file.parent / name
        labels = _place(str(Path(name).with_suffix(".txt")), file.parent, base)
        if labels is None:
            folder = _labels_of(location.parent)
            labels = folder / f"{location.stem}.txt"
        yield LabelledFile(re.sub(r"^(\./)+", "", name), location, labels)


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve()) and ".." not in path.relative_to(folder).parts


def _named_by(file: Path, values: Mapping[str, Any], key: str) -> Path:
    if not values.get(key):
        raise InvalidInput(f"{file.name}: it has no {key} =")
    location = _place(str(values[key]), file.parent, file.parent)
    if location is None:
        raise InvalidInput(f"{file.name}: {key} = {str(values[key])[:120]}: there is no such file")
    return location


def _darknet(text: str) -> dict[str, str]:
    """The ``key = value`` lines of ``obj.data``."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _json_names(text: str, name: str) -> Names:
    """Label Studio's ``notes.json``, or a list of names."""
    try:
        content = json.loads(text)
        entries = content["categories"] if isinstance(content, dict) else content
        numbered = [(entry["id"], entry["name"]) if isinstance(entry, dict) else entry for entry in entries]
        pairs = [entry if isinstance(entry, tuple) else (position, entry) for position, entry in enumerate(numbered)]
        return {int(key): str(value) for key, value in pairs}
    except (ValueError, TypeError, KeyError, RecursionError):
        reason = f'{name}: no class names: expected {{"categories": [{{"id": 0, "name": "cat"}}]}} or a list of names'
    raise InvalidInput(reason)


# --- data.yaml: the few forms of YAML that data sets are described in, so that no library is needed


def yaml_names(values: Mapping[str, Any], name: str) -> Names:
    """The classes of ``data.yaml``: a list, or a mapping from number to name."""
    given = values.get("names")
    names: dict[int, str] = {}
    if isinstance(given, list):
        names = dict(enumerate(given))
    elif isinstance(given, dict):
        for key, value in given.items():
            index = number(key)
            if not index.is_integer() or index < 0:
                raise InvalidInput(f"{name}: names: {shown(key)} is no number of a class")
            names[int(index)] = value
    if not names:
        raise InvalidInput(f"{name}: it names no classes (names: [cat, dog])")
    bad = next((key for key, value in names.items() if class_name(value) is None), None)
    if bad is not None:
        raise InvalidInput(f"{name}: names: the class {bad} has no name")
    count = number(values["nc"]) if "nc" in values else len(names)
    if count != len(names):
        raise InvalidInput(f"{name}: nc is {shown(values['nc'])}, and there are {len(names)} names")
    return names


def read_yaml(text: str, name: str) -> dict[str, Any]:
    """The keys at the left margin of a YAML file: texts, lists and mappings of texts; deeper ones are passed over.

    Raises:
        InvalidInput: a list or mapping is not closed, or stands in a form not known here; the message names the line.
    """
    values: dict[str, Any] = {}
    lines = text.splitlines()
    position = 0
    while position < len(lines):
        found = re.match(r"""(["']?)([A-Za-z_][\w.-]*)\1\s*:(?:\s+(.*)|$)""", _uncommented(lines[position]))
        start = position
        position += 1
        if not found:
            continue
        key, value = found[2], (found[3] or "").strip()
        while value[:1] in ("[", "{") and value and not _closed(value):
            if position == len(lines):
                raise InvalidInput(f"{name}, line {start + 1}: {key}: the {value[0]} is never closed")
            value += " " + _uncommented(lines[position]).strip()
            position += 1
        block = []
        while not value and position < len(lines) and re.match(r"\s|-(\s|$)|$|#", lines[position]):
            block.append((position + 1, _uncommented(lines[position])))
            position += 1
        if key in values:
            raise InvalidInput(f"{name}, line {start + 1}: the key {key} is there twice: leave one")
        values[key] = _flow(value, f"{name}, line {start + 1}") if value else _block(block, key, name)
    return values


def _uncommented(line: str) -> str:
    """The line without the comment at its end; a # inside quotes is none."""
    quote = ""
    for position, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and (position == 0 or line[position - 1] in " \t[{,:-"):
            quote = letter
        elif letter == "#" and (position == 0 or line[position - 1] in " \t"):
            return line[:position].rstrip()
    return line.rstrip()


_TOKEN = re.compile(r""""(?:\\.|[^"\\])*"|'(?:''|[^'])*'|[\[\]{},]|[^\[\]{},"']+|.""")


def _closed(value: str) -> bool:
    tokens = _TOKEN.findall(value)
    return sum(token in "[{" for token in tokens) <= sum(token in "]}" for token in tokens)


def _flow(value: str, where: str) -> Any:
    """A text, or a list or mapping in brackets."""
    if value[:1] not in ("[", "{"):
        return _scalar(value)
    inner = value.rstrip()
    if inner[-1] != {"[": "]", "{": "}"}[inner[0]]:
        raise InvalidInput(f"{where}: {shown(value)} does not end with its bracket")
    items: list[str] = [""]
    for token in _TOKEN.findall(inner[1:-1]):
        if token == ",":
            items.append("")
        elif token in "[]{}":
            raise InvalidInput(f"{where}: a list in a list is not expected here")
        else:
            items[-1] += token
    items = [item.strip() for item in items]
    if items and not items[-1]:
        items.pop()
    if inner[0] == "[":
        return list(map(_scalar, items))
    return dict(_pair(item, where) for item in items)


def _block(lines: Sequence[tuple[int, str]], key: str, name: str) -> Any:
    """An indented list or mapping; None for what is neither and not needed."""
    kept = [(line_number, line.strip()) for line_number, line in lines if line.strip()]
    if not kept:
        return None
    if all(line == "-" or line.startswith("- ") for _, line in kept):
        return [_scalar(line[1:].strip()) for _, line in kept]
    if key != "names":
        return None
    pairs = [_pair(line, f"{name}, line {line_number}") for line_number, line in kept]
    if len(dict(pairs)) < len(pairs):
        raise InvalidInput(f"{name}: names: a number is there twice")
    return dict(pairs)


def _pair(text: str, where: str) -> tuple[str, str]:
    found = re.match(r"""("(?:\\.|[^"\\])*"|'(?:''|[^'])*'|[^:]+):(?:\s+|$)(.*)""", text, re.DOTALL)
    if not found:
        raise InvalidInput(f"{where}: expected number: name; it is {shown(text)}")
    return _scalar(found[1].strip()), _scalar(found[2].strip())


def _scalar(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _ESCAPE.sub(_unescaped, text[1:-1])
    return text


_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b", "N": "\x85", "_": "\xa0"}


def _unescaped(found: re.Match[str]) -> str:
    """The letter of an escape in a double-quoted text, as YAML has them."""
    code = found[1]
    if len(code) == 1:
        return _LETTERS.get(code, code)
    number_of_letter = int(code[1:], 16)
    return chr(number_of_letter) if number_of_letter < 0x110000 else found[0]
