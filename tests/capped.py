"""A loopback endpoint that takes a number of requests at once and refuses the next with 429, as the service does."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_REASONS = {200: "OK", 429: "Too Many Requests"}


class CappedServer:
    """Runs in a thread with an event loop of its own.

    Attributes:
        cap: requests taken at once; may be changed while it runs.
        service: seconds a request takes.
        answers: what was answered: (seconds on the clock, status).
        bodies: how often each request body came, when ``keep`` is set.
        reply_for: what is said of a request body; ``reply`` always by default.
        judge: the status for a request that is let in, by its body and number; 200 always when None.
    """

    def __init__(self, reply: bytes, cap: int = 1000, service: float = 0.05) -> None:
        self.reply = reply
        self.cap = cap
        self.service = service
        self.answers: list[tuple[float, int]] = []
        self.received: list[tuple[float, int]] = []
        self.bodies: Counter[bytes] = Counter()
        self.keep = False
        self.reply_for: Callable[[bytes], bytes] = lambda body: self.reply
        self.judge: Callable[[bytes, int], int] | None = None
        self.in_flight = self.most_in_flight = self.connections = 0
        self.url = ""
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def statuses(self, since: float = 0.0) -> Counter[int]:
        """How often each status was answered from a moment on."""
        return Counter(status for at, status in list(self.answers) if at >= since)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def hang_up(self) -> None:
        """Close every connection, as a server does with those that were idle for long."""
        for writer in list(self._writers):
            self._loop.call_soon_threadsafe(writer.close)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._taken, "127.0.0.1", 0, backlog=512))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/score"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(server))

    async def _end(self, server: asyncio.Server) -> None:
        """End all connections. Those just taken have begun by now, as the loop keeps the order of its tasks.

        One that begins after its server has closed, or is cancelled before, leaves its socket open for good.
        """
        server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)  # an ended connection closes its socket in the loop's next turn

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        self._loop.create_task(self._serve(reader, writer)).add_done_callback(lambda _: self._over(writer))

    def _over(self, writer: asyncio.StreamWriter) -> None:
        self.connections -= 1
        self._writers.discard(writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1]) if found else 0)
                self.received.append((time.monotonic(), len(body)))
                status = await self._status(body)
                writer.write(self._answer(status, body))
                await writer.drain()

    async def _status(self, body: bytes) -> int:
        if self.in_flight >= self.cap:
            self.answers.append((time.monotonic(), 429))
            return 429
        if self.keep:
            self.bodies[body] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            status = 200 if self.judge is None else self.judge(body, len(self.received))
            if self.service and status == 200:
                await asyncio.sleep(self.service)
        finally:
            self.in_flight -= 1
        self.answers.append((time.monotonic(), status))
        return status

    def _answer(self, status: int, request: bytes) -> bytes:
        body = self.reply_for(request) if status == 200 else b""
        head = f"HTTP/1.1 {status} {_REASONS.get(status, 'No')}\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body


@contextmanager
def capped(reply: bytes | None = None, cap: int = 1000, service: float = 0.05) -> Iterator[CappedServer]:
    """A running server."""
    server = CappedServer(reply if reply is not None else json.dumps([{"boxes": []}]).encode(), cap, service)
    server.start()
    try:
        yield server
    finally:
        server.stop()
