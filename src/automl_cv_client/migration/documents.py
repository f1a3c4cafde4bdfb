"""Stored results as plain values: JSON text, decoded JSON, or an object of an SDK. Every wrong value has its place."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol, runtime_checkable

from automl_cv_client._protocol.excerpts import LONGEST, clean
from automl_cv_client._text import shortened
from automl_cv_client.errors import UnexpectedReply
from automl_cv_client.geometry import Box

_MOST_LAYERS = 3  # JSON in a JSON string, and once more to be safe
_SAYING = ("message", "error", "innererror", "detail")


@runtime_checkable
class SupportsAsDict(Protocol):
    """An object of an Azure SDK, such as the prediction that ``detect_image`` returned."""

    def as_dict(self) -> dict[str, Any]:
        """Its values."""


Document = str | bytes | Mapping[str, Any] | Sequence[Any] | SupportsAsDict
"""A stored result: its JSON as text or bytes, what ``json.loads`` made of it, or the SDK's own object."""


def decoded(document: Document, service: str) -> Any:
    """The values of a stored result.

    Text may also be what ``str(reply)`` makes of decoded JSON, which is how many scripts kept replies.

    Raises:
        UnexpectedReply: the text is neither.
    """
    value: Any = document.as_dict() if isinstance(document, SupportsAsDict) else document
    for _ in range(_MOST_LAYERS):
        if not isinstance(value, str | bytes):
            return value
        value = _value_of(value, service)
    return value


def _value_of(text: str | bytes, service: str) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text)
    except (ValueError, RecursionError) as error:
        problem = shortened(str(error), 100)
    try:
        return ast.literal_eval((text if isinstance(text, str) else text.decode("utf-8-sig")).strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        pass
    raise UnexpectedReply(f"the stored result of {service} is not JSON ({problem})", excerpt=excerpt(text))


def excerpt(document: object) -> str:
    """The beginning of a document for an error, as one safe line without images."""
    text = document if isinstance(document, str) else repr(document)
    return clean(text[: LONGEST + 8192])


class Fields:
    """An object of a stored result, with its keys in any of their spellings: ``tagName``, ``TagName``, ``tag_name``.

    Attributes:
        values: as stored.
        service: whose result it is, for messages.
        where: the object's place in it, such as ``predictions[0]``; empty for the whole.
    """

    def __init__(self, values: Any, service: str, where: str = "") -> None:
        self.service = service
        self.where = where
        self.values: Mapping[str, Any] = values
        if not isinstance(values, Mapping):
            self.wrong(f"expected an object, not {shortened(repr(values), 60)}")
        self._names: dict[str, str] = {}
        for name in values:
            plain = _plain(name)
            if plain in self._names and values[name] != values[self._names[plain]]:
                self.wrong(f"{name!r} and {self._names[plain]!r} say different things")
            self._names[plain] = name

    def wrong(self, problem: str) -> NoReturn:
        """Raise :meth:`error`."""
        raise self.error(problem)

    def error(self, problem: str) -> UnexpectedReply:
        """What is wrong with this object, with the service and the place."""
        place = f" at {self.where}" if self.where else ""
        return UnexpectedReply(f"not a result of {self.service}{place}: {problem}", excerpt=excerpt(self.values))

    def refuse_message(self) -> None:
        """Raise UnexpectedReply with what the service said, where the object is an error message of it."""
        for name in _SAYING:
            said = self.get(name)
            if isinstance(said, Mapping):
                Fields(said, self.service, name).refuse_message()
            if isinstance(said, str) and said.strip():
                raise UnexpectedReply(
                    f"{self.service} stored an error instead of a result: {shortened(said, 300)}",
                    excerpt=excerpt(self.values),
                )

    def get(self, *names: str) -> Any:
        """The value of the first of these keys that is there, in any spelling; None where none is."""
        there = self._stored(names)
        return None if there is None else self.values[there]

    def within(self, *names: str) -> Fields:
        """The object under the first of these keys that is there."""
        return Fields(self.get(*names), self.service, self._place(names))

    def objects(self, *names: str) -> list[Fields]:
        """The objects of the list under the first of these keys that is there."""
        items = self.get(*names)
        place = self._place(names)
        if not isinstance(items, list | tuple):
            self.wrong(f"{place!r} must be a list, not {shortened(repr(items), 60)}")
        return [Fields(item, self.service, f"{place}[{number}]") for number, item in enumerate(items)]

    def label(self, *names: str) -> str:
        """The name of a class."""
        name = self.get(*names)
        if not isinstance(name, str) or not name.strip():
            self.wrong(f"it names no class: expected {names[0]!r}, not {shortened(repr(name), 60)}")
        return name

    def score(self, *names: str) -> float:
        """A confidence, 0 to 1."""
        value = self._number(names)
        if not 0 <= value <= 1:
            self.wrong(f"{self._named(names)} must be 0 to 1, not {value:g}")
        return value

    def rectangle(self, left: str, top: str, width: str, height: str) -> Box:
        """The edges of a rectangle that is stored as its corner and its size, in the unit it is stored in."""
        x, y, across, down = (self._number((name,)) for name in (left, top, width, height))
        if across < 0 or down < 0:
            self.wrong(f"{width!r} and {height!r} must not be below 0: {across:g}, {down:g}")
        return Box(x, y, x + across, y + down)

    def others(self, *names: str) -> dict[str, Any]:
        """The values under all other keys, as stored."""
        known = {*map(_plain, names)}
        return {str(key): self.values[key] for plain, key in self._names.items() if plain not in known}

    def _number(self, names: Sequence[str]) -> float:
        value = self.get(*names)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.wrong(f"{self._named(names)} must be a number, not {shortened(repr(value), 60)}")
        return float(value)

    def _named(self, names: Sequence[str]) -> str:
        return repr(self._stored(names) or names[0])

    def _place(self, names: Sequence[str]) -> str:
        name = self._stored(names) or names[0]
        return f"{self.where}.{name}" if self.where else name

    def _stored(self, names: Sequence[str]) -> str | None:
        """The first of these names that is there, as it is stored."""
        return next((self._names[plain] for plain in map(_plain, names) if plain in self._names), None)


def _plain(name: object) -> str:
    return str(name).replace("_", "").lower()


def distinct(labels: Sequence[str], fields: Fields) -> tuple[str, ...]:
    """The labels of a classification; raises UnexpectedReply where one comes twice, as only objects' labels do."""
    twice = next((label for number, label in enumerate(labels) if label in labels[:number]), None)
    if twice is not None:
        fields.wrong(f"the class {shortened(twice)!r} comes twice, as in a list of objects")
    return tuple(labels)
