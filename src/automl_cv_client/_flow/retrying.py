"""Sends a request until it succeeds, cannot succeed, or has taken too long.

How long to wait is a wait strategy of tenacity's: the policy's own, or random exponential backoff. Waiting itself is
an effect, so the loop is written here, and neither sleeps nor knows whether it is driven by a thread or an event loop.
"""

from __future__ import annotations

import math
from typing import TypedDict

import tenacity

from automl_cv_client._flow import watching
from automl_cv_client._flow.call_settings import COST, CallSettings
from automl_cv_client._flow.effects import Flow, authorize, sleep
from automl_cv_client._protocol.http_headers import (
    CLIENT_REQUEST_ID,
    answered_by,
    answering_deployment,
    model_time,
    new_client_request_id,
    request_id,
    secret_in,
)
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._protocol.statuses import Again, again, error_of
from automl_cv_client.errors import CallError, DeadlineExceeded, InvalidInput, StatusError, TimedOut
from automl_cv_client.results import CallInfo

_ANY = tenacity.Retrying()


class How(TypedDict):
    """How a call went so far, for its error."""

    attempts: int
    elapsed: float
    client_request_id: str


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

    def send(self, request: Request) -> Flow[Reply]:
        """The reply of status 200, or the error of the last attempt raised."""
        request = request.with_headers({CLIENT_REQUEST_ID: self.client_request_id})
        tries = tenacity.RetryCallState(_ANY, None, (), {})  # what wait strategies look at
        while True:
            outcome = yield from self._try(request)
            if isinstance(outcome, Reply):
                self._succeeded()
                return outcome
            chance = self._chance_of(outcome)
            if chance is Again.NEVER or tries.attempt_number >= self.settings.retry.attempts:
                raise outcome
            tries.set_exception((type(outcome), outcome, None))
            pause = self._pause_after(outcome, tries)
            if self.settings.clock() + pause >= self._until or not self._affords(chance):
                raise outcome
            watching.retrying(self.settings, self.client_request_id, self.attempts, pause, outcome)
            tries.idle_for += pause
            tries.prepare_for_next_attempt()
            yield from sleep(pause)

    def _succeeded(self) -> None:
        self.settings.budget.give_back(self._spent)
        now = self.settings.clock()
        self.settings.tally.call(self.images, now - self.started, now)

    def how(self) -> How:
        """How the call went so far, for an error."""
        elapsed = self.settings.clock() - self.started
        return {"attempts": self.attempts, "elapsed": elapsed, "client_request_id": self.client_request_id}

    def call_info(self, reply: Reply) -> CallInfo:
        """How the call went, for its result."""
        values = {
            "request_id": request_id(reply.headers),
            "client_request_id": self.client_request_id,
            "deployment": answering_deployment(reply.headers),
            "answered_by": answered_by(reply.headers),
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
            return self._as_deadline(error).add(**self.how())
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

    def _chance_of(self, error: CallError) -> Again:
        """Whether another try helps, by the policy's own word where it has one. A second chance is given once."""
        asked = self.settings.retry.retry_on
        wanted = None if asked is None else asked(error)
        if wanted is not None:
            return Again.OFTEN if wanted else Again.NEVER
        usual = again(error)
        return Again.NEVER if usual is Again.ONCE and self._second_chance_used else usual

    def _pause_after(self, error: CallError, tries: tenacity.RetryCallState) -> float:
        """Seconds: what the service asks for, up to the policy's bound, else what the wait strategy says."""
        policy = self.settings.retry
        if isinstance(error, StatusError) and error.retry_after is not None:
            return min(error.retry_after, policy.longest_retry_after)
        wait = policy.wait or tenacity.wait_random_exponential(policy.backoff, policy.longest_backoff)
        pause = float(wait(tries))
        if not 0 <= pause < math.inf:
            raise InvalidInput(f"the wait strategy of the RetryPolicy gave {pause}: it must give seconds from 0 up")
        return pause

    def _affords(self, chance: Again) -> bool:
        """Whether the budget bears one more try, which is taken from it then."""
        cost = 2 * COST if chance is Again.ONCE else COST
        if not self.settings.budget.take(cost):
            return False
        self._spent += cost
        self._second_chance_used = self._second_chance_used or chance is Again.ONCE
        return True
