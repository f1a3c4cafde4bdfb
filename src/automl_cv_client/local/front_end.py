"""The front end of a managed online endpoint: who may enter, where a request goes, and how it is answered (§6).

Headers and replies in, headers and replies out: no sockets. Header names are lower case.
"""

from __future__ import annotations

import random
import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from automl_cv_client.local.container import Reply, failure
from automl_cv_client.local.rules import EndpointRules, LocalDeployment, shares_of
from automl_cv_client.local.tokens import SCORING, WORKSPACE, Tokens

_LONGEST_CLIENT_ID = 40
_DEPLOYMENT = "azureml-model-deployment"


@dataclass
class Target:
    """A deployment as the front end sees it.

    Attributes:
        deployment: what it was told to be.
        in_flight: requests it has now.
    """

    deployment: LocalDeployment
    in_flight: int = 0


class FrontEnd:
    """Guards an endpoint. Used from the server's event loop only, so it needs no lock.

    Args:
        keys: primary and secondary; either lets in where the rules ask for a key.
        deployments: behind it.
        rules: what it does.
        tokens: what it gives out and takes.
        max_in_flight: a bound for each deployment besides its own; None for none.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        keys: Sequence[str],
        deployments: Sequence[LocalDeployment],
        rules: EndpointRules,
        tokens: Tokens,
        max_in_flight: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = [key.encode() for key in keys]
        self._targets = {deployment.name: Target(deployment) for deployment in deployments}
        self._shares = shares_of(deployments)
        self._rules = rules
        self._tokens = tokens
        self._max_in_flight = max_in_flight
        self._clock = clock
        self._started = clock()
        self._random = random.Random(rules.seed)
        self._requests = _Bucket(rules.requests_per_second, clock)
        self._bytes = _Bucket(rules.bytes_per_second, clock)

    @property
    def in_flight(self) -> dict[str, int]:
        """Requests each deployment has now."""
        return {name: target.in_flight for name, target in self._targets.items()}

    def admit(self, headers: Mapping[str, str], *, counted: bool) -> Target | Reply:
        """The deployment that is to answer, or the 401, 403, 404, 424 or 429 instead.

        A ``counted`` request is in flight from now on, until :meth:`leave`.
        """
        refused = self._unknown(headers)
        if refused is not None:
            return refused
        if counted and not self._requests.takes(1):
            return failure(429, "The rate limit of requests is exceeded.")
        target = self._target_of(headers.get(_DEPLOYMENT))
        if target is None:
            known = (
                "The specified deployment could not be found."
                if _DEPLOYMENT in headers
                else "No deployment has traffic."
            )
            return failure(404, known)
        if not counted:
            return target
        if not target.deployment.instances:
            return _not_there("too_few_model_instance", "There is no instance of the deployment.")
        if self._clock() - self._started < target.deployment.cold_start:
            return _not_there("model_not_ready", "The model is not ready.")
        bounds = [bound for bound in (target.deployment.most_in_flight, self._max_in_flight) if bound is not None]
        if bounds and target.in_flight >= min(bounds):
            return failure(429, "Too many requests are in flight.")
        target.in_flight += 1
        return target

    def leave(self, target: Target) -> None:
        """A request that was let in has its answer."""
        target.in_flight -= 1

    def weigh(self, size: int) -> Reply | None:
        """The 413 or 429 of a body of so many bytes; None to take it."""
        if size > self._rules.max_body_bytes:
            return failure(413, f"The request body is larger than {self._rules.max_body_bytes} bytes.")
        if not self._bytes.takes(size):
            return failure(429, "The rate limit of bytes is exceeded.")
        return None

    def mirrors(self) -> list[LocalDeployment]:
        """Who scores a request, too, without being heard."""
        each = [target.deployment for target in self._targets.values() if target.deployment.mirror]
        return [deployment for deployment in each if self._random.random() * 100 < deployment.mirror]

    def knows_key(self, key: str) -> bool:
        """Whether this is one of the keys, in time that does not depend on how much of it is right."""
        return sum(secrets.compare_digest(key.encode(), known) for known in self._keys) > 0

    def _unknown(self, headers: Mapping[str, str]) -> Reply | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer":
            return failure(401, "The Authorization header is missing or no bearer token.")
        if self._rules.auth == "key":
            return None if self.knows_key(token) else failure(401, "The key in the Authorization header is wrong.")
        audience = self._tokens.audience_of(token)
        if audience is None:
            return failure(401, "The token in the Authorization header is unknown or has expired.")
        if audience != (WORKSPACE if self._rules.auth == "aml_token" else SCORING):
            return failure(403, "The token in the Authorization header is for something else.")
        return None

    def _target_of(self, name: str | None) -> Target | None:
        if name is not None:
            return self._targets.get(name)
        names = [each for each, share in self._shares.items() if share]
        if not names:
            return None
        if len(names) == 1:
            return self._targets[names[0]]
        (chosen,) = self._random.choices(names, [self._shares[each] for each in names])
        return self._targets[chosen]


class _Bucket:
    """So many a second, and a second's worth at once."""

    def __init__(self, rate: float | None, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._left = rate or 0.0
        self._seen = clock()

    def takes(self, amount: float) -> bool:
        if self._rate is None:
            return True
        now = self._clock()
        self._left = min(self._rate, self._left + (now - self._seen) * self._rate)
        self._seen = now
        # One that is larger than a second's worth passes when the bucket is full, and leaves a debt.
        if self._left < min(amount, self._rate):
            return False
        self._left -= amount
        return True


def pass_on(reply: Reply, reason: str = "model_error") -> Reply:
    """A container's reply as the front end hands it out: anything but 200 becomes 424."""
    if reply.status == 200:
        return reply
    model_error = {"ms-azureml-model-error-statuscode": str(reply.status), "ms-azureml-model-error-reason": reason}
    return replace(reply.told(model_error), status=424)


def identify(headers: Mapping[str, str]) -> dict[str, str]:
    """The ids every scoring reply carries: the service's own, and the caller's as far as it is well formed."""
    request_id = str(uuid.uuid4())
    ids = {"x-ms-request-id": request_id, "x-request-id": request_id}
    client_id = re.sub(r"[^A-Za-z0-9_-]", "", headers.get("x-ms-client-request-id", ""))
    if client_id:
        ids["x-ms-client-request-id"] = client_id[:_LONGEST_CLIENT_ID]
    return ids


def _not_there(reason: str, message: str) -> Reply:
    return pass_on(failure(503, message), reason)
