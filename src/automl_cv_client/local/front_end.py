"""The front end of a managed online endpoint: who may enter, where a request goes, and how it is answered (§6).

Headers and replies in, headers and replies out: no sockets. Header names are lower case.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from automl_cv_client.local.container import Reply, failure

_LONGEST_CLIENT_ID = 40


class FrontEnd:
    """Guards an endpoint. Used from the server's event loop only, so it needs no lock.

    Args:
        key: what a request must carry as its bearer token.
        deployments: their names; the first one has the traffic.
        max_in_flight: requests let in at once; None for any number.
    """

    def __init__(self, key: str, deployments: Sequence[str], max_in_flight: int | None) -> None:
        self._key = key.encode()
        self._deployments = tuple(deployments)
        self._max_in_flight = max_in_flight
        self._in_flight = 0

    def refuse(self, headers: Mapping[str, str], *, counted: bool) -> Reply | None:
        """The 401, 404 or 429 a request gets; None to let it in (then call ``leave`` when it is ``counted``)."""
        if not self.knows(headers):
            return failure(401, "The key in the Authorization header is missing or wrong.")
        if self.deployment(headers) not in self._deployments:
            return failure(404, "The specified deployment could not be found.")
        if counted:
            if self._max_in_flight is not None and self._in_flight >= self._max_in_flight:
                return failure(429, "Too many requests are in flight.")
            self._in_flight += 1
        return None

    def leave(self) -> None:
        """A request that was let in has its answer."""
        self._in_flight -= 1

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether the request carries the key, in time that does not depend on how much of it is right."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        right = secrets.compare_digest(token.strip().encode(), self._key)
        return right and scheme.lower() == "bearer"

    def deployment(self, headers: Mapping[str, str]) -> str:
        """The deployment asked for, or the one with the traffic."""
        return headers.get("azureml-model-deployment", self._deployments[0])


def pass_on(reply: Reply) -> Reply:
    """A container's reply as the front end hands it out: anything but 200 becomes 424."""
    if reply.status == 200:
        return reply
    reason = {"ms-azureml-model-error-statuscode": str(reply.status), "ms-azureml-model-error-reason": "model_error"}
    return replace(reply.told(reason), status=424)


def identify(headers: Mapping[str, str]) -> dict[str, str]:
    """The ids every scoring reply carries: the service's own, and the caller's as far as it is well formed."""
    request_id = str(uuid.uuid4())
    ids = {"x-ms-request-id": request_id, "x-request-id": request_id}
    client_id = re.sub(r"[^A-Za-z0-9_-]", "", headers.get("x-ms-client-request-id", ""))
    if client_id:
        ids["x-ms-client-request-id"] = client_id[:_LONGEST_CLIENT_ID]
    return ids
