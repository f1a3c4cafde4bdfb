"""Brings each form in which servers reply into the common one: one list, one object per image.

MMDetection models write the common form. The others, each seen in the wild (docs/wire-contract.md):

* ``{"0": {"label", "score"}, "1": …}`` per image: Hugging Face models trained by AutoML;
* ``[{"label", "score"}, …]`` per image: Hugging Face models of the catalogue;
* a bare object instead of a list: the old ``score.py``, one image;
* an empty body: the old ``score.py`` that could not read the image;
* JSON in a JSON string: the SDK's ``invoke`` and old wrappers.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

_NULL_KEYS = ("visualizations", "attributions")  # servers 1.47 to 1.51 send them with every classification
_MOST_DIGITS = 6  # of the number of a class
_LONGEST_SAID = 10_000  # characters; shortened further once secrets are out of it
_SAYING = ("error", "message", "detail", "errorMessage")


class NotAReply(ValueError):
    """The body has none of the known forms; the text says what it is instead.

    Attributes:
        said: what the server says in it, as it stands there; None where it says nothing.
    """

    def __init__(self, problem: str, said: str | None = None) -> None:
        super().__init__(problem)
        self.said = said


def unwrapped(body: bytes) -> bytes:
    """The JSON inside a JSON string, once or twice; other bodies as they are, without a byte-order mark.

    Raises:
        NotAReply: the string is broken.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    for _ in range(2):  # JSON, a string that holds JSON, and once more to be safe
        if not body[:64].lstrip().startswith(b'"'):
            break
        body = as_json(body).encode()
    return body


def as_json(body: bytes) -> Any:
    """The value of a body. Raises NotAReply."""
    try:
        return from_json(body, allow_inf_nan=True)
    except ValueError as error:
        reason = str(error)
    raise NotAReply(f"not JSON ({reason[:200]})")


def in_common_form(body: bytes) -> list[Any]:
    """The rows of a reply of any known version, out of its :func:`unwrapped` body.

    Raises:
        NotAReply: the body is not JSON, or not of a known outer form.
    """
    if not body.strip():
        return []
    reply = as_json(body)
    if isinstance(reply, dict):
        reply = [_bare_object(reply)]
    if not isinstance(reply, list):
        raise NotAReply(f"JSON, but neither a list nor an object: {type(reply).__name__}")
    return [_row(row) for row in reply]


def said_in(row: Any) -> str | None:
    """What an object says that is no score: own scoring scripts answer ``{"error": "…"}`` with status 200."""
    for key in _SAYING if isinstance(row, dict) else ():
        said = row.get(key)
        if isinstance(said, dict):  # {"error": {"code": …, "message": …}}
            said = said.get("message") or said
        if said:
            return (said if isinstance(said, str) else repr(said))[:_LONGEST_SAID]
    return None


def _bare_object(reply: dict[str, Any]) -> dict[str, Any]:
    if "boxes" in reply or "probs" in reply or "0" in reply:
        return reply
    raise NotAReply(f"an object with the keys {sorted(reply)[:8]}", said_in(reply))


def _row(row: Any) -> Any:
    if isinstance(row, list):
        return _from_ranking(row)
    if isinstance(row, dict) and row and all(_is_number(key) for key in row):
        return _from_ranking([row[key] for key in sorted(row, key=int)])
    return row


def _is_number(key: str) -> bool:
    return len(key) <= _MOST_DIGITS and key.isascii() and key.isdigit()


def _from_ranking(ranking: list[Any]) -> Any:
    """``[{"label", "score"}, …]`` as probs and labels, in the server's order."""
    try:
        return {"probs": [ranked["score"] for ranked in ranking], "labels": [ranked["label"] for ranked in ranking]}
    except (TypeError, KeyError):
        return ranking


def without_nulls(extra: dict[str, Any]) -> dict[str, Any]:
    """Unknown keys without the explanation parts that some servers send as null."""
    return {key: value for key, value in extra.items() if not (value is None and key in _NULL_KEYS)}
