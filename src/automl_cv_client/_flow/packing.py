"""Packs images into as few requests as the policy's limit of bytes allows, in order; no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from automl_cv_client._imaging import ImagePolicy, PreparedImage
from automl_cv_client._imaging.policy import REQUEST_OVERHEAD

_PUNCTUATION = 3
"""Bytes around an image in a list of strings."""


def packed(prepared: Sequence[PreparedImage], policy: ImagePolicy) -> list[list[PreparedImage]]:
    """The images of each request. An image that is too large by itself cannot occur: it was made to fit."""
    if policy.most_request_bytes is None:
        return [list(prepared)] if prepared else []
    packs: list[list[PreparedImage]] = []
    room = 0
    for one in prepared:
        needed = (len(one.data) + 2) // 3 * 4 + _PUNCTUATION
        if not packs or needed > room:
            packs.append([])
            room = policy.most_request_bytes - REQUEST_OVERHEAD
        packs[-1].append(one)
        room -= needed
    return packs
