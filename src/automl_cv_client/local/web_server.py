"""Runs an application on a loopback port in a background thread; the only file that knows uvicorn."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import uvicorn

_START_SECONDS = 10.0
_GRACE_SECONDS = 1  # for requests under way when the server stops


class WebServer:
    """A server on an open socket, which it takes over. Starts once and stops once."""

    def __init__(self, app: Any, listening: socket.socket) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                interface="asgi3",
                proxy_headers=False,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._socket = listening
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), name="automl-cv-endpoint", daemon=True
        )

    def start(self) -> None:
        """Return once requests are answered.

        Raises:
            RuntimeError: the server ended, or took longer than 10 seconds.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the local endpoint did not start: the log of uvicorn.error says why")
            time.sleep(0.005)

    def stop(self) -> None:
        """Close the port and all connections; returns within about a second."""
        self._server.should_exit = True
        self._thread.join(_GRACE_SECONDS + 5.0)
        self._socket.close()
