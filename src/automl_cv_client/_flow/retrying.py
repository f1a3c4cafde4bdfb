"""Sends a request until it succeeds, cannot succeed, or has taken too long.

tenacity decides how often and how long; its pauses are recorded and yielded to the driver.
"""

from __future__ import annotations

from typing import Any

import tenacity

from automl_cv_client._flow import watching
from automl_cv_client._flow.call_settings import COST, CallSettings
from automl_cv_client._flow.effects import Flow, authorize, sleep
from automl_cv_client._protocol.http_headers import (
    CLIENT_REQUEST_ID,
    answering_deployment,
    model_time,
    new_client_request_id,
    request_id,
    secret_in,
)
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._protocol.statuses import Again, again, error_of
from automl_cv_client.errors import CallError, DeadlineExceeded, StatusError, TimedOut
from automl_cv_client.results import CallInfo


class Conversation:
    """One call's requests: how many went out, since when, and what they may still cost.

    Attributes:
        attempts: requests sent so far.
        images: images in the request, for those who watch.
        secret: the key or token last used, to be kept out of messages.

    Args:
        settings: how to talk to the endpoint.
        client_request_id: sent with every request of the call; by default a new one.
        started: when the call began, by the settings' clock; by default now.
    """

    def __init__(
        self, settings: CallSettings, client_request_id: str | None = None, started: float | None = None
    ) -> None:
        self.settings = settings
        self.client_request_id = client_request_id or new_client_request_id()
        self.started = settings.clock() if started is None else started
        self.attempts = 0
        self.images = 1
        self.secret = ""
        self._until = settings.last_moment(self.started)
        self._spent = 0
        self._second_chance_used = False
        self._backoff = tenacity.wait_random_exponential(settings.retry.backoff, settings.retry.longest_backoff)

    def send(self, request: Request) -> Flow[Reply]:
        """The reply of status 200, or the error of the last attempt raised."""
        request = request.with_headers({CLIENT_REQUEST_ID: self.client_request_id})
        pauses: list[float] = []
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._may_help),
            wait=self._pause,
            stop=self._gives_up,
            sleep=pauses.append,
            reraise=True,
        )
        outcome: Reply | CallError | None = None
        for attempt in retrying:
            while pauses:
                yield from self._wait(pauses.pop(), outcome)
            outcome = yield from self._try(request)
            with attempt:
                if isinstance(outcome, CallError):
                    raise outcome
                self._succeeded()
                return outcome
        raise AssertionError("tenacity ended without an outcome")

    def _wait(self, pause: float, failure: Reply | CallError | None) -> Flow[None]:
        if isinstance(failure, CallError):
            watching.retrying(self.settings, self.client_request_id, self.attempts, pause, failure)
        yield from sleep(pause)

    def _succeeded(self) -> None:
        self.settings.budget.give_back(self._spent)
        now = self.settings.clock()
        self.settings.tally.call(self.images, now - self.started, now)

    def how(self) -> dict[str, Any]:
        """How the call went so far, for an error."""
        elapsed = self.settings.clock() - self.started
        return {"attempts": self.attempts, "elapsed": elapsed, "client_request_id": self.client_request_id}

    def call_info(self, reply: Reply) -> CallInfo:
        """How the call went, for its result."""
        values = {
            "request_id": request_id(reply.headers),
            "client_request_id": self.client_request_id,
            "deployment": answering_deployment(reply.headers),
            "attempts": self.attempts,
            "elapsed": self.settings.clock() - self.started,
            "model_time": model_time(reply.headers),
        }
        return CallInfo._trusted(values)

    def _try(self, request: Request) -> Flow[Reply | CallError]:
        """One attempt; a refused token is replaced once within it."""
        try:
            header = yield from authorize(None, self._time_left())
            reply = yield from self._send_once(request, header)
            if reply.status == 401:
                fresher = yield from authorize(header, self._time_left())
                if fresher is not None:
                    reply = yield from self._send_once(request, fresher)
        except CallError as error:
            return self._told(self._as_deadline(error))
        if reply.status == 200:
            return reply
        return self._status_error(reply)

    def _send_once(self, request: Request, header: str | None) -> Flow[Reply]:
        limit = min(self.settings.timeout, self._time_left())
        self.attempts += 1
        self.secret = secret_in(header)
        signed = request.with_headers({"authorization": header} if header else {})
        who = self.client_request_id
        return (yield from watching.watched_send(self.settings, who, self.attempts, self.images, signed, limit))

    def _time_left(self) -> float:
        left = self._until - self.settings.clock()
        if left <= 0:
            raise DeadlineExceeded(self._deadline_words())
        return left

    def check_time(self) -> None:
        """Raises DeadlineExceeded when the call has taken too long."""
        if self.settings.clock() >= self._until:
            raise DeadlineExceeded(self._deadline_words(), **self.how())

    def _as_deadline(self, error: CallError) -> CallError:
        """What looks like a slow attempt is the deadline when that is what ended it."""
        if isinstance(error, TimedOut) and self.settings.clock() >= self._until:
            return DeadlineExceeded(self._deadline_words())
        return error

    def _deadline_words(self) -> str:
        return f"{self.settings.shown_url} gave no answer within the deadline of {self.settings.deadline:g} s"

    def _status_error(self, reply: Reply) -> StatusError:
        settings = self.settings
        about = {"deployment": settings.deployment, "mode": settings.mode, "scope": settings.scope}
        return error_of(reply, url=settings.shown_url, secret=self.secret, **about, **self.how())

    def _told(self, error: CallError) -> CallError:
        """The transport's error, with how the call went."""
        error.__dict__.update(self.how())
        return error

    def _may_help(self, error: BaseException) -> bool:
        kind = again(error)
        return kind is Again.OFTEN or (kind is Again.ONCE and not self._second_chance_used)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, StatusError) else None
        if asked is not None:
            return min(asked, self.settings.retry.longest_retry_after)
        return self._backoff(state)

    def _gives_up(self, state: tenacity.RetryCallState) -> bool:
        """No more: attempts, time or budget are used up. Takes from the budget when it says no."""
        if state.attempt_number >= self.settings.retry.attempts:
            return True
        if self.settings.clock() + state.upcoming_sleep >= self._until:
            return True
        error = state.outcome.exception() if state.outcome else None
        doubtful = error is not None and again(error) is Again.ONCE
        cost = 2 * COST if doubtful else COST
        if not self.settings.budget.take(cost):
            return True
        self._spent += cost
        self._second_chance_used = self._second_chance_used or doubtful
        return False
