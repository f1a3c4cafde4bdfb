"""Shows a little of what a server sent, without secrets, images or control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 2000  # characters of an excerpt
SHORTEST_SECRET = 8  # characters; real keys have 32 and more, and a shorter one may be a common word
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_=\\-]{80,}")  # images and tokens; no word of a message is as long
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def excerpt(body: bytes, secrets: Iterable[str] = (), longest: int = LONGEST) -> str:
    """The beginning of a body as one safe line of at most ``longest`` characters."""
    # Read further than is shown, so that a secret or image that begins inside the excerpt is seen whole.
    return clean(body[: longest + 8192].decode("utf-8", "replace"), secrets, longest)


def clean(text: str, secrets: Iterable[str] = (), longest: int = LONGEST) -> str:
    """``text`` as one safe line: secrets replaced, long base64 shortened, control characters removed."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "<secret>")
    text = _BASE64_RUN.sub(lambda run: f"<{len(run[0])} characters>", text)
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"
