"""Fetches a secret when it is missing, old or refused: once, for any number of callers, threads and tasks alike.

The fetching runs in a thread of its own, so that every caller can stop waiting when its own time is up, and so
that one way serves blocking and awaited clients.
"""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field, replace
from typing import NoReturn

from automl_cv_client._processes import in_each_process
from automl_cv_client.credentials.contract import Secret
from automl_cv_client.errors import AutoMLVisionError, TimedOut

SKEW = 300.0  # seconds by which our clock may be behind the service's
_PATIENCE = 30.0  # seconds before something that has just failed, or not helped, is retried


@dataclass(slots=True)
class _Renewal:
    """A fetch under way: whether it answers a refusal, and what becomes of it (an error is a value here)."""

    refused: str | None
    done: Future[Secret | AutoMLVisionError] = field(default_factory=Future)


class RenewedCredential:
    """A secret that is fetched, kept and renewed. Thread-safe.

    Args:
        mode: the authentication mode, for messages.
        fetch: fetches a secret, blocking; is given the header that was refused, if one was.
        scope: what the secret is for, for messages.
        bind: told the running event loop before a fetch that a task waits for.
        close: closes what ``fetch`` opened.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        mode: str,
        fetch: Callable[[str | None], Secret],
        *,
        scope: str | None = None,
        bind: Callable[[asyncio.AbstractEventLoop], None] | None = None,
        close: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.mode = mode
        self.scope = scope
        self._fetch = fetch
        self._bind = bind
        self._close = close
        self._clock = clock
        self._held: Secret | None = None
        self._no_better: tuple[str, float] = ("", 0.0)
        in_each_process(self._begin)

    def _begin(self) -> None:
        """A child keeps the secret that is held; the thread that fetches another one is the parent's alone."""
        self._lock = threading.Lock()
        self._under_way: _Renewal | None = None

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        """The header; raises AuthenticationFailed, TransportError or TimedOut when none can be had."""
        until = None if limit is None else time.monotonic() + limit
        while True:
            found = self._held_or_renewal(refused)
            if not isinstance(found, _Renewal):
                return found
            try:
                outcome = found.done.result(None if until is None else max(0.0, until - time.monotonic()))
            except FutureTimeout:
                outcome = self._too_slow(limit)
            header = _header(outcome)
            if header != refused:
                return header
            if found.refused == refused:
                return None

    async def authorize_async(self, refused: str | None, limit: float | None) -> str | None:
        """As :meth:`authorize`, awaited."""
        self.bind(asyncio.get_running_loop())
        until = None if limit is None else time.monotonic() + limit
        while True:
            found = self._held_or_renewal(refused)
            if not isinstance(found, _Renewal):
                return found
            waiting = asyncio.wrap_future(found.done)  # a running future is not cancelled with the task that waits
            done, _ = await asyncio.wait([waiting], timeout=None if until is None else until - time.monotonic())
            header = _header(waiting.result() if done else self._too_slow(limit))
            if header != refused:
                return header
            if found.refused == refused:
                return None

    def close(self) -> None:
        """Close what was opened to fetch secrets."""
        if self._close is not None:
            self._close()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fetch in this loop, where the fetching needs one."""
        if self._bind is not None:
            self._bind(loop)

    def _held_or_renewal(self, refused: str | None) -> str | _Renewal | None:
        """The header when it will do, None when there is no fresher one, else the fetch to wait for."""
        with self._lock:
            held = self._held
            if held is not None and held.header != refused and self._clock() < held.renew_at:
                return held.header
            if refused is not None and refused == self._no_better[0] and time.monotonic() < self._no_better[1]:
                return None
            if self._under_way is None:
                self._under_way = _Renewal(refused)
                self._under_way.done.set_running_or_notify_cancel()
                threading.Thread(target=self._renew, args=(self._under_way,), daemon=True).start()
            return self._under_way

    def _renew(self, renewal: _Renewal) -> None:
        outcome: Secret | AutoMLVisionError
        try:
            outcome = self._fetch(renewal.refused)
        except AutoMLVisionError as error:
            outcome = error.with_traceback(None)
        except BaseException as error:  # noqa: BLE001 - else the callers would wait for ever
            outcome = AutoMLVisionError(f"the credential failed ({type(error).__name__})")
        with self._lock:
            self._under_way = None
            outcome = self._kept(outcome, renewal.refused)
        renewal.done.set_result(outcome)

    def _kept(self, outcome: Secret | AutoMLVisionError, refused: str | None) -> Secret | AutoMLVisionError:
        """Remember what was fetched; when nothing was, go on with a secret that is old and still good."""
        now, held = self._clock(), self._held
        if isinstance(outcome, Secret):
            if outcome.renew_at <= now:  # short-lived: use it nevertheless, and do not ask at every call
                outcome = replace(outcome, renew_at=min(now + _PATIENCE, outcome.expires_at))
            if outcome.header == refused:
                self._no_better = (refused, time.monotonic() + _PATIENCE)
            self._held = outcome
        elif held is not None and held.header != refused and now < held.expires_at:
            outcome = self._held = replace(held, renew_at=min(now + _PATIENCE, held.expires_at))
        return outcome

    def _too_slow(self, limit: float | None) -> AutoMLVisionError:
        what = f"a token for {self.scope}" if self.scope else "the endpoint's key or token"
        return TimedOut(f"{what} did not come within {limit or 0:.3g} s")

    def __repr__(self) -> str:
        scope = f", scope={self.scope!r}" if self.scope else ""
        return f"{type(self).__name__}(mode={self.mode!r}{scope})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled, as it holds a secret: make a new one in each process")


def _header(outcome: Secret | AutoMLVisionError) -> str:
    if isinstance(outcome, AutoMLVisionError):
        raise copy.copy(outcome)  # each caller its own, as each adds how its call went
    return outcome.header
