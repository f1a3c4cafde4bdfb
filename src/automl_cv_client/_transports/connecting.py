"""Connects to the first of a name's addresses that answers (RFC 8305), for threads and for event loops.

Every step has its end, the look-up of the name included: ``socket.create_connection`` gives each address the whole
time anew, and ``getaddrinfo`` cannot be given any. asyncio loses the socket of one who is cancelled at the wrong
moment, fails where tasks are eager (Python before 3.12.8 and 3.13.1), and uvloop's event loop has no such option.

This file ends when the oldest Python we support connects happy eyeballs within one bound, look-up included, in threads
and under uvloop: then ``tests/transports/test_connecting.py`` passes without it.
"""

from __future__ import annotations

import asyncio
import copy
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import zip_longest
from typing import Any

from automl_cv_client._processes import in_each_process

_HEAD_START = 0.25  # seconds until the next address is tried beside those before it

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""As ``getaddrinfo`` tells it."""


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connected socket, blocking. Raises OSError (TimeoutError when time is up) or UnicodeError."""
    until = time.monotonic() + seconds
    return connect_to(addresses_of(host, port, seconds), until)


async def connect_in_loop(host: str, port: int) -> socket.socket:
    """A connected socket. Raises OSError or UnicodeError; then, and when cancelled, no socket stays open."""
    addresses = await _addresses_in_loop(host, port)
    if len(addresses) == 1:
        return await _connected(addresses[0])
    attempts: list[asyncio.Task[socket.socket]] = []
    try:
        return await _first(iter(addresses), attempts)
    finally:
        for task in attempts:
            task.cancel()
            task.add_done_callback(_close)


class _LookUps:
    """Look-ups under way: one per name, in a thread of its own, as nothing ends one that the name server ignores."""

    def __init__(self) -> None:
        in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[list[Address]]] = {}

    def look_up(self, host: str, port: int) -> Future[list[Address]]:
        """The addresses to come."""
        with self._lock:
            future = self._under_way.get((host, port))
            if future is not None:
                return future
            future = self._under_way[host, port] = Future()
            future.set_running_or_notify_cancel()
        try:
            threading.Thread(target=self._resolve, args=(host, port, future), daemon=True).start()
        except RuntimeError:  # the interpreter is at its end, and starts no threads any more
            self._resolve(host, port, future)
        return future

    def _resolve(self, host: str, port: int, future: Future[list[Address]]) -> None:
        try:
            addresses = _in_turns(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            failure = None
        except Exception as error:  # noqa: BLE001 - else the callers would wait for ever
            addresses, failure = [], error.with_traceback(None)
        with self._lock:
            del self._under_way[host, port]
        if failure is None:
            future.set_result(addresses)
        else:
            future.set_exception(failure)


_look_ups = _LookUps()


def addresses_of(host: str, port: int, seconds: float) -> list[Address]:
    """All addresses of a name, families taking turns. Raises OSError (TimeoutError when time is up), UnicodeError."""
    numeric = _numeric(host, port)
    if numeric is not None:
        return numeric
    future = _look_ups.look_up(host, port)
    try:
        failure = future.exception(seconds)
    except TimeoutError:
        raise TimeoutError(f"no address for {host} in time") from None
    if failure is not None:
        raise copy.copy(failure)  # each caller its own
    return future.result()


async def _addresses_in_loop(host: str, port: int) -> list[Address]:
    numeric = _numeric(host, port)
    if numeric is not None:
        return numeric
    waiting = asyncio.wrap_future(_look_ups.look_up(host, port))  # not to_thread: asyncio.run would wait for the thread
    try:
        return await waiting
    except Exception as error:  # noqa: BLE001 - each caller its own
        failure = copy.copy(error)
    raise failure


def _numeric(host: str, port: int) -> list[Address] | None:
    """An address itself needs no look-up."""
    try:
        return [*socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)]
    except socket.gaierror:
        return None


def _in_turns(addresses: Iterable[Address]) -> list[Address]:
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


def connect_to(addresses: list[Address], until: float) -> socket.socket:
    """A socket connected to the first that answers; ``until`` is on the clock of ``time.monotonic``."""
    waiting, failures = deque(addresses), list[OSError]()
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError("no address answered in time")
                if waiting:
                    _begin_to_connect(waiting.popleft(), selector, failures)
                if not selector.get_map():
                    continue
                for key, _ in selector.select(min(left, _HEAD_START) if waiting else left):
                    attempt: Any = key.fileobj
                    selector.unregister(attempt)
                    failure = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not failure:
                        return _ready(attempt)
                    attempt.close()
                    failures.append(OSError(failure, os.strerror(failure)))
        finally:
            for key in list(selector.get_map().values()):
                loser: Any = key.fileobj
                loser.close()
    raise _all_failed(failures)


def _begin_to_connect(address: Address, selector: selectors.BaseSelector, failures: list[OSError]) -> None:
    family, kind, protocol, _, end = address
    try:
        attempt = socket.socket(family, kind, protocol)
    except OSError as error:  # no IPv6 here
        failures.append(error)
        return
    try:
        attempt.setblocking(False)
        attempt.connect(end)
    except BlockingIOError:
        pass
    except OSError as error:
        attempt.close()
        failures.append(error)
        return
    selector.register(attempt, selectors.EVENT_WRITE)


def _ready(connected: socket.socket) -> socket.socket:
    connected.setblocking(True)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _all_failed(failures: list[OSError]) -> OSError:
    reasons = dict.fromkeys(str(failure) for failure in failures)
    return OSError("; ".join(reasons) or "the name has no address")


async def _first(addresses: Iterator[Address], attempts: list[asyncio.Task[socket.socket]]) -> socket.socket:
    """The socket that connects first; it is taken out of ``attempts``."""
    failures: list[OSError] = []
    trying: set[asyncio.Task[socket.socket]] = set()
    address = next(addresses, None)
    while address is not None or trying:
        if address is not None:
            attempts.append(asyncio.ensure_future(_connected(address)))
            trying.add(attempts[-1])
        address = next(addresses, None)
        head_start = None if address is None else _HEAD_START
        ended, trying = await asyncio.wait(trying, timeout=head_start, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            failure = task.exception()
            if failure is None:
                attempts.remove(task)
                return task.result()
            if not isinstance(failure, OSError):
                raise failure
            failures.append(failure)
    raise _all_failed(failures)


async def _connected(address: Address) -> socket.socket:
    family, kind, protocol, _, end = address
    attempt = socket.socket(family, kind, protocol)
    try:
        attempt.setblocking(False)
        await asyncio.get_running_loop().sock_connect(attempt, end)
    except BaseException:
        attempt.close()
        raise
    return attempt


def _close(task: asyncio.Task[socket.socket]) -> None:
    """Close what was connected too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
