"""Lets the requests of a run out only as fast as its traffic allows: for threads.

A group of images takes its turn where its flow asks for authorization, which is the step before each attempt:
so the time it waits is not taken from the attempt's own ``timeout``.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace

from automl_cv_client._flow import run
from automl_cv_client._flow.traffic import Traffic
from automl_cv_client._protocol.http_headers import CLIENT_REQUEST_ID, new_client_request_id
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.backends import BlockingBackend
from automl_cv_client.errors import CallError, TimedOut

FOREVER = 3600.0  # seconds
AWAY = "the endpoint was away, and did not come back in time"
_NO_TURN = "no turn to send in time: the endpoint answers too slowly for the deadline"


class Stopped(Exception):
    """The run is over: this group is not scored any more. Never seen by users."""


class Conversations:
    """Tells a request that is sent again from a new one of the same group."""

    def __init__(self) -> None:
        self._latest: str | None = None

    def goes_on(self, request: Request) -> bool:
        """Whether the request before this one had the same id."""
        before, self._latest = self._latest, request.headers.get(CLIENT_REQUEST_ID)
        return before is not None and before == self._latest


class Gate:
    """The way out for threads. ``turn`` and ``news`` share one lock, under which all state is kept.

    ``harmless`` is the body of a request that finds out whether an endpoint that seems to be away is there.
    """

    def __init__(self, backend: BlockingBackend, traffic: Traffic, harmless: bytes) -> None:
        self.backend = backend
        self.traffic = traffic
        self.harmless = harmless
        self.lock = threading.Lock()
        self.turn = threading.Condition(self.lock)
        self.news = threading.Condition(self.lock)
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Nothing more goes out; whoever waits or pauses gives up."""
        with self.lock:
            self.stopped.set()
            self.turn.notify_all()
            self.news.notify_all()

    def wake(self) -> None:
        """Something changed: as many waiting groups look again as there are places (the lock is held)."""
        if self.traffic.breaker.open:
            self.turn.notify_all()
        else:
            self.turn.notify(self.traffic.free)


class Passage:
    """One group's way through a gate: the backend of its flow."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._conversations = Conversations()
        self._waiting = True  # from being read to its first turn
        self._inside = False
        traffic = gate.traffic
        with gate.lock:
            traffic.waiting += 1
            traffic.active += 1

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        if refused is None:
            self._take_turn(limit)
        header = self._gate.backend.authorize(refused, limit)
        if refused is not None and header is not None:
            self._take_turn(limit)
        return header

    def send(self, request: Request, limit: float) -> Reply:
        again = self._conversations.goes_on(request)
        if self._gate.traffic.breaker.away:
            limit = self._wait_for_endpoint(request, limit)
        return self._exchange(request, limit, again=again)

    def _wait_for_endpoint(self, request: Request, limit: float) -> float:
        """Send a harmless image a second until the endpoint is back; the seconds of the limit that are left then."""
        gate, traffic = self._gate, self._gate.traffic
        until = traffic.clock() + limit
        try:
            while traffic.breaker.away:
                with suppress(CallError):  # it is counted, and says nothing of this image
                    self._exchange(harmless(request, gate.harmless), until - traffic.clock(), last=False)
                self.pause(traffic.breaker.wait(traffic.clock()))
                give_up(traffic.breaker.open is not None, until - traffic.clock(), AWAY)
        except BaseException:
            with gate.lock:
                self._leave()
            raise
        return until - traffic.clock()

    def _exchange(self, request: Request, limit: float, *, again: bool = False, last: bool = True) -> Reply:
        """Send; after the ``last`` request the turn is over."""
        gate = self._gate
        with gate.lock:
            sent = gate.traffic.sent(len(request.body), again=again)
        try:
            reply = gate.backend.send(request, limit)
        except BaseException as error:
            with gate.lock:
                gate.traffic.failed(sent, error)
                if last:
                    self._leave()
            raise
        with gate.lock:
            gate.traffic.answered(sent, reply)
            if last:
                self._leave()
        return reply

    def pause(self, seconds: float) -> None:
        """Wait before another try. Raises Stopped when the run ends before."""
        run.pause(seconds, self._gate.stopped)
        if self._gate.stopped.is_set():
            raise Stopped

    def end(self) -> None:
        """The group is done."""
        gate = self._gate
        with gate.lock:
            if self._inside:
                self._leave()
            if self._waiting:
                gate.traffic.waiting -= 1
            gate.traffic.active -= 1
            gate.wake()
            gate.news.notify()

    def _take_turn(self, limit: float | None) -> None:
        gate, traffic = self._gate, self._gate.traffic
        until = traffic.clock() + (FOREVER if limit is None else limit)
        with gate.lock:
            if self._inside:
                return
            if not self._waiting:
                self._waiting = True
                traffic.waiting += 1
            while (wait := traffic.wait()) != 0 or gate.stopped.is_set() or traffic.breaker.open:
                left = until - traffic.clock()
                give_up(gate.stopped.is_set() or traffic.breaker.open is not None, left)
                gate.turn.wait(left if wait is None else min(left, wait))
            self._waiting, self._inside = False, True
            traffic.waiting -= 1
            traffic.take()
            gate.news.notify()  # one more group may be read

    def _leave(self) -> None:
        self._inside = False
        self._gate.traffic.leave()
        self._gate.wake()


def harmless(request: Request, body: bytes) -> Request:
    """To the same place with the same credential."""
    return replace(request.with_headers({CLIENT_REQUEST_ID: new_client_request_id()}), body=body)


def give_up(stopped: bool, left: float, why: str = _NO_TURN) -> None:
    """Raise Stopped when the run is over, and TimedOut when no seconds are left."""
    if stopped:
        raise Stopped
    if left <= 0:
        raise TimedOut(why)
