"""Delivers a scripted answer in pieces, with its delays, for every way a fake endpoint is reached."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from automl_cv_client._flow import run
from automl_cv_client.testing.replies import Reply


class BrokenOff(Exception):
    """The script loses the connection here."""


def waits_too_long(reply: Reply, limit: float | None) -> bool:
    """Whether a client that waits ``limit`` seconds for the first byte gives up on this answer."""
    return limit is not None and reply.delay >= limit


def begin(reply: Reply, limit: float | None = None) -> None:
    """Wait as long as the answer, or the client that gives up, takes."""
    if reply.delay:
        run.pause(reply.delay if limit is None else min(reply.delay, limit))
    if reply.broken == "before":
        raise BrokenOff


async def begin_async(reply: Reply, limit: float | None = None) -> None:
    """As :func:`begin`, awaited."""
    if reply.delay:
        await run.pause_async(reply.delay if limit is None else min(reply.delay, limit))
    if reply.broken == "before":
        raise BrokenOff


def pieces(reply: Reply) -> Iterator[bytes]:
    """The body as it goes out."""
    for piece in _cut(reply):
        yield piece
        if reply.drip:
            run.pause(reply.drip)
    if reply.broken == "within":
        raise BrokenOff


async def pieces_async(reply: Reply) -> AsyncIterator[bytes]:
    """As :func:`pieces`, awaited."""
    for piece in _cut(reply):
        yield piece
        if reply.drip:
            await run.pause_async(reply.drip)
    if reply.broken == "within":
        raise BrokenOff


def all_headers(reply: Reply) -> dict[str, str]:
    """The headers with the length, the whole one also of a body that will be cut."""
    return {"content-type": "application/json", **reply.headers, "content-length": str(len(reply.body))}


def _cut(reply: Reply) -> list[bytes]:
    body = reply.body[: len(reply.body) // 2] if reply.broken == "within" else reply.body
    if reply.drip:
        return [body[place : place + 1] for place in range(len(body))]
    return [body] if body else []
