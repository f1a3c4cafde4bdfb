"""Walks through a body of many small values before anything is made of them, and stops at the first wrong one.

A parsed value takes far more memory than its text where the text is short: ``[]`` 3 bytes and some 300. A real reply
has few values for its size, and is parsed at once. A body of so many that parsing it would take much more memory than
the body itself is walked through first, bracket by bracket: what cannot be a reply is refused where it begins to be
none, and only what has the outline of a reply is parsed whole. Stricter in one thing: of a key that comes twice
both values must be right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NoReturn

from automl_cv_client.task import Task

_DEEPEST = 200  # levels; pydantic's parser reads no more

_SPACE = rb"[ \t\r\n]*+"
_COLON, _COMMA = _SPACE + b":" + _SPACE, _SPACE + b"," + _SPACE
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NUMBER = rb"(?:-?(?:[0-9]++(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+|Infinity)|NaN)"
_WORD = rb"(?:true|false|null)"


def _list_of(item: bytes) -> bytes:
    return rb"\[" + _SPACE + rb"(?:" + item + rb"(?:" + _COMMA + item + rb")*+)?+" + _SPACE + rb"\]"


def _then_blank(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(" + pattern + rb")" + _SPACE, re.DOTALL)


_BLANK = re.compile(_SPACE)
_OPENING_OBJECT = _then_blank(rb"\{")
_OPENING_LIST = _then_blank(rb"\[")
_KEY = _then_blank(_STRING + _SPACE + b":")
_END_OF_MEMBER = _then_blank(rb"[,}]")
_END_OF_ITEM = _then_blank(rb"[,\]]")
_LABEL = _then_blank(_STRING + b"|" + _NUMBER)
_SCORE = _then_blank(_NUMBER)
_PROBS = _then_blank(_list_of(_NUMBER))
_LABELS = _then_blank(_list_of(rb"(?:" + _STRING + b"|" + _NUMBER + b")"))
_SCALAR_PATTERN = rb"(?:" + _STRING + b"|" + _NUMBER + b"|" + _WORD + rb")"
_SCALAR = _then_blank(_SCALAR_PATTERN)
_OUR_KEY = rb'"(?:boxes|probs|labels?|score|box|polygon|topX|topY|bottomX|bottomY|[0-9]++)"'
_OTHER_SCALARS = re.compile(  # members of no interest, many at a time
    rb"(?:(?!" + _OUR_KEY + rb')"[^"\\]*+"' + _COLON + _SCALAR_PATTERN + _COMMA + rb")*+", re.DOTALL
)
_USUAL_CLASS = _then_blank(rb'\{"label"' + _COLON + _STRING + _COMMA + rb'"score"' + _COLON + _NUMBER + _SPACE + rb"\}")
_ITEM = re.compile(_STRING + b"|" + _NUMBER)
_FLAT = rb'(?:[^\[\]{}"]++|' + _STRING + rb")*+"
_TO_BRACKET = re.compile(
    rb'(?:[^\[\]{}"]++|' + _STRING + rb"|\[" + _FLAT + rb"\]|\{" + _FLAT + rb"\})*+([\[\]{}])", re.DOTALL
)


class OutOfLine(ValueError):
    """The body stops being a reply; the text says where."""


def check_outline(body: bytes, task: Task, step: Callable[[], None] = lambda: None) -> None:
    """Do nothing when a body of JSON has the outline of a reply of this task, of any known version.

    Args:
        body: the reply, not inside a JSON string.
        task: what was asked for.
        step: called now and then; what it raises ends the walk.

    Raises:
        OutOfLine: it has not.
    """
    _Walk(body, task, step).reply()


class _Walk:
    def __init__(self, body: bytes, task: Task, step: Callable[[], None]) -> None:
        self._body = body
        self._task = task
        self._step = step
        start = 3 if body.startswith(b"\xef\xbb\xbf") else 0
        self._at = _BLANK.match(body, start).end()  # type: ignore[union-attr]  # it matches anything

    def reply(self) -> None:
        if self._sees(b"["):
            for _ in self._items():
                self._row()
        else:
            self._row()
        if self._at < len(self._body):
            self._refuse("the end")

    def _row(self) -> None:
        if self._sees(b"["):
            if not sum(self._ranked() for _ in self._items()):
                self._refuse("classes")
            return
        counts: dict[bytes, int] = {}
        others: set[bytes] = set()
        ranked = False
        for key in self._members():
            if key == b'"boxes"' and not self._task.explainable:
                counts[key] = sum(self._object() for _ in self._items())
            elif key == b'"probs"' and self._task.explainable:
                numbers = self._take(_PROBS, "a list of numbers")
                counts[key] = numbers.count(b",") + (numbers.strip(b"[] \t\r\n") != b"")
            elif key == b'"labels"' and self._task.explainable:
                counts[key] = sum(1 for _ in _ITEM.finditer(self._take(_LABELS, "a list of labels")))
            elif key[1:-1].isdigit() and self._task.explainable and self._is_ranked():
                ranked = True
            else:
                others.add(key)
                self._anything()
        if not self._task.explainable and b'"boxes"' not in counts:
            use = "; this endpoint answers with class probabilities: use classify or classify_multilabel"
            self._refuse("boxes" + (use if b'"probs"' in others else ""))
        if ranked and not others and not counts:
            return
        if self._task.explainable and (not counts or counts.get(b'"probs"', 0) != counts.get(b'"labels"', 0)):
            use = "; this endpoint answers with boxes: use detect or segment"
            self._refuse("as many labels as probs" + (use if b'"boxes"' in others else ""))

    def _object(self) -> int:
        """An object that was found: with label, score, box and, for segmentation, polygon."""
        missing = {b'"label"', b'"score"', b'"box"'} | ({b'"polygon"'} if self._task is Task.SEGMENTATION else set())
        for key in self._members():
            missing.discard(key)
            if key == b'"label"':
                self._take(_LABEL, "a label")
            elif key == b'"score"':
                self._take(_SCORE, "a number")
            elif key == b'"box"':
                self._box()
            elif key == b'"polygon"' and self._task is Task.SEGMENTATION:
                for _ in self._items():
                    self._take(_PROBS, "a list of numbers")
            else:
                self._anything()
        if missing:
            use = "; if this endpoint answers with boxes alone: use detect" if missing == {b'"polygon"'} else ""
            self._refuse(f"an object with {min(missing).decode()}{use}")
        return 1

    def _box(self) -> None:
        missing = {b'"topX"', b'"topY"', b'"bottomX"', b'"bottomY"'}
        for key in self._members():
            if key in missing:
                missing.discard(key)
                self._take(_SCORE, "a number")
            else:
                self._anything()
        if missing:
            self._refuse(f"a box with {min(missing).decode()}")

    def _ranked(self) -> int:
        """One class of a Hugging Face reply."""
        if self._task.explainable and (usual := _USUAL_CLASS.match(self._body, self._at)):
            self._at = usual.end()
            return 1
        missing = {b'"label"', b'"score"'}
        for key in self._members():
            missing.discard(key)
            if key == b'"label"':
                self._take(_LABEL, "a label")
            elif key == b'"score"':
                self._take(_SCORE, "a number")
            else:
                self._anything()
        if missing or not self._task.explainable:
            self._refuse(f"an object with {min(missing).decode()}" if missing else "boxes")
        return 1

    def _is_ranked(self) -> bool:
        """Whether a class of a Hugging Face reply is here, which is taken; else it is a value of a key not ours."""
        before = self._at
        try:
            self._ranked()
        except OutOfLine:
            self._at = before
            return False
        return True

    def _members(self) -> Iterator[bytes]:
        """The keys of an object, with their quotes; whoever asks takes the value before the next one."""
        self._step()
        self._take(_OPENING_OBJECT, "an object")
        if self._sees(b"}"):
            self._take(_END_OF_MEMBER, "the end of an object")
            return
        while True:
            self._at = _OTHER_SCALARS.match(self._body, self._at).end()  # type: ignore[union-attr]
            key = self._take(_KEY, "a key").rstrip(b": \t\r\n")
            yield key if b"\\" not in key else json.dumps(json.loads(key), ensure_ascii=False).encode()
            if self._take(_END_OF_MEMBER, "a comma or the end of an object") == b"}":
                return

    def _items(self) -> Iterator[None]:
        """Once for each item of a list; whoever asks takes the item before the next one."""
        self._step()
        self._take(_OPENING_LIST, "a list")
        if self._sees(b"]"):
            self._take(_END_OF_ITEM, "the end of a list")
            return
        while True:
            yield
            if self._take(_END_OF_ITEM, "a comma or the end of a list") == b"]":
                return

    def _anything(self) -> None:
        """The value of a key that is not ours: bracket by bracket, not looked at."""
        if not (self._sees(b"[") or self._sees(b"{")):
            self._take(_SCALAR, "a value")
            return
        depth = 1
        for bracket in _TO_BRACKET.finditer(self._body, self._at + 1):
            depth += 1 if bracket[1] in b"[{" else -1
            if depth > _DEEPEST:
                self._refuse("a value of fewer levels")
            if depth == 0:
                self._at = _BLANK.match(self._body, bracket.end()).end()  # type: ignore[union-attr]
                return
        self._refuse("a value that ends")

    def _sees(self, letter: bytes) -> bool:
        return self._body.startswith(letter, self._at)

    def _take(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        taken = pattern.match(self._body, self._at)
        if taken is None:
            self._refuse(what)
        self._at = taken.end()
        return taken[1]

    def _refuse(self, wanted: str) -> NoReturn:
        here = self._body[self._at : self._at + 20].decode("ascii", "replace")
        raise OutOfLine(f"at byte {self._at}: {here or 'the end'!r} in place of {wanted}")
