"""Connects a socket in the running event loop, to the first of a name's addresses that answers (RFC 8305).

asyncio can do that, too, but loses the socket of one who is cancelled at the wrong moment, fails where tasks are eager
(Python before 3.12.8 and 3.13.1), and uvloop's event loop does not know the option.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

_HEAD_START = 0.25  # seconds until the next address is tried beside those before it

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""As ``getaddrinfo`` tells it."""


async def connected_socket(host: str, port: int) -> socket.socket:
    """A socket that is connected. Raises OSError or UnicodeError; then, and when cancelled, no socket stays open."""
    addresses = await _addresses(host, port)
    if len(addresses) == 1:
        return await _connected(addresses[0])
    tried: list[asyncio.Task[socket.socket]] = []
    try:
        return await _first(iter(addresses), tried)
    finally:
        for task in tried:
            task.cancel()
            task.add_done_callback(_close)


async def _addresses(host: str, port: int) -> list[Address]:
    """All there are, families taking turns."""
    try:  # an address itself needs no thread
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families: dict[int, list[Address]] = {}
    for one in found:
        families.setdefault(one[0], []).append(one)
    return [one for turn in zip_longest(*families.values()) for one in turn if one is not None]


async def _first(addresses: Iterator[Address], tried: list[asyncio.Task[socket.socket]]) -> socket.socket:
    """The socket that connects first; it is taken out of ``tried``."""
    failures: list[OSError] = []
    trying: set[asyncio.Task[socket.socket]] = set()
    address = next(addresses, None)
    while address is not None or trying:
        if address is not None:
            tried.append(asyncio.ensure_future(_connected(address)))
            trying.add(tried[-1])
        address = next(addresses, None)
        head_start = None if address is None else _HEAD_START
        ended, trying = await asyncio.wait(trying, timeout=head_start, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            failure = task.exception()
            if failure is None:
                tried.remove(task)
                return task.result()
            if not isinstance(failure, OSError):
                raise failure
            failures.append(failure)
    words = dict.fromkeys(str(failure) for failure in failures)
    raise OSError("; ".join(words) or "the name has no address")


async def _connected(address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    one = socket.socket(family, kind, protocol)
    try:
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, place)
    except BaseException:
        one.close()
        raise
    return one


def _close(task: asyncio.Task[socket.socket]) -> None:
    """Close what was connected too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
