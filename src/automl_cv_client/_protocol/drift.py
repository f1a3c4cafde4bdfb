"""Brings the replies of other server versions into today's form: one list, one object an image.

The forms, each seen in the wild (docs/wire-contract.md):

* a bare object instead of a list: the old ``score.py``, one image;
* an empty body: the old ``score.py`` that could not read the image;
* JSON in a JSON string: the SDK's ``invoke`` and old wrappers;
* ``{"0": {"label", "score"}, "1": …}`` an image: Hugging Face models trained by AutoML;
* ``[{"label", "score"}, …]`` an image: Hugging Face models of the catalogue.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

_NULL_KEYS = ("visualizations", "attributions")  # servers 1.47 to 1.51 send them with every classification


class NotAReply(ValueError):
    """The body has none of the known forms; the text says what it is instead."""


def modernised(body: bytes) -> list[Any]:
    """The rows of a reply of any known version.

    Raises:
        NotAReply: the body is not JSON, or not of a known outer form.
    """
    if not body.strip():
        return []
    reply = _decoded(body)
    if isinstance(reply, dict):
        reply = [_bare_object(reply)]
    if not isinstance(reply, list):
        raise NotAReply(f"JSON, but neither a list nor an object: {type(reply).__name__}")
    return [_modern_row(row) for row in reply]


def _decoded(body: bytes) -> Any:
    value: Any = body.removeprefix(b"\xef\xbb\xbf")
    for _ in range(3):  # JSON, a string that holds JSON, and once more to be safe
        if not isinstance(value, str | bytes):
            break
        try:
            value = from_json(value, allow_inf_nan=True)
        except ValueError as error:
            reason = str(error)
        else:
            continue
        raise NotAReply(f"not JSON ({reason})")
    return value


def _bare_object(reply: dict[str, Any]) -> dict[str, Any]:
    if "boxes" in reply or "probs" in reply or "0" in reply:
        return reply
    raise NotAReply(f"an object with the keys {sorted(map(str, reply))[:8]}")


def _modern_row(row: Any) -> Any:
    if isinstance(row, list):
        return _from_ranking(row)
    if isinstance(row, dict) and row and all(key.isdigit() for key in row):
        return _from_ranking([row[key] for key in sorted(row, key=int)])
    return row


def _from_ranking(ranking: list[Any]) -> Any:
    """``[{"label", "score"}, …]`` as probs and labels, in the server's order."""
    try:
        return {"probs": [one["score"] for one in ranking], "labels": [one["label"] for one in ranking]}
    except (TypeError, KeyError):
        return ranking


def without_nulls(extra: dict[str, Any]) -> dict[str, Any]:
    """Unknown keys without the explanation parts that some servers send as null."""
    return {key: value for key, value in extra.items() if not (value is None and key in _NULL_KEYS)}
