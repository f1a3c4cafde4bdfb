"""An endpoint with the service's limits; run by benchmarks/planning.py.

Arguments: how many it scores at once, seconds the model takes, bytes per second, bytes of a reply. As many requests as
are scored may wait besides; the next one is answered 429. Bytes pass one after the other, whosever they are.
"""

from __future__ import annotations

import asyncio
import json
import sys

from tests.capped import CappedServer


class LimitedServer(CappedServer):
    """Instances with a queue, behind a front end of so many bytes per second."""

    def __init__(self, at_once: int, model: float, bytes_per_second: float, reply_bytes: int) -> None:
        reply = json.dumps([{"boxes": [], "filename": "x" * max(0, reply_bytes - 30)}]).encode()
        super().__init__(reply, cap=2 * at_once, service=model)
        self.instances = asyncio.Semaphore(at_once)
        self.bytes_per_second = bytes_per_second
        self.bytes_passed_at = 0.0

    async def _status(self, body: bytes) -> int:
        now = asyncio.get_running_loop().time()
        self.bytes_passed_at = max(now, self.bytes_passed_at) + (len(body) + len(self.reply)) / self.bytes_per_second
        await asyncio.sleep(self.bytes_passed_at - now)
        if self.in_flight >= self.cap:
            return 429
        self.in_flight += 1
        try:
            async with self.instances:
                await asyncio.sleep(self.service)
        finally:
            self.in_flight -= 1
        return 200


def main() -> None:
    at_once, model, bytes_per_second, reply_bytes = sys.argv[1:]
    server = LimitedServer(int(at_once), float(model), float(bytes_per_second), int(reply_bytes))
    server.start()
    print(server.url, flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
